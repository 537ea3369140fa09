//! The keys of the records.

use upload_chunking::assembly::Key;

use crate::{
    ids::{Handle, TenantName, UploadId},
    time::Hour,
};

/// What every due key begins with.
pub const DUE: &str = "due/";

/// `t/<tenant>`.
pub fn tenant(name: &TenantName) -> String {
    format!("t/{name}")
}

/// `th/<handle>`.
pub fn handle(handle: &Handle) -> String {
    format!("th/{handle}")
}

/// `u/<id>`.
pub fn head(id: &UploadId) -> String {
    format!("u/{id}")
}

/// `u/<id>/`: the prefix of everything that belongs to an upload but its head.
pub fn below(id: &UploadId) -> String {
    format!("u/{id}/")
}

/// `u/<id>/s`.
pub fn shape(id: &UploadId) -> String {
    format!("u/{id}/s")
}

/// `u/<id>/h`.
pub fn digest(id: &UploadId) -> String {
    format!("u/{id}/h")
}

/// `u/<id>/x/`: the prefix of the rows.
pub fn rows(id: &UploadId) -> String {
    format!("u/{id}/x/")
}

/// `u/<id>/x/<place>`, fixed width: ten digits for a slot, twenty for an offset, so that key order is their order.
pub fn row(id: &UploadId, at: Key) -> String {
    match at {
        Key::Slot(n) => format!("u/{id}/x/{n:010}"),
        Key::Offset(o) => format!("u/{id}/x/{o:020}"),
    }
}

/// The place in a row's key.
pub fn place(key: &str) -> Option<Key> {
    let digits = key.rsplit('/').next()?;
    match digits.len() {
        10 => digits.parse().ok().map(Key::Slot),
        20 => digits.parse().ok().map(Key::Offset),
        _ => None,
    }
}

/// `u/<id>/e/<format>/`: the prefix of a wire format's notes.
pub fn notes(id: &UploadId, format: &str) -> String {
    format!("u/{id}/e/{format}/")
}

/// `due/<hour>/<id>`.
pub fn due(hour: Hour, id: &UploadId) -> String {
    format!("{DUE}{hour}/{id}")
}

/// The hour and the upload in a due key.
pub fn due_parts(key: &str) -> Option<(Hour, UploadId)> {
    let (hour, id) = key.strip_prefix(DUE)?.split_once('/')?;
    Some((Hour::parse(hour)?, UploadId::parse(id).ok()?))
}
