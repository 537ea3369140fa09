//! kill -9 at random points of chunked uploads: what was acknowledged survives, and the client goes on with the chunk it
//! has no answer for.
//!
//! Seeded. 50 kills for each durability by default; more with
//! `KILLS=1000 cargo test --release -p upload-examples --test live_kill`, another course of events with `SEED=…`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::path::Path;
use std::time::Duration;

use support::client::{ChunkRequest, sha};
use support::http::{Answer, Connection};
use support::kill::{Point, attempt};
use support::server::Server;
use support::{Chance, TempDir, from_env, store};

const CONFIG: &str = "[destinations.any]\nmax_length = 1_073_741_824\n";

struct World<'a> {
    data: &'a Path,
    args: Vec<&'a str>,
    server: Option<Server>,
    chance: Chance,
    kills: u64,
}

impl World<'_> {
    fn server(&mut self) -> &Server {
        let (data, args) = (self.data, &self.args);
        self.server.get_or_insert_with(|| Server::start(data, args))
    }

    fn kill(&mut self) {
        self.server.take().expect("it runs").kill();
        self.kills += 1;
    }

    fn point(&mut self, request: &ChunkRequest<'_>) -> Option<Point> {
        Some(match self.chance.below(8) {
            0 => Point::Sent(self.chance.below(request.len() as u64) as usize),
            1 | 2 => Point::Waiting(Duration::from_micros(self.chance.below(4000))),
            3 => Point::Answered,
            _ => return None,
        })
    }

    /// Sends a chunk, perhaps kills the server on the way; `None` if there is no answer.
    fn attempt(&mut self, request: &ChunkRequest<'_>) -> Option<Answer> {
        let point = self.point(request);
        let client = self.server().client();
        let mut connection = Connection::open(&client.address).unwrap();
        let send = |connection: &mut Connection, count| {
            client.chunk_head(connection, request, &[])?;
            request.send(connection, count)
        };
        let kill = || self.kill();
        let answer = attempt(&mut connection, "PATCH", request.len(), point.as_ref(), send, kill)?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Some(answer)
    }

    /// Uploads one file, each chunk until it is answered and not once more; its path.
    fn upload(&mut self, bytes: &[u8]) -> String {
        let size = 1 + self.chance.below(300_000) as usize;
        let chunks: Vec<_> = bytes.chunks(size).collect();
        let mut order: Vec<_> = (0..chunks.len()).collect();
        if self.chance.below(2) == 0 {
            self.chance.shuffle(&mut order);
        }
        let sha = sha([bytes]);
        let id = self.server().client().create("any", "killed.bin", bytes.len(), &sha);
        let mut last = None;
        for n in order {
            let request = ChunkRequest::new(&id, n, chunks.len(), chunks[n]);
            last = Some(loop {
                if let Some(answer) = self.attempt(&request) {
                    break answer.json();
                }
            });
        }
        let last = last.unwrap();
        let path = last["path"].as_str();
        path.unwrap_or_else(|| panic!("every chunk was acknowledged, but the last answer is {last}"))
            .to_owned()
    }

    fn check(&mut self, path: &str, bytes: &[u8]) {
        let answer = self.server().client().get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body == bytes, "{path} is not what was sent");
    }
}

fn survives(durability: &str) {
    let (kills, seed) = (from_env("KILLS", 50), from_env("SEED", 20_261_121));
    let dir = TempDir::new();
    let config = dir.file("config.toml", CONFIG);
    let args = vec!["--config", config.to_str().unwrap(), "--durability", durability];
    let data = dir.path().join("data");
    let mut world = World { data: &data, args, server: None, chance: Chance::new(seed), kills: 0 };
    let (mut completed, mut contents) = (Vec::new(), Vec::new());
    while world.kills < kills {
        let length = 1 + world.chance.below(2_000_000) as usize;
        let bytes = world.chance.bytes(length);
        let path = world.upload(&bytes);
        world.check(&path, &bytes);
        contents.push(sha([&bytes[..]]));
        completed.push((path, bytes));
        if completed.len() > 20 {
            completed.remove(0);
        }
    }
    for (path, bytes) in &completed {
        world.check(path, bytes);
    }
    world.server.take();
    store::check_remains(&data, &contents);
    println!("{} kills under durability {durability}, seed {seed}", world.kills);
}

#[test]
fn killed_under_durability_request() {
    survives("request");
}

#[test]
fn killed_under_durability_none() {
    survives("none");
}
