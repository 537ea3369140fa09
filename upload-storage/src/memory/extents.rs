//! The bytes of one staging object: pieces by position, so that a write far out costs only its own bytes.

use std::{collections::BTreeMap, ops::Range};

use bytes::Bytes;

/// Pieces that do not overlap, by their first position.
#[derive(Debug, Default)]
pub(super) struct Extents(BTreeMap<u64, Bytes>);

impl Extents {
    /// The position after the last byte.
    pub(super) fn end(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(at, piece)| at + piece.len() as u64)
    }

    /// Puts `bytes` at `position`, over whatever was there. Its end must fit a `u64`.
    pub(super) fn write(&mut self, position: u64, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        self.remove(position..position + bytes.len() as u64);
        self.0.insert(position, bytes);
    }

    /// Forgets the bytes of a range.
    pub(super) fn remove(&mut self, range: Range<u64>) {
        // The piece that reaches into the range from before it is the only one that starts outside.
        let before = self.0.range(..range.start).next_back().map(|(at, _)| *at);
        let inside = self.0.range(range.clone()).map(|(at, _)| *at);
        for at in before.into_iter().chain(inside).collect::<Vec<_>>() {
            let Some(piece) = self.0.remove(&at) else { continue };
            let keep_head = range.start.saturating_sub(at).min(piece.len() as u64) as usize;
            let drop_to = (range.end - at).min(piece.len() as u64) as usize;
            if keep_head > 0 {
                self.0.insert(at, piece.slice(..keep_head));
            }
            if drop_to < piece.len() {
                self.0.insert(range.end, piece.slice(drop_to..));
            }
        }
    }

    /// The bytes of a range, zero where nothing was written; `None` if memory for them cannot be had.
    pub(super) fn read(&self, range: Range<u64>) -> Option<Bytes> {
        let len = usize::try_from(range.end - range.start).ok()?;
        let before = self.0.range(..=range.start).next_back();
        if let Some((at, piece)) = before {
            let skip = usize::try_from(range.start - at).ok()?;
            if skip + len <= piece.len() {
                return Some(piece.slice(skip..skip + len));
            }
        }
        let mut out = Vec::new();
        out.try_reserve_exact(len).ok()?;
        let first = before.map_or(range.start, |(at, _)| *at);
        for (at, piece) in self.0.range(first..range.end) {
            let from = (*at).max(range.start);
            let to = (at + piece.len() as u64).min(range.end);
            if from < to {
                out.resize((from - range.start) as usize, 0);
                out.extend_from_slice(piece.get((from - at) as usize..(to - at) as usize)?);
            }
        }
        out.resize(len, 0);
        Some(Bytes::from(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of ranges in a world of 8 positions, against a plain array.
    #[test]
    fn writes_and_removals_agree_with_an_array() {
        let ranges: Vec<_> = (0..8u64).flat_map(|a| (a..=8).map(move |b| a..b)).collect();
        for first in &ranges {
            for second in &ranges {
                for erase in [false, true] {
                    let (mut real, mut model) = (Extents::default(), [0u8; 8]);
                    real.write(0, Bytes::from_static(b"abcdefgh"));
                    model.copy_from_slice(b"abcdefgh");
                    for (range, byte) in [(first, b'1'), (second, b'2')] {
                        let len = (range.end - range.start) as usize;
                        let byte = if erase { 0 } else { byte };
                        if erase {
                            real.remove(range.clone());
                        } else {
                            real.write(range.start, Bytes::from(vec![byte; len]));
                        }
                        model[range.start as usize..range.end as usize].fill(byte);
                    }
                    for read in &ranges {
                        let expected = &model[read.start as usize..read.end as usize];
                        assert_eq!(
                            real.read(read.clone()).unwrap(),
                            expected,
                            "{first:?} {second:?} {read:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_far_write_costs_only_its_bytes() {
        let mut far = Extents::default();
        far.write(1 << 40, Bytes::from_static(b"end"));
        assert_eq!((far.end(), far.0.len()), ((1 << 40) + 3, 1));
        assert_eq!(far.read((1 << 40) - 2..(1 << 40) + 3).unwrap(), &b"\0\0end"[..]);
        assert!(far.read(0..u64::MAX).is_none());
    }
}
