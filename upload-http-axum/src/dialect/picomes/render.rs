//! From outcomes and errors to answers: pure and synchronous.

use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use upload_core::{Error, ErrorKind, Outcome, UploadId};

use super::wire::{Answer, Fault, NAME, Place};
use crate::answer::{self, json};
use crate::auth::AuthError;

/// Why a request is not answered with success.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody is known to have sent it.
    Auth(AuthError),
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
        K::Invalid | K::UnknownDestination | K::TypeRefused | K::Misplaced | K::Conflict => {
            StatusCode::BAD_REQUEST
        }
        K::Duplicate | K::Unreadable | K::DigestMismatch | K::NotReady | K::Interrupted => {
            StatusCode::BAD_REQUEST
        }
        K::NotFound | K::Gone => StatusCode::NOT_FOUND,
        K::Forbidden => StatusCode::FORBIDDEN,
        K::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        K::TimedOut => StatusCode::REQUEST_TIMEOUT,
        K::Busy | K::StorageUnavailable | K::StorageFull => StatusCode::SERVICE_UNAVAILABLE,
        // `ProcessingFailed`, `Corrupt`, `Unsupported`, `Internal`, and what may come.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The answer to a request that failed; `retry_after` goes with what may be tried again.
pub(super) fn failure(failure: &Failure, retry_after: Duration) -> Response {
    let (status, text) = match failure {
        Failure::Auth(AuthError::Unavailable(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "API keys cannot be checked now".into())
        }
        Failure::Auth(error) => (StatusCode::UNAUTHORIZED, error.to_string()),
        Failure::Upload(error) => (status(error.kind), message(error)),
    };
    let mut answer = json(status, &Fault { error: &text });
    answer::retry_after(&mut answer, retry_after);
    answer
}

/// The sentence for the client.
fn message(error: &Error) -> String {
    match (error.kind, error.facts.got, error.facts.expected) {
        (ErrorKind::TooLarge, Some(got), Some(limit)) => larger("file", got, limit),
        (ErrorKind::NotFound, ..) => "stream not found".to_owned(),
        _ => error.detail.clone(),
    }
}

/// `file of size 15MB is larger than 8MB`: whole MB (1,048,576 bytes), rounded up.
fn larger(what: &str, got: u64, limit: u64) -> String {
    let mega = |bytes: u64| bytes.div_ceil(1 << 20);
    format!("{what} of size {}MB is larger than {}MB", mega(got), mega(limit))
}

/// A whole upload in one request that is too large for that.
pub(super) fn request_too_large(got: u64, limit: u64) -> Error {
    Error::new(ErrorKind::TooLarge, format!("{}; use chunked upload", larger("request", got, limit)))
}

/// A chunk, or the form around it, that is too large.
pub(super) fn chunk_too_large(got: u64, limit: u64) -> Error {
    Error::new(ErrorKind::TooLarge, larger("chunk", got, limit))
}

/// A description that is too large.
pub(super) fn json_too_large(got: u64, limit: u64) -> Error {
    Error::new(ErrorKind::TooLarge, format!("the JSON body has {got} bytes; at most {limit} are allowed"))
}

/// Says "chunk" where the engine's error is about what was sent.
pub(super) fn of_chunk(error: Error) -> Error {
    match (error.kind, error.facts.got, error.facts.expected) {
        (ErrorKind::TooLarge, Some(got), Some(limit)) => chunk_too_large(got, limit),
        _ => error,
    }
}

/// A stream that takes chunks.
pub(super) fn created(id: &UploadId) -> Answer {
    Answer { stream_id: Some(id.to_string()), ..Answer::default() }
}

/// A stream that was complete when it began, as it is empty.
pub(super) fn created_complete(outcome: &Outcome) -> Answer {
    Answer { path: Some(path(outcome)), ..created(&outcome.id) }
}

/// A chunk that is stored while others are missing.
pub(super) fn stored(id: &UploadId, index: u32) -> Answer {
    Answer { chunk_index: Some(index), ..created(id) }
}

/// A complete upload.
pub(super) fn completed(outcome: &Outcome) -> Answer {
    Answer { path: Some(path(outcome)), ..Answer::default() }
}

/// Where it is read.
fn path(outcome: &Outcome) -> String {
    let kept = outcome.extras.get(NAME).and_then(|place| serde_json::from_value::<Place>(place.clone()).ok());
    let Place { base, name } = kept.unwrap_or_default();
    format!("{base}/{}-{name}", outcome.id)
}

/// An error that is the router's and not an upload's.
pub(super) fn route(status: StatusCode, text: &str) -> Response {
    json(status, &Fault { error: text })
}
