//! Grants: leave to do one thing with one upload, without a key, until it expires.
//!
//! A store that signs requests itself answers with a [`SignedRequest`], and the bytes go straight to it. Any other gets a
//! token that the engine seals, and the bytes come to whoever embeds the engine.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use upload_checksum::Digest;

use crate::ports::Session;

/// What a grant lets its holder do; again until it expires, with the same end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// Send the whole content.
    Put,
    /// Ask for the name of the session that the parts belong to.
    BeginParts,
    /// Send the part with this number, counted from 1.
    Part(u32),
    /// List the parts that are stored.
    ListParts,
    /// Say that the parts are all, and which they are.
    CommitParts,
    /// Give the upload up.
    AbortParts,
    /// Read the completed upload.
    Read,
}

impl Access {
    /// Whether it looks at a completed upload, and not at one that is being sent.
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Read)
    }
}

/// What is asked of `grant`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ask {
    /// What the holder may do.
    pub access: Access,
    /// For how long.
    pub lifetime: Duration,
    /// Digest that the bytes of a [`Put`](Access::Put) or [`Part`](Access::Part) must have.
    pub digest: Option<Digest>,
    /// Media type that the bytes must be sent as, or (of a [`Read`](Access::Read)) are to be shown as.
    pub content_type: Option<String>,
    /// A [`Put`](Access::Put) finishes the upload (default).
    pub finish: bool,
    /// Name for what is read.
    pub file_name: Option<String>,
    /// The store's session that the parts belong to, as whoever began it has told; for uploads that go to the store directly.
    pub session: Option<Session>,
}

impl Ask {
    /// Leave for this long; the rest are public fields.
    pub fn new(access: Access, lifetime: Duration) -> Self {
        let finish = access == Access::Put;
        Self { access, lifetime, digest: None, content_type: None, finish, file_name: None, session: None }
    }
}

/// What `grant` gives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grant {
    /// A token of the engine's, `[A-Za-z0-9._-]`, for an endpoint of whoever embeds it.
    Sealed(String),
    /// A request to the store itself.
    Signed(SignedRequest),
    /// The store needs no such request: what comes after it can be sent at once.
    Unneeded,
}

/// What a signed request does to the resource it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// Reads it.
    Get,
    /// Puts it there.
    Put,
    /// Does something with it.
    Post,
    /// Removes it.
    Delete,
}

/// A request that its holder sends exactly so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedRequest {
    /// What it does.
    pub verb: Verb,
    /// Where it goes, signature included.
    pub url: String,
    /// Named values that must go with it, in this order.
    pub fields: Vec<(String, String)>,
    /// Its body, where that is not for its holder to make.
    pub body: Option<String>,
}

impl SignedRequest {
    /// A request without further fields.
    pub fn new(verb: Verb, url: impl Into<String>) -> Self {
        Self { verb, url: url.into(), fields: Vec::new(), body: None }
    }
}
