//! Bodies with checksums: all of them count, or nothing.

use crate::support::{Answer, MB, noise};
use crate::tus::{
    BYTES, begin_to_send, bytes, checksum, create, error, has, offset, patch, path, post, start, text, with,
    with_trailers,
};
use tokio::io::AsyncWriteExt as _;
use upload_checksum::Algorithm;

const ALGORITHMS: [Algorithm; 4] = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Md5, Algorithm::Crc32c];

#[tokio::test]
async fn every_algorithm_holds_bodies_to_it() {
    let server = start().await;
    let content = noise(1, 400_000);
    let at = create(&server, content.len()).await;
    for (n, algorithm) in ALGORITHMS.into_iter().enumerate() {
        let piece = &content[n * 100_000..][..100_000];
        let other = [&piece[..99_999], b"X"].concat();
        let told = checksum(algorithm, piece);
        let answer = server.send(&patch(&at, n * 100_000, &other).header("Upload-Checksum", &told)).await;
        let said = error(&answer, 460);
        assert_eq!(offset(&answer), None, "{said}");
        assert!(answer.header("upload-expires").is_some());
        has(&server, &at, n * 100_000).await;
        let answer = server.send(&patch(&at, n * 100_000, piece).header("Upload-Checksum", &told)).await;
        assert_eq!((answer.status, offset(&answer)), (204, Some((n + 1) * 100_000)), "{}", text(&answer));
    }
    assert!(bytes(&server, &at).await == content);
    // A repetition is held to it as well.
    let last = patch(&at, 300_000, &content[300_000..]);
    let told = checksum(Algorithm::Sha1, &content[300_000..]);
    assert_eq!(server.send(&last.clone().header("Upload-Checksum", &told)).await.status, 204);
}

#[tokio::test]
async fn what_is_no_checksum_is_refused() {
    let server = start().await;
    let at = create(&server, 5).await;
    let good = checksum(Algorithm::Sha1, b"hello");
    for (told, said) in [
        ("", "must be by one of sha1, sha256, md5, crc32c; got \"\""),
        ("sha512 AAAA", "got \"sha512\""),
        ("SHA1 qvTGHdzF6KLavt4PO0gs2a6pQ00=", "got \"SHA1\""),
        ("sha1", "must be 20 bytes in base64"),
        ("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00", "must be 20 bytes in base64"),
        ("sha1  qvTGHdzF6KLavt4PO0gs2a6pQ00=", "must be 20 bytes in base64"),
        ("md5 qvTGHdzF6KLavt4PO0gs2a6pQ00=", "must be 16 bytes in base64"),
        ("crc32c 12345678", "must be 4 bytes in base64"),
    ] {
        let got = error(&server.send(&patch(&at, 0, b"hello").header("Upload-Checksum", told)).await, 400);
        assert!(got.contains(said), "{told:?}: {got}");
        let answer = server.send(&post(5).body(BYTES, b"hello").header("Upload-Checksum", told)).await;
        assert_eq!(answer.status, 400);
    }
    let both = patch(&at, 0, b"hello").header("Upload-Checksum", &good).header("Trailer", "Upload-Checksum");
    assert!(error(&server.send(&both).await, 400).ends_with("got both"));
    has(&server, &at, 0).await;
}

#[tokio::test]
async fn a_cut_body_with_a_checksum_counts_nothing() {
    let server = start().await;
    let content = noise(2, 12 * MB);
    let at = create(&server, content.len()).await;
    let first = patch(&at, 0, &content[..1000]);
    assert_eq!(server.send(&first).await.status, 204);
    let told = checksum(Algorithm::Sha256, &content[1000..]);
    let whole = patch(&at, 1000, &content[1000..]).header("Upload-Checksum", &told);
    // More than a checkpoint, and more than all buffers.
    for _ in 0..3 {
        let mut cut = begin_to_send(&server, &whole, 11 * MB).await;
        cut.shutdown().await.unwrap();
        // It may be told, or find its connection closed.
        if let Some(answer) = Answer::try_read(&mut cut, false).await {
            assert_eq!(answer.status, 409, "{}", text(&answer));
        }
        has(&server, &at, 1000).await;
    }
    assert_eq!(server.send(&whole).await.status, 204);
    assert!(bytes(&server, &at).await == content);
}

#[tokio::test]
async fn the_first_bytes_are_held_to_theirs() {
    let server = start().await;
    let told = checksum(Algorithm::Md5, b"hello");
    let asked = post(5).body(BYTES, b"hello").header("Upload-Checksum", &told);
    let created = server.send(&asked).await;
    assert_eq!((created.status, offset(&created)), (201, Some(5)));
    assert_eq!(bytes(&server, &path(&created)).await, b"hello");
    let mut wrong = asked;
    wrong.body = b"hallo".to_vec();
    let answer = server.send(&wrong).await;
    error(&answer, 460);
    assert_eq!(answer.header("location"), None);
}

#[tokio::test]
async fn more_than_can_be_checked_is_refused() {
    let server = with(|engine, _, _| engine.max_checked = 1000).await;
    let at = create(&server, 2000).await;
    let content = noise(3, 1001);
    let told = checksum(Algorithm::Sha1, &content);
    let asked = patch(&at, 0, &content).header("Upload-Checksum", &told);
    error(&server.send(&asked).await, 413);
    assert_eq!(server.raw_send(&asked.chunked()).await.status, 413);
    has(&server, &at, 0).await;
}

#[tokio::test]
async fn a_checksum_may_come_behind() {
    let server = start().await;
    let content = noise(4, 200_000);
    let at = create(&server, content.len()).await;
    let asked = patch(&at, 0, &content[..100_000]).header("Trailer", "Upload-Checksum");
    let good = checksum(Algorithm::Sha1, &content[..100_000]);
    let other = checksum(Algorithm::Sha1, b"");
    for (trailers, status, said) in [
        (&[][..], 400, "the trailer Upload-Checksum was announced and did not come"),
        (&[("X-Other", "x")], 400, "did not come"),
        (&[("Upload-Checksum", "")], 400, "must be by one of"),
        (&[("Upload-Checksum", "sha1 !")], 400, "must be 20 bytes"),
        (&[("Upload-Checksum", "sha512 AAAA")], 400, "must be by one of"),
        (&[("Upload-Checksum", &good), ("Upload-Checksum", &good)], 400, "twice"),
        (&[("Upload-Checksum", &other)], 460, ""),
    ] {
        let answer = server.raw_send(&with_trailers(&asked, trailers)).await;
        let got = error(&answer, status);
        assert!(got.contains(said), "{trailers:?}: {got}");
        assert_eq!(offset(&answer), None);
        has(&server, &at, 0).await;
    }
    // Of a length that is told no trailer can come.
    let answer = server.send(&asked).await;
    assert!(error(&answer, 400).contains("did not come"));
    has(&server, &at, 0).await;
    let answer =
        server.raw_send(&with_trailers(&asked, &[("X-Other", "x"), ("Upload-Checksum", &good)])).await;
    assert_eq!((answer.status, offset(&answer)), (204, Some(100_000)), "{}", text(&answer));

    for algorithm in ALGORITHMS {
        let told = checksum(algorithm, b"hello");
        let asked = post(5).body(BYTES, b"hello").header("Trailer", "x, upload-checksum");
        let created = server.raw_send(&with_trailers(&asked, &[("Upload-Checksum", &told)])).await;
        assert_eq!((created.status, offset(&created)), (201, Some(5)), "{}", text(&created));
        assert_eq!(bytes(&server, &path(&created)).await, b"hello");
    }
    // A cut before the trailer.
    let mut cut = asked.chunked();
    cut.truncate(cut.len() - 5);
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let asked = patch(&at, 100_000, &content[100_000..]).header("Trailer", "Upload-Checksum");
    let mut bytes_of = asked.chunked();
    bytes_of.truncate(bytes_of.len() - 5);
    stream.write_all(&bytes_of).await.unwrap();
    stream.shutdown().await.unwrap();
    if let Some(answer) = Answer::try_read(&mut stream, false).await {
        assert_eq!(answer.status, 409, "{}", text(&answer));
    }
    has(&server, &at, 100_000).await;
    let good = checksum(Algorithm::Crc32c, &content[100_000..]);
    assert_eq!(server.raw_send(&with_trailers(&asked, &[("upload-checksum", &good)])).await.status, 204);
    assert!(bytes(&server, &at).await == content);
}
