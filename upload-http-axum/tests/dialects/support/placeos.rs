//! What the tests of the PlaceOS uploads API share: its path, and requests whose answers are as they should be.
#![allow(dead_code)]

use serde_json::{Value, json};

use super::signed::{OWNER, Signed, md5};
use super::support::{Answer, MB};

pub const BASE: &str = "/api/engine/v2/uploads";

/// What clients cut files into where the residence is Amazon S3.
pub const PART: usize = 5 * MB;

/// What is told of a film with this content.
pub fn body(content: &[u8]) -> Value {
    json!({"file_size": content.len(), "file_name": "a.mp4", "file_id": md5(content).to_base64(), "file_mime": "video/mp4"})
}

pub fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

/// What an answer says where all went well.
pub fn ok(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", text(answer));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

/// Begins an upload and gives its path and the answer.
pub async fn create(server: &Signed, key: &str, body: &Value) -> (String, Value) {
    let created = ok(&server.api(key, "POST", BASE, Some(body)).await);
    (format!("{BASE}/{}", created["upload_id"].as_str().unwrap()), created)
}

/// A small upload that is complete.
pub async fn complete(server: &Signed, key: &str, body: &Value, content: &[u8]) -> String {
    let (path, created) = create(server, key, body).await;
    assert_eq!(server.signed(&created["signature"], content).await.status, 200);
    ok(&server.api(key, "PUT", &path, None).await);
    path
}

/// An upload in parts whose session is known.
pub async fn begun(server: &Signed, key: &str, content: &[u8]) -> String {
    let (path, created) = create(server, key, &body(content)).await;
    assert_eq!(created["type"], "chunked_upload");
    assert_eq!(server.signed(&created["signature"], b"").await.status, 200);
    let told = json!({"resumable_id": "session", "part_update": true});
    assert_eq!(ok(&server.api(key, "PATCH", &path, Some(&told)).await), json!({"ok": true}));
    path
}

/// Where the signature of a part is asked for.
pub fn asking(path: &str, n: usize, part: &[u8]) -> String {
    format!("{path}?part={n}&file_id={}", md5(part).to_base64())
}

/// Sends a part by its signature.
pub async fn send(server: &Signed, path: &str, n: usize, part: &[u8]) {
    send_with(server, path, n, part, &json!({})).await;
}

/// The same, with what is told when it is signed.
pub async fn send_with(server: &Signed, path: &str, n: usize, part: &[u8], told: &Value) {
    let signed = ok(&server.api(OWNER, "PATCH", &asking(path, n, part), Some(told)).await);
    let answer = server.signed(&signed["signature"], part).await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
}
