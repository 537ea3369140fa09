//! A store that counts, so that tests speak of calls and bytes instead of seconds.

use std::{
    fmt,
    ops::Sub,
    sync::{Arc, Mutex},
};

use upload_core::ports::StoreError;

use crate::{
    shared::lock,
    wrapped::{Call, End, Hook, Operation, Refused, Wrapped},
};

/// A store that counts its calls and their bytes, by operation.
///
/// ```
/// use std::sync::Arc;
/// use upload_core::ports::RecordStore;
/// use upload_storage::{Counted, Operation, memory::MemoryRecords};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let records = Counted::new(Arc::new(MemoryRecords::new()));
/// let before = records.counts();
/// records.get("u/1").await.unwrap();
/// assert_eq!((records.counts() - before).calls(Operation::Get), 1);
/// # }).unwrap();
/// ```
pub type Counted<S> = Wrapped<S, Counter>;

impl<S: ?Sized> Counted<S> {
    /// `inner`, counted from now on.
    pub fn new(inner: Arc<S>) -> Self {
        Self::with_hook(inner, Counter::default())
    }

    /// What was counted so far. Subtract an earlier answer to get what lies between.
    pub fn counts(&self) -> Counts {
        *lock(&self.hook().counts)
    }
}

/// Calls and bytes by operation.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([Count; Operation::ALL.len()]);

#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Count {
    calls: u64,
    bytes: u64,
}

impl Counts {
    /// Calls begun, those that failed included.
    pub fn calls(&self, operation: Operation) -> u64 {
        self.of(operation).calls
    }

    /// Bytes of the calls that succeeded: written, moved, published, put, or those that came back.
    pub fn bytes(&self, operation: Operation) -> u64 {
        self.of(operation).bytes
    }

    /// Calls of every operation.
    pub fn all(&self) -> u64 {
        self.0.iter().map(|count| count.calls).sum()
    }

    fn of(&self, operation: Operation) -> Count {
        self.0.get(operation as usize).copied().unwrap_or_default()
    }
}

impl Sub for Counts {
    type Output = Self;

    /// What was counted since `earlier`.
    fn sub(mut self, earlier: Self) -> Self {
        for (now, then) in self.0.iter_mut().zip(earlier.0) {
            now.calls = now.calls.saturating_sub(then.calls);
            now.bytes = now.bytes.saturating_sub(then.bytes);
        }
        self
    }
}

impl fmt::Debug for Counts {
    /// Only what was called: `{Put: 2 calls 14 bytes}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let called = Operation::ALL.iter().map(|operation| (operation, self.of(*operation)));
        f.debug_map().entries(called.filter(|(_, count)| count.calls > 0)).finish()
    }
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} calls {} bytes", self.calls, self.bytes)
    }
}

/// The hook of [`Counted`].
#[derive(Debug, Default)]
pub struct Counter {
    counts: Mutex<Counts>,
}

impl Counter {
    fn add(&self, operation: Operation, calls: u64, bytes: u64) {
        if let Some(count) = lock(&self.counts).0.get_mut(operation as usize) {
            count.calls += calls;
            count.bytes += bytes;
        }
    }
}

impl Hook for Counter {
    type Ticket = ();

    async fn before(&self, call: &Call<'_>) -> Result<(), Refused> {
        self.add(call.operation, 1, 0);
        Ok(())
    }

    async fn after(&self, call: &Call<'_>, (): (), end: End) -> Result<(), StoreError> {
        if let End::Done { bytes } = end {
            self.add(call.operation, 0, bytes);
        }
        Ok(())
    }
}
