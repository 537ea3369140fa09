//! What is measured: names and loads.

use crate::images::Api;
use crate::load::Plan;

/// A load under a name, and the servers that it is put on.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) peers: &'static [Peer],
    pub(crate) plan: Plan,
}

/// Which server, with which durability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Peer {
    OursNone,
    OursRequest,
    Bare,
    BareDurable,
}

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OursNone => "upload-server, `none`",
            Self::OursRequest => "upload-server, `request`",
            Self::Bare => "bare, page cache",
            Self::BareDurable => "bare, fdatasync per request",
        }
    }
}

const ALL: &[Peer] = &[Peer::Bare, Peer::OursNone, Peer::BareDurable, Peer::OursRequest];

/// Without the bare server, which cannot do it.
pub(crate) const OURS: &[Peer] = &[Peer::OursNone, Peer::OursRequest];

pub(crate) const ONE: &str = "1 × 1 GiB in 5 MiB chunks";
pub(crate) const EIGHT: &str = "8 × 256 MiB in 5 MiB chunks";
pub(crate) const SINGLES: &str = "64 KiB singles, 32 connections";
pub(crate) const SLOW: &str = "256 streams of 16 MiB at 1 MiB/s";
pub(crate) const PARTS_CHECKED: &str = "1 × 1 GiB in 5 MiB parts by signed requests, MD5 checked";
pub(crate) const PARTS: &str = "1 × 1 GiB in 5 MiB parts by signed requests, no MD5";
const GRANTS: &str = "signed requests for parts, 32 connections";
const RECORDS: &str = "records with a signed request, 32 connections";
pub(crate) const PICOMES: &str = "1 MB images by Picomes, 8 connections";
pub(crate) const WICKSON: &str = "1 MB images by Wickson, 8 connections";

/// The names of all rows.
pub(crate) const NAMES: [&str; 10] =
    [ONE, EIGHT, SINGLES, SLOW, PARTS_CHECKED, PARTS, GRANTS, RECORDS, PICOMES, WICKSON];

/// All rows; those of one group take turns.
pub(crate) fn groups(quick: bool) -> Vec<Vec<Row>> {
    let scale = if quick { 8 } else { 1 };
    let count = |all: usize| all / scale as usize;
    let all = |name, plan| vec![Row { name, peers: ALL, plan }];
    let row = |name, plan| Row { name, peers: OURS, plan };
    vec![
        all(ONE, Plan::chunked(1, (1 << 30) / scale, 5 << 20)),
        all(EIGHT, Plan::chunked(8, (256 << 20) / scale, 5 << 20)),
        all(SINGLES, Plan::singles(32, count(20_000), 64 << 10)),
        vec![row(SLOW, Plan::slow(if quick { 64 } else { 256 }, (16 << 20) / scale, 1 << 20))],
        vec![row(PARTS_CHECKED, Plan::parts(1, (1 << 30) / scale, 5 << 20, true))],
        vec![row(PARTS, Plan::parts(1, (1 << 30) / scale, 5 << 20, false))],
        vec![row(GRANTS, Plan::grants(32, count(40_000)))],
        vec![row(RECORDS, Plan::records(32, count(20_000)))],
        vec![
            row(PICOMES, Plan::images(8, count(2_000), 1_000_000, Api::Picomes)),
            row(WICKSON, Plan::images(8, count(2_000), 1_000_000, Api::Wickson)),
        ],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_named_once() {
        let rows: Vec<_> = groups(true).into_iter().flatten().map(|row| row.name).collect();
        assert_eq!(rows, NAMES);
    }
}
