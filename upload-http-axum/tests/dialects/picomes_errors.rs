//! Every error of the page, and every input that should not be: a clear JSON error, and nothing lost.

use crate::support::{Answer, KEY, MB, OTHER, Part, READER, Request, Server, WRITER};
use crate::support::{chunk, create, form, form_to, jpeg, mp4, noise, sha, single};
use tokio::io::AsyncWriteExt as _;

#[tokio::test]
async fn keys_are_asked_for_first() {
    let server = Server::start().await;
    for request in
        [single("stepImage", "a", &jpeg(10)), create("any", "a", 1, &sha(b"")), chunk("x", 0, 1, b"")]
    {
        let answer = server.send(&request.clone().without("x-pico-api-org")).await;
        assert_eq!(answer.error(401), "an API key is required");
        let answer = server.send(&request.key("guessed")).await;
        assert_eq!(answer.error(401), "the API key is not known");
    }
    for request in [single("any", "a", b"x"), create("any", "a", 1, &sha(b""))] {
        assert!(server.send(&request.clone().key(READER)).await.error(403).contains("upload"));
        assert_eq!(server.send(&request.key(WRITER)).await.status, 200);
    }
}

#[tokio::test]
async fn files_over_the_limit_name_both_sizes() {
    let server = Server::start().await;
    let too_large = jpeg(9 * MB + MB / 2);
    let said = "file of size 10MB is larger than 8MB";
    assert_eq!(server.send(&single("stepImage", "a.jpg", &too_large)).await.error(413), said);
    let file_first = [Part::File("a.jpg", &too_large), Part::Field("destinationId", "stepImage")];
    assert_eq!(server.send(&form_to("POST", "/uploads", &file_first)).await.error(413), said);
    // Without a length only what has arrived is known.
    let request = single("stepImage", "a.jpg", &too_large).chunked();
    assert_eq!(server.raw(&request).await.error(413), "file of size 9MB is larger than 8MB");

    let sha = sha(b"");
    let answer = server.send(&create("stepImage", "a.jpg", 15 << 20, &sha)).await;
    assert_eq!(answer.error(413), "file of size 15MB is larger than 8MB");
    let answer = server.send(&create("stepVideo", "a.mp4", u64::MAX, &sha)).await;
    assert_eq!(answer.error(413), "file of size 17592186044416MB is larger than 500MB");

    // A whole request over the limit is refused by its announced length: its body is never sent.
    let mut request = single("stepVideo", "a.mp4", &mp4(10));
    request.told = Some(15 << 20);
    let answer = server.raw(&request.head()).await;
    assert_eq!(answer.error(413), "request of size 15MB is larger than 10MB; use chunked upload");
    request.method = "PATCH".into();
    request.path = format!("/uploads/{}", "0".repeat(33));
    request.told = Some(70 << 20);
    assert_eq!(server.raw(&request.head()).await.error(413), "chunk of size 70MB is larger than 65MB");
    let request = single("any", "a", &noise(1, 11 * MB)).chunked();
    assert!(server.raw(&request).await.error(413).ends_with("use chunked upload"));
}

#[tokio::test]
async fn a_type_is_refused_by_its_content_while_the_rest_is_still_to_come() {
    let server = Server::start().await;
    let said = |answer: Answer| {
        let said = answer.error(400);
        assert!(said.contains("accepts"), "{said}");
    };
    let html = [&b"<!DOCTYPE html><script>"[..], &noise(1, 20_000)].concat();
    said(server.send(&single("stepImage", "a.jpg", &html)).await);
    said(server.send(&single("stepImage", "a.jpg", &mp4(1000))).await);
    let file_first = [Part::File("a.jpg", &html), Part::Field("destinationId", "stepImage")];
    said(server.send(&form_to("POST", "/uploads", &file_first)).await);

    // The answer comes before the client has sent more than the beginning.
    let request = single("stepImage", "a.jpg", &[&html[..], &noise(2, MB)].concat());
    let bytes = request.bytes();
    let (begun, rest) = bytes.split_at(request.head().len() + 16_000);
    let mut stream = server.connect().await;
    stream.write_all(begun).await.unwrap();
    said(Answer::read(&mut stream).await);
    // And the connection goes on once the rest has come.
    stream.write_all(rest).await.unwrap();
    stream.write_all(&single("stepImage", "a.jpg", &jpeg(100)).bytes()).await.unwrap();
    assert_eq!(Answer::read(&mut stream).await.status, 200);

    let video = jpeg(30_000);
    let id = server.begin("stepVideo", "a.mp4", &video).await;
    said(server.send(&chunk(&id, 0, 2, &video[..15_000])).await);
    server.send(&chunk(&id, 0, 2, &video[..15_000])).await.error(404);
}

#[tokio::test]
async fn a_wrong_sha_is_refused_at_the_end_and_the_stream_is_gone() {
    let server = Server::start().await;
    let content = noise(5, 5000);
    let wrong = sha(b"something else");
    let parts = [Part::Field("destinationId", "any"), Part::Field("sha", &wrong), Part::File("a", &content)];
    assert!(server.send(&form_to("POST", "/uploads", &parts)).await.error(400).contains(&wrong));
    let parts = [Part::File("a", &content), Part::Field("sha", &wrong), Part::Field("destinationId", "any")];
    assert!(server.send(&form_to("POST", "/uploads", &parts)).await.error(400).contains(&wrong));

    let id = server.send(&create("any", "a", 5000, &wrong)).await.text("streamId");
    assert_eq!(server.send(&chunk(&id, 0, 2, &content[..4000])).await.status, 200);
    assert!(server.send(&chunk(&id, 1, 2, &content[4000..])).await.error(400).contains(&wrong));
    server.send(&chunk(&id, 1, 2, &content[4000..])).await.error(404);
    server.get(&format!("/files/{id}-a")).await.error(404);
}

#[tokio::test]
async fn another_tenants_stream_is_no_stream() {
    let server = Server::start().await;
    let content = noise(6, 9000);
    let id = server.begin("any", "a", &content).await;
    assert_eq!(server.send(&chunk(&id, 0, 3, &content[..3000])).await.status, 200);
    let theirs = |id: &str| {
        let file_first =
            [Part::File("c", &content), Part::Field("chunkIndex", "1"), Part::Field("totalChunks", "3")];
        let no_fields = form_to("PATCH", &format!("/uploads/{id}"), &[Part::File("c", &content)]);
        [
            chunk(id, 0, 3, &content[..3000]).key(OTHER),
            chunk(id, 1, 3, &content[..3000]).key(OTHER),
            chunk(id, 1, 9, b"").key(OTHER),
            form_to("PATCH", &format!("/uploads/{id}"), &file_first).key(OTHER),
            no_fields.key(OTHER),
        ]
    };
    let answered = |answer: Answer| (answer.error(404), answer.headers.len());
    let foreign_ids =
        ["0".repeat(33), id.replace(|c: char| c.is_ascii_digit(), "z"), format!("{id}x"), "%00".into()];
    for (mine, missing) in theirs(&id).iter().zip(theirs(&foreign_ids[0])) {
        assert_eq!(answered(server.send(mine).await), answered(server.send(&missing).await));
    }
    for id in &foreign_ids {
        assert_eq!(server.send(&chunk(id, 0, 3, b"x").key(KEY)).await.error(404), "stream not found");
    }
    for (index, piece) in content.chunks(3000).enumerate() {
        assert_eq!(server.send(&chunk(&id, index, 3, piece)).await.status, 200);
    }
    assert_eq!(server.get(&format!("/files/{id}-a")).await.body, content);
}

#[tokio::test]
async fn chunks_that_do_not_fit_are_named_and_lose_nothing() {
    let server = Server::start().await;
    let content = noise(8, 10_000);
    let id = server.begin("any", "a", &content).await;
    let send = async |index, total, piece: &[u8]| server.send(&chunk(&id, index, total, piece)).await;
    let refused = async |index, total, piece: &[u8], words: &[&str]| {
        let said = send(index, total, piece).await.error(400);
        assert!(words.iter().all(|word| said.contains(word)), "{said}: expected {words:?}");
    };
    assert_eq!(send(1, 4, &content[3000..6000]).await.status, 200);
    refused(2, 4, &content[6000..8000], &["2", "2000", "3000"]).await;
    refused(1, 4, &content[2000..5000], &[]).await;
    refused(0, 5, &content[..3000], &["4", "5"]).await;
    refused(4, 4, &content[..3000], &["chunkIndex", "4"]).await;
    refused(0, 20_000, &content[..3000], &["20000"]).await;
    let answer = send(1, 4, &content[3000..6000]).await;
    assert_eq!(answer.text("streamId"), id);
    for index in [0, 2] {
        assert_eq!(send(index, 4, &content[index * 3000..][..3000]).await.status, 200);
    }
    refused(3, 4, &content[9000..9999], &["3", "999", "1000"]).await;
    let path = send(3, 4, &content[9000..]).await.text("path");
    assert_eq!(server.get(&path).await.body, content);
    // Complete: any chunk again gives the path, other bytes do not.
    for index in 0..4 {
        let piece = &content[index * 3000..content.len().min(index * 3000 + 3000)];
        assert_eq!(send(index, 4, piece).await.text("path"), path);
        refused(index, 4, &piece[1..], &[]).await;
    }
    assert_eq!(server.get(&path).await.body, content);
}

#[tokio::test]
async fn bad_requests_are_refused_clearly() {
    let server = Server::start().await;
    let content = noise(9, 4000);
    let id = server.begin("any", "a", &content).await;
    let stream = format!("/uploads/{id}");
    let good = form(
        "cut",
        &[Part::Field("chunkIndex", "0"), Part::Field("totalChunks", "2"), Part::File("c", b"12")],
    );
    let megabyte = "n".repeat(MB);
    let many: Vec<_> = (0..10_000).map(|_| Part::Field("f", "v")).collect();
    let place = |index: &str, total: &str| {
        form(
            "cut",
            &[Part::Field("chunkIndex", index), Part::Field("totalChunks", total), Part::File("c", b"12")],
        )
    };
    let cut = "multipart/form-data; boundary=cut";
    let long_boundary = format!("{cut}{}", "x".repeat(70));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("multipart/form-data", good.clone(), "boundary"),
        ("multipart/form-data; boundary=", good.clone(), "boundary"),
        (&long_boundary, good.clone(), "70"),
        ("multipart/form-data; boundary=other", good.clone(), "boundary"),
        ("text/plain", good.clone(), "multipart/form-data"),
        ("", good.clone(), "Content-Type"),
        (cut, good[..good.len() - 5].to_vec(), "closing boundary"),
        (cut, good[..good.len() - 15].to_vec(), "closing boundary"),
        (cut, good[..60].to_vec(), "ends"),
        (cut, Vec::new(), "ends"),
        (cut, b"not a form at all\r\n".to_vec(), "ends"),
        (cut, good.iter().copied().filter(|byte| *byte != b'\r').collect(), ""),
        (cut, form("cut", &many), "64 parts"),
        (cut, form("cut", &[Part::Field(&megabyte, "v")]), "8192 bytes"),
        (cut, form("cut", &[Part::Field("chunkIndex", &megabyte)]), "65536 bytes"),
        (
            cut,
            form("cut", &[Part::Field("chunkIndex", "0"), Part::Field("chunkIndex", "0")]),
            "more than one",
        ),
        (cut, place("-1", "2"), "chunkIndex must be a whole number"),
        (cut, place("NaN", "2"), "got \"NaN\""),
        (cut, place("99999999999999999999", "2"), "chunkIndex"),
        (cut, place("4294967295", "2"), "chunkIndex"),
        (cut, place("0", "0"), "totalChunks"),
        (cut, place("0", "-2"), "totalChunks"),
        (
            cut,
            form("cut", &[Part::Field("chunkIndex", "0"), Part::Field("totalChunks", "2")]),
            "missing field file",
        ),
        (
            cut,
            form("cut", &[Part::Field("totalChunks", "2"), Part::File("c", b"12")]),
            "missing field chunkIndex",
        ),
        (cut, form("cut", &[Part::File("c", b"12")]), "missing fields chunkIndex, totalChunks"),
    ];
    for (content_type, body, words) in cases {
        let mut request = Request::new("PATCH", &stream).body(content_type, body);
        if content_type.is_empty() {
            request = request.without("Content-Type");
        }
        let said = server.send(&request).await.error(400);
        assert!(said.contains(words) && said.len() < 300, "{content_type}: expected {words:?}, got {said}");
        request.method = "POST".into();
        request.path = "/uploads".into();
        let said = server.send(&request).await.error(400);
        assert!(said.len() < 300, "{said}");
    }
    // Nothing was lost.
    assert_eq!(server.send(&chunk(&id, 0, 2, &content[..2000])).await.status, 200);
    let path = server.send(&chunk(&id, 1, 2, &content[2000..])).await.text("path");
    assert_eq!(server.get(&path).await.body, content);
}

#[tokio::test]
async fn bodies_that_lie_about_their_length() {
    let server = Server::start().await;
    let content = noise(10, 4000);
    let id = server.begin("any", "a", &content).await;
    // Less than told: the file ends early, and the client waits for an answer with its own side closed.
    let request = chunk(&id, 0, 1, &content);
    let mut stream = server.connect().await;
    stream.write_all(&request.bytes()[..request.bytes().len() - 1000]).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = Answer::read(&mut stream).await;
    assert_eq!(answer.error(400), "the request body was cut before its end");
    // More than told: the form ends early, and what follows is no request.
    let mut request = chunk(&id, 0, 1, &content);
    request.told = Some(request.body.len() - 1000);
    assert!(server.send(&request).await.error(400).contains("closing boundary"));
    // Nothing was stored so far. A form that is whole counts, though more was told.
    let mut request = chunk(&id, 0, 1, &content);
    request.told = Some(request.body.len() + 1000);
    let mut stream = server.connect().await;
    stream.write_all(&request.bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let path = Answer::read(&mut stream).await.text("path");
    assert_eq!(server.get(&path).await.body, content);
}

#[tokio::test]
async fn names_are_cleaned_and_never_lead_elsewhere() {
    let server = Server::start().await;
    let odd = [
        "../../etc/passwd",
        "C:\\dir\\a.jpg",
        "/",
        "..",
        ".",
        "",
        "a\0b",
        "a\nb",
        "a\r\nSet-Cookie: x",
        "\u{202e}gpj.exe",
        "日本語.mp4",
        "<script>",
        "%2e%2e%2f",
        &"n".repeat(1000),
    ];
    for name in odd {
        let content = noise(name.len() as u64, 100);
        let id = server.send(&create("any", name, 100, &sha(&content))).await.text("streamId");
        let path = server.send(&chunk(&id, 0, 1, &content)).await.text("path");
        let cleaned = path.strip_prefix(&format!("/files/{id}-")).unwrap();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        assert!((1..=100).contains(&cleaned.len()) && cleaned.bytes().all(plain), "{name:?}: {cleaned:?}");
        let got = server.get(&path).await;
        assert_eq!((got.status, got.header("set-cookie")), (200, None), "{name:?}");
        assert_eq!(got.body, content);
    }
    let said = server.send(&create("any", &"n".repeat(1025), 1, &sha(b""))).await.error(400);
    assert!(said.contains("1024"), "{said}");
}

#[tokio::test]
async fn mistakes_in_method_and_path_get_json_too() {
    let server = Server::start().await;
    for (method, path, allow) in
        [("PUT", "/uploads", "POST"), ("GET", "/uploads", "POST"), ("POST", "/files/x-y", "GET,HEAD")]
    {
        let answer = server.send(&Request::new(method, path)).await;
        answer.error(405);
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    assert_eq!(server.send(&Request::new("GET", "/nowhere")).await.status, 404);
    assert_eq!(
        server.send(&Request::new("GET", "/nowhere")).await.text("error"),
        "there is nothing at this path"
    );
    server.send(&Request::new("GET", "/files/%ff-x")).await.error(404);
    assert!(server.send(&single("nowhere", "a", b"x")).await.error(400).contains("stepImage"));
    assert!(server.send(&create("nowhere", "a", 1, &sha(b""))).await.error(400).contains("stepImage"));
    let json = Request::new("POST", "/uploads").body("application/json", vec![b' '; 70 << 10]);
    assert!(server.send(&json).await.error(413).contains("65536"));
}

#[tokio::test]
async fn other_sites_may_ask_and_see_errors() {
    let server = Server::start().await;
    for path in ["/uploads", "/uploads/abc", "/files/abc-d"] {
        let ask = Request::new("OPTIONS", path)
            .without("x-pico-api-org")
            .header("Origin", "https://app.example")
            .header("Access-Control-Request-Method", "PATCH")
            .header("Access-Control-Request-Headers", "content-type,x-pico-api-org");
        let answer = server.send(&ask).await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-methods"), Some("POST, PATCH, GET, HEAD"));
        assert!(
            answer
                .header("access-control-allow-headers")
                .unwrap()
                .starts_with("content-type, x-pico-api-org")
        );
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    let answer = server.send(&single("any", "a", b"x").header("Origin", "null")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
    assert!(answer.header("access-control-expose-headers").unwrap().contains("retry-after"));

    let server = Server::with(|settings| settings.cors.origins = vec!["https://app.example".into()]).await;
    for (origin, allowed) in [("https://app.example", true), ("https://evil.example", false)] {
        let answer = server.send(&Request::new("GET", "/uploads").header("Origin", origin)).await;
        assert_eq!(answer.header("access-control-allow-origin"), allowed.then_some(origin));
        assert_eq!((answer.status, answer.header("vary")), (405, Some("origin")));
    }
    let server = Server::with(|settings| settings.cors.enabled = false).await;
    assert_eq!(server.get("/uploads").await.header("access-control-allow-origin"), None);
}
