//! A PATCH whose body is sent as far as is wanted, and no further.

use std::{
    io::{ErrorKind, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use upload_benches::{
    content::Content,
    figures::noise,
    queues::{self, Held},
    resume,
};

/// How long a server may take to read what it was sent.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Sending<'a> {
    stream: TcpStream,
    content: &'a Content,
    /// Where its body begins in the upload.
    from: u64,
    /// Bytes of the body that the socket has taken.
    sent: u64,
}

/// Offsets behind what has come so far, at least.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reached {
    /// Arrived at the server's socket.
    pub(crate) arrived: u64,
    /// Read by the server.
    pub(crate) read: u64,
}

impl<'a> Sending<'a> {
    /// Sends all but the body: bytes of this upload from an offset to its end.
    pub(crate) fn begin(server: SocketAddr, path: &str, content: &'a Content, from: u64, end: u64) -> Self {
        let mut stream = TcpStream::connect(server).expect("the server listens");
        stream.set_nodelay(true).unwrap();
        let (headers, length) = (resume::headers(from), end - from);
        let head =
            format!("PATCH {path} HTTP/1.1\r\nhost: {server}\r\n{headers}content-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        Self { stream, content, from, sent: 0 }
    }

    /// Sends so many bytes more.
    pub(crate) fn send(&mut self, bytes: u64) {
        for piece in self.content.pieces(self.from + self.sent, bytes) {
            self.stream.write_all(piece).unwrap();
        }
        self.sent += bytes;
    }

    /// What the kernel holds of it. A server that has answered did not want it, so nothing could be told by it.
    fn held(&self) -> Held {
        let mut answer = [0; 512];
        self.stream.set_nonblocking(true).unwrap();
        match self.stream.peek(&mut answer).map_err(|e| e.kind()) {
            Err(ErrorKind::WouldBlock) => {}
            Err(e) => panic!("the server ended the connection before the body had ended: {e}"),
            Ok(bytes) => {
                let answer = String::from_utf8_lossy(&answer[..bytes]);
                panic!("an answer before the body has ended: {answer:?}")
            }
        }
        self.stream.set_nonblocking(false).unwrap();
        queues::held(self.stream.local_addr().unwrap(), self.stream.peer_addr().unwrap())
    }

    /// The offset behind what the socket has taken.
    pub(crate) fn sent(&self) -> u64 {
        self.from + self.sent
    }

    /// How far it has come.
    pub(crate) fn reached(&self) -> Reached {
        let held = self.held();
        let arrived = self.sent.saturating_sub(held.unsent);
        Reached { arrived: self.from + arrived, read: self.from + arrived.saturating_sub(held.unread) }
    }

    /// Waits until the server has read all that was sent.
    pub(crate) fn wait_until_read(&self) {
        let start = Instant::now();
        while self.held() != Held::default() {
            assert!(start.elapsed() < PATIENCE, "the server does not read: {:?}", self.held());
        }
    }

    /// Ends the connection; what the socket has taken still arrives.
    pub(crate) fn close(self) {}

    /// Ends the connection with a reset; what has not arrived yet never does.
    pub(crate) fn reset(self) {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO)).unwrap();
    }
}

/// Numbers from 1 to below `end` that look drawn, the same in every run.
pub(crate) fn drawn(count: usize, end: u64) -> impl Iterator<Item = u64> {
    let bytes = noise(count * 8);
    (0..count).map(move |n| {
        let number = u64::from_le_bytes(bytes[n * 8..][..8].try_into().unwrap());
        1 + number % (end - 1)
    })
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, net::TcpListener};

    use super::*;

    #[test]
    fn what_has_arrived_and_what_was_read_is_counted_without_the_head() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let content = Content::default();
        let mut sending = Sending::begin(listener.local_addr().unwrap(), "/files/1", &content, 5, 1000);
        let mut server = listener.accept().unwrap().0;
        sending.send(100);
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            server.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
        let head = String::from_utf8(seen).unwrap();
        assert!(head.contains("upload-offset: 5\r\n") && head.contains("content-length: 995\r\n"), "{head}");
        let mut body = [0; 40];
        server.read_exact(&mut body).unwrap();
        assert!(content.has(5, &body));
        assert!(sending.sent() == 105 && sending.reached().read <= 45, "{:?}", sending.reached());
        server.read_exact(&mut [0; 60]).unwrap();
        sending.wait_until_read();
        assert_eq!(sending.reached(), Reached { arrived: 105, read: 105 });
        sending.reset();
        assert_eq!(server.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }

    #[test]
    fn drawn_numbers_are_within_and_differ() {
        let all: Vec<u64> = drawn(20, 64 << 20).collect();
        assert!(all.iter().all(|n| (1..64 << 20).contains(n)));
        assert!(all.iter().collect::<std::collections::BTreeSet<_>>().len() == 20);
    }
}
