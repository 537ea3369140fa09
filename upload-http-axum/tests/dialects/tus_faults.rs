//! Connections that break and stall, requests that meet, stores that fail: what arrived stays, and nothing else counts.

use std::sync::Arc;
use std::time::Duration;

use crate::signed::Signed;
use crate::support::{Answer, MB, Request, noise};
use crate::tus::{
    BYTES, begin_to_send, bytes, create, deferred, error, has, head, offset, patch, path, post, request,
    start, text, with,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use upload_core::ports::{BlobStore, StoreErrorKind};
use upload_core::{Hour, Principal, Roles, TenantName, UploadId};
use upload_engine::Settings;
use upload_http_axum::HttpSettings;
use upload_http_axum::dialect::tus::{self as dialect, TusSettings};
use upload_storage::memory::{MemoryBlobs, MemoryRecords};
use upload_storage::{Fault, Faulty, Operation, Plan};

/// How far an upload is, without ending who writes to it.
async fn frontier(server: &Signed, at: &str) -> usize {
    let who = Principal::new(TenantName::new("acme").unwrap(), "looking", Roles::default());
    let id = UploadId::parse(at.strip_prefix("/files/").unwrap()).unwrap();
    usize::try_from(server.uploads.engine().inspect(&who, &id).await.unwrap().frontier).unwrap()
}

/// Waits until so much has been recorded.
async fn recorded(server: &Signed, at: &str, bytes: usize) {
    while frontier(server, at).await < bytes {
        tokio::task::yield_now().await;
    }
}

/// A request whose body is being read, and of which the first bytes have been sent.
async fn running(server: &Signed, request: &Request, first: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&request.clone().header("Expect", "100-continue").head()).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&request.body[..first]).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrived_of_a_cut_body_is_kept() {
    let server = start().await;
    let content = noise(1, 64 * MB);
    let at = create(&server, content.len()).await;
    // As browsers' clients do by default: all in one request.
    let cut = begin_to_send(&server, &patch(&at, 0, &content), 40 * MB).await;
    drop(cut);
    recorded(&server, &at, 40 * MB).await;
    has(&server, &at, 40 * MB).await;
    let reset = begin_to_send(&server, &patch(&at, 40 * MB, &content[40 * MB..]), 10 * MB).await;
    reset.set_zero_linger().unwrap();
    drop(reset);
    let kept = offset(&head(&server, &at).await).unwrap();
    assert!((40 * MB..=50 * MB).contains(&kept), "{kept}");
    assert_eq!(server.send(&patch(&at, kept, &content[kept..])).await.status, 204);
    assert!(bytes(&server, &at).await == content);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_cut_while_an_upload_begins_leaves_an_upload() {
    let server = start().await;
    let content = noise(2, 300_000);
    let mut cut = running(&server, &post(content.len()).body(BYTES, &content[..]), 100_000).await;
    server.uploads.tasks().stop();
    // It is told where to go on, with what came.
    let created = Answer::read(&mut cut).await;
    assert_eq!(created.status, 201, "{}", text(&created));
    let kept = offset(&created).unwrap();
    assert_eq!(frontier(&server, &path(&created)).await, kept);
    assert!(kept <= 100_000);
    // All else waits for the process that comes next.
    let answer = server.send(&deferred()).await;
    assert_eq!(error(&answer, 423), "the server is stopping; send this again");
    assert_eq!(answer.header("retry-after"), Some("2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_writer_is_overtaken_at_once() {
    // No time-out of the server's has a part in it.
    let patient = Duration::from_secs(24 * 3600);
    let server = with(|_, http, _| (http.idle_timeout, http.total_timeout) = (patient, patient)).await;
    tokio::time::timeout(Duration::from_secs(120), overtaken(&server)).await.expect("an answer to all");
}

async fn overtaken(server: &Signed) {
    let content = noise(3, 32 * MB);
    let at = create(server, content.len()).await;
    let mut stalled = running(server, &patch(&at, 0, &content), 16 * MB).await;
    // More than all socket buffers hold has come; none of that is lost.
    let kept = offset(&head(server, &at).await).unwrap();
    assert!((MB..=16 * MB).contains(&kept), "{kept}");
    let answer = Answer::read(&mut stalled).await;
    assert_eq!(answer.status, 409, "{}", text(&answer));
    // Without asking first: from where it began itself.
    let mut stalled = running(server, &patch(&at, kept, &content[kept..]), MB).await;
    let answer = server.send(&patch(&at, kept, &content[kept..])).await;
    assert_eq!((answer.status, offset(&answer)), (204, Some(content.len())));
    let answer = Answer::read(&mut stalled).await;
    assert_eq!(answer.status, 409, "{}", text(&answer));
    assert!(bytes(server, &at).await == content);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_equal_requests_store_one_copy() {
    let server = start().await;
    let content = noise(4, 2 * MB);
    let at = create(&server, content.len()).await;
    for half in [0, MB] {
        let asked = patch(&at, half, &content[half..half + MB]);
        // All of them are there before the first has sent all.
        let mut begun = Vec::new();
        for _ in 0..16 {
            begun.push(begin_to_send(&server, &asked, MB / 2).await);
        }
        let rest = &asked.body[MB / 2..];
        let all = begun.into_iter().map(async |mut stream| {
            let (mut reader, mut writer) = stream.split();
            // Who is overtaken may be answered before that.
            let (_, answer) = tokio::join!(writer.write_all(rest), Answer::read(&mut reader));
            answer
        });
        let answers = futures_util::future::join_all(all).await;
        let stored = answers.iter().filter(|answer| answer.status == 204).count();
        assert!(stored >= 1, "{answers:?}");
        for answer in &answers {
            assert!(matches!(answer.status, 204 | 409), "{}", text(answer));
            assert!(answer.status == 409 || offset(answer) == Some(half + MB));
        }
        has(&server, &at, half + MB).await;
    }
    assert!(bytes(&server, &at).await == content);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_stops_the_work_in_flight() {
    let server = start().await;
    let content = noise(5, 8 * MB);
    for begun in [create(&server, content.len()).await, path(&server.send(&deferred()).await)] {
        let mut writing = running(&server, &patch(&begun, 0, &content), 2 * MB).await;
        assert_eq!(server.send(&request("DELETE", &begun)).await.status, 204);
        let answer = Answer::read(&mut writing).await;
        assert_eq!(answer.status, 410, "{}", text(&answer));
        assert_eq!(head(&server, &begun).await.status, 410);
        assert_eq!(server.send(&patch(&begun, 0, &content)).await.status, 410);
    }
    let left = server.uploads.engine().blobs().list(Hour::new(u64::MAX), None, 10).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn an_idle_body_is_kept_as_far_as_it_came() {
    let server = with(|_, http, _| http.idle_timeout = Duration::from_millis(50)).await;
    let content = noise(6, 100_000);
    let at = create(&server, content.len()).await;
    let mut idle = begin_to_send(&server, &patch(&at, 0, &content), 60_000).await;
    let said = error(&Answer::read(&mut idle).await, 409);
    assert_eq!(said, "the request body sent nothing for 0.1 seconds");
    has(&server, &at, 60_000).await;
}

async fn faulty() -> (Signed, Faulty<dyn BlobStore>) {
    let blobs: Faulty<dyn BlobStore> = Faulty::new(Arc::new(MemoryBlobs::new()), Plan::none());
    let (stored, records) = (Arc::new(blobs.clone()), Arc::new(MemoryRecords::new()));
    let server = Signed::over(stored, records, Settings::default(), HttpSettings::default(), |uploads| {
        dialect::router(uploads, &TusSettings::default())
    })
    .await;
    (server, blobs)
}

#[tokio::test]
async fn the_offset_is_the_length_only_when_it_is_published() {
    let (server, blobs) = faulty().await;
    let at = create(&server, 5).await;
    let fail = || blobs.fail_next(Operation::Publish, Fault::Before(StoreErrorKind::Unavailable));
    fail();
    let answer = server.send(&patch(&at, 0, b"hello")).await;
    assert_eq!(error(&answer, 503), "the storage is not available");
    assert_eq!((answer.header("retry-after"), offset(&answer)), (Some("2"), None));
    for _ in 0..2 {
        fail();
        let told = head(&server, &at).await;
        assert_eq!((told.status, offset(&told), told.header("retry-after")), (423, None, Some("2")));
        assert!(told.body.is_empty());
    }
    has(&server, &at, 5).await;
    assert_eq!(bytes(&server, &at).await, b"hello");
}

#[tokio::test]
async fn a_store_that_is_down_loses_nothing() {
    let (server, blobs) = faulty().await;
    let at = create(&server, 10).await;
    assert_eq!(server.send(&patch(&at, 0, b"12345")).await.status, 204);
    blobs.stop();
    let answer = server.send(&patch(&at, 5, b"67890")).await;
    assert_eq!(error(&answer, 503), "the storage is not available");
    assert!(answer.header("upload-expires").is_some());
    // An upload that begins while nothing can be kept begins all the same.
    let created = server.send(&post(5).body(BYTES, b"hello")).await;
    assert_eq!((created.status, offset(&created)), (201, Some(0)));
    blobs.heal();
    has(&server, &at, 5).await;
    assert_eq!(server.send(&patch(&at, 5, b"67890")).await.status, 204);
    assert_eq!(bytes(&server, &at).await, b"1234567890");
    assert_eq!(server.send(&patch(&path(&created), 0, b"hello")).await.status, 204);
    blobs.stop();
    error(&server.send(&request("GET", &at)).await, 503);
}
