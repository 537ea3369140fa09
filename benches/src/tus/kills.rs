//! Servers that are killed in the middle of a PATCH: what of it is still there.

use std::time::Instant;

use upload_benches::{client::Client, figures, resume, server::Server};

use crate::{
    peers::{Bench, MIB, NONE, Peer, REQUEST},
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
        "Of {} MiB a drawn part is sent in a PATCH, and a HEAD over another connection tells an offset: that much is acknowledged. From \
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
        let mut server = bench.start(peer);
        let mut all = Vec::new();
        let ends = drawn(2 * bench.times(), LENGTH / 2).collect::<Vec<_>>();
        for bytes in ends.chunks(2) {
            let (seen, again) = kill(bench, peer, server, [bytes[0], bytes[1]]);
            all.push(seen);
            server = again;
        }
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

fn kill(bench: &Bench, peer: Peer, server: Server, [first, second]: [u64; 2]) -> (Seen, Server) {
    let mut client = Client::connect(server.address);
    let path = resume::create(&mut client, LENGTH, "");
    let send = |from: u64, bytes: u64| {
        let mut sending = Sending::begin(server.address, &path, &bench.content, from, LENGTH);
        sending.send(bytes);
        sending
    };
    let before = send(0, first);
    let acknowledged = resume::offset(&mut client, &path);
    before.close();
    let sending = send(acknowledged, second);
    let read = sending.read();
    let start = Instant::now();
    let server = bench.kill(peer, server);
    let start = start.elapsed().as_secs_f64();
    let mut client = Client::connect(server.address);
    let offset = resume::offset(&mut client, &path);
    let right = resume::ends_well(&mut client, &path, &bench.content, offset, LENGTH);
    let lost = |of: u64| of.saturating_sub(offset) as f64;
    (Seen { acknowledged: lost(acknowledged), read: lost(read), start, right }, server)
}
