//! Who may write to an upload, and who may read it.

use serde_json::json;

use crate::placeos::{BASE, PART, asking, begun, body, complete, create, ok};
use crate::signed::{
    ADMIN, COLLEAGUE, OWNER, READER, STRANGER, STRANGER_ADMIN, SUPPORT, Signed, WRITER, bare, md5,
};
use crate::support::noise;

#[tokio::test]
async fn an_upload_is_its_owners_and_supports() {
    let server = Signed::start().await;
    let content = noise(8, 2 * PART);
    let path = begun(&server, OWNER, &content).await;
    let requests = [
        ("PATCH", asking(&path, 1, b"a"), Some(json!({}))),
        ("PATCH", path.clone(), Some(json!({"part_update": true, "part_list": [7]}))),
        ("GET", format!("{path}/edit?part=1&file_id={}", md5(b"a").to_hex()), None),
        ("PUT", path.clone(), None),
        ("DELETE", path.clone(), None),
    ];
    for (method, path, told) in &requests {
        for key in [COLLEAGUE, READER, WRITER] {
            let answer = server.api(key, method, path, told.as_ref()).await;
            assert_eq!((answer.status, answer.body.len()), (403, 0), "{key} {method} {path}");
            assert_eq!(answer.header("content-type"), None);
        }
        // Of another tenant not even an admin can tell it from none.
        for key in [STRANGER, STRANGER_ADMIN] {
            let answer = server.api(key, method, path, told.as_ref()).await;
            assert!(
                answer.status == 404 && answer.text("error").starts_with("Invalid upload id: "),
                "{key} {method}"
            );
        }
    }
    for key in [SUPPORT, ADMIN] {
        ok(&server.api(key, "PATCH", &asking(&path, 1, &content[..PART]), Some(&json!({}))).await);
    }
    assert_eq!(server.api(SUPPORT, "DELETE", &path, None).await.status, 202);
    // The same description of another key's is another upload.
    let (mine, _) = create(&server, OWNER, &body(&content)).await;
    let (theirs, _) = create(&server, COLLEAGUE, &body(&content)).await;
    let (strange, _) = create(&server, STRANGER, &body(&content)).await;
    assert!(mine != theirs && theirs != strange && strange != mine);
    assert_eq!(server.api(READER, "POST", BASE, Some(&body(b"x"))).await.status, 403);
}

#[tokio::test]
async fn permissions_say_who_reads() {
    let server = Signed::start().await;
    let content = noise(9, 3000);
    let keys = [OWNER, COLLEAGUE, READER, SUPPORT, ADMIN, WRITER, STRANGER, STRANGER_ADMIN];
    for (public, permissions, may) in [
        (true, "none", [200, 200, 200, 200, 200, 403, 404, 404]),
        (true, "admin", [200, 200, 200, 200, 200, 403, 404, 404]),
        (false, "none", [200, 200, 200, 200, 200, 403, 404, 404]),
        (false, "support", [403, 403, 403, 200, 200, 403, 404, 404]),
        (false, "admin", [403, 403, 403, 403, 200, 403, 404, 404]),
    ] {
        let mut described = body(&content);
        (described["public"], described["permissions"]) = (json!(public), json!(permissions));
        let path = complete(&server, OWNER, &described, &content).await;
        for (key, status) in keys.into_iter().zip(may) {
            let what = format!("{public} {permissions} {key}");
            let got = server.api(key, "GET", &format!("{path}/download"), None).await;
            assert_eq!(got.status, status, "{what}");
            assert_eq!(got.body == content, status == 200, "{what}");
            assert!(status != 403 || got.body.is_empty(), "{what}");
            let link = server.api(key, "GET", &format!("{path}/url"), None).await;
            assert_eq!(link.status, if status == 200 { 303 } else { status }, "{what}");
            assert_eq!(link.header("location").is_some(), status == 200, "{what}");
        }
        assert_eq!(server.send(&bare("GET", &format!("{path}/download"))).await.status, 401);
    }
}
