//! Three servers over one bucket, each request to any of them, while they are stopped, resumed and killed: no acknowledged byte
//! is lost, an upload is completed once, and in the end the bucket holds what was completed and nothing else.
//!
//! `.ci/cloud` runs some rounds. More:
//! `ROUNDS=500 SEED=1 CLOUD_STORE=seaweedfs .ci/cloud cargo test -p upload-examples --features cloud --test live_nodes -- --nocapture`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use support::client::sha;
use support::patient::{Order, Patient};
use support::server::{KEY, Server};
use support::{Chance, TempDir, from_env, store};

const CONFIG: &str = "[destinations.any]\nmax_length = 1_073_741_824\n";
const NODES: usize = 3;
/// About so many, of one file.
const MOST_CHUNKS: usize = 150;

/// Servers over one bucket; one of them may stand still.
struct Nodes {
    dir: TempDir,
    config: PathBuf,
    running: Vec<Server>,
    stopped: Option<usize>,
    chance: Chance,
    kills: u64,
    stops: u64,
}

impl Nodes {
    fn new(seed: u64) -> Self {
        assert!(store::named().is_some(), "CLOUD_STORE is not set: this test is run by .ci/cloud");
        let dir = TempDir::new();
        let config = dir.file("config.toml", CONFIG);
        let running = (0..NODES).map(|n| start(dir.path(), &config, n)).collect();
        Self { dir, config, running, stopped: None, chance: Chance::new(seed), kills: 0, stops: 0 }
    }

    fn addresses(&self) -> Vec<String> {
        self.running.iter().map(|node| node.address.clone()).collect()
    }

    /// Kills one, stops one, or lets the stopped one go on.
    fn trouble(&mut self) {
        let n = self.chance.below(NODES as u64) as usize;
        match (self.chance.below(3), self.stopped) {
            (0, stopped) if stopped != Some(n) => {
                // What was under way ends with it; a new one takes its place.
                let fresh = start(self.dir.path(), &self.config, n);
                std::mem::replace(&mut self.running[n], fresh).kill();
                self.kills += 1;
            }
            (1, None) => {
                self.running[n].signal(Signal::STOP);
                (self.stopped, self.stops) = (Some(n), self.stops + 1);
            }
            (_, Some(_)) => self.resume(),
            _ => {}
        }
    }

    fn resume(&mut self) {
        if let Some(n) = self.stopped.take() {
            self.running[n].signal(Signal::CONT);
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.resume();
    }
}

/// What all of them have.
fn shared(dir: &Path) -> PathBuf {
    dir.join("shared")
}

fn start(dir: &Path, config: &Path, n: usize) -> Server {
    let args = ["--api-key", KEY, "--config", config.to_str().unwrap()];
    Server::start_beside(&dir.join(format!("node{n}")), &shared(dir), &args, |command| command)
}

/// Uploads one file, three chunks at a time, amid trouble; its path.
fn upload(nodes: &mut Nodes, bytes: &[u8]) -> String {
    // A file of thousands of chunks would take longer than all the others: each kill costs its rows a reading.
    let size = (1 + nodes.chance.below(6_000_000) as usize).max(bytes.len() / MOST_CHUNKS);
    let patient = Patient::new(nodes.addresses());
    let mut chance = Chance::new(nodes.chance.next());
    patient.upload(&mut chance, bytes, size, Order::Forwards, || {
        nodes.trouble();
        *patient.addresses.lock().unwrap() = nodes.addresses();
        Duration::from_micros(nodes.chance.below(60_000))
    })
}

#[test]
fn three_nodes_in_trouble_lose_nothing_and_complete_once() {
    let (rounds, seed) = (from_env("ROUNDS", 10), from_env("SEED", 20_261_121));
    let mut nodes = Nodes::new(seed);
    let mut completed = Vec::new();
    for round in 1..=rounds {
        let length = 1 + nodes.chance.below(20_000_000) as usize;
        let bytes = nodes.chance.bytes(length);
        let path = upload(&mut nodes, &bytes);
        completed.push((path, sha([&bytes[..]])));
        if round % 50 == 0 {
            println!("{round} uploads, {} kills, {} stops", nodes.kills, nodes.stops);
        }
    }
    nodes.resume();
    for node in &nodes.running {
        for (path, expected) in &completed {
            let answer = node.client().get(path);
            assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
            assert_eq!(sha([&answer.body[..]]), *expected, "{path} is not what was sent");
        }
    }
    let (kills, stops) = (nodes.kills, nodes.stops);
    nodes.running.clear();
    let contents: Vec<_> = completed.into_iter().map(|(_, sha)| sha).collect();
    store::check_remains(&shared(nodes.dir.path()), &contents);
    println!("{rounds} uploads, {kills} kills, {stops} stops, seed {seed}");
}
