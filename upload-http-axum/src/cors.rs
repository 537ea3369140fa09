//! What pages of other sites may do: preflights, and Allow-Origin on every answer, errors included.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::settings::CorsSettings;

/// What a dialect lets other sites use, each named literally: `*` would not cover all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    /// Methods, separated by commas.
    pub(crate) methods: &'static str,
    /// Request headers.
    pub(crate) headers: &'static str,
    /// Response headers that a page may read.
    pub(crate) exposed: &'static str,
}

/// Answers preflights for all routes of `router`, and adds the headers to all its answers.
pub(crate) fn layer<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    settings: &CorsSettings,
    allowed: Allowed,
) -> Router<S> {
    if !settings.enabled {
        return router;
    }
    let settings = Arc::new(settings.clone());
    router.layer(from_fn(move |request: Request, next: Next| {
        let settings = Arc::clone(&settings);
        async move {
            let origin = request.headers().get(header::ORIGIN).cloned();
            let mut answer = if is_preflight(&request) {
                preflight(&settings, allowed)
            } else {
                let mut answer = next.run(request).await;
                put(answer.headers_mut(), header::ACCESS_CONTROL_EXPOSE_HEADERS, allowed.exposed);
                answer
            };
            allow_origin(answer.headers_mut(), &settings, origin);
            answer
        }
    }))
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight(settings: &CorsSettings, allowed: Allowed) -> Response {
    let mut answer = StatusCode::NO_CONTENT.into_response();
    let headers = answer.headers_mut();
    put(headers, header::ACCESS_CONTROL_ALLOW_METHODS, allowed.methods);
    put(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, allowed.headers);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, settings.max_age.as_secs().into());
    answer
}

fn allow_origin(headers: &mut HeaderMap, settings: &CorsSettings, origin: Option<HeaderValue>) {
    if settings.origins.is_empty() {
        put(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        return;
    }
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) =
        origin.filter(|origin| settings.origins.iter().any(|known| known.as_bytes() == origin.as_bytes()))
    {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}

fn put(headers: &mut HeaderMap, name: header::HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
