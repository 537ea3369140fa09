//! The API page's answers, who may do what, and what is refused.
#![cfg(all(feature = "picomes", feature = "placeos"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

#[path = "support/signed.rs"]
mod signed;
mod support;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use signed::{
    ADMIN, COLLEAGUE, OWNER, READER, STRANGER, STRANGER_ADMIN, SUPPORT, Signed, WRITER, api, bare, md5,
};
use support::{Answer, MB, noise};
use upload_core::lifecycle::Begin;
use upload_core::record::Addressing;
use upload_engine::Settings;
use upload_http_axum::dialect::placeos::{self, PlaceosSettings};
use upload_http_axum::{HttpSettings, store};
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

const BASE: &str = "/api/engine/v2/uploads";
const PART: usize = 5 * MB;

fn body(content: &[u8]) -> Value {
    json!({"file_size": content.len(), "file_name": "a.mp4", "file_id": md5(content).to_base64(), "file_mime": "video/mp4"})
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

fn ok(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", text(answer));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

/// Begins an upload and gives its path and the answer.
async fn create(server: &Signed, key: &str, body: &Value) -> (String, Value) {
    let created = ok(&server.api(key, "POST", BASE, Some(body)).await);
    (format!("{BASE}/{}", created["upload_id"].as_str().unwrap()), created)
}

/// A small upload that is complete.
async fn complete(server: &Signed, key: &str, body: &Value, content: &[u8]) -> String {
    let (path, created) = create(server, key, body).await;
    assert_eq!(server.signed(&created["signature"], content).await.status, 200);
    ok(&server.api(key, "PUT", &path, None).await);
    path
}

/// An upload in parts whose session is known.
async fn begun(server: &Signed, key: &str, content: &[u8]) -> String {
    let (path, created) = create(server, key, &body(content)).await;
    assert_eq!(created["type"], "chunked_upload");
    assert_eq!(server.signed(&created["signature"], b"").await.status, 200);
    let told = json!({"resumable_id": "session", "part_update": true});
    assert_eq!(ok(&server.api(key, "PATCH", &path, Some(&told)).await), json!({"ok": true}));
    path
}

fn asking(path: &str, n: usize, part: &[u8]) -> String {
    format!("{path}?part={n}&file_id={}", md5(part).to_base64())
}

/// Sends a part by its signature.
async fn send(server: &Signed, path: &str, n: usize, part: &[u8]) {
    let signed = ok(&server.api(OWNER, "PATCH", &asking(path, n, part), Some(&json!({}))).await);
    let answer = server.signed(&signed["signature"], part).await;
    assert_eq!(answer.status, 200, "{}", text(&answer));
}

#[tokio::test]
async fn answers_are_the_pages_byte_for_byte() {
    let server = Signed::start().await;
    let content = noise(1, 2 * PART);
    let created = server.api(OWNER, "POST", &format!("{BASE}/"), Some(&body(&content))).await;
    let url = |answer: &Answer| answer.json()["signature"]["url"].as_str().unwrap().to_owned();
    let id = created.text("upload_id");
    assert!(id.starts_with("uploads-") && id.len() == 8 + 33, "{id}");
    assert!(url(&created).starts_with(&format!("http://{}/store/", server.address)));
    assert_eq!(
        text(&created),
        format!(
            r#"{{"type":"chunked_upload","signature":{{"verb":"POST","url":"{}","headers":{{}}}},"upload_id":"{id}","residence":"AmazonS3"}}"#,
            url(&created)
        )
    );
    let path = format!("{BASE}/{id}");
    let part = &content[..PART];
    let told = json!({"resumable_id": "MDAwMDAx"});
    let signed = server.api(OWNER, "PATCH", &asking(&path, 1, part), Some(&told)).await;
    let sum = md5(part).to_base64();
    assert_eq!(
        text(&signed),
        format!(
            r#"{{"type":"part_upload","signature":{{"verb":"PUT","url":"{}","headers":{{"Content-MD5":"{sum}","Content-Type":"binary/octet-stream"}}}},"upload_id":"{id}","body":null}}"#,
            url(&signed)
        )
    );
    assert_eq!(server.signed(&signed.json()["signature"], part).await.status, 200);
    let told = json!({"part_list": [1], "part_data": [{"md5": sum, "part": 1}]});
    send_with(&server, &path, 2, &content[PART..], &told).await;
    let finish = server.api(OWNER, "PATCH", &path, Some(&json!({}))).await;
    assert_eq!(
        text(&finish),
        format!(
            r#"{{"type":"finish","signature":{{"verb":"POST","url":"{}","headers":{{"Content-Type":"application/xml"}}}},"upload_id":"{id}","body":null}}"#,
            url(&finish)
        )
    );
    let again = server.api(OWNER, "POST", BASE, Some(&body(&content))).await;
    assert_eq!(
        text(&again),
        format!(
            r#"{{"type":"parts","signature":{{"verb":"GET","url":"{}","headers":{{}}}},"part_list":[1],"part_data":{{"1":{{"md5":"{sum}","part":1}}}},"upload_id":"{id}","residence":"AmazonS3"}}"#,
            url(&again)
        )
    );
    // A session's name never changes.
    let told = json!({"resumable_id": "another", "part_update": true});
    assert_eq!(text(&server.api(OWNER, "PATCH", &path, Some(&told)).await), r#"{"ok":true}"#);
    let listed = server.api(OWNER, "GET", BASE, None).await;
    assert_eq!(listed.json()[0]["resumable_id"], "MDAwMDAx");
    let new = format!(
        "{BASE}/new?file_size=7065473&file_name=file_name.ext&file_mime=video/mp4&permissions=none&public=true"
    );
    assert_eq!(text(&server.api(OWNER, "GET", &new, None).await), r#"{"residence":"AmazonS3"}"#);
}

async fn send_with(server: &Signed, path: &str, n: usize, part: &[u8], told: &Value) {
    let signed = ok(&server.api(OWNER, "PATCH", &asking(path, n, part), Some(told)).await);
    assert_eq!(server.signed(&signed["signature"], part).await.status, 200);
}

#[tokio::test]
async fn settings_change_what_is_told() {
    let server = Signed::with(|_, _, settings| {
        settings.part_data_as_array = true;
        settings.residence = "GoogleCloudStorage".into();
        settings.extensions = vec!["mp4".into()];
    })
    .await;
    let content = noise(2, 2 * PART);
    let path = begun(&server, OWNER, &content).await;
    let sum = md5(&content[..PART]).to_hex();
    let told = json!({"part_list": [2], "part_data": {"1": {"md5": sum, "part": 1}}, "part_update": true});
    ok(&server.api(OWNER, "PATCH", &path, Some(&told)).await);
    let (_, again) = create(&server, OWNER, &body(&content)).await;
    assert_eq!(again["part_data"], json!([{"md5": sum, "part": 1}]));
    assert_eq!((&again["part_list"], &again["residence"]), (&json!([2]), &json!("GoogleCloudStorage")));
    let mut refused = body(&content);
    refused["file_name"] = json!("a.exe");
    let answer = server.api(OWNER, "POST", BASE, Some(&refused)).await;
    assert_eq!(
        (answer.status, text(&answer).as_str()),
        (400, r#"{"error":"File extension not allowed","parameter":"file_name","restriction":"mp4"}"#)
    );
}

#[tokio::test]
async fn keys_come_in_three_ways() {
    let server = Signed::start().await;
    let get = async |request: support::Request| server.send(&request).await;
    for request in [
        bare("GET", BASE).header("X-API-Key", OWNER),
        bare("GET", &format!("{BASE}?api-key={OWNER}")),
        bare("GET", BASE).header("Authorization", &format!("Bearer {OWNER}")),
        bare("GET", BASE).header("Authorization", &format!("bearer  {OWNER} ")),
    ] {
        assert_eq!(get(request.clone()).await.status, 200, "{request:?}");
    }
    for (request, said) in [
        (bare("GET", BASE), "an API key is required"),
        (bare("GET", BASE).header("Authorization", &format!("Basic {OWNER}")), "an API key is required"),
        (bare("GET", BASE).header("X-API-Key", "guessed"), "the API key is not known"),
        (bare("GET", &format!("{BASE}?api-key=guessed")), "the API key is not known"),
        (bare("GET", BASE).header("Authorization", "Bearer guessed"), "the API key is not known"),
    ] {
        let answer = get(request).await;
        assert_eq!((answer.status, text(&answer)), (401, format!("{{\"error\":\"{said}\"}}")));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    // Before anything else is looked at.
    for (method, below) in
        [("POST", ""), ("PATCH", "/x"), ("PUT", "/x"), ("DELETE", "/x"), ("GET", "/x/edit"), ("GET", "/new")]
    {
        assert_eq!(get(bare(method, &format!("{BASE}{below}"))).await.status, 401, "{method} {below}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let server = Signed::start().await;
    let path = |id: &str| format!("{BASE}/{id}");
    for id in ["x", "uploads-x", "uploads-JUea_g-EeY", &format!("uploads-{}", "0".repeat(33)), "%FF", "a%20b"]
    {
        let shown = if id == "%FF" {
            "\u{fffd}"
        } else if id == "a%20b" {
            "a b"
        } else {
            id
        };
        let answer = server.api(OWNER, "PUT", &path(id), None).await;
        assert_eq!(
            (answer.status, text(&answer)),
            (404, format!("{{\"error\":\"Invalid upload id: {shown}\"}}"))
        );
    }
    for (method, below, status) in [
        ("GET", "/some-id", 405),
        ("PUT", "", 405),
        ("DELETE", "", 405),
        ("POST", "/new", 405),
        ("POST", "/x/edit", 405),
        ("GET", "/x/other", 404),
    ] {
        let answer = server.api(OWNER, method, &format!("{BASE}{below}"), None).await;
        assert_eq!(
            (answer.status, answer.json().as_object().unwrap().len()),
            (status, 1),
            "{method} {below}"
        );
    }
    let small = body(b"abc");
    let typed = |content_type: &str| api(OWNER, "POST", BASE, None).body(content_type, small.to_string());
    assert_eq!(server.send(&typed("application/json; charset=utf-8")).await.status, 200);
    assert_eq!(server.send(&typed("application/json").without("Content-Type")).await.status, 200);
    for other in ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "ü"] {
        let answer = server.send(&typed(other)).await;
        assert!(
            answer.status == 415 && text(&answer).starts_with("{\"error\":\"unsupported content type"),
            "{other}"
        );
    }
    let answer = server.api(OWNER, "POST", BASE, Some(&json!({"file_size": 1}))).await;
    assert_eq!(
        (answer.status, text(&answer).as_str()),
        (
            422,
            r#"{"error":"missing required parameter 'file_name'","parameter":"file_name","restriction":"String"}"#
        )
    );
    let long = json!({"file_name": "a", "tags": vec!["x".repeat(1000); 100]});
    let answer = server.api(OWNER, "POST", BASE, Some(&long)).await;
    assert_eq!(answer.status, 413, "{}", text(&answer));
    let mut large = body(b"abc");
    large["file_size"] = json!(1_u64 << 40);
    assert_eq!(server.api(OWNER, "POST", BASE, Some(&large)).await.status, 413);
}

#[tokio::test]
async fn an_upload_in_one_request_has_no_parts_and_one_in_parts_begins_with_its_session() {
    let server = Signed::start().await;
    let (path, _) = create(&server, OWNER, &body(b"abc")).await;
    let direct = r#"{"error":"upload is not resumable"}"#;
    for (method, path, told) in [
        ("PATCH", path.clone(), Some(json!({"resumable_id": "x"}))),
        ("PATCH", path.clone(), Some(json!({"part_update": true}))),
        ("PATCH", asking(&path, 1, b"abc"), Some(json!({}))),
        ("GET", format!("{path}/edit?part=finish"), None),
        ("GET", format!("{path}/edit"), None),
    ] {
        let answer = server.api(OWNER, method, &path, told.as_ref()).await;
        assert_eq!((answer.status, text(&answer).as_str()), (400, direct), "{method} {path}");
    }
    let content = noise(3, 2 * PART);
    let (path, _) = create(&server, OWNER, &body(&content)).await;
    let not_begun = r#"{"error":"upload is not resumable, no part available"}"#;
    for (method, path, told) in [
        ("PATCH", path.clone(), Some(json!({}))),
        ("PATCH", path.clone(), Some(json!({"resumable_id": ""}))),
        ("PATCH", asking(&path, 1, b"abc"), Some(json!({"part_list": [1]}))),
        ("GET", format!("{path}/edit?part=finish"), None),
        ("GET", format!("{path}/edit?part=1&file_id={}", md5(b"a").to_hex()), None),
    ] {
        let answer = server.api(OWNER, method, &path, told.as_ref()).await;
        assert_eq!((answer.status, text(&answer).as_str()), (400, not_begun), "{method} {path}");
    }
    let told = json!({"part_update": true});
    assert_eq!(ok(&server.api(OWNER, "PATCH", &path, Some(&told)).await), json!({"ok": true}));
}

#[tokio::test]
async fn it_is_complete_when_the_store_has_it_and_not_when_a_client_says_so() {
    let server = Signed::start().await;
    let small = noise(4, 1000);
    let (path, created) = create(&server, OWNER, &body(&small)).await;
    let answer = server.api(OWNER, "PUT", &path, None).await;
    assert!(answer.status == 409 && text(&answer).starts_with("{\"error\":\""), "{}", text(&answer));
    for told in [json!({"part_list": []}), json!({"resumable_id": "x"}), json!({"part_update": true})] {
        assert_eq!(ok(&server.api(OWNER, "PUT", &path, Some(&told)).await), json!({"ok": true}), "progress");
    }
    for below in ["/url", "/download"] {
        assert_eq!(server.api(OWNER, "GET", &format!("{path}{below}"), None).await.status, 404, "{below}");
    }
    assert_eq!(server.signed(&created["signature"], &small).await.status, 200);
    assert_eq!(server.api(OWNER, "GET", &format!("{path}/download"), None).await.status, 404);
    for _ in 0..2 {
        assert_eq!(ok(&server.api(OWNER, "PUT", &path, Some(&json!({}))).await), json!({"ok": true}));
    }
    // Without a body its type says nothing.
    let untyped = api(OWNER, "PUT", &path, None).header("Content-Type", "text/plain");
    assert_eq!(ok(&server.send(&untyped).await), json!({"ok": true}));
    assert_eq!(server.api(OWNER, "GET", &format!("{path}/download"), None).await.body, small);

    let content = noise(5, 2 * PART + 9);
    let path = begun(&server, OWNER, &content).await;
    send(&server, &path, 1, &content[..PART]).await;
    // Part 3 is told of, and signed, but was never sent.
    send(&server, &path, 2, &content[PART..2 * PART]).await;
    let all: Vec<_> = (1..=3).map(|n| json!({"part": n, "md5": md5(b"x").to_hex()})).collect();
    let told = json!({"part_list": [1, 2, 3], "part_data": all});
    ok(&server.api(OWNER, "PATCH", &asking(&path, 3, &content[2 * PART..]), Some(&told)).await);
    let answer = server.api(OWNER, "PATCH", &path, Some(&json!({}))).await;
    assert_eq!(
        (answer.status, text(&answer)),
        (
            409,
            format!(
                r#"{{"error":"the upload is not complete: its parts in the store have {} of {} bytes"}}"#,
                2 * PART,
                content.len()
            )
        )
    );
    assert_eq!(server.api(OWNER, "GET", &format!("{path}/edit?part=finish"), None).await.status, 409);
    assert_eq!(server.api(OWNER, "PUT", &path, None).await.status, 409);
    send(&server, &path, 3, &content[2 * PART..]).await;
    // All is there, but nobody has said that it is all: the manifest closes the set.
    assert_eq!(server.api(OWNER, "PUT", &path, None).await.status, 409);
    let finish = ok(&server.api(OWNER, "PATCH", &path, Some(&json!({}))).await);
    let parts: String = content
        .chunks(PART)
        .zip(1..)
        .map(|(part, n)| {
            format!("<Part><PartNumber>{n}</PartNumber><ETag>{}</ETag></Part>", md5(part).to_hex())
        })
        .collect();
    let manifest = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    for _ in 0..2 {
        assert_eq!(server.signed(&finish["signature"], manifest.as_bytes()).await.status, 200);
    }
    assert_eq!(
        server.api(OWNER, "GET", &format!("{path}/download"), None).await.status,
        404,
        "not yet visible"
    );
    for _ in 0..2 {
        ok(&server.api(OWNER, "PUT", &path, None).await);
    }
    assert!(server.api(OWNER, "GET", &format!("{path}/download"), None).await.body == content);
    // The manifest once more, after its answer was lost.
    assert_eq!(server.signed(&finish["signature"], manifest.as_bytes()).await.status, 200);
}

#[tokio::test]
async fn a_stored_part_keeps_its_bytes() {
    let server = Signed::start().await;
    let content = noise(6, 2 * PART);
    let path = begun(&server, OWNER, &content).await;
    send(&server, &path, 1, &content[..PART]).await;
    let other = noise(7, PART);
    for request in [
        api(OWNER, "PATCH", &asking(&path, 1, &other), Some(&json!({}))),
        api(OWNER, "GET", &asking(&format!("{path}/edit"), 1, &other), None),
    ] {
        let answer = server.send(&request).await;
        assert!(answer.status == 409 && answer.text("error").contains("part 1 "), "{}", text(&answer));
    }
    // The same part again is signed again.
    send(&server, &path, 1, &content[..PART]).await;
    // A DELETE starts afresh.
    assert_eq!(server.api(OWNER, "DELETE", &path, None).await.status, 202);
    let again = begun(&server, OWNER, &content).await;
    assert_ne!(again, path);
    send(&server, &again, 1, &other).await;
}

#[tokio::test]
async fn an_upload_is_its_owners_and_supports() {
    let server = Signed::start().await;
    let content = noise(8, 2 * PART);
    let path = begun(&server, OWNER, &content).await;
    let requests = [
        ("PATCH", asking(&path, 1, b"a"), Some(json!({}))),
        ("PATCH", path.clone(), Some(json!({"part_update": true, "part_list": [7]}))),
        ("GET", format!("{path}/edit?part=1&file_id={}", md5(b"a").to_hex()), None),
        ("PUT", path.clone(), None),
        ("DELETE", path.clone(), None),
    ];
    for (method, path, told) in &requests {
        for key in [COLLEAGUE, READER, WRITER] {
            let answer = server.api(key, method, path, told.as_ref()).await;
            assert_eq!((answer.status, answer.body.len()), (403, 0), "{key} {method} {path}");
            assert_eq!(answer.header("content-type"), None);
        }
        // Of another tenant not even an admin can tell it from none.
        for key in [STRANGER, STRANGER_ADMIN] {
            let answer = server.api(key, method, path, told.as_ref()).await;
            assert!(
                answer.status == 404 && answer.text("error").starts_with("Invalid upload id: "),
                "{key} {method}"
            );
        }
    }
    for key in [SUPPORT, ADMIN] {
        ok(&server.api(key, "PATCH", &asking(&path, 1, &content[..PART]), Some(&json!({}))).await);
    }
    assert_eq!(server.api(SUPPORT, "DELETE", &path, None).await.status, 202);
    // The same description of another key's is another upload.
    let (mine, _) = create(&server, OWNER, &body(&content)).await;
    let (theirs, _) = create(&server, COLLEAGUE, &body(&content)).await;
    let (strange, _) = create(&server, STRANGER, &body(&content)).await;
    assert!(mine != theirs && theirs != strange && strange != mine);
    assert_eq!(server.api(READER, "POST", BASE, Some(&body(b"x"))).await.status, 403);
}

#[tokio::test]
async fn permissions_say_who_reads() {
    let server = Signed::start().await;
    let content = noise(9, 3000);
    let keys = [OWNER, COLLEAGUE, READER, SUPPORT, ADMIN, WRITER, STRANGER, STRANGER_ADMIN];
    for (public, permissions, may) in [
        (true, "none", [200, 200, 200, 200, 200, 403, 404, 404]),
        (true, "admin", [200, 200, 200, 200, 200, 403, 404, 404]),
        (false, "none", [200, 200, 200, 200, 200, 403, 404, 404]),
        (false, "support", [403, 403, 403, 200, 200, 403, 404, 404]),
        (false, "admin", [403, 403, 403, 403, 200, 403, 404, 404]),
    ] {
        let mut described = body(&content);
        (described["public"], described["permissions"]) = (json!(public), json!(permissions));
        let path = complete(&server, OWNER, &described, &content).await;
        for (key, status) in keys.into_iter().zip(may) {
            let what = format!("{public} {permissions} {key}");
            let got = server.api(key, "GET", &format!("{path}/download"), None).await;
            assert_eq!(got.status, status, "{what}");
            assert_eq!(got.body == content, status == 200, "{what}");
            assert!(status != 403 || got.body.is_empty(), "{what}");
            let link = server.api(key, "GET", &format!("{path}/url"), None).await;
            assert_eq!(link.status, if status == 200 { 303 } else { status }, "{what}");
            assert_eq!(link.header("location").is_some(), status == 200, "{what}");
        }
        assert_eq!(server.send(&bare("GET", &format!("{path}/download"))).await.status, 401);
    }
}

#[tokio::test]
async fn downloads_and_links_are_whole_partial_or_unchanged() {
    let server = Signed::start().await;
    let content = support::mp4(3000);
    let mut described = body(&content);
    described["file_name"] = json!("größe 1.mp4");
    let path = complete(&server, OWNER, &described, &content).await;
    let download = format!("{path}/download");
    let got = server.api(OWNER, "GET", &download, None).await;
    assert_eq!(got.header("content-type"), Some("video/mp4"));
    assert!(got.header("content-disposition").unwrap().ends_with("filename*=UTF-8''gr%C3%B6%C3%9Fe_1.mp4"));
    assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
    let etag = got.header("etag").unwrap().to_owned();
    let head = server.send(&api(OWNER, "HEAD", &download, None)).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("3000"), 0));
    let link = server.api(OWNER, "GET", &format!("{path}/url?expiry=5"), None).await;
    let url = server.path_of(link.header("location").unwrap());
    assert!(url.ends_with("/gr__e_1.mp4"), "{url}");
    for request in [bare("GET", &url), api(OWNER, "GET", &download, None)] {
        let part = server.send(&request.clone().header("Range", "bytes=10-19")).await;
        assert_eq!((part.status, &part.body[..]), (206, &content[10..20]));
        assert_eq!(part.header("content-range"), Some("bytes 10-19/3000"));
        for range in ["bytes=3000-", "bytes=0-1,5-6"] {
            assert_eq!(server.send(&request.clone().header("Range", range)).await.status, 416, "{range}");
        }
        assert_eq!(server.send(&request.clone().header("If-None-Match", &etag)).await.status, 304);
    }
    // A link ends; another may be had.
    server.clock.advance(Duration::from_secs(301));
    assert_eq!(server.send(&bare("GET", &url)).await.status, 403);
    let link = server.api(OWNER, "GET", &format!("{path}/url?expiry=99999"), None).await;
    let url = server.path_of(link.header("location").unwrap());
    server.clock.advance(Duration::from_secs(1439 * 60));
    assert_eq!(server.send(&bare("GET", &url)).await.status, 200);
    server.clock.advance(Duration::from_secs(61));
    assert_eq!(server.send(&bare("GET", &url)).await.status, 403);
    for expiry in ["0", "-1", "soon"] {
        let answer = server.api(OWNER, "GET", &format!("{path}/url?expiry={expiry}"), None).await;
        assert_eq!((answer.status, answer.json()["parameter"].as_str()), (400, Some("expiry")));
    }
    // What a client declares is shown where nothing is recognised, but never as what a browser would run.
    for (mime, shown) in
        [("application/x-thing", "application/x-thing"), ("text/html", "application/octet-stream")]
    {
        let bytes = noise(10, 100);
        let mut described = body(&bytes);
        described["file_mime"] = json!(mime);
        let path = complete(&server, OWNER, &described, &bytes).await;
        let got = server.api(OWNER, "GET", &format!("{path}/download"), None).await;
        assert_eq!(got.header("content-type"), Some(shown));
    }
}

#[tokio::test]
async fn the_list_is_the_keys_own_and_the_newest_comes_first() {
    let server = Signed::start().await;
    let mut ids = Vec::new();
    for n in 0_u8..5 {
        server.clock.advance(Duration::from_secs(1));
        let content = [n; 10];
        let mut described = body(&content);
        described["file_name"] = json!(format!("report {n}.pdf"));
        described["tags"] = if n % 2 == 0 { json!(["even", "all"]) } else { json!(["all"]) };
        let (path, created) = create(&server, OWNER, &described).await;
        if n == 0 {
            server.signed(&created["signature"], &content).await;
            ok(&server.api(OWNER, "PUT", &path, None).await);
        }
        ids.insert(0, path.rsplit('/').next().unwrap().to_owned());
    }
    server.clock.advance(Duration::from_secs(1));
    create(&server, COLLEAGUE, &body(b"theirs")).await;
    create(&server, STRANGER, &body(b"strange")).await;
    let list = async |key: &str, query: &str| server.api(key, "GET", &format!("{BASE}{query}"), None).await;
    let named = |answer: &Answer| -> Vec<String> {
        ok(answer).as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = list(OWNER, "/").await;
    assert_eq!(named(&all), ids);
    assert_eq!((all.header("x-total-count"), all.header("content-range")), (Some("5"), Some("items 0-4/5")));
    assert_eq!(all.header("link"), None);
    let exposed = all.header("access-control-expose-headers").unwrap();
    assert!(
        ["link", "x-total-count", "content-range"].iter().all(|name| exposed.contains(name)),
        "{exposed}"
    );
    let rows = all.json();
    let oldest = rows[4].as_object().unwrap();
    let names = "id file_name file_size file_path object_key file_md5 public permissions resumable resumable_id part_list \
                 part_data upload_complete uploaded_by tags created_at updated_at";
    assert_eq!(oldest.len(), names.split_whitespace().count());
    assert!(names.split_whitespace().all(|name| oldest.contains_key(name)));
    assert_eq!(oldest["file_name"], "report_0.pdf");
    assert_eq!((&oldest["upload_complete"], &rows[0]["upload_complete"]), (&json!(true), &json!(false)));
    assert_eq!(oldest["created_at"], 1_700_000_124);

    let page = list(OWNER, "?limit=2&offset=1").await;
    assert_eq!(named(&page), ids[1..3]);
    assert_eq!(page.header("content-range"), Some("items 1-2/5"));
    let next = page
        .header("link")
        .unwrap()
        .strip_prefix('<')
        .unwrap()
        .strip_suffix(">; rel=\"next\"")
        .unwrap()
        .to_owned();
    let next = server.api(OWNER, "GET", &next, None).await;
    assert_eq!((named(&next), next.header("link")), (ids[3..].to_vec(), None));

    for (query, count) in [
        ("?file_search=report_3", 1),
        ("?file_search=nothing", 0),
        ("?tags=even", 3),
        ("?tags=even,all&file_search=_2", 1),
        ("?tags=odd", 0),
        ("?offset=5", 0),
        ("?limit=0", 0),
    ] {
        let answer = list(OWNER, query).await;
        assert_eq!(named(&answer).len(), count, "{query}");
        assert_eq!(answer.header("content-range").is_some(), count > 0, "{query}");
    }
    assert_eq!(named(&list(COLLEAGUE, "").await).len(), 1);
    assert_eq!(named(&list(STRANGER_ADMIN, "").await).len(), 1);
    for key in [SUPPORT, ADMIN] {
        assert_eq!(named(&list(key, "").await).len(), 6);
    }
    // A key that reads only sees none of others', and one that uploads only may not list.
    assert_eq!(named(&list(READER, "").await).len(), 0);
    assert_eq!(list(WRITER, "").await.status, 403);
    let removed = format!("{BASE}/{}", ids[4]);
    assert_eq!(server.api(OWNER, "DELETE", &removed, None).await.status, 202);
    assert_eq!(named(&list(OWNER, "").await), ids[..4]);
}

#[tokio::test]
async fn the_first_signature_lasts_as_long_as_asked_the_others_as_usual() {
    let server = Signed::start().await;
    let small = noise(11, 100);
    for (expires, lasts) in [
        (Value::Null, 300),
        (json!(1), 300),
        (json!(30), 1800),
        (json!("60"), 3600),
        (json!(999_999), 86_400),
    ] {
        let mut described = body(&small);
        (described["expires"], described["file_name"]) =
            (expires.clone(), json!(format!("{lasts}{expires}")));
        for late in [false, true] {
            let (_, created) = create(&server, OWNER, &described).await;
            let request = server.request_of(&created["signature"], &small);
            server.clock.advance(Duration::from_secs(if late { lasts } else { lasts - 1 }));
            let status = server.send(&request).await.status;
            assert_eq!(status, if late { 403 } else { 200 }, "{expires} {late}");
        }
    }
    let content = noise(12, 2 * PART);
    let path = begun(&server, OWNER, &content).await;
    let signed = ok(&server.api(OWNER, "PATCH", &asking(&path, 1, &content[..PART]), Some(&json!({}))).await);
    server.clock.advance(Duration::from_secs(300));
    assert_eq!(server.signed(&signed["signature"], &content[..PART]).await.status, 403);
    send(&server, &path, 1, &content[..PART]).await;
}

#[tokio::test]
async fn it_works_where_it_is_nested_and_preflights_are_answered() {
    let stores = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
    let server = Signed::over(stores.0, stores.1, Settings::default(), HttpSettings::default(), |uploads| {
        let inner = placeos::router(uploads, &PlaceosSettings::default()).merge(store::router(uploads));
        Router::new().nest("/files/v1", inner)
    })
    .await;
    let path = format!("/files/v1{BASE}");
    let created = ok(&server.api(OWNER, "POST", &path, Some(&body(b"abc"))).await);
    let url = created["signature"]["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("http://{}/files/v1/store/", server.address)), "{url}");
    assert_eq!(server.signed(&created["signature"], b"abc").await.status, 200);
    for (path, asked) in [
        (path, "authorization,content-type,x-api-key"),
        (server.path_of(url), "content-md5,content-type,x-amz-acl,x-ms-blob-type"),
    ] {
        for method in ["PUT", "GET", "POST", "DELETE"] {
            let preflight = bare("OPTIONS", &path)
                .header("Origin", "https://app.example")
                .header("Access-Control-Request-Method", method)
                .header("Access-Control-Request-Headers", asked);
            let answer = server.send(&preflight).await;
            assert_eq!(answer.status, 204);
            assert!(answer.header("access-control-allow-methods").unwrap().contains(method));
            let allowed = answer.header("access-control-allow-headers").unwrap();
            assert!(asked.split(',').all(|name| allowed.split(", ").any(|known| known == name)), "{allowed}");
        }
    }
}

#[tokio::test]
async fn an_upload_of_another_dialect_is_none() {
    let server = Signed::start().await;
    let acme = upload_core::Principal::new(
        upload_core::TenantName::new("acme").unwrap(),
        "test",
        upload_core::Roles::default(),
    );
    let engine = server.uploads.engine();
    let begin = Begin::new("other", Addressing::Slots, Some(0));
    let seen = engine.begin(&acme, begin).await.unwrap();
    engine.finish(&acme, &seen.id).await.unwrap();
    for (method, below) in
        [("PUT", ""), ("DELETE", ""), ("GET", "/edit?part=finish"), ("GET", "/url"), ("GET", "/download")]
    {
        let path = format!("{BASE}/uploads-{}{below}", seen.id);
        assert_eq!(server.api(ADMIN, method, &path, None).await.status, 404, "{method} {below}");
    }
    engine.read(Some(&acme), &seen.id).await.unwrap();
}

#[tokio::test]
async fn an_empty_file_is_complete_when_nothing_was_sent_for_it_and_not_before() {
    let server = Signed::start().await;
    for content in [&b""[..], b"something else"] {
        let announced = json!({"file_size": 0, "file_name": "a", "file_id": md5(content).to_base64()});
        server.clock.advance(std::time::Duration::from_secs(1));
        let (path, created) = create(&server, OWNER, &announced).await;
        assert_eq!(server.api(OWNER, "PUT", &path, None).await.status, 409);
        let sent = server.signed(&created["signature"], b"").await;
        let row = ok(&server.api(OWNER, "GET", BASE, None).await)[0].clone();
        assert_eq!(row["upload_complete"], false);
        if content.is_empty() {
            assert_eq!(sent.status, 200);
            ok(&server.api(OWNER, "PUT", &path, None).await);
            assert_eq!(server.signed(&created["signature"], b"").await.status, 200, "again");
        } else {
            assert_eq!(sent.status, 400);
            assert_eq!(server.api(OWNER, "PUT", &path, None).await.status, 409);
        }
    }
}

#[tokio::test]
async fn no_key_writes_past_the_signed_requests() {
    let server = Signed::start().await;
    let content = noise(3, 1000);
    let (path, _) = create(&server, OWNER, &body(&content)).await;
    let engine = server.uploads.engine();
    let owner = server.uploads.authenticate(Some(OWNER)).await.unwrap();
    let id = upload_core::UploadId::parse(path.rsplit("uploads-").next().unwrap()).unwrap();
    let write = upload_engine::Write::new(upload_chunking::assembly::At::Slot { n: 0, total: 1 });
    let mut bytes = futures_util::stream::iter([Ok(bytes::Bytes::from(content))]);
    let refused = engine.write(&owner, &id, write, &mut bytes).await.unwrap_err();
    assert_eq!(refused.kind, upload_core::ErrorKind::Misplaced);
}
