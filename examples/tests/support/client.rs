//! A client of the chunked wire format.

use std::io;

use serde_json::{Value, json};
use upload_checksum::{Algorithm, Hasher};

use super::http::{Answer, Connection};

const BOUNDARY: &str = "----live";

/// A client with a key.
#[derive(Clone)]
pub struct Client {
    pub address: String,
    key: String,
}

/// A request with one chunk, in pieces so that the chunk is not copied.
pub struct ChunkRequest<'a> {
    pub path: String,
    pub pieces: [Vec<u8>; 2],
    pub chunk: &'a [u8],
}

impl<'a> ChunkRequest<'a> {
    pub fn new(id: &str, index: usize, total: usize, chunk: &'a [u8]) -> Self {
        let mut before = String::new();
        for (name, value) in [("chunkIndex", index), ("totalChunks", total)] {
            before.push_str(&format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        before.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"chunk.bin\"\r\n\r\n"
        ));
        let after = format!("\r\n--{BOUNDARY}--\r\n");
        Self { path: format!("/uploads/{id}"), pieces: [before.into_bytes(), after.into_bytes()], chunk }
    }

    pub fn len(&self) -> usize {
        self.pieces[0].len() + self.chunk.len() + self.pieces[1].len()
    }

    /// Sends its first `count` bytes.
    pub fn send(&self, connection: &mut Connection, mut count: usize) -> io::Result<()> {
        for piece in [&self.pieces[0], self.chunk, &self.pieces[1]] {
            let now = count.min(piece.len());
            connection.send(&piece[..now])?;
            count -= now;
        }
        Ok(())
    }
}

impl Client {
    pub fn new(address: &str, key: &str) -> Self {
        Self { address: address.to_owned(), key: key.to_owned() }
    }

    pub fn try_create(&self, destination: &str, name: &str, length: usize, sha: &str) -> io::Result<Answer> {
        self.create_on(&mut Connection::open(&self.address)?, destination, name, length, sha)
    }

    /// The same on this connection.
    pub fn create_on(
        &self,
        connection: &mut Connection,
        destination: &str,
        name: &str,
        length: usize,
        sha: &str,
    ) -> io::Result<Answer> {
        let body = json!({ "destinationId": destination, "fileName": name, "fileSize": length, "sha": sha });
        let body = body.to_string();
        let headers = [("content-type", "application/json"), ("x-pico-api-org", self.key.as_str())];
        connection.head("POST", "/uploads", &headers, body.len())?;
        connection.send(body.as_bytes())?;
        connection.answer("POST")
    }

    /// A new stream; its id.
    pub fn create(&self, destination: &str, name: &str, length: usize, sha: &str) -> String {
        let answer = self.try_create(destination, name, length, sha).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["streamId"].as_str().unwrap().to_owned()
    }

    /// Sends the head of a chunk's request, with further headers.
    pub fn chunk_head(
        &self,
        connection: &mut Connection,
        chunk: &ChunkRequest<'_>,
        further: &[(&str, &str)],
    ) -> io::Result<()> {
        let form = format!("multipart/form-data; boundary={BOUNDARY}");
        let headers = [&[("content-type", form.as_str()), ("x-pico-api-org", &self.key)], further].concat();
        connection.head("PATCH", &chunk.path, &headers, chunk.len())
    }

    /// Sends a chunk and reads its answer.
    pub fn chunk(&self, connection: &mut Connection, chunk: &ChunkRequest<'_>) -> io::Result<Answer> {
        self.chunk_head(connection, chunk, &[])?;
        chunk.send(connection, chunk.len())?;
        connection.answer("PATCH")
    }

    /// Uploads chunks of one file in order on one connection; the answer to the last.
    pub fn upload(&self, destination: &str, name: &str, chunks: &[&[u8]]) -> Value {
        let length = chunks.iter().map(|chunk| chunk.len()).sum();
        let id = self.create(destination, name, length, &sha(chunks.iter().copied()));
        let mut connection = Connection::open(&self.address).unwrap();
        let mut last = Value::Null;
        for (index, chunk) in chunks.iter().enumerate() {
            let answer =
                self.chunk(&mut connection, &ChunkRequest::new(&id, index, chunks.len(), chunk)).unwrap();
            assert_eq!(answer.status, 200, "chunk {index}: {}", answer.text());
            last = answer.json();
        }
        last
    }

    pub fn get(&self, path: &str) -> Answer {
        self.get_on(&mut Connection::open(&self.address).unwrap(), path).unwrap()
    }

    /// The same on this connection.
    pub fn get_on(&self, connection: &mut Connection, path: &str) -> io::Result<Answer> {
        connection.head("GET", path, &[("x-pico-api-org", &self.key)], 0)?;
        connection.answer("GET")
    }
}

/// The hex SHA-256 of pieces.
pub fn sha<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finish().to_hex()
}

/// The id of an upload, from the answer that says that it is complete: paths of results have it before the name.
pub fn id_of(done: &Value) -> String {
    let name = done["path"].as_str().unwrap().rsplit('/').next().unwrap();
    name.split('-').next().unwrap().to_owned()
}
