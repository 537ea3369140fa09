//! Content that is mostly not there.
#![allow(dead_code)]

use std::ops::Range;

use bytes::Bytes;

use super::support::read;

/// Some pieces; between them are zeros, which nobody keeps.
#[derive(Debug, Default)]
pub struct Sparse {
    /// Bytes of it all.
    pub length: u64,
    pieces: Vec<(u64, Bytes)>,
}

impl Sparse {
    /// A content that is all there.
    pub fn whole(content: Bytes) -> Self {
        Self { length: content.len() as u64, pieces: vec![(0, content)] }
    }

    /// A film whose index lies behind 4 GiB: the details are those of `faststart.mp4`.
    pub fn large_film() -> Self {
        let film = read("ok", "faststart.mp4");
        let find = |kind: &[u8]| film.windows(4).position(|four| four == kind).unwrap() - 4;
        let (moov, mdat) = (find(b"moov"), find(b"mdat"));
        let size = |at: usize| u32::from_be_bytes(film[at..at + 4].try_into().unwrap()) as usize;
        assert!(moov < mdat, "the file was made so");
        let start = film.slice(..size(0));
        let long = 4_u64 << 30;
        let mdat = [b"\0\0\0\x01mdat".as_slice(), &long.to_be_bytes()].concat();
        let index = film.slice(moov..moov + size(moov));
        let at = start.len() as u64;
        Self {
            length: at + long + index.len() as u64,
            pieces: vec![(0, start), (at, mdat.into()), (at + long, index)],
        }
    }

    /// The bytes of `range`, which is inside.
    pub fn bytes(&self, range: Range<u64>) -> Bytes {
        assert!(range.start < range.end && range.end <= self.length, "{range:?}");
        let mut bytes = vec![0; (range.end - range.start) as usize];
        for (start, piece) in &self.pieces {
            let from = range.start.max(*start);
            let to = range.end.min(start + piece.len() as u64);
            if from < to {
                let there = &piece[(from - start) as usize..(to - start) as usize];
                bytes[(from - range.start) as usize..(to - range.start) as usize].copy_from_slice(there);
            }
        }
        bytes.into()
    }
}
