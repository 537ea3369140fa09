//! One server over an object store: what each form and each size of chunk becomes there is, byte for byte, what was sent. (Signed
//! requests, kills and several servers: `live_signed`, `live_kill`, `live_media`, `live_nodes`, over the same stores.)
//!
//! Run by `.ci/cloud`, with `CLOUD_STORE`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use support::client::{ChunkRequest, Client, sha};
use support::http::{Answer, Connection, request};
use support::server::{KEY, Server};
use support::{Chance, TempDir, mp4_of, store};

const BOUNDARY: &str = "cut-here";
const CONFIG: &str = "[destinations.any]\nmax_length = 1_073_741_824\nmax_single = 67_108_864\n[destinations.pixlab]\npublic = true\nmax_length = 100_000_000\nmax_single = 100_000_000\n[destinations.wickson]\nmax_length = 100_000_000\nmax_single = 100_000_000\n[http]\nmax_request = 67_108_864\n";

fn server(dir: &TempDir) -> Server {
    assert!(store::named().is_some(), "CLOUD_STORE is not set: this test is run by .ci/cloud");
    let config = dir.file("config.toml", CONFIG);
    Server::start(&dir.path().join("data"), &["--config", config.to_str().unwrap()])
}

/// Sends a form with these fields and a file.
fn form(address: &str, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)], file: &[u8]) -> Answer {
    let mut body = Vec::new();
    for (name, value) in fields {
        let field =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(field.as_bytes());
    }
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"film.mp4\"";
    body.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [&[("content-type", content_type.as_str())], headers].concat();
    request(address, "POST", path, &headers, &body).unwrap()
}

/// Uploads chunks in this order; the path.
fn chunks(client: &Client, bytes: &[u8], size: usize, backwards: bool) -> String {
    let chunks: Vec<_> = bytes.chunks(size).collect();
    let id = client.create("any", "film.mp4", bytes.len(), &sha([bytes]));
    let mut order: Vec<_> = (0..chunks.len()).collect();
    if backwards {
        order.reverse();
    }
    let mut connection = Connection::open(&client.address).unwrap();
    let mut path = None;
    for n in order {
        let answer =
            client.chunk(&mut connection, &ChunkRequest::new(&id, n, chunks.len(), chunks[n])).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        path = answer.json()["path"].as_str().map(str::to_owned);
    }
    path.expect("the last chunk completes it")
}

#[test]
fn chunks_of_every_size_and_order_are_the_bytes() {
    let dir = TempDir::new();
    let server = server(&dir);
    let (client, mut chance) = (server.client(), Chance::new(1));
    for (length, size) in [
        (1, 1),
        (3_000_000, 3_000_000),
        // Several in a part; a part each; several parts each.
        (20_000_000, 300_000),
        (26_214_400, 5 << 20),
        (30_000_001, 12_000_000),
        (40_000_000, 40_000_000),
    ] {
        for backwards in [false, true] {
            let bytes = chance.bytes(length);
            let path = chunks(&client, &bytes, size, backwards);
            let answer = client.get(&path);
            assert!(answer.status == 200 && answer.body == bytes, "{length} in {size}, {backwards}");
        }
    }
    server.stop();
}

#[test]
fn forms_of_every_size_are_the_bytes() {
    let dir = TempDir::new();
    let server = server(&dir);
    let client = server.client();
    for length in [20_000, 6_000_000, 9_000_000, 24_000_000] {
        let film = mp4_of(length);
        let headers = [("x-pico-api-org", KEY)];
        let single = form(&server.address, "/uploads", &headers, &[("destinationId", "any")], &film);
        assert_eq!(single.status, 200, "{}", String::from_utf8_lossy(&single.body));
        let path = single.json()["path"].as_str().unwrap().to_owned();
        assert!(client.get(&path).body == film, "a form of {length}");
        let pixlab = form(&server.address, "/store", &[], &[("key", KEY)], &film);
        assert_eq!(pixlab.status, 200, "{}", String::from_utf8_lossy(&pixlab.body));
        let link = pixlab.json()["link"].as_str().unwrap().to_owned();
        let link = link.strip_prefix(&format!("http://{}", server.address)).expect("a link to this server");
        assert!(request(&server.address, "GET", link, &[], b"").unwrap().body == film, "PixLab, {length}");
        let wickson = form(&server.address, "/v1/media", &[("x-api-key", KEY)], &[], &film);
        assert_eq!(wickson.status, 200, "{}", String::from_utf8_lossy(&wickson.body));
        let details = &wickson.json()["data"]["file_details"];
        assert_eq!(
            (&details["size_bytes"], &details["checksum"]),
            (&length.into(), &sha([&film[..]]).into())
        );
    }
    server.stop();
}
