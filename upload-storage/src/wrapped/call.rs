use std::ops::Range;

use upload_core::Fragment;
#[cfg(doc)]
use upload_core::ports::{BlobStore, Copier, Mover, Parts, RecordStore, Signer};

/// The calls of the ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// [`BlobStore::stage`].
    Stage,
    /// [`BlobStore::write`].
    Write,
    /// [`Mover::move_within`].
    Move,
    /// [`Copier::copy_in`].
    Copy,
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
    /// [`Parts::open`].
    OpenSession,
    /// [`Parts::put_part`].
    PutPart,
    /// [`Parts::copy_part`].
    CopyPart,
    /// [`Parts::list_parts`].
    ListParts,
    /// [`Parts::complete`].
    CompleteParts,
    /// [`Parts::abort`].
    AbortSession,
    /// [`Parts::put_object`].
    PutObject,
    /// [`Parts::put_fragment`].
    PutFragment,
    /// [`Parts::read_fragment`].
    ReadFragment,
    /// [`Parts::delete_fragments`].
    DeleteFragments,
    /// [`Signer::sent`].
    ListSent,
    /// [`Signer::copy_once`].
    CopyOnce,
    /// [`RecordStore::get`].
    Get,
    /// [`RecordStore::put`].
    Put,
    /// [`RecordStore::delete`].
    DeleteRecord,
    /// [`RecordStore::list`].
    ListRecords,
    /// [`RecordStore::keys`].
    ListKeys,
    /// [`RecordStore::health`].
    Health,
    /// `flush` of either port.
    Flush,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 31] = [
        Self::Stage,
        Self::Write,
        Self::Move,
        Self::Copy,
        Self::Sync,
        Self::ReadStaged,
        Self::Publish,
        Self::Read,
        Self::Length,
        Self::Delete,
        Self::Discard,
        Self::List,
        Self::OpenSession,
        Self::PutPart,
        Self::CopyPart,
        Self::ListParts,
        Self::CompleteParts,
        Self::AbortSession,
        Self::PutObject,
        Self::PutFragment,
        Self::ReadFragment,
        Self::DeleteFragments,
        Self::ListSent,
        Self::CopyOnce,
        Self::Get,
        Self::Put,
        Self::DeleteRecord,
        Self::ListRecords,
        Self::ListKeys,
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
    /// The object key that a publish makes; the session of an object's parts.
    pub target: Option<&'a str>,
    /// The fragments that are stored, read or removed.
    pub fragments: &'a [Fragment],
    /// The first byte written, moved to or read; a part's number.
    pub position: u64,
    /// Bytes written, moved, published or asked for; of a put, those of its value.
    pub bytes: u64,
}

impl<'a> Call<'a> {
    pub(super) fn new(operation: Operation, name: &'a str) -> Self {
        Self { operation, name, target: None, fragments: &[], position: 0, bytes: 0 }
    }

    pub(super) fn over(operation: Operation, name: &'a str, range: &Range<u64>) -> Self {
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
