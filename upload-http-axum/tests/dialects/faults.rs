//! Connections that break, stall or are answered before they have sent everything.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Answer, MB, Request, Server, chunk, create, jpeg, mp4, noise, sha, single};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use upload_http_axum::tasks::StillRunning;
use upload_storage::memory::{MemoryBlobs, MemoryRecords};
use upload_storage::{Faulty, Plan};

/// Sends the head of a request and the first half of its body.
async fn half(server: &Server, request: &Request) -> TcpStream {
    let mut stream = server.connect().await;
    let bytes = request.bytes();
    stream.write_all(&bytes[..request.head().len() + request.body.len() / 2]).await.unwrap();
    stream
}

#[tokio::test]
async fn a_cut_client_leaves_the_stream_usable() {
    let server = Server::start().await;
    let content = mp4(4 * MB);
    let id = server.begin("stepVideo", "a.mp4", &content).await;
    let pieces: Vec<_> = content.chunks(MB).collect();
    for (index, piece) in pieces.iter().enumerate() {
        let request = chunk(&id, index, 4, piece);
        let reset = half(&server, &request).await;
        reset.set_zero_linger().unwrap();
        drop(reset);
        drop(half(&server, &request).await);
        let mut ended = half(&server, &request).await;
        ended.shutdown().await.unwrap();
        let stalled = half(&server, &request).await;
        let answer = server.send(&request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        drop(stalled);
        // The one that closed its side only is told, if it was not overtaken.
        if let Some(answer) = Answer::try_read(&mut ended, false).await {
            assert!(matches!(answer.status, 200 | 400 | 503), "{answer:?}");
        }
    }
    let path = server.send(&chunk(&id, 0, 4, pieces[0])).await.text("path");
    assert!(server.get(&path).await.body == content);
}

#[tokio::test]
async fn a_stalled_client_that_comes_back_gets_the_same_answer() {
    let server = Server::start().await;
    let content = noise(1, 2 * MB);
    let id = server.begin("any", "a", &content).await;
    let request = chunk(&id, 0, 1, &content);
    let mut stalled = half(&server, &request).await;
    let path = server.send(&request).await.text("path");
    let bytes = request.bytes();
    stalled.write_all(&bytes[request.head().len() + request.body.len() / 2..]).await.unwrap();
    assert_eq!(Answer::read(&mut stalled).await.text("path"), path);
}

#[tokio::test]
async fn what_arrives_is_kept_though_the_client_does_not_wait() {
    let server = Server::start().await;
    let content = noise(2, 300_000);
    let id = server.begin("any", "a", &content).await;
    let mut stream = server.connect().await;
    stream.write_all(&chunk(&id, 0, 1, &content).bytes()).await.unwrap();
    drop(stream);
    // Complete or not yet: the answer that was lost is the same for a retry.
    let answer = server.send(&chunk(&id, 0, 1, &content)).await;
    assert_eq!(server.get(&answer.text("path")).await.body, content);
}

#[tokio::test]
async fn idle_and_endless_bodies_are_told_so() {
    let short = Duration::from_millis(50);
    let server = Server::with(|settings| settings.idle_timeout = short).await;
    let content = noise(3, 100_000);
    let id = server.begin("any", "a", &content).await;
    for request in [chunk(&id, 0, 1, &content), single("any", "a", &content)] {
        let mut stream = half(&server, &request).await;
        let said = Answer::read(&mut stream).await.error(408);
        assert_eq!(said, "the request body sent nothing for 0.1 seconds");
    }
    assert_eq!(server.send(&chunk(&id, 0, 1, &content)).await.status, 200);

    let server = Server::with(|settings| settings.total_timeout = short).await;
    let request = single("any", "a", &content);
    let mut stream = server.connect().await;
    stream.write_all(&request.head()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    // A byte at a time, without end: never idle, never done.
    let trickle = async {
        for byte in request.body.iter().cycle() {
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = trickle => panic!("the body was never refused"),
        answer = Answer::read(&mut reader) => {
            assert!(answer.error(408).starts_with("the request body took longer than"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_client_that_writes_everything_before_it_reads_sees_the_refusal() {
    let server = Server::start().await;
    // More than all socket buffers hold, so that the writer must wait for the server to read.
    let size = 64 * MB;
    for request in
        [single("stepImage", "a.jpg", &jpeg(size)), single("any", "a", &noise(1, size)).key("unknown")]
    {
        let mut stream = server.connect().await;
        stream.write_all(&request.bytes()).await.unwrap();
        let answer = Answer::read(&mut stream).await;
        assert!(matches!(answer.status, 413 | 401), "{answer:?}");
        answer.error(answer.status);
        // The rest was read: the connection serves the next request.
        stream.write_all(&single("any", "a", b"next").bytes()).await.unwrap();
        assert_eq!(Answer::read(&mut stream).await.status, 200);
    }
    for (method, path) in [("PUT", "/uploads"), ("DELETE", "/uploads/x"), ("POST", "/files/a-b")] {
        let mut stream = server.connect().await;
        let request = Request::new(method, path).body("application/octet-stream", noise(1, size));
        stream.write_all(&request.bytes()).await.unwrap();
        Answer::read(&mut stream).await.error(405);
    }
}

#[tokio::test]
async fn a_slow_client_sees_the_refusal_before_it_has_sent_the_rest() {
    let server = Server::start().await;
    let request = single("stepImage", "a.jpg", &jpeg(40 * MB));
    let mut stream = server.connect().await;
    stream.write_all(&request.head()).await.unwrap();
    let answer = Answer::read(&mut stream).await;
    assert!(answer.error(413).contains("40MB") || answer.error(413).contains("41MB"), "{answer:?}");
    for piece in request.body.chunks(64 << 10) {
        stream.write_all(piece).await.unwrap();
    }
    stream.write_all(&single("any", "a", b"next").bytes()).await.unwrap();
    assert_eq!(Answer::read(&mut stream).await.status, 200);
}

#[tokio::test]
async fn lingering_has_its_limits() {
    let refused = async |server: Server| {
        let request = single("stepImage", "a.jpg", &jpeg(64 * MB));
        let mut stream = server.connect().await;
        stream.write_all(&request.head()).await.unwrap();
        Answer::read(&mut stream).await.error(413);
        stream
    };
    // By bytes: the server closes, and writing fails in the end.
    let mut stream = refused(Server::with(|settings| settings.linger_bytes = 1 << 20).await).await;
    let mut written = Ok(());
    while written.is_ok() {
        written = stream.write_all(&[0; 64 << 10]).await;
    }
    // By time: the server closes though nothing comes.
    let mut stream =
        refused(Server::with(|settings| settings.linger_time = Duration::from_millis(20)).await).await;
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_need_not_send() {
    let server = Server::start().await;
    let request = single("stepImage", "a.jpg", &jpeg(20 * MB)).header("Expect", "100-continue");
    let mut stream = server.connect().await;
    stream.write_all(&request.head()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && !answer.contains(" 100 "), "{answer}");

    let request = single("stepImage", "a.jpg", &jpeg(2 * MB)).header("Expect", "100-continue");
    let mut stream = server.connect().await;
    stream.write_all(&request.head()).await.unwrap();
    let mut first = [0; 25];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&request.body).await.unwrap();
    assert_eq!(Answer::read(&mut stream).await.status, 200);

    // Once told to go on, it is read to the end like any other.
    let request = single("stepImage", "a.jpg", &mp4(5 * MB)).header("Expect", "100-continue");
    stream.write_all(&request.head()).await.unwrap();
    stream.read_exact(&mut first).await.unwrap();
    let (begun, rest) = request.body.split_at(50_000);
    stream.write_all(begun).await.unwrap();
    Answer::read(&mut stream).await.error(400);
    stream.write_all(rest).await.unwrap();
    stream.write_all(&single("any", "a", b"next").bytes()).await.unwrap();
    assert_eq!(Answer::read(&mut stream).await.status, 200);
}

#[tokio::test]
async fn a_store_that_is_down_is_a_503_and_loses_nothing() {
    let blobs = Faulty::new(Arc::new(MemoryBlobs::new()), Plan::none());
    let records = Faulty::new(Arc::new(MemoryRecords::new()), Plan::none());
    let stores = (Arc::new(blobs.clone()), Arc::new(records.clone()));
    let server = Server::over(stores.0, stores.1, |_| {}, |router| router).await;
    let content = noise(5, 300_000);
    let id = server.begin("any", "a", &content).await;
    assert_eq!(server.send(&chunk(&id, 0, 3, &content[..100_000])).await.status, 200);
    let requests = [
        chunk(&id, 1, 3, &content[100_000..200_000]),
        single("any", "a", b"x"),
        create("any", "a", 1, &sha(b"")),
    ];
    let down = async |requests: &[_]| {
        for request in requests {
            let answer = server.send(request).await;
            assert_eq!(answer.error(503), "the storage is not available");
            assert_eq!(answer.header("retry-after"), Some("2"));
        }
    };
    blobs.stop();
    // A new stream has no bytes yet: it needs the records only.
    down(&requests[..2]).await;
    blobs.heal();
    records.stop();
    down(&requests).await;
    records.heal();
    for index in [1, 2] {
        let piece = &content[index * 100_000..][..100_000];
        assert_eq!(server.send(&chunk(&id, index, 3, piece)).await.status, 200);
    }
    let path = server.send(&chunk(&id, 0, 3, &content[..100_000])).await.text("path");
    assert_eq!(server.get(&path).await.body, content);
    blobs.stop();
    server.get(&path).await.error(503);
}

#[tokio::test]
async fn draining_ends_bodies_and_refuses_new_ones() {
    let server = Server::start().await;
    let content = noise(4, MB);
    let id = server.begin("any", "a", &content).await;
    let request = chunk(&id, 0, 1, &content);
    // "100 Continue" shows that the body is being read.
    let mut running = server.connect().await;
    running.write_all(&request.clone().header("Expect", "100-continue").head()).await.unwrap();
    running.read_exact(&mut [0; 25]).await.unwrap();
    running.write_all(&request.body[..1000]).await.unwrap();
    let drained = server.uploads.drain(Duration::from_secs(60));
    let (drained, answer) = tokio::join!(drained, Answer::read(&mut running));
    assert_eq!(answer.error(503), "the server is stopping; send this again");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(drained, Ok::<(), StillRunning>(()));
    for request in [request, single("any", "a", b"x")] {
        server.send(&request).await.error(503);
    }
}
