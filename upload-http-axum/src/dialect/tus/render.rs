//! From outcomes and errors to answers: pure and synchronous.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use upload_checksum::Algorithm;
use upload_core::{Error, ErrorKind, Inspection, Outcome, Stage, Timestamp};

use super::wire::{self, ALGORITHMS, CHECKSUM_MISMATCH, Kept, NAME};
use crate::answer::{empty, put_retry_after};
use crate::auth::AuthError;
use crate::date;

/// Why a request is not answered with success.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody is known to have sent it.
    Auth(AuthError),
    /// It speaks no version that we do.
    Version,
    /// The path takes other methods: these.
    Method(&'static str),
    /// Its body is of this type, and not bytes of an upload.
    MediaType(String),
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

/// The status of each kind of error. Clients try again after 409 (where they first ask how far the upload is), 423 and 5xx, and
/// after no other; so what can never succeed is another 4xx.
pub(super) fn status(kind: ErrorKind) -> StatusCode {
    use ErrorKind as K;
    match kind {
        K::Invalid | K::Misplaced => StatusCode::BAD_REQUEST,
        K::NotFound => StatusCode::NOT_FOUND,
        K::Gone => StatusCode::GONE,
        K::Forbidden => StatusCode::FORBIDDEN,
        K::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        K::TypeRefused | K::Duplicate | K::Unreadable | K::Unsupported => StatusCode::UNPROCESSABLE_ENTITY,
        K::DigestMismatch => StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::BAD_REQUEST),
        // What arrived is kept: the client goes on from there.
        K::Conflict | K::NotReady | K::Interrupted | K::TimedOut => StatusCode::CONFLICT,
        K::Busy => StatusCode::LOCKED,
        K::StorageUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        K::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        // `UnknownDestination` (no client chooses it), `ProcessingFailed`, `Corrupt`, `Internal`, and what may come.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The answer to a request that failed, as text; `retry_after` goes with what may be tried again just so.
pub(super) fn failure(failure: &Failure, retry_after: Duration) -> Response {
    let (status, said) = match failure {
        Failure::Auth(AuthError::Unavailable(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "API keys cannot be checked now".to_owned())
        }
        Failure::Auth(error) => (StatusCode::UNAUTHORIZED, error.to_string()),
        Failure::Version => {
            (StatusCode::PRECONDITION_FAILED, format!("expected Tus-Resumable: {}", wire::VERSION))
        }
        Failure::Method(allowed) => {
            (StatusCode::METHOD_NOT_ALLOWED, format!("this path takes the methods {allowed}"))
        }
        Failure::MediaType(got) => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("expected Content-Type {}, got {got:?}", wire::BYTES),
        ),
        Failure::Upload(error) => (status(error.kind), error.detail.clone()),
    };
    let mut answer = text(status, &said);
    let headers = answer.headers_mut();
    match failure {
        Failure::Auth(AuthError::Unavailable(_)) => put_retry_after(&mut answer, retry_after),
        Failure::Auth(_) => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Failure::Version => version(headers),
        Failure::Method(allowed) => {
            headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        Failure::Upload(error) => {
            let later = [ErrorKind::Busy, ErrorKind::StorageUnavailable, ErrorKind::StorageFull];
            if later.contains(&error.kind) {
                put_retry_after(&mut answer, retry_after);
            }
        }
        Failure::MediaType(_) => {}
    }
    answer
}

/// A sentence.
pub(super) fn text(status: StatusCode, said: &str) -> Response {
    let mut answer = Response::new(Body::from(format!("{said}\n")));
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, plain);
    answer
}

/// The same of a body: what does not fit is too much of it, and who was overtaken by another request asks how far that one came.
pub(super) fn of_body(mut error: Error) -> Error {
    error.kind = match error.kind {
        ErrorKind::Misplaced => ErrorKind::TooLarge,
        ErrorKind::Busy => ErrorKind::Conflict,
        kind => kind,
    };
    error
}

/// The same of a length that is told later: it is told once, and holds for what has come already.
pub(super) fn of_length(mut error: Error) -> Error {
    if error.kind == ErrorKind::Conflict {
        error.kind = ErrorKind::Invalid;
    }
    error
}

/// What the server can do.
pub(super) fn options(max_size: Option<u64>) -> Response {
    let mut answer = empty(StatusCode::NO_CONTENT);
    let headers = answer.headers_mut();
    version(headers);
    headers.insert(wire::EXTENSION, HeaderValue::from_static(wire::EXTENSIONS));
    put(headers, wire::CHECKSUM_ALGORITHM, &ALGORITHMS.map(|(name, _)| name).join(","));
    if let Some(bytes) = max_size {
        headers.insert(wire::MAX_SIZE, bytes.into());
    }
    answer
}

fn version(headers: &mut HeaderMap) {
    headers.insert(wire::TUS_VERSION, HeaderValue::from_static(wire::VERSION));
}

/// A new upload; `offset` is how much of it the same request has brought, if it was to bring any.
pub(super) fn created(location: &str, offset: Option<u64>, expires: Option<Timestamp>) -> Response {
    let mut answer = empty(StatusCode::CREATED);
    let headers = answer.headers_mut();
    put(headers, header::LOCATION, location);
    if let Some(offset) = offset {
        headers.insert(wire::OFFSET, offset.into());
    }
    put_expires(headers, expires);
    answer
}

/// Bytes are stored, up to here.
pub(super) fn stored(offset: u64, expires: Option<Timestamp>) -> Response {
    let mut answer = empty(StatusCode::NO_CONTENT);
    answer.headers_mut().insert(wire::OFFSET, offset.into());
    put_expires(answer.headers_mut(), expires);
    answer
}

/// How far an upload is that takes bytes, waits for its parts, or is complete. `link` is where it can be read, if it can.
pub(super) fn state(seen: &Inspection, kept: &Kept, link: Option<&str>) -> Response {
    let mut answer = empty(StatusCode::OK);
    let headers = answer.headers_mut();
    let complete = matches!(seen.stage, Stage::Completed(_));
    // A final upload has no offset while its parts are not complete.
    if complete || !seen.composed {
        headers.insert(wire::OFFSET, seen.frontier.into());
    }
    match seen.length {
        Some(length) => {
            headers.insert(wire::LENGTH, length.into());
        }
        None if seen.composed => {}
        None => {
            headers.insert(wire::DEFER_LENGTH, HeaderValue::from_static("1"));
        }
    }
    for (name, value) in [(wire::METADATA, &kept.metadata), (wire::CONCAT, &kept.concat)] {
        if let Some(value) = value {
            put(headers, name, value);
        }
    }
    if let Stage::Completed(outcome) = &seen.stage {
        put_digest(headers, outcome);
    }
    if let Some(link) = link {
        put(headers, header::CONTENT_LOCATION, link);
    }
    put_expires(headers, seen.expires);
    answer
}

/// Says when an upload goes, if it does.
pub(super) fn put_expires(headers: &mut HeaderMap, expires: Option<Timestamp>) {
    if let Some(expires) = expires {
        put(headers, wire::EXPIRES, &date::imf_fixdate(expires));
    }
}

/// Says the digest of the whole upload, if it is known.
pub(super) fn put_digest(headers: &mut HeaderMap, outcome: &Outcome) {
    if let Some(digest) = outcome.digests.get(Algorithm::Sha256) {
        put(headers, wire::REPR_DIGEST, &format!("sha-256=:{}:", digest.to_base64()));
    }
}

/// Inserts a header; what it may not carry has been refused before.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// What was kept of the request that began an upload.
///
/// # Errors
/// `NotFound` for one that did not begin here.
pub(super) fn kept(extras: &upload_core::Extras) -> Result<Kept, Error> {
    let kept = extras.get(NAME).and_then(|kept| serde_json::from_value(kept.clone()).ok());
    kept.ok_or_else(Error::not_found)
}

/// Why there is nothing more to be had of an upload.
pub(super) fn gone(seen: &Inspection, now: Timestamp) -> Option<Error> {
    let because = |text: &str| Some(Error::new(ErrorKind::Gone, text));
    match &seen.stage {
        // It stands until somebody removes it, and nobody may count on that.
        Stage::Receiving | Stage::Completed(_) if seen.expires.is_some_and(|at| now >= at) => {
            because("the upload has expired")
        }
        Stage::Receiving | Stage::Finishing | Stage::Completed(_) => None,
        Stage::Failed(why) => because(&format!("the upload has failed: {why}")),
        Stage::Cancelled | Stage::Removed => because("the upload was removed"),
        _ => because("the upload has expired"),
    }
}
