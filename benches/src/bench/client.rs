//! A blocking HTTP client that costs next to nothing: the machine's cores are for the server.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::images::Api;

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

const BOUNDARY: &str = "----bench7d0f3c1a9e5b";

impl Client {
    pub(crate) fn connect(host: SocketAddr) -> Self {
        let stream = TcpStream::connect(host).expect("the server listens");
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), host }
    }

    pub(crate) fn create(&mut self, length: u64, sha: &str) -> String {
        let body = format!(
            r#"{{"destinationId":"bench","fileName":"bench.bin","fileSize":{length},"sha":"{sha}"}}"#
        );
        let head = self.head("POST", "/uploads", "application/json", body.len());
        self.send(&[head.as_bytes(), body.as_bytes()], None);
        self.answer()["streamId"].as_str().expect("a streamId").to_owned()
    }

    pub(crate) fn chunk(&mut self, id: &str, n: u64, total: u64, data: &[u8], pace: Option<u64>) -> Value {
        let before = format!(
            "{}{}{}",
            field("chunkIndex", &n.to_string()),
            field("totalChunks", &total.to_string()),
            file_head()
        );
        self.form("PATCH", &format!("/uploads/{id}"), &before, data, pace)
    }

    pub(crate) fn single(&mut self, data: &[u8]) -> Value {
        let before = format!("{}{}", field("destinationId", "bench"), file_head());
        self.form("POST", "/uploads", &before, data, None)
    }

    /// A whole image, by this API.
    pub(crate) fn image(&mut self, api: Api, data: &[u8]) {
        match api {
            Api::Picomes => assert!(self.single(data)["path"].is_string()),
            Api::Wickson => {
                let answer = self.form("POST", "/v1/media", &file_head(), data, None);
                assert!(answer["data"]["file_details"]["dimensions"].is_string(), "{answer}");
            }
        }
    }

    pub(crate) fn json(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let head = self.head(method, path, "application/json", body.len());
        self.send(&[head.as_bytes(), body.as_bytes()], None);
        self.answer()
    }

    /// A part, to where a signed request says.
    pub(crate) fn put(&mut self, path: &str, md5: Option<&str>, data: &[u8]) {
        let md5 = md5.map(|md5| format!("content-md5: {md5}\r\n")).unwrap_or_default();
        let head = format!(
            "PUT {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: binary/octet-stream\r\n{md5}content-length: {}\r\n\r\n",
            self.host,
            data.len()
        );
        self.send(&[head.as_bytes(), b"", data], None);
        self.body();
    }

    fn form(&mut self, method: &str, path: &str, before: &str, data: &[u8], pace: Option<u64>) -> Value {
        let after = format!("\r\n--{BOUNDARY}--\r\n");
        let length = before.len() + data.len() + after.len();
        let head = self.head(method, path, &format!("multipart/form-data; boundary={BOUNDARY}"), length);
        self.send(&[head.as_bytes(), before.as_bytes(), data, after.as_bytes()], pace);
        self.answer()
    }

    fn head(&self, method: &str, path: &str, kind: &str, length: usize) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nx-pico-api-org: bench-key\r\nx-api-key: bench-key\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n",
            self.host
        )
    }

    /// Sends the pieces; with a pace, at most that many bytes a second.
    fn send(&mut self, pieces: &[&[u8]], pace: Option<u64>) {
        let stream = self.stream.get_mut();
        let Some(pace) = pace else {
            // Small pieces travel with the first of the large one.
            let small: Vec<u8> = pieces[..pieces.len().min(2)].concat();
            stream.write_all(&small).unwrap();
            pieces.iter().skip(2).for_each(|p| stream.write_all(p).unwrap());
            return;
        };
        let (start, mut sent) = (Instant::now(), 0u64);
        for slice in pieces.iter().flat_map(|p| p.chunks(64 << 10)) {
            stream.write_all(slice).unwrap();
            sent += slice.len() as u64;
            let due = Duration::from_secs_f64(sent as f64 / pace as f64);
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
    }

    fn answer(&mut self) -> Value {
        serde_json::from_slice(&self.body()).expect("JSON")
    }

    fn body(&mut self) -> Vec<u8> {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("an answer");
        let status: u16 = line.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        let mut length = 0;
        loop {
            let mut header = String::new();
            self.stream.read_line(&mut header).expect("a header");
            let header = header.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        body
    }
}

fn field(name: &str, value: &str) -> String {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn file_head() -> String {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"bench.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
}
