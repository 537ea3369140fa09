//! The report: ratios first, then figures.

use std::fmt::Write as _;

use crate::{Peer, load::Result};

type Rows<'a> = [(&'a str, Vec<(Peer, Vec<Result>)>)];

/// The median of a figure over the runs.
fn median(results: &[Result], figure: impl Fn(&Result) -> f64) -> f64 {
    let mut all: Vec<f64> = results.iter().map(figure).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn render(table: &Rows<'_>, runs: usize, micro: &str) -> String {
    let mut out = String::from("# Benchmarks\n\n");
    let _ = writeln!(
        out,
        "Written by `cargo build --release --bins && cargo run --release -p upload-benches --bin bench` on {}, {}. Both servers run on the same \
         machine as the load, over loopback, one after the other in turns; medians of {runs} turns after one that \
         warms up. CPU is the server's user and system time; GB is 10^9 bytes. The bare server does the same work \
         (multipart, SHA-256, file) and nothing else: no records, no resume, no limits. Durability is named in each \
         row: `none` and *page cache* survive a killed process, `request` and *fdatasync* also power loss. On a virtual machine trust \
         ratios of 1.3 and more.\n",
        date(),
        machine()
    );
    out.push_str(&goals(table));
    out.push_str(&signed(table));
    for (name, peers) in table {
        let cpu = |p: Peer| {
            peers.iter().find(|(q, _)| *q == p).map(|(_, r)| median(r, |r| r.cpu / r.requests as f64))
        };
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
                median(r, |r| r.p99.as_secs_f64() * 1e3),
                median(r, |r| r.last.as_secs_f64() * 1e3),
                median(r, |r| r.peak_mib),
            );
        }
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "## Micro\n\n`cargo run --release -p upload-benches --bin micro`, the best of several rounds:\n\n{micro}"
    );
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
fn signed(table: &Rows<'_>) -> String {
    let cpu = |row: &str, peer: Peer| {
        let (_, peers) = table.iter().find(|(name, _)| *name == row)?;
        peers.iter().find(|(p, _)| *p == peer).map(|(_, r)| median(r, Result::cpu_per_gb))
    };
    let mut out = String::from(
        "## Signed parts against proxied chunks\n\nThe same bytes in the same sizes; CPU s/GB.\n\n\
         | server | chunk in a form | part, no MD5 | ratio | part, MD5 checked | MD5 adds |\n|---|---|---|---|---|---|\n",
    );
    for peer in [Peer::OursNone, Peer::OursRequest] {
        let chunk = cpu("1 × 1 GiB in 5 MiB chunks", peer);
        let plain = cpu("1 × 1 GiB in 5 MiB parts by signed requests, no MD5", peer);
        let checked = cpu("1 × 1 GiB in 5 MiB parts by signed requests, MD5 checked", peer);
        if let (Some(chunk), Some(plain), Some(checked)) = (chunk, plain, checked) {
            let _ = writeln!(
                out,
                "| {} | {chunk:.2} | {plain:.2} | {:.2} | {checked:.2} | {:.2} |",
                peer.name(),
                plain / chunk,
                checked - plain
            );
        }
    }
    out.push('\n');
    out
}

/// What was aimed at, what was measured, and whether that is enough.
fn goals(table: &Rows<'_>) -> String {
    let figure = |row: &str, peer: Peer, figure: fn(&Result) -> f64| {
        let (_, peers) = table.iter().find(|(name, _)| name.starts_with(row))?;
        peers.iter().find(|(p, _)| *p == peer).map(|(_, r)| median(r, figure))
    };
    let ratio = |row: &str| {
        let ours = figure(row, Peer::OursNone, Result::cpu_us_per_request)?;
        Some(ours / figure(row, Peer::Bare, Result::cpu_us_per_request)?)
    };
    let last = |r: &Result| r.last.as_secs_f64() * 1e3;
    let request = Peer::OursRequest;
    let rows: [(&str, Option<f64>, f64, bool); 8] = [
        ("`none`, 1 stream: CPU against the bare server", ratio("1 ×"), 1.25, true),
        ("`none`, 8 streams: CPU against the bare server", ratio("8 ×"), 1.25, true),
        ("`none`, 64 KiB singles: CPU against the bare server", ratio("64 KiB"), 2.0, true),
        ("`request`, 8 streams: CPU s/GB", figure("8 ×", request, Result::cpu_per_gb), 1.1, true),
        ("`request`, 8 streams: GB/s", figure("8 ×", request, Result::gb_per_s), 1.0, false),
        (
            "`request`, 64 KiB singles a second",
            figure("64 KiB", request, Result::requests_per_s),
            4000.0,
            false,
        ),
        ("`request`, 256 slow streams: peak MiB", figure("256", request, |r| r.peak_mib), 64.0, true),
        ("`request`, last reply of 1 GiB in order: ms", figure("1 ×", request, last), 20.0, true),
    ];
    let mut out = String::from("## Goals\n\n| goal | at | measured | |\n|---|---|---|---|\n");
    for (what, measured, goal, at_most) in rows {
        let Some(measured) = measured else { continue };
        let met = if at_most { measured <= goal } else { measured >= goal };
        let sign = if at_most { '≤' } else { '≥' };
        let verdict = if met { "met" } else { "**missed**" };
        let _ = writeln!(out, "| {what} | {sign} {goal} | {measured:.2} | {verdict} |");
    }
    out.push('\n');
    out
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .map_or("unknown CPU", |l| l.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} cores")
}

fn date() -> String {
    let out = std::process::Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    out.map_or_else(|_| "an unknown day".to_owned(), |o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
}
