//! The two flows of the API page, byte for byte as its programs send them, and downloads of what they uploaded.

use std::sync::Arc;

use crate::support::{Answer, KEY, MB, OTHER, Part, READER, Request, Server, WRITER};
use crate::support::{chunk, create, form_to, jpeg, mp4, noise, sha, single};
use axum::Router;
use tokio::io::AsyncWriteExt as _;
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

/// `b"\r\n".join(body)` of the page's programs.
fn joined(lines: &[&[u8]]) -> Vec<u8> {
    lines.join(&b"\r\n"[..])
}

/// A request as urllib sends it.
fn urllib(method: &str, path: &str, content_type: &str, body: Vec<u8>) -> Request {
    Request::new(method, path)
        .body(content_type, body)
        .header("Accept-Encoding", "identity")
        .header("User-Agent", "Python-urllib/3.11")
        .header("Connection", "close")
        .without("x-pico-api-org")
        .header("X-pico-api-org", KEY)
}

/// An id as the engine makes them stands where the golden text has `<id>`.
fn id_in<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let id = text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    let id = id.unwrap_or_else(|| panic!("expected {before}<id>{after}, got {text}"));
    assert!(id.len() == 33 && id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()), "{id}");
    id
}

#[tokio::test]
async fn the_program_for_images() {
    let server = Server::start().await;
    let image = jpeg(3 * MB + 17);
    let boundary = "----PythonFormBoundary7MA4YWxkTrZu0gW";
    let delimiter = format!("--{boundary}");
    let body = joined(&[
        delimiter.as_bytes(),
        b"Content-Disposition: form-data; name=\"destinationId\"",
        b"",
        b"stepImage",
        delimiter.as_bytes(),
        b"Content-Disposition: form-data; name=\"file\"; filename=\"step_image.jpg\"",
        b"Content-Type: image/jpeg",
        b"",
        &image,
        format!("--{boundary}--").as_bytes(),
        b"",
    ]);
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let answer = server.send(&urllib("POST", "/uploads", &content_type, body)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let text = String::from_utf8(answer.body.clone()).unwrap();
    id_in(&text, "{\"path\":\"/api/v1/images/", "-step_image.jpg\"}");

    let got = server.get(&answer.text("path")).await;
    assert_eq!((got.status, got.body == image), (200, true));
    assert_eq!(got.header("content-type"), Some("image/jpeg"));
    assert_eq!(got.header("etag"), Some(format!("\"{}\"", sha(&image)).as_str()));
}

#[tokio::test]
async fn the_program_for_videos() {
    let server = Server::start().await;
    let video = mp4(12 * MB + 5);
    let size = 5 * MB;
    let json = format!(
        "{{\"destinationId\": \"stepVideo\", \"fileName\": \"assembly.mp4\", \"fileSize\": {}, \"sha\": \"{}\"}}",
        video.len(),
        sha(&video)
    );
    let answer = server.send(&urllib("POST", "/uploads", "application/json", json.into_bytes())).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = String::from_utf8(answer.body.clone()).unwrap();
    let id = id_in(&text, "{\"streamId\":\"", "\"}").to_owned();

    let total = video.len().div_ceil(size);
    let mut last = String::new();
    for (index, content) in video.chunks(size).enumerate() {
        let boundary = "----PythonChunkBoundary";
        let delimiter = format!("--{boundary}");
        let body = joined(&[
            delimiter.as_bytes(),
            b"Content-Disposition: form-data; name=\"chunkIndex\"",
            b"",
            index.to_string().as_bytes(),
            delimiter.as_bytes(),
            b"Content-Disposition: form-data; name=\"totalChunks\"",
            b"",
            total.to_string().as_bytes(),
            delimiter.as_bytes(),
            b"Content-Disposition: form-data; name=\"file\"; filename=\"chunk.bin\"",
            b"Content-Type: application/octet-stream",
            b"",
            content,
            format!("--{boundary}--").as_bytes(),
            b"",
        ]);
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let answer = server.send(&urllib("PATCH", &format!("/uploads/{id}"), &content_type, body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        last = String::from_utf8(answer.body).unwrap();
        if index + 1 < total {
            assert_eq!(last, format!("{{\"streamId\":\"{id}\",\"chunkIndex\":{index}}}"));
        }
    }
    assert_eq!(last, format!("{{\"path\":\"/api/v1/videos/{id}-assembly.mp4\"}}"));
    let got = server.get(&format!("/api/v1/videos/{id}-assembly.mp4")).await;
    assert_eq!((got.status, got.body == video), (200, true));
    assert_eq!(got.header("content-type"), Some("video/mp4"));
    assert!(got.header("content-disposition").unwrap().starts_with("attachment; filename=\"assembly.mp4\""));
}

#[tokio::test]
async fn fields_of_a_single_upload_come_in_any_order() {
    let server = Server::start().await;
    let image = jpeg(100_000);
    let digest = sha(&image).to_uppercase();
    let parts = || {
        [
            Part::Field("destinationId", "stepImage"),
            Part::File("a.jpg", &image),
            Part::Field("sha", &digest),
            Part::Field("comment", "nobody reads this"),
            Part::Raw("Content-Disposition: form-data; name=extra; filename=b.bin", &image),
        ]
    };
    for turn in 0..5 {
        let mut parts = parts();
        parts.rotate_left(turn);
        for _ in 0..2 {
            let answer = server.send(&form_to("POST", "/uploads", &parts)).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(server.get(&answer.text("path")).await.body, image);
            parts.reverse();
        }
    }
}

#[tokio::test]
async fn fields_of_a_chunk_come_in_any_order() {
    let server = Server::start().await;
    let content = noise(7, 60_000);
    let orders: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        let id = server.begin("any", "x.bin", &content).await;
        let mut last = None;
        for (index, piece) in content.chunks(20_000).enumerate() {
            let index = index.to_string();
            let parts = order.map(|which| match which {
                0 => Part::Field("chunkIndex", &index),
                1 => Part::Field("totalChunks", "3"),
                _ => Part::Raw("content-disposition: form-data; filename*=UTF-8''%C3%BC; name=file", piece),
            });
            let answer = server.send(&form_to("PATCH", &format!("/uploads/{id}"), &parts)).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            last = Some(answer);
        }
        assert_eq!(server.get(&last.unwrap().text("path")).await.body, content, "{order:?}");
    }
}

#[tokio::test]
async fn an_empty_file_is_finished_when_it_begins() {
    let server = Server::start().await;
    let answer = server.send(&create("any", "nothing.txt", 0, &sha(b""))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.text("path"), format!("/files/{}-nothing.txt", answer.text("streamId")));
    let got = server.get(&answer.text("path")).await;
    assert_eq!((got.status, got.body.len()), (200, 0));
    let answer = server.send(&single("any", "nothing.txt", b"")).await;
    assert_eq!(server.get(&answer.text("path")).await.status, 200);

    for destination in ["stepImage", "stepVideo", "stepVideoGif"] {
        server.send(&create(destination, "nothing", 0, &sha(b""))).await.error(400);
        server.send(&single(destination, "nothing", b"")).await.error(400);
    }
    server.send(&create("any", "nothing.txt", 0, &sha(b"other"))).await.error(400);
}

#[tokio::test]
async fn it_works_below_any_path() {
    let place = |router: Router| Router::new().nest("/media/v2", router);
    let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
    let server = Server::over(blobs, records, |_| {}, place).await;
    let below = |mut request: Request| {
        request.path = format!("/media/v2{}", request.path);
        request
    };
    let answer = server.send(&below(single("stepImage", "a.jpg", &jpeg(1000)))).await;
    assert!(answer.text("path").starts_with("/media/v2/api/v1/images/"), "{answer:?}");
    assert_eq!(server.get(&answer.text("path")).await.body, jpeg(1000));

    let content = noise(1, 3000);
    let id = server.send(&below(create("any", "b", 3000, &sha(&content)))).await.text("streamId");
    let answer = server.send(&below(chunk(&id, 0, 1, &content))).await;
    assert_eq!(answer.text("path"), format!("/media/v2/files/{id}-b"));
    assert_eq!(server.get(&answer.text("path")).await.body, content);
}

#[tokio::test]
async fn downloads_have_ranges_validators_and_heads() {
    let server = Server::start().await;
    let content = [&b"%PDF-1.7\n"[..], &noise(3, 3 * MB)].concat();
    let path = server.send(&single("any", "../\u{202e}p\u{e4}ge.pdf", &content)).await.text("path");
    assert!(path.ends_with("-_p_ge.pdf"), "{path}");
    let get = |name: &str, value: &str| Request::new("GET", &path).header(name, value);

    let part = server.send(&get("Range", "bytes=5-2097156")).await;
    assert_eq!((part.status, part.body == content[5..2_097_157]), (206, true));
    assert_eq!(part.header("content-range"), Some(format!("bytes 5-2097156/{}", content.len()).as_str()));
    assert_eq!(part.header("x-content-type-options"), Some("nosniff"));
    let tail = server.send(&get("Range", "bytes=-3")).await;
    assert_eq!((tail.status, &tail.body[..]), (206, &content[content.len() - 3..]));
    for beyond in ["bytes=99999999-", "bytes=0-1,3-4"] {
        let answer = server.send(&get("Range", beyond)).await;
        assert_eq!(
            (answer.status, answer.header("content-range").unwrap().starts_with("bytes */")),
            (416, true)
        );
    }

    let etag = part.header("etag").unwrap().to_owned();
    let cached = server.send(&get("If-None-Match", &etag)).await;
    assert_eq!((cached.status, cached.body.len()), (304, 0));
    let modified = part.header("last-modified").unwrap().to_owned();
    assert_eq!(server.send(&get("If-Modified-Since", &modified)).await.status, 304);
    assert_eq!(server.send(&get("If-Match", "\"other\"")).await.status, 412);
    let resumed = get("Range", "bytes=9-").header("If-Range", "\"other\"");
    assert_eq!(server.send(&resumed).await.status, 200);

    let mut stream = server.connect().await;
    stream.write_all(&Request::new("HEAD", &path).bytes()).await.unwrap();
    let head = Answer::read_head(&mut stream).await;
    assert_eq!((head.status, head.header("content-length")), (200, Some(content.len().to_string().as_str())));
    // Nothing followed the head: the connection is in step.
    stream.write_all(&get("Range", "bytes=0-0").bytes()).await.unwrap();
    assert_eq!(Answer::read(&mut stream).await.body, content[..1]);
}

#[tokio::test]
async fn a_path_is_read_by_the_tenants_readers_alone() {
    let server = Server::start().await;
    let path = server.send(&single("any", "a.bin", b"mine")).await.text("path");
    let get = |key: &str| Request::new("GET", &path).key(key);
    assert_eq!(server.send(&get(READER)).await.body, b"mine");
    let id = path.rsplit('/').next().unwrap().split('-').next().unwrap();
    assert_eq!(server.get(&format!("/files/{id}-any-name-at-all")).await.body, b"mine");
    let missing = server.get(&format!("/files/{}-a.bin", "0".repeat(33))).await;
    assert_eq!(missing.error(404), "stream not found");
    let same = |answer: Answer| {
        let without_date = |answer: &Answer| {
            let headers =
                answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect::<Vec<_>>();
            (answer.status, headers, answer.body.clone())
        };
        assert_eq!(without_date(&answer), without_date(&missing));
    };
    for key in [OTHER, WRITER, "unknown", "b\u{e4}d"] {
        same(server.send(&get(key)).await);
    }
    same(server.send(&get(KEY).without("x-pico-api-org")).await);

    let open = server.send(&single("public", "a.bin", b"everybody's")).await.text("path");
    assert!(open.starts_with("/open/{all}/"), "{open}");
    for request in
        [Request::new("GET", &open).without("x-pico-api-org"), Request::new("GET", &open).key("unknown")]
    {
        let answer = server.send(&request).await;
        assert_eq!((answer.status, &answer.body[..]), (200, &b"everybody's"[..]));
        assert_eq!(answer.header("cache-control"), Some("public, no-cache"));
    }
}
