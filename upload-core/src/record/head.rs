//! The head: an upload's identity, policy and state.

use serde::{Deserialize, Serialize};
use upload_checksum::Digest;

use crate::{
    error::ErrorKind,
    ids::{ObjectKey, StagingName, UploadId},
    lifecycle::Unique,
    outcome::{Charge, Extras, Outcome},
    policy::{Policy, Visibility},
    time::Timestamp,
};

/// How an upload's bytes are addressed; fixed when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Addressing {
    /// By slot: chunk n of a total.
    Slots,
    /// By byte offset, each write where the last ended.
    Offsets,
}

/// Why an upload failed for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The bytes have another digest than announced.
    DigestMismatch,
    /// The content's type is not accepted.
    TypeRefused,
    /// The content is damaged, or not what it seems to be.
    Unreadable,
    /// The content could not be processed, as often as it was tried.
    Processing,
    /// The same content is stored already.
    Duplicate,
    /// An upload that it is composed of was given up or removed.
    PartGone,
    /// It came to more bytes than are allowed.
    TooLarge,
    /// The storage lost what it had acknowledged, or a sync failed.
    Storage,
}

impl FailureKind {
    /// The error kind that the failing request itself gets.
    pub const fn error_kind(self) -> ErrorKind {
        match self {
            Self::DigestMismatch => ErrorKind::DigestMismatch,
            Self::TypeRefused => ErrorKind::TypeRefused,
            Self::Unreadable => ErrorKind::Unreadable,
            Self::Processing => ErrorKind::ProcessingFailed,
            Self::Duplicate => ErrorKind::Duplicate,
            Self::PartGone => ErrorKind::Gone,
            Self::TooLarge => ErrorKind::TooLarge,
            Self::Storage => ErrorKind::Corrupt,
        }
    }
}

/// A stored failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// Why.
    pub kind: FailureKind,
    /// A sentence that may be shown outside.
    pub detail: String,
}

impl Failure {
    /// A failure with a sentence that may be shown outside.
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// Where an upload is in its life; `lifecycle` has the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
#[non_exhaustive]
pub enum Phase {
    /// It takes bytes.
    Receiving,
    /// The set is closed; its digests and type are being checked.
    Verifying {
        /// Where it will be published.
        key: ObjectKey,
        /// How often its content could not be processed.
        #[serde(default, skip_serializing_if = "is_zero")]
        attempts: u32,
    },
    /// All checks held; it is being published. The outcome is fixed.
    Committing {
        /// What it will be.
        outcome: Box<Outcome>,
    },
    /// It is stored and readable.
    Completed {
        /// What it is.
        outcome: Box<Outcome>,
        /// When.
        at: Timestamp,
    },
    /// It failed for good.
    Failed {
        /// Why.
        failure: Failure,
        /// When.
        at: Timestamp,
    },
    /// It was cancelled.
    Cancelled {
        /// When.
        at: Timestamp,
    },
    /// It was given up after its deadline.
    Expired {
        /// When.
        at: Timestamp,
    },
    /// It was complete and was removed.
    Removed {
        /// Where its bytes lie until those who read them have ended.
        key: ObjectKey,
        /// When.
        at: Timestamp,
    },
}

impl Phase {
    /// Whether nothing will change it any more.
    pub const fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::Completed { .. }
                | Self::Failed { .. }
                | Self::Cancelled { .. }
                | Self::Expired { .. }
                | Self::Removed { .. }
        )
    }

    /// The outcome, from Committing on.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Committing { outcome } | Self::Completed { outcome, .. } => Some(outcome),
            _ => None,
        }
    }
}

/// What an upload can rely on whose bytes go to the store directly; as the store was when it began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Direct {
    /// The digest that the store holds the content to: other bytes are not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Digest>,
    /// Whoever has a signed request could replace the object that it makes: a copy under another key is what counts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub copied: bool,
}

impl Direct {
    /// Neither bound nor copied; the rest are public fields.
    pub fn new() -> Self {
        Self::default()
    }
}

/// One object that a composed upload is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Source {
    /// Where it lies.
    pub key: ObjectKey,
    /// Its bytes.
    pub length: u64,
}

impl Source {
    /// All of this object.
    pub fn new(key: ObjectKey, length: u64) -> Self {
        Self { key, length }
    }
}

/// The record `u/<id>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Head {
    /// The upload.
    pub id: UploadId,
    /// The destination's name.
    pub destination: String,
    /// The destination's policy when the upload began.
    pub policy: Policy,
    /// The principal that began it.
    pub owner: String,
    /// How its bytes are addressed.
    pub addressing: Addressing,
    /// Its whole length in bytes, once known.
    pub length: Option<u64>,
    /// Digests that were announced; all must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<Digest>,
    /// The client's name for the file, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The media type the client declared; never believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_type: Option<String>,
    /// When it began.
    pub created: Timestamp,
    /// When it is given up if its set is not complete.
    pub deadline: Timestamp,
    /// Where its bytes lie until it is published.
    pub staging: StagingName,
    /// Facts of the wire format that began it.
    #[serde(default, skip_serializing_if = "Extras::is_empty")]
    pub extras: Extras,
    /// Who may read the result, in place of what the policy says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// Only its owner, and those with the role support or admin, may act on it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exclusive: bool,
    /// Its content comes in one body.
    #[serde(default, skip_serializing_if = "is_false")]
    pub whole: bool,
    /// It is not complete before its parts were committed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub holder_commits: bool,
    /// Its bytes come by grants only.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_grant: bool,
    /// Its bytes go to the store by requests that the store has signed: there are no rows of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direct: Option<Direct>,
    /// Whether it stands in a listing, under the key made of its id and [`created`](Self::created).
    #[serde(default, skip_serializing_if = "is_false")]
    pub listed: bool,
    /// The key of its claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// Its content may be there only once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<Unique>,
    /// The key of the claim that its content makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_claim: Option<String>,
    /// What it costs once it is complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Charge>,
    /// It is a part of wholes that will be composed, and nobody reads it by itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub partial: bool,
    /// It is composed of these uploads, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<UploadId>,
    /// What those had become when all of them were complete; until there is an outcome.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// When its parts were committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts_committed: Option<Timestamp>,
    /// When an application attached it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<Timestamp>,
    /// Where it is in its life.
    pub phase: Phase,
}

impl Head {
    /// Whether its bytes may all be stored and nobody has told us: the store has them from somebody else, who has done with it,
    /// or the uploads that it is composed of have been completed.
    pub fn arrives_unheard(&self) -> bool {
        let sent = self.direct.is_some() && !self.holder_commits;
        (sent || self.is_composed()) && matches!(self.phase, Phase::Receiving)
    }

    /// Whether its bytes come in bodies, of which there are rows: they are neither sent to the store by somebody else nor copied
    /// from other uploads.
    pub fn comes_in_rows(&self) -> bool {
        self.direct.is_none() && !self.is_composed()
    }

    /// Whether it is composed of other uploads.
    pub fn is_composed(&self) -> bool {
        !self.parts.is_empty()
    }

    /// When it goes if nobody does anything: its deadline while it is not complete, and then the end of the time within which
    /// an application must attach it, if there is one.
    pub fn expires(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Receiving | Phase::Verifying { .. } | Phase::Committing { .. } => Some(self.deadline),
            Phase::Completed { at, .. } if self.attached.is_none() => {
                self.policy.attach_within.map(|within| at.plus(within))
            }
            _ => None,
        }
    }

    /// Who may read the result.
    pub fn visibility(&self) -> Visibility {
        self.visibility.unwrap_or(self.policy.visibility)
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}
