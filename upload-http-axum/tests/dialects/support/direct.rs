//! What the tests of direct uploads share: a server with that dialect and the store's endpoints, and its client's requests.
#![allow(dead_code)]

use std::sync::Arc;

use serde_json::{Value, json};
use upload_checksum::{Algorithm, Digest, Hasher};
use upload_core::TenantName;
use upload_engine::Settings;
use upload_http_axum::dialect::direct_upload::{self, DirectUploadSettings};
use upload_http_axum::{HttpSettings, store};
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

use super::signed::{Signed, api, bare};
use super::support::{Answer, Request};

pub const PATH: &str = "/api/v1/upload/direct";

/// The tenant of all but strangers.
pub fn tenant() -> TenantName {
    TenantName::new("acme").unwrap()
}

pub async fn start() -> Signed {
    with(|_, _| {}).await
}

/// With other numbers of the HTTP layer and the dialect.
pub async fn with(change: impl FnOnce(&mut HttpSettings, &mut DirectUploadSettings)) -> Signed {
    let (mut http, mut dialect) = (HttpSettings::default(), DirectUploadSettings::default());
    change(&mut http, &mut dialect);
    let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
    Signed::over(blobs, records, Settings::default(), http, |uploads| {
        direct_upload::router(uploads, &dialect)
            .merge(store::router(uploads))
            .fallback(direct_upload::not_found)
    })
    .await
}

pub fn digest(algorithm: Algorithm, content: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(content);
    hasher.finish()
}

/// A file with an MD5, as browsers announce it.
pub fn blob(name: &str, content: &[u8]) -> Value {
    announced(name, content, digest(Algorithm::Md5, content))
}

/// A file with a SHA-256.
pub fn blob_sha(name: &str, content: &[u8]) -> Value {
    announced(name, content, digest(Algorithm::Sha256, content))
}

fn announced(name: &str, content: &[u8], digest: Digest) -> Value {
    json!({"blob": {
        "filename": name,
        "content_type": "application/octet-stream",
        "byte_size": content.len(),
        "checksum": digest.to_base64(),
    }})
}

/// Makes a record.
pub async fn create(server: &Signed, key: &str, blob: &Value) -> Value {
    let answer = server.api(key, "POST", PATH, Some(blob)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

/// The record without its signed request, which is fresh every time.
pub fn plain(mut record: Value) -> Value {
    let upload = record.as_object_mut().unwrap().remove("direct_upload").unwrap();
    assert!(upload["url"].is_string() && upload["headers"].is_object(), "{upload}");
    record
}

/// The request of a record for these bytes, exactly as it says.
pub fn put_of(server: &Signed, record: &Value, content: &[u8]) -> Request {
    let upload = &record["direct_upload"];
    let mut request = bare("PUT", &server.path_of(upload["url"].as_str().unwrap()));
    for (name, value) in upload["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request.body = content.to_vec();
    request
}

pub async fn put(server: &Signed, record: &Value, content: &[u8]) -> Answer {
    server.send(&put_of(server, record, content)).await
}

/// Sends the bytes of a record, which are taken.
pub async fn put_well(server: &Signed, record: &Value, content: &[u8]) {
    let answer = put(server, record, content).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0), "{answer:?}");
}

pub async fn state(server: &Signed, key: &str, record: &Value) -> Answer {
    let signed_id = record["signed_id"].as_str().unwrap();
    server.send(&api(key, "GET", &format!("{PATH}/{signed_id}"), None)).await
}

/// Reads a stored file through the URL that its state gives.
pub async fn read(server: &Signed, key: &str, record: &Value) -> Answer {
    let answer = state(server, key, record).await;
    assert_eq!((answer.status, answer.text("state").as_str()), (200, "stored"), "{answer:?}");
    server.send(&bare("GET", &server.path_of(&answer.text("url")))).await
}

pub async fn is_stored(server: &Signed, key: &str, record: &Value, content: &[u8]) {
    let got = read(server, key, record).await;
    assert_eq!((got.status, got.body == content), (200, true), "{:?}", got.headers);
}

pub async fn is_pending(server: &Signed, key: &str, record: &Value) {
    let answer = state(server, key, record).await;
    assert_eq!((answer.status, answer.text("state").as_str()), (200, "pending"), "{answer:?}");
    assert!(answer.json().get("url").is_none());
}

/// That an answer is this error in the dialect's form; its sentence.
pub fn error(answer: &Answer, status: u16, code: &str) -> String {
    assert_eq!(answer.status, status, "{:?}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let json = answer.json();
    assert_eq!(json["error_code"], code, "{json}");
    assert_eq!(json.as_object().unwrap().len(), 3, "{json}");
    assert!(json["error"].is_string());
    answer.text("detail")
}
