//! The class API, of two releases.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{File, PARALLEL, element, escaped, manifest};
use crate::placeos::{BASE, PART, ok};
use crate::signed::{OWNER, Signed, md5};

/// The class API: `GET /new`, then `POST` with the size as text, no type, and the MD5 of the first part.
pub struct Oldest<'a> {
    server: &'a Signed,
    file: &'a File,
    /// Signs parts by `GET …/edit` after a `PATCH` whose answer it ignores, as the same API does in later releases.
    signs_by_edit: bool,
    pub id: String,
    /// Parts that are being sent, the newest last.
    in_flight: Vec<usize>,
    /// Parts to be sent again before the next new one.
    pub pending: Vec<usize>,
    last: usize,
    /// The MD5s of parts in hex, by number: what its manifest is made of.
    known: BTreeMap<usize, String>,
}

impl<'a> Oldest<'a> {
    /// Begins, and gives the type of the answer.
    pub async fn start(server: &'a Signed, file: &'a File, signs_by_edit: bool) -> (Self, Value) {
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
    pub async fn direct(&self, created: &Value) {
        assert_eq!(created["type"], "direct_upload");
        assert_eq!(self.server.signed(&created["signature"], &self.file.content).await.status, 200);
        self.finalise().await;
    }

    /// Asks the store for a session and tells of it; sends the first part by the answer.
    pub async fn init(&mut self, created: &Value) {
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
    pub fn resume(&mut self, created: &Value) {
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

    pub fn in_hand(&self) -> Vec<usize> {
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
    pub async fn run(&mut self, stop_after: Option<usize>) -> Option<()> {
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
