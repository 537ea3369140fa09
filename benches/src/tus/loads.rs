//! Uploads without faults: how fast they are, and what they cost.

use std::time::Instant;

use upload_benches::{client::at_once, figures, resume};

use crate::{
    peers::{Bench, MIB, NONE, PLAIN, Peer, REQUEST, WHOLE},
    report::Table,
};

const PEERS: [Peer; 4] = [Peer::Node, PLAIN, NONE, REQUEST];

/// So many uploads at once, each of so many bytes, in PATCHes of at most so many.
#[derive(Clone, Copy)]
struct Load {
    uploads: usize,
    length: u64,
    patch: u64,
}

#[derive(Clone, Copy)]
struct Figures {
    gb_per_s: f64,
    cpu_per_gb: f64,
    peak_mib: f64,
}

fn run(bench: &Bench, peer: Peer, load: Load) -> Figures {
    let server = bench.start(peer).server;
    let (cpu, start) = (server.process.cpu(), Instant::now());
    at_once(load.uploads, || resume::upload(server.address, &bench.content, load.length, load.patch));
    let gb = load.uploads as f64 * load.length as f64 / 1e9;
    Figures {
        gb_per_s: gb / start.elapsed().as_secs_f64(),
        cpu_per_gb: (server.process.cpu() - cpu) / gb,
        peak_mib: server.process.peak_mib(),
    }
}

/// The runs of each row: they take turns, so that whatever the machine does meets all of them; the first turn only warms up, if
/// there is more than one.
fn in_turns(bench: &Bench, rows: &[(Peer, Load)]) -> Vec<Vec<Figures>> {
    let mut seen = vec![Vec::new(); rows.len()];
    for turn in usize::from(bench.quick)..=turns(bench) {
        for (&(peer, load), seen) in rows.iter().zip(&mut seen) {
            let figures = run(bench, peer, load);
            if turn > 0 {
                seen.push(figures);
            }
        }
    }
    seen
}

fn turns(bench: &Bench) -> usize {
    if bench.quick { 1 } else { 3 }
}

fn median(runs: &[Figures], figure: impl Fn(&Figures) -> f64) -> f64 {
    figures::median(runs.iter().map(figure))
}

/// So many uploads at once, in one PATCH each and in small ones.
pub(crate) fn speed(bench: &Bench, name: &'static str, uploads: usize) -> Table {
    let text = format!(
        "Medians of {} turn(s), each with a fresh process in a fresh directory. Beside a figure: how it stands to that of @tus/server.",
        turns(bench)
    );
    let columns = &["GB/s", "×", "CPU s/GB", "×", "peak MiB"];
    let mut table = Table { name, text, columns, rows: Vec::new() };
    for (kind, patch) in [("one PATCH", WHOLE), ("PATCHes of 5 MiB", 5 * MIB)] {
        let load = Load { uploads, length: bench.bytes(256 * MIB), patch };
        let peers = bench.here(&PEERS);
        let rows: Vec<_> = peers.iter().map(|&peer| (peer, load)).collect();
        let runs = in_turns(bench, &rows);
        let theirs = peers.iter().position(|peer| *peer == Peer::Node).map(|n| runs[n].clone());
        for (peer, runs) in peers.iter().zip(&runs) {
            let against = |figure: fn(&Figures) -> f64| {
                let theirs = theirs.as_ref().map(|theirs| median(theirs, figure));
                theirs
                    .map_or_else(|| "–".to_owned(), |theirs| format!("{:.2}", median(runs, figure) / theirs))
            };
            let cells = vec![
                format!("{:.2}", median(runs, |f| f.gb_per_s)),
                against(|f| f.gb_per_s),
                format!("{:.2}", median(runs, |f| f.cpu_per_gb)),
                against(|f| f.cpu_per_gb),
                format!("{:.0}", median(runs, |f| f.peak_mib)),
            ];
            table.row(&format!("{}, {kind}", peer.name()), cells);
        }
    }
    table
}

/// What a large upload in one PATCH takes, against a small one.
pub(crate) fn memory(bench: &Bench, name: &'static str) -> Table {
    let text = format!("A fresh process for each upload; medians of {} turn(s).", turns(bench));
    let columns = &["1 MiB: peak MiB", "512 MiB: peak MiB", "more MiB"];
    let mut table = Table { name, text, columns, rows: Vec::new() };
    let loads = [MIB, bench.bytes(512 * MIB)].map(|length| Load { uploads: 1, length, patch: WHOLE });
    for peer in bench.here(&[Peer::Node, NONE, REQUEST]) {
        let runs = in_turns(bench, &loads.map(|load| (peer, load)));
        let [small, large] = [&runs[0], &runs[1]].map(|runs| median(runs, |f| f.peak_mib));
        table.row(peer.name(), [small, large, large - small].map(|mib| format!("{mib:.1}")).to_vec());
    }
    table
}
