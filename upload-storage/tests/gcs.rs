//! Google Cloud Storage, played by a server in this process.
#![cfg(all(feature = "conformance", feature = "gcs"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use support::{
    gcs::{Gcs, Lost},
    names,
    signed::{self, Peer},
};
use upload_core::{
    Hour,
    ports::{BlobStore, Listed, Parts, StoreError, StoreErrorKind},
};
use upload_storage::{
    conformance::{self, Profile, Stage},
    object::{ObjectBlobs, ObjectRecords, Provider, ProviderSettings},
};

fn open(server: &Gcs, url: &str) -> ObjectBlobs {
    let provider = Provider::open(url, server.variables(), &ProviderSettings::default()).unwrap();
    ObjectBlobs::new(Arc::new(provider))
}

/// A number to each store that is opened anew.
fn prefix(stage: Stage, opened: &AtomicUsize) -> usize {
    match stage {
        Stage::Fresh => opened.fetch_add(1, Ordering::SeqCst) + 1,
        _ => opened.load(Ordering::SeqCst),
    }
}

#[tokio::test]
async fn blobs_in_google_cloud_storage_conform() {
    let (server, opened) = (Gcs::start().await, AtomicUsize::new(0));
    let store =
        async |stage| Ok::<_, String>(open(&server, &format!("gs://bucket/run-{}", prefix(stage, &opened))));
    let profile = Profile::new().shared(true).threads(false);
    conformance::parts(store, &profile).await.assert();
}

#[tokio::test]
async fn records_in_google_cloud_storage_conform() {
    let server = Gcs::start().await;
    let store = async |_| {
        let settings = ProviderSettings::records();
        let provider = Provider::open("gs://bucket/records", server.variables(), &settings)?;
        Ok::<_, StoreError>(ObjectRecords::new(Arc::new(provider)))
    };
    let profile = Profile::new().shared(true).threads(false);
    conformance::records(store, &profile).await.assert();
}

/// A failure after the commit, and half an answer: the second try finds the object.
#[tokio::test]
async fn a_completion_whose_answer_is_lost_succeeds() {
    let server = Gcs::start().await;
    let blobs = open(&server, "gs://bucket");
    for (number, how) in [(1, Lost::Failure), (2, Lost::Half)] {
        let key = names(number).1;
        let session = blobs.open(&key).await.unwrap();
        let bytes = vec![Bytes::from_static(b"abc")];
        let part = blobs.put_part(&key, &session, 1, bytes).await.unwrap();
        server.lose_next("POST", "uploadId=", how);
        blobs.complete(&key, &session, &[part]).await.unwrap();
        assert_eq!(blobs.read(&key, 0..3).await.unwrap(), "abc");
        let asked = server
            .seen()
            .iter()
            .filter(|line| line.starts_with("POST") && line.contains("uploadId="))
            .count();
        assert_eq!(asked, 2 * usize::from(number));
    }
}

/// What an opening left behind that nobody heard of goes with the staging name.
#[tokio::test]
async fn a_session_whose_opening_was_lost_is_listed_and_discarded() {
    let server = Gcs::start().await;
    let blobs = open(&server, "gs://bucket/p");
    let (staging, key) = names(1);
    server.lose_next("POST", "uploads=", Lost::Failure);
    let session = blobs.open(&key).await.unwrap();
    blobs.abort(&key, &session).await.unwrap();
    let listed = blobs.list(Hour::new(490_000), None, 10).await.unwrap();
    assert_eq!(listed, [Listed::Staged(staging.clone())]);
    blobs.discard(&staging).await.unwrap();
    assert_eq!(blobs.list(Hour::new(490_000), None, 10).await.unwrap(), []);
}

/// A read whose bytes end early is an error or read again, never short.
#[tokio::test]
async fn half_a_read_is_no_read() {
    let server = Gcs::start().await;
    let blobs = open(&server, "gs://bucket");
    let key = names(1).1;
    blobs.put_object(&key, vec![Bytes::from(vec![7; 1000])]).await.unwrap();
    server.lose_next("GET", "o/", Lost::Half);
    match blobs.read(&key, 0..1000).await {
        Ok(bytes) => assert_eq!(bytes.len(), 1000),
        Err(error) => assert_eq!(error.kind, StoreErrorKind::Unavailable),
    }
}

/// The server refuses who does not sign, so that the tests above mean something.
#[tokio::test]
async fn who_does_not_sign_is_refused() {
    let server = Gcs::start().await;
    let url = format!("http://{}/bucket/o/x", server.address());
    let answer = support::client::send(server.address(), "PUT", &url, &[], b"abc").await;
    assert_eq!(answer.status, 401);
    let token = ("authorization", "Bearer e30.e30.e30");
    assert_eq!(support::client::send(server.address(), "GET", &url, &[token], b"").await.status, 401);
}

/// Google's signatures name its own host, whatever the address is.
#[tokio::test]
async fn a_signed_request_does_what_it_was_made_for_and_nothing_else() {
    let server = Gcs::start().await;
    let blobs = open(&server, "gs://bucket/signed").with_signing(Arc::new(signed::Now)).unwrap();
    let peer = Peer::new(blobs, server.address()).behind("storage.googleapis.com");
    signed::a_put_is_of_these_bytes_once(&peer, 1).await;
    signed::a_part_is_of_its_session_and_number(&peer, 2).await;
    signed::a_read_is_of_one_object(&peer, 3).await;
}

#[tokio::test]
async fn a_signed_request_ends() {
    let server = Gcs::start().await;
    let blobs = open(&server, "gs://bucket").with_signing(Arc::new(signed::Now)).unwrap();
    let peer = Peer::new(blobs, server.address()).behind("storage.googleapis.com");
    let (_, key) = peer.object(1, b"abc").await;
    let read = peer.sign(&peer.read(&key)).await;
    assert_eq!(peer.send(&read, b"").await.status, 200);
    server.advance(signed::LIFETIME.as_secs() + 1);
    assert_eq!(peer.send(&read, b"").await.status, 400);
}
