//! tus 1.0 by the real server: trailers over HTTP/2, the end of the process in mid-body, uploads without a key.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use support::http::request;
use support::server::{KEY, Server, run};
use support::tus::{BYTES, Tus, path_of};
use support::{TempDir, mp4_of};
use upload_checksum::{Algorithm, Hasher};

const MB: usize = 1 << 20;

type Frames = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

/// A client over one HTTP/2 connection.
struct Http2 {
    address: String,
    sender: http2::SendRequest<Frames>,
}

impl Http2 {
    async fn connect(server: &Server) -> Self {
        let stream = tokio::net::TcpStream::connect(&server.address).await.unwrap();
        let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, connection) = shaken.unwrap();
        tokio::spawn(connection);
        Self { address: server.address.clone(), sender }
    }

    /// Sends a body in pieces, and these trailers behind it.
    async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        trailers: &[(&'static str, &str)],
    ) -> Response<Incoming> {
        let uri = format!("http://{}{path}", self.address);
        let mut asked = http::Request::builder().method(method).uri(uri).header("x-api-key", KEY);
        for (name, value) in [&[("tus-resumable", "1.0.0")], headers].concat() {
            asked = asked.header(name, value);
        }
        let mut frames: Vec<_> =
            body.chunks(50_000).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
        if !trailers.is_empty() {
            let value = |text: &str| HeaderValue::from_str(text).unwrap();
            let trailers: HeaderMap =
                trailers.iter().map(|(name, text)| (name.parse().unwrap(), value(text))).collect();
            frames.push(Ok(Frame::trailers(trailers)));
        }
        self.sender.ready().await.unwrap();
        self.sender.send_request(asked.body(StreamBody::new(stream::iter(frames))).unwrap()).await.unwrap()
    }

    /// How far an upload is.
    async fn offset(&mut self, path: &str) -> Option<usize> {
        let told = self.send("HEAD", path, &[], b"", &[]).await;
        assert_eq!(told.status(), 200);
        told.headers().get("upload-offset").map(|text| text.to_str().unwrap().parse().unwrap())
    }
}

fn sha1(content: &[u8]) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha1);
    hasher.update(content);
    format!("sha1 {}", hasher.finish().to_base64())
}

#[test]
fn a_checksum_behind_a_body_over_http2_counts() {
    let dir = TempDir::new();
    let server = Server::start(dir.path(), &[]);
    let content = mp4_of(MB);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut client = Http2::connect(&server).await;
        let length = content.len().to_string();
        let created = client.send("POST", "/files", &[("upload-length", &length)], b"", &[]).await;
        assert_eq!((created.status().as_u16(), created.version()), (201, http::Version::HTTP_2));
        // There is no Host here, but an authority.
        let location = created.headers()["location"].to_str().unwrap();
        let path = location.strip_prefix(&format!("http://{}", server.address)).expect(location).to_owned();

        let half = content.len() / 2;
        let announced = [("upload-offset", "0"), ("content-type", BYTES), ("trailer", "Upload-Checksum")];
        let good = sha1(&content[..half]);
        for (trailers, status) in [
            (&[][..], 400),
            (&[("x-other", "x")], 400),
            (&[("upload-checksum", "sha1 x")], 400),
            (&[("upload-checksum", &*sha1(b"other"))], 460),
        ] {
            let answer = client.send("PATCH", &path, &announced, &content[..half], trailers).await;
            assert_eq!(answer.status().as_u16(), status, "{trailers:?}");
            assert_eq!(client.offset(&path).await, Some(0));
        }
        let answer =
            client.send("PATCH", &path, &announced, &content[..half], &[("upload-checksum", &good)]).await;
        assert_eq!((answer.status().as_u16(), client.offset(&path).await), (204, Some(half)));
        let (at, rest) = (half.to_string(), sha1(&content[half..]));
        let announced = [("upload-offset", &*at), ("content-type", BYTES), ("trailer", "upload-checksum")];
        let answer =
            client.send("PATCH", &path, &announced, &content[half..], &[("upload-checksum", &rest)]).await;
        assert_eq!(answer.status(), 204);
        let got = client.send("GET", &path, &[], b"", &[]).await.into_body().collect().await.unwrap();
        assert!(got.to_bytes() == content);
    });
    server.stop();
}

#[test]
fn what_had_arrived_survives_the_end_of_the_process() {
    let dir = TempDir::new();
    let content = mp4_of(64 * MB);
    let server = Server::start(dir.path(), &[]);
    let client = Tus::of(&server);
    let at = client.create(content.len());
    let mut connection = client.open();
    connection.send(client.patch_head(&at, 0, content.len()).as_bytes()).unwrap();
    connection.send(&content[..40 * MB]).unwrap();
    server.kill();
    let server = Server::start(dir.path(), &[]);
    let client = Tus::of(&server);
    let kept = client.offset(&at);
    // Less the socket's buffers and what had not reached a checkpoint.
    assert!((16 * MB..=40 * MB).contains(&kept), "{kept}");
    client.append(&at, kept, &content[kept..]);
    client.expect(&at, &content);
    // A link for those without a key, which the page of the process serves.
    let told = client.head(&at);
    let link = told.header("content-location").expect("a link");
    let link = link.strip_prefix(&format!("http://{}", server.address)).expect("the bound address");
    assert!(request(&server.address, "GET", link, &[], b"").unwrap().body == content);
    server.stop();
}

#[test]
fn a_public_url_stands_before_every_path() {
    let dir = TempDir::new();
    let server = Server::start(dir.path(), &["--public-url", "https://up.example/x"]);
    let client = Tus::of(&server);
    let created = client.ask("POST", "/files", &[("upload-length", "0")]);
    let told = client.head(&path_of(&created, "https://up.example/x"));
    assert!(told.header("content-location").unwrap().starts_with("https://up.example/x/store/"));
    server.stop();
}

#[test]
fn uploads_without_a_key_are_for_this_machine_alone() {
    let dir = TempDir::new();
    // Closed unless it is asked for.
    let server = Server::start(dir.path(), &[]);
    let refused = Tus::of(&server).with_key(None).ask("POST", "/files", &[("upload-length", "5")]);
    assert_eq!(refused.status, 401);
    server.stop();

    let mut server = Server::start(dir.path(), &["--open-tus"]);
    let table = server.table("open");
    let line = table.lines().last().unwrap();
    assert!(line.contains("/files") && line.contains("WARNING"), "{table}");
    assert!(table.contains("tus 1.0") && table.contains("100 GiB"), "{table}");
    let anybody = Tus::of(&server).with_key(None);
    let at = anybody.create(5);
    anybody.append(&at, 0, b"hello");
    assert_eq!(anybody.ask("GET", &at, &[]).body, b"hello");
    // The tenant of those without a key is that of keys without a tenant; a wrong key stays wrong.
    assert_eq!(Tus::of(&server).ask("GET", &at, &[]).body, b"hello");
    assert_eq!(anybody.with_key(Some("wrong")).head(&at).status, 401);
    // No other API is open.
    let picomes =
        request(&server.address, "POST", "/uploads", &[("content-type", "application/json")], b"{}");
    assert_eq!(picomes.unwrap().status, 401);
    server.stop();

    let by_environment = |value: &str| {
        let mut command = support::server::program(&["--print-config"]);
        let output = command.env("UPLOAD_OPEN_TUS", value).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().any(|line| line == "open_tus = true")
    };
    assert!(by_environment("1") && by_environment("true") && !by_environment("0") && !by_environment(""));

    let closed = dir.file("closed.toml", "[destinations.a]\nmax_length = 1\n");
    for (args, word) in [
        (&["--open-tus", "--listen", "0.0.0.0:0"][..], "0.0.0.0:0"),
        (&["--open-tus", "--listen", "[::]:0"], "[::]:0"),
        (&["--open-tus", "--listen", "192.0.2.1:80"], "loopback"),
        (&["--open-tus", "--listen", "nonsense"], "nonsense"),
        (&["--open-tus", "--config", closed.to_str().unwrap()], "\"tus\""),
    ] {
        let output = run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}: {said}");
        assert!(said.contains("--open-tus") && said.contains(word), "{args:?}: {said}");
    }
}

#[test]
fn no_other_results_lie_below_its_paths() {
    let dir = TempDir::new();
    for (prefix, taken) in [("/files", true), ("/files/a", true), ("/filesystem", false), ("/a/files", false)]
    {
        let text = format!(
            "[destinations.tus]\nmax_length = 1\n[destinations.a]\nmax_length = 1\nprefix = \"{prefix}\"\n"
        );
        let config = dir.file("config.toml", &text);
        let output = run(&["--config", config.to_str().unwrap(), "--print-config"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(!output.status.success() && said.contains("destinations.a"), taken, "{prefix}: {said}");
        // Where tus is not served they are anybody's.
        let config = dir.file("config.toml", text.replace("destinations.tus", "destinations.other"));
        let mut command = support::server::program(&["--config", config.to_str().unwrap(), "--print-config"]);
        assert!(command.output().unwrap().status.success(), "{prefix}");
    }
}
