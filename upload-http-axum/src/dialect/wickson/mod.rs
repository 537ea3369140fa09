//! The dialect of the Wickson media API: a file in one form, processed, told with what was found in it and what it cost.
//!
//! | request | what it does | answer |
//! |---|---|---|
//! | `POST /v1/media`, a form with `file`, maybe `force_overwrite`, `collection_id`, `include_vectors` | a whole upload | `{"success":true,"data":{"media_id",…},…}` |
//!
//! Fields come in any order, the file first too; `include_vectors` may also stand in the query. Every request carries its API
//! key in `X-Api-Key`. Within a tenant and a collection the same bytes are there once: a second time they are answered 409,
//! or take the place of the first with `force_overwrite=true`, under the same `media_id`.
//!
//! ```text
//!   key ─> right ─> rate ─> balance ──> form ──> engine.receive, .settle ──> processors ─> claim ─> charge ──> answer
//!    401    403      429      403       400         400                        500          409
//! ```
//! What is shown of a file is what the processors `file_details`, `content_summary` and `vectors` found in it; what they did not
//! find is absent. The application adds them to the engine, and the [`policy`] to its destinations.
//!
//! Errors are `{"success":false,"message":…,"error":{"code":…,"details":{"specific":…,"request_id":…}}}`.

mod parse;
mod render;
mod settings;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::map_request;
use axum::response::Response;
use axum::routing::post;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use tracing::Instrument as _;
use upload_checksum::Algorithm;
use upload_core::{Charge, Error, Principal, Role};
use upload_engine::{Limits, OsIds};

use self::render::{Completed, Failure};
use self::wire::{Answer, Cents};
use crate::answer::json;
use crate::auth::AuthError;
use crate::body::Limit;
use crate::form::FileForm;
use crate::rate::Limiter;
use crate::request::credential;
use crate::state::UploadHttp;
use crate::{cors, limits, log};

pub use self::settings::{WicksonSettings, policy};

/// What the routes share.
#[derive(Clone, Debug)]
struct App {
    uploads: UploadHttp,
    settings: Arc<WicksonSettings>,
    limiter: Arc<Limiter>,
}

/// The routes, to `merge` into an application's router or to `nest` below a path. They have no fallback of their own:
/// [`not_found`] can be the application's.
///
/// ```
/// # use std::sync::Arc;
/// # use upload_core::{Destinations, Policy};
/// # use upload_engine::Engine;
/// # use upload_http_axum::{HttpSettings, TokioClock, UploadHttp, auth::ApiKeys};
/// # use upload_storage::memory::{MemoryBlobs, MemoryRecords};
/// use upload_http_axum::dialect::wickson::{self, WicksonSettings};
///
/// # let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
/// # let sniffer = Arc::new(upload_media::ContentSniffer);
/// let engine = Engine::builder(blobs, records, Arc::new(TokioClock::new()))
///     .destinations(Destinations::new().with("wickson", wickson::policy()))
///     .sniffer(sniffer)
///     .build();
/// let uploads = UploadHttp::new(engine, Arc::new(ApiKeys::new()), HttpSettings::default());
/// let app: axum::Router = wickson::router(&uploads, &WicksonSettings::default()).fallback(wickson::not_found);
/// ```
pub fn router<S: Clone + Send + Sync + 'static>(
    uploads: &UploadHttp,
    settings: &WicksonSettings,
) -> Router<S> {
    let app = App {
        uploads: uploads.clone(),
        settings: Arc::new(settings.clone()),
        limiter: Arc::new(Limiter::new(settings.rate_limit)),
    };
    let guarding = uploads.clone();
    let guarded = Router::new()
        .route(wire::MEDIA, post(upload))
        .method_not_allowed_fallback(wrong_method)
        .layer(map_request(move |request: Request| std::future::ready(guarding.guard(request))));
    cors::layer(guarded, &uploads.settings().cors, wire::CORS).with_state(app)
}

/// The answer for a path that nobody serves, in this dialect's form.
pub async fn not_found() -> Response {
    render::fault(render::NO_PATH, "uploads go to POST /v1/media", &render::request_id(&OsIds::default()))
}

async fn wrong_method() -> Response {
    render::fault(render::NO_METHOD, "uploads go to POST /v1/media", &render::request_id(&OsIds::default()))
}

/// `POST /v1/media`: a whole upload, in a task that outlives its connection.
async fn upload(State(app): State<App>, request: Request) -> Response {
    let request_id = render::request_id(&OsIds::default());
    let span = tracing::info_span!("wickson", request_id);
    let (parts, body) = request.into_parts();
    let (task, id) = (app.clone(), request_id.clone());
    let work = async move { task.take(id, &parts, body).await };
    let ended = app.uploads.tasks().run(work.instrument(span.clone())).await;
    match ended.unwrap_or_else(|error| Err(error.into())) {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(failure) => {
            if let Failure::Upload(error) = &failure {
                span.in_scope(|| log::failed(error));
            }
            render::failure(&failure, &request_id, app.uploads.settings().retry_after)
        }
    }
}

impl App {
    async fn take(&self, request_id: String, parts: &Parts, body: Body) -> Result<Answer, Failure> {
        let who = self.authenticate(&parts.headers).await?;
        who.need(Role::Upload)?;
        self.limiter.check(&who).map_err(Failure::Limited)?;
        parse::is_form(&parts.headers)?;
        let vectors = parse::query(parts.uri.query())?;
        let spent = self.affordable(&who).await?;

        let engine = self.uploads.engine();
        let policy = &engine.destinations().get(&self.settings.destination)?.policy;
        let most = Limits::single(policy);
        let bytes = most.max_length.saturating_add(self.uploads.settings().form_overhead);
        let limit = Limit { bytes, exceeded: render::request_too_large };
        let mut form = FileForm::new(&parts.headers, body, wire::FORM, limit)?;
        let no_file = || Failure::MissingFile(format!("the form has no part {}", wire::FILE));
        let file = form.advance().await?.ok_or_else(no_file)?;
        let file_name = parse::file_name(&file)?;
        // What came before the file is refused before the file is taken.
        parse::wishes(form.fields(), vectors)?;

        let received =
            engine.receive(limits::with(most, Algorithm::Sha256).of(&who.tenant), &mut form.file()).await;
        let received = received.map_err(|error| render::file_too_large(error, form.likely_file_length()))?;
        let started = engine.clock().now();
        let rest = async {
            while form.advance().await?.is_some() {}
            let wishes = parse::wishes(form.fields(), vectors)?;
            let sha256 = received.digests().get(Algorithm::Sha256);
            let sha256 = sha256.ok_or_else(|| Error::internal("a file was received without its digest"))?;
            let family = parse::family(received.content_type());
            let kept = parse::kept(&who.tenant, &wishes.collection, family, sha256);
            Ok::<_, Error>((wishes, kept))
        };
        let (wishes, kept) = match rest.await {
            Ok(known) => known,
            Err(error) => {
                engine.discard(received).await;
                return Err(error.into());
            }
        };
        let begin = parse::begin(&self.settings, &wishes, file_name, &kept);
        let settled = engine.settle(&who, received, begin).await;
        let outcome = settled.map_err(|error| render::duplicate(error, &kept))?;
        let spent = self.spent(&who, spent.saturating_add(Charge::sum(&outcome.charges))).await;
        Ok(render::completed(Completed {
            tenant: &who.tenant,
            outcome: &outcome,
            kept,
            wishes: &wishes,
            request_id,
            started,
            ended: engine.clock().now(),
            left: render::left(self.settings.balance, spent),
        }))
    }

    async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, AuthError> {
        self.uploads.authenticate(credential(headers, wire::KEY)).await
    }

    /// What the tenant has spent, if its balance is enough for one more upload.
    async fn affordable(&self, who: &Principal) -> Result<u64, Error> {
        let spent = self.uploads.engine().spent(who).await?;
        let left = render::left(self.settings.balance, spent);
        let cost = Cents(Charge::sum(&self.settings.charges()).into());
        if left < cost { Err(render::short(left, cost)) } else { Ok(spent) }
    }

    /// What the tenant has spent by now: what is known of it at least. An upload that is complete does not fail any more.
    async fn spent(&self, who: &Principal, known: u64) -> u64 {
        match self.uploads.engine().spent(who).await {
            Ok(spent) => spent.max(known),
            Err(error) => {
                log::failed(&error);
                known
            }
        }
    }
}
