//! A plain blocking HTTP/1.1 client that can stop at any byte.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::sockets::undelivered;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {} {:?}", self.status, self.text()))
    }
}

/// A connection that is kept alive.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        // A guard: what never answers is a failure, not a test that never ends.
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Gives up on what is neither taken nor answered for this long.
    pub fn patience(self, time: Duration) -> io::Result<Self> {
        let stream = self.0.get_ref();
        stream.set_read_timeout(Some(time))?;
        stream.set_write_timeout(Some(time))?;
        Ok(self)
    }

    /// Bytes that were sent and that the other side has not read, at most.
    pub fn undelivered(&self) -> u64 {
        let stream = self.0.get_ref();
        undelivered(stream.local_addr().unwrap(), stream.peer_addr().unwrap())
    }

    /// Sends the head of a request whose body will have `length` bytes.
    pub fn head(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        length: usize,
    ) -> io::Result<()> {
        self.send(request_head(method, path, headers, length).as_bytes())
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Reads an answer; `HEAD` answers have no body.
    pub fn answer(&mut self, method: &str) -> io::Result<Answer> {
        let mut answer = self.answer_head()?;
        let length = match answer.header("content-length") {
            Some(length) => length.parse::<usize>().unwrap(),
            None => {
                assert!(answer.status == 204 || method == "HEAD", "a content-length");
                0
            }
        };
        if method != "HEAD" {
            answer.body = vec![0; length];
            self.0.read_exact(&mut answer.body)?;
        }
        Ok(answer)
    }

    /// Reads the head of an answer: all there is of an interim one.
    pub fn answer_head(&mut self) -> io::Result<Answer> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let status = lines[0].split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        let header = |line: &String| line.split_once(": ").map(|(n, v)| (n.to_owned(), v.to_owned()));
        Ok(Answer { status, headers: lines[1..].iter().filter_map(header).collect(), body: Vec::new() })
    }

    /// Waits until the other side closes; what it said before.
    pub fn closed(mut self) -> Vec<u8> {
        let mut said = Vec::new();
        match self.0.read_to_end(&mut said) {
            Err(e) if e.kind() != io::ErrorKind::ConnectionReset => panic!("not closed: {e}"),
            _ => said,
        }
    }
}

/// The head of a request whose body has `length` bytes.
pub fn request_head(method: &str, path: &str, headers: &[(&str, &str)], length: usize) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head
}

/// One request on a connection of its own.
pub fn request(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut connection = Connection::open(address)?;
    connection.head(method, path, headers, body.len())?;
    connection.send(body)?;
    connection.answer(method)
}
