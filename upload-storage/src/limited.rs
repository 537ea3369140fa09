//! A store with limits: calls at once, and bytes in all.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_lock::{Semaphore, SemaphoreGuardArc};
use upload_chunking::range::{ByteRange, RangeSet};
use upload_core::ports::{Permit, StoreError, StoreErrorKind};

use crate::{
    shared::lock,
    wrapped::{Call, End, Hook, Operation, Refused, Wrapped},
};

/// A store that is asked at most so many things at once, and that holds at most so many bytes.
///
/// A write counts as under way until its permit is dropped. Bytes are those of staging objects and objects
/// written through this wrapper, each position once; what would go beyond the limit ends `Full`. Records are
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

/// Which bytes are held, by staging name and object key.
#[derive(Debug, Default)]
struct Held {
    ranges: HashMap<String, RangeSet>,
    total: u64,
}

impl Held {
    /// Counts `range` of `name`, unless the sum would pass `limit`.
    fn add(&mut self, name: &str, range: ByteRange, limit: u64) -> bool {
        let mut set = self.ranges.get(name).cloned().unwrap_or_default();
        let before = set.total();
        set.insert(range);
        let total = self.total.saturating_add(set.total() - before);
        if total > limit {
            return false;
        }
        self.total = total;
        self.ranges.insert(name.to_owned(), set);
        true
    }

    fn forget(&mut self, name: &str) {
        self.total -= self.ranges.remove(name).map_or(0, |set| set.total());
    }
}

impl Hook for Limiter {
    type Ticket = Arc<SemaphoreGuardArc>;

    async fn before(&self, call: &Call<'_>) -> Result<Self::Ticket, Refused> {
        let turn = self.calls.acquire_arc().await;
        if matches!(call.operation, Operation::Write | Operation::Move) {
            let full =
                || StoreError::new(StoreErrorKind::Full, format!("all {} bytes are in use", self.bytes));
            let range = ByteRange::with_len(call.position, call.bytes).map_err(|_| full())?;
            // Counted before it is written, so that writers at once cannot pass the limit together; what a
            // failed write left behind is undefined and stays counted until the staging object goes.
            if !lock(&self.held).add(call.name, range, self.bytes) {
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
            match call.operation {
                Operation::Delete | Operation::Discard => held.forget(call.name),
                Operation::Publish => {
                    held.forget(call.name);
                    if let (Some(key), Ok(range)) = (call.target, ByteRange::with_len(0, call.bytes)) {
                        held.add(key, range, u64::MAX);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
