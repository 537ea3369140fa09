//! What answers of all dialects are made with.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{StatusCode, header};

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// An answer with this JSON.
#[cfg(any(
    feature = "direct-upload",
    feature = "picomes",
    feature = "pixlab",
    feature = "placeos",
    feature = "wickson"
))]
pub(crate) fn json(status: StatusCode, value: &impl serde::Serialize) -> Response {
    // Plain structs of texts and numbers always serialise.
    let mut answer = Response::new(Body::from(serde_json::to_vec(value).unwrap_or_default()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    answer
}

/// Says when to try again, in an answer that says to.
pub(crate) fn retry_after(answer: &mut Response, after: Duration) {
    if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
        put_retry_after(answer, after);
    }
}

/// Says when to try again: in whole seconds, rounded up.
pub(crate) fn put_retry_after(answer: &mut Response, after: Duration) {
    let seconds = after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0));
    answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
}
