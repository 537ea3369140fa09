//! Uploads that are composed of others.

use crate::tus;
use std::time::Duration;

use crate::signed::STRANGER;
use crate::support::noise;
use tus::{
    bytes, complete, composition, create, error, head, offset, part, patch, path, post, request, start,
};

#[tokio::test]
async fn parts_make_a_whole() {
    let server = start().await;
    let (a, b) = (noise(1, 200_000), noise(2, 100_001));
    let (first, second) = (part(&server, &a).await, part(&server, &b).await);
    let told = head(&server, &first).await;
    assert_eq!((told.header("upload-concat"), offset(&told)), (Some("partial"), Some(200_000)));
    // A part goes a day after it was complete.
    assert_eq!(told.header("upload-expires"), Some("Wed, 15 Nov 2023 22:15:23 GMT"));
    assert_eq!(told.header("content-location"), None);
    assert_eq!(error(&server.send(&request("GET", &first)).await, 404), "the upload is a part of others");

    // Absolute or not, on any host, and one of them twice.
    let urls = [first.clone(), format!("https://elsewhere:1{second}?x"), first.clone()];
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let asked = composition(&urls).header("Upload-Metadata", "name YQ==");
    let created = server.send(&asked).await;
    let whole = path(&created);
    assert_eq!((offset(&created), created.header("upload-expires")), (None, None));
    let told = head(&server, &whole).await;
    assert_eq!(told.header("upload-concat"), Some(format!("final;{}", urls.join(" ")).as_str()));
    assert_eq!((offset(&told), told.header("upload-length")), (Some(500_001), Some("500001")));
    assert_eq!((told.header("upload-metadata"), told.header("upload-expires")), (Some("name YQ=="), None));
    let content = [&a[..], &b, &a].concat();
    assert!(bytes(&server, &whole).await == content);

    // It takes no bytes, and has nothing more to do with its parts.
    for at in [0, 500_001] {
        let said = error(&server.send(&patch(&whole, at, b"")).await, 403);
        assert_eq!(said, "the upload is composed of others and takes no bytes of its own");
    }
    assert_eq!(server.send(&request("DELETE", &first)).await.status, 204);
    server.clock.advance(Duration::from_secs(48 * 3600));
    server.uploads.engine().sweep().await;
    assert!(matches!(head(&server, &second).await.status, 404 | 410));
    assert!(bytes(&server, &whole).await == content);
}

#[tokio::test]
async fn parts_may_come_after_the_whole() {
    let server = start().await;
    let first = part(&server, b"one ").await;
    let begun = server.send(&post(3).header("Upload-Concat", "partial")).await;
    let second = path(&begun);
    let created = server.send(&composition(&[&first, &second])).await;
    let whole = path(&created);
    assert_eq!(created.header("upload-expires"), Some("Wed, 15 Nov 2023 22:15:23 GMT"));
    let told = head(&server, &whole).await;
    assert_eq!((told.status, offset(&told)), (200, None));
    assert_eq!((told.header("upload-length"), told.header("upload-defer-length")), (None, None));
    assert_eq!(told.header("upload-concat"), Some(format!("final;{first} {second}").as_str()));
    error(&server.send(&patch(&whole, 0, b"x")).await, 403);
    assert_eq!(error(&server.send(&request("GET", &whole)).await, 404), "the upload is not complete");
    assert_eq!(server.send(&patch(&second, 0, b"two")).await.status, 204);
    let told = head(&server, &whole).await;
    assert_eq!((offset(&told), told.header("upload-length")), (Some(7), Some("7")));
    assert_eq!(bytes(&server, &whole).await, b"one two");
}

#[tokio::test]
async fn what_can_be_no_whole_is_refused() {
    let server = start().await;
    let partial = part(&server, b"part").await;
    let plain = complete(&server, b"plain").await;
    let theirs = {
        let request = post(1).header("Upload-Concat", "partial").header("X-API-Key", STRANGER);
        path(&server.send(&request).await)
    };
    let gone = part(&server, b"gone").await;
    assert_eq!(server.send(&request("DELETE", &gone)).await.status, 204);
    let nowhere = format!("/files/{}", "0".repeat(33));
    for (urls, status) in [
        (vec![&*partial, &plain], 400),
        (vec![&*partial, &nowhere], 404),
        (vec![&*theirs], 404),
        (vec![&*gone], 410),
        (vec!["/files/x"], 404),
        (vec!["/elsewhere/x"], 400),
        (vec![], 400),
    ] {
        let answer = server.send(&composition(&urls)).await;
        assert_eq!(answer.status, status, "{urls:?}: {}", tus::text(&answer));
    }
    let answer = server.send(&composition(&[&partial]).header("Upload-Length", "4")).await;
    assert!(error(&answer, 400).contains("that of its parts"));
    // The limit is that of the sum: three of 40 MB each, that are not there yet.
    let large = {
        let request = post(40 << 20).header("Upload-Concat", "partial");
        path(&server.send(&request).await)
    };
    let answer = server.send(&composition(&[&large, &large, &large])).await;
    assert_eq!(error(&answer, 413), "the upload has 125829120 bytes; at most 104857600 are allowed");

    // A part that is given up leaves nothing to wait for.
    let waiting = path(&server.send(&composition(&[&partial, &large])).await);
    assert_eq!(server.send(&request("DELETE", &large)).await.status, 204);
    let told = head(&server, &waiting).await;
    assert!(matches!(told.status, 410), "{told:?}");
    // It can be removed like any other.
    let other = create(&server, 1).await;
    let open = path(&server.send(&post(1).header("Upload-Concat", "partial")).await);
    let waiting = path(&server.send(&composition(&[&partial, &open])).await);
    for at in [waiting, other] {
        assert_eq!(server.send(&request("DELETE", &at)).await.status, 204);
        assert_eq!(head(&server, &at).await.status, 410);
    }
}
