//! What is measured: names and loads.

use crate::load::{Load, Peer};

/// A peer under a load, and its name in a table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) peer: Peer,
    pub(crate) load: Load,
}

/// Rows that are compared.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) rows: Vec<Row>,
}

pub(crate) const ONE: &str = "One upload of 512 MiB";
pub(crate) const EIGHT: &str = "Eight uploads of 64 MiB at once";
pub(crate) const COUNTED: &str = "Requests to the store";
pub(crate) const WAITING: &str = "30 ms for each request to the store";

/// The names of everything that is measured.
pub(crate) const NAMES: [&str; 4] = [ONE, EIGHT, COUNTED, WAITING];

pub(crate) const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// One PATCH.
const WHOLE: u64 = u64::MAX;

fn ours(chunk: u64, connections: usize) -> Peer {
    Peer::Ours { chunk, connections, unsigned: false }
}

fn name(peer: Peer) -> String {
    let unsigned = |unsigned| if unsigned { ", payload not signed" } else { "" };
    let size = |bytes: u64| {
        if bytes < MIB { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) }
    };
    match peer {
        Peer::Ours { chunk, connections, unsigned: no } => {
            let connections =
                if connections == 1 { String::new() } else { format!(" over {connections} connections") };
            format!("upload-server, chunks of {}{connections}{}", size(chunk), unsigned(no))
        }
        Peer::Form => "upload-server, one form".to_owned(),
        Peer::Tus { patch: WHOLE } => "@tus/server, one PATCH".to_owned(),
        Peer::Tus { patch } => format!("@tus/server, PATCHes of {}", size(patch)),
        Peer::Bare { in_flight, unsigned: no } => {
            let parts =
                if in_flight == 1 { "one at a time".to_owned() } else { format!("{in_flight} in flight") };
            format!("put_multipart, parts of 8 MiB, {parts}{}", unsigned(no))
        }
    }
}

fn rows(peers: &[Peer], load: Load) -> Vec<Row> {
    peers.iter().map(|&peer| Row { name: name(peer), peer, load }).collect()
}

fn scale(quick: bool) -> u64 {
    if quick { 16 } else { 1 }
}

/// Straight to the store.
pub(crate) fn groups(quick: bool) -> [Group; 2] {
    let bare = |in_flight, unsigned| Peer::Bare { in_flight, unsigned };
    let one = [
        ours(8 * MIB, 1),
        ours(5 * MIB, 1),
        ours(8 * MIB, 8),
        Peer::Ours { chunk: 8 * MIB, connections: 8, unsigned: true },
        Peer::Tus { patch: WHOLE },
        Peer::Tus { patch: 8 * MIB },
        bare(1, false),
        bare(8, false),
        bare(8, true),
    ];
    let eight = [
        ours(8 * MIB, 1),
        ours(5 * MIB, 1),
        Peer::Tus { patch: WHOLE },
        Peer::Tus { patch: 8 * MIB },
        bare(1, false),
    ];
    [
        Group {
            name: ONE,
            text: "The 40 MiB that put_multipart sends again and again are in its memory.",
            rows: rows(&one, Load { uploads: 1, length: GIB / 2 / scale(quick) }),
        },
        Group {
            name: EIGHT,
            text: "A connection for each upload; *one at a time* is of each.",
            rows: rows(&eight, Load { uploads: 8, length: GIB / 16 / scale(quick) }),
        },
    ]
}

/// Whose requests are counted. Small chunks make so many that a part of a gibibyte must do.
pub(crate) fn counted(quick: bool) -> Vec<Row> {
    let load = |length| Load { uploads: 1, length: length / scale(quick) };
    let long = [
        ours(8 * MIB, 1),
        ours(8 * MIB, 8),
        ours(5 * MIB, 1),
        Peer::Tus { patch: WHOLE },
        Peer::Tus { patch: 8 * MIB },
    ];
    let mut all = rows(&long, load(GIB));
    all.extend(rows(&[ours(64 << 10, 1)], load(128 * MIB)));
    for mib in [4, 9] {
        let name = format!("upload-server, files of {mib} MiB in one form");
        all.push(Row { name, peer: Peer::Form, load: Load { uploads: 1, length: mib * MIB } });
    }
    all
}

/// Where the store is slow.
pub(crate) fn waiting(quick: bool) -> Group {
    let peers = [
        ours(8 * MIB, 1),
        ours(8 * MIB, 8),
        ours(5 * MIB, 1),
        ours(5 * MIB, 8),
        Peer::Tus { patch: WHOLE },
        Peer::Tus { patch: 8 * MIB },
        Peer::Bare { in_flight: 1, unsigned: false },
        Peer::Bare { in_flight: 8, unsigned: false },
    ];
    let text = "A proxy between the peer and SeaweedFS keeps each request for 30 ms before it passes it on. One upload of 256 MiB.";
    Group { name: WAITING, text, rows: rows(&peers, Load { uploads: 1, length: 256 * MIB / scale(quick) }) }
}
