//! Runs upload-server and `@tus/server` over `@tus/file-store` side by side under the same loads and faults of tus 1.0 and writes
//! `docs/benchmarks-tus.md`.
//!
//! `cargo run --release -p upload-benches --bin tus [-- --help]`; it expects the release build of `upload-server` beside itself.
//! What a figure means stands in the report that it writes.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod compose;
mod cuts;
mod kills;
mod loads;
mod peers;
mod report;
mod sending;
mod stalls;

use std::process::ExitCode;

use peers::Bench;
use report::{Report, Table};
use upload_benches::args::Args;

const HELP: &str = "\
Runs upload-server and @tus/server over @tus/file-store side by side under the same loads and faults of tus 1.0.

    cargo build --release -p upload-examples --bin upload-server
    cargo run --release -p upload-benches --bin tus [-- OPTIONS]

Without an option it writes docs/benchmarks-tus.md, with --compose alone too. With another it prints what it would have written
and leaves the file alone. Needs node (20 or later) with npm, and Linux; without node only upload-server is measured.

    --only WORD   only what has this word in its name, as `--only kill`; may be repeated
    --quick       an eighth of each load, a quarter of the faults, one turn, no warming up: to see that it runs
    --compose     what is composed is ten times 1 GiB, not ten times 64 MiB; takes 25 GB of disk
    --help        this text

BENCH_DIR is where the servers keep their data; it is emptied after each run. Names:
";

/// What is measured: its name, and how.
type Section = (&'static str, fn(&Bench, &'static str) -> Table);

const SECTIONS: [Section; 7] = [
    ("One upload of 256 MiB", |bench, name| loads::speed(bench, name, 1)),
    ("Eight uploads of 256 MiB at once", |bench, name| loads::speed(bench, name, 8)),
    ("Peak memory of one PATCH", loads::memory),
    ("A client that stalls, and one that goes on", stalls::table),
    ("Bytes lost when a connection is cut", cuts::table),
    ("Bytes lost by kill -9", kills::table),
    ("Composing ten partial uploads", compose::table),
];

fn main() -> ExitCode {
    let names = SECTIONS.map(|(name, _)| name);
    let args = Args::or_exit("tus", HELP, &names, &[compose::LARGE]);
    let mut wanted = SECTIONS.into_iter().filter(|(name, _)| args.wants(name));
    let bench = Bench::new(args.quick, args.has(compose::LARGE));
    if let Err(why) = &bench.node {
        eprintln!("tus: @tus/server IS NOT MEASURED, only upload-server is: {why}");
    }
    if wanted.clone().any(|(name, _)| name == SECTIONS[6].0)
        && let Err(why) = compose::room(&bench)
    {
        eprintln!("tus: {why}");
        return ExitCode::from(2);
    }
    let mut report = Report::new(&bench);
    report.tables.extend(wanted.by_ref().map(|(name, measure)| measure(&bench, name)));
    if args.everything() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks-tus.md"), report.page())
            .unwrap();
        println!("written: docs/benchmarks-tus.md");
    } else {
        print!("\n{}", report.page());
    }
    ExitCode::SUCCESS
}
