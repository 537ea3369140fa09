//! The two client programs of the API's own page, run with python3 against the real server: only address, token and file
//! are put in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::path::Path;
use std::process::Command;

use support::server::{KEY, Server};
use support::{TempDir, media, mp4_of};

/// Runs a program of the page, the server's address and key put in, and gives what it printed.
fn python(dir: &TempDir, program: &str, server: &Server, last: &str) -> String {
    let replaced = |text: String, from: &str, to: &str| {
        assert!(text.contains(from), "the program has no {from}");
        text.replace(from, to)
    };
    let text =
        replaced(program.to_owned(), "https://example.picomes.io", &format!("http://{}", server.address));
    let text = replaced(text, "YOUR_API_TOKEN", KEY);
    let script = dir.file("program.py", text + last);
    let ran = Command::new("python3").arg(script).output().expect("python3 runs: install it");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

fn server(dir: &TempDir) -> Server {
    Server::start(&dir.path().join("data"), &[])
}

fn shown(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_single_request_program_uploads_a_jpeg() {
    let dir = TempDir::new();
    let server = server(&dir);
    let jpeg = media("rgb.jpg");
    let file = dir.file("step_image.jpg", &jpeg);
    let program = include_str!("picomes/single.py").replace("/path/to/step_image.jpg", shown(&file));
    let printed = python(&dir, &program, &server, "");
    let path = printed.trim_end().strip_prefix("Uploaded to: ").unwrap_or_else(|| panic!("{printed}"));
    assert!(path.starts_with("/api/v1/images/") && path.ends_with("-step_image.jpg"), "{path}");
    let answer = server.client().get(path);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/jpeg")));
    assert!(answer.body == jpeg);
    server.stop();
}

#[test]
fn the_chunked_program_uploads_an_mp4_of_61_mb() {
    let dir = TempDir::new();
    let server = server(&dir);
    let mp4 = mp4_of(61 << 20);
    let file = dir.file("assembly.mp4", &mp4);
    let call = format!("print(upload_video_chunked({:?}))\n", shown(&file));
    let printed = python(&dir, include_str!("picomes/chunked.py"), &server, &call);
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!((lines.len(), lines[12]), (14, "Chunk 13/13 uploaded"), "{printed}");
    let path = lines[13];
    assert!(path.starts_with("/api/v1/videos/") && path.ends_with("-assembly.mp4"), "{path}");
    let answer = server.client().get(path);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("video/mp4")));
    assert!(answer.body == mp4);
    server.stop();
}
