//! The store's own endpoints: where clients send signed requests when no cloud's store takes them.
//!
//! | request | grant | answer |
//! |---|---|---|
//! | `PUT /store/{token}` | the whole content, or a part | 200 with the ETag |
//! | `POST /store/{token}` | begin a session for parts | 200 with its `UploadId` |
//! | `POST /store/{token}` | commit the parts that the body lists | 200 |
//! | `GET /store/{token}` | list the parts | 200 |
//! | `GET`, `HEAD /store/{token}/{name}` | read | the bytes, whole or a range |
//! | `DELETE /store/{token}` | give the upload up | 204 |
//!
//! Shapes are those of Amazon S3, errors included, so that clients made for it work unchanged. The token is all that a
//! request needs: the engine sealed into it what may be done, with which upload, until when. A name behind it is
//! decoration. It is checked when the head of a request has arrived: one that expires while the body comes does no harm.
//!
//! ```text
//!   a dialect ──grant──> engine ──token──> url() ──> client ──request──> router() ──redeem──> engine ──> pass
//! ```
//! For dialects: `url` makes a grant's URL, `as_signed` and `take` are what a dialect with an endpoint of its own needs
//! to take a body for a pass.

mod parse;
mod render;
#[cfg(test)]
mod tests;
mod wire;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::middleware::map_request;
use axum::response::Response;
use axum::routing::get;
use http::request::Parts;
use http::{HeaderMap, Method};
use upload_core::{Access, Ask, Error, ErrorKind, Grant, Principal, UploadId};
use upload_engine::{Pass, Written};

use self::render::Failure;
use crate::body::{Frames, Limit};
use crate::names::clean_file_name;
use crate::state::UploadHttp;
use crate::{cors, log, serve};

pub(crate) use self::parse::part_number;
pub(crate) use self::wire::{HEADERS, MAX_PARTS};

/// The routes, to `merge` once into an application's router, or to `nest` where the dialects that use them are nested.
///
/// ```
/// # use std::sync::Arc;
/// # use upload_core::{Destinations, Policy};
/// # use upload_engine::{Engine, Secrets};
/// # use upload_http_axum::{HttpSettings, TokioClock, UploadHttp, auth::ApiKeys};
/// # use upload_storage::memory::{MemoryBlobs, MemoryRecords};
/// use upload_http_axum::store;
///
/// # let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
/// # let engine = Engine::builder(blobs, records, Arc::new(TokioClock::new()))
/// #     .destinations(Destinations::new().with("placeos", Policy::new(8 << 30)))
/// #     .secrets(Secrets::new(b"thirty-two random bytes, or more")?)
/// #     .build();
/// let uploads = UploadHttp::new(engine, Arc::new(ApiKeys::new()), HttpSettings::default());
/// uploads.set_public_url("https://files.example");
/// let app: axum::Router = axum::Router::new().merge(store::router(&uploads));
/// # Ok::<(), upload_core::Error>(())
/// ```
pub fn router<S: Clone + Send + Sync + 'static>(uploads: &UploadHttp) -> Router<S> {
    let methods = || get(handle).put(handle).post(handle).delete(handle);
    let routes = Router::new()
        .route(&format!("{}/{{token}}", wire::PATH), methods())
        .route(&format!("{}/{{token}}/{{name}}", wire::PATH), methods());
    let guarding = uploads.clone();
    let guarded = routes
        .method_not_allowed_fallback(wrong_method)
        .layer(map_request(move |request: Request| std::future::ready(guarding.guard(request))));
    cors::layer(guarded, &uploads.settings().cors, wire::CORS).with_state(uploads.clone())
}

/// The URL at which a token is redeemed; `nested` is where the routers are, `name` decorates it.
///
/// # Errors
/// `Unsupported` if the application has not set its public URL.
pub(crate) fn url(
    uploads: &UploadHttp,
    nested: &str,
    token: &str,
    name: Option<&str>,
) -> Result<String, Error> {
    let base = uploads.public_url()?;
    let name = name.map(|name| format!("/{}", clean_file_name(name))).unwrap_or_default();
    Ok(format!("{base}{nested}{}/{token}{name}", wire::PATH))
}

/// Where a completed upload can be read for a while by whoever has the URL: the store's own, or one of [`url`]'s.
///
/// # Errors
/// As the engine's `grant`, and as [`url`].
pub(crate) async fn link(
    uploads: &UploadHttp,
    nested: &str,
    who: &Principal,
    id: &UploadId,
    ask: Ask,
) -> Result<String, Error> {
    let name = ask.file_name.clone();
    match uploads.engine().grant(who, id, ask).await? {
        Grant::Sealed(token) => url(uploads, nested, &token, name.as_deref()),
        Grant::Signed(signed) => Ok(signed.url),
        _ => Err(Error::internal("a grant of an unknown form")),
    }
}

/// Checks that a request's Content-Type and Content-MD5 are those of its grant: the type, if the grant names one, in any
/// case and with any parameters; the digest, if the request names one. `Err` is a sentence for the client.
pub(crate) fn as_signed(pass: &Pass, headers: &HeaderMap) -> Result<(), String> {
    parse::as_signed(headers, pass.content_type(), pass.digest())
}

/// Takes the body of a request for a pass to put it. One that is, or announces to be, longer than was granted is refused
/// with `TooLarge`, as soon as that shows.
pub(crate) async fn take(pass: &Pass, body: Body) -> Result<Written, Error> {
    let bytes = pass.length().unwrap_or_else(|| pass.max_length());
    let exceeded = |got, limit| Error::too_large("the body", got, limit);
    let mut frames = Frames::new(body, Limit { bytes, exceeded })?;
    pass.put(frames.announced(), &mut frames).await
}

async fn wrong_method(State(uploads): State<UploadHttp>) -> Response {
    failed(&uploads, &Failure::Method)
}

async fn handle(
    State(uploads): State<UploadHttp>,
    OriginalUri(original): OriginalUri,
    segments: Result<Path<Vec<String>>, PathRejection>,
    request: Request,
) -> Response {
    let token = segments.ok().and_then(|Path(segments)| segments.into_iter().next()).unwrap_or_default();
    // Before anything of the body: a token that is good now stays good for this request.
    let pass = match uploads.engine().redeem(&token) {
        Ok(pass) => pass,
        Err(error) => return failed(&uploads, &Failure::Token(error)),
    };
    let (parts, body) = request.into_parts();
    let ended = if pass.access().is_read() {
        read(&uploads, &pass, &parts).await
    } else {
        let task = act(uploads.clone(), pass, original.path().to_owned(), parts, body);
        uploads.tasks().run(task).await.unwrap_or_else(|error| Err(Failure::Upload { error, read: false }))
    };
    ended.unwrap_or_else(|failure| failed(&uploads, &failure))
}

/// Does what the pass is for, if that is what the method asks.
async fn act(
    uploads: UploadHttp,
    pass: Pass,
    path: String,
    parts: Parts,
    body: Body,
) -> Result<Response, Failure> {
    let id = pass.id();
    let signed = || as_signed(&pass, &parts.headers).map_err(Failure::Signature);
    let failed = |error| Failure::Upload { error, read: false };
    match (&parts.method, pass.access()) {
        (&Method::PUT, Access::Put) => {
            signed()?;
            take(&pass, body).await.map_err(failed)?;
            Ok(render::stored(&render::etag(id, 0, pass.digest())))
        }
        (&Method::PUT, Access::Part(number)) => {
            signed()?;
            if http_body::Body::size_hint(&body).exact().is_none() {
                return Err(Failure::NoLength);
            }
            take(&pass, body).await.map_err(failed)?;
            Ok(render::stored(&render::etag(id, number, pass.digest())))
        }
        (&Method::POST, Access::BeginParts) => {
            Ok(render::begun(id, &pass.begin_parts().await.map_err(failed)?))
        }
        (&Method::POST, Access::CommitParts) => {
            signed()?;
            let limit = Limit { bytes: uploads.settings().max_manifest as u64, exceeded: manifest_too_large };
            let body = Frames::new(body, limit).map_err(failed)?;
            let body = body.collect(uploads.room()).await.map_err(failed)?;
            let listed = parse::manifest(&body)?;
            // A tag that names a place says nothing about the bytes there.
            let tag = |number, etag: &str| {
                Some(etag.to_owned()).filter(|etag| *etag != render::etag(id, number, None))
            };
            let manifest: Vec<_> =
                listed.iter().map(|part| (part.number, tag(part.number, &part.etag))).collect();
            pass.commit_parts(&manifest).await.map_err(failed)?;
            let location = format!("{}{path}", uploads.public_url().unwrap_or_default());
            Ok(render::committed(id, &location, &listed))
        }
        (&Method::GET, Access::ListParts) => Ok(render::parts(id, &pass.parts().await.map_err(failed)?)),
        (&Method::DELETE, Access::AbortParts) => {
            pass.abort_parts().await.map_err(failed)?;
            Ok(render::done())
        }
        _ => Err(Failure::Token(other_purpose())),
    }
}

async fn read(uploads: &UploadHttp, pass: &Pass, parts: &Parts) -> Result<Response, Failure> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Failure::Token(other_purpose()));
    }
    let failed = |error| Failure::Upload { error, read: true };
    let reading = pass.read().await.map_err(failed)?;
    let mut object = serve::describe(reading.outcome());
    object.content_type = object.content_type.or_else(|| pass.content_type().map(str::to_owned));
    object.file_name = pass.file_name().map(str::to_owned).or(object.file_name);
    let idle = uploads.settings().idle_timeout;
    let (method, headers) = (&parts.method, &parts.headers);
    serve::serve_as(uploads.tasks(), method, headers, reading, idle, &object).await.map_err(failed)
}

fn other_purpose() -> Error {
    Error::new(ErrorKind::Forbidden, "the request was signed for something else")
}

fn manifest_too_large(got: u64, limit: u64) -> Error {
    Error::too_large("the manifest", got, limit)
}

fn failed(uploads: &UploadHttp, failure: &Failure) -> Response {
    if let Failure::Upload { error, .. } = failure {
        log::failed(error);
    }
    render::failure(failure, uploads.settings().retry_after)
}
