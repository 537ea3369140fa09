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

mod images;
mod load;
mod process;
mod report;
mod rows;
mod signed;

use std::path::{Path, PathBuf};
use std::process::Command;

use load::Result;
use report::{Measured, Program};
use rows::Row;
use upload_benches::args::Args;

/// Programs whose tables are parts of the report: under which title, and which binary.
const PROGRAMS: [(&str, &str); 2] = [("Sniffing and probing media", "media"), ("Micro", "micro")];

const HELP: &str = "\
Runs upload-server and the bare server side by side under the same load, and the programs of micro benchmarks.

    cargo build --release --bins && cargo run --release -p upload-benches --bin bench [-- OPTIONS]

Without an option it writes docs/benchmarks.md. With one it prints what it would have written and leaves the file alone.

    --only WORD   only what has this word in its name, as `--only images`; may be repeated
    --quick       an eighth of each load, one turn, no warming up: to see that it runs
    --help        this text

BENCH_DIR is where the servers keep their data; it is emptied after each turn. Names:
";

fn main() {
    let names: Vec<_> = rows::NAMES.into_iter().chain(PROGRAMS.map(|(title, _)| title)).collect();
    let args = Args::or_exit("bench", HELP, &names, &[]);
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
                let server = process::start(bin, *peer);
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
