//! What each failure is told as.

use std::time::Duration;

use http::header;
use upload_core::{Error, ErrorKind};

use super::super::render::{self, Failure};
use super::text;
use crate::auth::AuthError;

#[test]
fn every_kind_of_error_has_its_row() {
    use ErrorKind as K;
    // On POST and GET; on PUT; whether it can be tried again.
    let golden = |kind| match kind {
        K::Invalid => (400, "invalid", 422, "invalid", false),
        K::UnknownDestination => (500, "misconfigured", 500, "misconfigured", false),
        K::NotFound => (404, "not_found", 404, "", false),
        K::Forbidden => (403, "forbidden", 404, "", false),
        K::TooLarge => (413, "too_large", 422, "size_mismatch", false),
        K::TypeRefused => (422, "type_refused", 422, "type_refused", false),
        K::Misplaced => (422, "size_mismatch", 422, "size_mismatch", false),
        K::Conflict => (409, "conflict", 422, "conflict", false),
        K::Duplicate => (409, "duplicate", 422, "duplicate", false),
        K::Unreadable => (422, "unreadable", 422, "unreadable", false),
        K::ProcessingFailed => (500, "processing_failed", 500, "processing_failed", false),
        K::DigestMismatch => (422, "checksum_mismatch", 422, "checksum_mismatch", false),
        K::NotReady => (409, "not_ready", 422, "not_ready", false),
        K::Gone => (404, "gone", 404, "", false),
        K::Interrupted => (400, "interrupted", 422, "interrupted", false),
        K::TimedOut => (408, "timed_out", 408, "timed_out", false),
        K::Busy => (503, "busy", 503, "busy", true),
        K::StorageUnavailable => (502, "storage_unavailable", 502, "storage_unavailable", true),
        K::StorageFull => (502, "storage_full", 502, "storage_full", true),
        K::Corrupt => (500, "corrupt", 500, "corrupt", false),
        K::Unsupported => (500, "unsupported", 500, "unsupported", false),
        K::Internal => (500, "internal", 500, "internal", false),
        other => panic!("{other:?} has no row"),
    };
    let wait = Duration::from_millis(1500);
    for kind in ErrorKind::ALL {
        let (status, code, put_status, put_code, again) = golden(*kind);
        let error = || Error::new(*kind, "what happened").with_source("the inside");
        let answers = [
            (render::failure(&Failure::Upload(error()), wait), status, code),
            (render::put_failure(&error(), wait), put_status, put_code),
        ];
        for (answer, status, code) in answers {
            assert_eq!(answer.status().as_u16(), status, "{kind:?}");
            let retry =
                answer.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(retry.as_deref(), again.then_some("2"), "{kind:?}");
            let reason = answer.status().canonical_reason().unwrap();
            let said = format!(r#"{{"detail":"what happened","error":"{reason}","error_code":"{code}"}}"#);
            assert_eq!(text(answer), if code.is_empty() { String::new() } else { said }, "{kind:?}");
        }
    }
}

#[test]
fn keys_that_are_nobodys_are_401() {
    for (error, status, code) in [
        (AuthError::Missing, 401, "unauthorized"),
        (AuthError::Unknown, 401, "unauthorized"),
        (AuthError::Unavailable("secret cause".into()), 503, "busy"),
    ] {
        let answer = render::failure(&Failure::Auth(error), Duration::from_secs(1));
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers().contains_key(header::WWW_AUTHENTICATE), status == 401);
        let said = text(answer);
        assert!(said.contains(&format!(r#""error_code":"{code}""#)) && !said.contains("secret"), "{said}");
    }
    let unreadable = text(render::failure(&Failure::Unreadable, Duration::ZERO));
    assert!(
        unreadable.starts_with(r#"{"detail":"There was an error parsing the body","error":"Bad Request""#)
    );
}
