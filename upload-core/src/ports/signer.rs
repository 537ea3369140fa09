//! The port to stores that take bytes from anybody who shows them a request that they signed.

use std::time::Duration;

use async_trait::async_trait;
use upload_checksum::Digest;

use super::{Session, StoreError};
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
            digest: None,
            content_type: None,
            file_name: None,
        }
    }
}

/// A store that signs requests to itself.
#[async_trait]
pub trait Signer: Send + Sync {
    /// A request that does what `ask` says until it expires.
    async fn sign(&self, ask: &SignFor<'_>) -> Result<SignedRequest, StoreError>;
}
