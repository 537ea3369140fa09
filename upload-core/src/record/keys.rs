//! The keys of the records.

use upload_chunking::assembly::Key;

use crate::{
    ids::{Handle, TenantName, UploadId},
    time::{Hour, Timestamp},
};

/// What every due key begins with.
pub const DUE: &str = "due/";
/// What every head's key, and those of the records below it, begin with.
pub const UPLOADS: &str = "u/";
/// What every claim's key begins with.
pub const CLAIMS: &str = "c/";
/// What the key of every upload in a listing begins with.
pub const INDEX: &str = "i/";
/// What the key of every object's owner that its name does not tell begins with.
pub const OWNERS: &str = "k/";
/// What every ledger entry's key begins with.
pub const LEDGER: &str = "l/";
/// What every undelivered notice's key begins with.
pub const OUTBOX: &str = "n/";

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

/// `u/<id>/p`.
pub fn session(id: &UploadId) -> String {
    format!("u/{id}/p")
}

/// `u/<id>/a/<number>`.
pub fn attempt(id: &UploadId, number: u64) -> String {
    format!("u/{id}/a/{number:05}")
}

/// `u/<id>/f/`: the prefix of the folds.
pub fn folds(id: &UploadId) -> String {
    format!("u/{id}/f/")
}

/// `u/<id>/f/<cell>`.
pub fn fold(id: &UploadId, cell: u64) -> String {
    format!("u/{id}/f/{cell:010}")
}

/// `u/<id>/c`.
pub fn copied(id: &UploadId) -> String {
    format!("u/{id}/c")
}

/// `k/<hour>/<id>`: whose the object is that was begun under this id in that hour.
pub fn owner(hour: Hour, id: &UploadId) -> String {
    format!("{OWNERS}{hour}/{id}")
}

/// The hour in the key of an object's owner.
pub fn owner_hour(key: &str) -> Option<Hour> {
    Hour::parse(key.strip_prefix(OWNERS)?.split('/').next()?)
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

/// `i/<handle>/`: the prefix of all uploads of a tenant that stand in listings.
pub fn index_of(handle: &Handle) -> String {
    format!("{INDEX}{handle}/")
}

/// `i/<handle>/<reversed time>/<id>`: the newest first. `None` for a text that is no id.
pub fn index(id: &UploadId, created: Timestamp) -> Option<String> {
    let handle = id.handle()?;
    Some(format!("{INDEX}{handle}/{:020}/{id}", u64::MAX - created.millis()))
}

/// The time and the upload in an index key.
pub fn index_parts(key: &str) -> Option<(Timestamp, UploadId)> {
    let mut parts = key.strip_prefix(INDEX)?.split('/').skip(1);
    let (time, id) = (parts.next()?, parts.next()?);
    let time = time.parse::<u64>().ok().filter(|_| time.len() == 20)?;
    Some((Timestamp::from_millis(u64::MAX - time), UploadId::parse(id).ok()?))
}

/// `c/<handle>/<space>/<digest>`.
pub fn claim(handle: &Handle, space: &str, digest: &str) -> String {
    format!("{CLAIMS}{handle}/{space}/{digest}")
}

/// `l/<handle>/`: the prefix of a tenant's ledger, in the order of its hours.
pub fn ledger_of(handle: &Handle) -> String {
    format!("{LEDGER}{handle}/")
}

/// `l/<handle>/<hour>/<id>`: what a completed upload cost. `None` for a text that is no id.
pub fn ledger(id: &UploadId, committed: Timestamp) -> Option<String> {
    let handle = id.handle()?;
    Some(format!("{LEDGER}{handle}/{}/{id}", committed.hour()))
}

/// The hour in a ledger entry's key.
pub fn ledger_hour(key: &str) -> Option<Hour> {
    Hour::parse(key.strip_prefix(LEDGER)?.split('/').nth(1)?)
}

/// `b/<handle>`: the sum of the older part of a tenant's ledger.
pub fn balance(handle: &Handle) -> String {
    format!("b/{handle}")
}

/// `n/<id>`: the notice of a completed upload.
pub fn notice(id: &UploadId) -> String {
    format!("{OUTBOX}{id}")
}

/// `u/<id>/t`: that the notice was delivered.
pub fn told(id: &UploadId) -> String {
    format!("u/{id}/t")
}
