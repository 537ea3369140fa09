//! Uploads that are interrupted and go on, at the same client or at another, and those that are given up.

use serde_json::json;

use super::newest::Newest;
use super::oldest::Oldest;
use super::{File, arrived, element, escaped};
use crate::placeos::{BASE, PART, ok};
use crate::signed::{OWNER, Signed, md5};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_and_resumed_by_each_client() {
    let server = Signed::start().await;
    let file = File::new("a.mp4", 5, 6 * PART + 7);
    for signs_by_edit in [false, true] {
        let (mut client, created) = Oldest::start(&server, &file, signs_by_edit).await;
        client.init(&created).await;
        assert_eq!(client.run(Some(3)).await, None);
        // A new page of the browser, with the file chosen again.
        let (mut again, created) = Oldest::start(&server, &file, signs_by_edit).await;
        assert_eq!(again.id, client.id);
        again.resume(&created);
        assert_eq!(again.pending, client.in_hand(), "parts in flight, as they were told");
        again.run(None).await.unwrap();
        arrived(&server, &again.id, &file).await;
    }

    let (mut client, _) = Newest::start(&server, &file, "video/mp4").await;
    for wave in [1..=1, 2..=3, 4..=4] {
        client.send(wave).await;
    }
    let (mut again, created) = Newest::start(&server, &file, "video/mp4").await;
    assert_eq!((&again.id, &created["type"]), (&client.id, &json!("parts")));
    // What was told last: before the fourth part, the first three were complete.
    assert_eq!(created["part_list"], json!([1, 2, 3]));
    assert_eq!(created["part_data"]["2"], json!({"md5": md5(file.part(2)).to_base64(), "part": 2}));
    assert_eq!(
        (&again.resumable_id, created["signature"]["verb"].as_str()),
        (&client.resumable_id, Some("GET"))
    );
    // The page's way: the parts of the list are there, the others are sent.
    again.completed = [1, 2, 3].into();
    again.send(4..=file.parts()).await;
    again.finish().await;
    arrived(&server, &again.id, &file).await;

    // The same file again is a new upload: a complete one does not go on.
    let (next, created) = Newest::start(&server, &file, "video/mp4").await;
    assert_ne!(next.id, again.id);
    assert_eq!(created["type"], "chunked_upload");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_before_any_part_is_known_it_begins_again_under_the_same_id() {
    let server = Signed::start().await;
    let file = File::new("a.mp4", 6, 2 * PART + 7);
    let (mut client, created) = Oldest::start(&server, &file, false).await;
    // The session is known and a part is stored, but no part was told of.
    client.init(&created).await;
    let (mut again, created) = Oldest::start(&server, &file, false).await;
    assert_eq!((&again.id, &created["type"]), (&client.id, &json!("chunked_upload")));
    again.init(&created).await;
    again.run(None).await.unwrap();
    arrived(&server, &again.id, &file).await;
}

#[tokio::test]
async fn a_part_that_was_only_announced_is_told_of_with_the_others() {
    let server = Signed::start().await;
    let file = File::new("a.mp4", 10, 3 * PART + 7);
    let (mut client, created) = Oldest::start(&server, &file, false).await;
    client.init(&created).await;
    // The first part ended before its digest stood in any list of parts in flight.
    let md5_of = |n| md5(file.part(n));
    let path = format!("{BASE}/{}?part=2&file_id={}", client.id, escaped(&md5_of(2).to_base64()));
    let told = json!({"part_list": [2], "part_data": [{"md5": md5_of(2).to_hex(), "part": 2}]});
    ok(&server.api(OWNER, "PATCH", &path, Some(&told)).await);
    let (_, created) = Oldest::start(&server, &file, false).await;
    let part = |n| json!({"md5": md5_of(n).to_hex(), "part": n});
    assert_eq!(created["part_data"], json!({"1": part(1), "2": part(2)}));
    assert_eq!(created["part_list"], json!([2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_client_goes_on_where_another_stopped() {
    let server = Signed::start().await;
    // Their look-up keys agree where the file is no longer than a part.
    let file = File::new("a.mp4", 7, 5_100_000);
    let (mut client, created) = Oldest::start(&server, &file, false).await;
    client.init(&created).await;
    let (mut again, _) = Newest::start(&server, &file, "").await;
    assert_eq!(again.id, client.id);
    again.send(1..=1).await;
    again.finish().await;
    arrived(&server, &again.id, &file).await;
}

#[tokio::test]
async fn a_cancelled_upload_is_gone_everywhere() {
    let server = Signed::start().await;
    let file = File::new("a.mp4", 8, 2 * PART + 7);
    let (mut client, created) = Newest::start(&server, &file, "").await;
    client.send(1..=1).await;
    let query = format!("?part=2&file_id={}", escaped(&md5(file.part(2)).to_base64()));
    let path = format!("{BASE}/{}", client.id);
    let part = ok(&server.api(OWNER, "PATCH", &format!("{path}{query}"), Some(&json!({}))).await);
    let deleted = server.api(OWNER, "DELETE", &path, None).await;
    assert_eq!((deleted.status, deleted.body.len(), deleted.header("content-type")), (202, 0, None));
    let said = format!("{{\"error\":\"Invalid upload id: {}\"}}", client.id);
    for (method, below, body) in [
        ("PATCH", "", Some(json!({}))),
        ("PUT", "", None),
        ("DELETE", "", None),
        ("GET", "/edit?part=finish", None),
        ("GET", "/url", None),
        ("GET", "/download", None),
    ] {
        let answer = server.api(OWNER, method, &format!("{path}{below}"), body.as_ref()).await;
        assert_eq!(
            (answer.status, String::from_utf8(answer.body).unwrap()),
            (404, said.clone()),
            "{method} {below}"
        );
    }
    for (signature, body) in [(&part["signature"], file.part(2)), (&created["signature"], &b""[..])] {
        let answer = server.signed(signature, body).await;
        assert_eq!((answer.status, element(&answer.body, "Code").as_str()), (404, "NoSuchUpload"));
    }
    // The same file begins afresh.
    let (again, created) = Newest::start(&server, &file, "").await;
    assert_ne!(again.id, client.id);
    assert_eq!(created["type"], "chunked_upload");

    // A complete one is removed as well.
    let small = File::new("b", 1, 100);
    let (client, created) = Newest::start(&server, &small, "").await;
    assert_eq!(server.signed(&created["signature"], &small.content).await.status, 200);
    client.commit().await;
    let path = format!("{BASE}/{}", client.id);
    assert_eq!(server.api(OWNER, "DELETE", &path, None).await.status, 202);
    assert_eq!(server.api(OWNER, "GET", &format!("{path}/download"), None).await.status, 404);
}
