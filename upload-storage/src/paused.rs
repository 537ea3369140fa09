//! A store whose writes can be held inside it, as a blocking write is held by a slow disk.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use event_listener::Event;
use upload_core::{
    ObjectKey, StagingName,
    ports::{BlobStore, Capabilities, Listed, Mover, Permit, Publication, StoreError},
    time::Hour,
};

use crate::shared::lock;

/// A blob store in which chosen writes stand still, their permit out, until a test lets them go on.
///
/// A paused write is like a blocking write that has begun: dropping its future does not end it. It is carried
/// out by [`release`](Self::release), in the releasing task.
///
/// ```
/// use std::sync::Arc;
/// use upload_storage::{Paused, memory::MemoryBlobs};
///
/// let blobs = Paused::new(Arc::new(MemoryBlobs::new()));
/// blobs.pause(2); // the second write from now on
/// assert_eq!(blobs.held(), 0);
/// // ... start writes, `blobs.arrived().await`, do something else, `blobs.release().await`.
/// ```
#[derive(Debug)]
pub struct Paused<S: ?Sized> {
    state: Arc<State>,
    inner: Arc<S>,
}

#[derive(Debug, Default)]
struct State {
    gate: Mutex<Gate>,
    changed: Event,
}

#[derive(Debug, Default)]
struct Gate {
    /// Writes seen, and the numbers of those to hold.
    writes: u64,
    hold: Vec<u64>,
    held: VecDeque<Parked>,
}

#[derive(Debug)]
struct Parked {
    staging: StagingName,
    position: u64,
    bytes: Vec<Bytes>,
    permit: Permit,
    answer: Arc<Mutex<Option<Result<(), StoreError>>>>,
}

impl<S: ?Sized> Clone for Paused<S> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), inner: Arc::clone(&self.inner) }
    }
}

impl<S: BlobStore + ?Sized> Paused<S> {
    /// `inner`, in which nothing is paused yet.
    pub fn new(inner: Arc<S>) -> Self {
        Self { state: Arc::default(), inner }
    }

    /// Holds the `nth` write from now on, the next being 1.
    pub fn pause(&self, nth: u64) {
        let mut gate = lock(&self.state.gate);
        let write = gate.writes.saturating_add(nth);
        gate.hold.push(write);
    }

    /// Writes held now.
    pub fn held(&self) -> usize {
        lock(&self.state.gate).held.len()
    }

    /// Waits until a write is held.
    pub async fn arrived(&self) {
        self.state.until(|| (self.held() > 0).then_some(())).await;
    }

    /// Carries out the writes held now, the first come first; returns how many.
    pub async fn release(&self) -> usize {
        let count = self.held();
        for _ in 0..count {
            // Taken one by one: if this future is dropped, the others stay held.
            let Some(write) = lock(&self.state.gate).held.pop_front() else { break };
            let Parked { staging, position, bytes, permit, answer } = write;
            let result = self.inner.write(&staging, position, bytes, permit).await;
            *lock(&answer) = Some(result);
            self.state.changed.notify(usize::MAX);
        }
        count
    }
}

impl State {
    /// Waits until `ready` gives something; it is asked again after each change.
    async fn until<T>(&self, ready: impl Fn() -> Option<T>) -> T {
        loop {
            let listener = self.changed.listen();
            if let Some(value) = ready() {
                return value;
            }
            listener.await;
        }
    }
}

#[async_trait]
impl<S: BlobStore + ?Sized> BlobStore for Paused<S> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn stage(&self, staging: &StagingName, length: Option<u64>) -> Result<(), StoreError> {
        self.inner.stage(staging, length).await
    }

    async fn write(
        &self,
        staging: &StagingName,
        position: u64,
        bytes: Vec<Bytes>,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let answer = {
            let mut gate = lock(&self.state.gate);
            gate.writes += 1;
            let write = gate.writes;
            if gate.hold.contains(&write) {
                gate.hold.retain(|held| *held != write);
                let answer = Arc::default();
                let staging = staging.clone();
                gate.held.push_back(Parked { staging, position, bytes, permit, answer: Arc::clone(&answer) });
                Ok(answer)
            } else {
                Err((bytes, permit))
            }
        };
        match answer {
            Ok(answer) => {
                self.state.changed.notify(usize::MAX);
                self.state.until(|| lock(&answer).take()).await
            }
            Err((bytes, permit)) => self.inner.write(staging, position, bytes, permit).await,
        }
    }

    async fn sync(&self, staging: &StagingName) -> Result<(), StoreError> {
        self.inner.sync(staging).await
    }

    async fn read_staged(&self, staging: &StagingName, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.inner.read_staged(staging, range).await
    }

    async fn publish(&self, publication: &Publication) -> Result<(), StoreError> {
        self.inner.publish(publication).await
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.inner.read(key, range).await
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        self.inner.length(key).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.inner.delete(key).await
    }

    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError> {
        self.inner.discard(staging).await
    }

    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        self.inner.list(until, after, limit).await
    }

    fn mover(&self) -> Option<&dyn Mover> {
        self.inner.mover()
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush().await
    }
}
