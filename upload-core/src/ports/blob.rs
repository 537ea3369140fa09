//! The port to where bytes lie.

use std::{fmt, ops::Range};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Parts, Signer, StoreError};
use crate::{
    ids::{ObjectKey, StagingName},
    time::Hour,
};

/// Held by a back end for as long as the bytes of one write may still change what is stored.
///
/// The engine makes it and moves it into [`BlobStore::write`] or [`Mover::move_within`]; the back end moves it on into
/// whatever performs the write (a thread, a job) and drops it when that has ended, *also when the future of the
/// call was dropped before*. While a permit of a place is out, nobody else writes there and nothing is published
/// or discarded.
pub struct Permit(Option<Box<dyn FnOnce() + Send>>);

impl Permit {
    /// A permit that runs `ended` when it is dropped. `ended` must not block.
    pub fn new(ended: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(ended)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(ended) = self.0.take() {
            ended();
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

/// What a blob store can and cannot do. The engine refuses at creation what could never finish.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Its name in logs and start-up tables, such as `memory` or `disk`.
    pub name: String,
    /// Most bytes of one object.
    pub max_object: u64,
    /// Highest byte position that may be written in a staging object (positions beyond an upload's own limit
    /// hold chunks whose place is not known before they end).
    pub max_position: u64,
    /// Writes that begin and end at multiples of it (bytes) are the cheapest; 1 if there is no difference.
    pub block: u64,
    /// Whether other processes may use the same store at the same time.
    pub shared: bool,
    /// Whether tenants have stores of their own: then nothing that was staged under a name of nobody's, or of another tenant's,
    /// can be published for a tenant.
    pub by_tenant: bool,
}

impl Capabilities {
    /// A store of one process without limits of its own.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            max_object: i64::MAX as u64,
            max_position: i64::MAX as u64,
            block: 1,
            shared: false,
            by_tenant: false,
        }
    }
}

/// What to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Publication {
    /// The staging object that holds the bytes `0..length`.
    pub staging: StagingName,
    /// The new object's key; unique, made for this upload.
    pub key: ObjectKey,
    /// Its bytes; what the staging object has beyond them is dropped.
    pub length: u64,
}

impl Publication {
    /// Publish the first `length` bytes of `staging` as `key`.
    pub fn new(staging: StagingName, key: ObjectKey, length: u64) -> Self {
        Self { staging, key, length }
    }
}

/// One name of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Listed {
    /// An unfinished upload's bytes.
    Staged(StagingName),
    /// A published object.
    Object(ObjectKey),
}

/// Where bytes lie: unfinished uploads, and published objects that never change.
///
/// An unfinished upload is a staging object that is written in place at byte positions ([`write`](Self::write) to
/// [`publish`](Self::publish)), or, in a store that has [`parts`](Self::parts), parts and fragments: such a store need not
/// implement those calls, and the engine does not make them.
///
/// All calls may be made at once from many tasks, and any returned future may be dropped at any await: the call
/// then happened, or did not, or goes on under its [`Permit`]. An `Err` of a write, move or publish leaves the
/// bytes of that call undefined and everything else as it was.
#[async_trait]
pub trait BlobStore: Send + Sync + fmt::Debug {
    /// What it can and cannot do.
    fn capabilities(&self) -> Capabilities;

    /// Makes room for an upload of at most `length` bytes (`None`: not known). Cheap; may do nothing until the
    /// first write. Idempotent.
    async fn stage(&self, _staging: &StagingName, _length: Option<u64>) -> Result<(), StoreError> {
        Err(self.not_in_place())
    }

    /// Writes `bytes`, one after the other, from byte `position` on. Readable when it returns; durable after a
    /// later [`sync`](Self::sync). Bytes never written before within the staging object read as zero or as an error.
    async fn write(
        &self,
        _staging: &StagingName,
        _position: u64,
        _bytes: Vec<Bytes>,
        _permit: Permit,
    ) -> Result<(), StoreError> {
        Err(self.not_in_place())
    }

    /// Makes durable (in the store's own sense of the word) every write and move that had returned before the
    /// call, and the staging object's own existence. An error is final for this staging object: it is not retried.
    async fn sync(&self, _staging: &StagingName) -> Result<(), StoreError> {
        Err(self.not_in_place())
    }

    /// Reads `range` of a staging object: exactly its length, or an error.
    async fn read_staged(&self, _staging: &StagingName, _range: Range<u64>) -> Result<Bytes, StoreError> {
        Err(self.not_in_place())
    }

    /// Makes the staged bytes an object, durable when it returns, all or nothing. Succeeds also when the key
    /// already holds that object (published before). The staging object is gone afterwards.
    async fn publish(&self, _publication: &Publication) -> Result<(), StoreError> {
        Err(self.not_in_place())
    }

    /// Reads `range` of a published object: exactly its length, or an error. Ranges of at most a few MiB are
    /// asked for.
    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError>;

    /// The bytes of a published object, `None` if there is none.
    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError>;

    /// Removes an object; succeeds when there is none.
    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError>;

    /// Removes a staging object (its fragments, and the open sessions of [`ObjectKey::of`] it); succeeds when there is none.
    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError>;

    /// At most `limit` staging objects and objects whose name carries `hour` or an earlier one, ordered by name, after the
    /// name `after`. An empty answer ends the listing.
    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError>;

    /// Parts and fragments, where nothing is written in place.
    fn parts(&self) -> Option<&dyn Parts> {
        None
    }

    /// The error of the calls that write in place, where there are none.
    fn not_in_place(&self) -> StoreError {
        StoreError::unsupported("write in place", &self.capabilities().name)
    }

    /// Moving bytes inside a staging object without passing them through the engine, where the store can.
    fn mover(&self) -> Option<&dyn Mover> {
        None
    }

    /// Copying objects into a staging object without passing them through the engine, where the store can.
    fn copier(&self) -> Option<&dyn Copier> {
        None
    }

    /// Signing requests to the store itself, where it takes them.
    fn signer(&self) -> Option<&dyn Signer> {
        None
    }

    /// Makes everything durable that was acknowledged; called at a clean stop.
    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A store that can move bytes inside a staging object.
#[async_trait]
pub trait Mover: Send + Sync {
    /// Copies `len` bytes from position `from` to position `to`; the two do not overlap. Durability as
    /// [`BlobStore::write`]. What stands at `from` afterwards is undefined and may be given back to the disk.
    async fn move_within(
        &self,
        staging: &StagingName,
        from: u64,
        to: u64,
        len: u64,
        permit: Permit,
    ) -> Result<(), StoreError>;
}

/// A store that can copy bytes of its objects into a staging object.
#[async_trait]
pub trait Copier: Send + Sync {
    /// Copies `range` of an object to `position` of a staging object; shares its blocks where the file system can. Durability as
    /// [`BlobStore::write`].
    ///
    /// # Errors
    /// `NotFound` if there is no such object, `Corrupt` if it is shorter than that.
    async fn copy_in(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
        staging: &StagingName,
        position: u64,
        permit: Permit,
    ) -> Result<(), StoreError>;
}
