//! The page's answers, what settings change in them, and where they are given.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use upload_engine::Settings;
use upload_http_axum::dialect::placeos::{self, PlaceosSettings};
use upload_http_axum::{HttpSettings, store};
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

use crate::placeos::{BASE, PART, asking, begun, body, create, ok, send, send_with, text};
use crate::signed::{OWNER, Signed, bare, md5};
use crate::support::{Answer, noise};

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
