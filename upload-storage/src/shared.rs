//! What several back ends share.

use std::{
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use upload_core::{
    ObjectKey,
    ports::{Listed, StoreError, StoreErrorKind},
};

/// Longest key of a record, in bytes; a rule of the port.
pub(crate) const MAX_KEY: usize = 200;
/// Longest value of a record, in bytes; a rule of the port.
pub(crate) const MAX_VALUE: usize = 1 << 20;

/// Locks. A panic elsewhere leaves our small states whole: every change under these locks is completed before
/// anything that can fail.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses what the port does not allow, the same in every record store.
pub(crate) fn check_record(key: &str, value: &[u8]) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > MAX_KEY || !key.is_ascii() {
        let why = format!("a record's key is 1 to {MAX_KEY} ASCII bytes, not {key:?}");
        return Err(StoreError::new(StoreErrorKind::Unsupported, why));
    }
    if value.len() > MAX_VALUE {
        let why = format!("the record {key:?} has {} bytes, at most {MAX_VALUE} are allowed", value.len());
        return Err(StoreError::new(StoreErrorKind::Unsupported, why));
    }
    Ok(())
}

/// Where a page of keys begins.
pub(crate) fn page_start<'a>(prefix: &'a str, after: Option<&'a str>) -> Bound<&'a str> {
    match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    }
}

/// The number of bytes of a range as a `usize`; refuses backward ranges and more than `most` bytes.
pub(crate) fn range_len(range: &std::ops::Range<u64>, most: u64) -> Result<usize, StoreError> {
    let len = range.end.checked_sub(range.start).filter(|len| *len <= most);
    len.and_then(|len| usize::try_from(len).ok()).ok_or_else(|| {
        let why = format!("a read asks for 0 to {most} bytes, not {}..{}", range.start, range.end);
        StoreError::new(StoreErrorKind::Unsupported, why)
    })
}

/// The end of `len` bytes from `position` on, if the store's positions reach that far.
pub(crate) fn end_of(position: u64, len: u64) -> Result<u64, StoreError> {
    position.checked_add(len).filter(|end| *end <= i64::MAX as u64).ok_or_else(|| {
        let why =
            format!("{len} bytes from position {position} on end beyond the last position {}", i64::MAX);
        StoreError::new(StoreErrorKind::Unsupported, why)
    })
}

/// How many bytes these pieces have together.
pub(crate) fn total(pieces: &[bytes::Bytes]) -> u64 {
    pieces.iter().map(|piece| piece.len() as u64).sum()
}

/// The name; listings are in the order of this text.
pub(crate) fn text(listed: &Listed) -> &str {
    match listed {
        Listed::Staged(name) => name.as_str(),
        Listed::Object(key) => key.as_str(),
        _ => "",
    }
}

/// Publishing again succeeds only for what is already published.
pub(crate) fn same_object(key: &ObjectKey, found: u64, published: u64) -> Result<(), StoreError> {
    if found == published {
        return Ok(());
    }
    let why = format!("{key} already holds another object: {found} bytes, not {published}");
    Err(StoreError::new(StoreErrorKind::Corrupt, why))
}

/// Waits for a future that other threads complete; for unit tests.
#[cfg(all(test, any(feature = "disk", feature = "redb")))]
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    use futures_util::FutureExt;
    let mut future = Box::pin(future.fuse());
    loop {
        if let Some(value) = future.as_mut().now_or_never() {
            return value;
        }
        std::thread::yield_now();
    }
}
