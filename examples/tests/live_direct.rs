//! Bytes that go straight into a bucket by requests that it has signed, as the clients of PlaceOS and Direct Upload send them; and
//! the two examples over a bucket.
//!
//! Run by `.ci/cloud`, with `CLOUD_STORE`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use support::http::{Answer, request};
use support::server::{KEY, Server};
use support::store::Store;
use support::xml::elements;
use support::{Chance, TempDir};
use upload_checksum::{Algorithm, Digest, Hasher};

const PLACEOS: &str = "/api/engine/v2/uploads";
const DIRECT: &str = "/api/v1/upload/direct";

/// What the clients of PlaceOS cut files into: in Azure smaller than elsewhere.
fn part_size(store: &Store) -> usize {
    if store.is_azure() { 2 << 20 } else { 5 << 20 }
}

fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

fn md5(bytes: &[u8]) -> Digest {
    digest(Algorithm::Md5, bytes)
}

/// A server that lets its bucket sign.
struct World {
    dir: TempDir,
    store: Store,
    server: Server,
}

impl World {
    fn start() -> Self {
        let (dir, store) = (TempDir::new(), Store::wanted());
        let server = Server::start(&dir.path().join("data"), &["--signing", "store"]);
        Self { dir, store, server }
    }

    fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        api(&self.server.address, method, path, KEY, body)
    }

    /// What the bucket answers to a request, exactly as it is told.
    fn send(&self, method: &str, url: &str, headers: &Value, body: &[u8]) -> (u16, Vec<u8>) {
        to_store(&self.store, method, url, headers, body)
    }

    /// The same, which must go well.
    fn sign(&self, signature: &Value, body: &[u8]) -> Vec<u8> {
        let (verb, url) = (signature["verb"].as_str().unwrap(), signature["url"].as_str().unwrap());
        let (status, answer) = self.send(verb, url, &signature["headers"], body);
        assert!((200..300).contains(&status), "{verb} {url}: {status} {}", String::from_utf8_lossy(&answer));
        answer
    }

    /// Stops the server and has the bucket cleaned, a day later: it holds these contents and nothing else.
    fn ends_with(self, contents: &[&[u8]]) {
        self.server.stop();
        let sums: Vec<String> = contents.iter().map(|content| support::client::sha([*content])).collect();
        support::store::check_remains(&self.dir.path().join("data"), &sums);
    }
}

fn api(address: &str, method: &str, path: &str, key: &str, body: Option<&Value>) -> Answer {
    let text = body.map(Value::to_string).unwrap_or_default();
    let headers = [("x-api-key", key), ("content-type", "application/json")];
    request(address, method, path, if body.is_some() { &headers[..] } else { &headers[..1] }, text.as_bytes())
        .unwrap()
}

fn ok(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Sends a request to the store, wherever its URL says that this is.
fn to_store(store: &Store, method: &str, url: &str, headers: &Value, body: &[u8]) -> (u16, Vec<u8>) {
    let rest = url.split_once("://").unwrap().1;
    let (there, path) = rest.split_at(rest.find('/').unwrap());
    let host = store.signed_host().unwrap_or(there);
    let mut stream = TcpStream::connect(store.address()).unwrap();
    // A guard: what never answers is a failure, not a test that never ends.
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    // As every client does, for a body of known length.
    head.push_str(&format!("content-length: {}\r\n", body.len()));
    for (name, value) in headers.as_object().into_iter().flatten() {
        head.push_str(&format!("{name}: {}\r\n", value.as_str().unwrap()));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    // A store that refuses may close before it has read all.
    let _ = stream.write_all(body);
    let mut reader = BufReader::new(stream);
    let (mut status, mut length, mut chunked) = (0, None, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest[..3].parse().unwrap();
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse::<u64>().ok();
        }
        chunked |= line == "transfer-encoding: chunked";
        if line.is_empty() {
            break;
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let size = u64::from_str_radix(line.trim(), 16).unwrap();
            reader.by_ref().take(size).read_to_end(&mut body).unwrap();
            reader.read_line(&mut String::new()).unwrap();
            if size == 0 {
                return (status, body);
            }
        }
    }
    reader.take(length.unwrap_or(0)).read_to_end(&mut body).unwrap();
    (status, body)
}

/// What is signed for reading gives these bytes.
fn reads(world: &World, url: &str, content: &[u8]) {
    let (status, body) = world.send("GET", url, &json!({}), b"");
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    assert!(body == content, "{} bytes, other ones than were sent", body.len());
}

/// A PlaceOS upload's own bytes, by its signed link and by its download.
fn placeos_reads(world: &World, path: &str, content: &[u8]) {
    let link = world.api("GET", &format!("{path}/url"), None);
    assert_eq!(link.status, 303, "{}", link.text());
    reads(world, link.header("location").unwrap(), content);
    assert!(world.api("GET", &format!("{path}/download"), None).body == content);
}

fn placeos_begin(world: &World, content: &[u8], name: &str) -> (String, Value) {
    let asked = json!({"file_name": name, "file_size": content.len(), "file_id": md5(content).to_base64(),
        "file_mime": "video/mp4"});
    let created = ok(&world.api("POST", PLACEOS, Some(&asked)));
    (format!("{PLACEOS}/{}", created["upload_id"].as_str().unwrap()), created)
}

/// The parts of a file, sent; what commits them, and with which body.
fn placeos_parts(world: &World, path: &str, created: &Value, content: &[u8]) -> (Value, String) {
    assert_eq!(created["type"], "chunked_upload");
    let session = match created["signature"]["url"].as_str().unwrap() {
        "" => "MDAwMDAx".to_owned(),
        _ => {
            let xml = String::from_utf8(world.sign(&created["signature"], b"")).unwrap();
            elements(&xml, "UploadId").pop().expect("an id")
        }
    };
    let told = json!({"resumable_id": session, "part_update": true});
    ok(&world.api("PATCH", path, Some(&told)));
    let mut manifest = String::from("<CompleteMultipartUpload>");
    for (n, part) in (1..).zip(content.chunks(part_size(&world.store))) {
        let asked = format!("{path}?part={n}&file_id={}", md5(part).to_base64());
        let step = ok(&world.api("PATCH", &asked, Some(&json!({}))));
        assert_eq!((&step["type"], &step["body"]), (&json!("part_upload"), &Value::Null));
        world.sign(&step["signature"], part);
        let tag = md5(part).to_hex();
        manifest.push_str(&format!("<Part><PartNumber>{n}</PartNumber><ETag>\"{tag}\"</ETag></Part>"));
    }
    manifest.push_str("</CompleteMultipartUpload>");
    let finish = ok(&world.api("PATCH", path, Some(&json!({}))));
    assert_eq!(finish["type"], "finish");
    let body = finish["body"].as_str().map_or(manifest, str::to_owned);
    (finish["signature"].clone(), body)
}

#[test]
fn placeos_goes_straight_to_the_bucket() {
    let world = World::start();
    let mut chance = Chance::new(1);
    let (small, long) = (chance.bytes(1_234_567), chance.bytes(11 << 20));
    let (path, created) = placeos_begin(&world, &small, "small.mp4");
    assert_eq!(created["type"], "direct_upload");
    let residence = created["residence"].as_str().unwrap();
    assert_eq!(residence == "AzureStorage", world.store.is_azure(), "{residence}");
    assert_eq!(world.api("PUT", &path, None).status, 409, "nothing is there");
    world.sign(&created["signature"], &small);
    ok(&world.api("PUT", &path, None));
    placeos_reads(&world, &path, &small);
    // A signed request outlives the completion, and changes nothing.
    let evil = chance.bytes(small.len());
    let signature = &created["signature"];
    let (status, _) = world.send("PUT", signature["url"].as_str().unwrap(), &signature["headers"], &evil);
    assert!((400..500).contains(&status), "{status}");
    placeos_reads(&world, &path, &small);

    let (long_path, created) = placeos_begin(&world, &long, "long.mp4");
    let (commit, manifest) = placeos_parts(&world, &long_path, &created, &long);
    assert_eq!(world.api("PUT", &long_path, None).status, 409, "not committed");
    world.sign(&commit, manifest.as_bytes());
    ok(&world.api("PUT", &long_path, None));
    placeos_reads(&world, &long_path, &long);

    // Given up, with its parts: nothing of it stays.
    let lost = chance.bytes(6 << 20);
    let (lost_path, created) = placeos_begin(&world, &lost, "lost.mp4");
    let (commit, manifest) = placeos_parts(&world, &lost_path, &created, &lost);
    assert_eq!(world.api("DELETE", &lost_path, None).status, 202);
    let verb = commit["verb"].as_str().unwrap();
    let (_, _) = world.send(verb, commit["url"].as_str().unwrap(), &commit["headers"], manifest.as_bytes());
    assert_eq!(world.api("PUT", &lost_path, None).status, 404);
    world.ends_with(&[&small, &long]);
}

/// Whoever may write the blocks of a blob in Azure may replace the blob: another one than was verified never counts.
#[test]
fn what_is_sent_after_the_end_changes_nothing() {
    let world = World::start();
    let mut chance = Chance::new(2);
    let (content, evil) = (chance.bytes(6 << 20), chance.bytes(6 << 20));
    let (path, created) = placeos_begin(&world, &content, "a.mp4");
    let (commit, manifest) = placeos_parts(&world, &path, &created, &content);
    world.sign(&commit, manifest.as_bytes());
    let size = part_size(&world.store);
    let asked = format!("{path}?part=1&file_id={}", md5(&evil[..size]).to_base64());
    let replaces = ok(&world.api("PATCH", &asked, Some(&json!({}))));
    ok(&world.api("PUT", &path, None));
    placeos_reads(&world, &path, &content);
    for (signature, body) in [(&replaces["signature"], &evil[..size]), (&commit, manifest.as_bytes())] {
        let verb = signature["verb"].as_str().unwrap();
        world.send(verb, signature["url"].as_str().unwrap(), &signature["headers"], body);
    }
    placeos_reads(&world, &path, &content);
    // Blocks that come after the end are nobody's, and Azure shows them to nobody: it removes them after a week.
    if !world.store.is_azure() {
        world.ends_with(&[&content]);
    }
}

#[test]
fn direct_uploads_go_straight_to_the_bucket() {
    let world = World::start();
    let mut chance = Chance::new(3);
    let mut contents = Vec::new();
    for (n, algorithm) in [Algorithm::Md5, Algorithm::Sha256].into_iter().enumerate() {
        let content = chance.bytes(777_777);
        let checksum = digest(algorithm, &content).to_base64();
        let blob = json!({"blob": {"filename": format!("größe {n}.bin"), "content_type": "application/x-test",
            "byte_size": content.len(), "checksum": checksum}});
        let record = ok(&world.api("POST", DIRECT, Some(&blob)));
        let upload = &record["direct_upload"];
        let state = format!("{DIRECT}/{}", record["signed_id"].as_str().unwrap());
        assert_eq!(ok(&world.api("GET", &state, None))["state"], "pending");
        let put =
            |content: &[u8]| world.send("PUT", upload["url"].as_str().unwrap(), &upload["headers"], content);
        if algorithm == Algorithm::Md5 {
            // The store itself refuses what is not what was announced.
            assert!((400..500).contains(&put(&chance.bytes(777_777)).0));
            assert_eq!(ok(&world.api("GET", &state, None))["state"], "pending");
        }
        let (status, body) = put(&content);
        assert!((200..300).contains(&status), "{status}: {}", String::from_utf8_lossy(&body));
        let stored = ok(&world.api("GET", &state, None));
        assert_eq!(stored["state"], "stored");
        reads(&world, stored["url"].as_str().unwrap(), &content);
        contents.push(content);
    }
    let all: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
    world.ends_with(&all);
}

/// A program that is killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// `examples/signed_s3`, as its documentation says to use it with curl.
#[test]
fn the_example_signs_and_sees_no_byte() {
    let (dir, store) = (TempDir::new(), Store::wanted());
    let mut command = Command::new(env!("CARGO_BIN_EXE_signed_s3"));
    command.envs(store.variables()).arg(store.url(dir.path())).args(["--listen", "127.0.0.1:0"]);
    let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut out = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut line = |begins: &str| out.next().unwrap().unwrap().strip_prefix(begins).unwrap().to_owned();
    let (address, key) = (line("the page is on http://"), line("the key is "));
    let page = request(&address, "GET", "/", &[], b"").unwrap();
    assert!(page.status == 200 && page.text().contains(&key));
    let content = b"hello\n";
    let blob = json!({"blob": {"filename": "a.txt", "content_type": "text/plain", "byte_size": 6,
        "checksum": md5(content).to_base64()}});
    let record = ok(&api(&address, "POST", DIRECT, &key, Some(&blob)));
    let upload = &record["direct_upload"];
    let (status, _) = to_store(&store, "PUT", upload["url"].as_str().unwrap(), &upload["headers"], content);
    assert!((200..300).contains(&status), "{status}");
    let state = format!("{DIRECT}/{}", record["signed_id"].as_str().unwrap());
    let stored = ok(&api(&address, "GET", &state, &key, None));
    assert_eq!(stored["state"], "stored");
    let (status, body) = to_store(&store, "GET", stored["url"].as_str().unwrap(), &json!({}), b"");
    assert_eq!((status, body.as_slice()), (200, &content[..]));
}

/// `examples/multi_node`: three servers, one of them killed.
#[test]
fn the_example_of_three_nodes_reads_what_it_sent() {
    let (dir, store) = (TempDir::new(), Store::wanted());
    let mut command = Command::new(env!("CARGO_BIN_EXE_multi_node"));
    command.envs(store.variables()).arg(store.url(dir.path())).args(["--size", "12", "--server"]);
    let output = command.arg(env!("CARGO_BIN_EXE_upload-server")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.matches(", the same bytes").count(), 2, "{said}");
}
