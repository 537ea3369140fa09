//! What the engine's calls take and give.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_core::Stream;
use upload_checksum::{Algorithm, Digest};
use upload_chunking::assembly::At;
use upload_core::{Error, Inspection, Outcome, Policy, TenantName, TypeRule};

/// The bytes of a request as they arrive. An item that is an error ends the body: `Interrupted` for a client that went
/// away, `TimedOut`, `Busy` while the process is stopping, or whatever a layer above found wrong with it.
pub type Body<'a> = dyn Stream<Item = Result<Bytes, Error>> + Send + Unpin + 'a;

/// One write to an upload.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Write {
    /// Where the body stands.
    pub at: At,
    /// Bytes the body will have, if announced: for early refusals, never for placing. A chunk that comes to others is refused.
    pub declared: Option<u64>,
    /// Digest that the body must have; nothing of it counts before it is known to have it.
    pub expected: Option<Digest>,
    /// The same, where the digest is told only when the body has ended. Only by offset.
    pub trailing: Option<Trailing>,
    /// Finish the upload if this write makes its set complete.
    pub finish_when_complete: bool,
}

impl Write {
    /// A write that finishes the upload when it makes its set complete.
    pub fn new(at: At) -> Self {
        Self { at, declared: None, expected: None, trailing: None, finish_when_complete: true }
    }
}

/// A digest that comes after the bytes that it is of. Clones are one: whoever reads the body [tells](Self::tell) it before the
/// body ends, or reports an error as the body's last item.
#[derive(Debug, Clone)]
pub struct Trailing {
    algorithms: Vec<Algorithm>,
    told: Arc<OnceLock<Digest>>,
}

impl Trailing {
    /// It will be by one of these algorithms; each of them is computed.
    pub fn new(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        Self { algorithms: algorithms.into_iter().collect(), told: Arc::default() }
    }

    /// The digest; the first one counts.
    pub fn tell(&self, digest: Digest) {
        let _ = self.told.set(digest);
    }

    pub(crate) fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    pub(crate) fn told(&self) -> Option<Digest> {
        self.told.get().copied()
    }
}

/// How a write ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Written {
    /// The bytes are stored; the set is not complete (or was not to be finished).
    Stored(Box<Inspection>),
    /// The upload is complete: by this write, or before.
    Completed(Box<Outcome>),
}

/// Limits for a body whose destination is not known (or that begins and finishes in one request).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Most bytes.
    pub max_length: u64,
    /// What the content may be, if that is known already.
    pub types: TypeRule,
    /// Digests to compute while the bytes pass.
    pub digests: Vec<Algorithm>,
    /// Bytes the body will have, if announced.
    pub declared: Option<u64>,
    /// Whose it will be, if that is known: where [tenants have stores of their own](upload_core::ports::Capabilities::by_tenant),
    /// its bytes go to the right one at once.
    pub tenant: Option<TenantName>,
}

impl Limits {
    /// At most `max_length` bytes of anything, with SHA-256.
    pub fn new(max_length: u64) -> Self {
        Self {
            max_length,
            types: TypeRule::Any,
            digests: vec![Algorithm::Sha256],
            declared: None,
            tenant: None,
        }
    }

    /// As the destination's policy says for an upload in one request.
    pub fn single(policy: &Policy) -> Self {
        Self {
            max_length: policy.max_single.min(policy.max_length),
            types: policy.types.clone(),
            digests: policy.digests.clone(),
            declared: None,
            tenant: None,
        }
    }

    /// For a body that this tenant's upload will have.
    #[must_use]
    pub fn of(mut self, tenant: &TenantName) -> Self {
        self.tenant = Some(tenant.clone());
        self
    }
}

/// What one pass of the sweep or the janitor did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Due keys (sweep) or names (janitor) looked at.
    pub seen: u64,
    /// Uploads given up at their deadline.
    pub expired: u64,
    /// Uploads whose finishing was taken up again.
    pub finished: u64,
    /// Records, staging objects and objects removed.
    pub removed: u64,
    /// What could not be done and stays due.
    pub failed: u64,
}
