//! From collected fields to commands: pure and synchronous.

use http::HeaderMap;
use upload_checksum::Digest;
use upload_core::lifecycle::{Begin, MAX_FILE_NAME, Unique};
use upload_core::record::Addressing;
use upload_core::{Error, Result, TenantName};

use super::render::Failure;
use super::settings::WicksonSettings;
use super::wire::{
    COLLECTION_ID, DEFAULT_COLLECTION, FILE, FORCE_OVERWRITE, Family, INCLUDE_VECTORS, Kept, MOST_COLLECTION,
    NAME,
};
use crate::form::Fields;
use crate::multipart::PartHead;
use crate::request::{media_type, query_pairs, shown};
use crate::uuid::Uuid;

/// What a client wants besides that its file is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) collection: String,
    pub(super) overwrite: bool,
    pub(super) vectors: bool,
}

/// A form is a request that may have a file.
pub(super) fn is_form(headers: &HeaderMap) -> Result<(), Failure> {
    let found = match media_type(headers) {
        Ok(found) if found == "multipart/form-data" => return Ok(()),
        Ok(found) => format!("is {found:?}"),
        Err(_) => "has no Content-Type".to_owned(),
    };
    Err(Failure::MissingFile(format!("expected multipart/form-data with a file; the request {found}")))
}

/// The query: whether vectors are wanted.
pub(super) fn query(query: Option<&str>) -> Result<bool> {
    let mut values = query_pairs(query).filter(|(name, _)| name == INCLUDE_VECTORS);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => boolean(INCLUDE_VECTORS, &value),
        (None, _) => Ok(false),
        _ => Err(Error::invalid(format!("the query has more than one {INCLUDE_VECTORS}"))),
    }
}

/// The fields, as far as they are known; `vectors` if the query wants them.
pub(super) fn wishes(fields: &Fields, vectors: bool) -> Result<Wishes> {
    let flag = |name| fields.get(name).map_or(Ok(false), |text| boolean(name, text));
    let collection = fields.get(COLLECTION_ID).map_or(DEFAULT_COLLECTION, String::as_str);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !(1..=MOST_COLLECTION).contains(&collection.len()) || !collection.bytes().all(plain) {
        return Err(Error::invalid(format!(
            "{COLLECTION_ID} must be 1 to {MOST_COLLECTION} of A-Z, a-z, 0-9, '.', '_' and '-'; got {}",
            shown(collection)
        )));
    }
    Ok(Wishes {
        collection: collection.to_owned(),
        overwrite: flag(FORCE_OVERWRITE)?,
        vectors: flag(INCLUDE_VECTORS)? | vectors,
    })
}

fn boolean(name: &str, text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Error::invalid(format!("{name} must be true, false, 1 or 0; got {}", shown(text)))),
    }
}

/// The file's name. Without one it is a mere field, and with an empty one nothing was chosen in a browser's form.
pub(super) fn file_name(file: &PartHead) -> Result<&str, Failure> {
    match file.file_name.as_deref() {
        None => {
            Err(Failure::MissingFile(format!("the part {FILE} is a field, not a file: it has no filename")))
        }
        Some("") => {
            Err(Failure::MissingFile(format!("the part {FILE} has an empty filename: no file was chosen")))
        }
        Some(name) if name.len() > MAX_FILE_NAME => {
            let text = format!("the file name has {} bytes; at most {MAX_FILE_NAME} are allowed", name.len());
            Err(Error::invalid(text).into())
        }
        Some(name) => Ok(name),
    }
}

/// The kind of media that content of this type is.
pub(super) fn family(content_type: Option<&str>) -> Family {
    match content_type.and_then(|found| found.split('/').next()) {
        Some("image") => Family::Image,
        Some("audio") => Family::Audio,
        Some("video") => Family::Video,
        Some("model") => Family::Model,
        _ => Family::Document,
    }
}

/// What is kept of a file of this kind, with these bytes, in a collection of this tenant. The same again gets the same id.
pub(super) fn kept(tenant: &TenantName, collection: &str, family: Family, sha256: &Digest) -> Kept {
    let uuid = Uuid::named(tenants(tenant), &format!("{collection}/{}", sha256.to_hex()));
    Kept {
        media_id: format!("{}_{uuid}", family.prefix()),
        media_type: family.name().to_owned(),
        collection: collection.to_owned(),
    }
}

/// The namespace of a tenant's ids.
pub(super) fn tenants(tenant: &TenantName) -> Uuid {
    Uuid::named(Uuid::URL, &format!("tenant:{tenant}"))
}

/// The command.
pub(super) fn begin(settings: &WicksonSettings, wishes: &Wishes, file_name: &str, kept: &Kept) -> Begin {
    let mut begin = Begin::new(&settings.destination, Addressing::Offsets, None);
    begin.file_name = Some(file_name.to_owned());
    begin.extras.extend(serde_json::to_value(kept).ok().map(|kept| (NAME.to_owned(), kept)));
    let mut unique = Unique::new(NAME, &wishes.collection);
    unique.replace = wishes.overwrite;
    begin.unique = Some(unique);
    begin.charges = settings.charges();
    begin
}
