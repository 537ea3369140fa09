//! PlaceOS and Direct Upload over a store that takes signed requests itself: no byte comes here.

use std::sync::Arc;

use crate::placeos::{BASE, PART, asking, body, create, ok, text};
use crate::signed::{COLLEAGUE, OWNER, Signed, md5};
use crate::support::{MB, noise};
use serde_json::{Value, json};
use upload_checksum::Algorithm;
use upload_core::ports::{Binding, BlobStore, Listed, PartRules};
use upload_core::{Hour, SignedRequest, Verb};
use upload_engine::Settings;
use upload_http_axum::dialect::direct_upload::{self, DirectUploadSettings};
use upload_http_axum::dialect::placeos::{self, PlaceosSettings};
use upload_http_axum::{HttpSettings, store};
use upload_storage::memory::{MemoryParts, MemoryRecords};

/// A server over a store of this kind.
struct Over {
    server: Signed,
    blobs: MemoryParts,
}

impl Over {
    async fn s3() -> Self {
        let mut binding = Binding::nothing();
        binding.digests = &[Algorithm::Md5];
        (binding.keeps_put, binding.keeps_parts) = (true, true);
        Self::start(PartRules::s3(), binding, "AmazonS3", "amazon").await
    }

    async fn azure() -> Self {
        let mut binding = Binding::nothing();
        (binding.keeps_put, binding.sessions) = (true, false);
        Self::start(PartRules::azure(), binding, "AzureStorage", "azure").await
    }

    async fn start(rules: PartRules, binding: Binding, residence: &str, service: &str) -> Self {
        let blobs = MemoryParts::new(rules).with_signing(binding);
        let (mut page, mut direct) = (PlaceosSettings::default(), DirectUploadSettings::default());
        (page.residence, direct.service_name) = (residence.into(), service.into());
        let server = Signed::over(
            Arc::new(blobs.clone()),
            Arc::new(MemoryRecords::new()),
            Settings::default(),
            HttpSettings::default(),
            |uploads| {
                placeos::router(uploads, &page)
                    .merge(direct_upload::router(uploads, &direct))
                    .merge(store::router(uploads))
            },
        )
        .await;
        Self { server, blobs }
    }

    /// Does what a `{verb, url}` says, at the store; the session that it begins.
    fn send(&self, signature: &Value, body: &[u8]) -> Option<String> {
        let verb = match signature["verb"].as_str() {
            Some("POST") => Verb::Post,
            _ => Verb::Put,
        };
        let request = SignedRequest::new(verb, signature["url"].as_str().unwrap());
        let session = self.blobs.send(&request, body.to_vec().into()).unwrap();
        session.map(|session| session.as_str().to_owned())
    }

    async fn objects(&self) -> usize {
        let all = self.blobs.list(Hour::new(u64::MAX / 4_000_000), None, 1000).await.unwrap();
        all.iter().filter(|name| matches!(name, Listed::Object(_))).count()
    }

    /// All of an upload in parts, as clients send it; the path.
    async fn in_parts(&self, content: &[u8]) -> String {
        let (path, created) = create(&self.server, OWNER, &body(content)).await;
        assert_eq!(created["type"], "chunked_upload");
        let session = match created["signature"]["url"].as_str().unwrap() {
            "" => "any".to_owned(),
            _ => self.send(&created["signature"], b"").unwrap(),
        };
        let told = json!({"resumable_id": session, "part_update": true});
        ok(&self.server.api(OWNER, "PATCH", &path, Some(&told)).await);
        for (n, part) in (1..).zip(content.chunks(PART)) {
            let step = ok(&self.server.api(OWNER, "PATCH", &asking(&path, n, part), Some(&json!({}))).await);
            assert_eq!((&step["type"], &step["body"]), (&json!("part_upload"), &Value::Null));
            self.send(&step["signature"], part);
        }
        path
    }

    async fn download(&self, path: &str) -> Vec<u8> {
        let answer = self.server.api(OWNER, "GET", &format!("{path}/download"), None).await;
        assert_eq!(answer.status, 200, "{}", text(&answer));
        answer.body
    }
}

#[tokio::test]
async fn placeos_goes_to_the_store_in_one_request() {
    let over = Over::s3().await;
    let content = noise(1, 3 * MB);
    let (path, created) = create(&over.server, OWNER, &body(&content)).await;
    assert_eq!((&created["type"], &created["residence"]), (&json!("direct_upload"), &json!("AmazonS3")));
    let early = over.server.api(OWNER, "PUT", &path, None).await;
    assert_eq!((early.status, early.json()["error"].is_string()), (409, true), "{}", text(&early));
    over.send(&created["signature"], &content);
    assert_eq!(ok(&over.server.api(OWNER, "PUT", &path, None).await), json!({"ok": true}));
    assert_eq!(over.download(&path).await, content);
    let link = over.server.api(OWNER, "GET", &format!("{path}/url"), None).await;
    assert_eq!(link.status, 303);
    assert!(link.header("location").unwrap().starts_with("memory:read|"));
    assert_eq!(over.server.api(OWNER, "DELETE", &path, None).await.status, 202);
}

#[tokio::test]
async fn placeos_goes_to_the_store_in_parts() {
    for (over, azure) in [(Over::s3().await, false), (Over::azure().await, true)] {
        let content = noise(2, 2 * PART + 7);
        let path = over.in_parts(&content).await;
        let finish = ok(&over.server.api(OWNER, "PATCH", &path, Some(&json!({}))).await);
        assert_eq!(finish["type"], "finish");
        assert_eq!(finish["body"], if azure { json!("1 2 3") } else { Value::Null });
        let list = finish["body"].as_str().unwrap_or("1 2 3").as_bytes().to_vec();
        assert_eq!(over.server.api(OWNER, "PUT", &path, None).await.status, 409, "not committed");
        over.send(&finish["signature"], &list);
        ok(&over.server.api(OWNER, "PUT", &path, None).await);
        assert_eq!(over.download(&path).await, content);
        assert_eq!(over.objects().await, 1, "what was sent is not there twice");
    }
}

/// The end is signed only when all parts are in the store, whatever the client says of them.
#[tokio::test]
async fn placeos_signs_no_end_while_parts_are_missing() {
    for over in [Over::s3().await, Over::azure().await] {
        let content = noise(3, 2 * PART + 7);
        let (path, created) = create(&over.server, OWNER, &body(&content)).await;
        let session = match created["signature"]["url"].as_str().unwrap() {
            "" => "any".to_owned(),
            _ => over.send(&created["signature"], b"").unwrap(),
        };
        let told = json!({"resumable_id": session, "part_list": [1, 2, 3], "part_update": true});
        ok(&over.server.api(OWNER, "PATCH", &path, Some(&told)).await);
        let step =
            over.server.api(OWNER, "PATCH", &asking(&path, 1, &content[..PART]), Some(&json!({}))).await;
        over.send(&ok(&step)["signature"], &content[..PART]);
        let finish = over.server.api(OWNER, "PATCH", &path, Some(&json!({}))).await;
        assert_eq!(finish.status, 409);
        let wanted = format!("{PART} of {} bytes", content.len());
        assert!(finish.json()["error"].as_str().unwrap().contains(&wanted), "{}", text(&finish));
        // It goes on where it was: the same answer for whoever begins it again.
        let again = ok(&over.server.api(OWNER, "POST", BASE, Some(&body(&content))).await);
        assert_eq!(again["type"], "parts");
        for (n, part) in (1..).zip(content.chunks(PART)).skip(1) {
            let step = over.server.api(OWNER, "PATCH", &asking(&path, n, part), Some(&json!({}))).await;
            over.send(&ok(&step)["signature"], part);
        }
        let finish = ok(&over.server.api(OWNER, "PATCH", &path, Some(&json!({}))).await);
        let list = finish["body"].as_str().unwrap_or("1 2 3").as_bytes().to_vec();
        over.send(&finish["signature"], &list);
        ok(&over.server.api(OWNER, "PUT", &path, None).await);
        assert_eq!(over.download(&path).await, content);
    }
}

#[tokio::test]
async fn a_direct_upload_is_stored_when_its_bytes_are_in_the_store() {
    for (over, service) in [(Over::s3().await, "amazon"), (Over::azure().await, "azure")] {
        let content = noise(4, MB + 1);
        let blob = json!({"blob": {"filename": "a.bin", "content_type": "application/octet-stream",
            "byte_size": content.len(), "checksum": md5(&content).to_base64()}});
        let record = over.server.api(OWNER, "POST", "/api/v1/upload/direct", Some(&blob)).await;
        assert_eq!(record.status, 200, "{}", text(&record));
        let record = record.json();
        assert_eq!(record["service_name"], service);
        let state = format!("/api/v1/upload/direct/{}", record["signed_id"].as_str().unwrap());
        assert_eq!(over.server.api(OWNER, "GET", &state, None).await.json()["state"], "pending");
        over.send(&json!({"verb": "PUT", "url": record["direct_upload"]["url"]}), &content);
        let stored = over.server.api(OWNER, "GET", &state, None).await.json();
        assert_eq!(stored["state"], "stored");
        assert!(stored["url"].as_str().unwrap().starts_with("memory:read|"));
        assert_eq!(over.server.api(COLLEAGUE, "GET", &state, None).await.status, 404);
        assert_eq!(over.objects().await, 1);
    }
}

/// Who did not hear that the store took the bytes begins again and sends them once more: not to the store, which would refuse them.
#[tokio::test]
async fn what_is_there_may_be_sent_again() {
    for over in [Over::s3().await, Over::azure().await] {
        let content = noise(5, MB + 1);
        let (path, created) = create(&over.server, OWNER, &body(&content)).await;
        over.send(&created["signature"], &content);
        let (again, created) = create(&over.server, OWNER, &body(&content)).await;
        assert_eq!((&again, &created["type"]), (&path, &json!("direct_upload")));
        assert_eq!(over.server.signed(&created["signature"], &content).await.status, 200);
        assert_eq!(over.server.signed(&created["signature"], &noise(6, MB + 1)).await.status, 412);
        ok(&over.server.api(OWNER, "PUT", &path, None).await);
        assert_eq!(over.download(&path).await, content);

        let blob = json!({"blob": {"filename": "a.bin", "content_type": "application/octet-stream",
            "byte_size": content.len(), "checksum": md5(&content).to_base64()}});
        let record = over.server.api(OWNER, "POST", "/api/v1/upload/direct", Some(&blob)).await.json();
        over.send(&json!({"verb": "PUT", "url": record["direct_upload"]["url"]}), &content);
        let again = over.server.api(OWNER, "POST", "/api/v1/upload/direct", Some(&blob)).await.json();
        assert_eq!(again["signed_id"], record["signed_id"]);
        let upload = json!({"verb": "PUT", "url": again["direct_upload"]["url"], "headers": again["direct_upload"]["headers"]});
        assert_eq!(over.server.signed(&upload, &content).await.status, 204);
        assert_eq!(over.objects().await, 2);
    }
}
