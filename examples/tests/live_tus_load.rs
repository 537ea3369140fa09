//! What many or large tus uploads cost the server, and that its clean-up takes nothing that is complete.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use support::http::request;
use support::server::Server;
use support::tus::{CONFIG, Tus, offset_of};
use support::{Chance, TempDir};

const MIB: usize = 1 << 20;

fn serve(dir: &TempDir, config: &str) -> Server {
    let config = dir.file("config.toml", config);
    Server::start(&dir.path().join("data"), &["--config", config.to_str().unwrap()])
}

/// The most memory that a server has for one upload of so many MiB in one `PATCH`.
fn peak(mib: usize) -> usize {
    let dir = TempDir::new();
    let server = serve(&dir, CONFIG);
    let tus = Tus::of(&server);
    let piece = Chance::new(3).bytes(MIB);
    let path = tus.create(mib * MIB);
    let mut connection = tus.open();
    connection.send(tus.patch_head(&path, 0, mib * MIB).as_bytes()).unwrap();
    for _ in 0..mib {
        connection.send(&piece).unwrap();
    }
    let answer = connection.answer("PATCH").unwrap();
    assert_eq!((answer.status, offset_of(&answer)), (204, mib * MIB), "{}", answer.text());
    let peak = server.peak_memory();
    println!("{mib} MiB in one PATCH: peak {} KiB", peak / 1024);
    server.stop();
    usize::try_from(peak).unwrap()
}

#[test]
fn a_large_patch_needs_no_more_memory_than_a_small_one() {
    assert!(peak(96) < peak(24) + 8 * MIB);
}

/// `cargo test --release -p upload-examples --test live_tus_load -- --ignored`
#[test]
#[ignore = "writes half a gibibyte"]
fn half_a_gibibyte_in_one_patch_needs_no_more_memory_than_a_small_one() {
    assert!(peak(512) < peak(24) + 8 * MIB);
}

/// Opens so many uploads of 1 GiB to which nothing comes; what each costs.
fn open(count: usize) {
    const CLIENTS: usize = 16;
    let dir = TempDir::new();
    let server = serve(&dir, CONFIG);
    let tus = Tus::of(&server);
    let create = |count| {
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    let mut connection = tus.open();
                    for _ in 0..count {
                        tus.create_on(&mut connection, 1 << 30);
                    }
                });
            }
        });
    };
    // The first ones take what a server has once: threads, caches, connections.
    create(8);
    let disk = || dir.stored("data/blobs", Metadata::blocks);
    let (before, reserved) = (server.memory(), disk());
    create(count.div_ceil(CLIENTS));
    let each = server.memory().saturating_sub(before) / count as u64;
    println!("{count} open uploads: {each} bytes of memory for each");
    assert!(each <= 8 << 10, "{each} bytes of memory for each of {count}");
    // In blocks of 512 bytes; the directory has files of its own.
    assert_eq!(disk(), reserved, "disk reserved for uploads to which nothing came");
    server.stop();
}

#[test]
fn an_open_upload_costs_little_memory_and_no_disk() {
    open(1600);
}

/// `cargo test --release -p upload-examples --test live_tus_load -- --ignored`
#[test]
#[ignore = "takes longer than the others together"]
fn ten_thousand_open_uploads_cost_little_memory_and_no_disk() {
    open(10_000);
}

/// Uploads whose time is short, some of which are completed, while the sweep removes the others: whatever was completed stays.
#[test]
fn the_sweep_of_expired_uploads_takes_nothing_that_is_complete() {
    const IDLE: usize = 40;
    // A guard: what never expires is a failure, not a test that never ends.
    const PATIENCE: Duration = Duration::from_secs(120);
    let dir = TempDir::new();
    let config = "[server]\nsweep_every = 1\n[engine]\ngrace = 1\n[destinations.tus]\nmax_length = 1_048_576\nlifetime = 2\n";
    let server = serve(&dir, config);
    let tus = Tus::of(&server);
    let idle: Vec<_> = (0..IDLE).map(|_| tus.create(1000)).collect();
    let expired = || {
        let metrics = request(&server.address, "GET", "/metrics", &[], b"").unwrap();
        let count = metrics.text().lines().find_map(|line| line.strip_prefix("upload_expired_total "));
        count.map_or(0, |count| count.parse::<usize>().unwrap())
    };
    let (completed, since) = (Mutex::new(Vec::new()), Instant::now());
    thread::scope(|scope| {
        for seed in 0..4 {
            let (tus, completed, expired) = (&tus, &completed, &expired);
            scope.spawn(move || {
                let mut chance = Chance::new(seed);
                while expired() < IDLE {
                    let bytes = chance.bytes(20_000);
                    let path = tus.create(bytes.len());
                    assert!(since.elapsed() < PATIENCE, "nothing expires");
                    // Some are left in the middle, and some may expire there.
                    for (at, part) in [(0, &bytes[..10_000]), (10_000, &bytes[10_000..])] {
                        let answer = tus.patch(&path, at, part).unwrap();
                        assert!(matches!(answer.status, 204 | 410), "{}", answer.text());
                        if answer.status == 410 || (at == 0 && chance.below(4) == 0) {
                            break;
                        }
                        if at > 0 {
                            completed.lock().unwrap().push((path.clone(), bytes.clone()));
                        }
                    }
                }
            });
        }
    });
    assert!(idle.iter().all(|path| tus.head(path).status == 410), "expired uploads are gone");
    let completed = completed.into_inner().unwrap();
    println!("{} uploads were completed while others expired", completed.len());
    assert!(completed.len() > IDLE);
    for (path, bytes) in &completed {
        tus.expect(path, bytes);
        assert_eq!(tus.head(path).header("upload-expires"), None);
    }
    server.stop();
}
