//! An upload is complete when the store has its bytes, and they stay what they were.

use serde_json::json;

use crate::placeos::{BASE, PART, asking, begun, body, create, ok, send, text};
use crate::signed::{OWNER, Signed, api, md5};
use crate::support::noise;

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
