//! What is refused, and how that is said: keys, bodies, ids, steps that an upload has not.

use serde_json::json;
use upload_core::lifecycle::Begin;
use upload_core::record::Addressing;

use crate::placeos::{BASE, PART, asking, body, create, ok, text};
use crate::signed::{ADMIN, OWNER, Signed, api, bare, md5};
use crate::support::{self, noise};

#[tokio::test]
async fn keys_come_in_three_ways() {
    let server = Signed::start().await;
    let get = async |request: support::Request| server.send(&request).await;
    for request in [
        bare("GET", BASE).header("X-API-Key", OWNER),
        bare("GET", &format!("{BASE}?api-key={OWNER}")),
        bare("GET", BASE).header("Authorization", &format!("Bearer {OWNER}")),
        bare("GET", BASE).header("Authorization", &format!("bearer  {OWNER} ")),
    ] {
        assert_eq!(get(request.clone()).await.status, 200, "{request:?}");
    }
    for (request, said) in [
        (bare("GET", BASE), "an API key is required"),
        (bare("GET", BASE).header("Authorization", &format!("Basic {OWNER}")), "an API key is required"),
        (bare("GET", BASE).header("X-API-Key", "guessed"), "the API key is not known"),
        (bare("GET", &format!("{BASE}?api-key=guessed")), "the API key is not known"),
        (bare("GET", BASE).header("Authorization", "Bearer guessed"), "the API key is not known"),
    ] {
        let answer = get(request).await;
        assert_eq!((answer.status, text(&answer)), (401, format!("{{\"error\":\"{said}\"}}")));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    // Before anything else is looked at.
    for (method, below) in
        [("POST", ""), ("PATCH", "/x"), ("PUT", "/x"), ("DELETE", "/x"), ("GET", "/x/edit"), ("GET", "/new")]
    {
        assert_eq!(get(bare(method, &format!("{BASE}{below}"))).await.status, 401, "{method} {below}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let server = Signed::start().await;
    let path = |id: &str| format!("{BASE}/{id}");
    for id in ["x", "uploads-x", "uploads-JUea_g-EeY", &format!("uploads-{}", "0".repeat(33)), "%FF", "a%20b"]
    {
        let shown = if id == "%FF" {
            "\u{fffd}"
        } else if id == "a%20b" {
            "a b"
        } else {
            id
        };
        let answer = server.api(OWNER, "PUT", &path(id), None).await;
        assert_eq!(
            (answer.status, text(&answer)),
            (404, format!("{{\"error\":\"Invalid upload id: {shown}\"}}"))
        );
    }
    for (method, below, status) in [
        ("GET", "/some-id", 405),
        ("PUT", "", 405),
        ("DELETE", "", 405),
        ("POST", "/new", 405),
        ("POST", "/x/edit", 405),
        ("GET", "/x/other", 404),
    ] {
        let answer = server.api(OWNER, method, &format!("{BASE}{below}"), None).await;
        assert_eq!(
            (answer.status, answer.json().as_object().unwrap().len()),
            (status, 1),
            "{method} {below}"
        );
    }
    let small = body(b"abc");
    let typed = |content_type: &str| api(OWNER, "POST", BASE, None).body(content_type, small.to_string());
    assert_eq!(server.send(&typed("application/json; charset=utf-8")).await.status, 200);
    assert_eq!(server.send(&typed("application/json").without("Content-Type")).await.status, 200);
    for other in ["text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "ü"] {
        let answer = server.send(&typed(other)).await;
        assert!(
            answer.status == 415 && text(&answer).starts_with("{\"error\":\"unsupported content type"),
            "{other}"
        );
    }
    let answer = server.api(OWNER, "POST", BASE, Some(&json!({"file_size": 1}))).await;
    assert_eq!(
        (answer.status, text(&answer).as_str()),
        (
            422,
            r#"{"error":"missing required parameter 'file_name'","parameter":"file_name","restriction":"String"}"#
        )
    );
    let long = json!({"file_name": "a", "tags": vec!["x".repeat(1000); 100]});
    let answer = server.api(OWNER, "POST", BASE, Some(&long)).await;
    assert_eq!(answer.status, 413, "{}", text(&answer));
    let mut large = body(b"abc");
    large["file_size"] = json!(1_u64 << 40);
    assert_eq!(server.api(OWNER, "POST", BASE, Some(&large)).await.status, 413);
}

#[tokio::test]
async fn an_upload_in_one_request_has_no_parts_and_one_in_parts_begins_with_its_session() {
    let server = Signed::start().await;
    let (path, _) = create(&server, OWNER, &body(b"abc")).await;
    let direct = r#"{"error":"upload is not resumable"}"#;
    for (method, path, told) in [
        ("PATCH", path.clone(), Some(json!({"resumable_id": "x"}))),
        ("PATCH", path.clone(), Some(json!({"part_update": true}))),
        ("PATCH", asking(&path, 1, b"abc"), Some(json!({}))),
        ("GET", format!("{path}/edit?part=finish"), None),
        ("GET", format!("{path}/edit"), None),
    ] {
        let answer = server.api(OWNER, method, &path, told.as_ref()).await;
        assert_eq!((answer.status, text(&answer).as_str()), (400, direct), "{method} {path}");
    }
    let content = noise(3, 2 * PART);
    let (path, _) = create(&server, OWNER, &body(&content)).await;
    let not_begun = r#"{"error":"upload is not resumable, no part available"}"#;
    for (method, path, told) in [
        ("PATCH", path.clone(), Some(json!({}))),
        ("PATCH", path.clone(), Some(json!({"resumable_id": ""}))),
        ("PATCH", asking(&path, 1, b"abc"), Some(json!({"part_list": [1]}))),
        ("GET", format!("{path}/edit?part=finish"), None),
        ("GET", format!("{path}/edit?part=1&file_id={}", md5(b"a").to_hex()), None),
    ] {
        let answer = server.api(OWNER, method, &path, told.as_ref()).await;
        assert_eq!((answer.status, text(&answer).as_str()), (400, not_begun), "{method} {path}");
    }
    let told = json!({"part_update": true});
    assert_eq!(ok(&server.api(OWNER, "PATCH", &path, Some(&told)).await), json!({"ok": true}));
}

#[tokio::test]
async fn an_upload_of_another_dialect_is_none() {
    let server = Signed::start().await;
    let acme = upload_core::Principal::new(
        upload_core::TenantName::new("acme").unwrap(),
        "test",
        upload_core::Roles::default(),
    );
    let engine = server.uploads.engine();
    let begin = Begin::new("other", Addressing::Slots, Some(0));
    let seen = engine.begin(&acme, begin).await.unwrap();
    engine.finish(&acme, &seen.id).await.unwrap();
    for (method, below) in
        [("PUT", ""), ("DELETE", ""), ("GET", "/edit?part=finish"), ("GET", "/url"), ("GET", "/download")]
    {
        let path = format!("{BASE}/uploads-{}{below}", seen.id);
        assert_eq!(server.api(ADMIN, method, &path, None).await.status, 404, "{method} {below}");
    }
    engine.read(Some(&acme), &seen.id).await.unwrap();
}
