//! Servers that are killed in the middle of a PATCH: what of it is still there.

use std::time::Instant;

use upload_benches::figures;

use crate::{
    peers::{Bench, MIB, NONE, Peer, REQUEST, Running},
    report::Table,
    sending::{Sending, drawn},
};

const LENGTH: u64 = 64 * MIB;

/// One kill, in bytes and seconds.
struct Seen {
    acknowledged: f64,
    read: f64,
    start: f64,
    right: bool,
}

pub(crate) fn table(bench: &Bench, name: &'static str) -> Table {
    let text = format!(
        "Of {} MiB a drawn part is sent in a PATCH and read, and a HEAD over another connection tells an offset: that much is acknowledged. From \
         there on a second PATCH is sent as fast as its socket takes it, up to a drawn number of bytes; then the server is killed with SIGKILL, \
         started again and asked by HEAD. *Lost of the acknowledged* may be nothing but 0. *Lost of what was read* is what the server \
         had read (taken by the client's socket, less the queues of both sockets in `/proc/net/tcp` right before the kill; it may have \
         read a little more) and has no more. *Right*: the rest is sent, and what is read back is what was to be uploaded. {} kills.",
        LENGTH / MIB,
        bench.times()
    );
    let columns = &[
        "lost of the acknowledged, bytes, worst",
        "lost of what was read, KiB, mean",
        "worst",
        "ms until it listens again, median",
        "right",
    ];
    let mut table = Table { name, text, columns, rows: Vec::new() };
    for peer in bench.here(&[Peer::Node, NONE, REQUEST]) {
        let mut running = bench.start(peer);
        let ends = drawn(2 * bench.times(), LENGTH / 2 - MIB).collect::<Vec<_>>();
        let all: Vec<_> = ends.chunks(2).map(|ends| kill(bench, &mut running, [ends[0], ends[1]])).collect();
        let figures = |figure: fn(&Seen) -> f64| all.iter().map(figure).collect::<Vec<_>>();
        let cells = vec![
            format!("{}", figures::worst(figures(|seen| seen.acknowledged))),
            format!("{:.0}", figures::mean(&figures(|seen| seen.read)) / 1024.0),
            format!("{:.0}", figures::worst(figures(|seen| seen.read)) / 1024.0),
            format!("{:.0}", figures::median(figures(|seen| seen.start * 1e3))),
            format!("{} of {}", all.iter().filter(|seen| seen.right).count(), all.len()),
        ];
        table.row(peer.name(), cells);
    }
    table
}

fn kill(bench: &Bench, running: &mut Running<'_>, [first, second]: [u64; 2]) -> Seen {
    let mut client = running.client();
    let path = client.create(LENGTH, "");
    drop(client);
    let send = |running: &Running<'_>, from, bytes| {
        let mut sending = Sending::begin(running.server.address, &path, &bench.content, from, LENGTH);
        sending.send(bytes);
        sending
    };
    // So much that the server is at its body once all is read, and not before it: whoever comes second is the newer one.
    let before = send(running, 0, MIB + first);
    before.wait_until_read();
    let acknowledged = running.client().offset(&path);
    before.close();
    let sending = send(running, acknowledged, second);
    let read = sending.reached().read;
    let start = Instant::now();
    running.kill();
    let start = start.elapsed().as_secs_f64();
    let mut client = running.client();
    let offset = client.offset(&path);
    client.go_on(&path, &bench.content, LENGTH);
    let right = client.is(&path, &bench.content, LENGTH);
    let lost = |of: u64| of.saturating_sub(offset) as f64;
    Seen { acknowledged: lost(acknowledged), read: lost(read), start, right }
}
