//! A server with the Wickson dialect and small processors that find, refuse or fail as a file's name says.
//!
//! | a file named | is |
//! |---|---|
//! | `unreadable…` | told to be damaged |
//! | `failing…` | not processed, for reasons that are not its own |
//! | `endless…` | never done |
//! | `plain…` | processed without anything being found |
//!
//! A test file has `mod support;` and `#[path = "support/wickson.rs"] mod wickson;` beside it.
#![allow(dead_code)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use upload_core::ports::{
    BlobStore, Clock, Events, Listed, ProcessError, Processing, Processor, StoredBytes,
};
use upload_core::{Destinations, Hour, Outcome, Policy, Principal, Role, Roles, TenantName, UploadId};
use upload_engine::{Engine, Settings};
use upload_http_axum::auth::ApiKeys;
use upload_http_axum::dialect::wickson::{self, WicksonSettings};
use upload_http_axum::{HttpSettings, UploadHttp};
use upload_media::ContentSniffer;
use upload_storage::memory::{MemoryBlobs, MemoryRecords};
use upload_storage::{Faulty, Plan};

use super::support::{Answer, Part, Request, TestClock, form, raw};

pub const PATH: &str = "/v1/media";
/// A key of the tenant that all tests use, another one of it, and one of another tenant.
pub const KEY: &str = "key-of-acme";
pub const COLLEAGUE: &str = "key-of-a-colleague";
pub const STRANGER: &str = "key-of-a-stranger";
/// A key that may only read.
pub const READER: &str = "key-that-reads";

/// What the tests change before the server starts.
pub struct Numbers {
    pub engine: Settings,
    pub http: HttpSettings,
    pub dialect: WicksonSettings,
    pub policy: Policy,
}

/// A running server.
pub struct Wickson {
    pub address: SocketAddr,
    pub uploads: UploadHttp,
    pub router: Router,
    pub clock: Arc<TestClock>,
    pub blobs: MemoryBlobs,
    pub blob_faults: Faulty<MemoryBlobs>,
    pub record_faults: Faulty<MemoryRecords>,
    /// The uploads that were completed, in their order.
    pub completed: Completed,
}

/// Remembers what was completed.
#[derive(Clone, Debug, Default)]
pub struct Completed(Arc<Mutex<Vec<UploadId>>>);

impl Completed {
    pub fn ids(&self) -> Vec<UploadId> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Events for Completed {
    async fn completed(&self, outcome: &Outcome) {
        self.0.lock().unwrap().push(outcome.id.clone());
    }
}

impl Wickson {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Numbers)) -> Self {
        let mut numbers = Numbers {
            engine: Settings::default(),
            http: HttpSettings::default(),
            dialect: WicksonSettings::default(),
            policy: wickson::policy(),
        };
        change(&mut numbers);
        let (blobs, clock, completed) = (MemoryBlobs::new(), TestClock::new(), Completed::default());
        let blob_faults = Faulty::new(Arc::new(blobs.clone()), Plan::none());
        let record_faults = Faulty::new(Arc::new(MemoryRecords::new()), Plan::none());
        let engine = Engine::builder(
            Arc::new(blob_faults.clone()),
            Arc::new(record_faults.clone()),
            Arc::clone(&clock) as Arc<dyn Clock>,
        )
        .destinations(Destinations::new().with("wickson", numbers.policy))
        .settings(numbers.engine)
        .sniffer(Arc::new(ContentSniffer))
        .events(Arc::new(completed.clone()));
        let engine = ["file_details", "content_summary", "vectors"]
            .into_iter()
            .fold(engine, |engine, name| engine.processor(Arc::new(Finder(name))))
            .build();
        let uploads = UploadHttp::new(engine, Arc::new(keys()), numbers.http);
        let router = wickson::router(&uploads, &numbers.dialect).fallback(wickson::not_found);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = router.clone();
        tokio::spawn(async move { axum::serve(listener, serving).await.unwrap() });
        Self { address, uploads, router, clock, blobs, blob_faults, record_faults, completed }
    }

    pub async fn send(&self, request: &Request) -> Answer {
        raw(self.address, &request.bytes()).await
    }

    /// Uploads with the first key.
    pub async fn upload(&self, name: &str, content: &[u8], fields: &[(&str, &str)]) -> Answer {
        self.send(&upload(name, content, fields)).await
    }

    /// Uploads, and gives the answer's `data`.
    pub async fn uploaded(&self, name: &str, content: &[u8], fields: &[(&str, &str)]) -> Value {
        let answer = self.upload(name, content, fields).await;
        assert_eq!(answer.status, 200, "{:?}", String::from_utf8_lossy(&answer.body));
        answer.json()["data"].clone()
    }

    /// What the first tenant has spent, in cents.
    pub async fn spent(&self) -> u64 {
        self.uploads.engine().spent(&principal("acme")).await.unwrap()
    }

    /// All that lies in the blob store after all requests have ended and one sweep; the server takes no more of them then.
    pub async fn stored(&self) -> Vec<Listed> {
        self.uploads.drain(Duration::from_secs(60)).await.unwrap();
        self.uploads.engine().sweep().await;
        self.blobs.list(Hour::new(u64::from(u32::MAX)), None, 1000).await.unwrap()
    }
}

pub fn principal(tenant: &str) -> Principal {
    Principal::new(TenantName::new(tenant).unwrap(), "the-test", Roles::default())
}

fn keys() -> ApiKeys {
    let tenant = |name: &str| TenantName::new(name).unwrap();
    let keys = ApiKeys::new().with(KEY, tenant("acme"), Roles::default()).unwrap();
    let keys = keys.with(COLLEAGUE, tenant("acme"), Roles::new([Role::Upload])).unwrap();
    let keys = keys.with(READER, tenant("acme"), Roles::new([Role::Read])).unwrap();
    keys.with(STRANGER, tenant("strange"), Roles::default()).unwrap()
}

/// A request with a key and nothing else.
pub fn keyed(method: &str, path: &str) -> Request {
    Request::new(method, path).without("x-pico-api-org").header("X-Api-Key", KEY)
}

/// A request with these parts.
pub fn parts(path: &str, parts: &[Part<'_>]) -> Request {
    keyed("POST", path).body("multipart/form-data; boundary=cut-here", form("cut-here", parts))
}

/// A form with these fields, then the file.
pub fn upload(name: &str, content: &[u8], fields: &[(&str, &str)]) -> Request {
    let fields = fields.iter().map(|(name, value)| Part::Field(name, value));
    parts(PATH, &fields.chain([Part::File(name, content)]).collect::<Vec<_>>())
}

/// What is recognised as a PDF, other bytes for each seed.
pub fn pdf(seed: u64) -> Vec<u8> {
    format!("%PDF-1.7\n% number {seed}\n%%EOF\n").into_bytes()
}

/// One of the files of `upload-media`'s tests.
pub fn media(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../upload-media/tests/media");
    let found = ["ok", "hostile"].into_iter().find_map(|of| std::fs::read(folder.join(of).join(name)).ok());
    found.unwrap_or_else(|| panic!("there is no file {name}"))
}

/// That an answer is this error in the dialect's form; what it says specifically.
pub fn error(answer: &Answer, status: u16, code: &str) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, status, "{text}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let mut json = answer.json();
    let details = &mut json["error"]["details"];
    let specific = details["specific"].as_str().unwrap().to_owned();
    assert!(details["request_id"].as_str().unwrap().starts_with("req_"), "{text}");
    details["request_id"] = Value::Null;
    let message = json["message"].as_str().unwrap().to_owned();
    let expected = json!({"success": false, "message": message, "error": {
        "code": code, "details": {"specific": specific, "request_id": null},
    }});
    assert_eq!(json, expected);
    assert!(!message.is_empty() && !specific.is_empty() && specific.len() < 600, "{text}");
    specific
}

/// A processor of this name.
#[derive(Debug)]
struct Finder(&'static str);

#[async_trait]
impl Processor for Finder {
    fn name(&self) -> &str {
        self.0
    }

    fn wants(&self, subject: &Processing<'_>) -> bool {
        self.0 == "file_details" || subject.content_type == Some("application/pdf")
    }

    async fn process(
        &self,
        subject: &Processing<'_>,
        bytes: &dyn StoredBytes,
    ) -> Result<Value, ProcessError> {
        let name = subject.file_name.unwrap_or_default();
        let named = |prefix: &str| name.starts_with(prefix);
        if named("unreadable") {
            return Err(ProcessError::Unreadable("the pages of the PDF go round in circles".to_owned()));
        }
        if named("failing") {
            return Err(ProcessError::Failed("disk sda on host 7".to_owned()));
        }
        if named("endless") {
            std::future::pending::<()>().await;
        }
        let first = bytes.read(0..bytes.length().min(4)).await;
        first.map_err(|e| ProcessError::Failed(e.to_string()))?;
        Ok(match (self.0, subject.content_type) {
            _ if named("plain") => json!({}),
            ("content_summary", _) => json!({
                "summary": "What it is about. ".repeat(20),
                "topics": ["Apple Fertilization"],
                "keywords": ["apples"],
            }),
            ("vectors", _) => json!({"combined": [0.125, -0.5]}),
            (_, Some("application/pdf")) => json!({"page_count": 23, "word_count": 1234}),
            (_, Some("image/png")) => json!({"dimensions": "64x48", "color_mode": "RGBA"}),
            (_, Some("model/obj")) => {
                json!({"vertex_count": 8, "material_count": 1, "dimensions": [1.0, 2.0, 3.5]})
            }
            _ => json!({"warnings": ["nobody is told"]}),
        })
    }
}
