//! From collected fields to commands: pure and synchronous.

use serde_json::Value;
use upload_checksum::{Algorithm, Digest};
use upload_chunking::assembly::At;
use upload_core::lifecycle::{Begin, MAX_FILE_NAME};
use upload_core::record::Addressing;
use upload_core::{Destinations, Error, Result, UploadId};

use super::wire::{DESTINATION, FILE, FILE_NAME, FILE_SIZE, INDEX, NAME, Place, SHA, TOTAL};
use crate::form::Fields;
use crate::multipart::PartHead;
use crate::names::clean_file_name;
use crate::request::shown;

/// What a new upload is, before its destination is looked up.
#[derive(Debug, PartialEq)]
pub(super) struct New {
    pub(super) destination: String,
    /// Empty if the client gave none.
    pub(super) file_name: String,
    pub(super) length: u64,
    pub(super) sha: Option<Digest>,
}

impl New {
    /// The command, and with it the path for later; `nested` is where the router is.
    pub(super) fn begin(self, destinations: &Destinations, nested: &str) -> Result<Begin> {
        let destination = destinations.get(&self.destination)?;
        let base = format!("{nested}{}", prefix(&destination.policy.prefix));
        let place = Place { base, name: clean_file_name(&self.file_name) };
        let mut begin = Begin::new(self.destination, Addressing::Slots, Some(self.length));
        begin.expected.extend(self.sha);
        begin.file_name = Some(self.file_name).filter(|name| !name.is_empty());
        begin.extras.extend(serde_json::to_value(place).ok().map(|place| (NAME.to_owned(), place)));
        Ok(begin)
    }
}

/// A destination's prefix as a path: empty, or with a slash before it and none behind.
pub(super) fn prefix(configured: &str) -> String {
    let inner = configured.trim_matches('/');
    if inner.is_empty() { String::new() } else { format!("/{inner}") }
}

/// The JSON that creates a stream.
pub(super) fn create(body: &[u8]) -> Result<New> {
    let value: Value =
        serde_json::from_slice(body).map_err(|e| Error::invalid(format!("the body is not JSON: {e}")))?;
    let Value::Object(object) = value else {
        return Err(Error::invalid(format!(
            "the body must be a JSON object; got {}",
            shown(&value.to_string())
        )));
    };
    let lacks = |name: &&str| object.get(*name).is_none_or(Value::is_null);
    missing([DESTINATION, FILE_NAME, FILE_SIZE, SHA].into_iter().filter(lacks))?;
    let value = |name: &str| object.get(name).unwrap_or(&Value::Null);
    let text = |name: &str| match value(name) {
        Value::String(text) => Ok(text.clone()),
        other => Err(Error::invalid(format!("{name} must be a string; got {}", shown(&other.to_string())))),
    };
    let size = value(FILE_SIZE);
    Ok(New {
        destination: text(DESTINATION)?,
        file_name: file_name(text(FILE_NAME)?)?,
        length: size.as_u64().ok_or_else(|| {
            let got = shown(&size.to_string());
            Error::invalid(format!("{FILE_SIZE} must be a whole number of bytes, 0 or more; got {got}"))
        })?,
        sha: Some(sha(&text(SHA)?)?),
    })
}

/// The fields of an upload in one request and its file, of `length` bytes.
pub(super) fn single(fields: &Fields, file: &PartHead, length: u64) -> Result<New> {
    let destination = fields.get(DESTINATION).cloned();
    Ok(New {
        destination: destination.ok_or_else(|| Error::invalid(format!("missing field {DESTINATION}")))?,
        file_name: file_name(file.file_name.clone().unwrap_or_default())?,
        length,
        sha: fields.get(SHA).map(|text| sha(text)).transpose()?,
    })
}

/// The place of a chunk.
pub(super) fn chunk(fields: &Fields) -> Result<At> {
    missing([INDEX, TOTAL].into_iter().filter(|name| !fields.contains_key(name)))?;
    let number = |name: &str, least: u32| {
        let text = fields.get(name).map_or("", |text| text.trim());
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten().filter(|number| *number >= least);
        number.ok_or_else(|| {
            let most = u32::MAX;
            Error::invalid(format!(
                "{name} must be a whole number from {least} to {most}; got {}",
                shown(text)
            ))
        })
    };
    let (n, total) = (number(INDEX, 0)?, number(TOTAL, 1)?);
    if n >= total {
        let text = format!("{INDEX} must be from 0 to {} as {TOTAL} is {total}; got {n}", total - 1);
        return Err(Error::invalid(text));
    }
    Ok(At::Slot { n, total })
}

/// Says that the form has no file, and what else it lacks.
pub(super) fn no_file(fields: &Fields, others: &[&'static str]) -> Error {
    let lacking = others.iter().copied().filter(|name| !fields.contains_key(name));
    missing(lacking.chain([FILE])).err().unwrap_or_else(|| Error::invalid("the form has no file"))
}

/// A SHA-256 in hex of either case.
pub(super) fn sha(text: &str) -> Result<Digest> {
    Digest::from_hex(Algorithm::Sha256, text.trim())
        .map_err(|_| Error::invalid(format!("{SHA} must be a SHA-256 as 64 hex digits; got {}", shown(text))))
}

/// The upload that a download's last path segment names; what follows the id is decoration.
pub(super) fn named(segment: &str) -> Result<UploadId> {
    let (id, _) = segment.split_once('-').ok_or_else(Error::not_found)?;
    UploadId::parse(id)
}

fn file_name(name: String) -> Result<String> {
    if name.len() <= MAX_FILE_NAME {
        return Ok(name);
    }
    Err(Error::invalid(format!(
        "the file name has {} bytes; at most {MAX_FILE_NAME} are allowed",
        name.len()
    )))
}

/// An error that names all of them, if there are any.
fn missing<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let names: Vec<_> = names.collect();
    match names.as_slice() {
        [] => Ok(()),
        [name] => Err(Error::invalid(format!("missing field {name}"))),
        names => Err(Error::invalid(format!("missing fields {}", names.join(", ")))),
    }
}
