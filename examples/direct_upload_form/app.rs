//! The application: its form, what it does with the form, and uploads beside it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::{get, post};
use http::{StatusCode, header};
use upload_core::ids::random_text;
use upload_core::ports::Ids as _;
use upload_core::{
    Access, Ask, Destinations, Error, Grant, Outcome, Policy, Principal, Role, Roles, TenantName,
};
use upload_engine::{Engine, OsIds, Secrets};
use upload_http_axum::auth::ApiKeys;
use upload_http_axum::dialect::direct_upload::{self, DirectUploadSettings};
use upload_http_axum::names::clean_file_name;
use upload_http_axum::{HttpSettings, TokioClock, UploadHttp, store};
use upload_media::ContentSniffer;
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

/// For how long a link to a file can be followed.
const LINK: Duration = Duration::from_secs(300);

/// The application.
#[derive(Clone, Debug)]
pub(crate) struct App(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    uploads: UploadHttp,
    /// In whose name the application reads what was uploaded.
    reader: Principal,
    page: String,
    client: String,
}

impl App {
    /// A form on `form_url` whose files go to `api_url` with this key; `client` is the library's code.
    pub(crate) fn new(
        form_url: &str,
        api_url: &str,
        key: Option<String>,
        client: String,
    ) -> Result<Self, Error> {
        let ids = OsIds::default();
        let mut secret = [0; 32];
        ids.fill(&mut secret);
        let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
        let engine = Engine::builder(blobs, records, Arc::new(TokioClock::new()))
            .destinations(Destinations::new().with("direct", Policy::new(1 << 30)))
            .sniffer(Arc::new(ContentSniffer))
            .secrets(Secrets::new(&secret)?)
            .build();

        // A real application gives each of its users a key of their own; whoever has the page has this one.
        let key = key.unwrap_or_else(|| random_text(&ids, 32));
        let tenant = TenantName::new("form")?;
        let keys = ApiKeys::new().with(&key, tenant.clone(), Roles::new([Role::Upload]))?;
        let mut settings = HttpSettings::default();
        settings.cors.origins = vec![form_url.to_owned()];
        let uploads = UploadHttp::new(engine, Arc::new(keys), settings);
        uploads.set_public_url(api_url);

        let page = include_str!("page.html").replace("{{api}}", api_url).replace("{{key}}", &escaped(&key));
        let reader = Principal::new(tenant, "application", Roles::new([Role::Read]));
        Ok(Self(Arc::new(Parts { uploads, reader, page, client })))
    }

    pub(crate) fn uploads(&self) -> &UploadHttp {
        &self.0.uploads
    }

    /// Where uploads go, and are read.
    pub(crate) fn api(&self) -> Router {
        let mut settings = DirectUploadSettings::default();
        settings.service_name = "memory".to_owned();
        direct_upload::router(&self.0.uploads, &settings).merge(store::router(&self.0.uploads))
    }

    /// The form, and where it is sent.
    pub(crate) fn form(&self) -> Router {
        let script = [(header::CONTENT_TYPE, "text/javascript")];
        Router::new()
            .route("/", get(async |State(app): State<Self>| Html(app.0.page.clone())))
            .route(
                "/activestorage.js",
                get(async move |State(app): State<Self>| (script, app.0.client.clone())),
            )
            .route("/files", post(async |State(app): State<Self>, form: String| app.sent(&form).await))
            .with_state(self.clone())
    }

    /// The form comes without files: of each it has the signed id, under the name of the field.
    async fn sent(&self, form: &str) -> (StatusCode, Html<String>) {
        let signed_ids = form.split('&').filter_map(|field| field.strip_prefix("files="));
        let mut items = String::new();
        // Nobody but the server can make such an id, yet anybody may send any text.
        for signed_id in signed_ids.filter(|text| !text.is_empty()) {
            match self.attached(signed_id).await {
                Ok(item) => items.push_str(&item),
                Err(error) => return (StatusCode::UNPROCESSABLE_ENTITY, html(&escaped(&error.to_string()))),
            }
        }
        (StatusCode::OK, html(&format!("<ul>{items}</ul><a href=\"/\">More</a>")))
    }

    /// Makes a file the application's own, and links to it.
    async fn attached(&self, signed_id: &str) -> Result<String, Error> {
        let outcome = self.0.uploads.engine().attach(&self.0.reader.tenant, signed_id).await?;
        let name = outcome.file_name.clone().unwrap_or_default();
        let (link, name, length) = (self.link(&outcome, &name).await?, escaped(&name), outcome.length);
        Ok(format!("<li><a href=\"{}\">{name}</a> ({length} bytes)</li>", escaped(&link)))
    }

    async fn link(&self, outcome: &Outcome, name: &str) -> Result<String, Error> {
        let Parts { uploads, reader, .. } = &*self.0;
        match uploads.engine().grant(reader, &outcome.id, Ask::new(Access::Read, LINK)).await? {
            Grant::Sealed(token) => {
                Ok(format!("{}/store/{token}/{}", uploads.public_url()?, clean_file_name(name)))
            }
            Grant::Signed(signed) => Ok(signed.url),
            _ => Err(Error::internal("a grant of an unknown form")),
        }
    }
}

fn html(body: &str) -> Html<String> {
    Html(format!("<!doctype html>\n<meta charset=\"utf-8\">\n<title>Sent</title>\n{body}\n"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
