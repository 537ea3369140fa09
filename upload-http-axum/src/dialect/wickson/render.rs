//! From outcomes and errors to answers: pure and synchronous.

use std::time::Duration;

use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value};
use upload_checksum::Algorithm;
use upload_core::ids::random_text;
use upload_core::ports::Ids;
use upload_core::{Charge, Error, ErrorKind, Outcome, TenantName, Timestamp};

use super::parse::{Wishes, tenants};
use super::wire::{
    Answer, BalanceInfo, CHUNKS, CONTENT_SUMMARY, Cents, Code, Data, Details, FILE_DETAILS, Fault,
    FileDetails, Kept, MEASURED, Metadata, ProcessingInfo, StorageInfo, VECTORS,
};
use crate::answer::{json, put_retry_after, retry_after};
use crate::auth::AuthError;
use crate::date::iso_micros;
use crate::limits::sized;
use crate::uuid::Uuid;

/// Random characters of a request's id.
const ID_LENGTH: usize = 20;

/// Why a request is not answered with success.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody is known to have sent it.
    Auth(AuthError),
    /// It came too early; it may come again after this time.
    Limited(Duration),
    /// It has no file, and how that shows.
    MissingFile(String),
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

/// A row of the API's table of errors: status, code, message.
pub(super) type Row = (StatusCode, &'static str, &'static str);

const MISSING_FILE: Row = (StatusCode::BAD_REQUEST, "MISSING_FILE", "Required file upload is missing");
const UNSUPPORTED_FILE_TYPE: Row =
    (StatusCode::BAD_REQUEST, "UNSUPPORTED_FILE_TYPE", "File format not supported");
const FILE_SIZE_EXCEEDED: Row =
    (StatusCode::BAD_REQUEST, "FILE_SIZE_EXCEEDED", "File larger than allowed limit");
const INVALID_PARAMETER: Row = (StatusCode::BAD_REQUEST, "INVALID_PARAMETER", "Invalid parameter format");
const INVALID_API_KEY: Row = (StatusCode::UNAUTHORIZED, "INVALID_API_KEY", "Invalid or missing API key");
const INSUFFICIENT_PERMISSIONS: Row =
    (StatusCode::FORBIDDEN, "INSUFFICIENT_PERMISSIONS", "API key lacks required capabilities");
const DUPLICATE_FILE: Row =
    (StatusCode::CONFLICT, "DUPLICATE_FILE", "File already exists (use force_overwrite=true to replace)");
const RATE_LIMIT_EXCEEDED: Row =
    (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_EXCEEDED", "Too many requests in time period");
const PROCESSING_ERROR: Row =
    (StatusCode::INTERNAL_SERVER_ERROR, "PROCESSING_ERROR", "Error during media processing");
const SERVICE_UNAVAILABLE: Row =
    (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", "Service temporarily unavailable");
/// Not in the API's table: what its router says of paths and methods that the API does not have.
pub(super) const NO_PATH: Row = (StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing at this path");
pub(super) const NO_METHOD: Row =
    (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "This path does not take this method");

/// The row of each kind of error. The table knows no other faults of a request than those of its parameters, so a body that
/// was cut or came too slowly is one.
pub(super) fn row(kind: ErrorKind) -> Row {
    use ErrorKind as K;
    match kind {
        K::Invalid | K::Misplaced | K::Conflict | K::DigestMismatch | K::NotReady => INVALID_PARAMETER,
        K::NotFound | K::Gone | K::Interrupted | K::TimedOut => INVALID_PARAMETER,
        K::TooLarge => FILE_SIZE_EXCEEDED,
        K::TypeRefused => UNSUPPORTED_FILE_TYPE,
        K::Forbidden => INSUFFICIENT_PERMISSIONS,
        K::Duplicate => DUPLICATE_FILE,
        K::Busy | K::StorageUnavailable | K::StorageFull => SERVICE_UNAVAILABLE,
        // `Unreadable` and `ProcessingFailed`; `UnknownDestination`, which no client chooses, `Corrupt`, `Unsupported`,
        // `Internal`, and what may come.
        _ => PROCESSING_ERROR,
    }
}

/// The answer to a request that failed; `later` is when what the server could not do may be tried again.
pub(super) fn failure(failure: &Failure, request_id: &str, later: Duration) -> Response {
    let (row, text) = match failure {
        Failure::Auth(error @ AuthError::Unavailable(_)) => (SERVICE_UNAVAILABLE, error.to_string()),
        Failure::Auth(error) => (INVALID_API_KEY, error.to_string()),
        Failure::Limited(wait) => {
            (RATE_LIMIT_EXCEEDED, format!("try again in {:.1} seconds", wait.as_secs_f64()))
        }
        Failure::MissingFile(text) => (MISSING_FILE, text.clone()),
        Failure::Upload(error) => (row(error.kind), error.detail.clone()),
    };
    let mut answer = fault(row, &text, request_id);
    match failure {
        Failure::Limited(wait) => put_retry_after(&mut answer, *wait),
        _ => retry_after(&mut answer, later),
    }
    answer
}

/// An error in the API's form.
pub(super) fn fault((status, code, message): Row, specific: &str, request_id: &str) -> Response {
    let error = Code { code, details: Details { specific, request_id } };
    json(status, &Fault { success: false, message, error })
}

/// An id for a request.
pub(super) fn request_id(ids: &dyn Ids) -> String {
    format!("req_{}", random_text(ids, ID_LENGTH))
}

/// A form that is too large for any file that may be in it.
pub(super) fn request_too_large(got: u64, limit: u64) -> Error {
    Error::too_large("the request", got, limit)
}

/// Names the whole size of a file that was refused as too large before all of it had come.
pub(super) fn file_too_large(error: Error, likely: Option<u64>) -> Error {
    let error = sized(error, likely);
    match (error.kind, error.facts.got, error.facts.expected) {
        (ErrorKind::TooLarge, Some(got), Some(limit)) => Error::too_large("the file", got, limit),
        _ => error,
    }
}

/// Names what is there already.
pub(super) fn duplicate(error: Error, kept: &Kept) -> Error {
    if error.kind != ErrorKind::Duplicate {
        return error;
    }
    let Kept { media_id, collection, .. } = kept;
    Error::new(
        ErrorKind::Duplicate,
        format!("the collection {collection:?} has the same content already, as {media_id}"),
    )
}

/// What is left of a balance, in cents; less than nothing where uploads overtook each other.
pub(super) fn left(balance: u64, spent: u64) -> Cents {
    Cents(i128::from(balance) - i128::from(spent))
}

/// A balance that is too short for an upload.
pub(super) fn short(left: Cents, cost: Cents) -> Error {
    Error::new(
        ErrorKind::Forbidden,
        format!("insufficient balance: an upload costs {cost}, and {left} are left"),
    )
}

/// A complete upload, and what is told with it.
#[derive(Debug)]
pub(super) struct Completed<'a> {
    pub(super) tenant: &'a TenantName,
    pub(super) outcome: &'a Outcome,
    pub(super) kept: Kept,
    pub(super) wishes: &'a Wishes,
    pub(super) request_id: String,
    /// When all of the file had come.
    pub(super) started: Timestamp,
    pub(super) ended: Timestamp,
    /// What is left of the tenant's balance.
    pub(super) left: Cents,
}

/// The answer to it.
pub(super) fn completed(completed: Completed<'_>) -> Answer {
    let Completed { tenant, outcome, kept, wishes, request_id, started, ended, left } = completed;
    let cost = Cents(Charge::sum(&outcome.charges).into());
    let vectors = object(outcome, VECTORS);
    let timestamp = iso_micros(ended);
    Answer {
        success: true,
        message: "Media processed successfully",
        data: Data {
            media_id: kept.media_id,
            media_type: kept.media_type.clone(),
            status: "completed",
            processing_info: ProcessingInfo {
                started_at: iso_micros(started),
                completed_at: timestamp.clone(),
                job_id: format!("job_{}", Uuid::named(tenants(tenant), outcome.id.as_str())),
            },
            content_summary: object(outcome, CONTENT_SUMMARY),
            file_details: file_details(outcome, kept.media_type),
            storage_info: StorageInfo {
                collection: kept.collection.clone(),
                vectors_stored: count(&vectors),
                stored_at: iso_micros(outcome.committed),
            },
            balance_info: BalanceInfo { previous_balance: Cents(left.0 + cost.0), cost, new_balance: left },
            vectors: Some(vectors).filter(|vectors| wishes.vectors && !vectors.is_empty()),
        },
        metadata: Metadata {
            cost,
            collection: kept.collection,
            request_id,
            processing_time_ms: ended.millis().saturating_sub(started.millis()),
        },
        timestamp,
    }
}

fn file_details(outcome: &Outcome, media_type: String) -> FileDetails {
    let mut measured = object(outcome, FILE_DETAILS);
    measured.retain(|name, _| MEASURED.contains(&name.as_str()));
    FileDetails {
        filename: outcome.file_name.clone().unwrap_or_default(),
        size_bytes: outcome.length,
        checksum: outcome.digests.get(Algorithm::Sha256).map(|digest| digest.to_hex()).unwrap_or_default(),
        media_type,
        measured,
    }
}

/// What a processor found, as far as there is anything: what is unknown is absent, never null.
fn object(outcome: &Outcome, processor: &str) -> Map<String, Value> {
    let mut found = outcome.details.get(processor).and_then(Value::as_object).cloned().unwrap_or_default();
    found.retain(|_, value| !value.is_null());
    found
}

/// How many vectors there are: one for each chunk of a text, where there are chunks, else one under each name, or a list.
fn count(vectors: &Map<String, Value>) -> usize {
    if let Some(chunks) = vectors.get(CHUNKS).and_then(Value::as_array) {
        return chunks.len();
    }
    let under = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([]) | None => 0,
        Some(list @ [Value::Array(_), ..]) => list.len(),
        Some(_) => 1,
    };
    vectors.values().map(under).sum()
}
