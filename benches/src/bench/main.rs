//! Runs upload-server and the bare server side by side under the same load and writes `docs/benchmarks.md`.
//!
//! `cargo run --release -p upload-benches --bin bench [-- --quick]`; it expects the release builds of `upload-server` and
//! `bare-server` beside itself. What a figure means stands in the report that it writes.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod client;
mod load;
mod process;
mod report;
mod signed;

use std::path::PathBuf;

use load::{Plan, Result};
use process::Server;

/// What is measured: a name, how often, and the load.
struct Row {
    name: &'static str,
    peers: &'static [Peer],
    plan: Plan,
}

/// Which server, with which durability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Peer {
    OursNone,
    OursRequest,
    Bare,
    BareDurable,
}

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OursNone => "upload-server, `none`",
            Self::OursRequest => "upload-server, `request`",
            Self::Bare => "bare, page cache",
            Self::BareDurable => "bare, fdatasync per request",
        }
    }
}

const ALL: &[Peer] = &[Peer::Bare, Peer::OursNone, Peer::BareDurable, Peer::OursRequest];

const OURS: &[Peer] = &[Peer::OursNone, Peer::OursRequest];

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let scale = if quick { 8 } else { 1 };
    let only: Option<String> = std::env::args().skip_while(|a| a != "--only").nth(1);
    let runs = if quick { 1 } else { 3 };
    let rows = [
        Row {
            name: "1 × 1 GiB in 5 MiB chunks",
            peers: ALL,
            plan: Plan::chunked(1, (1 << 30) / scale, 5 << 20),
        },
        Row {
            name: "8 × 256 MiB in 5 MiB chunks",
            peers: ALL,
            plan: Plan::chunked(8, (256 << 20) / scale, 5 << 20),
        },
        Row {
            name: "64 KiB singles, 32 connections",
            peers: ALL,
            plan: Plan::singles(32, (20_000 / scale) as usize, 64 << 10),
        },
        Row {
            name: "256 streams of 16 MiB at 1 MiB/s",
            peers: OURS,
            plan: Plan::slow(if quick { 64 } else { 256 }, (16 << 20) / scale, 1 << 20),
        },
        Row {
            name: "1 × 1 GiB in 5 MiB parts by signed requests, MD5 checked",
            peers: OURS,
            plan: Plan::parts(1, (1 << 30) / scale, 5 << 20, true),
        },
        Row {
            name: "1 × 1 GiB in 5 MiB parts by signed requests, no MD5",
            peers: OURS,
            plan: Plan::parts(1, (1 << 30) / scale, 5 << 20, false),
        },
        Row {
            name: "signed requests for parts, 32 connections",
            peers: OURS,
            plan: Plan::grants(32, (40_000 / scale) as usize),
        },
        Row {
            name: "records with a signed request, 32 connections",
            peers: OURS,
            plan: Plan::records(32, (20_000 / scale) as usize),
        },
    ];
    let bin: PathBuf = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let mut table = Vec::new();
    for row in rows.iter().filter(|r| only.as_ref().is_none_or(|o| r.name.contains(o.as_str()))) {
        let mut results: Vec<(Peer, Vec<Result>)> = row.peers.iter().map(|p| (*p, Vec::new())).collect();
        // Peers take turns, so that whatever the machine does meets all of them; the first turn only warms up.
        for turn in 0..=runs {
            for (peer, seen) in &mut results {
                let server = Server::start(&bin, *peer);
                let result = load::run(&server, &row.plan);
                println!("{:32} {:30} turn {turn}: {result}", row.name, peer.name());
                if turn > 0 || quick {
                    seen.push(result);
                }
            }
        }
        table.push((row.name, results));
    }
    if only.is_none() && !quick {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks.md");
        let micro = std::process::Command::new(bin.join("micro")).output().unwrap();
        let micro = String::from_utf8(micro.stdout).unwrap();
        std::fs::write(path, report::render(&table, runs as usize, &micro)).unwrap();
        println!("written: docs/benchmarks.md");
    }
}
