//! What an upload has become, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use upload_checksum::Digests;

use crate::{
    ids::{ObjectKey, UploadId},
    policy::Visibility,
    time::Timestamp,
};

/// Facts that only one wire format needs, kept opaque under that format's name.
pub type Extras = BTreeMap<String, serde_json::Value>;

/// The stored result of a completed upload; every retry of a finishing request gets this same value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The upload.
    pub id: UploadId,
    /// Where its bytes lie in the blob store; never shown outside.
    pub key: ObjectKey,
    /// Its destination's name.
    pub destination: String,
    /// Bytes.
    pub length: u64,
    /// Digests of the whole.
    pub digests: Digests,
    /// The type found in the content, if it was recognised.
    pub content_type: Option<String>,
    /// The client's name for the file, as it came: clean it before use.
    pub file_name: Option<String>,
    /// Who may read it.
    pub visibility: Visibility,
    /// When finishing was committed.
    pub committed: Timestamp,
    /// Facts of the wire format that began it.
    #[serde(default)]
    pub extras: Extras,
    /// What processors found in its content, under their names.
    #[serde(default, skip_serializing_if = "Extras::is_empty")]
    pub details: Extras,
    /// What it costs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Charge>,
    /// Its content was processed and is not kept; all else is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub content_removed: bool,
}

/// What something costs, in the smallest unit of the operator's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Charge {
    /// What for.
    pub what: String,
    /// How much.
    pub amount: u64,
}

impl Charge {
    /// This much for that.
    pub fn new(what: impl Into<String>, amount: u64) -> Self {
        Self { what: what.into(), amount }
    }

    /// All of them together.
    pub fn sum(charges: &[Self]) -> u64 {
        charges.iter().fold(0, |sum, charge| sum.saturating_add(charge.amount))
    }
}

impl Outcome {
    /// A result with the facts every upload has; the others are public fields.
    pub fn new(
        id: UploadId,
        key: ObjectKey,
        destination: impl Into<String>,
        length: u64,
        committed: Timestamp,
    ) -> Self {
        Self {
            id,
            key,
            destination: destination.into(),
            length,
            digests: Digests::default(),
            content_type: None,
            file_name: None,
            visibility: Visibility::Tenant,
            committed,
            extras: Extras::new(),
            details: Extras::new(),
            charges: Vec::new(),
            content_removed: false,
        }
    }
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// It takes bytes.
    Receiving,
    /// The set is complete; it is being verified or published. Not yet a success.
    Finishing,
    /// It is stored and readable.
    Completed(Box<Outcome>),
    /// It failed for good, with this sentence.
    Failed(String),
    /// It was cancelled.
    Cancelled,
    /// Its deadline passed.
    Expired,
    /// It was complete and was removed.
    Removed,
}

/// What `inspect` tells.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Inspection {
    /// The upload.
    pub id: UploadId,
    /// How far it is.
    pub stage: Stage,
    /// Its whole length in bytes, if known.
    pub length: Option<u64>,
    /// Bytes that are durable without a gap from the beginning.
    pub frontier: u64,
    /// Bytes that are durable in all.
    pub received: u64,
    /// Chunks (slots) or extents that are durable.
    pub rows: u64,
    /// When it is given up if it is not complete.
    pub deadline: Timestamp,
    /// When it goes if nobody does anything; `None` for what stays, and for what is gone already.
    pub expires: Option<Timestamp>,
    /// The client's name for the file, as it came.
    pub file_name: Option<String>,
    /// Facts of the wire format that began it.
    pub extras: Extras,
    /// The principal that began it.
    pub owner: String,
    /// When it began.
    pub created: Timestamp,
    /// When it last changed its state, as far as the head knows.
    pub updated: Timestamp,
    /// The media type the client declared; never believed.
    pub declared_type: Option<String>,
    /// Who may read the result.
    pub visibility: Visibility,
    /// Whether whoever sends the parts has said that they are all.
    pub parts_committed: bool,
    /// Whether its bytes go to the store directly, so that what has come of them is not known here.
    pub direct: bool,
    /// When an application attached it.
    pub attached: Option<Timestamp>,
    /// Whether it is a part of wholes that will be composed.
    pub partial: bool,
    /// Whether it is composed of other uploads, so that no bytes come for it.
    pub composed: bool,
}

impl Inspection {
    /// An inspection with the facts every upload has; the others are public fields.
    pub fn new(id: UploadId, stage: Stage, deadline: Timestamp) -> Self {
        Self {
            id,
            stage,
            length: None,
            frontier: 0,
            received: 0,
            rows: 0,
            deadline,
            expires: None,
            file_name: None,
            extras: Extras::new(),
            owner: String::new(),
            created: Timestamp::default(),
            updated: Timestamp::default(),
            declared_type: None,
            visibility: Visibility::Tenant,
            parts_committed: false,
            direct: false,
            attached: None,
            partial: false,
            composed: false,
        }
    }
}
