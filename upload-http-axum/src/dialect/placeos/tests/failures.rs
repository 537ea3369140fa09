//! What each failure is told as.

use std::time::Duration;

use http::header;
use upload_core::{Error, ErrorKind};

use super::super::render::{self, Failure};
use super::{said, text};
use crate::auth::AuthError;

#[test]
fn every_kind_of_error_has_its_row() {
    use ErrorKind as K;
    let plain = Some("what \\\"happened\\\"");
    let golden = |kind| match kind {
        K::Invalid => (400, plain, false),
        K::UnknownDestination => (500, Some("the destination of uploads is not configured"), false),
        K::NotFound => (404, Some("Invalid upload id: uploads-\\\"x"), false),
        K::Forbidden => (403, None, false),
        K::TooLarge => (413, plain, false),
        K::TypeRefused => (400, plain, false),
        K::Misplaced => (400, plain, false),
        K::Conflict => (409, plain, false),
        K::Duplicate => (409, plain, false),
        K::Unreadable => (400, plain, false),
        K::ProcessingFailed => (500, plain, false),
        K::DigestMismatch => (409, plain, false),
        K::NotReady => (409, plain, false),
        K::Gone => (404, Some("Invalid upload id: uploads-\\\"x"), false),
        K::Interrupted => (400, plain, false),
        K::TimedOut => (408, plain, false),
        K::Busy => (503, plain, true),
        K::StorageUnavailable => (503, plain, true),
        K::StorageFull => (503, plain, true),
        K::Corrupt => (500, plain, false),
        K::Unsupported => (500, plain, false),
        K::Internal => (500, plain, false),
        other => panic!("{other:?} has no row"),
    };
    for kind in ErrorKind::ALL {
        let error = Error::new(*kind, "what \"happened\"").with_source("the inside");
        let answer = render::failure(&Failure::Upload(error), "uploads-\"x", Duration::from_millis(1500));
        let retry = answer.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        let (status, error, retries) = golden(*kind);
        assert_eq!((answer.status().as_u16(), retry.is_some()), (status, retries), "{kind:?}");
        assert!(retry.is_none_or(|seconds| seconds == "2"));
        assert_eq!(answer.headers().contains_key(header::CONTENT_TYPE), error.is_some(), "{kind:?}");
        let expected = error.map(|error| format!("{{\"error\":\"{error}\"}}")).unwrap_or_default();
        assert_eq!(text(answer), expected, "{kind:?}");
    }
}

#[test]
fn other_failures_are_the_pages() {
    for (failure, status, body) in [
        (Failure::Auth(AuthError::Missing), 401, "{\"error\":\"an API key is required\"}"),
        (Failure::Auth(AuthError::Unknown), 401, "{\"error\":\"the API key is not known\"}"),
        (
            Failure::Auth(AuthError::Unavailable("secret".into())),
            503,
            "{\"error\":\"API keys cannot be checked now\"}",
        ),
        (Failure::direct(), 400, "{\"error\":\"upload is not resumable\"}"),
        (Failure::not_begun(), 400, "{\"error\":\"upload is not resumable, no part available\"}"),
        (
            Failure::MediaType("text/plain".into()),
            415,
            "{\"error\":\"unsupported content type \\\"text/plain\\\"; application/json is accepted\"}",
        ),
        (
            Failure::Incomplete { has: 5, length: 7 },
            409,
            "{\"error\":\"the upload is not complete: its parts in the store have 5 of 7 bytes\"}",
        ),
    ] {
        assert_eq!(said(&failure), (status, body.to_owned()), "{failure:?}");
    }
}
