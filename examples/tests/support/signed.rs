//! Clients of the signed flows, of which each request may be the last that the server sees.
//!
//! ```text
//!   a flow ──request──> World ──> server      the plan says: killed in the body, while the answer is awaited, behind it
//!             again <── no answer             the next request finds a new process on the same directory
//! ```
#![allow(dead_code)]

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::support::http::{Answer, Connection};
use super::support::kill::{Point, attempt};
use super::support::server::{KEY, Server};
use super::support::store::{Store, named};
use super::support::{Chance, TempDir};

/// What the server's links begin with. It is nowhere: the tests' clients send to the process that lives.
pub const PUBLIC: &str = "https://uploads.test/files";
pub const PLACEOS: &str = "/api/engine/v2/uploads";
pub const DIRECT: &str = "/api/v1/upload/direct";

/// A request, to be sent as often as need be.
pub struct Request<'a> {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Cow<'a, [u8]>,
}

impl<'a> Request<'a> {
    /// One of the API's, with a key.
    pub fn api(method: &str, path: &str, body: Option<&Value>) -> Self {
        let mut headers = vec![("x-api-key".to_owned(), KEY.to_owned())];
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let body = body.map(|json| json.to_string().into_bytes()).unwrap_or_default();
        Self { method: method.to_owned(), path: path.to_owned(), headers, body: body.into() }
    }

    /// A signed one, exactly as it was signed, and without a key.
    pub fn signed(verb: &str, signed: &Value, body: impl Into<Cow<'a, [u8]>>) -> Self {
        let headers = signed["headers"].as_object();
        let headers = headers.into_iter().flatten().map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned()));
        Self {
            method: verb.to_owned(),
            path: path_of(signed["url"].as_str().expect("a URL")),
            headers: headers.collect(),
            body: body.into(),
        }
    }

    /// The request of a PlaceOS signature.
    pub fn of(signature: &Value, body: impl Into<Cow<'a, [u8]>>) -> Self {
        Self::signed(signature["verb"].as_str().expect("a verb"), signature, body)
    }

    /// A link.
    pub fn link(url: &str) -> Self {
        Self::signed("GET", &json!({ "url": url }), Vec::new())
    }

    pub fn method(&self) -> &str {
        &self.method
    }

    pub fn len(&self) -> usize {
        self.body.len()
    }

    pub fn send_head(&self, connection: &mut Connection, further: &[(&str, &str)]) -> io::Result<()> {
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        connection.head(&self.method, &self.path, &[&headers, further].concat(), self.body.len())
    }

    /// The first `count` bytes of the body.
    pub fn send_body(&self, connection: &mut Connection, count: usize) -> io::Result<()> {
        connection.send(&self.body[..count])
    }

    /// Sends it to a server that lives.
    pub fn ask(&self, address: &str) -> Answer {
        let mut connection = Connection::open(address).unwrap();
        self.send_head(&mut connection, &[]).unwrap();
        // A server may answer before it has read all.
        let _ = self.send_body(&mut connection, self.len());
        connection.answer(&self.method).unwrap()
    }
}

/// The path that a link has on the server itself.
pub fn path_of(url: &str) -> String {
    url.strip_prefix(PUBLIC).unwrap_or_else(|| panic!("{url} does not begin with {PUBLIC}")).to_owned()
}

/// Where the server is killed.
pub enum Plan {
    Never,
    /// Behind the answer to this request, counted from 0.
    Behind(usize),
    /// In the body of this request, or while its answer is awaited: by chance.
    Within(usize),
    /// Anywhere, about once in four requests.
    Anywhere,
}

/// A data directory, and the process that serves it while one does.
pub struct World {
    data: PathBuf,
    args: Vec<String>,
    /// The way to a store that fails now and then.
    failing: Option<Store>,
    server: Option<Server>,
    pub chance: Chance,
    plan: Plan,
    /// Requests that were answered since the plan was made.
    answered: usize,
    killed: bool,
    pub kills: u64,
    /// Kills at requests that begin an upload, whose answers never came.
    pub unheard: usize,
    /// Requests that were made again because the store had failed.
    pub again: u64,
}

impl World {
    pub fn new(dir: &TempDir, args: &[&str], seed: u64) -> Self {
        let args = args.iter().chain(&["--public-url", PUBLIC]).map(|&arg| arg.to_owned()).collect();
        Self {
            data: dir.path().join("data"),
            args,
            failing: None,
            server: None,
            chance: Chance::new(seed),
            plan: Plan::Never,
            answered: 0,
            killed: false,
            kills: 0,
            unheard: 0,
            again: 0,
        }
    }

    /// The server reaches its store this way, and the store fails now and then: flows ask again.
    pub fn failing(mut self, store: Store) -> Self {
        self.failing = Some(store);
        self
    }

    /// Begins a flow.
    pub fn plan(&mut self, plan: Plan) {
        (self.plan, self.answered, self.killed) = (plan, 0, false);
    }

    /// Ends a flow: how many requests it had.
    pub fn unplan(&mut self) -> usize {
        self.plan = Plan::Never;
        self.answered
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    pub fn server(&mut self) -> &Server {
        let (data, args, failing) = (&self.data, &self.args, &self.failing);
        self.server.get_or_insert_with(|| {
            let args: Vec<_> =
                ["--api-key", KEY].into_iter().chain(args.iter().map(String::as_str)).collect();
            let way = failing.iter().flat_map(Store::variables);
            Server::start_with(data, &args, |command| command.envs(way))
        })
    }

    pub fn address(&mut self) -> String {
        self.server().address.clone()
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        self.server.take().expect("it runs").kill();
        self.killed = true;
        self.kills += 1;
    }

    /// The process, for a test that ends it itself.
    pub fn take(&mut self) -> Server {
        self.server();
        self.server.take().unwrap()
    }

    /// Whether the server was killed since this was asked last.
    pub fn was_killed(&mut self) -> bool {
        std::mem::take(&mut self.killed)
    }

    fn point(&mut self, request: &Request<'_>) -> Option<Point> {
        let within = |chance: &mut Chance| match chance.below(2) {
            0 if request.len() > 0 => Point::Sent(chance.below(request.len() as u64) as usize),
            _ => Point::Waiting(Duration::from_micros(chance.below(4000 + request.len() as u64 / 100))),
        };
        match self.plan {
            Plan::Behind(n) if n == self.answered => Some(Point::Answered),
            Plan::Within(n) if n == self.answered => {
                // Once: the repetition is left alone.
                self.plan = Plan::Never;
                Some(within(&mut self.chance))
            }
            Plan::Anywhere => match self.chance.below(12) {
                0 => Some(Point::Answered),
                1 | 2 => Some(within(&mut self.chance)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Sends a request, perhaps kills the server on the way; `None` if there is no answer.
    fn attempt(&mut self, request: &Request<'_>) -> Option<Answer> {
        let point = self.point(request);
        let address = self.address();
        let mut connection = Connection::open(&address).unwrap();
        let send = |connection: &mut Connection, count| {
            request.send_head(connection, &[])?;
            request.send_body(connection, count)
        };
        attempt(&mut connection, &request.method, request.len(), point.as_ref(), send, || self.kill())
    }

    /// Sends a request until it is answered: well.
    pub fn call(&mut self, request: &Request<'_>) -> Answer {
        let answer = loop {
            match self.attempt(request) {
                Some(answer) if self.failing.is_some() && answer.status >= 500 => self.again += 1,
                Some(answer) => break answer,
                None => {}
            }
            let begins = request.method == "POST" && (request.path == PLACEOS || request.path == DIRECT);
            self.unheard += usize::from(begins);
        };
        let (method, path) = (&request.method, &request.path);
        let shown = String::from_utf8_lossy(&answer.body);
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {shown}", answer.status);
        self.answered += 1;
        answer
    }

    /// A request that is no part of a flow: nothing happens to it.
    pub fn ask(&mut self, request: &Request<'_>) -> Answer {
        request.ask(&self.address())
    }

    /// The names of staging objects, and those of objects; `None` where they are in an object store.
    pub fn stored(&self) -> Option<(Vec<String>, Vec<String>)> {
        if named().is_some() {
            return None;
        }
        let names = |kind: &str| {
            let entries = |path: PathBuf| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
            let hours = entries(self.data.join("blobs").join(kind));
            let names = hours.flat_map(|hour| entries(hour.path()));
            names.map(|name| name.file_name().into_string().unwrap()).collect()
        };
        Some((names("s"), names("o")))
    }
}
