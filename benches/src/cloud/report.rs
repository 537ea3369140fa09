//! The page: what was measured under which circumstances, ratios beside figures.

use std::fmt::{self, Write as _};

use upload_benches::{
    figures,
    node::{Keeps, Node},
};

use crate::{
    kinds::Kind,
    load::{Figures, Peer},
    proxy::Counts,
    rows::Row,
    store::Store,
};

/// Rows that are compared, and the runs of each.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) rows: Vec<(Row, Vec<Figures>)>,
}

pub(crate) struct Report {
    pub(crate) turns: usize,
    /// What the page begins with.
    head: String,
    pub(crate) tables: Vec<Table>,
    /// What the proxy counted for each row.
    pub(crate) counted: Vec<(Row, Counts)>,
}

/// Where the version of a dependency stands.
const LOCK: &str = include_str!("../../../Cargo.lock");

impl Report {
    /// Before anything runs: what else the machine does counts too.
    pub(crate) fn new(store: &Store, node: &Result<Node, String>, quick: bool) -> Self {
        let turns = if quick { 1 } else { 3 };
        let load = figures::load();
        let peer = match node {
            Ok(node) => format!("{} on Node {}", Keeps::S3.packages().join(" and "), node.version),
            Err(why) => format!("**@tus/server was not measured: {why}**"),
        };
        let head = format!(
            "# Benchmarks over an object store\n\n\
             Written by `cargo build --release -p upload-examples --features cloud --bin upload-server && .ci/cloud cargo run \
             --release -p upload-benches --features cloud --bin cloud` on {}, {}, load of the machine before it {load} (`-- \
             --help` for less than all of it). The load, the server and the store share the machine and its cores, over loopback; medians of \
             {turns} turns in which all take part one after the other, after one that warms up where there is more than one. \
             Each run has a bucket of its own and a fresh process. CPU is user and system time, of the server or of SeaweedFS; GB is \
             10^9 bytes. On a virtual machine trust ratios of 1.3 and more.\n\n\
             SeaweedFS {}, one volume server, filer and S3 gateway in one process; upload-server with records in the same \
             bucket, over object_store {}; {peer}, parts of 8 MiB, otherwise as it comes. Everybody sends the same bytes.\n\n\
             Durability: upload-server answers when chunk and row are in the store; @tus/server answers when its parts are. \
             SeaweedFS itself does not sync its files, so all of it survives a killed process, none of it power loss.\n\n\
             Only upload-server computes and checks the SHA-256 of the content. Over plain HTTP requests are signed with the \
             SHA-256 of their payload; *payload not signed* is as over TLS, where upload-server leaves that out.\n",
            figures::date(),
            figures::machine(),
            store.version(),
            version("object_store"),
        );
        Self { turns, head, tables: Vec::new(), counted: Vec::new() }
    }

    /// All of it, in the order in which it was measured.
    pub(crate) fn page(&self) -> String {
        let mut out = self.head.clone();
        let (waiting, straight): (Vec<_>, Vec<_>) =
            self.tables.iter().partition(|table| table.name == crate::rows::WAITING);
        straight.into_iter().for_each(|table| out += &section(table));
        if !self.counted.is_empty() {
            out += &requests(&self.counted);
        }
        waiting.into_iter().for_each(|table| out += &section(table));
        out
    }
}

/// The version in the lock file.
fn version(package: &str) -> &'static str {
    let mut lines = LOCK.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    let line = lines.nth(1).and_then(|line| line.strip_prefix("version = \""));
    line.map_or("of an unknown version", |line| line.trim_end_matches('"'))
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.3} GB/s, {:.2} CPU s/GB, SeaweedFS {:.2} CPU s/GB, peak {:.0} MiB",
            self.gb_per_s, self.cpu_per_gb, self.store_per_gb, self.peak_mib
        )
    }
}

fn median(runs: &[Figures], figure: impl Fn(&Figures) -> f64) -> f64 {
    figures::median(runs.iter().map(figure))
}

/// One table: figures, and how they stand to those of the first row.
fn section(table: &Table) -> String {
    let mut out = format!("\n## {}\n\n{}\n\n", table.name, table.text);
    out += &parallel(table);
    out += "| | GB/s | against the first | CPU s/GB | against the first | SeaweedFS CPU s/GB | peak MiB |\n\
            |---|---|---|---|---|---|---|\n";
    let first = |figure: fn(&Figures) -> f64| median(&table.rows[0].1, figure);
    let (speed, cpu) = (first(|f| f.gb_per_s), first(|f| f.cpu_per_gb));
    for (row, runs) in &table.rows {
        let of = |figure: fn(&Figures) -> f64| median(runs, figure);
        let (its_speed, its_cpu) = (of(|f| f.gb_per_s), of(|f| f.cpu_per_gb));
        let _ = writeln!(
            out,
            "| {} | {its_speed:.3} | {:.2} × | {its_cpu:.2} | {:.2} × | {:.2} | {:.0} |",
            row.name,
            its_speed / speed,
            its_cpu / cpu,
            of(|f| f.store_per_gb),
            of(|f| f.peak_mib)
        );
    }
    out
}

/// What more connections for one upload bring.
fn parallel(table: &Table) -> String {
    let mut out = String::new();
    for (alone, runs) in &table.rows {
        let Peer::Ours { chunk, connections: 1, unsigned } = alone.peer else { continue };
        for (row, others) in &table.rows {
            match row.peer {
                Peer::Ours { chunk: its, connections, unsigned: no }
                    if its == chunk && no == unsigned && connections > 1 =>
                {
                    let ratio = median(others, |f| f.gb_per_s) / median(runs, |f| f.gb_per_s);
                    let _ = writeln!(
                        out,
                        "- chunks of {} MiB, {connections} in parallel against 1: **{ratio:.2} ×** the GB/s",
                        chunk >> 20
                    );
                }
                _ => {}
            }
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// What the proxy counted: for each gibibyte, then for each chunk.
fn requests(counted: &[(Row, Counts)]) -> String {
    let names: Vec<_> = counted.iter().map(|(row, _)| row.name.as_str()).collect();
    let mut out = format!(
        "\n## {}\n\nFor each GiB that is uploaded, counted by a proxy between the server and SeaweedFS, from the first request of \
         one upload to its last answer; *records* are what is kept about uploads, *bytes* their content. {}\n\n\
         | | {} |\n|---|{}\n",
        crate::rows::COUNTED,
        shorter(counted),
        names.join(" | "),
        "---|".repeat(names.len())
    );
    let mut kinds: Vec<&Kind> = counted.iter().flat_map(|(_, counts)| counts.keys()).collect();
    kinds.sort();
    kinds.dedup();
    let mut line = |name: &str, is: &dyn Fn(&Kind) -> bool| {
        let cells = counted.iter().map(|(row, counts)| {
            let whole = row.load.uploads as f64 * row.load.length as f64 / (1u64 << 30) as f64;
            format!("{:.0}", sum(counts, is) as f64 / whole)
        });
        let _ = writeln!(out, "| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    };
    for kind in kinds {
        let of = if kind.record { "records" } else { "bytes" };
        line(&format!("{of}: {} {}", kind.method, kind.what), &|other| other == kind);
    }
    for method in ["GET", "HEAD", "PUT", "POST", "DELETE"] {
        line(&format!("**{method}**"), &|kind| kind.method == method);
    }
    line("**for records**", &|kind| kind.record);
    line("**for bytes**", &|kind| !kind.record);
    line("**all**", &|_| true);
    out + &per_chunk(counted)
}

/// Which rows are not a gibibyte, if any.
fn shorter(counted: &[(Row, Counts)]) -> String {
    let part = counted.iter().filter(|(row, _)| row.load.length < 1 << 30);
    let part: Vec<_> = part.map(|(row, _)| format!("{} MiB ({})", row.load.length >> 20, row.name)).collect();
    if part.is_empty() { String::new() } else { format!("Reckoned up from less: {}.", part.join(", ")) }
}

fn per_chunk(counted: &[(Row, Counts)]) -> String {
    let mut out = "\nFor each chunk, what begins and finishes the upload included:\n\n\
                   | | chunks | writes of records | of these rows | reads and listings of records | all requests |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for (row, counts) in counted {
        let Peer::Ours { chunk, .. } = row.peer else { continue };
        let chunks = row.load.uploads as u64 * row.load.length.div_ceil(chunk);
        let each = |is: &dyn Fn(&Kind) -> bool| sum(counts, is) as f64 / chunks as f64;
        let reads = |kind: &Kind| kind.method == "GET" || kind.method == "HEAD";
        let _ = writeln!(
            out,
            "| {} | {chunks} | {:.2} | {:.2} | {:.2} | {:.2} |",
            row.name,
            each(&|kind| kind.record && !reads(kind)),
            each(&|kind| kind.record && !reads(kind) && kind.what == "row"),
            each(&|kind| kind.record && reads(kind)),
            each(&|_| true)
        );
    }
    out
}

fn sum(counts: &Counts, is: &dyn Fn(&Kind) -> bool) -> u64 {
    counts.iter().filter(|(kind, _)| is(kind)).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{counted, groups, waiting};

    #[test]
    fn a_page_has_figures_of_all_rows_and_ratios_where_there_are_any() {
        let runs = |peer| {
            let parallel = matches!(peer, Peer::Ours { connections: 8, .. });
            let gb_per_s = if parallel { 3.0 } else { 2.0 };
            vec![Figures { gb_per_s, cpu_per_gb: 1.0, store_per_gb: 1.0, peak_mib: 10.0 }]
        };
        let one = |method: &str, target: &str| (Kind::of(method, target), 2);
        let counts =
            Counts::from([one("PUT", "/b/r/u-_1-_x-_1"), one("GET", "/b/r/u-_1"), one("HEAD", "/b/o/1")]);
        let tables = groups(false).into_iter().chain([waiting(false)]).map(|group| Table {
            name: group.name,
            text: group.text,
            rows: group.rows.into_iter().map(|row| (row.clone(), runs(row.peer))).collect(),
        });
        let counted = counted(true).into_iter().map(|row| (row, counts.clone())).collect();
        let report = Report { turns: 1, head: String::new(), tables: tables.collect(), counted };
        let page = report.page();
        let sections: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(sections, crate::rows::NAMES);
        assert_eq!(page.matches("**1.50 ×**").count(), 3, "{page}");
        // Two of each kind for a sixteenth of a gibibyte, in eight chunks.
        assert!(page.contains("| records: PUT row | 32 |") && page.contains("| **all** | 96 |"), "{page}");
        assert!(page.contains("chunks of 8 MiB | 8 | 0.25 | 0.25 | 0.25 | 0.75 |"), "{page}");
        assert!(!page.contains("NaN"), "{page}");
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        assert!(version("object_store").starts_with("0."), "{}", version("object_store"));
        assert_eq!(version("no such package"), "of an unknown version");
    }
}
