//! What everybody uploads: the same bytes, however they are cut.

use crate::figures::noise;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// Noise that is repeated.
pub struct Content(Bytes);

/// Its period: a multiple of the sizes of chunks that are sent, so that each chunk is in one piece.
pub const PERIOD: usize = 40 << 20;
/// Most bytes of a piece.
const PIECE: u64 = 8 << 20;

impl Default for Content {
    fn default() -> Self {
        Self(Bytes::from(noise(PERIOD)))
    }
}

impl Content {
    /// `length` bytes at an offset, in pieces.
    pub fn pieces(&self, offset: u64, length: u64) -> Vec<&[u8]> {
        let end = offset + length;
        let mut pieces = Vec::new();
        let mut at = offset;
        while at < end {
            let from = (at % PERIOD as u64) as usize;
            let most = PIECE.min(end - at).min((PERIOD - from) as u64);
            pieces.push(&self.0[from..from + most as usize]);
            at += most;
        }
        pieces
    }

    /// Whether these are its bytes at an offset.
    pub fn has(&self, offset: u64, mut bytes: &[u8]) -> bool {
        for piece in self.pieces(offset, bytes.len() as u64) {
            let (now, later) = bytes.split_at(piece.len());
            if now != piece {
                return false;
            }
            bytes = later;
        }
        true
    }

    /// The piece of `length` bytes at an offset that it divides, as it divides the period.
    pub fn chunk(&self, offset: u64, length: u64) -> Bytes {
        let from = (offset % PERIOD as u64) as usize;
        self.0.slice(from..from + length as usize)
    }

    /// Of the first so many bytes, in hexadecimal digits.
    pub fn sha(&self, length: u64) -> String {
        let mut hash = Sha256::new();
        self.pieces(0, length).into_iter().for_each(|piece| hash.update(piece));
        hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_however_they_are_cut() {
        let content = Content::default();
        let length = PERIOD as u64 + (9 << 20);
        let whole = content.pieces(0, length).concat();
        assert_eq!(whole.len() as u64, length);
        assert!(whole[PERIOD..] == whole[..9 << 20]);
        assert!(content.has(1, &whole[1..]) && !content.has(0, &whole[1..]));
        for chunk in [64 << 10, 5 << 20, 8 << 20] {
            for n in 0..length / chunk {
                let from = (n * chunk) as usize;
                assert!(content.chunk(n * chunk, chunk) == whole[from..from + chunk as usize], "{chunk} {n}");
            }
        }
    }
}
