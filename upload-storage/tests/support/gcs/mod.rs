//! Google Cloud Storage's XML API, in this process: as strict as the real one where the engine relies on it.
//!
//! Objects with generations, conditional puts, ranges, listings, multipart uploads (5 MiB parts, explicit numbers, a part sent
//! again replaces the first) and resumable sessions. It verifies signatures: V4 ones in the query, and the tokens that a
//! service account signs for itself.

mod listing;
mod multipart;
mod objects;
mod resumable;
mod signature;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, Response},
};
use bytes::Bytes;
use percent_encoding::percent_decode_str;

/// A running server; it ends with the runtime that it was started in.
#[derive(Debug, Clone)]
pub struct Gcs {
    address: String,
    bucket: Arc<Mutex<Bucket>>,
}

/// All it stores: one bucket, whatever it is called.
#[derive(Debug, Default)]
struct Bucket {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<(String, String), multipart::Upload>,
    resumable: BTreeMap<String, resumable::Session>,
    /// Makes generations and names that do not repeat.
    made: u64,
    lose: Vec<Loss>,
    seen: Vec<String>,
    /// Seconds that its clock goes ahead.
    ahead: u64,
}

#[derive(Debug, Clone)]
struct Object {
    bytes: Bytes,
    generation: u64,
    etag: String,
    content_type: String,
}

/// How an answer gets lost after everything was done.
#[derive(Debug, Clone, Copy)]
pub enum Lost {
    /// It says 500.
    Failure,
    /// Half of its body comes.
    Half,
}

#[derive(Debug)]
struct Loss {
    method: &'static str,
    query: &'static str,
    how: Lost,
}

/// One request, taken apart.
#[derive(Debug)]
struct Ask {
    method: Method,
    /// Path and query as they were sent.
    target: String,
    key: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
}

/// What is answered: a status, headers, a body.
type Answer = (u16, Vec<(&'static str, String)>, Bytes);

impl Ask {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn has(&self, name: &str) -> bool {
        self.query.iter().any(|(n, _)| n == name)
    }

    fn get(&self, name: &str) -> &str {
        self.query.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

fn error(status: u16, code: &str) -> Answer {
    (status, Vec::new(), format!("<?xml version='1.0'?><Error><Code>{code}</Code></Error>").into())
}

fn xml(root: &str, inside: String) -> Answer {
    let body = format!("<?xml version='1.0' encoding='UTF-8'?><{root}>{inside}</{root}>");
    (200, vec![("content-type", "application/xml".into())], body.into())
}

impl Bucket {
    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn answer(&mut self, ask: &Ask) -> Answer {
        if let Err(refused) = signature::check(ask, self.ahead) {
            return refused;
        }
        let method = ask.method.as_str();
        if matches!(method, "PUT" | "POST") && ask.header("content-length").is_none() {
            return error(411, "MissingContentLength");
        }
        match (method, ask.key.is_empty()) {
            ("GET", true) if ask.has("uploads") => self.list_uploads(ask),
            ("GET", true) => self.list_objects(ask),
            ("POST", false) if ask.has("uploads") => self.initiate(ask),
            ("POST", false) if ask.has("uploadId") => self.complete(ask),
            ("POST", false) if ask.header("x-goog-resumable") == Some("start") => self.begin(ask),
            ("PUT", false) if ask.has("upload_id") => self.resume(ask),
            ("PUT", false) if ask.has("uploadId") => self.put_part(ask),
            ("GET", false) if ask.has("uploadId") => self.list_parts(ask),
            ("DELETE", false) if ask.has("uploadId") => self.abort(ask),
            ("PUT", false) => self.put(ask),
            ("GET" | "HEAD", false) => self.get(ask),
            ("DELETE", false) => self.delete(ask),
            _ => error(405, "MethodNotAllowed"),
        }
    }
}

impl Gcs {
    /// Starts an empty one on a port of its own.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = Self { address, bucket: Arc::default() };
        let router = Router::new().fallback(handle).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        server
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The variables that lead to it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let account = serde_json::json!({
            "private_key": signature::KEY,
            "private_key_id": "test",
            "client_email": signature::EMAIL,
        });
        let variables = [
            ("GOOGLE_SERVICE_ACCOUNT_KEY", account.to_string()),
            ("GOOGLE_BASE_URL", format!("http://{}", self.address)),
            ("GOOGLE_ALLOW_HTTP", "true".to_owned()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// The next request of this method whose target has this text is carried out, and its answer lost.
    pub fn lose_next(&self, method: &'static str, query: &'static str, how: Lost) {
        self.bucket().lose.push(Loss { method, query, how });
    }

    /// Lets so many seconds pass.
    pub fn advance(&self, seconds: u64) {
        self.bucket().ahead += seconds;
    }

    /// Methods and targets of all requests so far.
    pub fn seen(&self) -> Vec<String> {
        self.bucket().seen.clone()
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap()
    }
}

async fn handle(State(server): State<Gcs>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().unwrap().to_string();
    let decoded =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().unwrap().into_owned();
    let query = head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let query = query.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let path = percent_decode_str(head.uri.path()).decode_utf8().unwrap().into_owned();
    let key = path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
    let Ok(body) = to_bytes(body, 1 << 30).await else {
        // Whoever sent it is gone in the middle of it.
        return Response::builder().status(400).body(Body::empty()).unwrap();
    };
    let ask = Ask {
        key: key.to_owned(),
        query: query.map(|(name, value)| (decoded(name), decoded(value))).collect(),
        method: head.method,
        headers: head.headers,
        body,
        target,
    };
    let mut bucket = server.bucket();
    bucket.seen.push(format!("{} {}", ask.method, ask.target));
    let (mut status, headers, mut body) = bucket.answer(&ask);
    let loses = |loss: &Loss| ask.method == loss.method && ask.target.contains(loss.query);
    let mut cut = false;
    if let Some(n) = bucket.lose.iter().position(loses) {
        match bucket.lose.remove(n).how {
            Lost::Failure => {
                (status, body) = (500, Bytes::from_static(b"<Error><Code>Internal</Code></Error>"))
            }
            Lost::Half => cut = true,
        }
    }
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    if cut {
        // The length of all, and half of the bytes.
        response = response.header("content-length", body.len());
        let half = body.slice(..body.len() / 2);
        let broken = std::io::Error::other("lost");
        let pieces = [Ok(half), Err(broken)];
        return response.body(Body::from_stream(futures_util::stream::iter(pieces))).unwrap();
    }
    if ask.method == Method::HEAD && status == 200 {
        body = Bytes::new();
    }
    response.body(Body::from(body)).unwrap()
}
