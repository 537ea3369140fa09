//! A client of tus 1.0 that can stop at any byte.

use std::io;

use upload_checksum::{Algorithm, Hasher};

use super::http::{Answer, Connection, request, request_head};
use super::server::{KEY, Server};

/// A destination for its uploads, the only one.
pub const CONFIG: &str = "[destinations.tus]\nmax_length = 1_073_741_824\n";

/// What bytes of an upload are said to be.
pub const BYTES: &str = "application/offset+octet-stream";

const VERSION: (&str, &str) = ("tus-resumable", "1.0.0");

/// A client of a server.
#[derive(Clone)]
pub struct Tus {
    pub address: String,
    /// Goes with each request, if there is one.
    pub key: Option<&'static str>,
}

impl Tus {
    /// With the server's key, straight to it or through what stands before it.
    pub fn at(address: &str) -> Self {
        Self { address: address.to_owned(), key: Some(KEY) }
    }

    pub fn of(server: &Server) -> Self {
        Self::at(&server.address)
    }

    pub fn open(&self) -> Connection {
        Connection::open(&self.address).unwrap()
    }

    /// With another key, or none.
    pub fn with_key(&self, key: Option<&'static str>) -> Self {
        Self { key, ..self.clone() }
    }

    /// A request with the version and the key.
    pub fn ask(&self, method: &str, path: &str, further: &[(&str, &str)]) -> Answer {
        request(&self.address, method, path, &self.headers(further), b"").unwrap()
    }

    fn headers<'a>(&self, further: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [VERSION]
            .into_iter()
            .chain(self.key.map(|key| ("x-api-key", key)))
            .chain(further.iter().copied())
            .collect()
    }

    /// A new upload of so many bytes; its path.
    pub fn create(&self, length: usize) -> String {
        self.create_on(&mut self.open(), length)
    }

    /// The same on this connection.
    pub fn create_on(&self, connection: &mut Connection, length: usize) -> String {
        let length = length.to_string();
        connection.head("POST", "/files", &self.headers(&[("upload-length", &length)]), 0).unwrap();
        let answer = connection.answer("POST").unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
        path_of(&answer, "http://test")
    }

    pub fn head(&self, path: &str) -> Answer {
        self.ask("HEAD", path, &[])
    }

    /// How far an upload is that is still there.
    pub fn offset(&self, path: &str) -> usize {
        let answer = self.head(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        offset_of(&answer)
    }

    /// The head of a `PATCH` with so many bytes.
    pub fn patch_head(&self, path: &str, offset: usize, length: usize) -> String {
        let offset = offset.to_string();
        let further = [("upload-offset", &*offset), ("content-type", BYTES)];
        request_head("PATCH", path, &self.headers(&further), length)
    }

    /// Sends these bytes and reads the answer.
    pub fn patch(&self, path: &str, offset: usize, bytes: &[u8]) -> io::Result<Answer> {
        let mut connection = Connection::open(&self.address)?;
        connection.send(self.patch_head(path, offset, bytes.len()).as_bytes())?;
        connection.send(bytes)?;
        connection.answer("PATCH")
    }

    /// Sends these bytes, which are taken.
    pub fn append(&self, path: &str, offset: usize, bytes: &[u8]) {
        let answer = self.patch(path, offset, bytes).unwrap();
        assert_eq!((answer.status, offset_of(&answer)), (204, offset + bytes.len()), "{}", answer.text());
    }

    /// That the upload is complete and has these bytes.
    pub fn expect(&self, path: &str, bytes: &[u8]) {
        let state = self.head(path);
        assert_eq!((state.status, offset_of(&state)), (200, bytes.len()), "{state:?}");
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(bytes);
        let digest = format!("sha-256=:{}:", hasher.finish().to_base64());
        assert_eq!(state.header("repr-digest"), Some(digest.as_str()));
        let got = self.ask("GET", path, &[]);
        assert_eq!(got.status, 200);
        assert!(got.body == bytes, "{path} is not what was sent");
    }
}

/// The path of an upload that was created, where the server is known by this address.
pub fn path_of(created: &Answer, origin: &str) -> String {
    let location = created.header("location").expect("a Location");
    location.strip_prefix(origin).unwrap_or_else(|| panic!("{location} is not at {origin}")).to_owned()
}

/// What an answer says is there.
pub fn offset_of(answer: &Answer) -> usize {
    let offset = answer.header("upload-offset").unwrap_or_else(|| panic!("no offset in {answer:?}"));
    offset.parse().unwrap()
}
