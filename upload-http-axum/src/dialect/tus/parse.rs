//! From the heads of requests to commands: pure and synchronous.

mod checksum;
mod concat;
mod host;
mod metadata;

use http::{HeaderMap, HeaderName, Method, header};
use upload_core::lifecycle::Begin;
use upload_core::record::Addressing;
use upload_core::{Error, Result};

use super::wire::{
    BYTES, CONCAT, DEFER_LENGTH, Kept, LENGTH, METADATA, METHOD_OVERRIDE, NAME, OFFSET, RESUMABLE, VERSION,
};
use crate::request::{essence, shown};

pub(super) use checksum::{Check, check, trailer};
pub(super) use concat::Concat;
pub(super) use host::origin;
pub(super) use metadata::{Metadata, metadata};

/// The method that counts: the one that overrides, if there is one.
pub(super) fn method(method: &Method, headers: &HeaderMap) -> Result<Method> {
    let Some(other) = single(headers, METHOD_OVERRIDE)? else { return Ok(method.clone()) };
    Method::from_bytes(other.as_bytes())
        .map_err(|_| Error::invalid(format!("X-HTTP-Method-Override must be a method; got {}", shown(other))))
}

/// Whether a request speaks our version, as all but OPTIONS must; one that only looks need not say so.
pub(super) fn speaks(method: &Method, headers: &HeaderMap) -> bool {
    let said = headers.get_all(RESUMABLE);
    let silent = said.iter().next().is_none();
    match *method {
        Method::OPTIONS => true,
        Method::GET | Method::HEAD if silent => true,
        _ => !silent && said.iter().all(|version| version == VERSION),
    }
}

/// A new upload.
#[derive(Debug, PartialEq)]
pub(super) struct New {
    /// Its bytes, if they are known.
    pub(super) length: Option<u64>,
    pub(super) concat: Concat,
    metadata: Metadata,
    kept: Kept,
}

impl New {
    /// The command.
    pub(super) fn begin(self, destination: &str) -> Begin {
        let mut begin = Begin::new(destination, Addressing::Offsets, self.length);
        (begin.file_name, begin.declared_type) = (self.metadata.file_name, self.metadata.media_type);
        match self.concat {
            Concat::Whole => {}
            Concat::Partial => begin.partial = true,
            Concat::Final(parts) => begin.parts = parts,
        }
        begin.extras.extend(serde_json::to_value(self.kept).ok().map(|kept| (NAME.to_owned(), kept)));
        begin
    }
}

/// What a POST begins; its metadata has at most so many bytes.
pub(super) fn new(headers: &HeaderMap, max_metadata: usize) -> Result<New> {
    let metadata = single(headers, METADATA)?;
    if let Some(bytes) = metadata.map(str::len).filter(|bytes| *bytes > max_metadata) {
        return Err(Error::too_large("Upload-Metadata", bytes as u64, max_metadata as u64));
    }
    let told = single(headers, CONCAT)?;
    let concat = told.map_or(Ok(Concat::Whole), concat::concat)?;
    let kept = Kept { metadata: metadata.map(str::to_owned), concat: told.map(str::to_owned) };
    let deferred = match single(headers, DEFER_LENGTH)? {
        None => false,
        Some("1") => true,
        Some(other) => {
            return Err(Error::invalid(format!("Upload-Defer-Length must be 1; got {}", shown(other))));
        }
    };
    let length = length(headers)?;
    match (&concat, length, deferred) {
        (Concat::Final(_), None, false) => {}
        (Concat::Final(_), ..) => {
            return Err(Error::invalid(
                "the length of a final upload is that of its parts; expected neither Upload-Length nor Upload-Defer-Length",
            ));
        }
        (_, Some(_), true) => {
            return Err(Error::invalid("expected Upload-Length or Upload-Defer-Length: 1; got both"));
        }
        (_, None, false) => {
            return Err(Error::invalid("expected Upload-Length or Upload-Defer-Length: 1; got neither"));
        }
        _ => {}
    }
    Ok(New { length, concat, metadata: metadata::metadata(metadata.unwrap_or_default())?, kept })
}

/// Whether the body of a POST is the first of the upload's bytes.
pub(super) fn brings_bytes(headers: &HeaderMap) -> bool {
    media_type(headers).is_ok_and(|media_type| media_type == BYTES)
}

/// What a request says its body is; nothing is empty.
pub(super) fn media_type(headers: &HeaderMap) -> Result<String> {
    Ok(single(headers, header::CONTENT_TYPE)?.map(essence).unwrap_or_default())
}

/// Where the bytes of a PATCH stand.
pub(super) fn offset(headers: &HeaderMap) -> Result<u64> {
    number(headers, OFFSET, "Upload-Offset")?
        .ok_or_else(|| Error::invalid("the request has no Upload-Offset"))
}

/// The upload's bytes, if the request tells them.
pub(super) fn length(headers: &HeaderMap) -> Result<Option<u64>> {
    number(headers, LENGTH, "Upload-Length")
}

/// Plain digits, and nothing else.
fn number(headers: &HeaderMap, name: HeaderName, called: &str) -> Result<Option<u64>> {
    let Some(text) = single(headers, name)? else { return Ok(None) };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    let most = u64::MAX;
    number.map(Some).ok_or_else(|| {
        Error::invalid(format!("{called} must be digits, of a number from 0 to {most}; got {}", shown(text)))
    })
}

/// A header that may come once, and is of visible ASCII and spaces.
fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>> {
    let mut values = headers.get_all(&name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Error::invalid(format!("the request has {} twice", name)));
    }
    let text = value.to_str().map_err(|_| Error::invalid(format!("{} is not ASCII", name)))?;
    Ok(Some(text))
}
