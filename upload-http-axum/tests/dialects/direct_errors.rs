//! Faults of the JSON as FastAPI tells them, every other error, who may do what, and pages of other sites.

use crate::direct;
use crate::signed::{ADMIN, COLLEAGUE, OWNER, READER, STRANGER, STRANGER_ADMIN, SUPPORT, WRITER, api, bare};
use crate::support::{Answer, Request};
use axum::body::Body;
use direct::{PATH, blob, create, error, put_well, state};
use http::Request as HttpRequest;
use proptest::prelude::*;
use serde_json::json;
use tower::ServiceExt as _;
use upload_core::{ErrorKind, Principal, Roles, TenantName};
use upload_http_axum::dialect::direct_upload::{self, DirectUploadSettings};

fn post(body: impl Into<Vec<u8>>) -> Request {
    bare("POST", PATH).header("X-API-Key", OWNER).body("application/json", body)
}

/// That an answer has these faults, byte for byte.
fn faults(answer: &Answer, detail: &str) {
    assert_eq!((answer.status, answer.header("content-type")), (422, Some("application/json")));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(std::str::from_utf8(&answer.body).unwrap(), format!(r#"{{"detail":{detail}}}"#));
}

#[tokio::test]
async fn faults_are_told_as_fastapi_tells_them() {
    let server = direct::start().await;
    let missing = |place: &str| format!(r#"{{"loc":{place},"msg":"Field required","type":"missing"}}"#);
    faults(&server.send(&post("")).await, &format!("[{}]", missing(r#"["body"]"#)));
    faults(&server.send(&post("{}")).await, &format!("[{}]", missing(r#"["body","blob"]"#)));
    let all = ["filename", "content_type", "byte_size", "checksum"]
        .map(|name| missing(&format!(r#"["body","blob","{name}"]"#)));
    faults(&server.send(&post(r#"{"blob":{}}"#)).await, &format!("[{}]", all.join(",")));
    let no_object = "Input should be a valid dictionary or object to extract fields from";
    for body in [r#"{"blob":null}"#, r#"{"blob":"x"}"#] {
        let fault =
            format!(r#"[{{"loc":["body","blob"],"msg":"{no_object}","type":"model_attributes_type"}}]"#);
        faults(&server.send(&post(body)).await, &fault);
    }
    faults(
        &server.send(&post(r#"{"blob":}"#)).await,
        r#"[{"loc":["body",8],"msg":"JSON decode error","type":"json_invalid"}]"#,
    );
    let body = r#"{"blob":{"checksum":"","byte_size":-1,"content_type":null,"filename":1}}"#;
    let answer = server.send(&post(body)).await;
    let checksum = answer.json()["detail"][3]["msg"].as_str().unwrap().replace('"', "\\\"");
    faults(
        &answer,
        &[
            r#"[{"loc":["body","blob","filename"],"msg":"Input should be a valid string","type":"string_type"},"#,
            r#"{"loc":["body","blob","content_type"],"msg":"Input should be a valid string","type":"string_type"},"#,
            r#"{"loc":["body","blob","byte_size"],"msg":"Input should be greater than or equal to 0","#,
            r#""type":"greater_than_equal","ctx":{"ge":0}},"#,
            r#"{"loc":["body","blob","checksum"],"msg":""#,
            &checksum,
            r#"","type":"value_error"}]"#,
        ]
        .concat(),
    );
    let mut large = blob("a", b"");
    large["blob"]["byte_size"] = json!(1_u64 << 40);
    let answer = server.api(OWNER, "POST", PATH, Some(&large)).await;
    assert_eq!((answer.status, answer.json()["detail"][0]["type"].clone()), (422, json!("value_error")));
}

#[tokio::test]
async fn numbers_are_taken_as_generously_as_there() {
    let server = direct::start().await;
    for size in [json!("3"), json!(3.0), json!(" 3 "), json!("3.0")] {
        let mut blob = blob("a", b"abc");
        blob["blob"]["byte_size"] = size;
        let record = create(&server, OWNER, &blob).await;
        assert_eq!(record["byte_size"], 3);
        put_well(&server, &record, b"abc").await;
    }
}

#[tokio::test]
async fn what_a_client_says_about_the_record_is_not_believed() {
    let server = direct::start().await;
    let mut told = blob("a", b"abc");
    for (name, value) in [
        ("key", json!("../../etc/passwd")),
        ("service_name", json!("amazon")),
        ("id", json!(1)),
        ("signed_id", json!("mine")),
        ("metadata", json!({"analyzed": true, "identified": true, "composed": true, "width": 3})),
    ] {
        told["blob"][name] = value;
    }
    told["id"] = json!(1);
    let record = create(&server, OWNER, &told).await;
    assert!(record["id"] != 1 && record["key"] != "../../etc/passwd" && record["signed_id"] != "mine");
    assert_eq!((&record["service_name"], &record["metadata"]), (&json!("local"), &json!({"width": 3})));
}

#[tokio::test]
async fn keys_are_asked_for_first() {
    let server = direct::start().await;
    let record = create(&server, OWNER, &blob("a", b"abc")).await;
    let path = format!("{PATH}/{}", record["signed_id"].as_str().unwrap());
    for request in
        [api(OWNER, "POST", PATH, Some(&blob("a", b"abc"))), post("{"), api(OWNER, "GET", &path, None)]
    {
        let answer = server.send(&request.clone().without("X-API-Key")).await;
        assert_eq!(error(&answer, 401, "unauthorized"), "an API key is required");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        let answer = server.send(&request.header("Authorization", "Bearer guessed")).await;
        assert_eq!(error(&answer, 401, "unauthorized"), "the API key is not known");
    }
    let begin = async |key| server.api(key, "POST", PATH, Some(&blob("a", b"abc"))).await;
    assert!(error(&begin(READER).await, 403, "forbidden").contains("upload"));
    for key in [WRITER, SUPPORT, ADMIN, STRANGER] {
        assert_eq!(begin(key).await.status, 200);
    }
}

#[tokio::test]
async fn an_upload_is_seen_by_its_owner_only() {
    let server = direct::start().await;
    let record = create(&server, OWNER, &blob("a", b"abc")).await;
    let path = |signed_id: &str| format!("{PATH}/{signed_id}");
    let signed_id = record["signed_id"].as_str().unwrap();
    let no_such = server.api(OWNER, "GET", &path("x"), None).await;
    for stored in [false, true] {
        for key in [COLLEAGUE, READER, WRITER, SUPPORT, ADMIN, STRANGER, STRANGER_ADMIN] {
            let answer = state(&server, key, &record).await;
            error(&answer, 404, "not_found");
            assert_eq!(answer.body, no_such.body, "{key}");
        }
        if !stored {
            put_well(&server, &record, b"abc").await;
        }
    }
    for other in ["", "x", "%00", "%ff", &"x".repeat(5000), &signed_id[1..], &format!("{signed_id}A")] {
        assert_eq!(server.api(OWNER, "GET", &path(other), None).await.status, 404, "{other}");
    }
    // Nor does anybody else of the tenant give it up. One that is given up is not there any more.
    let pending = create(&server, OWNER, &blob("b", b"abc")).await;
    let engine = server.uploads.engine();
    let begun = engine.resolve(&direct::tenant(), pending["signed_id"].as_str().unwrap()).await.unwrap();
    let of_acme = |id: &str| Principal::new(TenantName::new("acme").unwrap(), id, Roles::default());
    let refused = engine.cancel(&of_acme("somebody"), &begun.id).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Forbidden);
    engine.cancel(&of_acme(&begun.owner), &begun.id).await.unwrap();
    error(&state(&server, OWNER, &pending).await, 404, "not_found");
    assert_eq!(direct::put(&server, &pending, b"abc").await.status, 404);
    assert_ne!(create(&server, OWNER, &blob("b", b"abc")).await["id"], pending["id"]);
}

#[tokio::test]
async fn other_mistakes_have_the_pages_form() {
    let server = direct::start().await;
    let said = error(&server.send(&post(vec![b' '; (64 << 10) + 1])).await, 413, "too_large");
    assert!(said.contains("65536"), "{said}");
    error(&server.send(&post(b"\xff".to_vec())).await, 400, "unreadable");
    error(&server.send(&post("[".repeat(60_000))).await, 400, "unreadable");
    for (method, path, allow) in [
        ("GET", PATH.to_owned(), "POST"),
        ("PUT", PATH.to_owned(), "POST"),
        ("DELETE", format!("{PATH}/x"), "GET,HEAD"),
        ("GET", format!("{PATH}/disk/x"), "PUT"),
    ] {
        let answer = server.send(&bare(method, &path)).await;
        error(&answer, 405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    let nowhere = server.send(&bare("GET", "/nowhere")).await;
    assert_eq!((nowhere.status, nowhere.text("error_code").as_str()), (404, "not_found"));
    // A destination that is not there is the server's mistake.
    let server = direct::with(|_, dialect| dialect.destination = "nowhere".into()).await;
    error(&server.send(&post("{}")).await, 500, "misconfigured");
}

#[tokio::test]
async fn pages_of_other_sites_may_ask() {
    let server = direct::start().await;
    for (method, path, asked) in [
        ("POST", PATH.to_owned(), "content-type,x-requested-with,x-csrf-token"),
        ("POST", PATH.to_owned(), "accept,authorization,content-type,idempotency-key,x-api-key"),
        ("PUT", format!("{PATH}/disk/x"), "content-disposition,content-md5,content-type"),
        ("PUT", format!("{PATH}/disk/x"), "content-type,x-amz-checksum-sha256"),
        ("GET", format!("{PATH}/x"), "authorization,x-api-key"),
    ] {
        let ask = bare("OPTIONS", &path)
            .header("Origin", "https://app.example")
            .header("Access-Control-Request-Method", method)
            .header("Access-Control-Request-Headers", asked);
        let answer = server.send(&ask).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("*")));
        let listed = |header, wanted: &str| {
            answer.header(header).unwrap().split(", ").any(|one| one.eq_ignore_ascii_case(wanted))
        };
        assert!(listed("access-control-allow-methods", method), "{method}");
        for header in asked.split(',') {
            assert!(listed("access-control-allow-headers", header), "{header}");
        }
    }
}

#[test]
fn any_json_and_any_bytes_at_all_never_give_a_500() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(direct::start());
    let routes: axum::Router = direct_upload::router(&server.uploads, &DirectUploadSettings::default());
    let ask = |method: &str, path: String, body: Vec<u8>| {
        let request = HttpRequest::builder().method(method).uri(path).header("x-api-key", OWNER);
        let request = request.header("content-type", "application/json").body(Body::from(body)).unwrap();
        runtime.block_on(async { routes.clone().oneshot(request).await.unwrap().status().as_u16() })
    };
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|yes| json!(yes)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,20}".prop_map(|text| json!(text)),
        Just(json!("1B2M2Y8AsgTpgAmY7PhCfg==")),
        Just(json!("image/png")),
    ];
    let value = leaf.prop_recursive(4, 30, 6, |inner| {
        let name = prop_oneof![
            Just("blob".to_owned()),
            Just("filename".to_owned()),
            Just("content_type".to_owned()),
            Just("byte_size".to_owned()),
            Just("checksum".to_owned()),
            Just("metadata".to_owned()),
            "\\PC{0,3}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(|items| json!(items)),
            proptest::collection::hash_map(name, inner, 0..6).prop_map(|members| json!(members)),
        ]
    });
    let body = prop_oneof![
        value.clone().prop_map(|value| value.to_string().into_bytes()),
        value.prop_map(|value| json!({"blob": value}).to_string().into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..80),
        (any::<String>(), 0_u64..1 << 31, any::<String>()).prop_map(|(filename, byte_size, kind)| {
            let content_type = format!("a/{}", kind.chars().filter(char::is_ascii_alphanumeric).collect::<String>());
            let checksum = "1B2M2Y8AsgTpgAmY7PhCfg==";
            json!({"blob": {"filename": filename, "content_type": content_type, "byte_size": byte_size, "checksum": checksum}})
                .to_string()
                .into_bytes()
        }),
    ];
    let settings = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) };
    proptest!(settings, |(body in body, segment in "[!-~]{1,40}")| {
        let status = ask("POST", PATH.to_owned(), body);
        prop_assert!(matches!(status, 200 | 400 | 413 | 422), "{}", status);
        let segment: String = segment.chars().filter(|c| c.is_ascii_alphanumeric() || "._-%".contains(*c)).collect();
        for (method, path) in [("PUT", format!("{PATH}/disk/{segment}")), ("GET", format!("{PATH}/{segment}"))] {
            prop_assert!(matches!(ask(method, path, b"x".to_vec()), 404 | 405 | 400));
        }
    });
}
