//! Runs upload-server, `@tus/server` over `@tus/s3-store` and a bare put_multipart over SeaweedFS and writes
//! `docs/benchmarks-cloud.md`.
//!
//! `.ci/cloud cargo run --release -p upload-benches --features cloud --bin cloud [-- --help]`; it expects the release build of
//! `upload-server` with its feature `cloud` beside itself.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod bare;
mod kinds;
mod load;
mod proxy;
mod report;
mod rows;
mod store;

use std::{path::Path, process::ExitCode, time::Duration};

use load::Bench;
use proxy::Proxy;
use report::{Report, Table};
use rows::{COUNTED, Group, WAITING};
use store::Store;
use upload_benches::{
    args::Args,
    content::Content,
    node::{Keeps, Node},
};

const HELP: &str = "\
Runs upload-server, @tus/server over @tus/s3-store and a bare put_multipart over SeaweedFS under the same load.

    cargo build --release -p upload-examples --features cloud --bin upload-server
    .ci/cloud cargo run --release -p upload-benches --features cloud --bin cloud [-- OPTIONS]

Without an option it writes docs/benchmarks-cloud.md. With one it prints what it would have written and leaves the file alone.

    --only WORD   only what has this word in its name, as `--only requests`; may be repeated
    --quick       a sixteenth of each load, one turn, no warming up: to see that it runs
    --help        this text

BENCH_DIR is where servers keep what is not in the store. Names:
";

/// What each request to the store waits where that is measured.
const DELAY: Duration = Duration::from_millis(30);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((bare::WORD, rest)) = arguments.split_first().map(|(word, rest)| (word.as_str(), rest)) {
        bare::run(rest);
        return ExitCode::SUCCESS;
    }
    let args = Args::or_exit("cloud", HELP, &rows::NAMES, &[]);
    let store = match Store::named() {
        Ok(store) => store,
        Err(why) => {
            eprintln!("cloud: {why}");
            return ExitCode::from(2);
        }
    };
    let exe = std::env::current_exe().unwrap();
    let bin = exe.parent().unwrap();
    let node = Node::install(bin.parent().unwrap_or(bin).join("cloud/tus"), Keeps::S3);
    if let Err(why) = &node {
        eprintln!("cloud: @tus/server IS NOT MEASURED, only the others are: {why}");
    }
    let content = Content::default();
    let bench = Bench { bin, store: &store, node: node.as_ref().ok(), content: &content };
    let mut report = Report::new(&store, &node, args.quick);
    for group in rows::groups(args.quick) {
        if args.wants(group.name) {
            report.tables.push(in_turns(&bench, &group, &report, Duration::ZERO));
        }
    }
    if args.wants(COUNTED) {
        let proxy = Proxy::start(store.address, Duration::ZERO);
        for row in rows::counted(args.quick).into_iter().filter(|row| bench.has(row.peer)) {
            let (figures, counts) = bench.counted(row.peer, row.load, &proxy);
            println!("{COUNTED}: {}: {figures}", row.name);
            report.counted.push((row, counts));
        }
    }
    if args.wants(WAITING) {
        report.tables.push(in_turns(&bench, &rows::waiting(args.quick), &report, DELAY));
    }
    if args.everything() {
        std::fs::write(page(), report.page()).unwrap();
        println!("written: docs/benchmarks-cloud.md");
    } else {
        print!("\n{}", report.page());
    }
    ExitCode::SUCCESS
}

fn page() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks-cloud.md"))
}

/// The peers take turns, so that whatever the machine does meets all of them; the first turn only warms up, if there is more
/// than one. With a delay each request to the store waits.
fn in_turns(bench: &Bench<'_>, group: &Group, report: &Report, delay: Duration) -> Table {
    let proxy = (!delay.is_zero()).then(|| Proxy::start(bench.store.address, delay));
    let mut rows: Vec<_> =
        group.rows.iter().filter(|row| bench.has(row.peer)).map(|row| (row.clone(), vec![])).collect();
    for turn in usize::from(report.turns == 1)..=report.turns {
        for (row, seen) in &mut rows {
            let figures = match &proxy {
                Some(proxy) => bench.counted(row.peer, row.load, proxy).0,
                None => bench.run(row.peer, row.load),
            };
            println!("{}: {} turn {turn}: {figures}", group.name, row.name);
            if turn > 0 {
                seen.push(figures);
            }
        }
    }
    Table { name: group.name, text: group.text, rows }
}
