//! The port to stores that cannot be written in place: an unfinished upload lies in them as parts and fragments.

use std::{fmt, ops::Range};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use upload_chunking::grid::Rules;

use super::StoreError;
use crate::ids::{Fragment, ObjectKey, StagingName};

/// What a store asks of the parts of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartRules {
    /// Least bytes of every part but the last; 0 where parts may have any size. S3 and GCS: 5 MiB; Azure: 0.
    pub min_part: u64,
    /// Most bytes of a part. S3 and GCS: 5 GiB; Azure: 4,000 MiB.
    pub max_part: u64,
    /// Most parts of an object. S3 and GCS: 10,000; Azure: 50,000.
    pub max_parts: u32,
    /// Parts stand in the object in the order of their numbers, which are from 1 to [`max_parts`](Self::max_parts). Else
    /// they stand as they are listed, and any number is fine.
    pub numbered: bool,
    /// All parts but the last must have the same size, as Cloudflare R2 has it.
    pub equal: bool,
}

impl PartRules {
    /// Parts of 5 MiB to 5 GiB, numbered from 1 to 10,000, as S3 has them.
    pub const fn s3() -> Self {
        Self { min_part: 5 << 20, max_part: 5 << 30, max_parts: 10_000, numbered: true, equal: false }
    }

    /// Up to 50,000 blocks of at most 4,000 MiB in any order, as Azure has them.
    pub const fn azure() -> Self {
        Self { min_part: 0, max_part: 4000 << 20, max_parts: 50_000, numbered: false, equal: false }
    }
}

impl PartRules {
    /// What the [grid](upload_chunking::grid) of parts keeps to.
    pub const fn grid(&self) -> Rules {
        Rules { least: self.min_part, most_parts: self.max_parts, equal: self.equal }
    }
}

/// The store's own name for an upload in parts, opaque; not secret, but good for nothing without the store's keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Session(String);

impl Session {
    /// A session as the store names it.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The store's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A part that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Part {
    /// Its number.
    pub number: u64,
    /// Bytes.
    pub length: u64,
    /// What the store calls these bytes (an ETag, a block's name); asked for when the parts become an object.
    pub tag: String,
}

impl Part {
    /// A part as it is stored.
    pub fn new(number: u64, length: u64, tag: impl Into<String>) -> Self {
        Self { number, length, tag: tag.into() }
    }
}

/// A store that keeps what is not finished as parts of a [`Session`], and as fragments: small objects of their own below a
/// staging name.
///
/// Each call is durable when it returns `Ok`. After an `Err`, or when the future is dropped, it happened, or not, or happens
/// later: the engine never asks for the same number or fragment twice, so a late one does no harm.
#[async_trait]
pub trait Parts: Send + Sync {
    /// What it asks of parts.
    fn rules(&self) -> PartRules;

    /// Begins an upload in parts that will be the object `key`. Every call begins another one.
    async fn open(&self, key: &ObjectKey) -> Result<Session, StoreError>;

    /// Stores a part.
    async fn put_part(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        bytes: Vec<Bytes>,
    ) -> Result<Part, StoreError>;

    /// Whether [`copy_part`](Self::copy_part) works.
    fn copies(&self) -> bool {
        false
    }

    /// Stores `range` of another object of the store as a part, without passing its bytes through the engine.
    ///
    /// # Errors
    /// As [`put_part`](Self::put_part); `NotFound` also if there is no such object.
    async fn copy_part(
        &self,
        _key: &ObjectKey,
        _session: &Session,
        _number: u64,
        _from: &ObjectKey,
        _range: Range<u64>,
    ) -> Result<Part, StoreError> {
        Err(StoreError::unsupported("copy parts", "the store"))
    }

    /// The parts that the session has, by number.
    async fn list_parts(&self, key: &ObjectKey, session: &Session) -> Result<Vec<Part>, StoreError>;

    /// Makes exactly these parts, in this order, the object. Also `Ok` if it is that object already. Parts that are not
    /// listed are dropped.
    ///
    /// # Errors
    /// `Corrupt` if a part is not stored as it is listed, `NotFound` if there is neither session nor object.
    async fn complete(&self, key: &ObjectKey, session: &Session, parts: &[Part]) -> Result<(), StoreError>;

    /// Gives a session up with all its parts; succeeds when there is none.
    async fn abort(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError>;

    /// Stores a whole object; in place of one that is there.
    async fn put_object(&self, key: &ObjectKey, bytes: Vec<Bytes>) -> Result<(), StoreError>;

    /// Stores a fragment.
    async fn put_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        bytes: Vec<Bytes>,
    ) -> Result<(), StoreError>;

    /// Reads `range` of a fragment: exactly its length, or an error.
    async fn read_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError>;

    /// Removes fragments; those that are not there are fine.
    async fn delete_fragments(&self, staging: &StagingName, fragments: &[Fragment])
    -> Result<(), StoreError>;
}
