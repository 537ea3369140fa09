//! Webhooks of the real server: a receiver that refuses, hangs, goes away and comes back, and a server that is killed, and
//! still every upload is told of, always under the same id.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver as Heard, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName};
use serde_json::Value;
use support::TempDir;
use support::client::id_of;
use support::server::Server;
use upload_events::{Secret, Signed, verify};

const SECRET: &str = "a-webhook-secret-of-a-live-test";
/// A guard: what never comes is a failure, not a test that never ends.
const NEVER: Duration = Duration::from_secs(90);

/// What a receiver does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Take,
    Refuse(u16),
    /// Closes without an answer.
    Cut,
    /// Answers never: waits until the other side has gone.
    Hang,
}

/// A notice that was heard, its signature checked.
#[derive(Debug)]
struct Notice {
    id: String,
    name: String,
    mood: Mood,
}

/// A receiver on a port; its moods come one after the other, and the last one stays.
struct Receiver {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Receiver {
    fn start(address: &str, moods: &[Mood]) -> (Self, Heard<Notice>) {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = Arc::new(AtomicBool::new(false));
        let moods = Arc::new(Mutex::new(moods.to_vec()));
        let (tell, heard) = channel();
        let stop = stopping.clone();
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (moods, tell) = (moods.clone(), tell.clone());
                std::thread::spawn(move || receive(stream.unwrap(), &moods, &tell));
            }
        });
        (Self { address, stopping, accepting: Some(accepting) }, heard)
    }

    fn stop(mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        self.accepting.take().unwrap().join().unwrap();
    }
}

fn receive(stream: TcpStream, moods: &Mutex<Vec<Mood>>, tell: &Sender<Notice>) {
    let mut stream = BufReader::new(stream);
    let Some((headers, body)) = request(&mut stream) else { return };
    let signed = Signed::of(&headers).unwrap();
    let secret = Secret::new(SECRET).unwrap();
    verify(&secret, &signed, &body, SystemTime::now(), Duration::from_secs(60)).unwrap();
    let json: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&json["id"], &json["kind"]), (&signed.id.into(), &"upload.completed".into()), "{json}");
    assert_eq!(json["upload"]["id"], signed.id, "{json}");
    let mood = {
        let mut moods = moods.lock().unwrap();
        if moods.len() > 1 { moods.remove(0) } else { moods[0] }
    };
    let name = json["upload"]["file_name"].as_str().unwrap().to_owned();
    let told = tell.send(Notice { id: signed.id.to_owned(), name, mood });
    let answer = |status: u16| format!("HTTP/1.1 {status} So\r\ncontent-length: 0\r\n\r\n");
    // The server may be killed, and the test over.
    let _ = match mood {
        Mood::Take => stream.get_mut().write_all(answer(200).as_bytes()),
        Mood::Refuse(status) => stream.get_mut().write_all(answer(status).as_bytes()),
        Mood::Cut => Ok(()),
        Mood::Hang => stream.read(&mut [0]).map(drop),
    };
    drop(told);
}

/// A request, if the other side lived long enough to send it whole.
fn request(stream: &mut BufReader<TcpStream>) -> Option<(HeaderMap, Vec<u8>)> {
    let mut headers = HeaderMap::new();
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    assert_eq!(line, "POST /hook HTTP/1.1\r\n");
    loop {
        line.clear();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let mut body = vec![0; headers["content-length"].to_str().unwrap().parse().unwrap()];
    stream.read_exact(&mut body).ok()?;
    Some((headers, body))
}

/// The server, its uploads, and what was heard of them.
struct World {
    dir: TempDir,
    config: PathBuf,
    /// The ids of the uploads, by their files' names.
    uploads: BTreeMap<String, String>,
    heard: Vec<Notice>,
}

impl World {
    fn new(receiver: SocketAddr) -> Self {
        let dir = TempDir::new();
        let config = dir.file(
            "config.toml",
            format!(
                "[destinations.any]\nmax_length = 1000\n\
                 [[webhooks]]\nurl = \"http://{receiver}/hook\"\nsecret = \"{SECRET}\"\nanswer_timeout = 1\n"
            ),
        );
        Self { dir, config, uploads: BTreeMap::new(), heard: Vec::new() }
    }

    fn server(&self) -> Server {
        Server::start(&self.dir.path().join("data"), &["--config", self.config.to_str().unwrap()])
    }

    fn upload(&mut self, server: &Server) -> String {
        let name = format!("{}.bin", self.uploads.len());
        let done = server.client().upload("any", &name, &[name.as_bytes()]);
        let id = id_of(&done);
        self.uploads.insert(name, id.clone());
        id
    }

    /// Waits until each upload was taken.
    fn all_are_taken(&mut self, heard: &Heard<Notice>) {
        let mut missing: BTreeSet<_> = self.uploads.values().cloned().collect();
        for notice in self.heard.iter().filter(|notice| notice.mood == Mood::Take) {
            missing.remove(&notice.id);
        }
        while !missing.is_empty() {
            let notice = heard.recv_timeout(NEVER).unwrap_or_else(|e| panic!("{e}: {missing:?}"));
            if notice.mood == Mood::Take {
                missing.remove(&notice.id);
            }
            self.heard.push(notice);
        }
        for notice in &self.heard {
            assert_eq!(self.uploads.get(&notice.name), Some(&notice.id), "{notice:?}");
        }
    }
}

/// The receiver of the examples.
struct Example {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Example {
    fn start(address: SocketAddr) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_webhook"));
        command.args(["--listen", &address.to_string(), "--secret", SECRET]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        assert_eq!(first, format!("listening on http://{address}\n"));
        Self { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.out.read_line(&mut line).unwrap(), 0, "it has ended");
        line
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_receiver_that_refuses_hangs_and_restarts_is_told_of_every_upload() {
    let moods = [Mood::Refuse(503), Mood::Refuse(401), Mood::Cut, Mood::Hang, Mood::Hang, Mood::Take];
    let (receiver, heard) = Receiver::start("127.0.0.1:0", &moods);
    let address = receiver.address;
    let mut world = World::new(address);
    let server = world.server();
    for _ in 0..3 {
        world.upload(&server);
    }
    world.all_are_taken(&heard);
    let met: BTreeSet<_> = world.heard.iter().map(|notice| format!("{:?}", notice.mood)).collect();
    assert_eq!(met.len(), 5, "every mood was met: {met:?}");

    // It goes, and what comes back on its port is the receiver of the examples.
    receiver.stop();
    let late: BTreeSet<_> = (0..3).map(|_| world.upload(&server)).collect();
    let mut example = Example::start(address);
    let mut told = BTreeSet::new();
    while told.len() < late.len() {
        let line = example.line();
        let id = late.iter().find(|id| line.contains(*id)).unwrap_or_else(|| panic!("{line}"));
        let own = format!("upload.completed {id}: ");
        assert!(
            line.trim_start_matches("again: ").starts_with(&own) && line.contains("in any, 5 bytes"),
            "{line}"
        );
        told.insert(id.clone());
    }
    server.stop();
}

#[test]
fn the_example_believes_nothing_that_is_not_signed() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut example = Example::start(free);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let upload = r#"{"destination":"a","length":5,"content_type":null,"file_name":"x\u001b[2J"}"#;
    let body = format!(r#"{{"id":"one","kind":"upload.completed","upload":{upload},"more":1}}"#);
    let send = |secret: &str, at: u64, body: &str| {
        let (at, secret) = (at.to_string(), Secret::new(secret).unwrap());
        let signature = upload_events::sign(&secret, "one", &at, body.as_bytes());
        let headers = [("webhook-id", "one"), ("webhook-timestamp", &at), ("webhook-signature", &*signature)];
        support::http::request(&free.to_string(), "POST", "/hook", &headers, body.as_bytes()).unwrap()
    };
    assert_eq!(send("another-secret-of-that-length", now, &body).status, 401);
    assert_eq!(send(SECRET, now - 1000, &body).status, 401, "recorded long ago");
    let plain = support::http::request(&free.to_string(), "POST", "/hook", &[], body.as_bytes()).unwrap();
    assert_eq!((plain.status, plain.text()), (401, "expected a header webhook-id"));
    assert_eq!(send(SECRET, now, "{}").status, 400);
    assert_eq!([send(SECRET, now, &body).status, send(SECRET, now, &body).status], [204, 204]);
    let news = "upload.completed one: \"x\\u{1b}[2J\" in a, 5 bytes, of no known type\n";
    assert_eq!([example.line(), example.line()], [news.to_owned(), format!("again: {news}")]);
}

#[test]
fn a_server_that_is_killed_before_it_told_tells_after_its_next_start() {
    // Killed while it waits for an answer: heard, and told again.
    let (receiver, heard) = Receiver::start("127.0.0.1:0", &[Mood::Hang, Mood::Take]);
    let mut world = World::new(receiver.address);
    let server = world.server();
    let id = world.upload(&server);
    let first = heard.recv_timeout(NEVER).unwrap();
    assert_eq!((&first.id, first.mood), (&id, Mood::Hang));
    server.kill();
    let server = world.server();
    world.all_are_taken(&heard);

    // Killed with nobody there to be told.
    let address = receiver.address;
    receiver.stop();
    for _ in 0..3 {
        world.upload(&server);
    }
    server.kill();
    let (receiver, heard) = Receiver::start(&address.to_string(), &[Mood::Take]);
    let server = world.server();
    world.all_are_taken(&heard);
    server.stop();

    // Killed as soon as the upload is answered, again and again: before the notice was sent, or taken, or noted as taken.
    for _ in 0..20 {
        let server = world.server();
        world.upload(&server);
        server.kill();
    }
    let server = world.server();
    world.all_are_taken(&heard);
    server.stop();
    receiver.stop();
}
