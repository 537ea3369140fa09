//! The port to stores that take bytes from anybody who shows them a request that they signed.

use std::time::Duration;

use async_trait::async_trait;
use upload_checksum::{Algorithm, Digest};

use super::{Part, Session, StoreError};
use crate::{
    grant::{Access, SignedRequest},
    ids::{ObjectKey, StagingName},
};

/// What a signed request is to be good for, and nothing else, as far as the store can bind it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SignFor<'a> {
    /// What its holder may do.
    pub access: Access,
    /// Where the bytes go.
    pub staging: &'a StagingName,
    /// Where they lie, for [`Access::Read`].
    pub key: Option<&'a ObjectKey>,
    /// The session that the parts belong to, for what is about parts in a store that has [`Parts`](super::Parts).
    pub session: Option<&'a Session>,
    /// For how long it is good.
    pub lifetime: Duration,
    /// Bytes of the whole content.
    pub length: Option<u64>,
    /// Bytes of the part, for [`Access::Part`].
    pub part_length: Option<u64>,
    /// The parts that are stored, for [`Access::CommitParts`]: of them a store makes the request's body, where its holder cannot.
    pub parts: &'a [Part],
    /// Digest that the bytes must have.
    pub digest: Option<&'a Digest>,
    /// Media type that they are sent or shown as.
    pub content_type: Option<&'a str>,
    /// Name for what is read.
    pub file_name: Option<&'a str>,
}

impl<'a> SignFor<'a> {
    /// Leave for this upload's bytes; the rest are public fields.
    pub fn new(access: Access, staging: &'a StagingName, lifetime: Duration) -> Self {
        Self {
            access,
            staging,
            key: None,
            session: None,
            lifetime,
            length: None,
            part_length: None,
            parts: &[],
            digest: None,
            content_type: None,
            file_name: None,
        }
    }
}

/// What a store holds those to who send what it has signed, beside the place, the verb and the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Binding {
    /// By which algorithms it checks the whole content of a [`Put`](Access::Put): bytes with another digest are not stored.
    pub digests: &'static [Algorithm],
    /// No signed request replaces an object that a [`Put`](Access::Put) has made.
    pub keeps_put: bool,
    /// No signed request replaces an object that was made of parts.
    pub keeps_parts: bool,
    /// Parts belong to a session that a request begins. Else there is nothing to begin.
    pub sessions: bool,
    /// Most bytes of a [`Put`](Access::Put).
    pub max_put: u64,
}

impl Binding {
    /// What any store can be held to: nothing. The rest are public fields.
    pub const fn nothing() -> Self {
        Self { digests: &[], keeps_put: false, keeps_parts: false, sessions: true, max_put: u64::MAX }
    }
}

/// A store that signs requests to itself.
#[async_trait]
pub trait Signer: Send + Sync {
    /// What its requests are held to.
    fn binding(&self) -> Binding;

    /// A request that does what `ask` says until it expires.
    async fn sign(&self, ask: &SignFor<'_>) -> Result<SignedRequest, StoreError>;

    /// The parts of the object `key` that were sent by signed requests and not committed, by number.
    async fn sent(&self, key: &ObjectKey, session: Option<&Session>) -> Result<Vec<Part>, StoreError>;

    /// Copies an object within the store, all or nothing. Succeeds also when there is an object `to`, which stays as it is. A
    /// store that [keeps](Binding) whatever its requests make need not.
    ///
    /// # Errors
    /// `NotFound` if there is neither.
    async fn copy_once(&self, from: &ObjectKey, _to: &ObjectKey) -> Result<(), StoreError> {
        Err(StoreError::unsupported(&format!("copy {from}"), "a store that keeps what its requests make"))
    }
}
