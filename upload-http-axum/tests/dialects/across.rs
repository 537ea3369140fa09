//! One engine under all dialects: what one of them begins, the library and others can go on with, where that makes sense.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use serde_json::json;
use upload_checksum::Algorithm;
use upload_chunking::assembly::At;
use upload_core::lifecycle::Begin;
use upload_core::record::Addressing;
use upload_core::{ErrorKind, Outcome, Principal, Roles, Stage, TenantName, UploadId};
use upload_engine::{Engine, Settings, Write, Written};
use upload_http_axum::dialect::direct_upload::{self, DirectUploadSettings};
use upload_http_axum::dialect::placeos::{self, PlaceosSettings};
use upload_http_axum::dialect::tus::{self as dialect, TusSettings};
use upload_http_axum::dialect::{picomes, pixlab, pixlab::PixlabSettings};
use upload_http_axum::{HttpSettings, store};
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

use crate::signed::{OWNER, Signed, md5};
use crate::support::{self, Request, noise, sha};
use crate::tus;

/// All dialects that take uploads in steps, on one server.
async fn start() -> Signed {
    let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
    Signed::over(blobs, records, Settings::default(), HttpSettings::default(), |uploads| {
        picomes::router(uploads)
            .merge(dialect::router(uploads, &TusSettings::default()))
            .merge(placeos::router(uploads, &PlaceosSettings::default()))
            .merge(direct_upload::router(uploads, &DirectUploadSettings::default()))
            .merge(pixlab::router(uploads, &PixlabSettings::default()))
            .merge(store::router(uploads))
    })
    .await
}

/// The library's user: of the same tenant, by no key.
fn who() -> Principal {
    Principal::new(TenantName::new("acme").unwrap(), "the application", Roles::default())
}

fn id_of(path: &str) -> UploadId {
    UploadId::parse(path.rsplit('/').next().unwrap()).unwrap()
}

async fn write(engine: &Engine, id: &UploadId, at: At, content: &[u8]) -> upload_core::Result<Written> {
    let mut body = stream::iter([Ok(Bytes::copy_from_slice(content))]);
    engine.write(&who(), id, Write::new(at), &mut body).await
}

async fn read(engine: &Engine, outcome: &Outcome) -> Vec<u8> {
    let reading = engine.read(Some(&who()), &outcome.id).await.unwrap();
    reading.range(0..outcome.length).await.unwrap().to_vec()
}

/// A chunk of a Picomes stream, and a stream, with the owner's key.
fn chunk(id: &str, index: usize, total: usize, content: &[u8]) -> Request {
    support::chunk(id, index, total, content).key(OWNER)
}

async fn stream_of(server: &Signed, content: &[u8]) -> String {
    let create = support::create("other", "a.bin", content.len() as u64, &sha(content)).key(OWNER);
    server.send(&create).await.text("streamId")
}

#[tokio::test]
async fn begun_by_tus_gone_on_with_and_read_by_the_library() {
    let server = start().await;
    let engine = server.uploads.engine();
    let content = noise(1, 200_000);
    let path = tus::create(&server, content.len()).await;
    assert_eq!(server.send(&tus::patch(&path, 0, &content[..70_000])).await.status, 204);
    let seen = engine.inspect(&who(), &id_of(&path)).await.unwrap();
    assert_eq!((seen.frontier, seen.length), (70_000, Some(200_000)));
    write(engine, &seen.id, At::Offset(70_000), &content[70_000..150_000]).await.unwrap();
    tus::has(&server, &path, 150_000).await;
    let ended = write(engine, &seen.id, At::Offset(150_000), &content[150_000..]).await.unwrap();
    let Written::Completed(outcome) = ended else { panic!("{ended:?}") };
    assert_eq!(read(engine, &outcome).await, content);
    assert_eq!(tus::bytes(&server, &path).await, content);
    // And the other way: removed by the library, gone for tus.
    engine.remove(&who(), &seen.id).await.unwrap();
    assert_eq!(tus::head(&server, &path).await.status, 410);
}

#[tokio::test]
async fn begun_by_picomes_cancelled_by_the_library() {
    let server = start().await;
    let engine = server.uploads.engine();
    let content = noise(2, 100_000);
    let stream = stream_of(&server, &content).await;
    assert_eq!(server.send(&chunk(&stream, 0, 2, &content[..60_000])).await.status, 200);
    let id = id_of(&stream);
    assert_eq!(engine.inspect(&who(), &id).await.unwrap().received, 60_000);
    engine.cancel(&who(), &id).await.unwrap();
    let refused = server.send(&chunk(&stream, 1, 2, &content[60_000..])).await;
    assert_eq!(refused.status, 404, "{:?}", refused.json());
    assert_eq!(engine.inspect(&who(), &id).await.unwrap().stage, Stage::Cancelled);
}

#[tokio::test]
async fn begun_by_picomes_finished_by_the_library() {
    let server = start().await;
    let engine = server.uploads.engine();
    let content = noise(3, 100_000);
    let stream = stream_of(&server, &content).await;
    let ended = write(engine, &id_of(&stream), At::Slot { n: 1, total: 2 }, &content[60_000..]).await;
    assert!(matches!(ended, Ok(Written::Stored(_))), "{ended:?}");
    let answer = server.send(&chunk(&stream, 0, 2, &content[..60_000])).await;
    let got = server.send(&Request::new("GET", &answer.text("path")).key(OWNER)).await;
    assert_eq!((got.status, got.body), (200, content));
}

/// Parts begun by one and composed by the other.
#[tokio::test]
async fn composed_of_parts_of_tus_and_of_the_library() {
    let server = start().await;
    let engine = server.uploads.engine();
    let bytes = [noise(4, 70_000), noise(5, 30_001)];
    let first = tus::part(&server, &bytes[0]).await;
    let mut begin = Begin::new("tus", Addressing::Offsets, Some(bytes[1].len() as u64));
    begin.partial = true;
    let second = engine.begin(&who(), begin).await.unwrap().id;
    write(engine, &second, At::Offset(0), &bytes[1]).await.unwrap();

    let parts = [first.as_str(), &format!("/files/{second}")];
    let whole = tus::path(&server.send(&tus::composition(&parts)).await);
    assert_eq!(tus::bytes(&server, &whole).await, bytes.concat());

    let mut begin = Begin::new("other", Addressing::Offsets, None);
    begin.parts = vec![second, id_of(&first)];
    let composed = engine.begin(&who(), begin).await.unwrap().id;
    let outcome = engine.finish(&who(), &composed).await.unwrap();
    assert_eq!(read(engine, &outcome).await, [&bytes[1][..], &bytes[0]].concat());
}

/// What is a record and a signed request for its client is an upload like any other for the application.
#[tokio::test]
async fn sent_by_direct_upload_attached_and_read_by_the_library() {
    let server = start().await;
    let engine = server.uploads.engine();
    let content = noise(6, 50_000);
    let blob = json!({"blob": {"filename": "a.bin", "content_type": "application/octet-stream",
        "byte_size": content.len(), "checksum": md5(&content).to_base64()}});
    let record = server.api(OWNER, "POST", "/api/v1/upload/direct", Some(&blob)).await.json();
    let upload = json!({"verb": "PUT", "url": record["direct_upload"]["url"],
        "headers": record["direct_upload"]["headers"]});
    assert_eq!(server.signed(&upload, &content).await.status, 204);
    let signed_id = record["signed_id"].as_str().unwrap();
    let outcome = engine.attach(&who().tenant, signed_id).await.unwrap();
    assert_eq!(outcome.digests.get(Algorithm::Md5), Some(&md5(&content)));
    assert_eq!(read(engine, &outcome).await, content);
}

/// An upload is of the dialect that began it: another one does not know its facts, and says so.
#[tokio::test]
async fn no_dialect_takes_up_what_another_began() {
    let server = start().await;
    let engine = server.uploads.engine();
    let content = noise(7, 20_000);
    let stream = stream_of(&server, &content).await;
    let path = format!("/files/{stream}");
    for request in
        [tus::request("HEAD", &path), tus::patch(&path, 0, &content), tus::request("DELETE", &path)]
    {
        assert_eq!(server.send(&request).await.status, 404, "{request:?}");
    }
    let by_tus = id_of(&tus::create(&server, content.len()).await);
    let refused = server.send(&chunk(by_tus.as_str(), 0, 1, &content)).await;
    assert!((400..500).contains(&refused.status), "{}", refused.status);
    let place = format!("/api/engine/v2/uploads/{by_tus}/download");
    assert_eq!(server.api(OWNER, "GET", &place, None).await.status, 404);
    // Nothing of that has harmed either.
    assert_eq!(engine.inspect(&who(), &by_tus).await.unwrap().frontier, 0);
    assert_eq!(server.send(&chunk(&stream, 0, 1, &content)).await.status, 200);
    let stranger = Principal::new(TenantName::new("strange").unwrap(), "anybody", Roles::default());
    let hidden = engine.inspect(&stranger, &by_tus).await;
    assert_eq!(hidden.unwrap_err().kind, ErrorKind::NotFound);
}
