//! What the engine needs from the world: small traits, usable as `dyn`.
//!
//! A back end implements [`BlobStore`] or [`RecordStore`] and passes the conformance suite of `upload-storage`.
//! Required sets are small; what only some stores can do is a trait of its own, reached by a method that gives
//! `None` where it is absent. Nothing is silently dropped: what cannot be done is
//! [`StoreErrorKind::Unsupported`].

mod blob;
mod parts;
mod processor;
mod records;
mod signer;
mod world;

pub use blob::{BlobStore, Capabilities, Copier, Listed, Mover, Permit, Publication};
pub use parts::{Part, PartRules, Parts, Session};
pub use processor::{ProcessError, Processing, Processor, StoredBytes};
pub use records::{Deleted, Expected, Put, RecordStore, Stored, Version};
pub use signer::{Binding, SignFor, Signer};
pub use world::{
    AllowByRole, Authorizer, Clock, Events, Ids, NoEvents, NoSniffer, Sniffed, Sniffer, Subject,
};

/// What went wrong in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The staging object or object is not there.
    NotFound,
    /// No space, or a quota is used up.
    Full,
    /// It does not answer, or answered with a failure that may pass.
    Unavailable,
    /// What came back is not what was written.
    Corrupt,
    /// This store cannot do it.
    Unsupported,
}

/// A store's error. Its text is for logs; it never reaches a client.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
#[non_exhaustive]
pub struct StoreError {
    /// What went wrong.
    pub kind: StoreErrorKind,
    /// What was tried, on what.
    pub detail: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// An error of this kind.
    pub fn new(kind: StoreErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), source: None }
    }

    /// `Unavailable`.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::Unavailable, detail)
    }

    /// `NotFound`.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StoreErrorKind::NotFound, detail)
    }

    /// `Unsupported`: `implementer` cannot do `operation`.
    pub fn unsupported(operation: &str, implementer: &str) -> Self {
        Self::new(StoreErrorKind::Unsupported, format!("{implementer} cannot {operation}"))
    }

    /// Adds the cause.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
