//! A server with secrets, roles and a second tenant, for dialects whose clients send bytes by signed requests.
//!
//! | function | what it is for |
//! |---|---|
//! | [`Signed::start`], [`Signed::with`], [`Signed::over`] | a server: placeos and the store endpoints; with other settings; over stores and routers of the caller's |
//! | [`Signed::send`], [`Signed::api`], [`Signed::signed`] | a request as it is; one of a dialect's with a key; a signature's, exactly |
//! | [`TestClock`] | time that only tests move |
//! | [`api`], [`bare`], [`md5`] | a request with a key; one without anything; an MD5 |
//! | `OWNER` … `STRANGER_ADMIN` | keys of one tenant by what they may do, and of another tenant |
//!
//! A test file has `mod support;` and `#[path = "support/signed.rs"] mod signed;` beside it.
#![allow(dead_code)]

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use upload_checksum::{Algorithm, Digest, Hasher};
use upload_core::ports::{BlobStore, Clock, RecordStore};
use upload_core::{Destinations, Policy, Role, Roles, TenantName, TypeRule};
use upload_engine::{Engine, Secrets, Settings};
use upload_http_axum::auth::ApiKeys;
use upload_http_axum::dialect::placeos::{self, PlaceosSettings};
use upload_http_axum::{HttpSettings, UploadHttp, store};
use upload_media::ContentSniffer;
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

use super::support::{Answer, Request};

pub use super::support::TestClock;

/// Two keys of a tenant that upload and read, and those of it with other roles.
pub const OWNER: &str = "key-of-the-owner";
pub const COLLEAGUE: &str = "key-of-a-colleague";
pub const READER: &str = "key-that-reads";
pub const WRITER: &str = "key-that-uploads";
pub const SUPPORT: &str = "key-of-support";
pub const ADMIN: &str = "key-of-the-admin";
/// Keys of another tenant.
pub const STRANGER: &str = "key-of-a-stranger";
pub const STRANGER_ADMIN: &str = "key-of-a-strange-admin";

/// A running server.
pub struct Signed {
    pub address: SocketAddr,
    pub uploads: UploadHttp,
    pub clock: Arc<TestClock>,
}

impl Signed {
    pub async fn start() -> Self {
        Self::with(|_, _, _| {}).await
    }

    /// With other numbers of the engine, the HTTP layer and the dialect.
    pub async fn with(change: impl FnOnce(&mut Settings, &mut HttpSettings, &mut PlaceosSettings)) -> Self {
        let (mut engine, mut http, mut dialect) =
            (Settings::default(), HttpSettings::default(), PlaceosSettings::default());
        change(&mut engine, &mut http, &mut dialect);
        let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
        Self::over(blobs, records, engine, http, |uploads| {
            placeos::router(uploads, &dialect).merge(store::router(uploads)).fallback(placeos::not_found)
        })
        .await
    }

    pub async fn over(
        blobs: Arc<dyn BlobStore>,
        records: Arc<dyn RecordStore>,
        engine: Settings,
        http: HttpSettings,
        routes: impl FnOnce(&UploadHttp) -> Router,
    ) -> Self {
        let clock = TestClock::new();
        let engine = Engine::builder(blobs, records, Arc::clone(&clock) as Arc<dyn Clock>)
            .destinations(destinations())
            .settings(engine)
            .sniffer(Arc::new(ContentSniffer))
            .secrets(Secrets::new(b"a secret of the tests only").unwrap())
            .build();
        let uploads = UploadHttp::new(engine, Arc::new(keys()), http);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        uploads.set_bound_url(&format!("http://{address}/"));
        let router = routes(&uploads);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, uploads, clock }
    }

    /// Sends a request as it is, and reads its answer.
    pub async fn send(&self, request: &Request) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let bytes = request.bytes();
        let head_only = request.method == "HEAD";
        // A server may answer, and close, before it has read all.
        let (_, answer) = tokio::join!(
            tokio::io::AsyncWriteExt::write_all(&mut writer, &bytes),
            Answer::try_read(&mut reader, head_only)
        );
        answer.expect("a whole answer")
    }

    /// Sends these bytes, and reads the answer.
    pub async fn raw_send(&self, request: &[u8]) -> Answer {
        super::support::raw(self.address, request).await
    }

    /// A dialect's request with this key, and with this JSON if there is any.
    pub async fn api(&self, key: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.send(&api(key, method, path, body)).await
    }

    /// Sends the request of a `{verb, url, headers}` exactly as it is, with this body.
    pub async fn signed(&self, signature: &Value, body: &[u8]) -> Answer {
        self.send(&self.request_of(signature, body)).await
    }

    /// The request of a `{verb, url, headers}`.
    pub fn request_of(&self, signature: &Value, body: &[u8]) -> Request {
        let verb = signature["verb"].as_str().expect("a verb");
        let mut request = bare(verb, &self.path_of(signature["url"].as_str().expect("a URL")));
        for (name, value) in signature["headers"].as_object().expect("headers") {
            request = request.header(name, value.as_str().expect("a text"));
        }
        request.body = body.to_vec();
        request
    }

    /// The path of a URL of this server's.
    pub fn path_of(&self, url: &str) -> String {
        let base = format!("http://{}", self.address);
        url.strip_prefix(&base).unwrap_or_else(|| panic!("{url} is not below {base}")).to_owned()
    }
}

/// A dialect's request with this key, and with this JSON if there is any.
pub fn api(key: &str, method: &str, path: &str, body: Option<&Value>) -> Request {
    let request = bare(method, path).header("X-API-Key", key).header("Content-Type", "application/json");
    match body {
        Some(body) => request.body("application/json", body.to_string()),
        None => request,
    }
}

/// A request that carries nothing.
pub fn bare(method: &str, path: &str) -> Request {
    Request::new(method, path).without("x-pico-api-org")
}

fn destinations() -> Destinations {
    Destinations::new()
        .with("placeos", Policy::new(1 << 30))
        .with("direct", Policy::new(1 << 30))
        .with("other", Policy::new(1 << 30))
        .with("tus", Policy::new(100 << 20))
        .with("images", Policy::new(1 << 20).accept(TypeRule::only(["image/jpeg"])))
        .with("pixlab", upload_http_axum::dialect::pixlab::policy())
}

fn keys() -> ApiKeys {
    let of =
        |keys: ApiKeys, key, tenant, roles| keys.with(key, TenantName::new(tenant).unwrap(), roles).unwrap();
    let mut keys = ApiKeys::new();
    for (key, tenant, roles) in [
        (OWNER, "acme", Roles::default()),
        (COLLEAGUE, "acme", Roles::default()),
        (READER, "acme", Roles::new([Role::Read])),
        (WRITER, "acme", Roles::new([Role::Upload])),
        (SUPPORT, "acme", Roles::new([Role::Support])),
        (ADMIN, "acme", Roles::new([Role::Admin])),
        (STRANGER, "strange", Roles::default()),
        (STRANGER_ADMIN, "strange", Roles::new([Role::Admin])),
    ] {
        keys = of(keys, key, tenant, roles);
    }
    keys
}

/// The MD5 of these bytes.
pub fn md5(content: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Md5);
    hasher.update(content);
    hasher.finish()
}
