//! What the server needs in memory, read from the kernel.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::thread;

use support::client::{ChunkRequest, Client, sha};
use support::http::Connection;
use support::server::Server;
use support::{Chance, TempDir};

const CHUNK: usize = 5 << 20;
const MIB: u64 = 1 << 20;
const CONFIG: &str = "[destinations.any]\nmax_length = 1_073_741_824\n";

/// Uploads `length` bytes in chunks of 5 MiB from each of `streams` clients at once; the server's peak memory.
fn peak(streams: usize, length: usize) -> u64 {
    let dir = TempDir::new();
    let config = dir.file("config.toml", CONFIG);
    let server = Server::start(&dir.path().join("data"), &["--config", config.to_str().unwrap()]);
    let chunk = Chance::new(3).bytes(CHUNK);
    let sizes = || (0..length).step_by(CHUNK).map(|at| CHUNK.min(length - at));
    let sha = sha(sizes().map(|size| &chunk[..size]));
    let upload = |client: Client| {
        let id = client.create("any", "big.bin", length, &sha);
        let mut connection = Connection::open(&client.address).unwrap();
        let total = sizes().count();
        let answers = sizes().enumerate().map(|(n, size)| {
            let answer =
                client.chunk(&mut connection, &ChunkRequest::new(&id, n, total, &chunk[..size])).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            answer.json()
        });
        assert!(answers.last().unwrap()["path"].is_string());
    };
    thread::scope(|scope| {
        for _ in 0..streams {
            scope.spawn(|| upload(server.client()));
        }
    });
    let peak = server.peak_memory();
    println!("{streams} × {length} bytes: peak {} KiB", peak / 1024);
    server.stop();
    peak
}

#[test]
fn half_a_gigabyte_needs_less_than_64_mib() {
    let peak = peak(1, 500_000_000);
    assert!(peak < 64 * MIB, "{peak} bytes");
}

#[test]
fn thirty_two_at_once_need_less_than_160_mib() {
    let peak = peak(32, 4 * CHUNK + 1);
    assert!(peak < 160 * MIB, "{peak} bytes");
}

/// The whole of it: 16 GB. `cargo test --release -p upload-examples --test live_memory -- --ignored`
#[test]
#[ignore = "writes 16 GB"]
fn thirty_two_half_gigabytes_at_once_need_less_than_160_mib() {
    let peak = peak(32, 500_000_000);
    assert!(peak < 160 * MIB, "{peak} bytes");
}
