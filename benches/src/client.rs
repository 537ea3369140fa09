//! A blocking HTTP client that costs next to nothing: the machine's cores are for the server.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use serde_json::Value;

/// One connection.
pub struct Client {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

/// What came back.
pub struct Answer {
    /// The status of the first line.
    pub status: u16,
    /// Of the `location` header.
    pub location: Option<String>,
    /// Everything behind the headers.
    pub body: Vec<u8>,
}

const BOUNDARY: &str = "----bench7d0f3c1a9e5b";
/// Who sends, by each way to say so.
const KEYS: &str = "x-pico-api-org: bench-key\r\nx-api-key: bench-key\r\n";

impl Client {
    /// Connects.
    pub fn connect(host: SocketAddr) -> Self {
        let stream = TcpStream::connect(host).expect("the server listens");
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), host }
    }

    /// Begins an upload of `length` bytes in chunks that has this SHA-256; gives its id.
    pub fn create(&mut self, length: u64, sha: &str) -> String {
        let body = format!(
            r#"{{"destinationId":"bench","fileName":"bench.bin","fileSize":{length},"sha":"{sha}"}}"#
        );
        let answer = self.plain("POST", "/uploads", "application/json", body.as_bytes());
        answer["streamId"].as_str().expect("a streamId").to_owned()
    }

    /// Sends chunk `n` of `total`, at most `pace` bytes a second; the answer has a `path` if it was the last that was missing.
    pub fn chunk(&mut self, id: &str, n: u64, total: u64, data: &[u8], pace: Option<u64>) -> Value {
        let before = format!(
            "{}{}{}",
            field("chunkIndex", &n.to_string()),
            field("totalChunks", &total.to_string()),
            file_head()
        );
        self.form("PATCH", &format!("/uploads/{id}"), &before, data, pace)
    }

    /// Sends a whole file in one form.
    pub fn single(&mut self, data: &[u8]) -> Value {
        let before = format!("{}{}", field("destinationId", "bench"), file_head());
        self.form("POST", "/uploads", &before, data, None)
    }

    /// Sends a form with nothing but a file.
    pub fn file(&mut self, path: &str, data: &[u8]) -> Value {
        self.form("POST", path, &file_head(), data, None)
    }

    /// Sends a JSON document.
    pub fn json(&mut self, method: &str, path: &str, body: &Value) -> Value {
        self.plain(method, path, "application/json", body.to_string().as_bytes())
    }

    /// A part, to where a signed request says.
    pub fn put(&mut self, path: &str, md5: Option<&str>, data: &[u8]) {
        let md5 = md5.map(|md5| format!("content-md5: {md5}\r\n")).unwrap_or_default();
        let headers = format!("content-type: binary/octet-stream\r\n{md5}");
        good(self.request("PUT", path, &headers, &[data]));
    }

    /// Any request: `headers` are whole lines, the body is its pieces one after the other.
    pub fn request(&mut self, method: &str, path: &str, headers: &str, body: &[&[u8]]) -> Answer {
        self.send(method, path, headers, body, None);
        self.answer()
    }

    fn plain(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Value {
        json(self.request(method, path, &format!("{KEYS}content-type: {kind}\r\n"), &[body]))
    }

    fn form(&mut self, method: &str, path: &str, before: &str, data: &[u8], pace: Option<u64>) -> Value {
        let after = format!("\r\n--{BOUNDARY}--\r\n");
        let headers = format!("{KEYS}content-type: multipart/form-data; boundary={BOUNDARY}\r\n");
        self.send(method, path, &headers, &[before.as_bytes(), data, after.as_bytes()], pace);
        json(self.answer())
    }

    /// Sends the pieces; with a pace, at most that many bytes a second.
    fn send(&mut self, method: &str, path: &str, headers: &str, pieces: &[&[u8]], pace: Option<u64>) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{headers}content-length: {length}\r\n\r\n",
            self.host
        );
        let stream = self.stream.get_mut();
        let Some(pace) = pace else {
            // A small piece travels with the head.
            let small = pieces.first().filter(|piece| piece.len() < 1024).copied().unwrap_or_default();
            stream.write_all(&[head.as_bytes(), small].concat()).unwrap();
            let rest = pieces.iter().skip(usize::from(!small.is_empty()));
            rest.for_each(|piece| stream.write_all(piece).unwrap());
            return;
        };
        let (start, mut sent) = (Instant::now(), 0u64);
        for slice in [head.as_bytes()].iter().chain(pieces).flat_map(|p| p.chunks(64 << 10)) {
            stream.write_all(slice).unwrap();
            sent += slice.len() as u64;
            let due = Duration::from_secs_f64(sent as f64 / pace as f64);
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
    }

    fn answer(&mut self) -> Answer {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("an answer");
        let status: u16 = line.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        let (mut length, mut location, mut in_pieces) = (0, None, false);
        loop {
            let mut header = String::new();
            self.stream.read_line(&mut header).expect("a header");
            let Some((name, value)) = header.trim().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().expect("a length"),
                "transfer-encoding" => in_pieces = true,
                "location" => location = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        let body = if in_pieces { self.pieces() } else { self.bytes(length) };
        Answer { status, location, body }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
        body
    }

    /// A body whose pieces tell their lengths; an empty one is the last.
    fn pieces(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("the length of a piece");
            let length = usize::from_str_radix(line.trim(), 16).expect("a length");
            body.extend(self.bytes(length));
            self.bytes(2);
            if length == 0 {
                return body;
            }
        }
    }
}

/// Its body, if it is a good one.
fn good(answer: Answer) -> Vec<u8> {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.body
}

fn json(answer: Answer) -> Value {
    serde_json::from_slice(&good(answer)).expect("JSON")
}

fn field(name: &str, value: &str) -> String {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn file_head() -> String {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"bench.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
}
