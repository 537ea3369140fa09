//! The dialect of the PlaceOS uploads API: from the client to the store by signed requests, resumable.
//!
//! | request, below `/api/engine/v2/uploads` | what it does | answer |
//! |---|---|---|
//! | `GET /new` | says where a file would go | `{"residence"}` |
//! | `POST /` | begins an upload, or finds it again | `{"type","signature","upload_id","residence"}` |
//! | `PATCH /{id}`, `GET /{id}/edit` | takes what a client tells of its progress; signs its next step | `{"type","signature","upload_id","body"}` |
//! | `PUT /{id}` | finishes, if the store holds all | `{"ok":true}` |
//! | `DELETE /{id}` | cancels or removes | 202 |
//! | `GET /` | lists | rows |
//! | `GET /{id}/url`, `/{id}/download` | a signed link; the bytes | 303, 200, 206, 304, 412, 416 |
//!
//! No byte comes here: a signature says where it goes, which is the store where that signs requests itself and
//! [our endpoints](crate::store) where it does not. Three generations of clients are known, and each is answered as it needs it:
//! the oldest begins with `/new`, signs its end by `/{id}/edit` and keeps parts in flight in `part_list`; the newest begins
//! with `POST`, signs all by `PATCH` and keeps parts that are stored there. What they tell is kept and given back as it
//! came, and proves nothing.
//!
//! ```text
//!   POST / ──> put ───────────────────────────────────────────────────────────────> PUT /{id}     (up to 5,000,000 bytes)
//!   POST / ──> begin ──> PATCH (resumable_id) ──> part ──> PATCH ──> part ──> PATCH ──> commit ──> PUT /{id}
//! ```

mod handle;
mod parse;
mod render;
mod settings;
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
use axum::routing::{get, patch};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use http_body::Body as _;
use serde_json::{Map, Value};
use upload_core::ports::Session;
use upload_core::{Access, Ask, Error, Inspection, Principal, Stage};
use upload_engine::{Listing, Reading};

use self::parse::Query;
use self::render::Failure;
use self::wire::{BASE, Created, Done, Kept, NAME, Progress};
use crate::answer::{empty, json};
use crate::auth::AuthError;
use crate::body::{Frames, Limit};
use crate::state::UploadHttp;
use crate::{cors, log, request, serve};

pub use self::settings::PlaceosSettings;

/// The routes, to `merge` into an application's router or to `nest` below a path. Beside them the application merges
/// [`store::router`](crate::store::router) once, in the same place, sets its
/// [public URL](UploadHttp::set_public_url), and gives the engine secrets.
///
/// ```
/// # use std::sync::Arc;
/// # use upload_core::{Destinations, Policy};
/// # use upload_engine::{Engine, Secrets};
/// # use upload_http_axum::{HttpSettings, TokioClock, UploadHttp, auth::ApiKeys, store};
/// # use upload_storage::memory::{MemoryBlobs, MemoryRecords};
/// use upload_http_axum::dialect::placeos::{self, PlaceosSettings};
///
/// # let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
/// # let engine = Engine::builder(blobs, records, Arc::new(TokioClock::new()))
/// #     .destinations(Destinations::new().with("placeos", Policy::new(8 << 30)))
/// #     .secrets(Secrets::new(b"thirty-two random bytes, or more")?)
/// #     .build();
/// let uploads = UploadHttp::new(engine, Arc::new(ApiKeys::new()), HttpSettings::default());
/// uploads.set_public_url("https://files.example");
/// let app: axum::Router = axum::Router::new()
///     .merge(placeos::router(&uploads, &PlaceosSettings::default()))
///     .merge(store::router(&uploads));
/// # Ok::<(), upload_core::Error>(())
/// ```
pub fn router<S: Clone + Send + Sync + 'static>(
    uploads: &UploadHttp,
    settings: &PlaceosSettings,
) -> Router<S> {
    let api = Api { uploads: uploads.clone(), settings: Arc::new(settings.clone()) };
    let routes = Router::new()
        .route(BASE, get(index).post(create))
        .route(&format!("{BASE}/"), get(index).post(create))
        .route(&format!("{BASE}/new"), get(residence))
        .route(&format!("{BASE}/{{id}}"), patch(update).put(finished).delete(destroy))
        .route(&format!("{BASE}/{{id}}/edit"), get(edit))
        .route(&format!("{BASE}/{{id}}/url"), get(link))
        .route(&format!("{BASE}/{{id}}/download"), get(download));
    let guarding = uploads.clone();
    let guarded = routes
        .method_not_allowed_fallback(wrong_method)
        .layer(map_request(move |request: Request| std::future::ready(guarding.guard(request))));
    cors::layer(guarded, &uploads.settings().cors, wire::CORS).with_state(api)
}

/// The answer for a path that nobody serves, in this dialect's form.
pub async fn not_found() -> Response {
    render::route(StatusCode::NOT_FOUND, "there is nothing at this path")
}

async fn wrong_method() -> Response {
    render::route(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method")
}

/// What the routes share.
#[derive(Clone)]
struct Api {
    uploads: UploadHttp,
    settings: Arc<PlaceosSettings>,
}

/// A request of somebody known.
struct Call {
    who: Principal,
    /// The upload's id as the path has it; empty where it has none.
    id: String,
    query: Query,
    /// Where the router is nested.
    nested: String,
    /// The path that the client asked for.
    path: String,
    parts: Parts,
}

type Segment = Result<Path<String>, PathRejection>;

/// `GET /`: the uploads, newest first.
async fn index(State(api): State<Api>, original: OriginalUri, request: Request) -> Response {
    api.run(String::new(), original, request, |api, call, _| async move {
        let listing = parse::list(&call.query)?;
        let wanted = |record: &_| listing.wants(record);
        let mut page = Listing::new(NAME, listing.limit);
        (page.offset, page.wanted) = (listing.offset, &wanted);
        let page = api.uploads.engine().list(&call.who, page).await?;
        let mut rows = Vec::with_capacity(page.uploads.len());
        for seen in &page.uploads {
            let Some(kept) = render::kept(&seen.extras) else { continue };
            let known = if kept.resumable {
                api.known_if_any(&call.who, &seen.id).await?
            } else {
                Progress::default()
            };
            rows.push(render::row(seen, kept, known, api.settings.part_data_as_array));
        }
        Ok(render::page(&rows, page.total, &listing, &call.path))
    })
    .await
}

/// `GET /new`: where a file would go.
async fn residence(State(api): State<Api>, original: OriginalUri, request: Request) -> Response {
    api.run(String::new(), original, request, |api, call, _| async move {
        parse::asked(&call.query, &api.settings)?;
        Ok(json(StatusCode::OK, &wire::Residence { residence: &api.settings.residence }))
    })
    .await
}

/// `POST /`: a new upload, or one that goes on.
async fn create(State(api): State<Api>, original: OriginalUri, request: Request) -> Response {
    api.run(String::new(), original, request, |api, call, body| async move {
        let object = api.object(&call, body, api.uploads.settings().max_json).await?;
        let new = parse::create(&object, &api.settings)?;
        let begin = new.begin(&api.settings, &call.who.id);
        let seen = api.uploads.engine().begin(&call.who, begin).await?;
        let known =
            if new.kept.resumable { api.known(&call.who, &seen.id).await? } else { Progress::default() };
        let parts = known.resumable_id.is_some() && known.has_parts();
        let (kind, access) = match (new.kept.resumable, parts) {
            (_, true) => ("parts", Access::ListParts),
            (true, false) => ("chunked_upload", Access::BeginParts),
            (false, false) => ("direct_upload", Access::Put),
        };
        let mut ask = api.ask(access, seen.declared_type.as_deref());
        ask.digest = new.digest;
        ask.lifetime = ask.lifetime.max(Duration::from_secs(new.minutes * 60));
        ask.session = known.resumable_id.as_deref().map(Session::new);
        let (signature, _) = api.sign(&call, &seen.id, ask).await?;
        let part_data = render::part_data(&known, api.settings.part_data_as_array);
        let answer = Created {
            kind,
            signature,
            part_list: parts.then(|| known.part_list.unwrap_or_default()),
            part_data: parts.then_some(part_data),
            upload_id: render::id(&seen.id),
            residence: &api.settings.residence,
        };
        Ok(json(StatusCode::OK, &answer))
    })
    .await
}

/// `PATCH /{id}`: what the client tells, and its next step.
async fn update(State(api): State<Api>, original: OriginalUri, id: Segment, request: Request) -> Response {
    api.run(segment(id), original, request, |api, call, body| async move {
        let (seen, kept) = api.find(&call.who, &call.id).await?;
        let object = api.object(&call, body, api.uploads.settings().max_manifest).await?;
        if !kept.resumable {
            return Err(Failure::direct());
        }
        let next = parse::patch(&call.query, &object)?;
        api.keep(&call.who, &seen.id, parse::progress(&object)?).await?;
        api.step(&call, &seen, next).await
    })
    .await
}

/// `GET /{id}/edit`: a part's signature, or that of the end.
async fn edit(State(api): State<Api>, original: OriginalUri, id: Segment, request: Request) -> Response {
    api.run(segment(id), original, request, |api, call, _| async move {
        let (seen, kept) = api.find(&call.who, &call.id).await?;
        if !kept.resumable {
            return Err(Failure::direct());
        }
        api.step(&call, &seen, parse::edit(&call.query)?).await
    })
    .await
}

/// `PUT /{id}`: it is complete, or only goes on.
async fn finished(State(api): State<Api>, original: OriginalUri, id: Segment, request: Request) -> Response {
    api.run(segment(id), original, request, |api, call, body| async move {
        let (seen, kept) = api.find(&call.who, &call.id).await?;
        let object = api.object(&call, body, api.uploads.settings().max_manifest).await?;
        if !parse::tells_progress(&object) {
            api.uploads.engine().finish(&call.who, &seen.id).await?;
        } else if kept.resumable {
            api.keep(&call.who, &seen.id, parse::progress(&object)?).await?;
        }
        Ok(json(StatusCode::OK, &Done { ok: true }))
    })
    .await
}

/// `DELETE /{id}`.
async fn destroy(State(api): State<Api>, original: OriginalUri, id: Segment, request: Request) -> Response {
    api.run(segment(id), original, request, |api, call, _| async move {
        let (seen, _) = api.find(&call.who, &call.id).await?;
        api.uploads.engine().remove(&call.who, &seen.id).await?;
        Ok(empty(StatusCode::ACCEPTED))
    })
    .await
}

/// `GET /{id}/url`: a signed link to the bytes.
async fn link(State(api): State<Api>, original: OriginalUri, id: Segment, request: Request) -> Response {
    api.run(segment(id), original, request, |api, call, _| async move {
        let minutes = parse::link(&call.query)?;
        let (reading, kept) = api.open(&call.who, &call.id).await?;
        let outcome = reading.outcome();
        let mut ask = Ask::new(Access::Read, Duration::from_secs(minutes * 60));
        (ask.content_type, ask.file_name) = (kept.file_mime, outcome.file_name.clone());
        let (signature, _) = api.sign(&call, &outcome.id, ask).await?;
        Ok(render::see_other(&signature.url))
    })
    .await
}

/// `GET` and `HEAD /{id}/download`: the bytes.
async fn download(State(api): State<Api>, original: OriginalUri, id: Segment, request: Request) -> Response {
    let id = segment(id);
    let served = async {
        let (call, _) = api.call(id.clone(), &original, request).await?;
        let (reading, kept) = api.open(&call.who, &id).await?;
        let mut object = serve::describe(reading.outcome());
        object.content_type = object.content_type.or(kept.file_mime);
        let (method, headers) = (&call.parts.method, &call.parts.headers);
        let idle = api.uploads.settings().idle_timeout;
        Ok(serve::serve_as(api.uploads.tasks(), method, headers, reading, idle, &object).await?)
    };
    served.await.unwrap_or_else(|failure| api.failed(&failure, &id))
}

/// The id in a path; one that is not text is nobody's.
fn segment(id: Segment) -> String {
    id.map_or_else(|_| "\u{fffd}".to_owned(), |Path(id)| id)
}

impl Api {
    /// Runs the work of a request in a task that outlives its connection, and answers with what it gives.
    async fn run<W>(
        self,
        id: String,
        original: OriginalUri,
        request: Request,
        work: impl FnOnce(Self, Call, Body) -> W + Send + 'static,
    ) -> Response
    where
        W: Future<Output = Result<Response, Failure>> + Send,
    {
        let (api, of) = (self.clone(), id.clone());
        let task = async move {
            let (call, body) = api.call(of, &original, request).await?;
            work(api, call, body).await
        };
        let ended = self.uploads.tasks().run(task).await.unwrap_or_else(|error| Err(error.into()));
        ended.unwrap_or_else(|failure| self.failed(&failure, &id))
    }

    fn failed(&self, failure: &Failure, id: &str) -> Response {
        if let Failure::Upload(error) = failure {
            log::failed(error);
        }
        render::failure(failure, id, self.uploads.settings().retry_after)
    }

    /// Who sends the request, and what it asks.
    async fn call(
        &self,
        id: String,
        original: &OriginalUri,
        request: Request,
    ) -> Result<(Call, Body), Failure> {
        let (parts, body) = request.into_parts();
        let query = Query::new(parts.uri.query());
        let who = self.authenticate(&parts.headers, &query).await?;
        let nested = request::nested_at(original, &parts.uri);
        let path = original.path().to_owned();
        Ok((Call { who, id, query, nested, path, parts }, body))
    }

    /// By the header, the query, or as a bearer.
    async fn authenticate(&self, headers: &HeaderMap, query: &Query) -> Result<Principal, AuthError> {
        let named = request::credential(headers, wire::KEY).map(str::to_owned);
        let presented = named.or_else(|| query.plain(wire::QUERY_KEY));
        self.uploads.authenticate(presented.as_deref().or_else(|| request::bearer(headers))).await
    }

    /// The body as a JSON object of at most so many bytes.
    async fn object(&self, call: &Call, body: Body, most: usize) -> Result<Map<String, Value>, Failure> {
        if body.is_end_stream() {
            return Ok(Map::new());
        }
        if call.parts.headers.contains_key(header::CONTENT_TYPE) {
            let media_type = request::media_type(&call.parts.headers).unwrap_or_default();
            if media_type != "application/json" {
                return Err(Failure::MediaType(media_type));
            }
        }
        let exceeded = |got, limit| Error::too_large("the JSON body", got, limit);
        let body = Frames::new(body, Limit { bytes: most as u64, exceeded })?;
        parse::object(&body.collect(self.uploads.room()).await?)
    }

    /// An upload of this dialect's that lives, and may be acted on.
    async fn find(&self, who: &Principal, id: &str) -> Result<(Inspection, Kept), Failure> {
        let id = parse::id(id).ok_or_else(Error::not_found)?;
        let seen = self.uploads.engine().inspect(who, &id).await?;
        let kept = render::kept(&seen.extras).ok_or_else(Error::not_found)?;
        match seen.stage {
            Stage::Receiving | Stage::Finishing | Stage::Completed(_) => Ok((seen, kept)),
            _ => Err(Error::not_found().into()),
        }
    }

    /// A completed upload of this dialect's that may be read.
    async fn open(&self, who: &Principal, id: &str) -> Result<(Reading, Kept), Failure> {
        let id = parse::id(id).ok_or_else(Error::not_found)?;
        let reading = self.uploads.engine().read(Some(who), &id).await?;
        let kept = render::kept(&reading.outcome().extras).ok_or_else(Error::not_found)?;
        Ok((reading, kept))
    }
}
