//! Three servers over one bucket, each request to any of them, while they are stopped, resumed and killed: no acknowledged byte
//! is lost, and an upload is completed once.
//!
//! `.ci/cloud` runs some rounds. More:
//! `ROUNDS=500 SEED=1 CLOUD_STORE=seaweedfs .ci/cloud cargo test -p upload-examples --features cloud --test live_nodes -- --nocapture`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use support::client::{ChunkRequest, Client, sha};
use support::http::Connection;
use support::kill::wait;
use support::server::{KEY, Server};
use support::{Chance, TempDir, from_env, store};

const CONFIG: &str = "[destinations.any]\nmax_length = 1_073_741_824\n";
const NODES: usize = 3;
/// How long a client waits for a server that may stand still.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it asks.
const TRIES: usize = 200;

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

fn start(dir: &Path, config: &Path, n: usize) -> Server {
    let args = ["--api-key", KEY, "--config", config.to_str().unwrap()];
    Server::start_beside(&dir.join(format!("node{n}")), &dir.join("shared"), &args, |command| command)
}

/// Asks any server until one answers well; where they are may change meanwhile.
fn until<T>(
    addresses: &Mutex<Vec<String>>,
    chance: &mut Chance,
    ask: impl Fn(&Client) -> Result<T, String>,
) -> T {
    let mut heard = Vec::new();
    for _ in 0..TRIES {
        let address = {
            let addresses = addresses.lock().unwrap();
            addresses[chance.below(addresses.len() as u64) as usize].clone()
        };
        match ask(&Client::new(&address, KEY)) {
            Ok(answer) => return answer,
            Err(why) => heard.push(format!("{address}: {why}")),
        }
    }
    panic!("nobody answers: {:#?}", &heard[heard.len().saturating_sub(12)..]);
}

fn no_answer(e: std::io::Error) -> String {
    e.to_string()
}

fn create(client: &Client, length: usize, sha: &str) -> Result<String, String> {
    let mut connection =
        Connection::open(&client.address).and_then(|open| open.patience(PATIENCE)).map_err(no_answer)?;
    let answer = client.create_on(&mut connection, "any", "shared.bin", length, sha).map_err(no_answer)?;
    match answer.status {
        200 => Ok(answer.json()["streamId"].as_str().unwrap().to_owned()),
        429 | 500.. => Err(format!("{}: {}", answer.status, answer.text())),
        other => panic!("{other}: {}", answer.text()),
    }
}

fn send(client: &Client, chunk: &ChunkRequest<'_>) -> Result<Value, String> {
    let mut connection =
        Connection::open(&client.address).and_then(|open| open.patience(PATIENCE)).map_err(no_answer)?;
    let answer = client.chunk(&mut connection, chunk).map_err(no_answer)?;
    match answer.status {
        200 => Ok(answer.json()),
        // Busy: another request has the place; or the storage has trouble.
        409 | 429 | 500.. => Err(format!("{}: {}", answer.status, answer.text())),
        other => panic!("{other}: {}", answer.text()),
    }
}

/// Uploads one file, three chunks at a time, amid trouble; its path.
fn upload(nodes: &mut Nodes, bytes: &[u8]) -> String {
    let size = 1 + nodes.chance.below(6_000_000) as usize;
    let chunks: Vec<_> = bytes.chunks(size).collect();
    let addresses = Mutex::new(nodes.addresses());
    let (sha, seed) = (sha([bytes]), nodes.chance.next());
    let id = until(&addresses, &mut nodes.chance, |client| create(client, bytes.len(), &sha));
    let next = Mutex::new((0..chunks.len()).rev().collect::<Vec<_>>());
    let (paths, done) = mpsc::channel();
    thread::scope(|scope| {
        for worker in 0..3 {
            let (id, chunks, addresses, next, paths) = (&id, &chunks, &addresses, &next, paths.clone());
            scope.spawn(move || {
                let mut chance = Chance::new(seed ^ worker);
                loop {
                    let Some(n) = next.lock().unwrap().pop() else { return };
                    let request = ChunkRequest::new(id, n, chunks.len(), chunks[n]);
                    let answer = until(addresses, &mut chance, |client| send(client, &request));
                    if let Some(path) = answer["path"].as_str() {
                        paths.send(path.to_owned()).unwrap();
                    }
                }
            });
        }
        drop(paths);
        let mut found: Option<String> = None;
        loop {
            match done.try_recv() {
                Ok(path) => {
                    assert!(
                        found.as_ref().is_none_or(|found| *found == path),
                        "completed twice: {found:?}, {path}"
                    );
                    found = Some(path);
                }
                Err(mpsc::TryRecvError::Disconnected) => break,
                Err(mpsc::TryRecvError::Empty) => {
                    wait(Duration::from_micros(nodes.chance.below(60_000)));
                    nodes.trouble();
                    *addresses.lock().unwrap() = nodes.addresses();
                }
            }
        }
        found.expect("every chunk was acknowledged, and no answer says that it is complete")
    })
}

#[test]
fn three_nodes_in_trouble_lose_nothing_and_complete_once() {
    let (rounds, seed) = (from_env("ROUNDS", 10), from_env("SEED", 20_261_121));
    let mut nodes = Nodes::new(seed);
    let mut completed = Vec::new();
    for _ in 0..rounds {
        let length = 1 + nodes.chance.below(20_000_000) as usize;
        let bytes = nodes.chance.bytes(length);
        let path = upload(&mut nodes, &bytes);
        completed.push((path, sha([&bytes[..]])));
    }
    nodes.resume();
    for node in &nodes.running {
        for (path, expected) in &completed {
            let answer = node.client().get(path);
            assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
            assert_eq!(sha([&answer.body[..]]), *expected, "{path} is not what was sent");
        }
    }
    println!("{rounds} uploads, {} kills, {} stops, seed {seed}", nodes.kills, nodes.stops);
}
