//! Which uploads a key is shown.

use std::time::Duration;

use serde_json::json;

use crate::placeos::{BASE, body, create, ok};
use crate::signed::{ADMIN, COLLEAGUE, OWNER, READER, STRANGER, STRANGER_ADMIN, SUPPORT, Signed, WRITER};
use crate::support::Answer;

#[tokio::test]
async fn the_list_is_the_keys_own_and_the_newest_comes_first() {
    let server = Signed::start().await;
    let mut ids = Vec::new();
    for n in 0_u8..5 {
        server.clock.advance(Duration::from_secs(1));
        let content = [n; 10];
        let mut described = body(&content);
        described["file_name"] = json!(format!("report {n}.pdf"));
        described["tags"] = if n % 2 == 0 { json!(["even", "all"]) } else { json!(["all"]) };
        let (path, created) = create(&server, OWNER, &described).await;
        if n == 0 {
            server.signed(&created["signature"], &content).await;
            ok(&server.api(OWNER, "PUT", &path, None).await);
        }
        ids.insert(0, path.rsplit('/').next().unwrap().to_owned());
    }
    server.clock.advance(Duration::from_secs(1));
    create(&server, COLLEAGUE, &body(b"theirs")).await;
    create(&server, STRANGER, &body(b"strange")).await;
    let list = async |key: &str, query: &str| server.api(key, "GET", &format!("{BASE}{query}"), None).await;
    let named = |answer: &Answer| -> Vec<String> {
        ok(answer).as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = list(OWNER, "/").await;
    assert_eq!(named(&all), ids);
    assert_eq!((all.header("x-total-count"), all.header("content-range")), (Some("5"), Some("items 0-4/5")));
    assert_eq!(all.header("link"), None);
    let exposed = all.header("access-control-expose-headers").unwrap();
    assert!(
        ["link", "x-total-count", "content-range"].iter().all(|name| exposed.contains(name)),
        "{exposed}"
    );
    let rows = all.json();
    let oldest = rows[4].as_object().unwrap();
    let names = "id file_name file_size file_path object_key file_md5 public permissions resumable resumable_id part_list \
                 part_data upload_complete uploaded_by tags created_at updated_at";
    assert_eq!(oldest.len(), names.split_whitespace().count());
    assert!(names.split_whitespace().all(|name| oldest.contains_key(name)));
    assert_eq!(oldest["file_name"], "report_0.pdf");
    assert_eq!((&oldest["upload_complete"], &rows[0]["upload_complete"]), (&json!(true), &json!(false)));
    assert_eq!(oldest["created_at"], 1_700_000_124);

    let page = list(OWNER, "?limit=2&offset=1").await;
    assert_eq!(named(&page), ids[1..3]);
    assert_eq!(page.header("content-range"), Some("items 1-2/5"));
    let next = page
        .header("link")
        .unwrap()
        .strip_prefix('<')
        .unwrap()
        .strip_suffix(">; rel=\"next\"")
        .unwrap()
        .to_owned();
    let next = server.api(OWNER, "GET", &next, None).await;
    assert_eq!((named(&next), next.header("link")), (ids[3..].to_vec(), None));

    for (query, count) in [
        ("?file_search=report_3", 1),
        ("?file_search=nothing", 0),
        ("?tags=even", 3),
        ("?tags=even,all&file_search=_2", 1),
        ("?tags=odd", 0),
        ("?offset=5", 0),
        ("?limit=0", 0),
    ] {
        let answer = list(OWNER, query).await;
        assert_eq!(named(&answer).len(), count, "{query}");
        assert_eq!(answer.header("content-range").is_some(), count > 0, "{query}");
    }
    assert_eq!(named(&list(COLLEAGUE, "").await).len(), 1);
    assert_eq!(named(&list(STRANGER_ADMIN, "").await).len(), 1);
    for key in [SUPPORT, ADMIN] {
        assert_eq!(named(&list(key, "").await).len(), 6);
    }
    // A key that reads only sees none of others', and one that uploads only may not list.
    assert_eq!(named(&list(READER, "").await).len(), 0);
    assert_eq!(list(WRITER, "").await.status, 403);
    let removed = format!("{BASE}/{}", ids[4]);
    assert_eq!(server.api(OWNER, "DELETE", &removed, None).await.status, 202);
    assert_eq!(named(&list(OWNER, "").await), ids[..4]);
}
