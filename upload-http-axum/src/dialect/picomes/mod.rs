//! The dialect of the Picomes Media Upload API: a file in one form, or a stream of numbered chunks.
//!
//! | request | what it does | answer |
//! |---|---|---|
//! | `POST /uploads`, a form with `destinationId`, `file`, maybe `sha` | a whole upload | `{"path"}` |
//! | `POST /uploads`, JSON `{"destinationId","fileName","fileSize","sha"}` | begins a stream | `{"streamId"}` |
//! | `PATCH /uploads/{id}`, a form with `chunkIndex`, `totalChunks`, `file` | a chunk, in any order | `{"streamId","chunkIndex"}`, or `{"path"}` once complete |
//! | `GET`, `HEAD` of a `path` | the bytes, whole or a range | 200, 206, 304, 412, 416 |
//!
//! Fields come in any order, the file first too. Every request carries its API key in `x-pico-api-org`; errors are
//! `{"error":"…"}`. A chunk sent again with the same bytes is answered as before: that is how a client learns an answer
//! that was lost, also the last one.
//!
//! ```text
//!   form ──> fields, file in any order ──┬── place known:   engine.write ───────────────┐
//!                                        └── not yet known: engine.receive, .settle… ───┴─> path | streamId
//! ```

mod parse;
mod render;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::middleware::map_request;
use axum::response::Response;
use axum::routing::{get, patch, post};
use http::{HeaderMap, StatusCode};
use upload_checksum::Algorithm;
use upload_chunking::assembly::At;
use upload_core::{Error, ErrorKind, Principal, Stage, UploadId};
use upload_engine::{Limits, Write, Written};

use self::render::Failure;
use self::wire::Answer;
use crate::answer::json;
use crate::auth::AuthError;
use crate::body::{Frames, Limit};
use crate::form::FileForm;
use crate::state::UploadHttp;
use crate::{cors, limits, log, request, serve};

/// The routes, to `merge` into an application's router or to `nest` below a path; answers name paths where they
/// then are. It has no fallback of its own: [`not_found`] can be the application's.
///
/// ```
/// # use std::sync::Arc;
/// # use upload_core::{Destinations, Policy};
/// # use upload_engine::Engine;
/// # use upload_http_axum::{HttpSettings, TokioClock, UploadHttp, auth::ApiKeys};
/// # use upload_storage::memory::{MemoryBlobs, MemoryRecords};
/// use upload_http_axum::dialect::picomes;
///
/// # let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
/// # let engine = Engine::builder(blobs, records, Arc::new(TokioClock::new()))
/// #     .destinations(Destinations::new().with("stepImage", Policy::new(8 << 20).prefix("/api/v1/images")))
/// #     .build();
/// let uploads = UploadHttp::new(engine, Arc::new(ApiKeys::new()), HttpSettings::default());
/// let app: axum::Router = axum::Router::new().merge(picomes::router(&uploads)).fallback(picomes::not_found);
/// ```
pub fn router<S: Clone + Send + Sync + 'static>(uploads: &UploadHttp) -> Router<S> {
    let destinations = uploads.engine().destinations();
    let mut prefixes: BTreeSet<_> = destinations.iter().map(|to| parse::prefix(&to.policy.prefix)).collect();
    // A stream and what it became may share their place.
    let chunks =
        if prefixes.remove("/uploads") { patch(send_chunk).get(download) } else { patch(send_chunk) };
    let mut routes =
        Router::new().route("/uploads", post(begin)).route("/uploads/{id}", chunks).without_v07_checks();
    for prefix in prefixes {
        let plain = prefix.replace('{', "{{").replace('}', "}}");
        routes = routes.route(&format!("{plain}/{{name}}"), get(download));
    }
    let guarding = uploads.clone();
    let guarded = routes
        .method_not_allowed_fallback(wrong_method)
        .layer(map_request(move |request: Request| std::future::ready(guarding.guard(request))));
    cors::layer(guarded, &uploads.settings().cors, wire::CORS).with_state(uploads.clone())
}

/// The answer for a path that nobody serves, in this dialect's form.
pub async fn not_found() -> Response {
    render::route(StatusCode::NOT_FOUND, "there is nothing at this path")
}

async fn wrong_method() -> Response {
    render::route(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method")
}

/// `POST /uploads`: a whole upload, or a new stream.
async fn begin(State(uploads): State<UploadHttp>, original: OriginalUri, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    detached(&uploads.clone(), async move {
        let who = authenticate(&uploads, &parts.headers).await?;
        let nested = request::nested_at(&original, &parts.uri);
        match request::media_type(&parts.headers)?.as_str() {
            "application/json" => create(&uploads, &who, &nested, body).await,
            "multipart/form-data" => single(&uploads, &who, &nested, &parts.headers, body).await,
            other => Err(Error::invalid(format!(
                "expected Content-Type multipart/form-data or application/json, got {other:?}"
            ))
            .into()),
        }
    })
    .await
}

/// A new stream.
async fn create(uploads: &UploadHttp, who: &Principal, nested: &str, body: Body) -> Result<Answer, Failure> {
    let limit = Limit { bytes: uploads.settings().max_json as u64, exceeded: render::json_too_large };
    let new = parse::create(&Frames::new(body, limit)?.collect(uploads.room()).await?)?;
    let engine = uploads.engine();
    let empty = new.length == 0;
    let begin = new.begin(engine.destinations(), nested)?;
    let inspection = engine.begin(who, begin).await?;
    Ok(match inspection.stage {
        Stage::Completed(outcome) => render::created_complete(&outcome),
        // No chunk will come that could finish it.
        _ if empty => render::created_complete(&engine.finish(who, &inspection.id).await?),
        _ => render::created(&inspection.id),
    })
}

/// A whole upload in one form.
async fn single(
    uploads: &UploadHttp,
    who: &Principal,
    nested: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Answer, Failure> {
    let engine = uploads.engine();
    let limit = Limit { bytes: uploads.settings().max_request, exceeded: render::request_too_large };
    let mut form = FileForm::new(headers, body, wire::SINGLE, limit)?;
    let file = form.advance().await?.ok_or_else(|| parse::no_file(form.fields(), &[wire::DESTINATION]))?;
    let known = match form.fields().get(wire::DESTINATION) {
        Some(name) => Limits::single(&engine.destinations().get(name)?.policy),
        None => limits::unknown(engine.destinations(), uploads.settings().max_request),
    };
    form.fields().get(wire::SHA).map(|text| parse::sha(text)).transpose()?;

    let received =
        engine.receive(limits::with(known, Algorithm::Sha256).of(&who.tenant), &mut form.file()).await;
    let received = received.map_err(|error| limits::sized(error, form.likely_file_length()))?;
    let begin = async {
        while form.advance().await?.is_some() {}
        parse::single(form.fields(), &file, received.length())?.begin(engine.destinations(), nested)
    };
    match begin.await {
        Ok(begin) => Ok(render::completed(&engine.settle(who, received, begin).await?)),
        Err(error) => {
            engine.discard(received).await;
            Err(Failure::Upload(error))
        }
    }
}

/// `PATCH /uploads/{id}`: a chunk.
async fn send_chunk(
    State(uploads): State<UploadHttp>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    detached(&uploads.clone(), async move {
        let who = authenticate(&uploads, &parts.headers).await?;
        let id = UploadId::parse(&id.map_err(|_| Error::not_found())?)?;
        let answer = chunk(&uploads, &who, &id, &parts.headers, body).await;
        answer.map_err(|error| Failure::Upload(render::of_chunk(error)))
    })
    .await
}

async fn chunk(
    uploads: &UploadHttp,
    who: &Principal,
    id: &UploadId,
    headers: &HeaderMap,
    body: Body,
) -> Result<Answer, Error> {
    let engine = uploads.engine();
    let most = engine.destinations().iter().map(|to| to.policy.max_chunk).max().unwrap_or(0);
    let bytes = most.saturating_add(uploads.settings().form_overhead);
    let mut form =
        FileForm::new(headers, body, wire::CHUNK, Limit { bytes, exceeded: render::chunk_too_large })?;
    if form.advance().await?.is_none() {
        return Err(parse::no_file(form.fields(), wire::CHUNK.fields));
    }
    let fields_came_first = wire::CHUNK.fields.iter().all(|name| form.fields().contains_key(name));
    let (at, written) = if fields_came_first {
        let at = parse::chunk(form.fields())?;
        // What follows the chunk cannot change that it is stored, so it is not looked at.
        (at, engine.write(who, id, Write::new(at), &mut form.file()).await?)
    } else {
        // Refuses a stream that is not there before its bytes are taken.
        engine.inspect(who, id).await?;
        let limits = limits::unknown(engine.destinations(), most).of(&who.tenant);
        let received = engine.receive(limits, &mut form.file()).await?;
        let at = async {
            while form.advance().await?.is_some() {}
            parse::chunk(form.fields())
        };
        match at.await {
            Ok(at) => (at, engine.settle_chunk(who, id, Write::new(at), received).await?),
            Err(error) => {
                engine.discard(received).await;
                return Err(error);
            }
        }
    };
    Ok(match (written, at) {
        (Written::Completed(outcome), _) => render::completed(&outcome),
        (_, At::Slot { n, .. }) => render::stored(id, n),
        _ => render::created(id),
    })
}

/// `GET` and `HEAD` of a path.
async fn download(
    State(uploads): State<UploadHttp>,
    segment: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let served = async {
        // Nobody may tell what exists: a bad key reads what anybody may.
        let who = match authenticate(&uploads, &parts.headers).await {
            Err(AuthError::Missing | AuthError::Unknown) => None,
            other => Some(other?),
        };
        let idle = uploads.settings().idle_timeout;
        let id = parse::named(&segment.map_err(|_| Error::not_found())?)?;
        let reading = uploads.engine().read(who.as_ref(), &id).await;
        let reading =
            reading.map_err(|e| if e.kind == ErrorKind::Forbidden { Error::not_found() } else { e })?;
        Ok(serve::serve(uploads.tasks(), &parts.method, &parts.headers, reading, idle).await?)
    };
    served.await.unwrap_or_else(|failure| failed(&uploads, &failure))
}

/// Runs the work of a request in a task that outlives its connection, and answers with what it gives.
async fn detached(
    uploads: &UploadHttp,
    work: impl Future<Output = Result<Answer, Failure>> + Send + 'static,
) -> Response {
    let ended = uploads.tasks().run(work).await.unwrap_or_else(|error| Err(error.into()));
    match ended {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(failure) => failed(uploads, &failure),
    }
}

fn failed(uploads: &UploadHttp, failure: &Failure) -> Response {
    if let Failure::Upload(error) = failure {
        log::failed(error);
    }
    render::failure(failure, uploads.settings().retry_after)
}

async fn authenticate(uploads: &UploadHttp, headers: &HeaderMap) -> Result<Principal, AuthError> {
    uploads.authenticate(request::credential(headers, wire::KEY)).await
}
