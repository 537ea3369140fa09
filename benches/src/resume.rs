//! A client of tus 1.0 over the blocking one: it creates uploads, asks how far they are, and goes on from there.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::{
    client::{Answer, Client},
    content::Content,
};

/// In every request.
const VERSION: &str = "tus-resumable: 1.0.0\r\n";
/// How long a server may refuse to go on.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a client waits before it asks again.
const AGAIN: Duration = Duration::from_millis(10);

/// One who asks again what a client asks again: where there was no answer, or one that says *later*.
pub struct Patient<C> {
    client: Client,
    connect: C,
}

impl<C: FnMut() -> Client> Patient<C> {
    /// Connects; so it does whenever it asks again, as the old connection may be of no use any more.
    pub fn new(mut connect: C) -> Self {
        Self { client: connect(), connect }
    }

    /// Creates an upload of `length` bytes, with more headers than that (whole lines); gives its path.
    pub fn create(&mut self, length: u64, more: &str) -> String {
        self.begun(&format!("upload-length: {length}\r\n{more}"))
    }

    /// Has an upload composed of these partial ones; gives its path.
    pub fn compose(&mut self, parts: &[String]) -> String {
        self.begun(&format!("upload-concat: final;{}\r\n", parts.join(" ")))
    }

    fn begun(&mut self, more: &str) -> String {
        let headers = format!("{VERSION}{more}");
        let created = self.until(201, |client| client.request("POST", "/files", &headers, &[]));
        let location = created.header("location").expect("where it is");
        location.find("/files/").map(|at| location[at..].to_owned()).expect("a path below /files/")
    }

    /// How far it is.
    pub fn offset(&mut self, path: &str) -> u64 {
        let answer = self.until(200, |client| client.request("HEAD", path, VERSION, &[]));
        answer.header("upload-offset").and_then(|offset| offset.parse().ok()).expect("an offset")
    }

    /// Sends these bytes from an offset on, in one PATCH.
    pub fn patch(&mut self, path: &str, offset: u64, bytes: &[&[u8]]) {
        let headers = headers(offset);
        self.until(204, |client| client.request("PATCH", path, &headers, bytes));
    }

    /// Sends an upload that is `length` bytes of the content from `begin` on, in PATCHes of at most `most` bytes.
    pub fn send(&mut self, path: &str, content: &Content, begin: u64, length: u64, most: u64) {
        let mut offset = 0;
        while offset < length {
            let bytes = most.min(length - offset);
            self.patch(path, offset, &content.pieces(begin + offset, bytes));
            offset += bytes;
        }
    }

    /// Whether a complete upload is the first so many bytes of the content.
    pub fn is(&mut self, path: &str, content: &Content, length: u64) -> bool {
        let mut same = false;
        self.until(200, |client| {
            let mut at = 0;
            same = true;
            let answer = client.fetch(path, VERSION, &mut |bytes| {
                same &= content.has(at, bytes);
                at += bytes.len() as u64;
            });
            same &= at == length;
            answer
        });
        // @tus/server 2.4.5 on Node 20 may end when a client goes away right after the last byte of a GET, which is no fault that is
        // measured: once another request is answered, it is done with that one.
        self.offset(path);
        same
    }

    /// Goes on to the end, however often it has to ask for the offset.
    pub fn go_on(&mut self, path: &str, content: &Content, length: u64) {
        let start = Instant::now();
        loop {
            let offset = self.offset(path);
            if offset == length {
                return;
            }
            let pieces = content.pieces(offset, length - offset);
            let answer = self.client.request("PATCH", path, &headers(offset), &pieces);
            if answer.status != 204 {
                self.again(&answer, 204, start);
            }
        }
    }

    fn until(&mut self, wanted: u16, mut ask: impl FnMut(&mut Client) -> Answer) -> Answer {
        let start = Instant::now();
        loop {
            let answer = ask(&mut self.client);
            if answer.status == wanted {
                return answer;
            }
            self.again(&answer, wanted, start);
        }
    }

    /// After an answer that was not the wanted one: waits a little.
    fn again(&mut self, answer: &Answer, wanted: u16, start: Instant) {
        let later = matches!(answer.status, 0 | 409 | 423 | 500..) && start.elapsed() < PATIENCE;
        let text = String::from_utf8_lossy(&answer.body);
        assert!(later, "{wanted} expected, got {}: {text}", answer.status);
        std::thread::sleep(AGAIN);
        self.client = (self.connect)();
    }
}

/// The headers of a PATCH from this offset on.
pub fn headers(offset: u64) -> String {
    format!("{VERSION}content-type: application/offset+octet-stream\r\nupload-offset: {offset}\r\n")
}

/// Uploads so many bytes, in PATCHes of at most `most`.
pub fn upload(address: SocketAddr, content: &Content, length: u64, most: u64) {
    let mut client = Patient::new(|| Client::connect(address));
    let path = client.create(length, "");
    client.send(&path, content, 0, length, most);
}
