//! What a store's refusals mean.

use object_store::Error;
use upload_core::ports::{StoreError, StoreErrorKind};

/// Words by which stores say that there is no room: S3's compatibles, Google's and Azure's.
const FULL: [&str; 5] =
    ["QuotaExceeded", "InsufficientStorage", "StorageFull", "InsufficientCapacity", "507 Insufficient"];

/// The kind of a refusal that has this text.
fn kind_of(text: &str) -> StoreErrorKind {
    match FULL.iter().any(|word| text.contains(word)) {
        true => StoreErrorKind::Full,
        false => StoreErrorKind::Unavailable,
    }
}

/// An error of `object_store`'s; `what` was tried.
pub(super) fn failed(what: &str, error: Error) -> StoreError {
    let text = error.to_string();
    let kind = match &error {
        Error::NotFound { .. } => StoreErrorKind::NotFound,
        Error::NotSupported { .. } | Error::NotImplemented { .. } => StoreErrorKind::Unsupported,
        _ => kind_of(&text),
    };
    StoreError::new(kind, format!("{what}: {text}")).with_source(error)
}

/// An answer that does not say that it was done.
#[cfg(feature = "cloud")]
pub(super) fn refused(what: &str, answer: &super::Answer) -> StoreError {
    let mut error = answer.unexpected(what);
    if error.kind == StoreErrorKind::Unavailable {
        error.kind = match answer.status {
            507 => StoreErrorKind::Full,
            _ => kind_of(&String::from_utf8_lossy(&answer.body)),
        };
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_store_is_told_from_one_that_is_away() {
        let generic = |text: &str| Error::Generic { store: "S3", source: text.into() };
        for (text, kind) in [
            ("507 Insufficient Storage", StoreErrorKind::Full),
            ("<Code>QuotaExceeded</Code>", StoreErrorKind::Full),
            ("<Code>XMinioStorageFull</Code>", StoreErrorKind::Full),
            ("<Code>InternalError</Code>", StoreErrorKind::Unavailable),
        ] {
            assert_eq!(failed("a put", generic(text)).kind, kind, "{text}");
        }
        let gone = Error::NotFound { path: "x".into(), source: "404".into() };
        assert_eq!(failed("a get", gone).kind, StoreErrorKind::NotFound);
    }
}
