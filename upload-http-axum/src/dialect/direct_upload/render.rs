//! From outcomes and errors to answers: pure and synchronous.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};
use upload_checksum::{Algorithm, Digest};
use upload_core::ids::random_text;
use upload_core::ports::Ids;
use upload_core::{Error, ErrorKind, Inspection, SignedRequest};

use super::parse::{Blob, Refusal};
use super::wire::{AZURE, Created, DirectUpload, Fault, Faults, GOOGLE, Kept, NAME, Problem, Record, State};
use crate::answer::put_retry_after;
use crate::auth::AuthError;
use crate::date;
use crate::download::{Disposition, content_disposition};
use crate::signed;

/// Characters of a file's key.
const KEY_LENGTH: usize = 28;
/// The largest id: the largest whole number that JavaScript counts to without a gap.
const MAX_ID: u64 = (1 << 53) - 1;

/// Why a request is not answered with success.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody is known to have sent it.
    Auth(AuthError),
    /// Its body does not describe a file.
    Faults(Vec<Fault>),
    /// Its body cannot be read.
    Unreadable,
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

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Faults(faults) => Self::Faults(faults),
            Refusal::Unreadable => Self::Unreadable,
        }
    }
}

/// The status and the code of each kind of error.
pub(super) fn row(kind: ErrorKind) -> (StatusCode, &'static str) {
    use ErrorKind as K;
    use StatusCode as S;
    match kind {
        K::Invalid => (S::BAD_REQUEST, "invalid"),
        K::NotFound => (S::NOT_FOUND, "not_found"),
        K::Gone => (S::NOT_FOUND, "gone"),
        K::Forbidden => (S::FORBIDDEN, "forbidden"),
        K::TooLarge => (S::PAYLOAD_TOO_LARGE, "too_large"),
        K::TypeRefused => (S::UNPROCESSABLE_ENTITY, "type_refused"),
        K::Misplaced => (S::UNPROCESSABLE_ENTITY, "size_mismatch"),
        K::DigestMismatch => (S::UNPROCESSABLE_ENTITY, "checksum_mismatch"),
        K::Conflict => (S::CONFLICT, "conflict"),
        K::Duplicate => (S::CONFLICT, "duplicate"),
        K::Unreadable => (S::UNPROCESSABLE_ENTITY, "unreadable"),
        K::ProcessingFailed => (S::INTERNAL_SERVER_ERROR, "processing_failed"),
        K::NotReady => (S::CONFLICT, "not_ready"),
        K::Interrupted => (S::BAD_REQUEST, "interrupted"),
        K::TimedOut => (S::REQUEST_TIMEOUT, "timed_out"),
        K::Busy => (S::SERVICE_UNAVAILABLE, "busy"),
        K::StorageUnavailable => (S::BAD_GATEWAY, "storage_unavailable"),
        K::StorageFull => (S::BAD_GATEWAY, "storage_full"),
        // A client cannot choose the destination, so one that is not there is the server's mistake.
        K::UnknownDestination => (S::INTERNAL_SERVER_ERROR, "misconfigured"),
        K::Unsupported => (S::INTERNAL_SERVER_ERROR, "unsupported"),
        K::Corrupt => (S::INTERNAL_SERVER_ERROR, "corrupt"),
        // `Internal`, and what may come.
        _ => (S::INTERNAL_SERVER_ERROR, "internal"),
    }
}

/// The same for a request with the bytes: what is wrong with them, and what they meet, is 422; what it may not do, or where
/// there is nothing to do, is not there.
pub(super) fn put_row(kind: ErrorKind) -> (StatusCode, &'static str) {
    use ErrorKind as K;
    let (status, code) = row(kind);
    match kind {
        K::NotFound | K::Gone | K::Forbidden => (StatusCode::NOT_FOUND, code),
        K::TooLarge | K::Misplaced => (StatusCode::UNPROCESSABLE_ENTITY, "size_mismatch"),
        K::Invalid | K::Conflict | K::Duplicate | K::NotReady | K::Interrupted => {
            (StatusCode::UNPROCESSABLE_ENTITY, code)
        }
        _ => (status, code),
    }
}

/// The answer to a request that failed; `retry_after` goes with what may be tried again.
pub(super) fn failure(failure: &Failure, retry_after: Duration) -> Response {
    match failure {
        Failure::Faults(faults) => json(StatusCode::UNPROCESSABLE_ENTITY, &Faults { detail: faults }),
        Failure::Unreadable => {
            problem(StatusCode::BAD_REQUEST, "unreadable", "There was an error parsing the body")
        }
        Failure::Auth(AuthError::Unavailable(_)) => {
            let text = "API keys cannot be checked now";
            retried(problem(StatusCode::SERVICE_UNAVAILABLE, "busy", text), retry_after)
        }
        Failure::Auth(error) => {
            let mut answer = problem(StatusCode::UNAUTHORIZED, "unauthorized", &error.to_string());
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            answer
        }
        Failure::Upload(error) => of_error(error, row(error.kind), retry_after),
    }
}

/// The answer to bytes that were not taken.
pub(super) fn put_failure(error: &Error, retry_after: Duration) -> Response {
    match put_row(error.kind) {
        (StatusCode::NOT_FOUND, _) => empty(StatusCode::NOT_FOUND),
        row => of_error(error, row, retry_after),
    }
}

fn of_error(error: &Error, (status, code): (StatusCode, &str), retry_after: Duration) -> Response {
    let answer = problem(status, code, &error.detail);
    let again = matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY);
    if again { retried(answer, retry_after) } else { answer }
}

fn retried(mut answer: Response, after: Duration) -> Response {
    put_retry_after(&mut answer, after);
    answer
}

/// An error in the form of all but faults of a body.
pub(super) fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    json(status, &Problem { detail: Some(detail), error: status.canonical_reason(), error_code: Some(code) })
}

/// A description that is too large.
pub(super) fn json_too_large(got: u64, limit: u64) -> Error {
    Error::new(ErrorKind::TooLarge, format!("the JSON body has {got} bytes; at most {limit} are allowed"))
}

/// What an upload keeps of this file.
pub(super) fn kept(blob: &Blob, service_name: &str, ids: &dyn Ids) -> Kept {
    Kept {
        id: random_id(ids),
        key: random_text(ids, KEY_LENGTH),
        filename: blob.filename.clone(),
        content_type: blob.content_type.clone(),
        metadata: blob.metadata.clone(),
        service_name: service_name.to_owned(),
        checksum: blob.checksum.clone(),
    }
}

fn random_id(ids: &dyn Ids) -> u64 {
    let mut bytes = [0; 8];
    ids.fill(&mut bytes);
    (u64::from_le_bytes(bytes) & MAX_ID).max(1)
}

/// What was kept of an upload's file.
///
/// # Errors
/// `NotFound` for an upload that did not begin here.
pub(super) fn kept_of(inspection: &Inspection) -> Result<Kept, Error> {
    let kept = inspection.extras.get(NAME).and_then(|kept| serde_json::from_value(kept.clone()).ok());
    kept.ok_or_else(Error::not_found)
}

/// The record of an upload.
pub(super) fn record(kept: Kept, inspection: &Inspection, signed_id: String) -> Record {
    Record {
        id: kept.id,
        key: kept.key,
        filename: kept.filename,
        content_type: kept.content_type,
        metadata: kept.metadata,
        service_name: kept.service_name,
        byte_size: inspection.length.unwrap_or(0),
        checksum: kept.checksum,
        created_at: date::rfc3339_millis(inspection.created),
        signed_id,
    }
}

/// The request that brings the bytes to our own store. A SHA-256 goes without a header: the token has it.
pub(super) fn to_us(url: String, kept: &Kept, digest: &Digest) -> DirectUpload {
    let mut headers = Map::new();
    let mut put = |name: &str, value: String| headers.insert(name.to_owned(), Value::String(value));
    put("Content-Type", kept.content_type.clone());
    if digest.algorithm() == Algorithm::Md5 {
        put("Content-MD5", digest.to_base64());
    }
    put("Content-Disposition", content_disposition(Disposition::Inline, Some(&kept.filename)));
    DirectUpload { url, headers }
}

/// The request that brings the bytes to a store that signs such itself. How they are shown is not signed: nobody is shown them by
/// what stands there.
pub(super) fn to_store(request: SignedRequest, kept: &Kept) -> DirectUpload {
    let mut headers: Map<String, Value> =
        signed::headers(&request).map(|(name, value)| (name, Value::String(value))).collect();
    let name =
        if kept.service_name == AZURE { "x-ms-blob-content-disposition" } else { "Content-Disposition" };
    let shown = content_disposition(Disposition::Inline, Some(&kept.filename));
    headers.insert(name.to_owned(), Value::String(shown));
    DirectUpload { url: request.url, headers }
}

/// The type that the bytes are sent as; Google's requests name none.
pub(super) fn sent_as(kept: &Kept) -> Option<String> {
    (kept.service_name != GOOGLE).then(|| kept.content_type.clone())
}

/// The answer to a POST. Its URL lets whoever has it send the bytes, so nobody keeps it.
pub(super) fn created(record: Record, direct_upload: DirectUpload) -> Response {
    unstored(json(StatusCode::OK, &Created { record, direct_upload }))
}

/// How far an upload is.
pub(super) fn state(state: &State) -> Response {
    unstored(json(StatusCode::OK, state))
}

fn unstored(mut answer: Response) -> Response {
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// An answer with this JSON.
fn json(status: StatusCode, value: &impl Serialize) -> Response {
    // Plain structs of texts and numbers always serialise.
    let mut answer = Response::new(Body::from(serde_json::to_vec(value).unwrap_or_default()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
