//! From collected fields to commands: pure and synchronous.

use http::{HeaderMap, header};
use upload_core::lifecycle::{Begin, MAX_FILE_NAME};
use upload_core::record::Addressing;
use upload_core::{Error, Result, UploadId};

use super::settings::PixlabSettings;
use super::wire::{COMMENT, Kept, MOST_COMMENT, NAME};
use crate::form::Fields;
use crate::multipart::PartHead;
use crate::request::credential;

/// The API key in a request's head: in `WWW-Authenticate`, as the page has it, or as a bearer's token.
pub(super) fn key(headers: &HeaderMap) -> Option<&str> {
    let text = |name| credential(headers, name).map(str::trim);
    text(header::WWW_AUTHENTICATE).or_else(|| text(header::AUTHORIZATION)).map(|text| {
        match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => text,
        }
    })
}

/// The client's words about the file.
pub(super) fn comment(fields: &Fields) -> Result<String> {
    let comment = fields.get(COMMENT).cloned().unwrap_or_default();
    let length = comment.chars().count();
    if length > MOST_COMMENT {
        let text = format!("the comment has {length} characters; at most {MOST_COMMENT} are allowed");
        return Err(Error::invalid(text).with_facts(length as u64, MOST_COMMENT as u64));
    }
    Ok(comment)
}

/// The file's name.
pub(super) fn file_name(file: &PartHead) -> Result<String> {
    let name = file.file_name.clone().unwrap_or_default();
    if name.len() > MAX_FILE_NAME {
        let text = format!("the file name has {} bytes; at most {MAX_FILE_NAME} are allowed", name.len());
        return Err(Error::invalid(text));
    }
    Ok(name)
}

/// The command.
pub(super) fn begin(settings: &PixlabSettings, file_name: String, comment: String) -> Begin {
    let mut begin = Begin::new(&settings.destination, Addressing::Offsets, None);
    begin.file_name = Some(file_name);
    let kept = serde_json::to_value(Kept { comment });
    begin.extras.extend(kept.ok().map(|kept| (NAME.to_owned(), kept)));
    begin
}

/// The upload that the last segment of a link names: its id, and an ending that only decorates it.
pub(super) fn named(segment: &str) -> Result<UploadId> {
    UploadId::parse(segment.split_once('.').map_or(segment, |(id, _)| id))
}
