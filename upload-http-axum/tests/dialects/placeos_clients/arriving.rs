//! Files that nothing stops, in one request and in parts.

use std::time::Duration;

use serde_json::json;

use super::newest::Newest;
use super::oldest::Oldest;
use super::{File, arrived, escaped};
use crate::placeos::{BASE, PART, ok};
use crate::signed::{OWNER, Signed, md5};

#[tokio::test]
async fn small_files_of_all_clients() {
    let server = Signed::start().await;
    for (seed, length) in [(1, 0), (2, 1), (3, 4_999_999), (4, 5_000_000)] {
        let file = File::new("small.bin", seed, length);
        for signs_by_edit in [false, true] {
            let (client, created) = Oldest::start(&server, &file, signs_by_edit).await;
            client.direct(&created).await;
            arrived(&server, &client.id, &file).await;
        }
        for mime in ["", "video/mp4"] {
            let (client, created) = Newest::start(&server, &file, mime).await;
            assert_eq!(created["type"], "direct_upload");
            let sent_as = if mime.is_empty() { "binary/octet-stream" } else { mime };
            let headers = json!({"Content-Type": sent_as, "Content-MD5": md5(&file.content).to_base64()});
            assert_eq!(created["signature"]["headers"], headers);
            assert_eq!(server.signed(&created["signature"], &file.content).await.status, 200);
            client.commit().await;
            arrived(&server, &client.id, &file).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_in_parts_of_all_clients() {
    let server = Signed::start().await;
    // The smallest that comes in parts has one; then less than a part more than some, exactly some, many.
    for (seed, length) in [(1, 5_000_001), (2, 2 * PART + 1), (3, 3 * PART), (4, 7 * PART - 1)] {
        let file = File::new("a film.mp4", seed, length);
        for signs_by_edit in [false, true] {
            let (mut client, created) = Oldest::start(&server, &file, signs_by_edit).await;
            client.init(&created).await;
            client.run(None).await.unwrap();
            arrived(&server, &client.id, &file).await;
        }
        let (mut client, created) = Newest::start(&server, &file, "").await;
        assert_eq!((&created["type"], &created["residence"]), (&json!("chunked_upload"), &json!("AmazonS3")));
        client.send(1..=file.parts()).await;
        client.finish().await;
        arrived(&server, &client.id, &file).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_in_any_order() {
    let short = Duration::from_millis(1);
    let server = Signed::with(|engine, _, _| engine.part_wait = short).await;
    let file = File::new("a.bin", 9, 6 * PART + 12_345);
    for order in [[7, 6, 5, 4, 3, 2, 1], [3, 1, 2, 7, 5, 6, 4], [2, 7, 1, 6, 3, 5, 4]] {
        let mut file_named = File::new("a.bin", 9, file.content.len());
        file_named.content[0] = order[0] as u8;
        let (mut client, _) = Newest::start(&server, &file_named, "").await;
        // A client tries again what the store is not ready for.
        let mut queue = order.to_vec();
        while let Some(n) = queue.first().copied() {
            let query = format!("?part={n}&file_id={}", escaped(&md5(file_named.part(n)).to_base64()));
            let body = json!({"resumable_id": client.resumable_id});
            let path = format!("{BASE}/{}{query}", client.id);
            let patched = ok(&server.api(OWNER, "PATCH", &path, Some(&body)).await);
            let answer = server.signed(&patched["signature"], file_named.part(n)).await;
            match answer.status {
                200 => {
                    queue.remove(0);
                    client.completed.insert(n);
                }
                503 => {
                    assert!(answer.header("retry-after").is_some());
                    queue.rotate_left(1);
                }
                other => panic!("{other}: {}", String::from_utf8_lossy(&answer.body)),
            }
        }
        client.finish().await;
        arrived(&server, &client.id, &file_named).await;
    }
}
