//! The way of a file from its record to the application, as clients of Active Storage go it.

use crate::direct;
use std::sync::Arc;
use std::time::Duration;

use crate::signed::{COLLEAGUE, OWNER, Signed, WRITER, api, bare};
use crate::support::{MB, noise};
use axum::Router;
use direct::{
    PATH, blob, blob_sha, create, digest, is_pending, is_stored, plain, put, put_of, put_well, state,
};
use serde_json::json;
use upload_checksum::Algorithm;
use upload_core::{ErrorKind, Stage};
use upload_engine::Settings;
use upload_http_axum::HttpSettings;
use upload_http_axum::dialect::direct_upload::{self, DirectUploadSettings};
use upload_http_axum::store;
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

#[tokio::test]
async fn a_file_goes_the_whole_way() {
    let server = direct::start().await;
    let content = noise(1, 5 * MB + 3);
    let md5 = digest(Algorithm::Md5, &content).to_base64();
    let json = format!(
        r#"{{"blob":{{"filename":"größe 1.png","content_type":"image/png","byte_size":{},"checksum":"{md5}"}},"direct_upload_token":null}}"#,
        content.len()
    );
    // As the browser's library sends it, with the one header that its delegate adds.
    let request = bare("POST", PATH)
        .body("application/json", json)
        .header("Accept", "application/json")
        .header("X-Requested-With", "XMLHttpRequest")
        .header("X-CSRF-Token", "t")
        .header("Authorization", &format!("Bearer {OWNER}"));
    let answer = server.send(&request).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let record = answer.json();
    assert_eq!(record["filename"], "größe 1.png");
    assert_eq!(record["content_type"], "image/png");
    assert_eq!(record["metadata"], json!({}));
    assert_eq!(record["service_name"], "local");
    assert_eq!(record["byte_size"], content.len());
    assert_eq!(record["checksum"], md5);
    assert_eq!(record["created_at"], "2023-11-14T22:15:23.456Z");
    assert!((1..1 << 53).contains(&record["id"].as_u64().unwrap()));
    let key = record["key"].as_str().unwrap();
    assert!(key.len() == 28 && key.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()), "{key}");
    assert_eq!(record.as_object().unwrap().len(), 11, "{record}");
    let upload = &record["direct_upload"];
    assert_eq!(
        upload["headers"],
        json!({
            "Content-Type": "image/png",
            "Content-MD5": md5,
            "Content-Disposition": "inline; filename=\"gr__e 1.png\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%201.png",
        })
    );
    let base = format!("http://{}{PATH}/disk/", server.address);
    assert!(upload["url"].as_str().unwrap().starts_with(&base), "{upload}");

    is_pending(&server, OWNER, &record).await;
    let signed_id = record["signed_id"].as_str().unwrap();
    let engine = server.uploads.engine();
    assert_eq!(engine.resolve(&direct::tenant(), signed_id).await.unwrap().stage, Stage::Receiving);
    assert_eq!(engine.attach(&direct::tenant(), signed_id).await.unwrap_err().kind, ErrorKind::NotReady);

    put_well(&server, &record, &content).await;
    let told = state(&server, OWNER, &record).await;
    assert_eq!(told.header("cache-control"), Some("no-store"));
    let mut told = told.json();
    let url = told.as_object_mut().unwrap().remove("url").unwrap();
    assert_eq!(told.as_object_mut().unwrap().remove("state"), Some(json!("stored")));
    assert_eq!(told, plain(record.clone()));
    let got = server.send(&bare("GET", &server.path_of(url.as_str().unwrap()))).await;
    assert_eq!((got.status, got.body == content), (200, true));
    assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
    assert!(url.as_str().unwrap().ends_with("/gr__e_1.png"), "{url}");

    // The application's part.
    let outcome = engine.attach(&direct::tenant(), signed_id).await.unwrap();
    assert_eq!((outcome.length, outcome.file_name.as_deref()), (content.len() as u64, Some("größe 1.png")));
    assert_eq!(engine.attach(&direct::tenant(), signed_id).await.unwrap().id, outcome.id);
    assert!(engine.resolve(&direct::tenant(), signed_id).await.unwrap().attached.is_some());
}

#[tokio::test]
async fn files_of_all_sizes_and_both_checksums() {
    let server = direct::start().await;
    for (n, size) in [0, 1, 2, 4096, 5 * MB, 65 * MB + 1].into_iter().enumerate() {
        let content = noise(n as u64, size);
        for blob in [blob("a.bin", &content), blob_sha("a.bin", &content)] {
            let record = create(&server, OWNER, &blob).await;
            put_well(&server, &record, &content).await;
            is_stored(&server, OWNER, &record, &content).await;
        }
    }
}

#[tokio::test]
async fn a_sha_256_is_never_sent_as_an_md5() {
    let server = direct::start().await;
    let content = noise(3, 1000);
    let record = create(&server, OWNER, &blob_sha("a", &content)).await;
    let headers = record["direct_upload"]["headers"].as_object().unwrap();
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["Content-Disposition", "Content-Type"]);
    let mut wrong = content.clone();
    wrong[500] ^= 1;
    assert_eq!(put(&server, &record, &wrong).await.status, 422);
    put_well(&server, &record, &content).await;
}

#[tokio::test]
async fn the_same_pending_record_is_found_again_by_its_owner_only() {
    let server = direct::start().await;
    let content = noise(4, 3000);
    for blob in [blob("a", &content), blob_sha("a", &content)] {
        let first = create(&server, OWNER, &blob).await;
        server.clock.advance(Duration::from_secs(1));
        let again = create(&server, OWNER, &blob).await;
        assert_eq!(plain(first.clone()), plain(again.clone()));
        assert_ne!(first["direct_upload"]["url"], again["direct_upload"]["url"], "a fresh one");
        let theirs = create(&server, COLLEAGUE, &blob).await;
        for name in ["id", "key", "signed_id", "created_at"] {
            assert_ne!(theirs[name], first[name], "{name}");
        }
        for (name, value) in [
            ("filename", json!("b")),
            ("content_type", json!("text/plain")),
            ("byte_size", json!(3001)),
            ("checksum", json!(digest(Algorithm::Md5, b"").to_base64())),
        ] {
            let mut other = blob.clone();
            other["blob"][name] = value;
            assert_ne!(create(&server, OWNER, &other).await["id"], first["id"], "{name}");
        }
        put_well(&server, &again, &content).await;
        is_stored(&server, OWNER, &first, &content).await;
        is_pending(&server, COLLEAGUE, &theirs).await;
    }
}

#[tokio::test]
async fn a_stored_file_is_found_again_by_its_sha_256_and_not_by_its_md5() {
    let server = direct::start().await;
    let content = noise(5, 3000);
    let first = create(&server, OWNER, &blob("a", &content)).await;
    put_well(&server, &first, &content).await;
    let second = create(&server, OWNER, &blob("a", &content)).await;
    assert_ne!(second["id"], first["id"]);
    is_pending(&server, OWNER, &second).await;

    let first = create(&server, OWNER, &blob_sha("a", &content)).await;
    put_well(&server, &first, &content).await;
    let second = create(&server, OWNER, &blob_sha("a", &content)).await;
    assert_eq!(plain(first.clone()), plain(second.clone()));
    // Its bytes are compared and dropped; others harm nothing.
    put_well(&server, &second, &content).await;
    assert_eq!(put(&server, &second, &noise(6, 3000)).await.status, 422);
    is_stored(&server, OWNER, &first, &content).await;
    assert_ne!(create(&server, COLLEAGUE, &blob_sha("a", &content)).await["id"], first["id"]);
}

#[tokio::test]
async fn a_request_with_a_name_has_one_record() {
    let server = direct::start().await;
    let content = noise(7, 3000);
    let named = |key: &str, name: &str, blob: &serde_json::Value| {
        api(key, "POST", PATH, Some(blob)).header("Idempotency-Key", name)
    };
    let one = blob("a", &content);
    let first = server.send(&named(OWNER, "n-1", &one)).await.json();
    assert_eq!(plain(server.send(&named(OWNER, "n-1", &one)).await.json()), plain(first.clone()));
    put_well(&server, &first, &content).await;
    let again = server.send(&named(OWNER, "n-1", &one)).await.json();
    assert_eq!(plain(again.clone()), plain(first.clone()));
    put_well(&server, &again, &content).await;

    direct::error(&server.send(&named(OWNER, "n-1", &blob("b", &content))).await, 409, "conflict");
    for (key, name) in [(OWNER, "n-2"), (COLLEAGUE, "n-1")] {
        assert_ne!(server.send(&named(key, name, &one)).await.json()["id"], first["id"]);
    }
    let too_long = named(OWNER, &"n".repeat(256), &one);
    direct::error(&server.send(&too_long).await, 400, "invalid");
}

#[tokio::test]
async fn many_send_the_same_at_once() {
    let server = direct::start().await;
    let content = noise(8, 2 * MB);
    let blob = blob("a", &content);
    let records = futures_util::future::join_all((0..6).map(|_| create(&server, OWNER, &blob))).await;
    assert!(records.iter().all(|record| record["id"] == records[0]["id"]));
    let answers = futures_util::future::join_all(records.iter().map(|record| async {
        loop {
            let answer = put(&server, record, &content).await;
            // One that another took the place of may be told to come again.
            if answer.status != 503 {
                return answer.status;
            }
        }
    }));
    assert_eq!(answers.await, [204; 6]);
    is_stored(&server, OWNER, &records[0], &content).await;
}

#[tokio::test]
async fn one_who_only_uploads_sees_the_state_but_no_url() {
    let server = direct::start().await;
    let record = create(&server, WRITER, &blob("a", b"abc")).await;
    put_well(&server, &record, b"abc").await;
    let told = state(&server, WRITER, &record).await;
    assert_eq!((told.status, told.text("state").as_str()), (200, "stored"));
    assert!(told.json().get("url").is_none());
}

#[tokio::test]
async fn a_nested_router_signs_urls_to_itself() {
    let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
    let server = Signed::over(blobs, records, Settings::default(), HttpSettings::default(), |uploads| {
        let routes = direct_upload::router(uploads, &DirectUploadSettings::default());
        Router::new().nest("/media/v2", routes.merge(store::router(uploads)))
    })
    .await;
    let path = format!("/media/v2{PATH}");
    let record = server.api(OWNER, "POST", &path, Some(&blob("a", b"abc"))).await.json();
    let request = put_of(&server, &record, b"abc");
    assert!(request.path.starts_with(&format!("{path}/disk/")), "{}", request.path);
    assert_eq!(server.send(&request).await.status, 204);
    let signed_id = record["signed_id"].as_str().unwrap();
    let url = server.api(OWNER, "GET", &format!("{path}/{signed_id}"), None).await.text("url");
    assert_eq!(server.send(&bare("GET", &server.path_of(&url))).await.body, b"abc");
}
