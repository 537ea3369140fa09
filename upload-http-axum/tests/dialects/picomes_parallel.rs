//! Many requests of one stream at once: one path, exact bytes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::{MB, Server, chunk, mp4, noise};
use futures_util::{StreamExt as _, stream};

/// The numbers below `n` in an order that depends on the seed.
fn shuffled(seed: u64, n: usize) -> Vec<usize> {
    let mut order: Vec<(u8, usize)> = noise(seed, n).into_iter().zip(0..n).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, index)| index).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_in_any_order_eight_at_a_time_some_twice() {
    let server = Arc::new(Server::start().await);
    for seed in 1..=6 {
        let size = 64 << 10;
        let content = Arc::new(noise(seed, 40 * size + seed as usize * 1000));
        let total = content.len().div_ceil(size);
        let id = Arc::new(server.begin("any", "many.bin", &content).await);
        let mut order = shuffled(seed, total);
        order.extend(shuffled(seed + 100, total).into_iter().take(8));
        let sent: Vec<_> = order
            .into_iter()
            .map(|index| {
                let (server, content, id) = (Arc::clone(&server), Arc::clone(&content), Arc::clone(&id));
                async move {
                    let piece = &content[index * size..content.len().min((index + 1) * size)];
                    // A well-behaved client: it sends again what was not taken, as the engine may ask for order.
                    loop {
                        let answer = server.send(&chunk(&id, index, total, piece)).await;
                        match answer.status {
                            200 => return answer.json()["path"].as_str().map(str::to_owned),
                            503 => assert!(answer.header("retry-after").is_some()),
                            _ => panic!("{:?}", String::from_utf8_lossy(&answer.body)),
                        }
                    }
                }
            })
            .collect();
        let paths: Vec<_> = stream::iter(sent).buffer_unordered(8).collect().await;
        let paths: BTreeSet<String> = paths.into_iter().flatten().collect();
        assert_eq!(paths.len(), 1, "seed {seed}");
        let got = server.get(paths.first().unwrap()).await;
        assert!(got.body == *content, "seed {seed}: {} bytes", got.body.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_clients_send_the_last_chunk_at_once() {
    let server = Arc::new(Server::start().await);
    let content = Arc::new(mp4(5 * MB / 2));
    let id = server.begin("stepVideo", "a.mp4", &content).await;
    for index in [2, 0] {
        let piece = &content[index * MB..content.len().min((index + 1) * MB)];
        assert_eq!(server.send(&chunk(&id, index, 3, piece)).await.status, 200);
    }
    let request = Arc::new(chunk(&id, 1, 3, &content[MB..2 * MB]));
    let clients = (0..16).map(|_| {
        let (server, request) = (Arc::clone(&server), Arc::clone(&request));
        tokio::spawn(async move { server.send(&request).await })
    });
    let mut paths = BTreeSet::new();
    for client in clients.collect::<Vec<_>>() {
        let answer = client.await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        paths.insert(answer.text("path"));
    }
    assert_eq!(paths.len(), 1);
    assert!(server.get(paths.first().unwrap()).await.body == *content);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_eight_chunks_at_once_with_sizes_unknown() {
    let server = Arc::new(Server::start().await);
    for seed in 0..8 {
        let (size, total) = (100_000, 8);
        let content = Arc::new(noise(seed + 50, size * total - 777));
        let id = server.begin("any", "a", &content).await;
        let clients = (0..total).map(|index| {
            let (server, content, id) = (Arc::clone(&server), Arc::clone(&content), id.clone());
            tokio::spawn(async move {
                let piece = &content[index * size..content.len().min((index + 1) * size)];
                server.send(&chunk(&id, index, total, piece)).await
            })
        });
        let mut path = None;
        for client in clients.collect::<Vec<_>>() {
            let answer = client.await.unwrap();
            assert_eq!(answer.status, 200, "{:?}", String::from_utf8_lossy(&answer.body));
            path = answer.json()["path"].as_str().map(str::to_owned).or(path);
        }
        assert!(server.get(&path.unwrap()).await.body == *content, "seed {seed}");
    }
}
