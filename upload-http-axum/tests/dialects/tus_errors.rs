//! What is refused, with which status, and that nothing changes by it.

use crate::signed::{OWNER, READER, STRANGER, STRANGER_ADMIN, WRITER, bare};
use crate::support::{Request, jpeg, noise};
use crate::tus::{
    BYTES, bytes, complete, create, deferred, error, has, head, offset, patch, path, post, request, start,
    text, with,
};
use upload_core::lifecycle::Begin;
use upload_core::record::Addressing;
use upload_core::{Principal, Roles, TenantName};

#[tokio::test]
async fn a_version_must_be_said_and_be_ours() {
    let server = start().await;
    let at = complete(&server, b"hello").await;
    let open = create(&server, 5).await;
    let refused = async |request: Request| {
        let answer = server.send(&request).await;
        assert_eq!(answer.status, 412, "{} {}", request.method, text(&answer));
        assert_eq!(answer.header("tus-version"), Some("1.0.0"));
        assert_eq!(answer.header("tus-resumable"), Some("1.0.0"));
    };
    for changing in [post(5), patch(&open, 0, b"hello"), request("DELETE", &at), request("PUT", &at)] {
        refused(changing.clone().without("Tus-Resumable")).await;
        refused(changing.header("Tus-Resumable", "0.2.2")).await;
    }
    for looking in [request("HEAD", &at), request("GET", &at)] {
        assert_eq!(server.send(&looking.clone().without("Tus-Resumable")).await.status, 200);
        refused(looking.header("Tus-Resumable", "2.0.0")).await;
    }
    has(&server, &open, 0).await;
}

#[tokio::test]
async fn keys_decide_what_one_may_do() {
    let server = start().await;
    let at = complete(&server, b"hello").await;
    let open = create(&server, 5).await;
    let requests = [
        post(5),
        request("HEAD", &at),
        patch(&open, 0, b"hello"),
        request("DELETE", &open),
        request("GET", &at),
    ];
    for asked in &requests {
        for nobody in [asked.clone().without("X-API-Key"), asked.clone().header("X-API-Key", "nobody's")] {
            let answer = server.send(&nobody).await;
            assert_eq!(answer.status, 401, "{}", asked.method);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
    }
    let status =
        async |asked: &Request, key: &str| server.send(&asked.clone().header("X-API-Key", key)).await.status;
    // Another tenant's is no upload.
    for asked in &requests[1..] {
        for key in [STRANGER, STRANGER_ADMIN] {
            assert_eq!(status(asked, key).await, 404, "{}", asked.method);
        }
    }
    for (asked, reads, uploads) in [
        (&requests[0], 403, 201),
        (&requests[1], 403, 200),
        (&requests[2], 403, 204),
        (&requests[4], 200, 403),
    ] {
        assert_eq!(status(asked, READER).await, reads, "{}", asked.method);
        assert_eq!(status(asked, WRITER).await, uploads, "{}", asked.method);
    }
    assert_eq!(status(&requests[3], READER).await, 403);
    let bearer = request("GET", &at).without("X-API-Key").header("Authorization", &format!("bearer {OWNER}"));
    assert_eq!(server.send(&bearer).await.body, b"hello");
    assert_eq!(error(&server.send(&bare("GET", &at)).await, 401), "an API key is required");
}

#[tokio::test]
async fn what_is_no_id_is_not_there() {
    let server = start().await;
    let at = create(&server, 5).await;
    let id = at.strip_prefix("/files/").unwrap();
    for wrong in [
        "x".to_owned(),
        "0".repeat(33),
        "..".to_owned(),
        "../files".to_owned(),
        "%2e%2e".to_owned(),
        "%00".to_owned(),
        format!("{id}%00"),
        "%ff".to_owned(),
        format!("{id}/"),
        format!("/{id}"),
        format!("{id}/{id}"),
        format!("{}%2F{id}", "a"),
        id.to_ascii_uppercase(),
        "a".repeat(5000),
    ] {
        let at = format!("/files/{wrong}");
        for asked in
            [request("HEAD", &at), request("GET", &at), request("DELETE", &at), patch(&at, 0, b"hello")]
        {
            let answer = server.send(&asked).await;
            assert_eq!((answer.status, offset(&answer)), (404, None), "{} {at}", asked.method);
            assert_eq!(answer.header("tus-resumable"), Some("1.0.0"));
        }
    }
    has(&server, &at, 0).await;
}

#[tokio::test]
async fn a_beginning_must_make_sense() {
    let server = with(|_, _, dialect| dialect.max_metadata = 100).await;
    let begin = |headers: &[(&str, &str)]| {
        headers.iter().fold(request("POST", "/files"), |asked, (name, value)| asked.header(name, value))
    };
    let most = (100 << 20).to_string();
    for (headers, status, said) in [
        (&[][..], 400, "got neither"),
        (&[("Upload-Length", "5"), ("Upload-Defer-Length", "1")], 400, "got both"),
        (&[("Upload-Defer-Length", "2")], 400, "Upload-Defer-Length must be 1; got \"2\""),
        (&[("Upload-Length", "+5")], 400, "must be digits"),
        (&[("Upload-Length", "-1")], 400, "must be digits"),
        (&[("Upload-Length", "1.5")], 400, "must be digits"),
        (&[("Upload-Length", "0x10")], 400, "must be digits"),
        (&[("Upload-Length", "")], 400, "must be digits"),
        (&[("Upload-Length", "18446744073709551616")], 400, "must be digits"),
        (&[("Upload-Length", "18446744073709551615")], 413, "at most 104857600 are allowed"),
        (
            &[("Upload-Length", "104857601")],
            413,
            "the upload has 104857601 bytes; at most 104857600 are allowed",
        ),
        (&[("Upload-Length", "5"), ("Upload-Concat", "parts")], 400, "Upload-Concat must be partial"),
        (&[("Upload-Length", "5"), ("Upload-Metadata", "a b")], 400, "must be base64"),
        (&[("Upload-Length", "5"), ("Upload-Metadata", "a,a")], 400, "twice"),
        (&[("Upload-Length", "5"), ("Upload-Metadata", ",")], 400, "empty key"),
        (&[("Upload-Length", "5"), ("Upload-Metadata", "größe YQ==")], 400, "is not ASCII"),
        (
            &[("Upload-Length", "5"), ("Upload-Metadata", &"a".repeat(101))],
            413,
            "Upload-Metadata has 101 bytes",
        ),
    ] {
        let got = error(&server.send(&begin(headers)).await, status);
        assert!(got.contains(said), "{headers:?}: {got}");
    }
    for (headers, kept) in [
        (&[("Upload-Length", most.as_str())][..], None),
        // As some clients send it.
        (&[("Upload-Length", "5"), ("Upload-Metadata", "")], Some("")),
        (&[("Upload-Length", "5"), ("Upload-Metadata", "a,b ,c /w==")], Some("a,b ,c /w==")),
        (&[("Upload-Length", "5"), ("Upload-Metadata", "filename")], Some("filename")),
    ] {
        let at = path(&server.send(&begin(headers)).await);
        assert_eq!(head(&server, &at).await.header("upload-metadata"), kept, "{headers:?}");
    }
    let answer = server.send(&request("GET", "/files")).await;
    assert_eq!(error(&answer, 405), "this path takes the methods OPTIONS, POST");
    assert_eq!(answer.header("allow"), Some("OPTIONS, POST"));
}

#[tokio::test]
async fn a_body_longer_than_its_upload_begins_none() {
    let server = start().await;
    let said = error(&server.send(&post(4).body(BYTES, b"hello")).await, 413);
    assert_eq!(said, "the body has 5 bytes; at most 4 are allowed");
    let answer = server.raw_send(&post(4).body(BYTES, b"hello").chunked()).await;
    assert_eq!(answer.status, 413, "{}", text(&answer));
    assert_eq!(answer.header("location"), None);
}

#[tokio::test]
async fn bytes_go_on_where_the_upload_ends() {
    let server = start().await;
    let at = create(&server, 10).await;
    assert_eq!(server.send(&patch(&at, 0, b"12345")).await.status, 204);
    let plain = patch(&at, 5, b"678");
    let mut stands = 5;
    for (asked, status, said) in [
        (plain.clone().without("Content-Type"), 415, "got \"\""),
        (
            plain.clone().header("Content-Type", "application/octet-stream"),
            415,
            "got \"application/octet-stream\"",
        ),
        (plain.clone().without("Upload-Offset"), 400, "has no Upload-Offset"),
        (plain.clone().header("Upload-Offset", "+5"), 400, "must be digits"),
        (plain.clone().header("Upload-Offset", "5 "), 204, ""),
        (patch(&at, 7, b"678"), 409, ""),
        (patch(&at, 0, b"12345"), 409, ""),
        (patch(&at, 9, b"0"), 409, ""),
        (patch(&at, 8, b""), 204, ""),
        (patch(&at, 0, b""), 409, ""),
        (patch(&at, u64::MAX as usize, b"9"), 409, ""),
        // Where to go on is told before that it would be too much there.
        (patch(&at, 9, b"90"), 409, "has 8 bytes; got bytes from 9 on"),
        (patch(&at, 8, b"90A"), 413, "the upload has 11 bytes; at most 10 are allowed"),
    ] {
        let answer = server.send(&asked).await;
        assert_eq!(answer.status, status, "{asked:?}: {}", text(&answer));
        assert!(text(&answer).contains(said), "{}", text(&answer));
        stands = offset(&answer).unwrap_or(stands);
        has(&server, &at, stands).await;
    }
    let answer = server.raw_send(&patch(&at, 8, b"90A").chunked()).await;
    assert_eq!(answer.status, 413);
    has(&server, &at, 8).await;
    assert_eq!(server.send(&patch(&at, 8, b"90")).await.status, 204);
    assert_eq!(bytes(&server, &at).await, b"1234567890");
}

#[tokio::test]
async fn what_is_complete_is_only_compared() {
    let server = start().await;
    let at = create(&server, 10).await;
    for (from, piece) in [(0, &b"12345"[..]), (5, b"67890")] {
        assert_eq!(server.send(&patch(&at, from, piece)).await.status, 204);
    }
    for (from, piece, status) in [
        (5, &b"67890"[..], 204),
        (0, b"1234567890", 204),
        (10, b"", 204),
        (5, b"6789X", 409),
        (3, b"45", 409),
        (4, b"", 409),
        (0, b"", 409),
        (11, b"", 409),
        (10, b"X", 413),
        (5, b"67890X", 409),
    ] {
        let answer = server.send(&patch(&at, from, piece)).await;
        assert_eq!(answer.status, status, "{from} {piece:?}: {}", text(&answer));
        assert_eq!(offset(&answer), (status == 204).then_some(10));
    }
    assert_eq!(bytes(&server, &at).await, b"1234567890");
}

#[tokio::test]
async fn content_of_a_refused_type_is_no_upload() {
    let server = with(|_, _, dialect| dialect.destination = "images".to_owned()).await;
    let at = complete(&server, &jpeg(5000)).await;
    assert_eq!(server.send(&request("GET", &at)).await.header("content-type"), Some("image/jpeg"));
    let at = create(&server, 9000).await;
    let answer = server.send(&patch(&at, 0, &noise(1, 9000))).await;
    assert!(error(&answer, 422).contains("this destination accepts image/jpeg"));
    let told = head(&server, &at).await;
    assert_eq!((told.status, offset(&told)), (410, None));
    assert!(error(&server.send(&request("GET", &at)).await, 410).contains("has failed: the content is"));
    let answer = server.send(&post(9000).body(BYTES, noise(1, 9000))).await;
    error(&answer, 422);
    assert_eq!(error(&server.send(&post(0)).await, 422).matches("image/jpeg").count(), 1);
}

#[tokio::test]
async fn what_began_elsewhere_is_not_here() {
    let server = start().await;
    let who = Principal::new(TenantName::new("acme").unwrap(), "other", Roles::default());
    let engine = server.uploads.engine();
    for addressing in [Addressing::Offsets, Addressing::Slots] {
        let seen = engine.begin(&who, Begin::new("other", addressing, Some(0))).await.unwrap();
        engine.finish(&who, &seen.id).await.unwrap();
        let at = format!("/files/{}", seen.id);
        for asked in [request("HEAD", &at), request("GET", &at), request("DELETE", &at), patch(&at, 0, b"")] {
            assert_eq!(server.send(&asked).await.status, 404, "{}", asked.method);
        }
    }
    let server = with(|_, _, dialect| dialect.destination = "nowhere".to_owned()).await;
    assert_eq!(server.send(&deferred()).await.status, 500);
    assert_eq!(server.send(&bare("OPTIONS", "/files")).await.header("tus-max-size"), None);
}
