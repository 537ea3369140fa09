//! A proxy before an object store that does harm, by seeded chance: before a request arrives there, or after it was carried out.
//!
//! ```text
//!   upload-server ── request ──> Proxy ── request ──> store
//!                                  │ <─── answer ─────┘
//!                    refused, cut  │  failed, half, reset: the store has done it, and the server is not told
//! ```

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::Chance;
use super::listen::Listening;
use super::message::{Message, Rest};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It is answered with 500 or 503, and not carried out.
    Refused,
    /// The connection is closed, and it is not carried out.
    Cut,
    /// It is carried out some time later.
    Late,
    /// It is carried out, and answered with 500.
    Failed,
    /// It is carried out, and the connection is closed in the middle of the answer.
    Half,
    /// It is carried out, and the connection is reset before the answer.
    Reset,
}

impl Fault {
    pub const ALL: [Self; 6] = [Self::Refused, Self::Cut, Self::Late, Self::Failed, Self::Half, Self::Reset];
}

/// What is asked of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// A record is put under a condition.
    Record,
    /// Parts become an object.
    Completion,
    Part,
    /// Anything else that is put, or an upload in parts that is opened.
    Put,
    Read,
    List,
    Delete,
}

impl Call {
    /// Of a request with this method and target.
    fn of(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let has = |text: &str| query.split('&').any(|pair| pair.starts_with(text));
        match method {
            "POST" if has("uploadId=") => Self::Completion,
            "PUT" if has("comp=blocklist") => Self::Completion,
            "PUT" if has("partNumber=") || has("comp=block") => Self::Part,
            "PUT" if path.contains("/r/") => Self::Record,
            "PUT" | "POST" => Self::Put,
            "DELETE" => Self::Delete,
            _ if has("uploads") || has("list-type=") || has("comp=") || has("uploadId=") => Self::List,
            _ => Self::Read,
        }
    }

    /// Whether something is there behind it that others see.
    fn commits(self) -> bool {
        matches!(self, Self::Record | Self::Completion)
    }
}

/// A running proxy; it ends when dropped.
pub struct Proxy {
    /// Where it listens: `HOST:PORT`.
    pub address: String,
    shared: Arc<Shared>,
    _listening: Listening,
}

struct Shared {
    store: String,
    fate: Mutex<Fate>,
}

/// What becomes of the next requests.
struct Fate {
    chance: Chance,
    /// In a thousand requests, so many meet with harm.
    harm: u64,
    /// Requests that meet with harm next, by path.
    spells: HashMap<String, u64>,
    /// What has happened to what; what failed or broke off counts only where the store had done it.
    done: BTreeMap<(Fault, Call), u64>,
    requests: u64,
}

impl Proxy {
    /// Stands before the store at this `HOST:PORT`.
    pub fn start(store: &str, seed: u64, harm: u64) -> Self {
        let fate = Fate {
            chance: Chance::new(seed),
            harm,
            spells: HashMap::new(),
            done: BTreeMap::new(),
            requests: 0,
        };
        let shared = Arc::new(Shared { store: store.to_owned(), fate: Mutex::new(fate) });
        let accepting = Arc::clone(&shared);
        let listening = Listening::start(move |connection| {
            let shared = Arc::clone(&accepting);
            async move { shared.serve(connection).await }
        });
        Self { address: listening.address.clone(), shared, _listening: listening }
    }

    /// Does no harm any more.
    pub fn calm(&self) {
        self.shared.fate.lock().unwrap().harm = 0;
    }

    /// How often each fault has happened to each call.
    pub fn done(&self) -> BTreeMap<(Fault, Call), u64> {
        self.shared.fate.lock().unwrap().done.clone()
    }

    /// How many requests came.
    pub fn requests(&self) -> u64 {
        self.shared.fate.lock().unwrap().requests
    }
}

impl Fate {
    /// What happens to a request; and a number for what depends on chance within that.
    fn of(&mut self, call: Call, path: &str) -> Option<(Fault, u64)> {
        self.requests += 1;
        if self.harm == 0 {
            return None;
        }
        if call.commits() && !self.done.contains_key(&(Fault::Failed, call)) {
            // Once at least.
            return Some((Fault::Failed, 0));
        }
        let spell = self.spells.get_mut(path).filter(|left| **left > 0);
        let harmed = match spell {
            Some(left) => {
                *left -= 1;
                true
            }
            // What commits is harmed more often; of completions there are few.
            None => {
                let harm = match call {
                    Call::Completion => 500,
                    Call::Record => 2 * self.harm,
                    _ => self.harm,
                };
                self.chance.below(1000) < harm
            }
        };
        if !harmed {
            return None;
        }
        // Now and then so often in a row that whoever tries again gives up.
        if self.chance.below(10) == 0 {
            self.spells.insert(path.to_owned(), 1 + self.chance.below(5));
        }
        let fault = Fault::ALL[self.chance.below(Fault::ALL.len() as u64) as usize];
        Some((fault, self.chance.next()))
    }
}

impl Shared {
    async fn serve(&self, connection: TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        let mut connection = BufReader::new(connection);
        while let Some(request) = Message::read(&mut connection, |_| Rest::None).await? {
            let (method, target) = request.asked()?;
            let call = Call::of(method, target);
            let path = target.split('?').next().unwrap_or_default();
            let fate = self.fate.lock().unwrap().of(call, path);
            let fault = fate.map(|(fault, _)| fault);
            let number = fate.map_or(0, |(_, number)| number);
            let head_only = method == "HEAD";
            match fault {
                Some(Fault::Refused) => {
                    self.count(Fault::Refused, call);
                    let status = if number.is_multiple_of(2) { "500 Trouble" } else { "503 Slow Down" };
                    connection.get_mut().write_all(&failure(status, head_only)).await?;
                    continue;
                }
                Some(Fault::Cut) => {
                    self.count(Fault::Cut, call);
                    return Ok(());
                }
                Some(Fault::Late) => {
                    self.count(Fault::Late, call);
                    tokio::time::sleep(Duration::from_millis(20 + number % 400)).await;
                }
                _ => {}
            }
            let answer = self.forward(&request, head_only).await?;
            let (bytes, goes_on) = (answer.bytes(), answer.goes_on());
            if let Some(fault) = fault.filter(|fault| *fault != Fault::Late && answer.is_good()) {
                self.count(fault, call);
            }
            match fault {
                Some(Fault::Failed) => {
                    connection.get_mut().write_all(&failure("500 Trouble", head_only)).await?;
                }
                Some(Fault::Half) => {
                    connection.get_mut().write_all(&bytes[..bytes.len() / 2]).await?;
                    return Ok(());
                }
                Some(Fault::Reset) => return connection.get_ref().set_zero_linger(),
                _ => {
                    connection.get_mut().write_all(&bytes).await?;
                    if !goes_on {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Makes a request of the store, on a connection of its own.
    async fn forward(&self, request: &Message, head_only: bool) -> io::Result<Message> {
        let mut store = BufReader::new(TcpStream::connect(&self.store).await?);
        store.get_ref().set_nodelay(true)?;
        store.get_mut().write_all(&request.bytes()).await?;
        loop {
            let rest = |head: &Message| match head.status() {
                100..200 | 204 | 304 => Rest::None,
                _ if head_only => Rest::Never,
                _ => Rest::All,
            };
            let answer = Message::read(&mut store, rest).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if answer.status() >= 200 {
                return Ok(answer);
            }
        }
    }

    fn count(&self, fault: Fault, call: Call) {
        *self.fate.lock().unwrap().done.entry((fault, call)).or_default() += 1;
    }
}

fn failure(status: &str, head_only: bool) -> Vec<u8> {
    let body = "<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>trouble</Message></Error>";
    let length = body.len();
    let body = if head_only { "" } else { body };
    format!("HTTP/1.1 {status}\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\n\r\n{body}")
        .into()
}
