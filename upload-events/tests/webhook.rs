//! Deliveries to a receiver that is a bare socket: it takes, refuses, hangs, dawdles, resets, redirects.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use futures_util::future::{FutureExt as _, join};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use upload_core::{ObjectKey, Outcome, Timestamp, UploadId, ports::Events as _};
use upload_events::{
    Connect, Connection, Endpoint, Secret, Signed, UrlError, Webhook, WebhookSettings, names, verify,
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "tenant00aaaaaaaaaaaaaaaaaaaaaaaaa";

fn secret() -> Secret {
    Secret::new(SECRET).unwrap()
}

fn outcome() -> Outcome {
    let key = ObjectKey::parse(&format!("o/00000000/{ID}-bbbbbbbbbbbbbbbbbbbbbbbbb")).unwrap();
    Outcome::new(UploadId::parse(ID).unwrap(), key, "photos", 7, Timestamp::default())
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap());
    (listener, url)
}

fn patient(milliseconds: u64) -> WebhookSettings {
    let mut settings = WebhookSettings::default();
    settings.answer_timeout = Duration::from_millis(milliseconds);
    settings
}

/// Reads a request whole: its head and its body.
async fn request(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let mut body = vec![0; value(&head, "content-length").unwrap().parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    (head, body)
}

fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find_map(|(n, value)| n.eq_ignore_ascii_case(name).then_some(value))
}

/// One delivery to who reads the request and then says this.
async fn answered(answer: &[u8]) -> Result<(), String> {
    let (listener, url) = listener().await;
    let webhook = Webhook::new(&url, secret()).unwrap();
    let receiver = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        let _ = stream.write_all(answer).await;
    };
    join(webhook.deliver(&outcome()), receiver).await.0
}

#[tokio::test]
async fn the_request_is_what_was_promised_and_its_signature_is_right() {
    let (listener, url) = listener().await;
    let webhook = Webhook::new(&url, secret()).unwrap();
    let receiver = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let seen = request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        // It ends as a connection should, not by a reset.
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        seen
    };
    let (end, (head, body)) = join(webhook.deliver(&outcome()), receiver).await;
    assert_eq!(end, Ok(()));
    let host = listener.local_addr().unwrap().to_string();
    assert!(head.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{head}");
    assert_eq!(value(&head, "host"), Some(&*host));
    assert_eq!(value(&head, "content-type"), Some("application/json"));
    assert!(value(&head, "user-agent").unwrap().starts_with("upload-events/"));
    let [id, timestamp, signature] =
        [names::ID, names::TIMESTAMP, names::SIGNATURE].map(|name| value(&head, name).unwrap());
    assert_eq!(id, ID);
    let signed = Signed::new(id, timestamp, signature);
    let five_minutes = Duration::from_secs(300);
    assert_eq!(verify(&secret(), &signed, &body, SystemTime::now(), five_minutes), Ok(()));
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&body["id"], &body["kind"]), (&ID.into(), &"upload.completed".into()));
    assert_eq!((&body["upload"]["id"], &body["upload"]["length"]), (&ID.into(), &7.into()));
}

#[tokio::test]
async fn a_large_notice_is_sent_whole() {
    let (listener, url) = listener().await;
    let webhook = Webhook::new(&url, secret()).unwrap();
    let mut large = outcome();
    large.details.insert("text".to_owned(), "many words ".repeat(200_000).into());
    let receiver = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (_, body) = request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        body
    };
    let (end, body) = join(webhook.deliver(&large), receiver).await;
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((end, &body["upload"]["details"]["text"]), (Ok(()), &large.details["text"]));
}

#[tokio::test]
async fn any_2xx_takes_it_whatever_follows() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.0 299 Fine\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
        // Cut off, and no length at all.
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno chunk",
    ] {
        assert_eq!(answered(answer.as_bytes()).await, Ok(()), "{answer}");
    }
}

#[tokio::test]
async fn every_other_status_is_a_refusal_that_names_it() {
    for status in [101, 300, 302, 307, 400, 401, 404, 410, 429, 500, 503, 999] {
        let answer = format!("HTTP/1.1 {status} Secret words\r\ncontent-length: 6\r\n\r\nsecret");
        let why = answered(answer.as_bytes()).await.unwrap_err();
        assert!(
            why.contains(&format!(" answered {status}")) && !why.to_lowercase().contains("secret"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (elsewhere, target) = listener().await;
    for status in [301, 302, 303, 307, 308] {
        let answer = format!("HTTP/1.1 {status} There\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
        let why = answered(answer.as_bytes()).await.unwrap_err();
        assert!(why.contains("not followed"), "{why}");
    }
    tokio::task::yield_now().await;
    assert!(elsewhere.accept().now_or_never().is_none(), "nobody came");
}

#[tokio::test]
async fn what_is_no_answer_is_a_refusal() {
    let long = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(64 << 10));
    for answer in
        ["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\ncontent-le", "hello\r\n\r\n", "HTTP/1.1 000 A\r\n\r\n", &long]
    {
        let why = answered(answer.as_bytes()).await.unwrap_err();
        assert!(why.contains("no answer from 127.0.0.1:"), "{why}");
    }
}

#[tokio::test]
async fn who_hangs_resets_or_is_not_there_is_told_apart() {
    let (listener, url) = listener().await;
    let webhook = Webhook::new(&url, secret()).unwrap().settings(patient(100));
    let accept = async || listener.accept().await.unwrap().0;

    // Hangs, with the request read or not: the connection stays open until the other side has given up.
    let hanging = async {
        let mut stream = accept().await;
        request(&mut stream).await;
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "closed by who waited");
    };
    let why = join(webhook.deliver(&outcome()), hanging).await.0.unwrap_err();
    assert!(why.ends_with("within 100ms") && why.starts_with("no answer from"), "{why}");

    let resetting = async {
        let mut stream = accept().await;
        request(&mut stream).await;
        stream.set_zero_linger().unwrap();
    };
    let webhook = Webhook::new(&url, secret()).unwrap();
    let why = join(webhook.deliver(&outcome()), resetting).await.0.unwrap_err();
    assert!(why.starts_with("no answer from"), "{why}");

    drop(listener);
    let why = webhook.deliver(&outcome()).await.unwrap_err();
    assert!(why.starts_with("no connection to 127.0.0.1:"), "{why}");
    assert!(!why.contains("hook"), "the path may hold a secret: {why}");
}

#[tokio::test]
async fn a_slow_answer_counts_and_an_endless_body_holds_nobody() {
    let (listener, url) = listener().await;
    let webhook = Webhook::new(&url, secret()).unwrap();
    let dawdling = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        stream.set_nodelay(true).unwrap();
        for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" {
            stream.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(join(webhook.deliver(&outcome()), dawdling).await.0, Ok(()));

    let endless = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut sent = 0_u64;
        while stream.write_all(&[0; 4096]).await.is_ok() {
            sent += 4096;
            assert!(sent < 1 << 30, "it is read without an end");
        }
    };
    assert_eq!(join(webhook.deliver(&outcome()), endless).await.0, Ok(()));

    // It says that more comes, and nothing comes.
    let silent = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    };
    assert_eq!(join(webhook.deliver(&outcome()), silent).await.0, Ok(()));
}

/// Connects to the test, whatever the address; notes what it was asked for.
#[derive(Debug)]
struct Own {
    to: std::net::SocketAddr,
    asked: Mutex<Vec<Endpoint>>,
}

#[async_trait]
impl Connect for Own {
    async fn connect(&self, to: &Endpoint) -> io::Result<Box<dyn Connection>> {
        self.asked.lock().unwrap().push(to.clone());
        Ok(Box::new(TcpStream::connect(self.to).await?))
    }
}

#[tokio::test]
async fn tls_is_refused_unless_the_application_brings_it() {
    let url = "https://receiver.example/hook";
    let why = Webhook::new(url, secret()).err().unwrap();
    assert!(why == UrlError::Secure && why.to_string().contains("Webhook::connecting"), "{why}");

    let (listener, _) = listener().await;
    let own = Arc::new(Own { to: listener.local_addr().unwrap(), asked: Mutex::default() });
    let webhook = Webhook::connecting(url, secret(), own.clone()).unwrap();
    let receiver = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (head, _) = request(&mut stream).await;
        assert_eq!(value(&head, "host"), Some("receiver.example"));
        stream.write_all(b"HTTP/1.1 204 Taken\r\n\r\n").await.unwrap();
    };
    assert_eq!(join(webhook.deliver(&outcome()), receiver).await.0, Ok(()));
    let asked = own.asked.lock().unwrap();
    assert_eq!((asked[0].secure, &*asked[0].host, asked[0].port), (true, "receiver.example", 443));
}

#[tokio::test]
async fn a_connection_that_never_comes_is_given_up() {
    #[derive(Debug)]
    struct Never;
    #[async_trait]
    impl Connect for Never {
        async fn connect(&self, _: &Endpoint) -> io::Result<Box<dyn Connection>> {
            std::future::pending().await
        }
    }
    let mut settings = WebhookSettings::default();
    settings.connect_timeout = Duration::from_millis(10);
    let webhook =
        Webhook::connecting("http://a.example", secret(), Arc::new(Never)).unwrap().settings(settings);
    let why = webhook.deliver(&outcome()).await.unwrap_err();
    assert_eq!(why, "no connection to a.example:80 within 10ms");
}

#[tokio::test]
async fn a_notice_that_comes_again_has_the_same_id_also_to_another_receiver() {
    let (listener, url) = listener().await;
    let webhook = Webhook::new(&url, secret()).unwrap();
    assert!(webhook.keeps());
    let mut seen = Vec::new();
    for status in ["503 Later", "500 Oh", "200 OK"] {
        let receiver = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (head, body) = request(&mut stream).await;
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            (value(&head, names::ID).unwrap().to_owned(), body)
        };
        let (end, notice) = join(webhook.deliver(&outcome()), receiver).await;
        assert_eq!(end.is_ok(), status == "200 OK");
        seen.push(notice);
    }
    assert!(seen.iter().all(|notice| *notice == seen[0]), "{seen:?}");
    let shown = format!("{webhook:?}");
    assert!(!shown.contains("hook?") && !shown.contains("MfKQ"), "{shown}");
}
