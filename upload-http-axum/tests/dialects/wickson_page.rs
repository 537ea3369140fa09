//! Uploads as the API page shows them: its programs byte for byte, its answer field by field.

use crate::support;
use crate::wickson::{COLLEAGUE, KEY, PATH, STRANGER, Wickson, error, keyed, media, parts, pdf, upload};
use serde_json::{Value, json};
use support::{Part, Request, sha};

/// The text between two others, which stand there once.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} in {rest}")).0
}

/// The page's Python program as `requests` sends it: fields first, and a file without a Content-Type.
fn python(content: &[u8]) -> Request {
    let boundary = "8f0bd1a5f3e34b1c9d1e6f0a7b2c3d4e";
    let mut body = Vec::new();
    for (name, value) in [("collection_id", "research"), ("force_overwrite", "false")] {
        body.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .as_bytes(),
        );
    }
    body.extend_from_slice(
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"research_paper.pdf\"\r\n\r\n"
        )
        .as_bytes(),
    );
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    keyed("POST", PATH)
        .body(&format!("multipart/form-data; boundary={boundary}"), body)
        .header("User-Agent", "python-requests/2.34.2")
        .header("Accept-Encoding", "gzip, deflate")
        .header("Accept", "*/*")
        .header("Connection", "keep-alive")
}

#[tokio::test]
async fn the_python_program() {
    let server = Wickson::start().await;
    let content = pdf(1);
    let answer = server.send(&python(&content)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let text = String::from_utf8(answer.body.clone()).unwrap();
    let (job, request) = (between(&text, "\"job_id\":\"", "\""), between(&text, "\"request_id\":\"", "\""));
    assert!(job.starts_with("job_") && job.len() == 40 && &job[18..19] == "5", "{job}");
    assert!(request.starts_with("req_"));
    let summary = "What it is about. ".repeat(20);
    // The clock of the tests stands still. The id is what Python's `uuid5` gives.
    let golden = format!(
        "{{\"success\":true,\"message\":\"Media processed successfully\",\"data\":{{\
         \"media_id\":\"doc_b0b22609-704e-5da0-85d8-73478b761ac6\",\"media_type\":\"document\",\"status\":\"completed\",\
         \"processing_info\":{{\"started_at\":\"2023-11-14T22:15:23.456000\",\
         \"completed_at\":\"2023-11-14T22:15:23.456000\",\"job_id\":\"{job}\"}},\
         \"content_summary\":{{\"keywords\":[\"apples\"],\"summary\":\"{summary}\",\"topics\":[\"Apple Fertilization\"]}},\
         \"file_details\":{{\"filename\":\"research_paper.pdf\",\"size_bytes\":{},\"checksum\":\"{}\",\
         \"media_type\":\"document\",\"page_count\":23,\"word_count\":1234}},\
         \"storage_info\":{{\"collection\":\"research\",\"vectors_stored\":1,\
         \"stored_at\":\"2023-11-14T22:15:23.456000\"}},\
         \"balance_info\":{{\"previous_balance\":1000000.00,\"cost\":0.04,\"new_balance\":999999.96}}}},\
         \"metadata\":{{\"cost\":0.04,\"collection\":\"research\",\"request_id\":\"{request}\",\
         \"processing_time_ms\":0}},\"timestamp\":\"2023-11-14T22:15:23.456000\"}}",
        content.len(),
        sha(&content),
    );
    assert_eq!(text, golden);

    // A second run prints that the file exists.
    let answer = server.send(&python(&content)).await;
    let said = error(&answer, 409, "DUPLICATE_FILE");
    assert_eq!(
        said,
        "the collection \"research\" has the same content already, as doc_b0b22609-704e-5da0-85d8-73478b761ac6"
    );
    assert_eq!(answer.text("message"), "File already exists (use force_overwrite=true to replace)");
    assert_eq!(server.spent().await, 4);
}

#[tokio::test]
async fn the_curl_program() {
    let server = Wickson::start().await;
    let content = pdf(2);
    let boundary = "------------------------1dQ6nB3kXv2mJ9sLp0aZtY";
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file.pdf\"\r\n\
         Content-Type: application/pdf\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(&content);
    for (name, value) in [("force_overwrite", "true"), ("collection_id", "my_collection")] {
        let part =
            format!("\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}");
        body.extend_from_slice(part.as_bytes());
    }
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let request = keyed("POST", "/v1/media?include_vectors=true")
        .body(&format!("multipart/form-data; boundary={boundary}"), body)
        .header("User-Agent", "curl/8.14.1")
        .header("Accept", "*/*");
    let mut first = None;
    for run in 1..=2 {
        let answer = server.send(&request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let data = &answer.json()["data"];
        assert_eq!(data["storage_info"]["collection"], "my_collection");
        assert_eq!(data["vectors"], json!({"combined": [0.125, -0.5]}));
        let left = 1_000_000.00 - 0.04 * f64::from(run);
        assert_eq!(data["balance_info"]["new_balance"].as_f64().unwrap(), (left * 100.0).round() / 100.0);
        assert_eq!(first.get_or_insert(data["media_id"].clone()), &data["media_id"]);
    }
    assert_eq!(server.spent().await, 8);
}

#[tokio::test]
async fn fields_come_in_any_order_and_unknown_ones_are_ignored() {
    let server = Wickson::start().await;
    let content = pdf(3);
    let parts_of = || {
        [
            Part::File("a.pdf", &content),
            Part::Field("collection_id", "any.order_1"),
            Part::Field("force_overwrite", "TRUE"),
            Part::Field("include_vectors", "1"),
            Part::Field("title", "nobody reads this"),
            Part::Raw("Content-Disposition: form-data; name=extra; filename=b.bin", &content),
        ]
    };
    let mut runs = 0;
    for turn in 0..6 {
        let mut all = parts_of();
        all.rotate_left(turn);
        for _ in 0..2 {
            let answer = server.send(&parts(PATH, &all)).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let data = &answer.json()["data"];
            assert_eq!(
                (&data["file_details"]["filename"], &data["vectors"]["combined"][0]),
                (&json!("a.pdf"), &json!(0.125))
            );
            assert_eq!(data["storage_info"]["collection"], "any.order_1");
            runs += 1;
            all.reverse();
        }
    }
    assert_eq!(server.spent().await, 4 * runs);
}

#[tokio::test]
async fn vectors_are_shown_to_those_who_ask() {
    let server = Wickson::start().await;
    let content = pdf(4);
    let ask = |query: &str, field: Option<&str>| {
        let mut fields = vec![("force_overwrite", "1")];
        fields.extend(field.map(|value| ("include_vectors", value)));
        let mut request = upload("a.pdf", &content, &fields);
        request.path = format!("{PATH}{query}");
        request
    };
    for (query, field, shown) in [
        ("", None, false),
        ("?include_vectors=true", None, true),
        ("?include_vectors=True", Some("0"), true),
        ("?include_vectors=0", Some("true"), true),
        ("?include_vectors=false", Some("False"), false),
        ("?other=1", Some("1"), true),
    ] {
        let answer = server.send(&ask(query, field)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let data = &answer.json()["data"];
        assert_eq!(data.get("vectors").is_some(), shown, "{query} {field:?}");
        assert_eq!(data["storage_info"]["vectors_stored"], 1);
    }
    // There are none of an image, and none are invented.
    let data = server.uploaded("a.png", &media("rgb.png"), &[("include_vectors", "1")]).await;
    assert!(data.get("vectors").is_none() && data["content_summary"] == json!({}), "{data}");
    assert_eq!(data["storage_info"]["vectors_stored"], 0);
}

#[tokio::test]
async fn every_type_of_the_page_by_content_whatever_its_name() {
    let server = Wickson::start().await;
    for (file, family, prefix) in [
        ("three_pages.pdf", "document", "doc_"),
        ("report.docx", "document", "doc_"),
        ("utf8.txt", "document", "doc_"),
        ("rgb.jpg", "image", "img_"),
        ("rgba.png", "image", "img_"),
        ("still.gif", "image", "img_"),
        ("cbr_xing.mp3", "audio", "aud_"),
        ("stereo.wav", "audio", "aud_"),
        ("faststart.mp4", "video", "vid_"),
        ("clip.mov", "video", "vid_"),
        ("scene.glb", "model", "mod_"),
        ("box.obj", "model", "mod_"),
    ] {
        let content = media(file);
        let data = server.uploaded("any.exe", &content, &[]).await;
        assert_eq!(data["media_type"], family, "{file}");
        let details = data["file_details"].as_object().unwrap();
        assert_eq!((&details["media_type"], &details["filename"]), (&json!(family), &json!("any.exe")));
        assert_eq!(details["size_bytes"], content.len());
        assert_eq!(details["checksum"], sha(&content));
        assert!(details.values().all(|value| !value.is_null()) && !details.contains_key("warnings"));
        let id = data["media_id"].as_str().unwrap();
        assert!(id.starts_with(prefix) && id.len() == 40 && &id[18..19] == "5", "{id}");
    }
    let data = server.uploaded("b.obj", &[&media("box.obj")[..], b"# more\n"].concat(), &[]).await;
    assert_eq!(data["file_details"]["dimensions"], json!([1.0, 2.0, 3.5]));
    // What is processed is not kept.
    assert_eq!(server.stored().await, []);
}

#[tokio::test]
async fn the_same_content_is_another_thing_elsewhere() {
    let server = Wickson::start().await;
    let content = pdf(5);
    let id = |data: &Value| data["media_id"].as_str().unwrap().to_owned();
    let first = id(&server.uploaded("a.pdf", &content, &[]).await);
    let said = error(&server.upload("b.pdf", &content, &[]).await, 409, "DUPLICATE_FILE");
    assert!(said.ends_with(&first) && said.contains("\"default\""), "{said}");
    // The collection that one gets without naming it has a name.
    let named = [("collection_id", "default")];
    assert!(error(&server.upload("b.pdf", &content, &named).await, 409, "DUPLICATE_FILE").ends_with(&first));
    // Keys of one tenant share.
    let colleague = upload("a.pdf", &content, &[]).header("X-Api-Key", COLLEAGUE);
    error(&server.send(&colleague).await, 409, "DUPLICATE_FILE");

    let elsewhere = id(&server.uploaded("a.pdf", &content, &[("collection_id", "other")]).await);
    let stranger = upload("a.pdf", &content, &[]).header("X-Api-Key", STRANGER);
    let answer = server.send(&stranger).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let strange = id(&answer.json()["data"]);
    assert_eq!(answer.json()["data"]["balance_info"]["previous_balance"], 1_000_000.0);
    assert!(first != elsewhere && first != strange && elsewhere != strange);
    assert_eq!(server.spent().await, 8);
}

#[tokio::test]
async fn names_are_told_as_they_came() {
    let server = Wickson::start().await;
    let long = "n".repeat(1024);
    let odd = ["../../etc/passwd", "C:\\dir\\a.pdf", "日本語.pdf", "a\u{202e}b", " ", "<script>", &long];
    for (n, name) in odd.into_iter().enumerate() {
        let data = server.uploaded(name, &pdf(100 + n as u64), &[]).await;
        assert_eq!(data["file_details"]["filename"], name);
    }
}

#[tokio::test]
async fn it_works_below_any_path_and_for_other_sites() {
    let server = Wickson::start().await;
    let nested = axum::Router::new().nest("/wickson", server.router.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, nested).await.unwrap() });
    let mut request = upload("a.pdf", &pdf(6), &[]);
    request.path = "/wickson/v1/media?include_vectors=1".into();
    let answer = support::raw(address, &request.bytes()).await;
    assert!(answer.status == 200 && answer.json()["data"]["vectors"].is_object(), "{answer:?}");

    let ask = keyed("OPTIONS", PATH)
        .without("X-Api-Key")
        .header("Origin", "https://app.example")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type,x-api-key");
    let answer = server.send(&ask).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("*")));
    assert_eq!(answer.header("access-control-allow-headers"), Some("content-type, x-api-key"));
    let answer = server.send(&upload("a.pdf", &pdf(7), &[]).header("Origin", "null")).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
    // Header names have no case.
    let lower = upload("a.pdf", &pdf(8), &[]).without("X-Api-Key").header("x-api-key", KEY);
    assert_eq!(server.send(&lower).await.status, 200);
}
