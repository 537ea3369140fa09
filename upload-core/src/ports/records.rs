//! The port to small records: a compare-and-swap register by key.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use super::StoreError;

/// A record's version, opaque; the store gives each successful put a new one and never the same twice for a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(Bytes);

impl Version {
    /// A version as the store writes it.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// The store's own bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// Its value.
    pub value: Bytes,
    /// Its version.
    pub version: Version,
}

impl Stored {
    /// A value with its version.
    pub fn new(value: impl Into<Bytes>, version: Version) -> Self {
        Self { value: value.into(), version }
    }
}

/// What a put or delete expects to find.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// No record under the key.
    Absent,
    /// Exactly this version.
    Version(Version),
}

/// How a put ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Put {
    /// The value is stored, durable in the store's own sense of the word.
    Won(Version),
    /// Something else was there (`None`: nothing, where a version was expected); nothing changed.
    Lost(Option<Stored>),
    /// It may or may not be stored. The caller reads again: every value carries a fresh nonce.
    Unknown(StoreError),
}

/// How a delete ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Deleted {
    /// The record is gone (or was absent).
    Done,
    /// Another version was there; nothing changed.
    Lost(Stored),
    /// It may or may not be gone.
    Unknown(StoreError),
}

/// A compare-and-swap register by key: the only shared state of the engine.
///
/// Keys are ASCII, at most 200 bytes; values at most 1 MiB. Every call is atomic and linearizable per key, also
/// when its future is dropped (it then happened or did not). An `Err` means: certainly not done.
#[async_trait]
pub trait RecordStore: Send + Sync + fmt::Debug {
    /// Its name in logs and start-up tables, such as `memory` or `redb`.
    fn name(&self) -> &str;

    /// Whether other processes may use the same records at the same time.
    fn shared(&self) -> bool {
        false
    }

    /// The record under the key.
    async fn get(&self, key: &str) -> Result<Option<Stored>, StoreError>;

    /// Stores `value` if what is there is as expected.
    async fn put(&self, key: &str, value: Bytes, expected: Expected) -> Result<Put, StoreError>;

    /// Removes the record if its version is the expected one.
    async fn delete(&self, key: &str, expected: &Version) -> Result<Deleted, StoreError>;

    /// At most `limit` records whose key begins with `prefix`, in key order, after the key `after`.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, StoreError>;

    /// The keys that [`list`](Self::list) would give. A store whose listings carry no values should do this without reading
    /// them.
    async fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        Ok(self.list(prefix, after, limit).await?.into_iter().map(|(key, _)| key).collect())
    }

    /// Whether it can still commit; `Err` says why only a restart helps.
    async fn health(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Makes everything durable that was acknowledged; called at a clean stop.
    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
