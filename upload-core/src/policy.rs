//! Destinations and their policy: what an upload may be, decided when it begins and kept with it.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use upload_checksum::Algorithm;

use crate::error::{Error, ErrorKind, Result};

/// Which content types are accepted. The type is the one found in the bytes, never the one declared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TypeRule {
    /// Any bytes, recognised or not.
    #[default]
    Any,
    /// Only these media types.
    Only(Vec<String>),
}

impl TypeRule {
    /// Only these media types.
    pub fn only<S: Into<String>>(types: impl IntoIterator<Item = S>) -> Self {
        Self::Only(types.into_iter().map(Into::into).collect())
    }

    /// Whether content of this type (`None`: not recognised) is accepted.
    pub fn accepts(&self, found: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Only(types) => found.is_some_and(|f| types.iter().any(|t| t == f)),
        }
    }

    /// Refuses content of this type with a sentence that names both sides.
    pub fn check(&self, found: Option<&str>) -> Result<()> {
        match self {
            Self::Only(types) if !self.accepts(found) => Err(Error::new(
                ErrorKind::TypeRefused,
                format!(
                    "the content is {}; this destination accepts {}",
                    found.unwrap_or("of no recognised type"),
                    types.join(", ")
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// Who may read a completed upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Visibility {
    /// Any key of the tenant that may read.
    #[default]
    Tenant,
    /// Anybody who knows its path.
    Public,
    /// Keys of the tenant with the role support or admin.
    Support,
    /// Keys of the tenant with the role admin.
    Admin,
}

/// What an upload may be. A copy of it is stored with every upload, so changing a destination never changes
/// uploads that are under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Policy {
    /// Most bytes of a whole upload.
    pub max_length: u64,
    /// Most bytes of one chunk (default 64 MiB).
    pub max_chunk: u64,
    /// Most bytes of an upload that begins and finishes in one request (default 10 MiB).
    pub max_single: u64,
    /// Most chunks of one upload (default 10,000).
    pub max_chunks: u32,
    /// Accepted content types.
    pub types: TypeRule,
    /// Who may read the result.
    pub visibility: Visibility,
    /// What the path of a result begins with, for wire formats that have paths (default `/uploads`).
    pub prefix: String,
    /// How long an unfinished upload is kept, from its beginning (default 24 h).
    pub lifetime: Duration,
    /// Digests computed for every upload (default SHA-256), besides those announced.
    pub digests: Vec<Algorithm>,
    /// How long a completed upload may wait for an application to attach it before it is removed (default: for ever).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach_within: Option<Duration>,
    /// Whether content that a processor cannot read fails the upload (default), or is kept without those details.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub refuse_unreadable: bool,
    /// How often processing is tried, when it does not work for reasons that are not the content's, before the upload
    /// fails (default 5).
    #[serde(default = "process_attempts", skip_serializing_if = "are_process_attempts")]
    pub process_attempts: u32,
    /// Whether the content is kept (default), or removed once it was processed; its outcome stays.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub keep_content: bool,
}

const fn yes() -> bool {
    true
}

const fn is_yes(flag: &bool) -> bool {
    *flag
}

const fn process_attempts() -> u32 {
    Policy::PROCESS_ATTEMPTS
}

const fn are_process_attempts(n: &u32) -> bool {
    *n == Policy::PROCESS_ATTEMPTS
}

impl Policy {
    /// Default of [`Policy::max_chunk`].
    pub const MAX_CHUNK: u64 = 64 * 1024 * 1024;
    /// Default of [`Policy::max_single`].
    pub const MAX_SINGLE: u64 = 10 * 1024 * 1024;
    /// Default of [`Policy::max_chunks`].
    pub const MAX_CHUNKS: u32 = 10_000;
    /// Default of [`Policy::lifetime`].
    pub const LIFETIME: Duration = Duration::from_secs(24 * 3600);

    /// Default of [`Policy::process_attempts`].
    pub const PROCESS_ATTEMPTS: u32 = 5;

    /// A policy for uploads of at most `max_length` bytes of any type, readable within the tenant.
    pub fn new(max_length: u64) -> Self {
        Self {
            max_length,
            max_chunk: Self::MAX_CHUNK,
            max_single: Self::MAX_SINGLE,
            max_chunks: Self::MAX_CHUNKS,
            types: TypeRule::Any,
            visibility: Visibility::Tenant,
            prefix: "/uploads".to_owned(),
            lifetime: Self::LIFETIME,
            digests: vec![Algorithm::Sha256],
            attach_within: None,
            refuse_unreadable: true,
            process_attempts: Self::PROCESS_ATTEMPTS,
            keep_content: true,
        }
    }

    /// Accepts only these content types.
    pub fn accept(mut self, types: TypeRule) -> Self {
        self.types = types;
        self
    }

    /// Sets what the path of a result begins with.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets who may read the result.
    pub fn visibility(mut self, visibility: Visibility) -> Self {
        self.visibility = visibility;
        self
    }

    /// Refuses a whole length over the limit.
    pub fn check_length(&self, length: u64) -> Result<()> {
        if length > self.max_length {
            Err(Error::too_large("the upload", length, self.max_length))
        } else {
            Ok(())
        }
    }
}

/// A named policy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Destination {
    /// Its name, as clients send it.
    pub name: String,
    /// What an upload to it may be.
    pub policy: Policy,
}

/// The configured destinations, by name.
#[derive(Debug, Clone, Default)]
pub struct Destinations(BTreeMap<String, Destination>);

impl Destinations {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one; the same name again replaces it.
    pub fn with(mut self, name: impl Into<String>, policy: Policy) -> Self {
        let name = name.into();
        self.0.insert(name.clone(), Destination { name, policy });
        self
    }

    /// Finds one by the name a client sent.
    pub fn get(&self, name: &str) -> Result<&Destination> {
        self.0.get(name).ok_or_else(|| {
            let shown: String = name.chars().take(64).collect();
            let known = self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            Error::new(
                ErrorKind::UnknownDestination,
                format!("there is no destination {shown:?}; there are {known}"),
            )
        })
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Destination> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_rule_goes_by_what_was_found() {
        let rule = TypeRule::only(["image/png"]);
        assert!(rule.accepts(Some("image/png")) && !rule.accepts(Some("text/html")) && !rule.accepts(None));
        assert!(TypeRule::Any.accepts(None));
        let e = rule.check(Some("text/html")).unwrap_err();
        assert!(e.detail.contains("text/html") && e.detail.contains("image/png"), "{e}");
    }

    #[test]
    fn an_unknown_destination_names_the_known_ones_and_cuts_what_came() {
        let d = Destinations::new().with("a", Policy::new(1)).with("b", Policy::new(1));
        let e = d.get(&"x".repeat(10_000)).unwrap_err();
        assert!(e.detail.contains("a, b") && e.detail.len() < 200);
    }
}
