//! The function API.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::{File, PARALLEL, element, escaped, manifest};
use crate::placeos::{BASE, ok};
use crate::signed::{OWNER, Signed, md5};

/// The function API: `POST` straight away with the MD5 of the whole, `PATCH` with a query for each part.
pub struct Newest<'a> {
    server: &'a Signed,
    file: &'a File,
    pub id: String,
    pub resumable_id: String,
    pub completed: BTreeSet<usize>,
}

impl<'a> Newest<'a> {
    pub async fn start(server: &'a Signed, file: &'a File, file_mime: &str) -> (Self, Value) {
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
    pub async fn send(&mut self, parts: impl IntoIterator<Item = usize>) {
        let queue: Vec<_> = parts.into_iter().collect();
        for wave in queue.chunks(PARALLEL) {
            let sent: Vec<_> = stream::iter(wave.iter().map(|n| self.send_part(*n)))
                .buffer_unordered(PARALLEL)
                .collect()
                .await;
            self.completed.extend(sent);
        }
    }

    pub async fn finish(&self) {
        let path = format!("{BASE}/{}?", self.id);
        let finish = ok(&self.server.api(OWNER, "PATCH", &path, Some(&self.finished_parts(true))).await);
        assert_eq!((&finish["type"], &finish["body"]), (&json!("finish"), &Value::Null));
        let parts = self.completed.iter().map(|n| (*n, md5(self.file.part(*n)).to_hex()));
        let answer = self.server.signed(&finish["signature"], manifest(parts).as_bytes()).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        self.commit().await;
    }

    pub async fn commit(&self) {
        let put = self.server.api(OWNER, "PUT", &format!("{BASE}/{}", self.id), None).await;
        assert_eq!(ok(&put), json!({"ok": true}));
    }
}
