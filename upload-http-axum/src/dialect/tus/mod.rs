//! The dialect of tus 1.0.0, the protocol of resumable uploads, with all of its extensions.
//!
//! | request | what it does | answer |
//! |---|---|---|
//! | `OPTIONS /files` | asks what can be done | 204 |
//! | `POST /files` with `Upload-Length`, or `Upload-Defer-Length: 1` | begins an upload, maybe with its first bytes | 201, `Location` |
//! | `POST /files` with `Upload-Concat: final;URL URL` | begins an upload that is composed of partial ones | 201, `Location` |
//! | `HEAD /files/{id}` | asks how far it is, and ends a request that still writes | 200, `Upload-Offset` |
//! | `PATCH /files/{id}` with `Upload-Offset` | bytes from there on | 204, `Upload-Offset` |
//! | `DELETE /files/{id}` | removes it | 204 |
//! | `GET /files/{id}` | the bytes, once it is complete: whole or a range | 200, 206, 304, 412, 416 |
//!
//! A key is presented as `Authorization: Bearer KEY` or `X-API-Key: KEY`. Errors are a sentence as plain text. What arrived of a
//! body that was cut is kept, unless the body has a checksum: then all of it counts or nothing. `Upload-Offset` is
//! `Upload-Length` only when the upload is complete: whole, verified, published. Until then a HEAD is told to come again (423).
//!
//! ```text
//!   POST ──begin──> 201 ──PATCH──write──> 204 … 204, complete
//!                          │ cut, or stalled
//!                          └──> HEAD ──halt──> 200, the offset to go on from
//! ```
//! Besides the protocol, HEAD and GET of a complete upload tell its `Repr-Digest` (SHA-256, RFC 9530), and HEAD tells in
//! `Content-Location` a link at which it can be read for a while without a key.

mod handle;
mod parse;
mod render;
mod settings;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::middleware::map_request;
use axum::response::Response;
use axum::routing::any;
use http::{Method, StatusCode};

use self::handle::app::App;
use self::render::Failure;
use crate::cors;
use crate::state::UploadHttp;

pub use self::settings::TusSettings;

/// What all paths of the routes begin with.
pub const PATH: &str = "/files";

/// The routes, to `merge` into an application's router or to `nest` below a path. All paths below [`PATH`] are its own: no
/// destination whose results another dialect beside it serves may have them as its prefix.
///
/// `Location` names the host that the client has called (its `Host`, never `X-Forwarded-*`), or the application's public URL,
/// where it has [set](UploadHttp::set_public_url) one: behind a proxy that ends TLS it should.
///
/// ```
/// # use std::sync::Arc;
/// # use upload_core::{Destinations, Policy};
/// # use upload_engine::Engine;
/// # use upload_http_axum::{HttpSettings, TokioClock, UploadHttp, auth::ApiKeys};
/// # use upload_storage::memory::{MemoryBlobs, MemoryRecords};
/// use upload_http_axum::dialect::tus::{self, TusSettings};
///
/// # let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
/// let engine = Engine::builder(blobs, records, Arc::new(TokioClock::new()))
///     .destinations(Destinations::new().with("tus", Policy::new(100 << 30)))
///     .build();
/// let uploads = UploadHttp::new(engine, Arc::new(ApiKeys::new()), HttpSettings::default());
/// let app: axum::Router = tus::router(&uploads, &TusSettings::default());
/// ```
pub fn router<S: Clone + Send + Sync + 'static>(uploads: &UploadHttp, settings: &TusSettings) -> Router<S> {
    let app = App { uploads: uploads.clone(), settings: Arc::new(settings.clone()) };
    // The method that counts may stand in a header, so the handlers choose by it.
    let routes = Router::new()
        .route(PATH, any(collection))
        .route(&format!("{PATH}/"), any(collection))
        .route(&format!("{PATH}/{{*id}}"), any(upload));
    let guarding = uploads.clone();
    let guarded =
        routes.layer(map_request(move |request: Request| std::future::ready(guarding.guard(request))));
    cors::layer(guarded, &uploads.settings().cors, wire::CORS).with_state(app)
}

/// The answer for a path that nobody serves, in this dialect's form.
pub async fn not_found() -> Response {
    render::text(StatusCode::NOT_FOUND, "there is nothing at this path")
}

/// `/files`: what can be done, and new uploads.
async fn collection(State(app): State<App>, original: OriginalUri, request: Request) -> Response {
    let (method, admitted) = App::admit(original, None, request);
    let ended = match (&method, admitted) {
        (_, Err(failure)) => Err(failure),
        (&Method::OPTIONS, _) => Ok(app.options()),
        (&Method::POST, Ok((call, body))) => {
            app.detached(async move |app| app.create(&call, body).await).await
        }
        _ => Err(Failure::Method("OPTIONS, POST")),
    };
    app.answer(&method, ended)
}

/// `/files/{id}`: one upload.
async fn upload(
    State(app): State<App>,
    original: OriginalUri,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    // What is not text is nobody's id.
    let id = id.map_or_else(|_| "\u{fffd}".to_owned(), |Path(id)| id);
    let (method, admitted) = App::admit(original, Some(id), request);
    let ended = match (&method, admitted) {
        (_, Err(failure)) => Err(failure),
        (&Method::OPTIONS, _) => Ok(app.options()),
        (&Method::GET, Ok((call, _))) => app.download(&call).await,
        (&Method::HEAD, Ok((call, _))) => app.detached(async move |app| app.tell(&call).await).await,
        (&Method::DELETE, Ok((call, _))) => app.detached(async move |app| app.remove(&call).await).await,
        (&Method::PATCH, Ok((call, body))) => {
            app.detached(async move |app| app.append(&call, body).await).await
        }
        _ => Err(Failure::Method("OPTIONS, HEAD, PATCH, DELETE, GET")),
    };
    app.answer(&method, ended)
}
