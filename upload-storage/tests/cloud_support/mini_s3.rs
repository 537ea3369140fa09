//! A small S3 in this process that gets into trouble when it is told to.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use upload_storage::object::{Provider, ProviderSettings};

/// What happens to the next conditional request for a record instead of an answer that says what was done.
#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    /// Nothing is done; this is the answer.
    Answer(u16, &'static str),
    /// It is done; the answer is 500 all the same.
    DoneBut500,
    /// It is done; no answer.
    DoneButCut,
    /// Nothing is done, nor answered.
    Cut,
    /// No answer; it is done when [`MiniS3::release`] is called.
    Late,
    /// It is done, another client replaces it at once, and the answer is 500.
    DoneAndReplaced,
    /// It is done; the answer lacks the ETag.
    NoETag,
}

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Without the bucket.
    pub key: String,
    pub query: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

#[derive(Debug, Default)]
pub struct State {
    pub objects: BTreeMap<String, Vec<u8>>,
    pub troubles: VecDeque<Trouble>,
    /// Every request that came.
    pub log: Vec<Request>,
    /// Deletes whatever the condition.
    pub heedless: bool,
    pub no_bucket: bool,
    late: Vec<Request>,
}

/// Gone with the process; each test has its own.
#[derive(Debug, Clone)]
pub struct MiniS3 {
    state: Arc<Mutex<State>>,
    address: String,
}

/// As S3 names contents: equal ones alike.
fn etag(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

impl State {
    /// Does what is asked: status, ETag and body of the answer.
    fn perform(&mut self, request: &Request) -> (u16, Option<String>, Vec<u8>) {
        if self.no_bucket {
            return (404, None, b"<Error><Code>NoSuchBucket</Code></Error>".to_vec());
        }
        let found = self.objects.get(&request.key).cloned();
        let tag = found.as_deref().map(etag);
        let header = |name: &str| request.headers.get(name).map(String::as_str);
        let conditions = request.method != "DELETE" || !self.heedless;
        if conditions && header("if-none-match") == Some("*") && found.is_some() {
            return (412, None, Vec::new());
        }
        if let Some(wanted) = header("if-match").filter(|_| conditions)
            && tag.as_deref() != Some(wanted)
        {
            return (if found.is_some() { 412 } else { 404 }, None, Vec::new());
        }
        match request.method.as_str() {
            "PUT" => {
                let tag = etag(&request.body);
                self.objects.insert(request.key.clone(), request.body.clone());
                (200, Some(tag), Vec::new())
            }
            "DELETE" => {
                self.objects.remove(&request.key);
                (204, None, Vec::new())
            }
            _ if request.key.is_empty() => (200, None, self.listing(request).into_bytes()),
            _ => match found {
                Some(body) => (200, tag, body),
                None => (404, None, b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
            },
        }
    }

    fn listing(&self, request: &Request) -> String {
        let value = |name: &str| {
            let pair = request.query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
            pair.unwrap_or_default().replace("%2F", "/")
        };
        let (prefix, after) = (value("prefix"), value("start-after"));
        let found = self.objects.iter().filter(|(key, _)| key.starts_with(&prefix) && **key > after);
        let found = found.take(value("max-keys").parse().unwrap_or(1000));
        let found = found.map(|(key, body)| {
            let (tag, size) = (etag(body).replace('"', "&quot;"), body.len());
            format!(
                "<Contents><Key>{key}</Key><Size>{size}</Size><ETag>{tag}</ETag>\
                 <LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            )
        });
        format!("<ListBucketResult>{}</ListBucketResult>", found.collect::<String>())
    }
}

impl MiniS3 {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { state: Arc::default(), address };
        let serving = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = serving.clone();
                thread::spawn(move || serving.serve(stream.unwrap()));
            }
        });
        server
    }

    /// A bucket in it.
    pub fn provider(&self) -> Provider {
        let env = [
            ("AWS_ENDPOINT", self.address.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ];
        let mut settings = ProviderSettings::records();
        settings.retry_wait = std::time::Duration::from_millis(1);
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Provider::open("s3://bucket/p", env, &settings).unwrap()
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next conditional requests get into these.
    pub fn trouble(&self, troubles: impl IntoIterator<Item = Trouble>) {
        self.state().troubles.extend(troubles);
    }

    /// Does what came late.
    pub fn release(&self) {
        let mut state = self.state();
        for request in std::mem::take(&mut state.late) {
            state.perform(&request);
        }
    }

    /// How many requests of this method came.
    pub fn count(&self, method: &str) -> usize {
        self.state().log.iter().filter(|request| request.method == method).count()
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let request = read(&mut reader)?;
            let (status, tag, body) = self.answer(request)?;
            let tag = tag.map_or_else(String::new, |tag| format!("ETag: {tag}\r\n"));
            let head = format!(
                "HTTP/1.1 {status} x\r\n{tag}Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let answer = [head.as_bytes(), &body].concat();
            reader.get_mut().write_all(&answer).ok()?;
        }
    }

    /// `None` ends the connection.
    fn answer(&self, request: Request) -> Option<(u16, Option<String>, Vec<u8>)> {
        let mut state = self.state();
        state.log.push(request.clone());
        let conditional =
            request.headers.keys().any(|name| name.starts_with("if-")) && request.key.contains("/r/");
        let Some(trouble) = conditional.then(|| state.troubles.pop_front()).flatten() else {
            return Some(state.perform(&request));
        };
        if let Trouble::Answer(status, body) = trouble {
            return Some((status, None, body.as_bytes().to_vec()));
        }
        match trouble {
            Trouble::Cut => return None,
            Trouble::Late => {
                state.late.push(request);
                return None;
            }
            _ => {}
        }
        let done = state.perform(&request);
        assert!(done.0 < 300, "{trouble:?}: the request was refused anyway: {request:?}");
        match trouble {
            Trouble::NoETag => Some((done.0, None, done.2)),
            Trouble::DoneButCut => None,
            _ => {
                if matches!(trouble, Trouble::DoneAndReplaced) {
                    let other = format!("1 {:032x}\nanother's", state.log.len()).into_bytes();
                    state.objects.insert(request.key, other);
                }
                Some((500, None, b"<Error><Code>InternalError</Code></Error>".to_vec()))
            }
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|len| *len > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = line()?.split_once(": ") {
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    assert!(!headers.contains_key("transfer-encoding"), "S3 wants the length of a body: {first}");
    let length = headers.get("content-length").map_or(0, |length: &String| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let key = path.strip_prefix("/bucket").unwrap().trim_start_matches('/').to_owned();
    Some(Request { method, key, query: query.to_owned(), headers, body })
}
