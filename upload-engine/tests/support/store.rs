//! The blob stores that the tests run over: one that is written in place, and one of parts.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    Fragment, Hour, ObjectKey, StagingName,
    ports::{
        BlobStore, Capabilities, Copier, Listed, Mover, PartRules, Parts, Permit, Publication, Signer,
        StoreError,
    },
    record::{FoldRecord, Lies, RowRecord, Segment},
};
use upload_storage::{
    Operation,
    memory::{MemoryBlobs, MemoryParts},
};

use super::block_on;

/// A store in memory; clones share what they hold.
#[derive(Debug, Clone)]
pub enum Blobs {
    InPlace(MemoryBlobs),
    Parts(MemoryParts),
}

/// Parts that small uploads have many of.
pub fn rules() -> PartRules {
    let mut rules = PartRules::s3();
    rules.min_part = MIN_PART;
    rules
}

/// Least bytes of a part.
pub const MIN_PART: u64 = 700;

/// The call that makes the object of an upload of more than one part.
pub const PUBLISH: Operation = if crate::PARTS { Operation::CompleteParts } else { Operation::Publish };

impl Blobs {
    pub fn new(parts: bool) -> Self {
        if parts { Self::Parts(MemoryParts::new(rules())) } else { Self::InPlace(MemoryBlobs::new()) }
    }

    pub fn with_shared(self, shared: bool) -> Self {
        match self {
            Self::InPlace(blobs) => Self::InPlace(blobs.with_shared(shared)),
            parts => parts,
        }
    }

    fn inner(&self) -> &dyn BlobStore {
        match self {
            Self::InPlace(blobs) => blobs,
            Self::Parts(blobs) => blobs,
        }
    }

    /// The bytes of a row of an upload that is not an object yet.
    pub fn of_row(&self, staging: &StagingName, row: &RowRecord, folds: &[FoldRecord]) -> Option<Bytes> {
        let (start, len) = (row.start, row.print.len);
        match (self, &row.lies) {
            (Self::InPlace(blobs), Lies::InPlace) => {
                block_on(blobs.read_staged(staging, start..start + len)).ok()
            }
            (Self::Parts(blobs), Lies::Segments(segments)) => {
                let key = ObjectKey::of(staging);
                if let Ok(bytes) = block_on(blobs.read(&key, start..start + len)) {
                    return Some(bytes);
                }
                let (mut whole, mut at) = (Vec::new(), start);
                for segment in segments {
                    let end = at + segment.length();
                    match segment {
                        Segment::Part(part) => whole.extend_from_slice(&blobs.part(&key, part)?),
                        Segment::Fragment { name, length } => {
                            match block_on(blobs.read_fragment(staging, name, 0..*length)) {
                                Ok(bytes) => whole.extend_from_slice(&bytes),
                                Err(_) => {
                                    while at < end {
                                        let fold = folds
                                            .iter()
                                            .find(|f| f.start <= at && at < f.start + f.part.length)?;
                                        let to = end.min(fold.start + fold.part.length);
                                        let bytes = blobs.part(&key, &fold.part)?;
                                        whole.extend_from_slice(
                                            &bytes[(at - fold.start) as usize..(to - fold.start) as usize],
                                        );
                                        at = to;
                                    }
                                }
                            }
                        }
                        other => panic!("{other:?}"),
                    }
                    at = end;
                }
                Some(whole.into())
            }
            _ => panic!("{row:?} in {self:?}"),
        }
    }
}

#[async_trait]
impl BlobStore for Blobs {
    fn capabilities(&self) -> Capabilities {
        self.inner().capabilities()
    }
    async fn stage(&self, staging: &StagingName, length: Option<u64>) -> Result<(), StoreError> {
        self.inner().stage(staging, length).await
    }
    async fn write(
        &self,
        staging: &StagingName,
        position: u64,
        bytes: Vec<Bytes>,
        permit: Permit,
    ) -> Result<(), StoreError> {
        self.inner().write(staging, position, bytes, permit).await
    }
    async fn sync(&self, staging: &StagingName) -> Result<(), StoreError> {
        self.inner().sync(staging).await
    }
    async fn read_staged(&self, staging: &StagingName, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.inner().read_staged(staging, range).await
    }
    async fn publish(&self, publication: &Publication) -> Result<(), StoreError> {
        self.inner().publish(publication).await
    }
    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.inner().read(key, range).await
    }
    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        self.inner().length(key).await
    }
    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.inner().delete(key).await
    }
    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError> {
        self.inner().discard(staging).await
    }
    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        self.inner().list(until, after, limit).await
    }
    fn mover(&self) -> Option<&dyn Mover> {
        self.inner().mover()
    }
    fn copier(&self) -> Option<&dyn Copier> {
        self.inner().copier()
    }
    fn parts(&self) -> Option<&dyn Parts> {
        self.inner().parts()
    }
    fn signer(&self) -> Option<&dyn Signer> {
        self.inner().signer()
    }
}
