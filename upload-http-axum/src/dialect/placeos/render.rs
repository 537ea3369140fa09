//! From outcomes and errors to answers: pure and synchronous.

mod signature;

use std::time::Duration;

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use upload_core::{Error, ErrorKind, Inspection, Stage, UploadId};

use super::parse::Listing;
use super::wire::{Fault, ID, Kept, NAME, Progress, Row};
use crate::answer::{self, empty, json};
use crate::auth::AuthError;

pub(super) use self::signature::{Asked, type_of};

/// Why a request is not answered with success.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody is known to have sent it.
    Auth(AuthError),
    /// It could not be done.
    Upload(Error),
    /// It asks for what is not, in one sentence.
    Refused(String),
    /// A parameter is not there.
    Missing { parameter: &'static str, restriction: &'static str },
    /// A parameter has a value that is not taken.
    Value { error: String, parameter: &'static str, restriction: String },
    /// The body is not of a type that is taken.
    MediaType(String),
    /// The store does not hold what was declared.
    Incomplete { has: u64, length: u64 },
}

impl Failure {
    pub(super) fn missing(parameter: &'static str, restriction: &'static str) -> Self {
        Self::Missing { parameter, restriction }
    }

    pub(super) fn value(parameter: &'static str, restriction: &str) -> Self {
        let error = format!("invalid value for parameter '{parameter}'");
        Self::Value { error, parameter, restriction: restriction.to_owned() }
    }

    pub(super) fn rejected(error: &str, parameter: &'static str, list: &[String]) -> Self {
        Self::Value { error: error.to_owned(), parameter, restriction: list.join(",") }
    }

    /// `upload is not resumable`, of one that comes in one request.
    pub(super) fn direct() -> Self {
        Self::Refused("upload is not resumable".to_owned())
    }

    /// `upload is not resumable, no part available`: the store's id of it is not known.
    pub(super) fn not_begun() -> Self {
        Self::Refused("upload is not resumable, no part available".to_owned())
    }
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
        K::Invalid | K::TypeRefused | K::Unreadable | K::Misplaced | K::Interrupted => {
            StatusCode::BAD_REQUEST
        }
        K::NotFound | K::Gone => StatusCode::NOT_FOUND,
        K::Forbidden => StatusCode::FORBIDDEN,
        K::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        K::Conflict | K::Duplicate | K::NotReady | K::DigestMismatch => StatusCode::CONFLICT,
        K::TimedOut => StatusCode::REQUEST_TIMEOUT,
        K::Busy | K::StorageUnavailable | K::StorageFull => StatusCode::SERVICE_UNAVAILABLE,
        // `UnknownDestination` (the operator's), `ProcessingFailed`, `Corrupt`, `Unsupported`, `Internal`, and what may come.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The answer to a request that failed; `id` is the upload's as the path has it, `retry_after` goes with what may be tried
/// again.
pub(super) fn failure(failure: &Failure, id: &str, retry_after: Duration) -> Response {
    let plain = |status, error: &str| json(status, &Fault { error, parameter: None, restriction: None });
    let of_parameter = |status, error: &str, parameter, restriction| {
        json(status, &Fault { error, parameter: Some(parameter), restriction: Some(restriction) })
    };
    let mut answer = match failure {
        Failure::Auth(AuthError::Unavailable(_)) => {
            plain(StatusCode::SERVICE_UNAVAILABLE, "API keys cannot be checked now")
        }
        Failure::Auth(error) => plain(StatusCode::UNAUTHORIZED, &error.to_string()),
        Failure::Upload(error) => match (status(error.kind), error.kind) {
            (StatusCode::FORBIDDEN, _) => empty(StatusCode::FORBIDDEN),
            (StatusCode::NOT_FOUND, _) => plain(StatusCode::NOT_FOUND, &format!("Invalid upload id: {id}")),
            (status, ErrorKind::UnknownDestination) => {
                plain(status, "the destination of uploads is not configured")
            }
            (status, _) => plain(status, &error.detail),
        },
        Failure::Refused(error) => plain(StatusCode::BAD_REQUEST, error),
        Failure::Missing { parameter, restriction } => of_parameter(
            StatusCode::UNPROCESSABLE_ENTITY,
            &format!("missing required parameter '{parameter}'"),
            *parameter,
            *restriction,
        ),
        Failure::Value { error, parameter, restriction } => {
            of_parameter(StatusCode::BAD_REQUEST, error, *parameter, restriction.as_str())
        }
        Failure::MediaType(got) => plain(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            &format!("unsupported content type {got:?}; application/json is accepted"),
        ),
        Failure::Incomplete { has, length } => plain(
            StatusCode::CONFLICT,
            &format!("the upload is not complete: its parts in the store have {has} of {length} bytes"),
        ),
    };
    answer::retry_after(&mut answer, retry_after);
    answer
}

/// The id that clients know.
pub(super) fn id(id: &UploadId) -> String {
    format!("{ID}{id}")
}

/// The data of parts, by number as text, or as an array.
pub(super) fn part_data(known: &Progress, as_array: bool) -> Value {
    let parts = known.part_data.values().map(|part| (part.part.to_string(), serde_json::json!(part)));
    if as_array { parts.map(|(_, part)| part).collect() } else { Value::Object(parts.collect::<Map<_, _>>()) }
}

/// What an upload of this dialect keeps; `None` of one of another dialect.
pub(super) fn kept(seen: &upload_core::Extras) -> Option<Kept> {
    serde_json::from_value(seen.get(NAME)?.clone()).ok()
}

/// A row of the list.
pub(super) fn row(seen: &Inspection, kept: Kept, known: Progress, as_array: bool) -> Row {
    let file_name = seen.file_name.clone().unwrap_or_default();
    let extension = file_name.rsplit_once('.').map(|(_, extension)| format!(".{extension}"));
    Row {
        id: id(&seen.id),
        file_size: seen.length.unwrap_or(0),
        file_path: kept.file_path,
        object_key: format!("{}{}", seen.id, extension.unwrap_or_default()),
        file_md5: kept.file_id,
        public: kept.public,
        permissions: kept.permissions,
        resumable: kept.resumable,
        part_data: part_data(&known, as_array),
        resumable_id: known.resumable_id,
        part_list: known.part_list.unwrap_or_default(),
        upload_complete: matches!(seen.stage, Stage::Completed(_)),
        uploaded_by: seen.owner.clone(),
        tags: kept.tags,
        created_at: seen.created.seconds(),
        updated_at: seen.updated.seconds(),
        file_name,
    }
}

/// A page of the list: `path` is that of the request.
pub(super) fn page(rows: &[Row], total: usize, listing: &Listing, path: &str) -> Response {
    let mut answer = json(StatusCode::OK, &rows);
    let headers = answer.headers_mut();
    headers.insert(HeaderName::from_static("x-total-count"), total.into());
    let Some(last) = rows.len().checked_sub(1) else { return answer };
    put(
        headers,
        header::CONTENT_RANGE,
        &format!("items {}-{}/{total}", listing.offset, listing.offset + last),
    );
    // Some of a page may have ended while it was read: the next one begins where it would have begun.
    let next = listing.offset.saturating_add(listing.limit);
    if next < total {
        let mut query = format!("offset={next}&limit={}", listing.limit);
        let escaped = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        if let Some(search) = &listing.search {
            query.push_str(&format!("&file_search={}", escaped(search)));
        }
        if !listing.tags.is_empty() {
            query.push_str(&format!("&tags={}", escaped(&listing.tags.join(","))));
        }
        put(headers, header::LINK, &format!("<{path}?{query}>; rel=\"next\""));
    }
    answer
}

/// Where the bytes are.
pub(super) fn see_other(url: &str) -> Response {
    let mut answer = empty(StatusCode::SEE_OTHER);
    put(answer.headers_mut(), header::LOCATION, url);
    answer
}

/// An error that is the router's and not an upload's.
pub(super) fn route(status: StatusCode, error: &str) -> Response {
    json(status, &Fault { error, parameter: None, restriction: None })
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
