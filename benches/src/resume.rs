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
pub const VERSION: &str = "tus-resumable: 1.0.0\r\n";
/// How long a server may refuse to go on.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a client waits before it asks again.
const AGAIN: Duration = Duration::from_millis(10);

/// Creates an upload of `length` bytes, with more headers than that (whole lines); gives its path.
pub fn create(client: &mut Client, length: u64, more: &str) -> String {
    begun(client, &format!("upload-length: {length}\r\n{more}"))
}

/// Has an upload composed of these partial ones; gives its path.
pub fn compose(client: &mut Client, parts: &[String]) -> String {
    begun(client, &format!("upload-concat: final;{}\r\n", parts.join(" ")))
}

fn begun(client: &mut Client, headers: &str) -> String {
    let created = client.request("POST", "/files", &format!("{VERSION}{headers}"), &[]);
    assert_eq!(created.status, 201, "{}", String::from_utf8_lossy(&created.body));
    let location = created.header("location").expect("where it is");
    location.find("/files/").map(|at| location[at..].to_owned()).expect("a path below /files/")
}

/// The headers of a PATCH from this offset on.
pub fn headers(offset: u64) -> String {
    format!("{VERSION}content-type: application/offset+octet-stream\r\nupload-offset: {offset}\r\n")
}

/// Sends so many bytes from this offset on, in one PATCH.
pub fn patch(client: &mut Client, path: &str, content: &Content, offset: u64, bytes: u64) -> Answer {
    client.request("PATCH", path, &headers(offset), &content.pieces(offset, bytes))
}

/// Sends all of it, in PATCHes of at most `most` bytes; it is the content's bytes from `begin` on.
pub fn send(client: &mut Client, path: &str, content: &Content, begin: u64, length: u64, most: u64) {
    let mut offset = 0;
    while offset < length {
        let bytes = most.min(length - offset);
        let pieces = content.pieces(begin + offset, bytes);
        let answer = client.request("PATCH", path, &headers(offset), &pieces);
        assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&answer.body));
        offset += bytes;
    }
}

/// Uploads so many bytes, in PATCHes of at most `most`.
pub fn upload(address: SocketAddr, content: &Content, length: u64, most: u64) {
    let mut client = Client::connect(address);
    let path = create(&mut client, length, "");
    send(&mut client, &path, content, 0, length, most);
}

/// How far it is. Who is told to come again does: on a connection of its own, as the old one may be of no use any more.
pub fn offset(client: &mut Client, path: &str) -> u64 {
    let answer = until(200, client, |client| client.request("HEAD", path, VERSION, &[]));
    answer.header("upload-offset").and_then(|offset| offset.parse().ok()).expect("an offset")
}

/// Asks until the answer is the wanted one; those that a client asks again after are waited for.
pub fn until(wanted: u16, client: &mut Client, ask: impl Fn(&mut Client) -> Answer) -> Answer {
    let start = Instant::now();
    loop {
        let answer = ask(client);
        if answer.status == wanted {
            return answer;
        }
        let again = matches!(answer.status, 0 | 409 | 423 | 500..) && start.elapsed() < PATIENCE;
        assert!(
            again,
            "{wanted} expected, got {}: {:?}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        std::thread::sleep(AGAIN);
        *client = Client::connect(client.host());
    }
}

/// Goes on from `offset` to the end, reads all of it back and tells whether it is what was sent.
pub fn ends_well(client: &mut Client, path: &str, content: &Content, offset: u64, length: u64) -> bool {
    until(204, client, |client| patch(client, path, content, offset, length - offset));
    is(client, path, content, length)
}

/// Whether a complete upload is the first so many bytes of the content.
pub fn is(client: &mut Client, path: &str, content: &Content, length: u64) -> bool {
    let (mut at, mut same) = (0, true);
    let answer = client.fetch(path, VERSION, &mut |bytes| {
        same &= content.has(at, bytes);
        at += bytes.len() as u64;
    });
    assert_eq!(answer.status, 200, "{path}");
    same && at == length
}
