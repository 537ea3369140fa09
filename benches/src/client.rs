//! A blocking HTTP client that costs next to nothing: the machine's cores are for the server.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
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
    headers: Vec<(String, String)>,
    /// Everything behind the headers.
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header, named in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(its, _)| its == name).map(|(_, value)| value.as_str())
    }
}

const BOUNDARY: &str = "----bench7d0f3c1a9e5b";
/// Who sends, by each way to say so.
const KEYS: &str = "x-pico-api-org: bench-key\r\nx-api-key: bench-key\r\n";

impl Client {
    /// Connects.
    pub fn connect(host: SocketAddr) -> Self {
        Self::try_connect(host).expect("the server listens")
    }

    /// Connects to a server that may be gone.
    pub fn try_connect(host: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), host })
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
        let _ = self.send(method, path, headers, body, None);
        self.answer(method == "HEAD")
    }

    fn plain(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Value {
        json(self.request(method, path, &format!("{KEYS}content-type: {kind}\r\n"), &[body]))
    }

    fn form(&mut self, method: &str, path: &str, before: &str, data: &[u8], pace: Option<u64>) -> Value {
        let after = format!("\r\n--{BOUNDARY}--\r\n");
        let headers = format!("{KEYS}content-type: multipart/form-data; boundary={BOUNDARY}\r\n");
        let _ = self.send(method, path, &headers, &[before.as_bytes(), data, after.as_bytes()], pace);
        json(self.answer(false))
    }

    /// Sends the pieces; with a pace, at most that many bytes a second. Whoever does not take all of them may have answered
    /// before, so what counts is the answer.
    fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        pieces: &[&[u8]],
        pace: Option<u64>,
    ) -> io::Result<()> {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{headers}content-length: {length}\r\n\r\n",
            self.host
        );
        let stream = self.stream.get_mut();
        let Some(pace) = pace else {
            // A small piece travels with the head.
            let small = pieces.first().filter(|piece| piece.len() < 1024).copied().unwrap_or_default();
            stream.write_all(&[head.as_bytes(), small].concat())?;
            let mut rest = pieces.iter().skip(usize::from(!small.is_empty()));
            return rest.try_for_each(|piece| stream.write_all(piece));
        };
        let (start, mut sent) = (Instant::now(), 0u64);
        for slice in [head.as_bytes()].iter().chain(pieces).flat_map(|p| p.chunks(64 << 10)) {
            stream.write_all(slice)?;
            sent += slice.len() as u64;
            let due = Duration::from_secs_f64(sent as f64 / pace as f64);
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
        Ok(())
    }

    /// Reads what is there; its body goes where it is told, as it comes.
    pub fn fetch(&mut self, path: &str, headers: &str, to: &mut dyn FnMut(&[u8])) -> Answer {
        let _ = self.send("GET", path, headers, &[], None);
        self.answer_to(false, to)
    }

    fn answer(&mut self, to_head: bool) -> Answer {
        let mut body = Vec::new();
        let answer = self.answer_to(to_head, &mut |bytes| body.extend_from_slice(bytes));
        Answer { body, ..answer }
    }

    /// An answer whose body goes elsewhere. One to HEAD has none, whatever its headers say. A connection that ended before it has
    /// the status 0.
    fn answer_to(&mut self, to_head: bool, to: &mut dyn FnMut(&[u8])) -> Answer {
        let mut line = String::new();
        let _ = self.stream.read_line(&mut line);
        let status: u16 = line.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            let _ = self.stream.read_line(&mut header);
            let Some((name, value)) = header.trim().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let answer = Answer { status, headers, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        if !to_head && answer.header("transfer-encoding").is_some() {
            self.pieces(to);
        } else if !to_head {
            self.bytes(length, to);
        }
        answer
    }

    fn bytes(&mut self, mut length: u64, to: &mut dyn FnMut(&[u8])) {
        let mut buffer = vec![0; length.min(256 << 10) as usize];
        while length > 0 {
            let some = buffer.len().min(length as usize);
            self.stream.read_exact(&mut buffer[..some]).expect("a body");
            to(&buffer[..some]);
            length -= some as u64;
        }
    }

    /// A body whose pieces tell their lengths; an empty one is the last.
    fn pieces(&mut self, to: &mut dyn FnMut(&[u8])) {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("the length of a piece");
            let length = u64::from_str_radix(line.trim(), 16).expect("a length");
            self.bytes(length, to);
            self.bytes(2, &mut |_| ());
            if length == 0 {
                return;
            }
        }
    }
}

/// Does the same in so many threads.
pub fn at_once(threads: usize, what: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(&what);
        }
    });
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn an_answer_to_head_has_headers_and_no_body() {
        const SAID: &str = "HTTP/1.1 200 OK\r\nUpload-Offset: 7\r\nContent-Length: 5\r\n\r\n";
        const PIECES: &str =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = Client::connect(listener.local_addr().unwrap());
        let mut server = listener.accept().unwrap().0;
        server.write_all(format!("{SAID}{SAID}hello{PIECES}").as_bytes()).unwrap();
        let head = client.request("HEAD", "/files/1", "", &[]);
        assert_eq!((head.header("upload-offset"), head.body.len()), (Some("7"), 0));
        assert_eq!(client.request("PATCH", "/files/1", "", &[]).body, b"hello");
        let mut got = Vec::new();
        client.fetch("/files/1", "", &mut |bytes| got.extend_from_slice(bytes));
        assert_eq!(got, b"abcd");
        drop(server);
        assert_eq!(client.request("HEAD", "/files/1", "", &[]).status, 0);
    }
}
