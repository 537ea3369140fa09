//! Uploads that are composed of partial ones.

use std::time::Instant;

use upload_benches::{client::Client, resume::Patient, server};

use crate::{
    peers::{Bench, MIB, Peer, WHOLE},
    report::Table,
};

/// The option that makes them large.
pub(crate) const LARGE: &str = "--compose";
const PARTS: u64 = 10;

fn length(bench: &Bench) -> u64 {
    if bench.large { 1 << 30 } else { bench.bytes(64 * MIB) }
}

/// Refuses what the disk has no room for: the parts, what they become, and a quarter of that.
pub(crate) fn room(bench: &Bench) -> Result<(), String> {
    let base = server::base();
    let stat = rustix::fs::statvfs(&base).map_err(|e| format!("{}: {e}", base.display()))?;
    let (wanted, free) = (PARTS * length(bench) * 5 / 2, stat.f_bavail * stat.f_frsize);
    if free < wanted {
        let gb = |bytes: u64| bytes as f64 / 1e9;
        let (base, wanted, free) = (base.display(), gb(wanted), gb(free));
        return Err(format!(
            "{base}: {wanted:.1} GB of free disk are needed to compose, there are {free:.1}"
        ));
    }
    Ok(())
}

pub(crate) fn table(bench: &Bench, name: &'static str) -> Table {
    let text = format!(
        "{PARTS} partial uploads of {} MiB, then the POST that makes one of them: seconds until its answer, and until a HEAD tells that \
         it is complete, its answer included. What the server reads and writes in that time by calls of the kernel is of \
         `/proc/PID/io` (`rchar`, `wchar`; what the kernel copies for it counts as both), *from the disk* of the same \
         (`read_bytes`): the parts are still in memory if they fit. *Right*: what is read back is what was to be uploaded. \
         @tus/file-store has no concatenation.",
        length(bench) / MIB
    );
    let columns = &[
        "POST s",
        "complete s",
        "read MiB",
        "from the disk MiB",
        "written MiB",
        "CPU s/GB",
        "peak MiB",
        "right",
    ];
    let mut table = Table { name, text, columns, rows: Vec::new() };
    for durable in [false, true] {
        for digest in [false, true] {
            let peer = Peer::Ours { durable, digest };
            table.row(peer.name(), composed(bench, peer));
        }
    }
    table
}

/// The cells of a row.
fn composed(bench: &Bench, peer: Peer) -> Vec<String> {
    let (server, length) = (bench.start(peer).server, length(bench));
    let mut client = Patient::new(|| Client::connect(server.address));
    let mut part = |n: u64| {
        let path = client.create(length, "upload-concat: partial\r\n");
        client.send(&path, &bench.content, n * length, length, WHOLE);
        path
    };
    let parts: Vec<_> = (0..PARTS).map(&mut part).collect();
    let process = &server.process;
    let (io, cpu, start) = (process.io(), process.cpu(), Instant::now());
    let path = client.compose(&parts);
    let answered = start.elapsed().as_secs_f64();
    assert_eq!(client.offset(&path), PARTS * length, "all of it, once it is complete");
    let complete = start.elapsed().as_secs_f64();
    let (io, cpu) = (process.io().since(io), process.cpu() - cpu);
    let peak = process.peak_mib();
    let right = client.is(&path, &bench.content, PARTS * length);
    let mib = |bytes: u64| format!("{:.0}", bytes as f64 / MIB as f64);
    vec![
        format!("{answered:.2}"),
        format!("{complete:.2}"),
        mib(io.read),
        mib(io.from_disk),
        mib(io.written),
        format!("{:.2}", cpu / ((PARTS * length) as f64 / 1e9)),
        format!("{peak:.0}"),
        if right { "yes" } else { "**no**" }.to_owned(),
    ]
}
