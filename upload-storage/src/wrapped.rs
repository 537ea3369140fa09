//! One forwarder for every wrapper: a store, and a hook that is asked before each call and told after it.
//!
//! [`Faulty`](crate::Faulty), [`Counted`](crate::Counted) and [`Limited`](crate::Limited) are this type with three
//! hooks; a hook of your own (metrics, traces, access logs) makes a fourth.

use std::{fmt, future::Future, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    ObjectKey, StagingName,
    ports::{
        BlobStore, Capabilities, Deleted, Expected, Listed, Mover, Permit, Publication, Put, RecordStore,
        StoreError, Stored, Version,
    },
    time::Hour,
};

/// The calls of both ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// [`BlobStore::stage`].
    Stage,
    /// [`BlobStore::write`].
    Write,
    /// [`Mover::move_within`].
    Move,
    /// [`BlobStore::sync`].
    Sync,
    /// [`BlobStore::read_staged`].
    ReadStaged,
    /// [`BlobStore::publish`].
    Publish,
    /// [`BlobStore::read`].
    Read,
    /// [`BlobStore::length`].
    Length,
    /// [`BlobStore::delete`].
    Delete,
    /// [`BlobStore::discard`].
    Discard,
    /// [`BlobStore::list`].
    List,
    /// [`RecordStore::get`].
    Get,
    /// [`RecordStore::put`].
    Put,
    /// [`RecordStore::delete`].
    DeleteRecord,
    /// [`RecordStore::list`].
    ListRecords,
    /// [`RecordStore::health`].
    Health,
    /// `flush` of either port.
    Flush,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 17] = [
        Self::Stage,
        Self::Write,
        Self::Move,
        Self::Sync,
        Self::ReadStaged,
        Self::Publish,
        Self::Read,
        Self::Length,
        Self::Delete,
        Self::Discard,
        Self::List,
        Self::Get,
        Self::Put,
        Self::DeleteRecord,
        Self::ListRecords,
        Self::Health,
        Self::Flush,
    ];
}

/// One call as a hook sees it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Call<'a> {
    /// Which.
    pub operation: Operation,
    /// The staging name, object key, record key or prefix it is about; empty where there is none.
    pub name: &'a str,
    /// The object key that a publish makes.
    pub target: Option<&'a str>,
    /// The first byte written, moved to or read.
    pub position: u64,
    /// Bytes written, moved, published or asked for; of a put, those of its value.
    pub bytes: u64,
}

impl<'a> Call<'a> {
    fn new(operation: Operation, name: &'a str) -> Self {
        Self { operation, name, target: None, position: 0, bytes: 0 }
    }

    fn over(operation: Operation, name: &'a str, range: &Range<u64>) -> Self {
        let bytes = range.end.saturating_sub(range.start);
        Self { position: range.start, bytes, ..Self::new(operation, name) }
    }
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// It did what was asked; `bytes` came back (reads, gets, listings of records) or went in.
    Done {
        /// How many.
        bytes: u64,
    },
    /// A put or delete found something else.
    Lost,
    /// It failed, or nobody knows.
    Failed,
}

/// Why a hook keeps a call from the store.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// The call ends with this error.
    Error(StoreError),
    /// A put or delete ends *unknown* (other calls: with the error).
    Unknown(StoreError),
}

impl Refused {
    fn into_error(self) -> StoreError {
        match self {
            Self::Error(error) | Self::Unknown(error) => error,
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Error(error)
    }
}

/// Asked before each call, told after it. A dropped future drops the ticket and tells nothing.
pub trait Hook: Send + Sync + fmt::Debug {
    /// Kept while the call is under way.
    type Ticket: Send + Sync;

    /// May wait, and may refuse; a refused call does not reach the store.
    fn before(&self, call: &Call<'_>) -> impl Future<Output = Result<Self::Ticket, Refused>> + Send;

    /// May tie something to the permit of a write or move, which outlives a dropped future.
    fn hold(&self, _ticket: &Self::Ticket, permit: Permit) -> Permit {
        permit
    }

    /// May wait, and may turn success into an error: the effect stays, a put or delete ends *unknown*.
    fn after(
        &self,
        call: &Call<'_>,
        ticket: Self::Ticket,
        end: End,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A store behind a hook. Cheap to clone; clones share both.
pub struct Wrapped<S: ?Sized, H> {
    inner: Arc<S>,
    hook: Arc<H>,
}

impl<S: ?Sized, H: Hook> Wrapped<S, H> {
    /// `inner` behind `hook`.
    pub fn with_hook(inner: Arc<S>, hook: H) -> Self {
        Self { inner, hook: Arc::new(hook) }
    }

    /// The store itself, past the hook.
    pub fn inner(&self) -> &Arc<S> {
        &self.inner
    }

    /// The hook.
    pub fn hook(&self) -> &H {
        &self.hook
    }

    async fn around<T, F>(
        &self,
        call: Call<'_>,
        inner: impl FnOnce(&H::Ticket) -> F + Send,
        size: impl Fn(&T) -> u64 + Send,
    ) -> Result<T, StoreError>
    where
        T: Send,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let ticket = self.hook.before(&call).await.map_err(Refused::into_error)?;
        let inner = inner(&ticket);
        let result = inner.await;
        let end = result.as_ref().map_or(End::Failed, |value| End::Done { bytes: size(value) });
        let after = self.hook.after(&call, ticket, end).await;
        let value = result?;
        after.map(|()| value)
    }
}

impl<S: ?Sized, H> Clone for Wrapped<S, H> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), hook: Arc::clone(&self.hook) }
    }
}

impl<S: fmt::Debug + ?Sized, H: fmt::Debug> fmt::Debug for Wrapped<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wrapped").field("hook", &self.hook).field("inner", &&*self.inner).finish()
    }
}

#[async_trait]
impl<S: BlobStore + ?Sized, H: Hook> BlobStore for Wrapped<S, H> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn stage(&self, staging: &StagingName, length: Option<u64>) -> Result<(), StoreError> {
        let call = Call::new(Operation::Stage, staging.as_str());
        self.around(call, |_| self.inner.stage(staging, length), |()| 0).await
    }

    async fn write(
        &self,
        staging: &StagingName,
        position: u64,
        bytes: Vec<Bytes>,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let total = bytes.iter().map(|piece| piece.len() as u64).sum();
        let call = Call { position, bytes: total, ..Call::new(Operation::Write, staging.as_str()) };
        let write =
            |ticket: &H::Ticket| self.inner.write(staging, position, bytes, self.hook.hold(ticket, permit));
        self.around(call, write, |()| total).await
    }

    async fn sync(&self, staging: &StagingName) -> Result<(), StoreError> {
        let call = Call::new(Operation::Sync, staging.as_str());
        self.around(call, |_| self.inner.sync(staging), |()| 0).await
    }

    async fn read_staged(&self, staging: &StagingName, range: Range<u64>) -> Result<Bytes, StoreError> {
        let call = Call::over(Operation::ReadStaged, staging.as_str(), &range);
        self.around(call, |_| self.inner.read_staged(staging, range), |bytes| bytes.len() as u64).await
    }

    async fn publish(&self, publication: &Publication) -> Result<(), StoreError> {
        let (staging, key) = (publication.staging.as_str(), publication.key.as_str());
        let bytes = publication.length;
        let call = Call { target: Some(key), bytes, ..Call::new(Operation::Publish, staging) };
        self.around(call, |_| self.inner.publish(publication), |()| bytes).await
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        let call = Call::over(Operation::Read, key.as_str(), &range);
        self.around(call, |_| self.inner.read(key, range), |bytes| bytes.len() as u64).await
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        let call = Call::new(Operation::Length, key.as_str());
        self.around(call, |_| self.inner.length(key), |_| 0).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let call = Call::new(Operation::Delete, key.as_str());
        self.around(call, |_| self.inner.delete(key), |()| 0).await
    }

    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError> {
        let call = Call::new(Operation::Discard, staging.as_str());
        self.around(call, |_| self.inner.discard(staging), |()| 0).await
    }

    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let call = Call::new(Operation::List, "");
        self.around(call, |_| self.inner.list(until, after, limit), |_| 0).await
    }

    fn mover(&self) -> Option<&dyn Mover> {
        self.inner.mover().map(|_| self as &dyn Mover)
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.around(Call::new(Operation::Flush, ""), |_| self.inner.flush(), |()| 0).await
    }
}

#[async_trait]
impl<S: BlobStore + ?Sized, H: Hook> Mover for Wrapped<S, H> {
    async fn move_within(
        &self,
        staging: &StagingName,
        from: u64,
        to: u64,
        len: u64,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let mover =
            self.inner.mover().ok_or_else(|| StoreError::unsupported("move bytes", "the wrapped store"))?;
        let call = Call { position: to, bytes: len, ..Call::new(Operation::Move, staging.as_str()) };
        let moved =
            |ticket: &H::Ticket| mover.move_within(staging, from, to, len, self.hook.hold(ticket, permit));
        self.around(call, moved, |()| len).await
    }
}

#[async_trait]
impl<S: RecordStore + ?Sized, H: Hook> RecordStore for Wrapped<S, H> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn shared(&self) -> bool {
        self.inner.shared()
    }

    async fn get(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let size = |stored: &Option<Stored>| stored.as_ref().map_or(0, |s| s.value.len() as u64);
        self.around(Call::new(Operation::Get, key), |_| self.inner.get(key), size).await
    }

    async fn put(&self, key: &str, value: Bytes, expected: Expected) -> Result<Put, StoreError> {
        let bytes = value.len() as u64;
        let call = Call { bytes, ..Call::new(Operation::Put, key) };
        let ticket = match self.hook.before(&call).await {
            Ok(ticket) => ticket,
            Err(Refused::Error(error)) => return Err(error),
            Err(Refused::Unknown(error)) => return Ok(Put::Unknown(error)),
        };
        let result = self.inner.put(key, value, expected).await;
        let end = match &result {
            Ok(Put::Won(_)) => End::Done { bytes },
            Ok(Put::Lost(_)) => End::Lost,
            _ => End::Failed,
        };
        let after = self.hook.after(&call, ticket, end).await;
        let put = result?;
        Ok(after.map_or_else(Put::Unknown, |()| put))
    }

    async fn delete(&self, key: &str, expected: &Version) -> Result<Deleted, StoreError> {
        let call = Call::new(Operation::DeleteRecord, key);
        let ticket = match self.hook.before(&call).await {
            Ok(ticket) => ticket,
            Err(Refused::Error(error)) => return Err(error),
            Err(Refused::Unknown(error)) => return Ok(Deleted::Unknown(error)),
        };
        let result = self.inner.delete(key, expected).await;
        let end = match &result {
            Ok(Deleted::Done) => End::Done { bytes: 0 },
            Ok(Deleted::Lost(_)) => End::Lost,
            _ => End::Failed,
        };
        let after = self.hook.after(&call, ticket, end).await;
        let deleted = result?;
        Ok(after.map_or_else(Deleted::Unknown, |()| deleted))
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, StoreError> {
        let size = |page: &Vec<(String, Stored)>| page.iter().map(|(_, s)| s.value.len() as u64).sum();
        let call = Call::new(Operation::ListRecords, prefix);
        self.around(call, |_| self.inner.list(prefix, after, limit), size).await
    }

    async fn health(&self) -> Result<(), StoreError> {
        self.around(Call::new(Operation::Health, ""), |_| self.inner.health(), |()| 0).await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.around(Call::new(Operation::Flush, ""), |_| self.inner.flush(), |()| 0).await
    }
}
