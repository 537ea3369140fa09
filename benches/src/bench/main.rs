//! Runs upload-server and the bare server side by side under the same load and writes `docs/benchmarks.md`.
//!
//! `cargo run --release -p upload-benches --bin bench [-- --help]`; it expects the release builds of `upload-server`,
//! `bare-server`, `media` and `micro` beside itself. What a figure means stands in the report that it writes.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod args;
mod client;
mod images;
mod load;
mod process;
mod report;
mod rows;
mod signed;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use args::Args;
use load::Result;
use process::Server;
use report::{Measured, Program};
use rows::Row;

/// Programs whose tables are parts of the report: under which title, and which binary.
const PROGRAMS: [(&str, &str); 2] = [("Sniffing and probing media", "media"), ("Micro", "micro")];

fn main() -> ExitCode {
    let names: Vec<_> = rows::NAMES.into_iter().chain(PROGRAMS.map(|(title, _)| title)).collect();
    let args = match Args::parse(std::env::args().skip(1), &names) {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!("{}    {}", Args::HELP, names.join("\n    "));
            return ExitCode::SUCCESS;
        }
        Err(why) => {
            eprintln!("bench: {why}");
            return ExitCode::from(2);
        }
    };
    let turns = if args.quick { 1 } else { 3 };
    let bin: PathBuf = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let mut table = Vec::new();
    for mut group in rows::groups(args.quick) {
        group.retain(|row| args.wants(row.name));
        table.extend(measure(&bin, &group, turns, args.quick));
    }
    let programs = PROGRAMS.into_iter().filter(|(title, _)| args.wants(title));
    let programs: Vec<_> = programs.map(|(title, name)| run(&bin, title, name)).collect();
    if args.everything() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks.md");
        std::fs::write(path, report::page(&table, turns, &programs)).unwrap();
        println!("written: docs/benchmarks.md");
    } else {
        print!("\n{}", report::sections(&table, &programs));
    }
    ExitCode::SUCCESS
}

/// The rows of a group and their servers take turns, so that whatever the machine does meets all of them; the first turn only
/// warms up, if there is more than one.
fn measure(bin: &Path, group: &[Row], turns: usize, quick: bool) -> Vec<Measured> {
    let mut measured: Vec<Measured> = group
        .iter()
        .map(|row| (row.name, row.peers.iter().map(|peer| (*peer, Vec::new())).collect()))
        .collect();
    for turn in usize::from(quick)..=turns {
        for (row, (_, peers)) in group.iter().zip(&mut measured) {
            for (peer, seen) in peers {
                let server = Server::start(bin, *peer);
                let result: Result = load::run(&server, &row.plan);
                println!("{:40} {:30} turn {turn}: {result}", row.name, peer.name());
                if turn > 0 {
                    seen.push(result);
                }
            }
        }
    }
    measured
}

/// What a program prints.
fn run(bin: &Path, title: &'static str, name: &'static str) -> Program {
    println!("{title}: {name}");
    let output =
        Command::new(bin.join(name)).output().unwrap_or_else(|e| panic!("{name}, built beside this: {e}"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Program { title, name, table: String::from_utf8(output.stdout).unwrap() }
}
