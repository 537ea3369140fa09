//! From queries and JSON to commands: pure and synchronous.

mod progress;
mod query;

use serde_json::{Map, Value};
use upload_checksum::{Algorithm, Digest};
use upload_core::lifecycle::{Begin, Claim, IndexEntry, MAX_FILE_NAME};
use upload_core::record::Addressing;
use upload_core::{UploadId, Visibility};

use self::query::digits;
use super::render::Failure;
use super::settings::PlaceosSettings;
use super::wire::{ID, Kept, MOST_DIRECT, MOST_MINUTES, NAME, Permissions};

pub(super) use self::progress::{Next, edit, patch, progress, tells_progress};
pub(super) use self::query::{Listing, Query, link, list};

type Result<T, E = Failure> = std::result::Result<T, E>;

/// Most bytes of a text that is only kept: an id of the store's, a look-up key.
const MAX_TEXT: usize = 1024;
/// Most bytes of all tags of an upload, four more for each.
const MAX_TAGS: usize = 4096;

/// The upload that a path names.
pub(super) fn id(segment: &str) -> Option<UploadId> {
    UploadId::parse(segment.strip_prefix(ID)?).ok()
}

/// A body that is a JSON object; nothing at all is an empty one.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(Failure::Refused("the body must be a JSON object".to_owned())),
        Err(e) => Err(Failure::Refused(format!("the body is not JSON: {e}"))),
    }
}

/// What an upload is to be.
#[derive(Debug, PartialEq)]
pub(super) struct New {
    /// Cleaned.
    pub(super) file_name: String,
    pub(super) length: u64,
    /// The MD5 of the content, of one that comes in one request.
    pub(super) digest: Option<Digest>,
    /// Minutes that the first signature is to be good, if more than usual.
    pub(super) minutes: u64,
    pub(super) kept: Kept,
}

/// The body that begins an upload.
pub(super) fn create(object: &Map<String, Value>, settings: &PlaceosSettings) -> Result<New> {
    let file_name = text(object, "file_name")?.ok_or_else(|| Failure::missing("file_name", "String"))?;
    let length = length(object.get("file_size"))?;
    let file_id = text(object, "file_id")?.ok_or_else(|| Failure::missing("file_id", "String"))?;
    let file_mime = text(object, "file_mime")?.filter(|mime| !mime.is_empty());
    check(&file_name, file_mime.as_deref(), settings)?;
    let clean = clean_name(&file_name)?;
    check(&clean, None, settings)?;
    let resumable = length > MOST_DIRECT;
    let digest = if resumable { None } else { Some(md5(&file_id).ok_or_else(not_md5)?) };
    let permissions = match object.get("permissions") {
        None | Some(Value::Null) => Permissions::None,
        Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "none" | "" => Permissions::None,
            "admin" => Permissions::Admin,
            "support" => Permissions::Support,
            _ => return Err(Failure::value("permissions", "none, admin or support")),
        },
        Some(_) => return Err(Failure::value("permissions", "none, admin or support")),
    };
    let public = match object.get("public") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(public)) => *public,
        Some(_) => return Err(Failure::value("public", "Bool")),
    };
    let kept = Kept {
        file_id: short(file_id, "file_id")?,
        file_mime,
        file_path: text(object, "file_path")?.map(|path| short(path, "file_path")).transpose()?,
        public,
        permissions,
        resumable,
        tags: tags(object.get("tags"))?,
        cache_etag: text(object, "cache_etag")?.map(|tag| short(tag, "cache_etag")).transpose()?,
        cache_modified: text(object, "cache_modified")?
            .map(|time| short(time, "cache_modified"))
            .transpose()?,
    };
    Ok(New { file_name: clean, length, digest, minutes: minutes(object.get("expires"))?, kept })
}

/// Checks the query that asks where a file would go.
pub(super) fn asked(query: &Query, settings: &PlaceosSettings) -> Result<()> {
    let file_name = query.get("file_name").ok_or_else(|| Failure::missing("file_name", "String"))?;
    let size = query.get("file_size").map(|text| Value::String(text.to_owned()));
    length(size.as_ref())?;
    check(file_name, query.get("file_mime").filter(|mime| !mime.is_empty()), settings)?;
    check(&clean_name(file_name)?, None, settings)
}

impl New {
    /// The command.
    pub(super) fn begin(&self, settings: &PlaceosSettings, owner: &str) -> Begin {
        let kept = &self.kept;
        let mut begin = Begin::new(settings.destination.as_str(), Addressing::Slots, Some(self.length));
        begin.file_name = Some(self.file_name.clone());
        begin.declared_type = kept.file_mime.clone();
        // Of one that comes in parts it is only a name to look it up by.
        begin.expected.extend(self.digest);
        begin.visibility = Some(match (kept.public, kept.permissions) {
            (true, _) | (false, Permissions::None) => Visibility::Tenant,
            (false, Permissions::Support) => Visibility::Support,
            (false, Permissions::Admin) => Visibility::Admin,
        });
        begin.exclusive = true;
        begin.by_grant = true;
        begin.whole = !kept.resumable;
        begin.holder_commits = kept.resumable;
        begin.listed = Some(IndexEntry::new(NAME, serde_json::json!({ "tags": kept.tags })));
        // As JSON no text can be taken for the end of another.
        let same = serde_json::json!([owner, self.file_name, self.length, kept.file_id]);
        begin.claim = Some(Claim::new(NAME, same.to_string()));
        begin.extras.extend(serde_json::to_value(kept).ok().map(|kept| (NAME.to_owned(), kept)));
        begin
    }
}

/// Refuses what the settings do not take.
fn check(file_name: &str, mime: Option<&str>, settings: &PlaceosSettings) -> Result<()> {
    let name = file_name.to_lowercase();
    if settings.refused_names.iter().any(|word| !word.is_empty() && name.contains(&word.to_lowercase())) {
        let text = "filename contains unsupported characters or words";
        return Err(Failure::rejected(text, "file_name", &settings.refused_names));
    }
    let extension = name
        .trim_end_matches(['.', ' '])
        .rsplit(['/', '\\'])
        .next()
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, extension)| extension);
    let known = |extension: &str| {
        settings.extensions.iter().any(|known| known.trim_start_matches('.').to_lowercase() == extension)
    };
    if let Some(extension) = extension.filter(|extension| !extension.is_empty())
        && !settings.extensions.is_empty()
        && !known(extension)
    {
        return Err(Failure::rejected("File extension not allowed", "file_name", &settings.extensions));
    }
    let Some(mime) = mime else { return Ok(()) };
    if mime.len() > MAX_TEXT || !mime.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(Failure::value("file_mime", "String"));
    }
    if !settings.types.is_empty() && !settings.types.iter().any(|known| known.eq_ignore_ascii_case(mime)) {
        return Err(Failure::rejected("File mimetype not allowed", "file_mime", &settings.types));
    }
    Ok(())
}

/// The last component of a name, of which only letters, digits and `_`, `.`, `-` are kept.
pub(super) fn clean_name(name: &str) -> Result<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let keep = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let clean: String = last.chars().map(|c| if keep(c) { c } else { '_' }).collect();
    if matches!(&*clean, "" | "." | "..") || clean.len() > MAX_FILE_NAME {
        return Err(Failure::value("file_name", "String"));
    }
    Ok(clean)
}

/// An MD5 in hex or in base64.
pub(super) fn md5(text: &str) -> Option<Digest> {
    let text = text.trim();
    Digest::from_base64(Algorithm::Md5, text).or_else(|_| Digest::from_hex(Algorithm::Md5, text)).ok()
}

fn not_md5() -> Failure {
    Failure::value("file_id", "MD5 in base64")
}

fn text(object: &Map<String, Value>, name: &'static str) -> Result<Option<String>> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Failure::value(name, "String")),
    }
}

fn short(text: String, name: &'static str) -> Result<String> {
    if text.len() <= MAX_TEXT { Ok(text) } else { Err(Failure::value(name, "String")) }
}

/// A size in bytes, as a number or in digits.
fn length(value: Option<&Value>) -> Result<u64> {
    let number = match value {
        None | Some(Value::Null) => return Err(Failure::missing("file_size", "Int64")),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => digits(text.trim()),
        Some(_) => None,
    };
    number.filter(|number| i64::try_from(*number).is_ok()).ok_or_else(|| Failure::value("file_size", "Int64"))
}

fn minutes(value: Option<&Value>) -> Result<u64> {
    let number = match value {
        None | Some(Value::Null) => Some(0),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => digits(text.trim()),
        Some(_) => None,
    };
    number.map(|number| number.min(MOST_MINUTES)).ok_or_else(|| Failure::value("expires", "Int32"))
}

fn tags(value: Option<&Value>) -> Result<Vec<String>> {
    let wrong = || Failure::value("tags", "Array(String)");
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(tags)) => {
            let tags: Option<Vec<_>> = tags.iter().map(|tag| tag.as_str().map(str::to_owned)).collect();
            // Every row of a listing has them.
            let fit = |tags: &Vec<String>| tags.iter().map(|tag| tag.len() + 4).sum::<usize>() <= MAX_TAGS;
            tags.filter(fit).ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}
