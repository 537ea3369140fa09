//! What the tests of tus 1.0 share: a server with that dialect and the store's endpoints, and its client's requests.
//!
//! A test file has `mod support;` and `#[path = "support/signed.rs"] mod signed;` beside it.
#![allow(dead_code)]

use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use upload_checksum::{Algorithm, Hasher};
use upload_engine::Settings;
use upload_http_axum::dialect::tus::{self, TusSettings};
use upload_http_axum::{HttpSettings, store};
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

use super::signed::{OWNER, Signed, bare};
use super::support::{Answer, Request};

pub const BYTES: &str = "application/offset+octet-stream";

pub async fn start() -> Signed {
    with(|_, _, _| {}).await
}

/// With other numbers of the engine, the HTTP layer and the dialect.
pub async fn with(change: impl FnOnce(&mut Settings, &mut HttpSettings, &mut TusSettings)) -> Signed {
    let (mut engine, mut http, mut dialect) =
        (Settings::default(), HttpSettings::default(), TusSettings::default());
    change(&mut engine, &mut http, &mut dialect);
    let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
    Signed::over(blobs, records, engine, http, |uploads| {
        tus::router(uploads, &dialect).merge(store::router(uploads)).fallback(tus::not_found)
    })
    .await
}

/// A request of a client that speaks the protocol, with the owner's key.
pub fn request(method: &str, path: &str) -> Request {
    bare(method, path).header("Tus-Resumable", "1.0.0").header("X-API-Key", OWNER)
}

/// What begins an upload of so many bytes.
pub fn post(length: usize) -> Request {
    request("POST", "/files").header("Upload-Length", &length.to_string())
}

/// What begins an upload whose length is told later.
pub fn deferred() -> Request {
    request("POST", "/files").header("Upload-Defer-Length", "1")
}

/// Bytes for an upload.
pub fn patch(path: &str, offset: usize, content: &[u8]) -> Request {
    request("PATCH", path).header("Upload-Offset", &offset.to_string()).body(BYTES, content)
}

/// The path of a new upload, as its `Location` has it.
pub fn path(created: &Answer) -> String {
    assert_eq!(created.status, 201, "{}", text(created));
    let location = created.header("location").expect("a Location");
    location
        .strip_prefix("http://test")
        .unwrap_or_else(|| panic!("not on the request's host: {location}"))
        .to_owned()
}

/// A new upload of so many bytes.
pub async fn create(server: &Signed, length: usize) -> String {
    path(&server.send(&post(length)).await)
}

/// An upload with this content, in one request each for its beginning and its bytes.
pub async fn complete(server: &Signed, content: &[u8]) -> String {
    let path = create(server, content.len()).await;
    let answer = server.send(&patch(&path, 0, content)).await;
    assert_eq!((answer.status, offset(&answer)), (204, Some(content.len())), "{}", text(&answer));
    path
}

/// A complete partial upload.
pub async fn part(server: &Signed, content: &[u8]) -> String {
    let begun = server.send(&post(content.len()).header("Upload-Concat", "partial")).await;
    let path = path(&begun);
    assert_eq!(server.send(&patch(&path, 0, content)).await.status, 204);
    path
}

/// What composes an upload of these.
pub fn composition(parts: &[&str]) -> Request {
    request("POST", "/files").header("Upload-Concat", &format!("final;{}", parts.join(" ")))
}

pub async fn head(server: &Signed, path: &str) -> Answer {
    server.send(&request("HEAD", path)).await
}

/// What a server that keeps everything says to a HEAD of an unfinished upload.
pub async fn has(server: &Signed, path: &str, bytes: usize) {
    let answer = head(server, path).await;
    assert_eq!((answer.status, offset(&answer)), (200, Some(bytes)), "{answer:?}");
}

pub async fn bytes(server: &Signed, path: &str) -> Vec<u8> {
    let answer = server.send(&request("GET", path)).await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
    answer.body
}

pub fn offset(answer: &Answer) -> Option<usize> {
    answer.header("upload-offset").map(|text| text.parse().unwrap())
}

pub fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// The sentence of an error, after checking that it has the form of errors.
pub fn error(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", text(answer));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("tus-resumable"), Some("1.0.0"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    text(answer).strip_suffix('\n').expect("a line").to_owned()
}

/// An `Upload-Checksum`.
pub fn checksum(algorithm: Algorithm, content: &[u8]) -> String {
    let name = match algorithm {
        Algorithm::Sha1 => "sha1",
        Algorithm::Sha256 => "sha256",
        Algorithm::Md5 => "md5",
        _ => "crc32c",
    };
    let mut hasher = Hasher::new(algorithm);
    hasher.update(content);
    format!("{name} {}", hasher.finish().to_base64())
}

/// The body in chunked transfer coding with these trailers behind it.
pub fn with_trailers(request: &Request, trailers: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = request.chunked();
    bytes.truncate(bytes.len() - 2);
    for (name, value) in trailers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// Sends the head of a request and the first bytes of its body, and leaves the connection open.
pub async fn begin_to_send(server: &Signed, request: &Request, first: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let bytes = request.bytes();
    stream.write_all(&bytes[..request.head().len() + first]).await.unwrap();
    stream
}
