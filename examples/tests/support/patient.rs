//! A client that asks again until it is answered well, whichever of several servers answers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::Chance;
use super::client::{ChunkRequest, Client, sha};
use super::http::Connection;
use super::server::KEY;

/// How long it waits for a server that may stand still.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it asks.
const TRIES: usize = 200;

/// Servers of one store; where they are may change meanwhile.
pub struct Patient {
    pub addresses: Mutex<Vec<String>>,
    patience: Duration,
    again: AtomicU64,
}

impl Patient {
    pub fn new(addresses: Vec<String>) -> Self {
        Self { addresses: Mutex::new(addresses), patience: PATIENCE, again: AtomicU64::new(0) }
    }

    /// One that waits longer, for servers that do not stand still but have trouble of their own.
    pub fn waiting(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// How often it asked again.
    pub fn again(&self) -> u64 {
        self.again.load(Ordering::Relaxed)
    }

    /// Asks any server until one answers well.
    fn until<T>(
        &self,
        chance: &mut Chance,
        ask: impl Fn(&Client, &mut Connection) -> Result<T, String>,
    ) -> T {
        let mut heard = Vec::new();
        for _ in 0..TRIES {
            let address = {
                let addresses = self.addresses.lock().unwrap();
                addresses[chance.below(addresses.len() as u64) as usize].clone()
            };
            let open = Connection::open(&address).and_then(|open| open.patience(self.patience));
            let answer = open.map_err(no_answer).and_then(|mut connection| {
                let client = Client::new(&address, KEY);
                ask(&client, &mut connection)
            });
            match answer {
                Ok(answer) => return answer,
                Err(why) => heard.push(format!("{address}: {why}")),
            }
            self.again.fetch_add(1, Ordering::Relaxed);
        }
        panic!("nobody answers: {:#?}", &heard[heard.len().saturating_sub(12)..]);
    }

    /// What is at a path: all of it.
    pub fn read(&self, chance: &mut Chance, path: &str) -> Vec<u8> {
        self.until(chance, |client, connection| {
            let answer = client.get_on(connection, path).map_err(no_answer)?;
            match answer.status {
                200 => Ok(answer.body),
                500.. => Err(format!("{}: {}", answer.status, answer.text())),
                other => panic!("{path}: {other}: {}", answer.text()),
            }
        })
    }

    /// Begins a file and sends its first `count` chunks of this size; then its client is gone.
    pub fn abandon(&self, chance: &mut Chance, bytes: &[u8], size: usize, count: usize) {
        let sha = sha([bytes]);
        let id = self.until(chance, |client, connection| create(client, connection, bytes.len(), &sha));
        let chunks: Vec<_> = bytes.chunks(size).collect();
        for (n, chunk) in chunks.iter().enumerate().take(count) {
            let chunk = ChunkRequest::new(&id, n, chunks.len(), chunk);
            let answer = self.until(chance, |client, connection| send(client, connection, &chunk));
            assert!(answer["path"].is_null(), "complete after {n} of {} chunks: {answer}", chunks.len());
        }
    }

    /// Uploads one file in chunks of this size, three at a time in the order of `order`; its path. Calls `meanwhile` again and
    /// again, each time after as long as it said last.
    pub fn upload(
        &self,
        chance: &mut Chance,
        bytes: &[u8],
        size: usize,
        order: Order,
        mut meanwhile: impl FnMut() -> Duration,
    ) -> String {
        let chunks: Vec<_> = bytes.chunks(size).collect();
        let (sha, seed) = (sha([bytes]), chance.next());
        let id = self.until(chance, |client, connection| create(client, connection, bytes.len(), &sha));
        let next = Mutex::new(order.of(chunks.len(), chance));
        let (paths, done) = mpsc::channel();
        thread::scope(|scope| {
            for worker in 0..3 {
                let (id, chunks, next, paths) = (&id, &chunks, &next, paths.clone());
                scope.spawn(move || {
                    let mut chance = Chance::new(seed ^ worker);
                    loop {
                        let Some(n) = next.lock().unwrap().pop() else { return };
                        let chunk = ChunkRequest::new(id, n, chunks.len(), chunks[n]);
                        let answer =
                            self.until(&mut chance, |client, connection| send(client, connection, &chunk));
                        if let Some(path) = answer["path"].as_str() {
                            paths.send(path.to_owned()).unwrap();
                        }
                    }
                });
            }
            drop(paths);
            let (mut found, mut pause): (Option<String>, _) = (None, Duration::ZERO);
            loop {
                match done.recv_timeout(pause) {
                    Ok(path) => {
                        assert!(
                            found.as_ref().is_none_or(|found| *found == path),
                            "completed twice: {found:?}, {path}"
                        );
                        found = Some(path);
                    }
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                    Err(mpsc::RecvTimeoutError::Timeout) => pause = meanwhile(),
                }
            }
            found.expect("every chunk was acknowledged, and no answer says that it is complete")
        })
    }
}

/// In which order chunks are begun.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    Forwards,
    Random,
}

impl Order {
    /// The last is the first.
    fn of(self, count: usize, chance: &mut Chance) -> Vec<usize> {
        let mut order: Vec<_> = (0..count).rev().collect();
        if matches!(self, Self::Random) {
            chance.shuffle(&mut order);
        }
        order
    }
}

fn no_answer(e: std::io::Error) -> String {
    e.to_string()
}

fn create(client: &Client, connection: &mut Connection, length: usize, sha: &str) -> Result<String, String> {
    let answer = client.create_on(connection, "any", "shared.bin", length, sha).map_err(no_answer)?;
    match answer.status {
        200 => Ok(answer.json()["streamId"].as_str().unwrap().to_owned()),
        429 | 500.. => Err(format!("{}: {}", answer.status, answer.text())),
        other => panic!("{other}: {}", answer.text()),
    }
}

fn send(client: &Client, connection: &mut Connection, chunk: &ChunkRequest<'_>) -> Result<Value, String> {
    let answer = client.chunk(connection, chunk).map_err(no_answer)?;
    match answer.status {
        200 => Ok(answer.json()),
        // Busy: another request has the place; or the storage has trouble.
        409 | 429 | 500.. => Err(format!("{}: {}", answer.status, answer.text())),
        other => panic!("{other}: {}", answer.text()),
    }
}
