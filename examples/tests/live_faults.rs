//! Servers over a store that fails at any call, before it has done what was asked and after: a client that asks again until it
//! is answered finishes, each file is there once and whole, and in the end the bucket holds nothing else.
//!
//! `.ci/cloud` runs some rounds. More:
//! `ROUNDS=100 SEED=1 CLOUD_STORE=seaweedfs .ci/cloud cargo test -p upload-examples --features cloud --test live_faults -- --nocapture`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

#[path = "support/signed.rs"]
mod signed;
mod support;
#[path = "support/uploads.rs"]
mod uploads;

use std::collections::BTreeMap;
use std::time::Duration;

use signed::World;
use support::bucket::Bucket;
use support::client::sha;
use support::faults::{Call, Fault, Proxy};
use support::patient::{Order, Patient};
use support::server::{KEY, Server};
use support::store::{Store, check_remains};
use support::{Chance, TempDir, from_env};
use upload_checksum::Algorithm;
use uploads::{File, Kind, PART};

const CONFIG: &str = "[destinations.any]\nmax_length = 1_073_741_824\n";
const SERVERS: usize = 2;
/// Of a thousand requests to the store.
const HARM: u64 = 120;
/// Longer than a request to the store may be tried again: the servers stand still for nobody.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of chunks: several in a part; one that is a part; one that is more.
const SIZES: [usize; 5] = [200_000, 700_000, 3_000_000, 5 << 20, 9_000_000];

#[test]
fn a_store_that_fails_at_any_call_loses_doubles_and_keeps_nothing() {
    let (rounds, seed) = (from_env("ROUNDS", 12), from_env("SEED", 20_261_121));
    let store = Store::wanted();
    let proxy = Proxy::start(store.address(), seed, HARM);
    let through = store.through(&proxy.address);
    let dir = TempDir::new();
    let config = dir.file("config.toml", CONFIG);
    let shared = dir.path().join("shared");
    let args = ["--api-key", KEY, "--config", config.to_str().unwrap()];
    let start = |n: usize, store: &Store| {
        let data = dir.path().join(format!("node{n}"));
        Server::start_beside(&data, &shared, &args, |command| command.envs(store.variables()))
    };
    let servers: Vec<_> = (0..SERVERS).map(|n| start(n, &through)).collect();
    let addresses = servers.iter().map(|server| server.address.clone()).collect();
    let patient = Patient::new(addresses).waiting(PATIENCE);

    let mut chance = Chance::new(seed);
    let mut completed = Vec::new();
    for round in 0..rounds {
        let mut size = SIZES[chance.below(SIZES.len() as u64) as usize];
        let mut length = 1 + chance.below((size as u64 * 12).min(24_000_000)) as usize;
        if round == 0 {
            // Parts, for certain.
            (size, length) = (5 << 20, 16_000_000);
        }
        let bytes = chance.bytes(length);
        let order = if round % 3 == 0 { Order::Forwards } else { Order::Random };
        let path = patient.upload(&mut chance, &bytes, size, order, || PATIENCE);
        completed.push((path, sha([&bytes[..]])));
        if round % 4 == 3 {
            let (size, count) = (SIZES[chance.below(4) as usize], chance.below(5) as usize);
            let bytes = chance.bytes(size * 6);
            patient.abandon(&mut chance, &bytes, size, count);
        }
    }
    let bytes = chance.bytes(20_000_000);
    patient.abandon(&mut chance, &bytes, 5 << 20, 2);
    for (path, expected) in &completed {
        assert_eq!(sha([&patient.read(&mut chance, path)[..]]), *expected, "{path} is not what was sent");
    }

    proxy.calm();
    let read_back = |server: &Server| {
        for (path, expected) in &completed {
            let answer = server.client().get(path);
            assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
            assert_eq!(sha([&answer.body[..]]), *expected, "{path} is not what was sent");
        }
    };
    servers.iter().for_each(read_back);
    let done = proxy.done();
    let (requests, again) = (proxy.requests(), patient.again());
    println!(
        "{rounds} uploads, {requests} requests to the store, {again} asked again, seed {seed}; {done:?}"
    );
    check_harm(&done);

    servers.into_iter().for_each(Server::kill);
    let bucket = Bucket::of(&store, &shared);
    assert!(!bucket.unfinished().is_empty(), "there are parts of what was begun");
    println!("sweep and janitor: {:?}", bucket.clean());
    let contents: Vec<_> = completed.iter().map(|(_, sha)| sha.clone()).collect();
    bucket.holds_only(&contents);
    let server = start(SERVERS, &store);
    read_back(&server);
    server.stop();
}

/// Every fault has happened, and to what commits the worst one: it was done, and not told.
fn check_harm(done: &BTreeMap<(Fault, Call), u64>) {
    for fault in Fault::ALL {
        assert!(done.keys().any(|(of, _)| *of == fault), "{fault:?} has not happened: {done:?}");
    }
    for call in [Call::Record, Call::Completion] {
        assert!(done.contains_key(&(Fault::Failed, call)), "no {call:?} was done and not told: {done:?}");
    }
}

#[test]
fn signed_requests_through_it_are_carried_out_once() {
    let (rounds, seed) = (from_env("ROUNDS", 12), from_env("SEED", 20_261_121));
    let store = Store::wanted();
    let proxy = Proxy::start(store.address(), seed, HARM);
    let dir = TempDir::new();
    let mut world = World::new(&dir, &[], seed).failing(store.through(&proxy.address));
    let flows = [
        (Kind::Oldest, 700_003),
        (Kind::Newest, 3 * PART + 70_001),
        (Kind::Direct(Algorithm::Md5), 6_000_000),
        (Kind::Oldest, PART + 1),
        (Kind::Newest, 4_999_999),
        (Kind::Direct(Algorithm::Sha256), 300_000),
    ];
    let mut completed = Vec::new();
    for (kind, length) in flows.into_iter().cycle().take(rounds as usize) {
        let file = File::new("bin", length, &mut world.chance);
        completed.push((kind.upload(&mut world, &file), sha([&file.bytes[..]])));
    }

    proxy.calm();
    for (done, expected) in &completed {
        assert_eq!(sha([&done.read(&mut world)[..]]), *expected, "this is not what was sent");
    }
    let (requests, again, done) = (proxy.requests(), world.again, proxy.done());
    println!(
        "{rounds} uploads, {requests} requests to the store, {again} asked again, seed {seed}; {done:?}"
    );
    check_harm(&done);
    world.kill();
    check_remains(world.data(), &completed.into_iter().map(|(_, sha)| sha).collect::<Vec<_>>());
}
