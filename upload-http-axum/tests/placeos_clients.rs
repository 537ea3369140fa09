//! The three generations of clients, each as it sends its requests, against the store endpoints: whatever happens on the
//! way, the bytes are the same in the end.
#![cfg(all(feature = "picomes", feature = "placeos"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

#[path = "support/signed.rs"]
mod signed;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use signed::{COLLEAGUE, OWNER, STRANGER, Signed, md5};
use support::{Answer, MB, noise};

const BASE: &str = "/api/engine/v2/uploads";
/// What clients cut files into where the residence is Amazon S3.
const PART: usize = 5 * MB;
/// How many parts they send at once.
const PARALLEL: usize = 3;

/// `encodeURIComponent` of base64.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

fn ok(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// The text of the first element of this name, as a DOM parser finds it.
fn element(xml: &[u8], name: &str) -> String {
    let xml = String::from_utf8(xml.to_vec()).unwrap();
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {xml}"));
    rest.split_once('<').unwrap().0.to_owned()
}

fn manifest(parts: impl IntoIterator<Item = (usize, String)>) -> String {
    let parts: String = parts
        .into_iter()
        .map(|(n, hex)| format!("<Part><PartNumber>{n}</PartNumber><ETag>\"{hex}\"</ETag></Part>"))
        .collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

/// A file, and how it is cut.
struct File {
    name: &'static str,
    content: Vec<u8>,
}

impl File {
    fn new(name: &'static str, seed: u64, length: usize) -> Self {
        Self { name, content: noise(seed, length) }
    }

    fn parts(&self) -> usize {
        self.content.len().div_ceil(PART)
    }

    fn part(&self, n: usize) -> &[u8] {
        let start = (n - 1) * PART;
        &self.content[start..self.content.len().min(start + PART)]
    }
}

/// Whether the bytes that anybody of the tenant reads are the file's.
async fn arrived(server: &Signed, id: &str, file: &File) {
    let got = server.api(COLLEAGUE, "GET", &format!("{BASE}/{id}/download"), None).await;
    assert!(got.status == 200 && got.body == file.content, "{} bytes, {}", got.body.len(), got.status);
    let link = server.api(COLLEAGUE, "GET", &format!("{BASE}/{id}/url"), None).await;
    assert_eq!((link.status, link.body.len()), (303, 0));
    let linked = server.send(&signed::bare("GET", &server.path_of(link.header("location").unwrap()))).await;
    assert!(linked.status == 200 && linked.body == file.content);
    assert_eq!(server.api(STRANGER, "GET", &format!("{BASE}/{id}/download"), None).await.status, 404);
}

/// The class API: `GET /new`, then `POST` with the size as text, no type, and the MD5 of the first part.
struct Oldest<'a> {
    server: &'a Signed,
    file: &'a File,
    /// Signs parts by `GET …/edit` after a `PATCH` whose answer it ignores, as the same API does in later releases.
    signs_by_edit: bool,
    id: String,
    /// Parts that are being sent, the newest last.
    in_flight: Vec<usize>,
    /// Parts to be sent again before the next new one.
    pending: Vec<usize>,
    last: usize,
    /// The MD5s of parts in hex, by number: what its manifest is made of.
    known: BTreeMap<usize, String>,
}

impl<'a> Oldest<'a> {
    /// Begins, and gives the type of the answer.
    async fn start(server: &'a Signed, file: &'a File, signs_by_edit: bool) -> (Self, Value) {
        let mut client = Self {
            server,
            file,
            signs_by_edit,
            id: String::new(),
            in_flight: Vec::new(),
            pending: Vec::new(),
            last: 0,
            known: BTreeMap::new(),
        };
        let query = format!("?file_size={}&file_name={}", file.content.len(), file.name.replace(' ', "%20"));
        let new = ok(&server.api(OWNER, "GET", &format!("{BASE}/new{query}"), None).await);
        assert_eq!(new, json!({"residence": "AmazonS3"}));
        let first = if file.content.len() > PART { file.part(1) } else { &file.content };
        let body = json!({
            "file_size": file.content.len().to_string(),
            "file_name": file.name,
            "file_id": md5(first).to_base64(),
        });
        client.known.insert(1, md5(first).to_hex());
        let created = ok(&server.api(OWNER, "POST", BASE, Some(&body)).await);
        client.id = created["upload_id"].as_str().unwrap().to_owned();
        (client, created)
    }

    /// Sends a small file whole.
    async fn direct(&self, created: &Value) {
        assert_eq!(created["type"], "direct_upload");
        assert_eq!(self.server.signed(&created["signature"], &self.file.content).await.status, 200);
        self.finalise().await;
    }

    /// Asks the store for a session and tells of it; sends the first part by the answer.
    async fn init(&mut self, created: &Value) {
        assert_eq!(created["type"], "chunked_upload");
        let begun = self.server.signed(&created["signature"], b"").await;
        let resumable_id = element(&begun.body, "UploadId");
        let body = json!({
            "resumable_id": resumable_id, "part": 1, "file_id": md5(self.file.part(1)).to_base64(),
        });
        let path = format!("{BASE}/{}", self.id);
        let first = ok(&self.server.api(OWNER, "PATCH", &path, Some(&body)).await);
        assert_eq!((&first["type"], &first["body"]), (&json!("part_upload"), &Value::Null));
        let n = self.next_index();
        self.put(n, &first).await;
    }

    /// Goes on where an earlier client stopped: with the parts that were in flight, and what was known of others.
    fn resume(&mut self, created: &Value) {
        assert_eq!(created["type"], "parts");
        let list = created["part_list"].as_array().unwrap();
        self.pending = list.iter().map(|n| usize::try_from(n.as_u64().unwrap()).unwrap()).collect();
        for (n, part) in created["part_data"].as_object().expect("an object, not an array") {
            self.known.insert(n.parse().unwrap(), part["md5"].as_str().unwrap().to_owned());
        }
    }

    fn next_index(&mut self) -> usize {
        self.last = if self.pending.is_empty() { self.last + 1 } else { self.pending.remove(0) };
        self.in_flight.push(self.last);
        self.last
    }

    fn in_hand(&self) -> Vec<usize> {
        self.in_flight.iter().chain(&self.pending).copied().collect()
    }

    fn progress(&self) -> Value {
        let list = self.in_hand();
        let data: Vec<_> =
            list.iter().filter_map(|n| Some(json!({"md5": self.known.get(n)?, "part": n}))).collect();
        json!({"part_list": list, "part_data": data})
    }

    /// Asks for the next part's signature; without one it tells of its progress, or is at the end.
    async fn sign_next(&mut self) -> Option<(usize, Value)> {
        let n = self.next_index();
        if n > self.file.parts() {
            return None;
        }
        let digest = md5(self.file.part(n));
        self.known.insert(n, digest.to_hex());
        let body = self.progress();
        let file_id = escaped(&digest.to_base64());
        let query = format!("?part={n}&file_id={file_id}&file_mime=binary%2Foctet-stream");
        let path = format!("{BASE}/{}", self.id);
        let patched = ok(&self.server.api(OWNER, "PATCH", &format!("{path}{query}"), Some(&body)).await);
        if !self.signs_by_edit {
            return Some((n, patched));
        }
        // Escapes the value before it is escaped.
        let query = format!("?part={n}&file_id={}", escaped(&file_id));
        Some((n, ok(&self.server.api(OWNER, "GET", &format!("{path}/edit{query}"), None).await)))
    }

    async fn put(&mut self, n: usize, signed: &Value) {
        let answer = self.server.signed(&signed["signature"], self.file.part(n)).await;
        assert_eq!(answer.status, 200, "part {n}: {}", String::from_utf8_lossy(&answer.body));
        self.in_flight.retain(|known| *known != n);
    }

    /// Sends all parts, as many at once as it may, and finishes. With `stop_after`, stops as if closed after so many.
    async fn run(&mut self, stop_after: Option<usize>) -> Option<()> {
        let mut sent = 0;
        loop {
            let mut wave = Vec::new();
            while wave.len() < PARALLEL {
                match self.sign_next().await {
                    Some(next) => wave.push(next),
                    None => break,
                }
            }
            if wave.is_empty() {
                break;
            }
            if stop_after.is_some_and(|stop| sent >= stop) {
                return None;
            }
            let puts =
                wave.iter().map(|(n, signed)| self.server.signed(&signed["signature"], self.file.part(*n)));
            for answer in futures_util::future::join_all(puts).await {
                assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
            }
            sent += wave.len();
            self.in_flight.retain(|n| !wave.iter().any(|(done, _)| done == n) && *n <= self.file.parts());
            // Fewer than it may send at once: it tells of that.
            let mut body = self.progress();
            body["part_update"] = json!(true);
            let path = format!("{BASE}/{}", self.id);
            assert_eq!(ok(&self.server.api(OWNER, "PATCH", &path, Some(&body)).await), json!({"ok": true}));
        }
        let path = format!("{BASE}/{}/edit?part=finish", self.id);
        let finish = ok(&self.server.api(OWNER, "GET", &path, None).await);
        assert_eq!((&finish["type"], &finish["body"]), (&json!("finish"), &Value::Null));
        let known = self.known.iter().map(|(n, hex)| (*n, hex.clone()));
        let answer = self.server.signed(&finish["signature"], manifest(known).as_bytes()).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        self.finalise().await;
        Some(())
    }

    async fn finalise(&self) {
        let path = format!("{BASE}/{}", self.id);
        assert_eq!(ok(&self.server.api(OWNER, "PUT", &path, Some(&json!({}))).await), json!({"ok": true}));
    }
}

/// The function API: `POST` straight away with the MD5 of the whole, `PATCH` with a query for each part.
struct Newest<'a> {
    server: &'a Signed,
    file: &'a File,
    id: String,
    resumable_id: String,
    completed: BTreeSet<usize>,
}

impl<'a> Newest<'a> {
    async fn start(server: &'a Signed, file: &'a File, file_mime: &str) -> (Self, Value) {
        let body = json!({
            "file_size": file.content.len(), "file_name": file.name, "file_mime": file_mime,
            "file_id": md5(&file.content).to_base64(), "permissions": "none", "public": false,
        });
        let created = ok(&server.api(OWNER, "POST", BASE, Some(&body)).await);
        let id = created["upload_id"].as_str().unwrap().to_owned();
        let mut client = Self { server, file, id, resumable_id: String::new(), completed: BTreeSet::new() };
        if created["type"] != "direct_upload" {
            // Whether it begins or is answered with parts: it sends what was signed and looks for the id in the answer.
            let answer = server.signed(&created["signature"], b"").await;
            client.resumable_id = element(&answer.body, "UploadId");
        }
        (client, created)
    }

    fn finished_parts(&self, with_hex: bool) -> Value {
        let data = self.completed.iter().map(|n| {
            let digest = md5(self.file.part(*n));
            let mut part = json!({"part": n, "md5": digest.to_base64()});
            if with_hex {
                part["md5_hex"] = json!(digest.to_hex());
            }
            part
        });
        json!({"part_list": self.completed, "part_data": data.collect::<Vec<_>>()})
    }

    /// What it sends for a part, with what is completed now.
    async fn send_part(&self, n: usize) -> usize {
        let part = self.file.part(n);
        let body = if self.completed.is_empty() {
            json!({"resumable_id": self.resumable_id})
        } else {
            self.finished_parts(false)
        };
        let query = format!("?part={n}&file_id={}", escaped(&md5(part).to_base64()));
        let patched =
            self.server.api(OWNER, "PATCH", &format!("{BASE}/{}{query}", self.id), Some(&body)).await;
        let answer = self.server.signed(&ok(&patched)["signature"], part).await;
        assert_eq!(answer.status, 200, "part {n}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.header("etag"), Some(format!("\"{}\"", md5(part).to_hex()).as_str()));
        assert!(answer.header("access-control-expose-headers").unwrap().contains("etag"));
        n
    }

    /// Sends these parts, three at once in any order of arrival; the real one gives up after few failures.
    async fn send(&mut self, parts: impl IntoIterator<Item = usize>) {
        let queue: Vec<_> = parts.into_iter().collect();
        for wave in queue.chunks(PARALLEL) {
            let sent: Vec<_> = stream::iter(wave.iter().map(|n| self.send_part(*n)))
                .buffer_unordered(PARALLEL)
                .collect()
                .await;
            self.completed.extend(sent);
        }
    }

    async fn finish(&self) {
        let path = format!("{BASE}/{}?", self.id);
        let finish = ok(&self.server.api(OWNER, "PATCH", &path, Some(&self.finished_parts(true))).await);
        assert_eq!((&finish["type"], &finish["body"]), (&json!("finish"), &Value::Null));
        let parts = self.completed.iter().map(|n| (*n, md5(self.file.part(*n)).to_hex()));
        let answer = self.server.signed(&finish["signature"], manifest(parts).as_bytes()).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        self.commit().await;
    }

    async fn commit(&self) {
        let put = self.server.api(OWNER, "PUT", &format!("{BASE}/{}", self.id), None).await;
        assert_eq!(ok(&put), json!({"ok": true}));
    }
}

#[tokio::test]
async fn small_files_of_all_clients() {
    let server = Signed::start().await;
    for (seed, length) in [(1, 0), (2, 1), (3, 4_999_999), (4, 5_000_000)] {
        let file = File::new("small.bin", seed, length);
        for signs_by_edit in [false, true] {
            let (client, created) = Oldest::start(&server, &file, signs_by_edit).await;
            client.direct(&created).await;
            arrived(&server, &client.id, &file).await;
        }
        for mime in ["", "video/mp4"] {
            let (client, created) = Newest::start(&server, &file, mime).await;
            assert_eq!(created["type"], "direct_upload");
            let sent_as = if mime.is_empty() { "binary/octet-stream" } else { mime };
            let headers = json!({"Content-Type": sent_as, "Content-MD5": md5(&file.content).to_base64()});
            assert_eq!(created["signature"]["headers"], headers);
            assert_eq!(server.signed(&created["signature"], &file.content).await.status, 200);
            client.commit().await;
            arrived(&server, &client.id, &file).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_in_parts_of_all_clients() {
    let server = Signed::start().await;
    // The smallest that comes in parts has one; then less than a part more than some, exactly some, many.
    for (seed, length) in [(1, 5_000_001), (2, 2 * PART + 1), (3, 3 * PART), (4, 7 * PART - 1)] {
        let file = File::new("a film.mp4", seed, length);
        for signs_by_edit in [false, true] {
            let (mut client, created) = Oldest::start(&server, &file, signs_by_edit).await;
            client.init(&created).await;
            client.run(None).await.unwrap();
            arrived(&server, &client.id, &file).await;
        }
        let (mut client, created) = Newest::start(&server, &file, "").await;
        assert_eq!((&created["type"], &created["residence"]), (&json!("chunked_upload"), &json!("AmazonS3")));
        client.send(1..=file.parts()).await;
        client.finish().await;
        arrived(&server, &client.id, &file).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_in_any_order() {
    let short = Duration::from_millis(1);
    let server = Signed::with(|engine, _, _| engine.part_wait = short).await;
    let file = File::new("a.bin", 9, 6 * PART + 12_345);
    for order in [[7, 6, 5, 4, 3, 2, 1], [3, 1, 2, 7, 5, 6, 4], [2, 7, 1, 6, 3, 5, 4]] {
        let mut file_named = File::new("a.bin", 9, file.content.len());
        file_named.content[0] = order[0] as u8;
        let (mut client, _) = Newest::start(&server, &file_named, "").await;
        // A client tries again what the store is not ready for.
        let mut queue = order.to_vec();
        while let Some(n) = queue.first().copied() {
            let query = format!("?part={n}&file_id={}", escaped(&md5(file_named.part(n)).to_base64()));
            let body = json!({"resumable_id": client.resumable_id});
            let path = format!("{BASE}/{}{query}", client.id);
            let patched = ok(&server.api(OWNER, "PATCH", &path, Some(&body)).await);
            let answer = server.signed(&patched["signature"], file_named.part(n)).await;
            match answer.status {
                200 => {
                    queue.remove(0);
                    client.completed.insert(n);
                }
                503 => {
                    assert!(answer.header("retry-after").is_some());
                    queue.rotate_left(1);
                }
                other => panic!("{other}: {}", String::from_utf8_lossy(&answer.body)),
            }
        }
        client.finish().await;
        arrived(&server, &client.id, &file_named).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_and_resumed_by_each_client() {
    let server = Signed::start().await;
    let file = File::new("a.mp4", 5, 6 * PART + 7);
    for signs_by_edit in [false, true] {
        let (mut client, created) = Oldest::start(&server, &file, signs_by_edit).await;
        client.init(&created).await;
        assert_eq!(client.run(Some(3)).await, None);
        // A new page of the browser, with the file chosen again.
        let (mut again, created) = Oldest::start(&server, &file, signs_by_edit).await;
        assert_eq!(again.id, client.id);
        again.resume(&created);
        assert_eq!(again.pending, client.in_hand(), "parts in flight, as they were told");
        again.run(None).await.unwrap();
        arrived(&server, &again.id, &file).await;
    }

    let (mut client, _) = Newest::start(&server, &file, "video/mp4").await;
    for wave in [1..=1, 2..=3, 4..=4] {
        client.send(wave).await;
    }
    let (mut again, created) = Newest::start(&server, &file, "video/mp4").await;
    assert_eq!((&again.id, &created["type"]), (&client.id, &json!("parts")));
    // What was told last: before the fourth part, the first three were complete.
    assert_eq!(created["part_list"], json!([1, 2, 3]));
    assert_eq!(created["part_data"]["2"], json!({"md5": md5(file.part(2)).to_base64(), "part": 2}));
    assert_eq!(
        (&again.resumable_id, created["signature"]["verb"].as_str()),
        (&client.resumable_id, Some("GET"))
    );
    // The page's way: the parts of the list are there, the others are sent.
    again.completed = [1, 2, 3].into();
    again.send(4..=file.parts()).await;
    again.finish().await;
    arrived(&server, &again.id, &file).await;

    // The same file again is a new upload: a complete one does not go on.
    let (next, created) = Newest::start(&server, &file, "video/mp4").await;
    assert_ne!(next.id, again.id);
    assert_eq!(created["type"], "chunked_upload");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_before_any_part_is_known_it_begins_again_under_the_same_id() {
    let server = Signed::start().await;
    let file = File::new("a.mp4", 6, 2 * PART + 7);
    let (mut client, created) = Oldest::start(&server, &file, false).await;
    // The session is known and a part is stored, but no part was told of.
    client.init(&created).await;
    let (mut again, created) = Oldest::start(&server, &file, false).await;
    assert_eq!((&again.id, &created["type"]), (&client.id, &json!("chunked_upload")));
    again.init(&created).await;
    again.run(None).await.unwrap();
    arrived(&server, &again.id, &file).await;
}

#[tokio::test]
async fn a_part_that_was_only_announced_is_told_of_with_the_others() {
    let server = Signed::start().await;
    let file = File::new("a.mp4", 10, 3 * PART + 7);
    let (mut client, created) = Oldest::start(&server, &file, false).await;
    client.init(&created).await;
    // The first part ended before its digest stood in any list of parts in flight.
    let md5_of = |n| md5(file.part(n));
    let path = format!("{BASE}/{}?part=2&file_id={}", client.id, escaped(&md5_of(2).to_base64()));
    let told = json!({"part_list": [2], "part_data": [{"md5": md5_of(2).to_hex(), "part": 2}]});
    ok(&server.api(OWNER, "PATCH", &path, Some(&told)).await);
    let (_, created) = Oldest::start(&server, &file, false).await;
    let part = |n| json!({"md5": md5_of(n).to_hex(), "part": n});
    assert_eq!(created["part_data"], json!({"1": part(1), "2": part(2)}));
    assert_eq!(created["part_list"], json!([2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_client_goes_on_where_another_stopped() {
    let server = Signed::start().await;
    // Their look-up keys agree where the file is no longer than a part.
    let file = File::new("a.mp4", 7, 5_100_000);
    let (mut client, created) = Oldest::start(&server, &file, false).await;
    client.init(&created).await;
    let (mut again, _) = Newest::start(&server, &file, "").await;
    assert_eq!(again.id, client.id);
    again.send(1..=1).await;
    again.finish().await;
    arrived(&server, &again.id, &file).await;
}

#[tokio::test]
async fn a_cancelled_upload_is_gone_everywhere() {
    let server = Signed::start().await;
    let file = File::new("a.mp4", 8, 2 * PART + 7);
    let (mut client, created) = Newest::start(&server, &file, "").await;
    client.send(1..=1).await;
    let query = format!("?part=2&file_id={}", escaped(&md5(file.part(2)).to_base64()));
    let path = format!("{BASE}/{}", client.id);
    let part = ok(&server.api(OWNER, "PATCH", &format!("{path}{query}"), Some(&json!({}))).await);
    let deleted = server.api(OWNER, "DELETE", &path, None).await;
    assert_eq!((deleted.status, deleted.body.len(), deleted.header("content-type")), (202, 0, None));
    let said = format!("{{\"error\":\"Invalid upload id: {}\"}}", client.id);
    for (method, below, body) in [
        ("PATCH", "", Some(json!({}))),
        ("PUT", "", None),
        ("DELETE", "", None),
        ("GET", "/edit?part=finish", None),
        ("GET", "/url", None),
        ("GET", "/download", None),
    ] {
        let answer = server.api(OWNER, method, &format!("{path}{below}"), body.as_ref()).await;
        assert_eq!(
            (answer.status, String::from_utf8(answer.body).unwrap()),
            (404, said.clone()),
            "{method} {below}"
        );
    }
    for (signature, body) in [(&part["signature"], file.part(2)), (&created["signature"], &b""[..])] {
        let answer = server.signed(signature, body).await;
        assert_eq!((answer.status, element(&answer.body, "Code").as_str()), (404, "NoSuchUpload"));
    }
    // The same file begins afresh.
    let (again, created) = Newest::start(&server, &file, "").await;
    assert_ne!(again.id, client.id);
    assert_eq!(created["type"], "chunked_upload");

    // A complete one is removed as well.
    let small = File::new("b", 1, 100);
    let (client, created) = Newest::start(&server, &small, "").await;
    assert_eq!(server.signed(&created["signature"], &small.content).await.status, 200);
    client.commit().await;
    let path = format!("{BASE}/{}", client.id);
    assert_eq!(server.api(OWNER, "DELETE", &path, None).await.status, 202);
    assert_eq!(server.api(OWNER, "GET", &format!("{path}/download"), None).await.status, 404);
}
