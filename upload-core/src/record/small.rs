//! The small records beside a head.

use serde::{Deserialize, Serialize};
use upload_checksum::{Digest, Fingerprint, SavedSet};
use upload_chunking::assembly::{Key, Row, Shape, Sizing};

use super::Lies;
use crate::{
    ids::{Handle, TenantName, UploadId},
    outcome::{Charge, Outcome},
    time::{Hour, Timestamp},
};

/// `t/<tenant>`: the handle of a tenant, made once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TenantRecord {
    /// What the tenant's ids begin with.
    pub handle: Handle,
}

impl TenantRecord {
    /// The tenant with this handle.
    pub fn new(handle: Handle) -> Self {
        Self { handle }
    }
}

/// `th/<handle>`: whose handle it is; keeps handles unique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HandleRecord {
    /// The tenant.
    pub tenant: TenantName,
}

impl HandleRecord {
    /// A handle of this tenant.
    pub fn new(tenant: TenantName) -> Self {
        Self { tenant }
    }
}

/// `u/<id>/c`: how much of a composed upload lies in its staging object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CopiedRecord {
    /// Bytes from the beginning on, all durable.
    pub bytes: u64,
}

impl CopiedRecord {
    /// The first so many bytes.
    pub fn new(bytes: u64) -> Self {
        Self { bytes }
    }
}

/// `u/<id>/x/<place>`: the acknowledgement of one chunk or extent. The first at a place wins and never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RowRecord {
    /// Where it begins in the whole, in bytes.
    pub start: u64,
    /// Its length and CRC-64/NVME: tells a repeated chunk from another one. No security boundary.
    pub print: Fingerprint,
    /// Where its bytes lie.
    #[serde(default)]
    pub lies: Lies,
    /// The digest that its bytes were checked against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

impl RowRecord {
    /// The record of a row whose bytes lie in place.
    pub fn in_place(start: u64, print: Fingerprint) -> Self {
        Self::new(start, print, Lies::InPlace)
    }

    /// The record of a row whose bytes lie so.
    pub fn new(start: u64, print: Fingerprint, lies: Lies) -> Self {
        Self { start, print, lies, digest: None }
    }

    /// Whether it acknowledges the same bytes at the same place.
    pub fn equals(&self, other: &Self) -> bool {
        (self.start, self.print) == (other.start, other.print)
    }

    /// As the assembly knows it.
    pub fn row(&self, at: Key) -> Row {
        Row { at, start: self.start, len: self.print.len }
    }
}

/// `u/<id>/s`: how many chunks there are, and their size once it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShapeRecord {
    /// Chunks in all.
    pub total: u32,
    /// Bytes of every chunk but the last, if they are all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uniform: Option<u64>,
    /// Chunks have sizes of their own and come in order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_order: bool,
}

impl From<Shape> for ShapeRecord {
    fn from(shape: Shape) -> Self {
        Self {
            total: shape.total,
            uniform: match shape.sizing {
                Some(Sizing::Uniform(size)) => Some(size),
                _ => None,
            },
            in_order: matches!(shape.sizing, Some(Sizing::InOrder)),
        }
    }
}

impl From<ShapeRecord> for Shape {
    fn from(r: ShapeRecord) -> Self {
        let sizing = match (r.in_order, r.uniform) {
            (true, _) => Some(Sizing::InOrder),
            (false, Some(size)) => Some(Sizing::Uniform(size)),
            (false, None) => None,
        };
        Shape { total: r.total, sizing }
    }
}

/// `u/<id>/h`: the state of the digests at an offset. A cache: it counts only if the offset is not beyond the
/// frontier and every state resumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DigestRecord(pub SavedSet);

/// `u/<id>/e/<format>/<n>`: a small fact of a wire format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoteRecord(pub serde_json::Value);

/// `i/<handle>/<reversed time>/<id>`: an upload in a listing of its tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IndexRecord {
    /// The listing.
    pub label: String,
    /// The principal that began it.
    pub owner: String,
    /// Only that one, and those with the role support or admin, may see it.
    #[serde(default)]
    pub exclusive: bool,
    /// The client's name for the file, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Small facts to choose by.
    #[serde(default)]
    pub facts: serde_json::Value,
}

impl IndexRecord {
    /// An upload of this owner's in the listing `label`; the rest are public fields.
    pub fn new(label: impl Into<String>, owner: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            owner: owner.into(),
            exclusive: false,
            file_name: None,
            facts: serde_json::Value::Null,
        }
    }
}

/// `c/<handle>/<space>/<digest>`: which upload has a claim. Counts while that upload does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClaimRecord {
    /// The upload.
    pub id: UploadId,
    /// What else was the same, as the SHA-256 of it, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same: Option<String>,
    /// Whether the claim outlives the upload's completion.
    #[serde(default)]
    pub completed_counts: bool,
    /// The completed upload whose place this one takes when it is complete; until then that one has the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<UploadId>,
}

impl ClaimRecord {
    /// This upload has it.
    pub fn new(id: UploadId, same: Option<String>, completed_counts: bool) -> Self {
        Self { id, same, completed_counts, replaces: None }
    }
}

/// `due/<hour>/<id>`: this upload needs attention from that hour on, though no request may come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DueRecord {}

/// `l/<handle>/<hour>/<id>`: what a completed upload cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LedgerRecord {
    /// The charges of its outcome.
    pub charges: Vec<Charge>,
}

impl LedgerRecord {
    /// These charges.
    pub fn new(charges: Vec<Charge>) -> Self {
        Self { charges }
    }
}

/// `b/<handle>`: the sum of a tenant's ledger before an hour; a saved fold, which can be made again from the entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BalanceRecord {
    /// All entries of earlier hours are in it, and none of later ones.
    pub before: Hour,
    /// Their sum.
    pub sum: u64,
}

impl BalanceRecord {
    /// The sum of all entries of hours before this one.
    pub fn new(before: Hour, sum: u64) -> Self {
        Self { before, sum }
    }
}

/// `n/<id>`: a notice that was not delivered yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NoticeRecord {
    /// What is to be told.
    pub outcome: Outcome,
    /// How often it was tried in vain.
    #[serde(default)]
    pub attempts: u32,
    /// When it may be tried again.
    pub after: Timestamp,
}

impl NoticeRecord {
    /// To be told from this time on.
    pub fn new(outcome: Outcome, after: Timestamp) -> Self {
        Self { outcome, attempts: 0, after }
    }
}

/// `u/<id>/t`: the notice was delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToldRecord {}
