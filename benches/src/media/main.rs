//! What it costs to tell what content is and to measure its details: each type of media, a film of 4 GiB, hostile files.
//!
//! `cargo run --release -p upload-benches --bin media` prints two tables. The files are those of upload-media's tests.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub
)]

#[path = "../../../upload-media/tests/support/hostile.rs"]
mod hostile;
#[path = "../../../upload-media/tests/support/make.rs"]
mod make;
#[path = "../../../upload-media/tests/support/sparse.rs"]
mod sparse;
#[path = "../../../upload-media/tests/support/mod.rs"]
mod support;
mod worst;

use std::hint::black_box;
use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sparse::Sparse;
use upload_core::ports::{Sniffed, Sniffer};
use upload_media::ContentSniffer;
use upload_media::probe::{Limits, Source, measure_counted};

/// The names of [`support::EVERY_TYPE`], in its order.
const NAMES: [&str; 14] =
    ["JPEG", "PNG", "GIF", "WebP", "MP4", "MOV", "M4A", "MP3", "WAV", "PDF", "DOCX", "TXT", "GLB", "OBJ"];

/// Rounds that a median is taken of, and how long one is at least.
const ROUNDS: usize = 101;
const ROUND: Duration = Duration::from_micros(200);

fn main() {
    println!(
        "Of each type the largest file of upload-media's tests, in memory; medians of {ROUNDS} rounds. The sniffer gets the \
         first {} bytes at most; *needs* says how many of them it takes to tell the type.\n",
        <dyn Sniffer>::HEAD
    );
    println!(
        "| | content | bytes | sniffer needs | sniff µs | probe reads, bytes | in ranges | calls | probe µs |\n\
         |---|---|---|---|---|---|---|---|---|"
    );
    for content_type in support::EVERY_TYPE {
        let files = support::names("ok").into_iter().map(|name| (support::read("ok", &name), name));
        let of_type = files.filter(|(content, _)| support::sniffed(content).as_deref() == Some(content_type));
        let (content, name) = of_type.max_by_key(|(content, _)| content.len()).expect(content_type);
        row(&name, content_type, &mut content.clone());
    }
    row("its index behind 4 GiB", upload_media::types::MP4, &mut Sparse::large_film());
    println!();
    worst::table();
}

impl Source for Sparse {
    fn length(&self) -> u64 {
        self.length
    }

    fn fetch(&mut self, range: Range<u64>) -> io::Result<Bytes> {
        Ok(self.bytes(range))
    }
}

/// What sniffing and probing one content costs.
fn row(name: &str, content_type: &str, source: &mut dyn Source) {
    let length = source.length();
    let most = length.min(<dyn Sniffer>::HEAD as u64);
    let head = source.fetch(0..most).unwrap();
    let ends = head.len() as u64 == length;
    let (needs, known) = (0..=head.len())
        .map(|n| (n, ContentSniffer.sniff(&head[..n], ends && n == head.len())))
        .find(|(_, answer)| *answer != Sniffed::NeedMore)
        .expect("an answer");
    assert_eq!(known, Sniffed::Known(content_type.to_owned()), "{name}");
    let limits = Limits::default();
    let (details, cost) = measure_counted(content_type, source, &limits);
    details.expect(name);
    let sniff = micros(|| drop(black_box(ContentSniffer.sniff(black_box(&head), ends))));
    let probe = micros(|| drop(black_box(measure_counted(content_type, black_box(source), &limits))));
    println!(
        "| {} | {name} | {} | {} | {sniff:.2} | {} | {} | {} | {probe:.1} |",
        named(content_type),
        grouped(length),
        grouped(needs as u64),
        grouped(cost.bytes),
        cost.reads,
        grouped(cost.calls)
    );
}

/// The median of what it takes, in microseconds.
fn micros(mut once: impl FnMut()) -> f64 {
    let mut round = |times: u32| {
        let begun = Instant::now();
        (0..times).for_each(|_| once());
        begun.elapsed()
    };
    let first = round(1).max(Duration::from_nanos(1));
    let times = (ROUND.as_nanos() / first.as_nanos()).clamp(1, 10_000) as u32;
    let mut rounds: Vec<_> = (0..ROUNDS).map(|_| round(times)).collect();
    rounds.sort();
    rounds[ROUNDS / 2].as_secs_f64() * 1e6 / f64::from(times)
}

/// A type as people call it.
fn named(content_type: &str) -> &str {
    let found = support::EVERY_TYPE.iter().zip(NAMES).find(|(of, _)| **of == content_type);
    found.expect("a type that is measured").1
}

/// A number with commas between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
