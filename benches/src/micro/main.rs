//! Micro benchmarks: assembly transitions, digests, multipart scanning, record commits.
//!
//! `cargo run --release -p upload-benches --bin micro` prints one table; each figure is the best of several rounds.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod records;

use std::{hint::black_box, time::Instant};

use bytes::Bytes;
use upload_checksum::{Algorithm, Hasher};
use upload_chunking::assembly::{Assembly, At, Close, Limits, Opened};
use upload_http_axum::multipart;

fn main() {
    println!("Each figure is the best of several rounds.\n\n| what | figure |\n|---|---|");
    assembly();
    digests();
    scanning();
    records::measure();
}

fn row(what: &str, figure: &str) {
    println!("| {what} | {figure} |");
}

/// Seconds of the fastest of `rounds`.
fn best(rounds: usize, mut f: impl FnMut()) -> f64 {
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            f();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

/// One chunk from its request to its row: open, grant, returned, close, record.
fn assembly() {
    const CHUNKS: u32 = 10_000;
    const SIZE: u64 = 5 << 20;
    let run = || {
        let length = u64::from(CHUNKS) * SIZE;
        let mut machine = Assembly::slots(length, Limits::new(length, 64 << 20, CHUNKS));
        for n in 0..CHUNKS {
            let Ok(Opened::Write { attempt, .. }) = machine.open(At::Slot { n, total: CHUNKS }, None) else {
                panic!("slot {n} is free");
            };
            machine.grant(attempt, SIZE).unwrap();
            machine.returned(attempt);
            loop {
                match machine.close(attempt).unwrap() {
                    Close::NeedShape(shape) => machine.learn_shape(shape).unwrap(),
                    Close::Ready { .. } => break,
                    other => panic!("{other:?}"),
                }
            }
            machine.record(attempt);
        }
        assert!(black_box(machine).is_complete());
    };
    let allocations = allocation_counter::measure(run).count_total;
    let seconds = best(20, run);
    row("assembly: one chunk, request to row", &format!("{:.0} ns", seconds * 1e9 / f64::from(CHUNKS)));
    row("assembly: allocations for 10,000 chunks in order", &allocations.to_string());
}

fn digests() {
    let data = vec![0x5a_u8; 64 << 20];
    for algorithm in Algorithm::ALL {
        let seconds = best(3, || {
            let mut hasher = Hasher::new(*algorithm);
            data.chunks(256 << 10).for_each(|c| hasher.update(c));
            black_box(hasher.finish());
        });
        row(
            &format!("digest: {algorithm}, one core"),
            &format!("{:.2} GB/s", data.len() as f64 / 1e9 / seconds),
        );
    }
}

fn scanning() {
    let boundary = "----bench7d0f3c1a9e5b";
    let mut body =
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n")
            .into_bytes();
    let mut x = 1_u64;
    while body.len() < 64 << 20 {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        body.extend_from_slice(&x.to_be_bytes());
    }
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let body = Bytes::from(body);
    let kind = format!("multipart/form-data; boundary={boundary}");
    for frame in [16 << 10, 64 << 10, 256 << 10] {
        let frames: Vec<Bytes> =
            (0..body.len()).step_by(frame).map(|at| body.slice(at..body.len().min(at + frame))).collect();
        let seconds = best(5, || {
            let mut scanner =
                multipart::Scanner::new(multipart::boundary(&kind).unwrap(), multipart::Limits::default());
            let mut seen = 0;
            for frame in &frames {
                scanner.push(frame.clone());
                loop {
                    match scanner.next_event().unwrap() {
                        multipart::Event::NeedMore | multipart::Event::End => break,
                        multipart::Event::Data(data) => seen += data.len(),
                        _ => {}
                    }
                }
            }
            assert!(seen > 63 << 20);
        });
        let figure = format!("{:.1} GB/s", body.len() as f64 / 1e9 / seconds);
        row(&format!("multipart: random data in frames of {} KiB", frame >> 10), &figure);
    }
}
