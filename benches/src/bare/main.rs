//! The bare server: multipart, SHA-256, file, and nothing else. What the engine is measured against.
//!
//! It believes its client: fields come before the file, chunks in order, one at a time; nothing is kept over a restart.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod form;

use std::{
    collections::HashMap,
    convert::Infallible,
    fs::File,
    os::fd::AsFd,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};

struct App {
    data: PathBuf,
    durable: bool,
    next: AtomicU64,
    streams: Mutex<HashMap<String, Stream>>,
}

struct Stream {
    file: Arc<File>,
    hash: Sha256,
    at: u64,
    sha: String,
}

const BATCH: usize = 256 << 10;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().position(|a| a == name).map(|i| args[i + 1].clone());
    let data: PathBuf = value("--data").expect("--data DIR").into();
    std::fs::create_dir_all(&data).unwrap();
    let listen = tokio::net::TcpListener::bind(value("--listen").unwrap()).await.unwrap();
    println!("listening on http://{}", listen.local_addr().unwrap());
    let durable = args.iter().any(|a| a == "--durable");
    let app = Arc::new(App { data, durable, next: AtomicU64::new(0), streams: Mutex::default() });
    loop {
        let (socket, _) = listen.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            let service = service_fn(move |request| handle(Arc::clone(&app), request));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

async fn handle(app: Arc<App>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let kind = request.headers()["content-type"].to_str().unwrap().to_owned();
    let path = request.uri().path().to_owned();
    let answer = match kind.split_once("boundary=") {
        None => create(&app, request.into_body()).await,
        Some((_, boundary)) => match path.strip_prefix("/uploads/") {
            Some(id) => chunk(&app, id, boundary, request.into_body()).await,
            None => single(&app, boundary, request.into_body()).await,
        },
    };
    Ok(Response::new(Full::new(Bytes::from(answer))))
}

async fn create(app: &App, body: Incoming) -> String {
    let body = body.collect().await.unwrap().to_bytes();
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let id = app.next.fetch_add(1, Ordering::Relaxed).to_string();
    let file = Arc::new(File::create(app.data.join(&id)).unwrap());
    let stream = Stream { file, hash: Sha256::new(), at: 0, sha: json["sha"].as_str().unwrap().to_owned() };
    app.streams.lock().unwrap().insert(id.clone(), stream);
    format!(r#"{{"streamId":"{id}"}}"#)
}

async fn chunk(app: &App, id: &str, boundary: &str, body: Incoming) -> String {
    let mut stream = app.streams.lock().unwrap().remove(id).unwrap();
    let fields = store(app, &stream.file, stream.at, &mut stream.hash, boundary, body).await;
    stream.at += fields.file;
    let (n, total) = (fields.number("chunkIndex"), fields.number("totalChunks"));
    if n + 1 < total {
        app.streams.lock().unwrap().insert(id.to_owned(), stream);
        return format!(r#"{{"streamId":"{id}","chunkIndex":{n}}}"#);
    }
    assert_eq!(hex(stream.hash), stream.sha);
    format!(r#"{{"path":"/bench/{id}"}}"#)
}

async fn single(app: &App, boundary: &str, body: Incoming) -> String {
    let id = app.next.fetch_add(1, Ordering::Relaxed);
    let file = Arc::new(File::create(app.data.join(id.to_string())).unwrap());
    let mut hash = Sha256::new();
    store(app, &file, 0, &mut hash, boundary, body).await;
    format!(r#"{{"path":"/bench/{id}","sha":"{}"}}"#, hex(hash))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Scans the form, hashes and writes the file part in batches while the next bytes arrive.
async fn store(
    app: &App,
    file: &Arc<File>,
    mut at: u64,
    hash: &mut Sha256,
    boundary: &str,
    mut body: Incoming,
) -> form::Fields {
    let mut form = form::Form::new(boundary);
    let (mut batch, mut len) = (Vec::new(), 0);
    let mut writing: Option<tokio::task::JoinHandle<()>> = None;
    loop {
        let frame = body.frame().await.map(|f| f.unwrap().into_data().unwrap());
        let end = frame.is_none();
        if let Some(frame) = frame {
            form.push(frame, |data| {
                len += data.len();
                batch.push(data);
            });
        }
        if len >= BATCH || (end && len > 0) {
            if let Some(before) = writing.take() {
                before.await.unwrap();
            }
            let (file, bytes) = (Arc::clone(file), std::mem::take(&mut batch));
            let (from, copy) = (at, bytes.clone());
            writing = Some(tokio::task::spawn_blocking(move || write(&file, from, &bytes)));
            copy.iter().for_each(|b| hash.update(b));
            at += len as u64;
            len = 0;
        }
        if end {
            break;
        }
    }
    if let Some(before) = writing {
        before.await.unwrap();
    }
    if app.durable {
        let file = Arc::clone(file);
        tokio::task::spawn_blocking(move || file.sync_data().unwrap()).await.unwrap();
    }
    form.fields()
}

fn write(file: &File, mut at: u64, bytes: &[Bytes]) {
    for group in bytes.chunks(512) {
        let slices: Vec<std::io::IoSlice<'_>> = group.iter().map(|b| std::io::IoSlice::new(b)).collect();
        let total: usize = group.iter().map(Bytes::len).sum();
        let written = rustix::io::pwritev(file.as_fd(), &slices, at).unwrap();
        assert_eq!(written, total, "a short write");
        at += total as u64;
    }
}
