//! Connections that end in the middle of a PATCH: what of it has to be sent again.

use std::{
    thread,
    time::{Duration, Instant},
};

use upload_benches::figures;

use crate::{
    peers::{Bench, MIB, NONE, Peer, REQUEST, Running},
    report::Table,
    sending::{Sending, drawn},
};

const LENGTH: u64 = 64 * MIB;

/// How long a client is away that does not come back at once.
const AWAY: Duration = Duration::from_millis(500);

/// How a connection ends.
#[derive(Clone, Copy)]
struct Cut {
    name: &'static str,
    /// By a reset, not by a close.
    reset: bool,
    /// Once the server has read what was sent, not while it is still on its way.
    read: bool,
    /// How long after it the HEAD comes.
    away: Duration,
}

const CUTS: [Cut; 6] = [
    Cut { name: "closed in full flow", reset: false, read: false, away: Duration::ZERO },
    Cut { name: "reset in full flow", reset: true, read: false, away: Duration::ZERO },
    Cut { name: "closed when all is read", reset: false, read: true, away: Duration::ZERO },
    Cut { name: "reset when all is read", reset: true, read: true, away: Duration::ZERO },
    Cut { name: "closed in full flow, HEAD later", reset: false, read: false, away: AWAY },
    Cut { name: "reset in full flow, HEAD later", reset: true, read: false, away: AWAY },
];

/// One cut, in bytes and seconds.
struct Seen {
    delivered: f64,
    lost: f64,
    unread: f64,
    head: f64,
    right: bool,
}

pub(crate) fn table(bench: &Bench, name: &'static str) -> Table {
    let text = format!(
        "A client sends as many bytes of a PATCH of {} MiB as its socket takes, up to a drawn number; then its connection ends and over \
         another one, which is open already, comes a HEAD: at once, or (*later*) after {} ms. *Delivered* is what the server's socket was or will be given: all that the \
         client's socket had taken, for a reset less what it had not sent (its queue in `/proc/net/tcp`, read right before; it may \
         count a little too much as not sent). *Lost* is what was delivered and is not below the offset that HEAD tells; *unread* what of \
         it the server had not read when the connection ended (the queue of its socket, read there too). *When all is read*: both \
         queues are empty before the end, so the server has every byte. *Ended*: how often the server's process ended by itself; then it is \
         started again. *Right*: the rest is sent from that offset on, and what is read \
         back is what was to be uploaded. {} cuts of each kind.",
        LENGTH / MIB,
        AWAY.as_millis(),
        bench.times()
    );
    let columns = &[
        "delivered MiB, mean",
        "lost KiB, mean",
        "worst",
        "unread KiB, mean",
        "HEAD ms, median",
        "worst",
        "ended",
        "right",
    ];
    let mut table = Table { name, text, columns, rows: Vec::new() };
    for peer in bench.here(&[Peer::Node, NONE, REQUEST]) {
        let mut running = bench.start(peer);
        for kind in CUTS {
            running.ended = 0;
            let seen: Vec<_> =
                drawn(bench.times(), LENGTH).map(|bytes| cut(bench, &mut running, kind, bytes)).collect();
            let all = |figure: fn(&Seen) -> f64| seen.iter().map(figure).collect::<Vec<_>>();
            let ms = || all(|seen| seen.head * 1e3);
            let cells = vec![
                format!("{:.1}", figures::mean(&all(|seen| seen.delivered)) / MIB as f64),
                format!("{:.0}", figures::mean(&all(|seen| seen.lost)) / 1024.0),
                format!("{:.0}", figures::worst(all(|seen| seen.lost)) / 1024.0),
                format!("{:.0}", figures::mean(&all(|seen| seen.unread)) / 1024.0),
                format!("{:.1}", figures::median(ms())),
                format!("{:.1}", figures::worst(ms())),
                running.ended.to_string(),
                format!("{} of {}", seen.iter().filter(|seen| seen.right).count(), seen.len()),
            ];
            table.row(&format!("{}, {}", peer.name(), kind.name), cells);
        }
    }
    table
}

fn cut(bench: &Bench, running: &mut Running<'_>, kind: Cut, bytes: u64) -> Seen {
    let path = running.client().create(LENGTH, "");
    let address = running.server.address;
    let mut client = running.client();
    let mut sending = Sending::begin(address, &path, &bench.content, 0, LENGTH);
    sending.send(bytes);
    if kind.read {
        sending.wait_until_read();
    }
    let reached = sending.reached();
    let delivered = if kind.reset { reached.arrived } else { sending.sent() };
    if kind.reset {
        sending.reset();
    } else {
        sending.close();
    }
    // That its client is away for a while is what is measured.
    thread::sleep(kind.away);
    let start = Instant::now();
    let offset = client.offset(&path);
    let head = start.elapsed().as_secs_f64();
    client.go_on(&path, &bench.content, LENGTH);
    let right = client.is(&path, &bench.content, LENGTH);
    let than = |more: u64, less: u64| more.saturating_sub(less) as f64;
    Seen {
        delivered: delivered as f64,
        lost: than(delivered, offset),
        unread: than(delivered, reached.read),
        head,
        right,
    }
}
