//! Errors: few kinds, each of which says whose fault it is and what to do next.

use std::fmt;

use crate::ports::StoreError;

/// A result with the engine's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The one who sent the request.
    Caller,
    /// The one who configured or runs the process.
    Operator,
    /// The storage below.
    Storage,
    /// This library.
    Us,
}

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remedy {
    /// Change the request; sending it again unchanged fails again.
    Fix,
    /// Send the same request again, later.
    Retry,
    /// Begin a new upload.
    StartAgain,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident => $fault:ident, $remedy:ident;)*) => {
        /// What went wrong. The list is short on purpose; [`Error::detail`] has the numbers.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorKind { $($(#[$doc])* $name,)* }

        impl ErrorKind {
            /// Every kind, for tables that must have a row for each.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$name,)*];

            /// Whose fault it is.
            pub const fn fault(self) -> Fault { match self { $(Self::$name => Fault::$fault,)* } }

            /// What to do about it.
            pub const fn remedy(self) -> Remedy { match self { $(Self::$name => Remedy::$remedy,)* } }
        }
    };
}

kinds! {
    /// An argument is missing, malformed or out of its range.
    Invalid => Caller, Fix;
    /// The destination is not configured.
    UnknownDestination => Caller, Fix;
    /// There is no such upload, or it is another tenant's.
    NotFound => Caller, StartAgain;
    /// The principal may not do this.
    Forbidden => Caller, Fix;
    /// More bytes than a limit allows.
    TooLarge => Caller, Fix;
    /// The content is of a type that the destination does not accept.
    TypeRefused => Caller, StartAgain;
    /// A chunk does not fit its place: its index, its total or its size.
    Misplaced => Caller, Fix;
    /// Other bytes (or another offset) than those already stored.
    Conflict => Caller, Fix;
    /// The same content is stored already, and there may be only one.
    Duplicate => Caller, Fix;
    /// The content is damaged, or not what it seems to be.
    Unreadable => Caller, StartAgain;
    /// The content could not be processed; that says nothing about it.
    ProcessingFailed => Us, Retry;
    /// The bytes do not have the digest that was announced.
    DigestMismatch => Caller, StartAgain;
    /// The upload is not in a state that allows this (say: finish while bytes are missing).
    NotReady => Caller, Fix;
    /// The upload was cancelled, has expired or has failed before.
    Gone => Caller, StartAgain;
    /// The body ended before its end.
    Interrupted => Caller, Retry;
    /// The body was idle, or took longer in all, than the settings allow.
    TimedOut => Caller, Retry;
    /// Another request has this place, or the process is stopping.
    Busy => Us, Retry;
    /// The storage does not answer, or its last commit ended unknown.
    StorageUnavailable => Storage, Retry;
    /// The storage is full.
    StorageFull => Operator, Retry;
    /// What is stored cannot be read back as it was written.
    Corrupt => Storage, StartAgain;
    /// This back end or configuration cannot do it.
    Unsupported => Operator, Fix;
    /// A defect of this library.
    Internal => Us, Retry;
}

/// The engine's error: a kind, a sentence for the one who sent the request, numbers where a message needs
/// them, and a source that stays inside.
#[derive(Debug)]
#[non_exhaustive]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// A sentence that may be shown outside: what was expected and what came. Never the inside of a back end.
    pub detail: String,
    /// The numbers behind the sentence.
    pub facts: Facts,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Numbers and names that a message may need. All sizes in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The size (or offset, or count) that came.
    pub got: Option<u64>,
    /// The limit it broke, or the value that was expected.
    pub expected: Option<u64>,
}

impl Error {
    /// An error of `kind` with a sentence that may be shown outside.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), facts: Facts::default(), source: None }
    }

    /// Adds the numbers behind the sentence.
    pub fn with_facts(mut self, got: u64, expected: u64) -> Self {
        self.facts = Facts { got: Some(got), expected: Some(expected) };
        self
    }

    /// Adds the cause; it is never shown outside.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// `TooLarge`: `got` bytes where `limit` are allowed.
    pub fn too_large(what: &str, got: u64, limit: u64) -> Self {
        Self::new(ErrorKind::TooLarge, format!("{what} has {got} bytes; at most {limit} are allowed"))
            .with_facts(got, limit)
    }

    /// `NotFound`; the same sentence whether the upload never was or belongs to another tenant.
    pub fn not_found() -> Self {
        Self::new(ErrorKind::NotFound, "there is no such upload")
    }

    /// `Invalid` with a sentence.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, detail)
    }

    /// `Internal`: a defect of ours; `what` goes to the log through the source, not outside.
    pub fn internal(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "an internal error").with_source(what.into())
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        self.kind.fault()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|s| s.as_ref() as _)
    }
}

impl From<StoreError> for Error {
    fn from(e: StoreError) -> Self {
        use crate::ports::StoreErrorKind as K;
        let (kind, text) = match e.kind {
            K::Full => (ErrorKind::StorageFull, "the storage is full"),
            K::Corrupt => (ErrorKind::Corrupt, "stored data cannot be read back"),
            K::Unsupported => (ErrorKind::Unsupported, "the storage cannot do this"),
            K::NotFound | K::Unavailable => (ErrorKind::StorageUnavailable, "the storage is not available"),
        };
        Error::new(kind, text).with_source(e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_listed_once_and_retries_are_never_the_callers_fix() {
        let mut seen = ErrorKind::ALL.to_vec();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), ErrorKind::ALL.len());
        assert!(ErrorKind::ALL.iter().all(|k| k.fault() != Fault::Us || k.remedy() == Remedy::Retry));
    }

    #[test]
    fn the_inside_of_a_store_error_never_shows() {
        let e = Error::from(StoreError::unavailable("disk sda on host 7"));
        assert_eq!(e.to_string(), "the storage is not available");
        assert!(std::error::Error::source(&e).is_some_and(|s| s.to_string().contains("sda")));
    }
}
