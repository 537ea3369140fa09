//! A store whose writes can be held inside it, as a blocking write is held by a slow disk, or a part by a slow network.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use event_listener::Event;
use upload_core::{
    Fragment, ObjectKey, StagingName,
    ports::{
        BlobStore, Capabilities, Copier, Listed, Mover, Part, PartRules, Parts, Permit, Publication, Session,
        Signer, StoreError,
    },
    time::Hour,
};

use crate::shared::lock;

/// A blob store in which chosen writes stand still, their permit out, until a test lets them go on. A part that is put
/// counts as a write.
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
    write: Write,
    answer: Answer,
}

/// Where the end of a held write is put down. A part comes back as the store describes it.
type Answer = Arc<Mutex<Option<Result<Option<Part>, StoreError>>>>;

#[derive(Debug)]
enum Write {
    Staged { staging: StagingName, position: u64, bytes: Vec<Bytes>, permit: Permit },
    Part { key: ObjectKey, session: Session, number: u64, bytes: Vec<Bytes> },
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
            let Some(Parked { write, answer }) = lock(&self.state.gate).held.pop_front() else { break };
            let result = self.perform(write).await;
            *lock(&answer) = Some(result);
            self.state.changed.notify(usize::MAX);
        }
        count
    }

    /// Carries the write out, now or when it is released.
    async fn carry_out(&self, write: Write) -> Result<Option<Part>, StoreError> {
        let (write, answer) = {
            let mut gate = lock(&self.state.gate);
            gate.writes += 1;
            let number = gate.writes;
            if gate.hold.contains(&number) {
                gate.hold.retain(|held| *held != number);
                let answer = Answer::default();
                gate.held.push_back(Parked { write, answer: Arc::clone(&answer) });
                (None, answer)
            } else {
                (Some(write), Answer::default())
            }
        };
        if let Some(write) = write {
            return self.perform(write).await;
        }
        self.state.changed.notify(usize::MAX);
        self.state.until(|| lock(&answer).take()).await
    }

    async fn perform(&self, write: Write) -> Result<Option<Part>, StoreError> {
        match write {
            Write::Staged { staging, position, bytes, permit } => {
                self.inner.write(&staging, position, bytes, permit).await.map(|()| None)
            }
            Write::Part { key, session, number, bytes } => {
                self.inner_parts()?.put_part(&key, &session, number, bytes).await.map(Some)
            }
        }
    }

    fn inner_parts(&self) -> Result<&dyn Parts, StoreError> {
        self.inner.parts().ok_or_else(|| StoreError::unsupported("keep parts", "the paused store"))
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
        let staging = staging.clone();
        self.carry_out(Write::Staged { staging, position, bytes, permit }).await.map(drop)
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

    fn copier(&self) -> Option<&dyn Copier> {
        self.inner.copier()
    }

    fn parts(&self) -> Option<&dyn Parts> {
        self.inner.parts().map(|_| self as &dyn Parts)
    }

    fn signer(&self) -> Option<&dyn Signer> {
        self.inner.signer()
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush().await
    }
}

#[async_trait]
impl<S: BlobStore + ?Sized> Parts for Paused<S> {
    fn rules(&self) -> PartRules {
        self.inner.parts().map_or(PartRules::s3(), Parts::rules)
    }

    async fn open(&self, key: &ObjectKey) -> Result<Session, StoreError> {
        self.inner_parts()?.open(key).await
    }

    async fn put_part(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        bytes: Vec<Bytes>,
    ) -> Result<Part, StoreError> {
        let (key, session) = (key.clone(), session.clone());
        let part = self.carry_out(Write::Part { key, session, number, bytes }).await?;
        part.ok_or_else(|| StoreError::unavailable("the paused store lost a part"))
    }

    fn copies(&self) -> bool {
        self.inner.parts().is_some_and(Parts::copies)
    }

    async fn copy_part(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        from: &ObjectKey,
        range: Range<u64>,
    ) -> Result<Part, StoreError> {
        self.inner_parts()?.copy_part(key, session, number, from, range).await
    }

    async fn list_parts(&self, key: &ObjectKey, session: &Session) -> Result<Vec<Part>, StoreError> {
        self.inner_parts()?.list_parts(key, session).await
    }

    async fn complete(&self, key: &ObjectKey, session: &Session, parts: &[Part]) -> Result<(), StoreError> {
        self.inner_parts()?.complete(key, session, parts).await
    }

    async fn abort(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError> {
        self.inner_parts()?.abort(key, session).await
    }

    async fn put_object(&self, key: &ObjectKey, bytes: Vec<Bytes>) -> Result<(), StoreError> {
        self.inner_parts()?.put_object(key, bytes).await
    }

    async fn put_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        bytes: Vec<Bytes>,
    ) -> Result<(), StoreError> {
        self.inner_parts()?.put_fragment(staging, fragment, bytes).await
    }

    async fn read_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        self.inner_parts()?.read_fragment(staging, fragment, range).await
    }

    async fn delete_fragments(
        &self,
        staging: &StagingName,
        fragments: &[Fragment],
    ) -> Result<(), StoreError> {
        self.inner_parts()?.delete_fragments(staging, fragments).await
    }
}
