//! What signed requests can and cannot do on real stores. Run by `.ci/cloud`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod cloud_support;
mod support;

use std::sync::Arc;

use cloud_support::{Emulator, runtime};
use support::{
    names,
    signed::{self, LIFETIME, Late, Now, Peer, another, forged},
};
use upload_core::{
    Access, Verb,
    ports::{BlobStore, Clock, SignFor},
};
use upload_storage::object::{ObjectBlobs, ProviderSettings};

/// In the bucket of the other tests: SeaweedFS has volumes for few buckets.
async fn peer(emulator: Emulator, prefix: &str, clock: Arc<dyn Clock>) -> Peer {
    let provider = emulator.bucket("blobs", &format!("signed-{prefix}"), &ProviderSettings::default()).await;
    let blobs = ObjectBlobs::new(Arc::new(provider)).with_signing(clock).unwrap();
    Peer::new(blobs, &emulator.address())
}

#[test]
fn on_seaweedfs_a_signed_request_does_what_it_was_made_for_and_nothing_else() {
    runtime().block_on(async {
        let peer = peer(Emulator::SeaweedFs, "all", Arc::new(Now)).await;
        signed::a_put_is_of_these_bytes_once(&peer, 1).await;
        signed::a_part_is_of_its_session_and_number(&peer, 2).await;
        signed::a_read_is_of_one_object(&peer, 3).await;
    });
}

#[test]
fn on_seaweedfs_a_signed_request_ends() {
    runtime().block_on(async {
        let peer = peer(Emulator::SeaweedFs, "late", Arc::new(Late)).await;
        let (_, key) = peer.object(1, b"abc").await;
        let read = peer.sign(&peer.read(&key)).await;
        assert_eq!(peer.send(&read, b"").await.status, 403);
    });
}

/// Size, type and digest are not bound: Azure has nothing for that.
#[test]
fn on_azurite_a_signed_request_makes_one_blob_once() {
    runtime().block_on(async {
        let peer = peer(Emulator::Azurite, "put", Arc::new(Now)).await;
        let (staging, key) = names(1);
        let put = peer.sign(&SignFor::new(Access::Put, &staging, LIFETIME)).await;
        for method in ["GET", "DELETE"] {
            assert_eq!(peer.send_as(method, &put, b"").await.status, 403, "{method}");
        }
        let other = another(&key);
        assert_eq!(peer.send(&forged(&put, key.as_str(), other.as_str()), b"good").await.status, 403);
        assert_eq!(peer.send(&forged(&put, "sp=c", "sp=w"), b"good").await.status, 403);
        assert_eq!(peer.blobs.length(&key).await.unwrap(), None);
        assert_eq!(peer.send(&put, b"good").await.status, 201);
        assert_eq!(peer.blobs.read(&key, 0..4).await.unwrap(), "good");
        let again = peer.send(&put, b"evil").await;
        assert!(again.status == 403 || again.status == 409, "{again:?}");
        assert_eq!(peer.blobs.read(&key, 0..4).await.unwrap(), "good");
    });
}

/// Blocks need no session; their list is made from those that are there. Whoever may write them may replace the blob: a copy under
/// another key is out of reach, and made only once.
#[test]
fn on_azurite_signed_blocks_become_a_blob_and_a_copy_stays() {
    runtime().block_on(async {
        let peer = peer(Emulator::Azurite, "blocks", Arc::new(Now)).await;
        let signer = peer.blobs.signer().unwrap();
        assert!(!signer.binding().keeps_parts && !signer.binding().sessions && signer.binding().keeps_put);
        let ((staging, key), (_, copy)) = (names(1), names(2));
        let digest = signed::md5(b"part");
        let mut ask = SignFor::new(Access::Part(7), &staging, LIFETIME);
        ask.digest = Some(&digest);
        let part = peer.sign(&ask).await;
        // Block 000007, as the clients of PlaceOS expect it.
        assert!(part.url.contains("MDAwMDA3"), "{}", part.url);
        assert_eq!(peer.send(&part, b"evil").await.status, 400);
        assert_eq!(peer.send(&part, b"part").await.status, 201);
        let first = peer.sign(&SignFor::new(Access::Part(2), &staging, LIFETIME)).await;
        assert_eq!(peer.send(&first, b"first").await.status, 201);
        let list = peer.sign(&SignFor::new(Access::ListParts, &staging, LIFETIME)).await;
        assert_eq!((list.verb, peer.send(&list, b"").await.status), (Verb::Get, 200));
        assert_eq!(peer.send_as("DELETE", &list, b"").await.status, 403);
        let commit = async || {
            let sent = signer.sent(&key, None).await.unwrap();
            let parts: Vec<_> = sent.iter().map(|part| (part.number, part.length)).collect();
            assert_eq!(parts, [(2, 5), (7, 4)]);
            let mut ask = SignFor::new(Access::CommitParts, &staging, LIFETIME);
            ask.parts = &sent;
            let commit = peer.sign(&ask).await;
            let body = commit.body.clone().expect("a list of blocks");
            assert_eq!(peer.send(&commit, body.as_bytes()).await.status, 201);
        };
        assert!(signer.copy_once(&key, &copy).await.is_err(), "there is nothing to copy");
        commit().await;
        assert_eq!(peer.blobs.read(&key, 0..9).await.unwrap(), "firstpart");
        // Said again: the blocks are those of the blob.
        commit().await;
        signer.copy_once(&key, &copy).await.unwrap();
        let evil = peer.sign(&SignFor::new(Access::Part(7), &staging, LIFETIME)).await;
        assert_eq!(peer.send(&evil, b"evil").await.status, 201);
        commit().await;
        assert_eq!(peer.blobs.read(&key, 0..9).await.unwrap(), "firstevil");
        signer.copy_once(&key, &copy).await.unwrap();
        assert_eq!(peer.blobs.read(&copy, 0..9).await.unwrap(), "firstpart");
        for access in [Access::BeginParts, Access::AbortParts] {
            assert!(signer.sign(&SignFor::new(access, &staging, LIFETIME)).await.is_err());
        }
    });
}

#[test]
fn on_azurite_a_signed_read_is_of_one_blob_and_ends() {
    runtime().block_on(async {
        signed::a_read_is_of_one_object(&peer(Emulator::Azurite, "read", Arc::new(Now)).await, 3).await;
        let peer = peer(Emulator::Azurite, "late", Arc::new(Late)).await;
        let (_, key) = peer.object(1, b"abc").await;
        let read = peer.sign(&peer.read(&key)).await;
        assert_eq!(peer.send(&read, b"").await.status, 403);
    });
}
