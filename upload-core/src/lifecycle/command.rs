//! What may be asked of an upload, and what may happen to it.

use upload_checksum::Digests;
use upload_chunking::assembly::Row;

use crate::{
    ids::ObjectKey,
    outcome::{Extras, Outcome},
    record::{Failure, Source},
    time::Timestamp,
};

/// What was found out about a closed set.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Proof {
    /// Digests of the whole, computed from its bytes.
    pub digests: Digests,
    /// The type found in the content, if it was recognised.
    pub content_type: Option<String>,
    /// What processors found in it, under their names.
    pub details: Extras,
}

impl Proof {
    /// What was found in the bytes.
    pub fn new(digests: Digests, content_type: Option<String>) -> Self {
        Self { digests, content_type, details: Extras::new() }
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Acknowledge this chunk or extent, whose bytes are durable.
    Record(Row),
    /// Fix the whole length, in bytes.
    FixLength(u64),
    /// The store holds the object of an upload whose bytes go there directly.
    Arrived {
        /// Where it would be published.
        key: ObjectKey,
        /// Its bytes.
        length: u64,
    },
    /// The uploads that it is composed of are all complete.
    Compose {
        /// Where it would be published.
        key: ObjectKey,
        /// What they have become, in order.
        sources: Vec<Source>,
    },
    /// Close the complete set.
    Close {
        /// Where it would be published.
        key: ObjectKey,
    },
    /// Fix the outcome of the complete set.
    Commit {
        /// Where it would be published, if the set was not closed under another key before.
        key: ObjectKey,
        /// What was found out about it.
        proof: Proof,
    },
    /// Its content makes the claim under this key, which may be put from now on.
    Claim(String),
    /// Its content could not be processed this time.
    Defer,
    /// Its object is published.
    Complete,
    /// Whoever sends the parts says that they are all.
    CommitParts,
    /// An application keeps the completed upload.
    Attach,
    /// Remove the completed upload.
    Remove,
    /// Remove the completed upload, unless an application attached it.
    RemoveUnattached,
    /// Give it up at a request.
    Cancel,
    /// Give it up since the storage failed it.
    Fail(Failure),
    /// Give it up since its deadline passed.
    Expire,
}

/// What happens. All but `Recorded` are changes of the head.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A chunk or extent counts.
    Recorded(Row),
    /// The whole length is known.
    LengthFixed(u64),
    /// What it is composed of is all there, and the set is closed.
    Composed(ObjectKey, Vec<Source>),
    /// The set is closed.
    Closed(ObjectKey),
    /// Its content makes a claim.
    Claimed(String),
    /// Its content could not be processed; so often by now.
    Deferred(u32),
    /// The outcome is fixed.
    Committed(Box<Outcome>),
    /// It is stored and readable.
    Completed(Timestamp),
    /// It failed for good.
    Failed(Failure, Timestamp),
    /// It was cancelled.
    Cancelled(Timestamp),
    /// It was given up after its deadline.
    Expired(Timestamp),
    /// Its parts are all.
    PartsCommitted(Timestamp),
    /// An application keeps it.
    Attached(Timestamp),
    /// It was removed after its completion.
    Removed(ObjectKey, Timestamp),
}
