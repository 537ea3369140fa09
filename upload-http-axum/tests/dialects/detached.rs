//! What goes on, and what is cleared away, when nobody waits for an answer.

use crate::support;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use support::{MB, Part, Request, Server, chunk, form_to, jpeg, noise, sha, single};
use tower::Service as _;
use upload_core::ports::BlobStore as _;
use upload_core::{Hour, Principal, Roles, Stage, TenantName, UploadId};
use upload_http_axum::dialect::picomes;
use upload_storage::Paused;
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

fn acme() -> Principal {
    Principal::new(TenantName::new("acme").unwrap(), "test", Roles::default())
}

#[tokio::test]
async fn a_chunk_is_stored_though_its_handler_is_dropped() {
    let blobs = Paused::new(Arc::new(MemoryBlobs::new()));
    let stores = (Arc::new(blobs.clone()), Arc::new(MemoryRecords::new()));
    let server = Server::over(stores.0, stores.1, |_| {}, |router| router).await;
    let content = noise(1, 100_000);
    let id = server.begin("any", "a", &content).await;

    blobs.pause(1);
    let request = chunk(&id, 0, 1, &content);
    let mut call = http::Request::builder().method("PATCH").uri(&request.path);
    for (name, value) in &request.headers {
        call = call.header(name, value);
    }
    let mut router: Router = picomes::router(&server.uploads);
    let mut handler = router.call(call.body(Body::from(request.body)).unwrap());
    // The connection's task is in the handler, the store in the write, when the connection breaks.
    tokio::select! {
        _ = &mut handler => panic!("the write was to be held"),
        () = blobs.arrived() => {}
    }
    drop(handler);
    blobs.release().await;
    server.uploads.drain(Duration::from_secs(60)).await.unwrap();

    let id = UploadId::parse(&id).unwrap();
    let inspection = server.uploads.engine().inspect(&acme(), &id).await.unwrap();
    assert!(matches!(inspection.stage, Stage::Completed(_)), "{inspection:?}");
    let reading = server.uploads.engine().read(Some(&acme()), &id).await.unwrap();
    assert_eq!(reading.range(0..100_000).await.unwrap(), content);
}

#[tokio::test]
async fn what_is_refused_leaves_no_bytes() {
    let blobs = Arc::new(MemoryBlobs::new());
    let server = Server::over(blobs.clone(), Arc::new(MemoryRecords::new()), |_| {}, |router| router).await;
    let image = jpeg(50_000);
    let to = |parts: &[Part<'_>]| form_to("POST", "/uploads", parts);
    let wrong = sha(b"other");
    let (destination, file) = (Part::Field("destinationId", "stepImage"), || Part::File("a.jpg", &image));
    let id = server.begin("any", "a", &image).await;
    let stream = format!("/uploads/{id}");
    let mut truncated = single("stepImage", "a.jpg", &image);
    truncated.body.truncate(40_000);
    let mut cut = to(&[file(), Part::Field("destinationId", "any")]);
    cut.body.truncate(cut.body.len() - 10);
    let refused: Vec<(u16, Request)> = vec![
        (400, to(&[file()])),
        (400, to(&[file(), Part::Field("destinationId", "nowhere")])),
        (400, to(&[file(), Part::Field("destinationId", "stepVideo")])),
        (400, to(&[file(), file(), destination])),
        (400, to(&[file(), Part::Field("sha", &wrong), Part::Field("destinationId", "stepImage")])),
        (400, to(&[file(), Part::Field("sha", "x"), Part::Field("destinationId", "stepImage")])),
        (403, to(&[file(), Part::Field("destinationId", "stepImage")]).key(support::READER)),
        (413, single("stepImage", "a.jpg", &jpeg(9 * MB))),
        (413, to(&[Part::File("a", &jpeg(9 * MB)), Part::Field("destinationId", "stepImage")])),
        (400, truncated),
        (400, cut),
        (400, form_to("PATCH", &stream, &[file(), Part::Field("chunkIndex", "0")])),
        (
            400,
            form_to(
                "PATCH",
                &stream,
                &[file(), Part::Field("chunkIndex", "0"), Part::Field("totalChunks", "0")],
            ),
        ),
    ];
    for (status, request) in refused {
        server.send(&request).await.error(status);
    }
    let listed = blobs.list(Hour::new(u64::MAX), None, 100).await.unwrap();
    // The stream that takes chunks has its own; nothing else is there.
    assert!(listed.len() <= 1, "{listed:?}");
    assert_eq!(server.send(&chunk(&id, 0, 1, &image)).await.status, 200);
    assert_eq!(blobs.list(Hour::new(u64::MAX), None, 100).await.unwrap().len(), 1);
}
