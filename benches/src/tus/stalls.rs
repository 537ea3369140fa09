//! A client stalls in the middle of a PATCH, and comes back over another connection.

use std::{
    thread,
    time::{Duration, Instant},
};

use upload_benches::{client::Client, figures, resume};

use crate::{
    peers::{Bench, MIB, NONE, Peer, REQUEST},
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
         as they have to be sent. *Lost* is what was read and is not below the offset. {} stalls.",
        LENGTH / MIB,
        BEFORE / MIB,
        STALL.as_millis(),
        bench.times()
    );
    let columns = &["HEAD ms, median", "worst", "PATCH ms, median", "worst", "lost KiB, worst"];
    let mut table = Table { name, text, columns, rows: Vec::new() };
    for peer in bench.here(&[Peer::Node, NONE, REQUEST]) {
        let server = bench.start(peer);
        let seen: Vec<_> = (0..bench.times()).map(|_| stall(bench, server.address)).collect();
        let ms = |figure: fn(&Seen) -> f64| {
            let ms = || seen.iter().map(|seen| figure(seen) * 1e3);
            [figures::median(ms()), figures::worst(ms())].map(|ms| format!("{ms:.1}"))
        };
        let lost = figures::worst(seen.iter().map(|seen| seen.lost / 1024.0));
        let cells = [ms(|seen| seen.head), ms(|seen| seen.patch)].concat();
        table.row(peer.name(), [cells, vec![format!("{lost:.0}")]].concat());
    }
    table
}

fn stall(bench: &Bench, server: std::net::SocketAddr) -> Seen {
    let path = resume::create(&mut Client::connect(server), LENGTH, "");
    let mut sending = Sending::begin(server, &path, &bench.content, 0, LENGTH);
    sending.send(BEFORE);
    sending.wait_until_read();
    // That nothing comes for a while is what is measured.
    thread::sleep(STALL);
    let mut client = Client::connect(server);
    let start = Instant::now();
    let offset = resume::offset(&mut client, &path);
    let head = start.elapsed().as_secs_f64();
    let start = Instant::now();
    resume::until(204, &mut client, |client| resume::patch(client, &path, &bench.content, offset, MIB));
    let patch = start.elapsed().as_secs_f64();
    sending.close();
    Seen { head, patch, lost: BEFORE.saturating_sub(offset) as f64 }
}
