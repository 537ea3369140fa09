//! The three generations of clients, each as it sends its requests, against the store endpoints: whatever happens on the
//! way, the bytes are the same in the end.

mod arriving;
mod newest;
mod oldest;
mod stopping;

use crate::placeos::{BASE, PART};
use crate::signed;
use crate::support::noise;
use signed::{COLLEAGUE, STRANGER, Signed};

/// How many parts they send at once.
const PARALLEL: usize = 3;

/// `encodeURIComponent` of base64.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
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
