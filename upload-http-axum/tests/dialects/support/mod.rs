//! A server in this process with memory stores, and a client on raw sockets that can misbehave.
#![allow(dead_code)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use upload_checksum::{Algorithm, Hasher};
use upload_core::ports::{BlobStore, Clock, RecordStore};
use upload_core::{Destinations, Policy, Role, Roles, TenantName, Timestamp, TypeRule, Visibility};
use upload_engine::Engine;
use upload_http_axum::auth::ApiKeys;
use upload_http_axum::dialect::picomes;
use upload_http_axum::{HttpSettings, TokioClock, UploadHttp};
use upload_media::ContentSniffer;
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

pub const MB: usize = 1 << 20;
/// A key of the tenant that all tests use, and one of another tenant.
pub const KEY: &str = "key-of-acme";
pub const OTHER: &str = "key-of-another-tenant";
/// Keys of the first tenant with one role only.
pub const READER: &str = "key-that-reads";
pub const WRITER: &str = "key-that-uploads";

/// Time that only tests move. Waiting is done by tokio's.
#[derive(Debug)]
pub struct TestClock(AtomicU64);

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(1_700_000_123_456)))
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    pub uploads: UploadHttp,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut HttpSettings)) -> Self {
        Self::over(Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()), change, |router| router)
            .await
    }

    pub async fn over(
        blobs: Arc<dyn BlobStore>,
        records: Arc<dyn RecordStore>,
        change: impl FnOnce(&mut HttpSettings),
        place: impl FnOnce(Router) -> Router,
    ) -> Self {
        let mut settings = HttpSettings::default();
        change(&mut settings);
        let engine = Engine::builder(blobs, records, Arc::new(TokioClock::new()))
            .destinations(destinations())
            .sniffer(Arc::new(ContentSniffer))
            .build();
        let uploads = UploadHttp::new(engine, Arc::new(keys()), settings);
        let router = place(picomes::router(&uploads)).fallback(picomes::not_found);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, uploads }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends raw bytes, then reads one answer.
    pub async fn raw(&self, request: &[u8]) -> Answer {
        raw(self.address, request).await
    }

    pub async fn send(&self, request: &Request) -> Answer {
        self.raw(&request.bytes()).await
    }

    /// GET of a path with the first key.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(&Request::new("GET", path)).await
    }

    /// Begins a stream for these bytes.
    pub async fn begin(&self, destination: &str, name: &str, content: &[u8]) -> String {
        let answer = self.send(&create(destination, name, content.len() as u64, &sha(content))).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("streamId")
    }
}

/// The page's destinations, one that takes anything, and a public one.
fn destinations() -> Destinations {
    let mega = |n: u64| n << 20;
    let images = TypeRule::only(["image/jpeg", "image/png"]);
    Destinations::new()
        .with("stepImage", Policy::new(mega(8)).accept(images).prefix("/api/v1/images"))
        .with(
            "stepVideo",
            Policy::new(mega(500)).accept(TypeRule::only(["video/mp4"])).prefix("/api/v1/videos"),
        )
        .with(
            "stepVideoGif",
            Policy::new(mega(150)).accept(TypeRule::only(["image/gif"])).prefix("/api/v1/videos"),
        )
        .with("any", Policy::new(mega(100)).prefix("/files"))
        .with("public", Policy::new(mega(100)).prefix("/open/{all}").visibility(Visibility::Public))
}

fn keys() -> ApiKeys {
    let tenant = |name: &str| TenantName::new(name).unwrap();
    let keys = ApiKeys::new().with(KEY, tenant("acme"), Roles::default()).unwrap();
    let keys = keys.with(READER, tenant("acme"), Roles::new([Role::Read])).unwrap();
    let keys = keys.with(WRITER, tenant("acme"), Roles::new([Role::Upload])).unwrap();
    keys.with(OTHER, tenant("other"), Roles::default()).unwrap()
}

/// Sends bytes on a connection of their own, while the answer is read.
pub async fn raw(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    // A server may answer, and close, before it has read all.
    let (_, answer) = tokio::join!(writer.write_all(request), Answer::read(&mut reader));
    answer
}

/// A request that is not sent yet.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The Content-Length that is told; `None`: the true one.
    pub told: Option<usize>,
}

impl Request {
    /// A request with the first tenant's key.
    pub fn new(method: &str, path: &str) -> Self {
        let headers = vec![("Host".into(), "test".into()), ("x-pico-api-org".into(), KEY.into())];
        Self { method: method.into(), path: path.into(), headers, body: Vec::new(), told: None }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("x-pico-api-org", key)
    }

    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", content_type)
    }

    /// The head, with its blank line.
    pub fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let chunked = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Transfer-Encoding"));
        if !chunked && (!self.body.is_empty() || self.method != "GET") {
            head.push_str(&format!("Content-Length: {}\r\n", self.told.unwrap_or(self.body.len())));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    pub fn bytes(&self) -> Vec<u8> {
        [self.head(), self.body.clone()].concat()
    }

    /// In chunked transfer coding, which does not tell how long it is.
    pub fn chunked(&self) -> Vec<u8> {
        let mut bytes = self.clone().header("Transfer-Encoding", "chunked").head();
        for piece in self.body.chunks(3000) {
            bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads one answer; panics if the connection ends before it is whole.
    pub async fn read(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Self {
        Self::try_read(stream, false).await.expect("a whole answer")
    }

    /// Reads the answer to a HEAD.
    pub async fn read_head(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Self {
        Self::try_read(stream, true).await.expect("a whole answer")
    }

    pub async fn try_read(stream: &mut (impl tokio::io::AsyncRead + Unpin), head_only: bool) -> Option<Self> {
        let mut got = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            if let Some(end) = got.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8(got[..end].to_vec()).unwrap();
                let mut lines = head.split("\r\n");
                let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
                if status == 100 {
                    got.drain(..end + 4);
                    continue;
                }
                let headers: Vec<(String, String)> = lines
                    .map(|line| line.split_once(':').unwrap())
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                    .collect();
                let mut answer = Self { status, headers, body: got.split_off(end + 4) };
                let told = answer.header("content-length").map(|length| length.parse::<usize>().unwrap());
                let length = if head_only || matches!(status, 204 | 304) { 0 } else { told.unwrap_or(0) };
                while answer.body.len() < length {
                    match stream.read(&mut buffer).await {
                        Ok(0) | Err(_) => return None,
                        Ok(n) => answer.body.extend_from_slice(&buffer[..n]),
                    }
                }
                answer.body.truncate(length);
                return Some(answer);
            }
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(n) => got.extend_from_slice(&buffer[..n]),
            }
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// A text of the answer's JSON.
    pub fn text(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}")).to_owned()
    }

    /// The error's sentence, after checking that this is an error of this status in the dialect's form.
    pub fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{:?}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("access-control-allow-origin"), Some("*"));
        assert_eq!(self.json().as_object().unwrap().len(), 1, "{self:?}");
        self.text("error")
    }
}

/// A part of a form.
pub enum Part<'a> {
    Field(&'a str, &'a str),
    File(&'a str, &'a [u8]),
    /// A whole part's head (without its blank line) and body.
    Raw(&'a str, &'a [u8]),
}

/// A form's body.
pub fn form(boundary: &str, parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        let (head, content): (String, &[u8]) = match part {
            Part::Field(name, value) => {
                (format!("Content-Disposition: form-data; name=\"{name}\""), value.as_bytes())
            }
            Part::File(name, content) => (
                format!(
                    "Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
                     Content-Type: application/octet-stream"
                ),
                content,
            ),
            Part::Raw(head, content) => ((*head).to_owned(), content),
        };
        body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

/// A form to this path.
pub fn form_to(method: &str, path: &str, parts: &[Part<'_>]) -> Request {
    Request::new(method, path).body("multipart/form-data; boundary=cut-here", form("cut-here", parts))
}

/// A whole upload in one form.
pub fn single(destination: &str, name: &str, content: &[u8]) -> Request {
    form_to("POST", "/uploads", &[Part::Field("destinationId", destination), Part::File(name, content)])
}

/// The JSON that begins a stream.
pub fn create(destination: &str, name: &str, length: u64, sha: &str) -> Request {
    let json =
        serde_json::json!({"destinationId": destination, "fileName": name, "fileSize": length, "sha": sha});
    Request::new("POST", "/uploads").body("application/json", json.to_string())
}

/// A chunk of a stream.
pub fn chunk(id: &str, index: usize, total: usize, content: &[u8]) -> Request {
    let (index, total) = (index.to_string(), total.to_string());
    form_to(
        "PATCH",
        &format!("/uploads/{id}"),
        &[
            Part::Field("chunkIndex", &index),
            Part::Field("totalChunks", &total),
            Part::File("chunk.bin", content),
        ],
    )
}

pub fn sha(content: &[u8]) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(content);
    hasher.finish().to_hex()
}

/// Bytes without a pattern, the same for the same seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..length.div_ceil(8)).flat_map(|_| next().to_le_bytes()).take(length).collect()
}

/// What is recognised as a JPEG, of this length.
pub fn jpeg(length: usize) -> Vec<u8> {
    let head = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xdb\x00\x43\x00";
    [&head[..], &noise(length as u64, length)].concat()[..length].to_vec()
}

/// What is recognised as an MP4, of this length.
pub fn mp4(length: usize) -> Vec<u8> {
    let head = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom\x00\x00\x00\x08free\x00\x10\x00\x00mdat";
    [&head[..], &noise(length as u64, length)].concat()[..length].to_vec()
}
