//! The dialect of Direct Upload: first a record of a file, then its bytes straight to the store by a signed request, as the
//! browser library of Rails' Active Storage does it.
//!
//! | request | what it does | answer |
//! |---|---|---|
//! | `POST /api/v1/upload/direct`, JSON `{"blob":{"filename","content_type","byte_size","checksum"}}` | begins an upload, or finds the one that this began before | 200, the record with `direct_upload {url, headers}` |
//! | `PUT` of that `url` with those `headers` | sends the bytes | 204 |
//! | `GET /api/v1/upload/direct/{signed_id}` | asks how far it is | `{"state":"pending"\|"stored", …, "url"}` |
//!
//! There is no call that completes an upload: bytes with the checksum do. The client hands `signed_id` to the application,
//! which calls the engine's `resolve` and `attach` with it.
//!
//! ```text
//!   client ──POST──> begin (claimed), grant ──> record, signed url ──PUT──> redeem ──> bytes, checked ──> stored
//!   client ──its form, signed_id──> application ──attach──> engine
//! ```
//! A key is presented as `Authorization: Bearer KEY` or `X-API-Key: KEY`; the PUT needs its URL only. Faults of the JSON are
//! told as FastAPI tells them; the rules are pydantic's.

mod parse;
mod render;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::middleware::map_request;
use axum::response::Response;
use axum::routing::{get, post, put};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use upload_core::{Access, Ask, Error, ErrorKind, Grant, Principal, Stage, UploadId};
use upload_engine::{OsIds, Pass};

use self::parse::Blob;
use self::render::Failure;
use self::wire::Kept;
use crate::auth::AuthError;
use crate::body::{Frames, Limit};
use crate::state::UploadHttp;
use crate::{cors, log, request, store};

/// What this dialect does with uploads that begin here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DirectUploadSettings {
    /// Where they go (default `direct`).
    pub destination: String,
    /// What records name the store: `local`, `memory`, `amazon`, `azure` or `google` (default `local`).
    pub service_name: String,
    /// For how long a signed request can be sent, in seconds (default 300).
    pub signature_seconds: u64,
}

impl Default for DirectUploadSettings {
    fn default() -> Self {
        Self { destination: "direct".to_owned(), service_name: "local".to_owned(), signature_seconds: 300 }
    }
}

/// What the routes share.
#[derive(Clone)]
struct App {
    uploads: UploadHttp,
    settings: Arc<DirectUploadSettings>,
}

/// The routes, to `merge` into an application's router or to `nest` below a path. They sign URLs, so the engine needs
/// secrets, and `uploads` its public URL; stored files are read through [`store::router`], at the same place.
///
/// ```
/// # use std::sync::Arc;
/// # use upload_core::{Destinations, Policy};
/// # use upload_engine::{Engine, Secrets};
/// # use upload_http_axum::{HttpSettings, TokioClock, UploadHttp, auth::ApiKeys};
/// # use upload_storage::memory::{MemoryBlobs, MemoryRecords};
/// use upload_http_axum::dialect::direct_upload::{self, DirectUploadSettings};
/// use upload_http_axum::store;
///
/// # let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
/// let engine = Engine::builder(blobs, records, Arc::new(TokioClock::new()))
///     .destinations(Destinations::new().with("direct", Policy::new(1 << 30)))
///     .secrets(Secrets::new(b"thirty-two random bytes, or more")?)
///     .build();
/// let uploads = UploadHttp::new(engine, Arc::new(ApiKeys::new()), HttpSettings::default());
/// uploads.set_public_url("https://files.example");
/// let settings = DirectUploadSettings::default();
/// let app: axum::Router = direct_upload::router(&uploads, &settings).merge(store::router(&uploads));
/// # Ok::<(), upload_core::Error>(())
/// ```
pub fn router<S: Clone + Send + Sync + 'static>(
    uploads: &UploadHttp,
    settings: &DirectUploadSettings,
) -> Router<S> {
    let app = App { uploads: uploads.clone(), settings: Arc::new(settings.clone()) };
    let routes = Router::new()
        .route(wire::CREATE, post(create))
        .route(wire::STATE, get(state))
        .route(wire::DISK, put(send));
    let guarding = uploads.clone();
    let guarded = routes
        .method_not_allowed_fallback(wrong_method)
        .layer(map_request(move |request: Request| std::future::ready(guarding.guard(request))));
    cors::layer(guarded, &uploads.settings().cors, wire::CORS).with_state(app)
}

/// The answer for a path that nobody serves, in this dialect's form.
pub async fn not_found() -> Response {
    render::problem(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

async fn wrong_method() -> Response {
    render::problem(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path does not take this method",
    )
}

/// `POST`: a record, and where its bytes go.
async fn create(State(app): State<App>, original: OriginalUri, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let task = app.clone();
    let created = app.uploads.tasks().run(async move {
        let who = task.authenticate(&parts.headers).await?;
        let named = parse::idempotency_key(&parts.headers)?;
        let blob = task.describe(&parts.headers, body).await?;
        let nested = request::nested_at(&original, &parts.uri);
        task.begin(&who, &nested, &blob, named).await
    });
    app.answer(created.await.unwrap_or_else(|error| Err(error.into())))
}

/// `GET` of a signed id: how far it is.
async fn state(
    State(app): State<App>,
    original: OriginalUri,
    signed_id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let found = async {
        let who = app.authenticate(&parts.headers).await?;
        let Path(signed_id) = signed_id.map_err(|_| Error::not_found())?;
        let nested = request::nested_at(&original, &parts.uri);
        Ok(app.state(&who, &nested, &signed_id).await.map_err(hidden)?)
    };
    app.answer(found.await)
}

/// `PUT` of a signed URL: the bytes.
async fn send(
    State(app): State<App>,
    token: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    // Before anything of the body: a token that is good now stays good for this request.
    let pass = token.ok().and_then(|Path(token)| app.uploads.engine().redeem(&token).ok());
    let Some(pass) = pass.filter(|pass| pass.access() == Access::Put) else {
        return render::empty(StatusCode::NOT_FOUND);
    };
    let (parts, body) = request.into_parts();
    let taken = app.uploads.tasks().run(take(pass, parts.headers, body)).await;
    match taken.and_then(|taken| taken) {
        Ok(()) => render::empty(StatusCode::NO_CONTENT),
        Err(error) => {
            log::failed(&error);
            render::put_failure(&error, app.uploads.settings().retry_after)
        }
    }
}

async fn take(pass: Pass, headers: HeaderMap, body: Body) -> Result<(), Error> {
    store::as_signed(&pass, &headers).map_err(Error::invalid)?;
    store::take(&pass, body).await.map(drop)
}

/// An upload that one may not see is not there.
fn hidden(error: Error) -> Error {
    match error.kind {
        ErrorKind::Forbidden | ErrorKind::Gone => Error::not_found(),
        _ => error,
    }
}

impl App {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, AuthError> {
        self.uploads.authenticate(request::api_key(headers)).await
    }

    /// The file that a body describes.
    async fn describe(&self, headers: &HeaderMap, body: Body) -> Result<Blob, Failure> {
        let limit =
            Limit { bytes: self.uploads.settings().max_json as u64, exceeded: render::json_too_large };
        let body = Frames::new(body, limit)?.collect(self.uploads.room()).await?;
        let destination = self.uploads.engine().destinations().get(&self.settings.destination)?;
        Ok(parse::blob(headers, &body, &destination.policy)?)
    }

    /// Begins an upload, or finds the one that is the same, and signs the request for its bytes.
    async fn begin(
        &self,
        who: &Principal,
        nested: &str,
        blob: &Blob,
        named: Option<&str>,
    ) -> Result<Response, Failure> {
        let engine = self.uploads.engine();
        let fresh = render::kept(blob, &self.settings.service_name, &OsIds::default());
        let begun = engine.begin(who, blob.begin(who, &self.settings.destination, named, &fresh)).await;
        let inspection = begun.map_err(|error| match error.kind {
            ErrorKind::TooLarge => Failure::Faults(vec![parse::too_large(&error)]),
            ErrorKind::TypeRefused => Failure::Faults(vec![parse::type_refused(&error)]),
            _ => Failure::Upload(error),
        })?;
        let kept = render::kept_of(&inspection)?;

        let mut ask = Ask::new(Access::Put, self.lifetime());
        ask.digest = Some(blob.digest);
        ask.content_type = render::sent_as(&kept);
        let direct_upload = match engine.grant(who, &inspection.id, ask).await? {
            Grant::Sealed(token) => {
                let url = format!("{}{nested}{}{token}", self.uploads.public_url()?, wire::DISK_BASE);
                render::to_us(url, &kept, &blob.digest)
            }
            Grant::Signed(signed) => render::to_store(signed, &kept),
            _ => return Err(Error::internal("a grant of an unknown form").into()),
        };
        let signed_id = engine.signed_id(&inspection.id)?;
        Ok(render::created(render::record(kept, &inspection, signed_id), direct_upload))
    }

    /// How far the owner's upload is, and where it can be read.
    async fn state(&self, who: &Principal, nested: &str, signed_id: &str) -> Result<Response, Error> {
        let engine = self.uploads.engine();
        let inspection = engine.inspect(who, &engine.identify(signed_id)?).await?;
        let kept = render::kept_of(&inspection)?;
        let (state, url) = match inspection.stage {
            _ if inspection.owner != who.id => return Err(Error::not_found()),
            Stage::Receiving | Stage::Finishing => ("pending", None),
            Stage::Completed(_) => ("stored", self.readable(who, nested, &inspection.id, &kept).await?),
            _ => return Err(Error::not_found()),
        };
        let record = render::record(kept, &inspection, signed_id.to_owned());
        Ok(render::state(&wire::State { state, record, url }))
    }

    /// Where a stored file can be read for a while; nowhere by one who may not read.
    async fn readable(
        &self,
        who: &Principal,
        nested: &str,
        id: &UploadId,
        kept: &Kept,
    ) -> Result<Option<String>, Error> {
        let mut ask = Ask::new(Access::Read, self.lifetime());
        ask.content_type = Some(kept.content_type.clone());
        ask.file_name = Some(kept.filename.clone());
        match store::link(&self.uploads, nested, who, id, ask).await {
            Ok(url) => Ok(Some(url)),
            Err(error) if error.kind == ErrorKind::Forbidden => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn lifetime(&self) -> Duration {
        Duration::from_secs(self.settings.signature_seconds)
    }

    fn answer(&self, ended: Result<Response, Failure>) -> Response {
        ended.unwrap_or_else(|failure| {
            if let Failure::Upload(error) = &failure {
                log::failed(error);
            }
            render::failure(&failure, self.uploads.settings().retry_after)
        })
    }
}
