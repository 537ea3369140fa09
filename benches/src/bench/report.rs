//! The report: ratios first, then figures.

use std::fmt::Write as _;

use upload_benches::figures;

use crate::load::Result;
use crate::rows::{EIGHT, ONE, OURS, PARTS, PARTS_CHECKED, PICOMES, Peer, SINGLES, SLOW, WICKSON};

/// A row's name, and the runs of each of its servers.
pub(crate) type Measured = (&'static str, Vec<(Peer, Vec<Result>)>);

/// A part that another program printed.
pub(crate) struct Program {
    pub(crate) title: &'static str,
    pub(crate) name: &'static str,
    pub(crate) table: String,
}

/// The median of a figure over the runs.
fn median(results: &[Result], figure: impl Fn(&Result) -> f64) -> f64 {
    figures::median(results.iter().map(figure))
}

/// The median of a figure of one row and server, if it was run.
fn figure(table: &[Measured], row: &str, peer: Peer, figure: fn(&Result) -> f64) -> Option<f64> {
    let (_, peers) = table.iter().find(|(name, _)| *name == row)?;
    peers.iter().find(|(p, _)| *p == peer).map(|(_, r)| median(r, figure))
}

/// The whole page.
pub(crate) fn page(table: &[Measured], turns: usize, programs: &[Program]) -> String {
    let mut out = String::from("# Benchmarks\n\n");
    let _ = writeln!(
        out,
        "Written by `cargo build --release --bins && cargo run --release -p upload-benches --bin bench` on {}, {}; with \
         `-- --only images` behind it, only what has that word in its name is run and printed (`-- --help`). Both servers run \
         on the same machine as the load, over loopback, one after the other in turns; medians of {turns} turns after one that \
         warms up. CPU is the server's user and system time; GB is 10^9 bytes. The bare server does the same work \
         (multipart, SHA-256, file) and nothing else: no records, no resume, no limits. Durability is named in each \
         row: `none` and *page cache* survive a killed process, `request` and *fdatasync* also power loss. On a virtual machine trust \
         ratios of 1.3 and more.\n\nOver an object store: [benchmarks-cloud.md](benchmarks-cloud.md). tus 1.0: \
         [benchmarks-tus.md](benchmarks-tus.md).\n",
        figures::date(),
        figures::machine()
    );
    out + &sections(table, programs)
}

/// The sections of what was run.
pub(crate) fn sections(table: &[Measured], programs: &[Program]) -> String {
    let mut out = goals(table) + &signed(table) + &images(table);
    for (name, peers) in table {
        let cpu = |p: Peer| figure(table, name, p, Result::cpu_us_per_request);
        let _ = writeln!(out, "## {name}\n");
        for (ours, bare) in [(Peer::OursNone, Peer::Bare), (Peer::OursRequest, Peer::BareDurable)] {
            if let (Some(a), Some(b)) = (cpu(ours), cpu(bare)) {
                let _ = writeln!(out, "- {} against {}: {:.2} × its CPU", ours.name(), bare.name(), a / b);
            }
        }
        out.push_str("\n| server | CPU s/GB | GB/s | req/s | µs CPU/req | p99 ms | last reply ms | peak MiB |\n|---|---|---|---|---|---|---|---|\n");
        for (peer, r) in peers {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {:.0} | {:.0} | {:.1} | {:.1} | {:.0} |",
                peer.name(),
                per_byte(r, Result::cpu_per_gb),
                per_byte(r, Result::gb_per_s),
                median(r, Result::requests_per_s),
                median(r, Result::cpu_us_per_request),
                median(r, Result::p99_ms),
                median(r, Result::last_ms),
                median(r, |r| r.peak_mib),
            );
        }
        out.push('\n');
    }
    for Program { title, name, table } in programs {
        let _ =
            writeln!(out, "## {title}\n\n`cargo run --release -p upload-benches --bin {name}`:\n\n{table}");
    }
    out
}

/// A figure that counts bytes, where any were sent.
fn per_byte(results: &[Result], figure: impl Fn(&Result) -> f64) -> String {
    if median(results, |r| r.bytes as f64) == 0.0 {
        return "–".to_owned();
    }
    format!("{:.2}", median(results, figure))
}

/// What a part by a signed request costs against a chunk of the same bytes in a form.
fn signed(table: &[Measured]) -> String {
    let cpu = |row: &str, peer: Peer| figure(table, row, peer, Result::cpu_per_gb);
    let mut rows = String::new();
    for &peer in OURS {
        if let (Some(chunk), Some(plain), Some(checked)) =
            (cpu(ONE, peer), cpu(PARTS, peer), cpu(PARTS_CHECKED, peer))
        {
            let _ = writeln!(
                rows,
                "| {} | {chunk:.2} | {plain:.2} | {:.2} | {checked:.2} | {:.2} |",
                peer.name(),
                plain / chunk,
                checked - plain
            );
        }
    }
    section(
        "Signed parts against proxied chunks\n\nThe same bytes in the same sizes; CPU s/GB.",
        "| server | chunk in a form | part, no MD5 | ratio | part, MD5 checked | MD5 adds |\n|---|---|---|---|---|---|\n",
        &rows,
    )
}

/// What a processed upload costs against one that is only stored.
fn images(table: &[Measured]) -> String {
    const FIGURES: [fn(&Result) -> f64; 4] =
        [Result::requests_per_s, |r| r.cpu_us_per_request() / 1e3, Result::p99_ms, |r| r.peak_mib];
    let mut rows = String::new();
    for &peer in OURS {
        let of = |row: &str| {
            let all: Option<Vec<f64>> = FIGURES.iter().map(|one| figure(table, row, peer, *one)).collect();
            all
        };
        let (Some(picomes), Some(wickson)) = (of(PICOMES), of(WICKSON)) else { continue };
        let name = peer.name();
        for (api, f) in [("Picomes", &picomes), ("Wickson", &wickson)] {
            let _ =
                writeln!(rows, "| {name} | {api} | {:.0} | {:.2} | {:.1} | {:.0} |", f[0], f[1], f[2], f[3]);
        }
        let ratio: Vec<_> = wickson.iter().zip(&picomes).map(|(w, p)| format!("{:.2} ×", w / p)).collect();
        let _ = writeln!(rows, "| | Wickson against Picomes | {} |", ratio.join(" | "));
    }
    section(
        "1 MB images: Wickson against Picomes\n\nThe same JPEGs of 1,000,000 bytes, each with a number of its own in it, as \
         single uploads over 8 connections, the two APIs in turns. Picomes stores them. Wickson tells their type, measures \
         them, makes sure that the collection has them once, charges them and removes their content.",
        "| server | API | uploads/s | CPU ms each | p99 ms | peak MiB |\n|---|---|---|---|---|---|\n",
        &rows,
    )
}

/// A section with a table, if that has rows.
fn section(title_and_text: &str, head: &str, rows: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    format!("## {title_and_text}\n\n{head}{rows}\n")
}

/// What is aimed at.
enum Aim {
    AtMost(f64),
    AtLeast(f64),
    /// Nothing: the figure is told.
    None,
}

/// What was aimed at, what was measured, and whether that is enough.
fn goals(table: &[Measured]) -> String {
    use Aim::{AtLeast, AtMost};
    let figure = |row: &str, peer: Peer, one: fn(&Result) -> f64| figure(table, row, peer, one);
    let ratio = |over: (&str, Peer), under: (&str, Peer), one: fn(&Result) -> f64| {
        Some(figure(over.0, over.1, one)? / figure(under.0, under.1, one)?)
    };
    let (none, request) = (Peer::OursNone, Peer::OursRequest);
    let bare = |row| ratio((row, none), (row, Peer::Bare), Result::cpu_us_per_request);
    let images = |peer, one| ratio((WICKSON, peer), (PICOMES, peer), one);
    let rows: [(&str, Option<f64>, Aim); 12] = [
        ("`none`, 1 stream: CPU against the bare server", bare(ONE), AtMost(1.25)),
        ("`none`, 8 streams: CPU against the bare server", bare(EIGHT), AtMost(1.25)),
        ("`none`, 64 KiB singles: CPU against the bare server", bare(SINGLES), AtMost(2.0)),
        ("`request`, 8 streams: CPU s/GB", figure(EIGHT, request, Result::cpu_per_gb), AtMost(1.1)),
        ("`request`, 8 streams: GB/s", figure(EIGHT, request, Result::gb_per_s), AtLeast(1.0)),
        (
            "`request`, 64 KiB singles a second",
            figure(SINGLES, request, Result::requests_per_s),
            AtLeast(4000.0),
        ),
        ("`request`, 256 slow streams: peak MiB", figure(SLOW, request, |r| r.peak_mib), AtMost(64.0)),
        ("`request`, last reply of 1 GiB in order: ms", figure(ONE, request, Result::last_ms), AtMost(20.0)),
        (
            "`none`, 1 MB images a second: Wickson against Picomes",
            images(none, Result::requests_per_s),
            Aim::None,
        ),
        ("`none`, 1 MB images: CPU, likewise", images(none, Result::cpu_us_per_request), Aim::None),
        (
            "`request`, 1 MB images a second: Wickson against Picomes",
            images(request, Result::requests_per_s),
            Aim::None,
        ),
        ("`request`, 1 MB images: CPU, likewise", images(request, Result::cpu_us_per_request), Aim::None),
    ];
    let mut out = String::new();
    for (what, measured, aim) in rows {
        let Some(measured) = measured else { continue };
        let (aim, met) = match aim {
            AtMost(most) => (format!("≤ {most}"), Some(measured <= most)),
            AtLeast(least) => (format!("≥ {least}"), Some(measured >= least)),
            Aim::None => ("–".to_owned(), None),
        };
        let verdict = met.map_or("", |met| if met { "met" } else { "**missed**" });
        let _ = writeln!(out, "| {what} | {aim} | {measured:.2} | {verdict} |");
    }
    section("Goals", "| goal | at | measured | |\n|---|---|---|---|\n", &out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::NAMES;

    fn measured(names: &[&'static str]) -> Vec<Measured> {
        let peers = [Peer::Bare, Peer::OursNone, Peer::BareDurable, Peer::OursRequest];
        let result =
            Result { seconds: 2.0, cpu: 1.0, bytes: 1_000_000_000, requests: 1000, ..Result::default() };
        names.iter().map(|name| (*name, peers.map(|peer| (peer, vec![result.clone()])).to_vec())).collect()
    }

    #[test]
    fn a_page_has_all_sections_and_a_part_only_those_that_were_run() {
        let program = Program { title: "Micro", name: "micro", table: "| a | 1 |\n".to_owned() };
        let page = page(&measured(&NAMES), 3, &[program]);
        let sections: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let ratios = ["Goals", "Signed parts against proxied chunks", "1 MB images: Wickson against Picomes"];
        let all: Vec<_> = ratios.into_iter().chain(NAMES).chain(["Micro"]).collect();
        assert_eq!(sections, all);
        let goals = page.split("## ").nth(1).unwrap();
        assert_eq!(goals.lines().filter(|line| line.starts_with("| `")).count(), 12, "{goals}");
        assert_eq!(page.matches("Wickson against Picomes | 1.00 × | 1.00 ×").count(), 2, "{page}");

        let part = sections_of(&[PARTS]);
        assert!(part.starts_with(&format!("## {PARTS}")), "{part}");
        let images = sections_of(&[PICOMES, WICKSON]);
        assert!(images.starts_with("## Goals") && images.contains("| – | 1.00 |") && !images.contains(PARTS));
    }

    fn sections_of(names: &[&'static str]) -> String {
        sections(&measured(names), &[])
    }
}
