//! The parts put together: stores, engine, wire format, routes of the process.

use std::error::Error;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::map_request;
use upload_engine::Engine;
use upload_http_axum::dialect::{direct_upload, picomes, pixlab, placeos, tus, wickson};
use upload_http_axum::{TokioClock, UploadHttp, store};
use upload_media::ContentSniffer;

use crate::config::Config;
use crate::findings;
use crate::keys::{self, KeyError};
use crate::ops::{self, Metrics};
use crate::page;
use crate::secrets;
use crate::stores::{self, Stores};
use crate::webhooks;

/// What is served.
pub(crate) struct Assembled {
    /// All routes.
    pub(crate) app: Router,
    /// What they share.
    pub(crate) uploads: UploadHttp,
    /// The generated key, where none is configured.
    pub(crate) generated_key: Option<String>,
    /// Whether the store signs the requests that bytes come by.
    pub(crate) signs: bool,
}

/// Opens the stores and builds everything over them.
pub(crate) async fn assemble(
    config: &mut Config,
    metrics: Option<Metrics>,
) -> Result<Assembled, Box<dyn Error>> {
    make(&config.data)?;
    let Stores { blobs, records } = stores::open(config).await?;
    let signs = blobs.signer().is_some();
    if signs {
        config.name_after_store()?;
    }
    let (config, data) = (&*config, &config.data);
    let keys = keys::keys(&config.keys, data)?;
    let engine = Engine::builder(blobs, records, Arc::new(TokioClock::new()))
        .destinations(config.destinations())
        .settings(config.engine.settings())
        .sniffer(Arc::new(ContentSniffer))
        .events(Arc::new(webhooks::events(&config.webhooks)?))
        .secrets(secrets::secrets(config.secret_file.as_deref(), data)?);
    let engine =
        findings::processors(config)?.into_iter().fold(engine, |engine, one| engine.processor(one)).build();
    let uploads = UploadHttp::new(engine, Arc::new(keys.known), config.http.clone());
    let guarding = uploads.clone();
    let guard = move |request: Request| std::future::ready(guarding.guard(request));
    let app = Router::new()
        .merge(ops::routes(uploads.clone(), metrics))
        .merge(picomes::router(&uploads))
        .merge(signed(config, &uploads))
        .merge(processed(config, &uploads))
        .merge(resumable(config, &uploads)?)
        .fallback_service(Router::new().fallback(picomes::not_found).layer(map_request(guard)));
    Ok(Assembled { app, uploads, generated_key: keys.generated, signs })
}

/// The dialects whose bytes come by signed requests, each if there is a destination for it, and where those go.
fn signed(config: &Config, uploads: &UploadHttp) -> Router {
    let mut routes = Router::new().merge(store::router(uploads));
    if config.has_placeos() {
        routes = routes.merge(placeos::router(uploads, &config.placeos));
    }
    if config.has_direct_upload() {
        routes = routes.merge(direct_upload::router(uploads, &config.direct_upload));
    }
    routes
}

/// The dialects that take a whole file in one form, each if there is a destination for it.
fn processed(config: &Config, uploads: &UploadHttp) -> Router {
    let mut routes = Router::new();
    if config.has_pixlab() {
        routes = routes.merge(pixlab::router(uploads, &config.pixlab));
    }
    if config.has_wickson() {
        routes = routes.merge(wickson::router(uploads, &config.wickson));
    }
    routes
}

/// tus 1.0 and the page that uploads by it, if there is a destination for it; for those without a key too, if that is configured.
fn resumable(config: &Config, uploads: &UploadHttp) -> Result<Router, KeyError> {
    if !config.has_tus() {
        return Ok(Router::new());
    }
    let mut settings = config.tus.clone();
    settings.anonymous = config.open_tus.then(keys::anybody).transpose()?;
    Ok(tus::router(uploads, &settings).merge(page::router(config.public_url.as_deref())))
}

/// Makes the data directory, for its owner alone, if it is not there.
fn make(data: &Path) -> Result<(), String> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|e| format!("the data directory {} cannot be made: {e}", data.display()))
}
