//! A store with limits: calls at once, and bytes in all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_lock::{Semaphore, SemaphoreGuardArc};
use upload_chunking::range::{ByteRange, RangeSet};
use upload_core::{
    ObjectKey, StagingName,
    ports::{Permit, StoreError, StoreErrorKind},
};

use crate::{
    shared::lock,
    wrapped::{Call, End, Hook, Operation, Refused, Wrapped},
};

/// A store that is asked at most so many things at once, and that holds at most so many bytes.
///
/// A write counts as under way until its permit is dropped. Bytes are those of staging objects, parts, fragments and
/// objects written through this wrapper, each position once; what would go beyond the limit ends `Full`. Records are
/// limited in calls only.
///
/// ```
/// use std::sync::Arc;
/// use upload_storage::{Limited, Limits, memory::MemoryBlobs};
///
/// let blobs = Limited::new(Arc::new(MemoryBlobs::new()), Limits::none().calls(8).bytes(1 << 30));
/// assert_eq!(blobs.used(), 0);
/// ```
pub type Limited<S> = Wrapped<S, Limiter>;

/// How much a [`Limited`] store takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most calls under way at once; at least 1.
    pub calls: usize,
    /// Most bytes held.
    pub bytes: u64,
}

impl Limits {
    /// As good as none.
    pub fn none() -> Self {
        Self { calls: usize::MAX >> 3, bytes: u64::MAX }
    }

    /// At most so many calls at once; 0 counts as 1.
    pub fn calls(mut self, calls: usize) -> Self {
        self.calls = calls;
        self
    }

    /// At most so many bytes.
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }
}

impl<S: ?Sized> Limited<S> {
    /// `inner` within `limits`.
    pub fn new(inner: Arc<S>, limits: Limits) -> Self {
        let calls = Arc::new(Semaphore::new(limits.calls.max(1)));
        Self::with_hook(inner, Limiter { calls, bytes: limits.bytes, held: Mutex::default() })
    }

    /// Bytes held now.
    pub fn used(&self) -> u64 {
        lock(&self.hook().held).total
    }
}

/// The hook of [`Limited`].
#[derive(Debug)]
pub struct Limiter {
    calls: Arc<Semaphore>,
    bytes: u64,
    held: Mutex<Held>,
}

/// Which bytes are held, by staging name or object key, and what they are within it.
#[derive(Debug, Default)]
struct Held {
    ranges: HashMap<String, HashMap<Within, RangeSet>>,
    total: u64,
}

/// A session and the number of a part, or a fragment, or neither: bytes at their own positions.
type Within = (String, u64);

impl Held {
    /// Counts `range` of what is `within` `name`, unless the sum would pass `limit`.
    fn add(&mut self, name: String, within: Within, range: ByteRange, limit: u64) -> bool {
        let held = self.ranges.get(&name).and_then(|ranges| ranges.get(&within));
        let mut set = held.cloned().unwrap_or_default();
        let before = set.total();
        set.insert(range);
        let total = self.total.saturating_add(set.total() - before);
        if total > limit {
            return false;
        }
        self.total = total;
        self.ranges.entry(name).or_default().insert(within, set);
        true
    }

    /// Counts what is within `name` no longer, where `gone` says so.
    fn forget(&mut self, name: &str, gone: impl Fn(&str) -> bool) {
        if let Some(ranges) = self.ranges.get_mut(name) {
            let left = |(within, _): &Within, set: &mut RangeSet| {
                let gone = gone(within);
                self.total -= if gone { set.total() } else { 0 };
                !gone
            };
            ranges.retain(left);
            if ranges.is_empty() {
                self.ranges.remove(name);
            }
        }
    }
}

/// Where a call's bytes are counted, if it brings some: parts and fragments with what is staged, which goes as a whole.
fn place(call: &Call<'_>) -> Option<(String, Within, u64)> {
    let within = |text: &str, number| (text.to_owned(), number);
    match call.operation {
        Operation::Write | Operation::Move | Operation::Copy => {
            Some((call.name.to_owned(), within("", 0), call.position))
        }
        Operation::PutObject => Some((call.name.to_owned(), within("", 0), 0)),
        Operation::PutFragment => {
            let fragment = call.fragments.first()?;
            Some((call.name.to_owned(), within(fragment.as_str(), 0), 0))
        }
        Operation::PutPart | Operation::CopyPart => {
            Some((staged(call), within(call.target?, call.position), 0))
        }
        _ => None,
    }
}

/// The staging name of a call that is about an object's parts.
fn staged(call: &Call<'_>) -> String {
    let staging = ObjectKey::parse(call.name).map(|key| StagingName::of(&key));
    staging.map_or_else(|| call.name.to_owned(), |staging| staging.as_str().to_owned())
}

impl Hook for Limiter {
    type Ticket = Arc<SemaphoreGuardArc>;

    async fn before(&self, call: &Call<'_>) -> Result<Self::Ticket, Refused> {
        let turn = self.calls.acquire_arc().await;
        if let Some((name, within, position)) = place(call) {
            let full =
                || StoreError::new(StoreErrorKind::Full, format!("all {} bytes are in use", self.bytes));
            let range = ByteRange::with_len(position, call.bytes).map_err(|_| full())?;
            // Counted before it is written, so that writers at once cannot pass the limit together; what a
            // failed write left behind is undefined and stays counted until the staging object goes.
            if !lock(&self.held).add(name, within, range, self.bytes) {
                return Err(full().into());
            }
        }
        Ok(Arc::new(turn))
    }

    fn hold(&self, turn: &Self::Ticket, permit: Permit) -> Permit {
        let turn = Arc::clone(turn);
        Permit::new(move || drop((permit, turn)))
    }

    async fn after(&self, call: &Call<'_>, _: Self::Ticket, end: End) -> Result<(), StoreError> {
        if matches!(end, End::Done { .. }) {
            let mut held = lock(&self.held);
            let of_session = |within: &str| call.target == Some(within);
            match call.operation {
                Operation::Delete | Operation::Discard | Operation::Publish => {
                    held.forget(call.name, |_| true)
                }
                Operation::CompleteParts | Operation::AbortSession => held.forget(&staged(call), of_session),
                Operation::DeleteFragments => held.forget(call.name, |within| {
                    call.fragments.iter().any(|fragment| fragment.as_str() == within)
                }),
                _ => {}
            }
            let made = match call.operation {
                Operation::Publish => call.target,
                Operation::CompleteParts => Some(call.name),
                _ => None,
            };
            if let (Some(key), Ok(range)) = (made, ByteRange::with_len(0, call.bytes)) {
                held.add(key.to_owned(), Within::default(), range, u64::MAX);
            }
        }
        Ok(())
    }
}
