//! Wickson uploads against the real server, killed at any point: each content is there once and is charged once, whatever
//! its clients heard.
//!
//! `KILLS` (40) kills for each durability: `KILLS=1000 SEED=7 cargo test --release -p upload-examples --test live_media`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::time::Duration;

use serde_json::Value;
use support::http::{Answer, Connection};
use support::kill::wait;
use support::server::{KEY, Server};
use support::{Chance, TempDir, from_env};

const BOUNDARY: &str = "cut-here";
/// What one upload costs, and what there is to spend, in cents.
const COST: i64 = 4;
const BALANCE: i64 = 100_000_000;

/// A text of its own, of about so many bytes.
fn text(n: u64, length: usize) -> String {
    let mut text = format!("Document number {n} of this test. ");
    while text.len() < length {
        text.push_str("Every sentence of it is as plain as this one, and there are many of them. ");
    }
    text
}

fn form(content: &str, overwrite: bool) -> Vec<u8> {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"force_overwrite\"\r\n\r\n{overwrite}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n\
         {content}\r\n--{BOUNDARY}--\r\n"
    )
    .into_bytes()
}

fn begin(connection: &mut Connection, length: usize) -> std::io::Result<()> {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    connection.head("POST", "/v1/media", &[("x-api-key", KEY), ("content-type", &content_type)], length)
}

fn send(address: &str, form: &[u8]) -> Answer {
    let mut connection = Connection::open(address).unwrap();
    begin(&mut connection, form.len()).unwrap();
    connection.send(form).unwrap();
    connection.answer("POST").unwrap()
}

/// What was left before an upload, in cents.
fn before(answer: &Value) -> i64 {
    let left = answer["data"]["balance_info"]["previous_balance"].as_f64().unwrap();
    (left * 100.0).round() as i64
}

fn killed_anywhere(durability: &str) {
    let dir = TempDir::new();
    let data = dir.path().join("data");
    let start = || Server::start(&data, &["--durability", durability]);
    let mut chance = Chance::new(from_env("SEED", 20_261_121));
    let (mut server, kills) = (start(), from_env("KILLS", 40));
    let (mut answered, mut replaced) = (0, 0);
    for n in 0..kills {
        let content = text(n, chance.below(200_000) as usize);
        let body = form(&content, false);
        let mut connection = Connection::open(&server.address).unwrap();
        begin(&mut connection, body.len()).unwrap();
        if chance.below(3) == 0 {
            // In the middle of the body.
            let sent = chance.below(body.len() as u64) as usize;
            connection.send(&body[..sent]).unwrap();
        } else {
            // While it is processed, stored, charged, answered.
            connection.send(&body).unwrap();
            wait(Duration::from_micros(chance.below(30_000)));
        }
        server.kill();
        server = start();
        // Whatever became of it: now it is there, by this request or by the one before.
        let again = send(&server.address, &body);
        match again.status {
            200 => {}
            409 => answered += 1,
            other => panic!("{n}: {other}: {}", again.text()),
        }
        assert_eq!(send(&server.address, &body).status, 409, "{n}: it is there");
        if chance.below(4) == 0 {
            assert_eq!(send(&server.address, &form(&content, true)).status, 200);
            replaced += 1;
        }
    }
    // Once more, for what only the sweep of a start finds.
    server.kill();
    server = start();
    let charged = kills as i64 + replaced;
    let found = (0_i64..500).find(|n| {
        let fresh = send(&server.address, &form(&text(1 << 40 | *n as u64, 100), false));
        assert_eq!(fresh.status, 200, "{}", fresh.text());
        let left = before(&fresh.json());
        let expected = BALANCE - COST * (charged + n);
        assert!(
            left >= expected,
            "{left} cents are left; {expected} are what was not spent: something is charged twice"
        );
        left == expected
    });
    assert!(found.is_some(), "an upload was never charged");
    println!(
        "{kills} kills under durability {durability}: {answered} were complete though nobody had heard, {replaced} replaced"
    );
    server.stop();
}

#[test]
fn killed_anywhere_under_durability_request() {
    killed_anywhere("request");
}

#[test]
fn killed_anywhere_under_durability_none() {
    killed_anywhere("none");
}
