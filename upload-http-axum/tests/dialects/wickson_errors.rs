//! Every row of the API page's table of errors, each by every way that leads to it.

use crate::support;
use std::time::Duration;

use crate::wickson::{COLLEAGUE, PATH, READER, STRANGER, Wickson, error, keyed, media, parts, pdf, upload};
use support::{Answer, Part, Request, form};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use upload_http_axum::RateLimit;

/// That nothing was taken in, though all of it was sent.
fn nothing_was_staged(server: &Wickson) {
    assert!(server.blob_faults.trace().is_empty(), "{:?}", server.blob_faults.trace());
}

#[tokio::test]
async fn missing_file() {
    let server = Wickson::start().await;
    let content = pdf(1);
    let plain = |content_type: &str, body: &[u8]| keyed("POST", PATH).body(content_type, body);
    let field = parts(PATH, &[Part::Raw("Content-Disposition: form-data; name=\"file\"", &content)]);
    let unchosen = Part::Raw("Content-Disposition: form-data; name=\"file\"; filename=\"\"", b"");
    let other = Part::Raw("Content-Disposition: form-data; name=\"files\"; filename=\"a.pdf\"", &content);
    for (request, words) in [
        (parts(PATH, &[]), "no part file"),
        (
            parts(PATH, &[Part::Field("collection_id", "a"), Part::Field("force_overwrite", "true")]),
            "no part file",
        ),
        (parts(PATH, &[other]), "no part file"),
        (field, "no filename"),
        (parts(PATH, &[unchosen]), "no file was chosen"),
        (keyed("POST", PATH), "no Content-Type"),
        (plain("application/x-www-form-urlencoded", b"collection_id=a"), "x-www-form-urlencoded"),
        (plain("application/json", b"{\"file\":\"x\"}"), "application/json"),
        (plain("application/pdf", &content), "application/pdf"),
    ] {
        let answer = server.send(&request).await;
        let said = error(&answer, 400, "MISSING_FILE");
        assert!(said.contains(words), "expected {words:?}, got {said}");
        assert_eq!(answer.text("message"), "Required file upload is missing");
    }
    nothing_was_staged(&server);
}

#[tokio::test]
async fn unsupported_file_type() {
    let server = Wickson::start().await;
    let html = b"<!DOCTYPE html><html><body>hello</body></html>".to_vec();
    let script = b"#!/bin/sh\nrm -rf /\n".to_vec();
    let xml = b"<?xml version=\"1.0\"?><a/>".to_vec();
    for (name, content) in [
        ("lossy.webp", media("lossy.webp")),
        ("audio_only.m4a", media("audio_only.m4a")),
        ("a.txt", html),
        ("b.txt", script),
        ("c.txt", xml),
        ("d.png", media("script.svg")),
        ("e.jpg", media("exe_named.jpg")),
        ("f.mp4", media("elf_named.mp4")),
        ("g.pdf", [0, 1, 2, 3, 254, 255].repeat(3000)),
        ("h.pdf", Vec::new()),
    ] {
        for fields in [&[][..], &[("force_overwrite", "true")]] {
            let answer = server.upload(name, &content, fields).await;
            let said = error(&answer, 400, "UNSUPPORTED_FILE_TYPE");
            assert!(said.contains("the content is") && said.contains("application/pdf"), "{name}: {said}");
            assert_eq!(answer.text("message"), "File format not supported");
        }
    }
    // The declared type is not believed, and not needed.
    let declared =
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: text/html";
    assert_eq!(server.send(&parts(PATH, &[Part::Raw(declared, &pdf(1))])).await.status, 200);
    assert_eq!(server.spent().await, 4);
    assert_eq!(server.stored().await, []);
}

#[tokio::test]
async fn file_size_exceeded() {
    let limit = 100_000;
    let server = Wickson::with(|numbers| {
        (numbers.policy.max_length, numbers.policy.max_single) = (limit, limit);
        numbers.http.form_overhead = 2000;
    })
    .await;
    let sized = |length: u64| {
        let mut content = pdf(length);
        content.resize(usize::try_from(length).unwrap(), b' ');
        content
    };
    for length in [limit - 1, limit] {
        server.uploaded("a.pdf", &sized(length), &[]).await;
    }
    for length in [limit + 1, limit + 1500] {
        let content = sized(length);
        let exactly = format!("the file has {length} bytes; at most 100000 are allowed");
        let answer = server.upload("a.pdf", &content, &[("collection_id", "a")]).await;
        assert_eq!(error(&answer, 400, "FILE_SIZE_EXCEEDED"), exactly);
        assert_eq!(answer.text("message"), "File larger than allowed limit");
        let chunked = support::raw(server.address, &upload("a.pdf", &content, &[]).chunked()).await;
        let said = error(&chunked, 400, "FILE_SIZE_EXCEEDED");
        assert!(said.starts_with("the file has 1") && said.ends_with("at most 100000 are allowed"), "{said}");
    }
    // What no form with such a file could be is refused before it is read.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&upload("a.pdf", &sized(10_000_000), &[]).head()).await.unwrap();
    let said = error(&Answer::read(&mut stream).await, 400, "FILE_SIZE_EXCEEDED");
    assert!(said.starts_with("the request has 10000") && said.contains("102000"), "{said}");
    assert_eq!(server.spent().await, 8);
    drop(stream);
    assert_eq!(server.stored().await, []);
}

#[tokio::test]
async fn invalid_parameter() {
    let server = Wickson::start().await;
    let content = pdf(1);
    let long = "x".repeat(129);
    for (name, value) in [
        ("force_overwrite", "yes"),
        ("force_overwrite", ""),
        ("include_vectors", "2"),
        ("include_vectors", " true"),
        ("collection_id", ""),
        ("collection_id", "a b"),
        ("collection_id", "../x"),
        ("collection_id", "größe"),
        ("collection_id", &long),
    ] {
        let (field, file) = (Part::Field(name, value), Part::File("a.pdf", &content));
        let mut both = [field, file];
        for _ in 0..2 {
            let answer = server.send(&parts(PATH, &both)).await;
            let said = error(&answer, 400, "INVALID_PARAMETER");
            assert!(said.starts_with(name) && said.contains("got \""), "{said}");
            both.reverse();
        }
    }
    for query in ["include_vectors=maybe", "include_vectors=1&include_vectors=0", "include_vectors=%ff"] {
        let mut request = upload("a.pdf", &content, &[]);
        request.path = format!("{PATH}?{query}");
        assert!(error(&server.send(&request).await, 400, "INVALID_PARAMETER").contains("include_vectors"));
    }
    let twice = |name| [Part::Field(name, "1"), Part::File("a.pdf", &content), Part::Field(name, "1")];
    for name in ["force_overwrite", "collection_id", "include_vectors"] {
        let said = error(&server.send(&parts(PATH, &twice(name))).await, 400, "INVALID_PARAMETER");
        assert_eq!(said, format!("the form has more than one part {name}"));
    }
    let files = [Part::File("a.pdf", &content), Part::File("b.pdf", &content)];
    let said = error(&server.send(&parts(PATH, &files)).await, 400, "INVALID_PARAMETER");
    assert_eq!(said, "the form has more than one part file");
    let name = "n".repeat(1025);
    assert!(error(&server.upload(&name, &content, &[]).await, 400, "INVALID_PARAMETER").contains("1025"));
    let binary = [Part::Raw("Content-Disposition: form-data; name=collection_id", b"\xff\xfe")];
    error(&server.send(&parts(PATH, &binary)).await, 400, "INVALID_PARAMETER");

    let good = form("cut", &[Part::File("a.pdf", &content)]);
    let many: Vec<_> = (0..100).map(|_| Part::Field("f", "v")).collect();
    for (content_type, body) in [
        ("multipart/form-data", good.clone()),
        ("multipart/form-data; boundary=", good.clone()),
        ("multipart/form-data; boundary=other", good.clone()),
        ("multipart/form-data; boundary=cut", good[..good.len() - 6].to_vec()),
        ("multipart/form-data; boundary=cut", good[..good.len() - 20].to_vec()),
        ("multipart/form-data; boundary=cut", Vec::new()),
        ("multipart/form-data; boundary=cut", form("cut", &many)),
    ] {
        let answer = server.send(&keyed("POST", PATH).body(content_type, body)).await;
        error(&answer, 400, "INVALID_PARAMETER");
    }
    assert_eq!(server.spent().await, 0);
    assert_eq!(server.stored().await, []);
}

#[tokio::test]
async fn invalid_parameter_for_bodies_that_do_not_come() {
    let server = Wickson::with(|numbers| numbers.http.idle_timeout = Duration::from_millis(50)).await;
    let request = upload("a.pdf", &pdf(1), &[]);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&request.bytes()[..request.head().len() + 100]).await.unwrap();
    let said = error(&Answer::read(&mut stream).await, 400, "INVALID_PARAMETER");
    assert_eq!(said, "the request body sent nothing for 0.1 seconds");
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&request.bytes()[..request.head().len() + 100]).await.unwrap();
    stream.shutdown().await.unwrap();
    let said = error(&Answer::read(&mut stream).await, 400, "INVALID_PARAMETER");
    assert_eq!(said, "the request body was cut before its end");
    assert_eq!(server.stored().await, []);
}

#[tokio::test]
async fn invalid_api_key_before_anything_is_taken() {
    let server = Wickson::start().await;
    let good = upload("a.pdf", &pdf(1), &[]);
    for request in [
        good.clone().without("X-Api-Key"),
        good.clone().header("X-Api-Key", ""),
        good.clone().header("X-Api-Key", "unknown"),
        good.clone().header("X-Api-Key", "b\u{e4}d"),
        good.clone().without("X-Api-Key").header("Authorization", "Bearer key-of-acme"),
    ] {
        let answer = server.send(&request).await;
        error(&answer, 401, "INVALID_API_KEY");
        assert_eq!(answer.text("message"), "Invalid or missing API key");
        // Its head is enough.
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&request.head()).await.unwrap();
        error(&Answer::read(&mut stream).await, 401, "INVALID_API_KEY");
    }
    nothing_was_staged(&server);
}

#[tokio::test]
async fn insufficient_permissions_before_anything_is_taken() {
    let server = Wickson::with(|numbers| numbers.dialect.balance = 11).await;
    let reader = upload("a.pdf", &pdf(1), &[]).header("X-Api-Key", READER);
    let answer = server.send(&reader).await;
    assert_eq!(error(&answer, 403, "INSUFFICIENT_PERMISSIONS"), "this key lacks the role upload");
    assert_eq!(answer.text("message"), "API key lacks required capabilities");
    nothing_was_staged(&server);

    for (n, left) in [(1, 0.07), (2, 0.03)] {
        // What fails costs nothing.
        error(&server.upload("unreadable.pdf", &pdf(n), &[]).await, 500, "PROCESSING_ERROR");
        let data = server.uploaded("a.pdf", &pdf(n), &[]).await;
        assert_eq!(data["balance_info"]["new_balance"], left);
        error(
            &server.upload("a.pdf", &pdf(1), &[]).await,
            if n == 1 { 409 } else { 403 },
            if n == 1 { "DUPLICATE_FILE" } else { "INSUFFICIENT_PERMISSIONS" },
        );
    }
    let calls = server.blob_faults.trace().len();
    for key in ["key-of-acme", COLLEAGUE] {
        let answer = server.send(&upload("a.pdf", &pdf(3), &[]).header("X-Api-Key", key)).await;
        let said = error(&answer, 403, "INSUFFICIENT_PERMISSIONS");
        assert_eq!(said, "insufficient balance: an upload costs 0.04, and 0.03 are left");
    }
    assert_eq!(server.blob_faults.trace().len(), calls);
    // Each tenant has a balance of its own.
    let stranger = upload("a.pdf", &pdf(3), &[]).header("X-Api-Key", STRANGER);
    assert_eq!(server.send(&stranger).await.status, 200);
}

#[tokio::test]
async fn rate_limit_exceeded_by_key() {
    let server = Wickson::with(|numbers| numbers.dialect.rate_limit = RateLimit::new(1, 2)).await;
    let request = |n: u64, key: &str| upload("a.pdf", &pdf(n), &[]).header("X-Api-Key", key);
    for n in [1, 2] {
        assert_eq!(server.send(&request(n, "key-of-acme")).await.status, 200);
    }
    let staged = server.blob_faults.trace().len();
    for _ in 0..3 {
        let answer = server.send(&request(3, "key-of-acme")).await;
        assert!(error(&answer, 429, "RATE_LIMIT_EXCEEDED").starts_with("try again in "));
        assert_eq!(answer.text("message"), "Too many requests in time period");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
    assert_eq!(server.blob_faults.trace().len(), staged);
    for key in [COLLEAGUE, STRANGER] {
        assert_eq!(server.send(&request(3, key)).await.status, 200, "{key}");
    }
    // Whoever may not upload, or is nobody, does not use it up.
    for _ in 0..5 {
        error(&server.send(&request(3, "unknown")).await, 401, "INVALID_API_KEY");
        error(&server.send(&request(3, READER)).await, 403, "INSUFFICIENT_PERMISSIONS");
    }
}

#[tokio::test]
async fn processing_error_keeps_and_costs_nothing() {
    let server = Wickson::with(|numbers| numbers.engine.process_time = Duration::from_millis(20)).await;
    for (n, (name, said)) in [
        ("unreadable.pdf", "the pages of the PDF go round in circles"),
        ("failing.pdf", "the content could not be processed this time"),
        ("endless.pdf", "the content could not be processed this time"),
    ]
    .into_iter()
    .enumerate()
    {
        let content = pdf(n as u64);
        for fields in [&[][..], &[("force_overwrite", "true")]] {
            let answer = server.upload(name, &content, fields).await;
            assert_eq!(error(&answer, 500, "PROCESSING_ERROR"), said, "{name}");
            assert_eq!(answer.text("message"), "Error during media processing");
        }
        // It is not there, so it can be uploaded.
        assert_eq!(server.upload("good.pdf", &content, &[]).await.status, 200);
        assert_eq!(server.spent().await, 4 * (n as u64 + 1));
        // A bad one does not take the place of a good one.
        error(&server.upload(name, &content, &[("force_overwrite", "1")]).await, 500, "PROCESSING_ERROR");
        error(&server.upload("good.pdf", &content, &[]).await, 409, "DUPLICATE_FILE");
    }
    assert_eq!(server.completed.ids().len(), 3);
    assert_eq!(server.stored().await, []);
}

#[tokio::test]
async fn processing_error_where_the_server_is_wrongly_set_up() {
    let server = Wickson::with(|numbers| numbers.dialect.destination = "nowhere".into()).await;
    let said = error(&server.upload("a.pdf", &pdf(1), &[]).await, 500, "PROCESSING_ERROR");
    assert!(said.contains("nowhere"), "{said}");
}

#[tokio::test]
async fn service_unavailable() {
    let server = Wickson::start().await;
    let down = async || {
        let answer = server.upload("a.pdf", &pdf(1), &[]).await;
        assert_eq!(error(&answer, 503, "SERVICE_UNAVAILABLE"), "the storage is not available");
        assert_eq!(answer.text("message"), "Service temporarily unavailable");
        assert_eq!(answer.header("retry-after"), Some("2"));
    };
    server.blob_faults.stop();
    down().await;
    server.blob_faults.heal();
    server.record_faults.stop();
    down().await;
    server.record_faults.heal();
    assert_eq!(server.upload("a.pdf", &pdf(1), &[]).await.status, 200);
    assert_eq!(server.stored().await, []);
    let answer = server.upload("b.pdf", &pdf(2), &[]).await;
    assert_eq!(error(&answer, 503, "SERVICE_UNAVAILABLE"), "the server is stopping; send this again");
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn other_paths_and_methods() {
    let server = Wickson::start().await;
    error(&without_cors(server.send(&Request::new("GET", "/nowhere")).await), 404, "NOT_FOUND");
    for method in ["GET", "PUT", "DELETE"] {
        let answer = server.send(&keyed(method, PATH)).await;
        error(&answer, 405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), Some("POST"));
    }
}

/// The fallback is the application's, which adds what it wants.
fn without_cors(mut answer: Answer) -> Answer {
    answer.headers.push(("access-control-allow-origin".into(), "*".into()));
    answer
}
