//! From outcomes and errors to answers: pure and synchronous.

use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use upload_core::{Error, ErrorKind, Outcome};

use super::wire::{Fault, NAME, Stored};
use crate::answer::{json, put_retry_after, retry_after};
use crate::auth::AuthError;

/// Why a request is not answered with success.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody is known to have sent it.
    Auth(AuthError),
    /// It came too early; it may come again after this time.
    Limited(Duration),
    /// It could not be done.
    Upload(Error),
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        Self::Auth(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Upload(error)
    }
}

/// The status of each kind of error.
pub(super) fn status(kind: ErrorKind) -> StatusCode {
    use ErrorKind as K;
    match kind {
        K::Invalid | K::Misplaced | K::Conflict | K::Duplicate | K::DigestMismatch | K::NotReady => {
            StatusCode::BAD_REQUEST
        }
        K::Interrupted | K::TimedOut => StatusCode::BAD_REQUEST,
        K::Forbidden => StatusCode::FORBIDDEN,
        K::NotFound | K::Gone => StatusCode::NOT_FOUND,
        K::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        K::TypeRefused | K::Unreadable => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        K::Busy | K::StorageUnavailable | K::StorageFull => StatusCode::SERVICE_UNAVAILABLE,
        // `UnknownDestination`, which no client chooses, `ProcessingFailed`, `Corrupt`, `Unsupported`, `Internal`, and what may
        // come.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The answer to a request that failed; `later` is when what the server could not do may be tried again.
pub(super) fn failure(failure: &Failure, later: Duration) -> Response {
    let (status, text) = match failure {
        Failure::Auth(AuthError::Missing) => {
            (StatusCode::UNAUTHORIZED, "the request has no API key".to_owned())
        }
        Failure::Auth(AuthError::Unknown) => (StatusCode::FORBIDDEN, "the API key is not known".to_owned()),
        Failure::Auth(_) => (StatusCode::SERVICE_UNAVAILABLE, "API keys cannot be checked now".to_owned()),
        Failure::Limited(wait) => (
            StatusCode::TOO_MANY_REQUESTS,
            format!("too many requests; try again in {:.1} seconds", wait.as_secs_f64()),
        ),
        Failure::Upload(error) if error.kind == ErrorKind::NotFound => {
            (StatusCode::NOT_FOUND, "there is nothing at this link".to_owned())
        }
        Failure::Upload(error) => (status(error.kind), error.detail.clone()),
    };
    let mut answer = fault(status, &text);
    match failure {
        Failure::Limited(wait) => put_retry_after(&mut answer, *wait),
        _ => retry_after(&mut answer, later),
    }
    answer
}

/// An error in this dialect's form.
pub(super) fn fault(status: StatusCode, error: &str) -> Response {
    json(status, &Fault { status: status.as_u16(), error })
}

/// A file that is stored; `base` is what its link begins with.
pub(super) fn stored(outcome: &Outcome, base: &str) -> Stored {
    let id = outcome.id.to_string();
    let ending = outcome.content_type.as_deref().and_then(ending).unwrap_or_default();
    Stored { status: StatusCode::OK.as_u16(), link: format!("{base}/{id}{ending}"), id }
}

/// What names of files of this type end with.
fn ending(content_type: &str) -> Option<&'static str> {
    Some(match content_type {
        "image/jpeg" => ".jpg",
        "image/png" => ".png",
        "image/gif" => ".gif",
        "image/webp" => ".webp",
        "video/mp4" => ".mp4",
        "video/quicktime" => ".mov",
        _ => return None,
    })
}

/// Whether an upload is one of this dialect's.
pub(super) fn is_ours(outcome: &Outcome) -> bool {
    outcome.extras.contains_key(NAME)
}

/// A file that is too large.
pub(super) fn request_too_large(got: u64, limit: u64) -> Error {
    Error::too_large("the request", got, limit)
}

/// A file without a key that is too large for that.
pub(super) fn spool_exceeded(error: Error, spool: u64) -> Error {
    match error.kind {
        ErrorKind::TooLarge => {
            let text = format!(
                "a file of more than {spool} bytes needs its API key before it: in a header, or as an earlier field"
            );
            Error::new(ErrorKind::TooLarge, text)
        }
        _ => error,
    }
}
