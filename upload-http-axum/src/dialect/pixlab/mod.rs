//! The dialect of PixLab STORE: an image or a video in one form, and a link to it.
//!
//! | request | what it does | answer |
//! |---|---|---|
//! | `POST /store`, a form with a file, maybe `key`, `comment` | a whole upload | `{"status":200,"link":"https://…","id":"…"}` |
//! | `GET`, `HEAD` of a link | the bytes, for whoever has it | 200, 206, 304, 416 |
//!
//! The API key is a field of the form, before the file or after it, or stands in the header `WWW-Authenticate` or
//! `Authorization`. A file that comes before its key is taken under a limit of its own, and is gone if the key is not good.
//! Whatever the file's part is called, there is one. Answers to uploads are JSON whose `status` repeats that of the response:
//!
//! ```text
//!  400 no file, more than one, no form, a long comment   401 no key   403 another's key   413 too large
//!  415 no image and no video, by content                 429 too often (Retry-After)      500, 503 not your fault
//! ```

mod parse;
mod render;
mod settings;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::middleware::map_request;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use http::request::Parts;
use upload_core::{Error, Principal, Role};
use upload_engine::Limits;

use self::render::Failure;
use self::wire::Stored;
use crate::answer::json;
use crate::auth::AuthError;
use crate::body::Limit;
use crate::form::FileForm;
use crate::rate::Limiter;
use crate::state::UploadHttp;
use crate::{cors, limits, log, request, serve};

pub use self::settings::{PixlabSettings, policy};

/// What the routes share.
#[derive(Clone, Debug)]
struct App {
    uploads: UploadHttp,
    settings: Arc<PixlabSettings>,
    limiter: Arc<Limiter>,
}

/// The routes, to `merge` into an application's router or to `nest` below a path. They have no fallback of their own:
/// [`not_found`] can be the application's. Links begin with the public URL that the application has set.
///
/// ```
/// # use std::sync::Arc;
/// # use upload_core::Destinations;
/// # use upload_engine::Engine;
/// # use upload_http_axum::{HttpSettings, TokioClock, UploadHttp, auth::ApiKeys};
/// # use upload_storage::memory::{MemoryBlobs, MemoryRecords};
/// use upload_http_axum::dialect::pixlab::{self, PixlabSettings};
///
/// # let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
/// # let sniffer = Arc::new(upload_media::ContentSniffer);
/// let engine = Engine::builder(blobs, records, Arc::new(TokioClock::new()))
///     .destinations(Destinations::new().with("pixlab", pixlab::policy()))
///     .sniffer(sniffer)
///     .build();
/// let uploads = UploadHttp::new(engine, Arc::new(ApiKeys::new()), HttpSettings::default());
/// uploads.set_public_url("https://media.example");
/// let app: axum::Router = pixlab::router(&uploads, &PixlabSettings::default()).fallback(pixlab::not_found);
/// ```
pub fn router<S: Clone + Send + Sync + 'static>(
    uploads: &UploadHttp,
    settings: &PixlabSettings,
) -> Router<S> {
    let app = App {
        uploads: uploads.clone(),
        settings: Arc::new(settings.clone()),
        limiter: Arc::new(Limiter::new(settings.rate_limit)),
    };
    let links = format!("{}/{{name}}", app.links().replace('{', "{{").replace('}', "}}"));
    let guarding = uploads.clone();
    let guarded = Router::new()
        .route(wire::STORE, post(upload))
        .route(&links, get(download))
        .method_not_allowed_fallback(wrong_method)
        .layer(map_request(move |request: Request| std::future::ready(guarding.guard(request))));
    cors::layer(guarded, &uploads.settings().cors, wire::CORS).with_state(app)
}

/// The answer for a path that nobody serves, in this dialect's form.
pub async fn not_found() -> Response {
    render::fault(StatusCode::NOT_FOUND, "there is nothing at this path")
}

async fn wrong_method() -> Response {
    render::fault(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method")
}

/// `POST /store`: a whole upload, in a task that outlives its connection.
async fn upload(State(app): State<App>, original: OriginalUri, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let nested = request::nested_at(&original, &parts.uri);
    let task = app.clone();
    let work = async move { task.take(&nested, &parts, body).await };
    let ended = app.uploads.tasks().run(work).await;
    match ended.unwrap_or_else(|error| Err(error.into())) {
        Ok(stored) => json(StatusCode::OK, &stored),
        Err(failure) => app.failed(&failure),
    }
}

/// `GET` and `HEAD` of a link.
async fn download(
    State(app): State<App>,
    segment: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let served = async {
        let id = parse::named(&segment.map_err(|_| Error::not_found())?)?;
        let reading = app.uploads.engine().read(None, &id).await?;
        if !render::is_ours(reading.outcome()) {
            return Err(Error::not_found().into());
        }
        let idle = app.uploads.settings().idle_timeout;
        Ok(serve::serve(app.uploads.tasks(), &parts.method, &parts.headers, reading, idle).await?)
    };
    served.await.unwrap_or_else(|failure: Failure| app.failed(&failure))
}

impl App {
    fn failed(&self, failure: &Failure) -> Response {
        if let Failure::Upload(error) = failure {
            log::failed(error);
        }
        render::failure(failure, self.uploads.settings().retry_after)
    }

    /// Where links go, below wherever the router is nested.
    fn links(&self) -> String {
        format!("/{}", self.settings.links.trim_matches('/'))
    }

    async fn take(&self, nested: &str, parts: &Parts, body: Body) -> Result<Stored, Failure> {
        let mut who = match parse::key(&parts.headers) {
            Some(key) => Some(self.admit(Some(key)).await?),
            None => None,
        };
        let base = format!("{}{nested}{}", self.uploads.public_url()?, self.links());
        let engine = self.uploads.engine();
        let mut most = Limits::single(&engine.destinations().get(&self.settings.destination)?.policy);
        let bytes = most.max_length.saturating_add(self.uploads.settings().form_overhead);
        let limit = Limit { bytes, exceeded: render::request_too_large };
        let mut form = FileForm::new(&parts.headers, body, wire::FORM, limit)?;
        let file = form.advance().await?.ok_or_else(|| Error::invalid("the form has no file"))?;
        let file_name = parse::file_name(&file)?;
        // What came before the file is refused before the file is taken.
        parse::comment(form.fields())?;
        if let (None, Some(key)) = (&who, form.fields().get(wire::KEY)) {
            who = Some(self.admit(Some(key)).await?);
        }
        let spool = self.settings.spool.min(most.max_length);
        let unknown = who.is_none();
        if unknown {
            most.max_length = spool;
        }
        most.tenant = who.as_ref().map(|who| who.tenant.clone());
        let received = engine.receive(most, &mut form.file()).await;
        let received = received.map_err(|error| {
            let error = limits::sized(error, form.likely_file_length());
            if unknown { render::spool_exceeded(error, spool) } else { error }
        })?;
        let rest = async {
            while form.advance().await?.is_some() {}
            let comment = parse::comment(form.fields())?;
            let who = match who {
                Some(who) => who,
                None => self.admit(form.fields().get(wire::KEY).map(String::as_str)).await?,
            };
            Ok::<_, Failure>((who, comment))
        };
        match rest.await {
            Ok((who, comment)) => {
                let begin = parse::begin(&self.settings, file_name, comment);
                Ok(render::stored(&engine.settle(&who, received, begin).await?, &base))
            }
            Err(failure) => {
                engine.discard(received).await;
                Err(failure)
            }
        }
    }

    /// Who has this key, if they may upload now.
    async fn admit(&self, presented: Option<&str>) -> Result<Principal, Failure> {
        let presented = presented.filter(|key| !key.is_empty());
        let who = self.uploads.authenticate(presented).await.map_err(|error: AuthError| error)?;
        who.need(Role::Upload)?;
        self.limiter.check(&who).map_err(Failure::Limited)?;
        Ok(who)
    }
}
