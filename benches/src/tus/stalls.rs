//! A client stalls in the middle of a PATCH, and comes back over another connection.

use std::{
    thread,
    time::{Duration, Instant},
};

use upload_benches::figures;

use crate::{
    peers::{Bench, MIB, NONE, Peer, REQUEST, Running},
    report::Table,
    sending::Sending,
};

const LENGTH: u64 = 64 * MIB;
/// What is sent before it stalls.
const BEFORE: u64 = 8 * MIB;
/// For how long nothing comes.
const STALL: Duration = Duration::from_millis(200);

/// One stall: seconds until the HEAD is answered, until the PATCH after it is, and bytes that were read and have to be sent again.
struct Seen {
    head: f64,
    patch: f64,
    lost: f64,
}

pub(crate) fn table(bench: &Bench, name: &'static str) -> Table {
    let text = format!(
        "Of {} MiB a client sends {} in one PATCH, which the server reads, and then nothing for {} ms; the connection stays. \
         Over another one come a HEAD and, from the offset that it tells, a PATCH of 1 MiB; times are until they are answered, as often \
         as they have to be sent. *Lost* is what was read and is not below the offset. *Ended*: how often the server's process ended by \
         itself; then it is started again. {} stalls.",
        LENGTH / MIB,
        BEFORE / MIB,
        STALL.as_millis(),
        bench.times()
    );
    let columns = &["HEAD ms, median", "worst", "PATCH ms, median", "worst", "lost KiB, worst", "ended"];
    let mut table = Table { name, text, columns, rows: Vec::new() };
    for peer in bench.here(&[Peer::Node, NONE, REQUEST]) {
        let mut running = bench.start(peer);
        let seen: Vec<_> = (0..bench.times()).map(|_| stall(bench, &mut running)).collect();
        let ms = |figure: fn(&Seen) -> f64| {
            let ms = || seen.iter().map(|seen| figure(seen) * 1e3);
            [figures::median(ms()), figures::worst(ms())].map(|ms| format!("{ms:.1}"))
        };
        let lost = figures::worst(seen.iter().map(|seen| seen.lost / 1024.0));
        let cells = [ms(|seen| seen.head), ms(|seen| seen.patch)].concat();
        table.row(peer.name(), [cells, vec![format!("{lost:.0}"), running.ended.to_string()]].concat());
    }
    table
}

fn stall(bench: &Bench, running: &mut Running<'_>) -> Seen {
    let path = running.client().create(LENGTH, "");
    let mut sending = Sending::begin(running.server.address, &path, &bench.content, 0, LENGTH);
    sending.send(BEFORE);
    sending.wait_until_read();
    // That nothing comes for a while is what is measured.
    thread::sleep(STALL);
    let mut client = running.client();
    let start = Instant::now();
    let offset = client.offset(&path);
    let head = start.elapsed().as_secs_f64();
    let start = Instant::now();
    client.patch(&path, offset, &bench.content.pieces(offset, MIB));
    let patch = start.elapsed().as_secs_f64();
    sending.close();
    Seen { head, patch, lost: BEFORE.saturating_sub(offset) as f64 }
}
