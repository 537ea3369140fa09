//! The server as a process: what it says, what it refuses, whom it waits for, how it stops.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::Signal;
use support::client::{ChunkRequest, Client, sha};
use support::http::{Connection, request};
use support::server::{KEY, Server, run};
use support::{TempDir, mp4_of};

fn refused(args: &[&str]) -> (Option<i32>, String) {
    let output = run(args);
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_table_names_routes_destinations_limits_store_and_durability() {
    let dir = TempDir::new();
    let mut server = Server::start(dir.path(), &[]);
    let table = server.table("links");
    for part in [
        "routes\n",
        "POST          /uploads ",
        "PATCH         /uploads/{id} ",
        "/api/v1/images/{name}",
        "/api/v1/videos/{name}",
        "/healthz",
        "/metrics",
        "destinations\n",
        "stepImage     8 MiB",
        "image/jpeg, image/png",
        "stepVideo     500 MiB",
        "stepVideoGif  150 MiB",
        "limits\n",
        "10 MiB",
        "store\n",
        "records.redb",
        "durability    request",
        &format!("http://{}", server.address),
    ] {
        assert!(table.contains(part), "no {part:?} in:\n{table}");
    }
    server.stop();
}

#[test]
fn an_unspecified_address_and_no_durability_are_warned_of() {
    let dir = TempDir::new();
    let mut server = Server::start(dir.path(), &["--listen", "0.0.0.0:0", "--durability", "none"]);
    let port = server.address.strip_prefix("0.0.0.0:").unwrap().to_owned();
    let table = server.table("links");
    let line = |of: &str| table.lines().find(|line| line.trim_start().starts_with(of)).unwrap();
    assert!(
        line("links").contains(&format!("http://127.0.0.1:{port} ")) && line("links").contains("WARNING"),
        "{table}"
    );
    assert!(line("durability").contains("none") && line("durability").contains("WARNING"), "{table}");
    server.stop();
}

#[test]
fn a_key_is_generated_once_kept_for_its_owner_and_printed() {
    let dir = TempDir::new();
    let key = || {
        let mut server = Server::start_as(dir.path(), &[]);
        let table = server.table("api key");
        let key = table.lines().last().unwrap().split_whitespace().nth(2).unwrap().to_owned();
        let answer =
            Client::new(&server.address, &key).try_create("nowhere", "a", 1, &"0".repeat(64)).unwrap();
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert_eq!(
            Client::new(&server.address, "other").try_create("nowhere", "a", 1, "").unwrap().status,
            401
        );
        server.stop();
        key
    };
    let first = key();
    let file = dir.path().join("api-key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&file).unwrap().trim_end(), first);
    assert_eq!(key(), first);

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let data = dir.path().to_str().unwrap();
    let (code, said) = refused(&["--listen", "127.0.0.1:0", "--data", data]);
    assert!(code == Some(1) && said.contains("644") && said.contains("600"), "{said}");
}

#[test]
fn roles_bind_and_tenants_are_strangers() {
    let dir = TempDir::new();
    let keys = "--api-key up:acme:upload --api-key rd:acme:read --api-key boss:acme:admin --api-key spy:other:support";
    let server = Server::start(dir.path(), &keys.split(' ').collect::<Vec<_>>());
    let as_key = |key| Client::new(&server.address, key);
    let image = support::media("rgb.jpg");
    let sha = sha([&*image]);
    let refusal = as_key("rd").try_create("stepImage", "a.jpg", image.len(), &sha).unwrap();
    assert!(refusal.status == 403 && refusal.json()["error"].is_string(), "{}", refusal.text());
    let last = as_key("up").upload("stepImage", "a.jpg", &[&image]);
    let path = last["path"].as_str().unwrap();
    let seen = ["rd", "boss", "up", "spy", KEY].map(|key| as_key(key).get(path).status);
    assert_eq!(seen, [200, 200, 404, 404, 404]);
    server.stop();
}

#[test]
fn a_configuration_replaces_the_destinations_and_flags_win_over_it() {
    let dir = TempDir::new();
    let config = dir.file(
        "config.toml",
        "durability = \"none\"\n[http]\nmax_request = 1000\n[[keys]]\nkey = \"filed\"\ntenant = \"acme\"\nroles = [\"read\"]\n\
         [destinations.docs]\nmax_length = 5000\ntypes = [\"application/pdf\"]\nprefix = \"/docs\"\npublic = true\n",
    );
    let args = ["--config", config.to_str().unwrap(), "--durability", "request"];
    let mut server = Server::start(&dir.path().join("data"), &args);
    let table = server.table("links");
    assert!(table.contains("docs          5000 bytes") && !table.contains("stepImage"), "{table}");
    assert!(table.contains("durability    request"), "{table}");
    let pdf = support::media("three_pages.pdf");
    let path = server.client().upload("docs", "a.pdf", &[&pdf])["path"].as_str().unwrap().to_owned();
    assert!(path.starts_with("/docs/"), "{path}");
    // Public: no key is needed.
    assert!(request(&server.address, "GET", &path, &[], b"").unwrap().body == pdf);
    let refusal = Client::new(&server.address, "filed").try_create("docs", "a.pdf", 1, "").unwrap();
    assert!(matches!(refusal.status, 400 | 403), "a key of the file is known: {}", refusal.text());
    let old = server.client().try_create("stepImage", "a.jpg", 1, &"0".repeat(64)).unwrap();
    assert!(old.status == 400 && old.text().contains("docs"), "{}", old.text());
    server.stop();
}

#[test]
fn what_a_configuration_has_wrong_is_named_with_its_line() {
    let dir = TempDir::new();
    for (text, expected) in [
        ("listen = \"127.0.0.1:0\"\n\nlissten = 1\n", ["line 3", "lissten"]),
        ("[server]\nmax_connections = 5\nspeed = 1\n", ["line 3", "speed"]),
        ("[http]\nidle_timeout = 5\nidle = 1\n", ["line 3", "idle"]),
        ("[engine]\nmemory = \"much\"\n", ["line 2", "memory"]),
        ("[destinations.a]\nmax_length = 1\ntype = []\n", ["line 3", "type"]),
        ("[destinations.a]\nprefix = \"/a\"\n", ["line 1", "max_length"]),
        ("[[keys]]\nkey = \"k\"\nroles = [\"king\"]\n", ["line 3", "king"]),
        ("[destinations.a]\nmax_length = 1\nprefix = \"a/../b\"\n", ["destinations.a", "prefix"]),
        ("[destinations]\n", ["destinations", "none"]),
        ("public_url = \"ftp://a\"\n", ["public_url", "ftp://a"]),
        ("[server]\nread_buffer = 1\n", ["server", "read_buffer"]),
        ("not toml", ["line 1", "not"]),
    ] {
        let config = dir.file("bad.toml", text);
        let (code, said) = refused(&["--config", config.to_str().unwrap()]);
        assert_eq!(code, Some(2), "{text}: {said}");
        for word in expected {
            assert!(said.contains(word), "no {word:?} for {text:?}:\n{said}");
        }
    }
    let (code, said) = refused(&["--config", "/nowhere/at-all.toml"]);
    assert!(code == Some(2) && said.contains("/nowhere/at-all.toml"), "{said}");
    let (code, said) = refused(&["--api-key", "k:t:king"]);
    assert!(code == Some(2) && said.contains("king"), "{said}");
    let (code, said) = refused(&["--durability", "some"]);
    assert!(code == Some(2) && said.contains("some"), "{said}");
    for (args, expected) in [
        (&["--store", "ftp://x"][..], ["memory:", "ftp://x"]),
        (&["--store", "memory:", "--records", "local"], ["records", "expected store"]),
        (&["--store", "file:", "--records", "store"], ["records", "expected local"]),
        // Without the feature it is asked for, with it the secrets.
        (
            &["--store", "s3://bucket"],
            ["s", if cfg!(feature = "cloud") { "--secret-file" } else { "--features cloud" }],
        ),
    ] {
        let (code, said) = refused(args);
        assert_eq!(code, Some(2), "{args:?}: {said}");
        for word in expected {
            assert!(said.contains(word), "no {word:?} for {args:?}:\n{said}");
        }
    }
}

#[test]
fn each_flag_is_an_environment_variable_too() {
    let dir = TempDir::new();
    let file = dir.file("config.toml", "[server]\nmax_streams = 77\n");
    let output = support::server::program(&["--print-config"])
        .env("UPLOAD_LISTEN", "127.0.0.1:1")
        .env("UPLOAD_DATA", "elsewhere")
        .env("UPLOAD_STORE", "file:/mnt/bytes")
        .env("UPLOAD_RECORDS", "local")
        .env("UPLOAD_PUBLIC_URL", "https://files.example/")
        .env("UPLOAD_CONFIG", file)
        .env("UPLOAD_API_KEY", "first the-other:acme:admin")
        .env("UPLOAD_DURABILITY", "none")
        .env("UPLOAD_LOG", "error")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for line in [
        "listen = \"127.0.0.1:1\"",
        "data = \"elsewhere\"",
        "store = \"file:/mnt/bytes\"",
        "records = \"local\"",
        "public_url = \"https://files.example\"",
        "durability = \"none\"",
        "log = \"error\"",
        "max_streams = 77",
    ] {
        assert!(said.lines().any(|said| said == line), "no {line} in:\n{said}");
    }
    assert!(!said.contains("the-other"), "keys are not shown");
}

#[test]
fn a_second_process_on_the_same_directory_fails_at_once() {
    let dir = TempDir::new();
    let server = Server::start(dir.path(), &[]);
    let (code, said) = refused(&["--listen", "127.0.0.1:0", "--data", dir.path().to_str().unwrap()]);
    assert!(
        code == Some(1) && said.contains("in use") && said.contains(dir.path().to_str().unwrap()),
        "{said}"
    );
    assert_eq!(request(&server.address, "GET", "/healthz", &[], b"").unwrap().status, 200);
    server.stop();
}

/// A directory of bytes elsewhere, and memory, which leaves nothing behind.
#[test]
fn bytes_go_where_they_are_told() {
    let (dir, elsewhere) = (TempDir::new(), TempDir::new());
    let store = format!("file:{}", elsewhere.path().join("bytes").display());
    let image = support::media("rgb.jpg");
    let upload = |server: &Server| {
        server.client().upload("stepImage", "a.jpg", &[&image])["path"].as_str().unwrap().to_owned()
    };
    let server = Server::start(dir.path(), &["--store", &store]);
    let path = upload(&server);
    server.stop();
    assert!(elsewhere.path().join("bytes/o").is_dir() && !dir.path().join("blobs").exists());
    let server = Server::start(dir.path(), &["--store", &store]);
    assert_eq!(server.client().get(&path).body, image);
    server.stop();

    let dir = TempDir::new();
    let server = Server::start(dir.path(), &["--store", "memory:"]);
    let path = upload(&server);
    assert_eq!(server.client().get(&path).body, image);
    server.stop();
    assert!(!dir.path().join("blobs").exists() && !dir.path().join("records.redb").exists());
}

#[test]
fn foreign_files_in_the_data_directory_are_left_alone() {
    let dir = TempDir::new();
    let foreign = ["notes.txt", "blobs/notes.txt", "blobs/s/notes.txt", "blobs/o/notes.txt", "api-key.old"];
    fs::create_dir_all(dir.path().join("blobs/s")).unwrap();
    fs::create_dir_all(dir.path().join("blobs/o")).unwrap();
    for name in foreign {
        dir.file(name, name);
    }
    let image = support::media("rgb.jpg");
    for _ in 0..2 {
        let server = Server::start(dir.path(), &[]);
        assert!(server.client().upload("stepImage", "a.jpg", &[&image])["path"].is_string());
        server.stop();
    }
    for name in foreign {
        assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), name);
    }
}

#[test]
fn blobs_whose_records_are_gone_are_not_served_over() {
    let dir = TempDir::new();
    let server = Server::start(dir.path(), &[]);
    let image = support::media("rgb.jpg");
    let path = server.client().upload("stepImage", "a.jpg", &[&image])["path"].as_str().unwrap().to_owned();
    server.stop();
    let (records, aside) = (dir.path().join("records.redb"), dir.path().join("aside"));
    fs::rename(&records, &aside).unwrap();
    let (code, said) = refused(&["--listen", "127.0.0.1:0", "--data", dir.path().to_str().unwrap()]);
    assert!(
        code == Some(1) && said.contains("records.redb") && said.contains("put the record file back"),
        "{said}"
    );
    assert!(!records.exists());
    fs::rename(&aside, &records).unwrap();
    let server = Server::start(dir.path(), &[]);
    assert_eq!(server.client().get(&path).body, image);
}

#[test]
fn a_log_that_cannot_be_written_ends_no_request() {
    let dir = TempDir::new();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let args = ["--api-key", support::server::KEY];
    let server = Server::start_with(dir.path(), &args, |c| c.env("UPLOAD_LOG", "trace").stderr(full));
    let image = support::media("rgb.jpg");
    let path = server.client().upload("stepImage", "a.jpg", &[&image])["path"].as_str().unwrap().to_owned();
    assert_eq!(server.client().get(&path).body, image);
    server.stop();
}

#[test]
fn health_and_metrics_tell() {
    let dir = TempDir::new();
    let server = Server::start(dir.path(), &[]);
    let get = |path| request(&server.address, "GET", path, &[], b"").unwrap();
    assert_eq!((get("/healthz").status, get("/healthz").text()), (200, "ok\n"));
    let image = support::media("rgb.jpg");
    server.client().upload("stepImage", "a.jpg", &[&image[..5000], &image[5000..]]);
    let metrics = get("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"));
    for line in ["upload_completed_total 1", "upload_begun_total 1", "upload_received_bytes_total 14195"] {
        assert!(metrics.text().lines().any(|said| said == line), "no {line} in:\n{}", metrics.text());
    }
    assert_eq!(get("/nowhere").status, 404);
    assert!(get("/nowhere").json()["error"].is_string());
    server.stop();
    let quiet = dir.file("quiet.toml", "[server]\nmetrics = false\n");
    let server = Server::start(dir.path(), &["--config", quiet.to_str().unwrap()]);
    assert_eq!(request(&server.address, "GET", "/metrics", &[], b"").unwrap().status, 404);
    server.stop();
}

#[test]
fn told_to_stop_it_ends_running_bodies_keeps_what_was_acknowledged_and_exits_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let dir = TempDir::new();
        let server = Server::start(dir.path(), &[]);
        let mp4 = mp4_of(3 << 20);
        let chunks: Vec<_> = mp4.chunks(1 << 20).collect();
        let client = server.client();
        let id = client.create("stepVideo", "a.mp4", mp4.len(), &sha([&*mp4]));
        // Idle and kept alive: it must not hold up the end.
        let mut idle = Connection::open(&server.address).unwrap();
        assert_eq!(client.chunk(&mut idle, &ChunkRequest::new(&id, 0, 3, chunks[0])).unwrap().status, 200);
        let mut running = Connection::open(&server.address).unwrap();
        let second = ChunkRequest::new(&id, 1, 3, chunks[1]);
        // It is waited for in the middle of its body: the server has asked for it.
        client.chunk_head(&mut running, &second, &[("expect", "100-continue")]).unwrap();
        assert_eq!(running.answer_head().unwrap().status, 100);
        second.send(&mut running, second.len() / 2).unwrap();
        server.signal(signal);
        let answer = running.answer("PATCH").unwrap();
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.header("retry-after").is_some() && answer.json()["error"].is_string());
        let status = server.wait();
        assert_eq!(status.code(), Some(0), "{status}");

        let server = Server::start(dir.path(), &[]);
        let client = server.client();
        let mut connection = Connection::open(&server.address).unwrap();
        let mut last = None;
        for n in [1, 2] {
            let answer = client.chunk(&mut connection, &ChunkRequest::new(&id, n, 3, chunks[n])).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            last = Some(answer.json());
        }
        let path = last.unwrap()["path"].as_str().unwrap().to_owned();
        assert!(client.get(&path).body == mp4);
        server.stop();
    }
}

#[test]
fn connections_that_never_send_a_request_are_closed() {
    let dir = TempDir::new();
    let config = dir.file("config.toml", "[server]\nheader_timeout = 1\n");
    let server = Server::start(&dir.path().join("data"), &["--config", config.to_str().unwrap()]);
    for beginning in ["", "P", "PRI * HTTP/2.0\r\n"] {
        let mut connection = Connection::open(&server.address).unwrap();
        connection.send(beginning.as_bytes()).unwrap();
        assert!(connection.closed().is_empty(), "{beginning:?}");
    }
    // Here the server knows that it is a request, and may say why it closes.
    let mut connection = Connection::open(&server.address).unwrap();
    connection.send(b"POST /uploads HTTP/1.1\r\nhost: te").unwrap();
    connection.closed();
    server.stop();
}

#[test]
fn a_connection_that_takes_nothing_of_its_answer_is_closed() {
    let dir = TempDir::new();
    let config = dir.file("config.toml", "[server]\nwrite_timeout = 1\n");
    let server = Server::start(&dir.path().join("data"), &["--config", config.to_str().unwrap()]);
    // More than the buffers of both ends take.
    let told = server.client().upload("stepVideo", "large.mp4", &[&support::mp4_of(9 << 20)]);
    let path = told["path"].as_str().unwrap();
    let mut connection = Connection::open(&server.address).unwrap();
    connection.head("GET", path, &[("x-pico-api-org", KEY)], 0).unwrap();
    let open = |metrics: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix("upload_server_connections_open "));
        line.unwrap().parse::<u32>().unwrap()
    };
    // The connection that asks is one itself.
    while open(request(&server.address, "GET", "/metrics", &[], b"").unwrap().text()) > 1 {
        std::thread::yield_now();
    }
    server.stop();
}

#[test]
fn http2_with_prior_knowledge_uploads_and_downloads() {
    let dir = TempDir::new();
    let server = Server::start(dir.path(), &[]);
    let mp4 = mp4_of(3 << 20);
    let id = server.client().create("stepVideo", "a.mp4", mp4.len(), &sha([&*mp4]));
    let chunk = ChunkRequest::new(&id, 0, 1, &mp4);
    let body = [&chunk.pieces[0], chunk.chunk, &chunk.pieces[1]].concat();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(&server.address).await.unwrap();
        let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.unwrap();
        let connection = tokio::spawn(connection);
        let request = |method: &str, path: &str| {
            let uri = format!("http://{}{path}", server.address);
            http::Request::builder().method(method).uri(uri).header("x-pico-api-org", KEY)
        };
        let form =
            request("PATCH", &chunk.path).header("content-type", "multipart/form-data; boundary=----live");
        let answer = sender.send_request(form.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));
        let answer = answer.into_body().collect().await.unwrap().to_bytes();
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        let get = request("GET", answer["path"].as_str().unwrap()).body(Full::default()).unwrap();
        let got = sender.send_request(get).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        assert!(got == mp4);
        drop(sender);
        connection.await.unwrap().unwrap();
    });
    server.stop();
}
