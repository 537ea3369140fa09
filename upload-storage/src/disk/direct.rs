//! Writing past the page cache: whole blocks go straight to the disk, edges through the cache.
//!
//! Copying into the page cache is most of what a write costs; one copy into an aligned buffer costs a tenth of it. Only
//! whole blocks *inside* one write are written directly. A block that two writers share, at the edge of their chunks, goes through the
//! cache, which keeps both halves; written directly, one of them would be lost.

use std::{
    cell::RefCell,
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

use bytes::Bytes;
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use super::io::write_all;

/// Bytes of a block: what every file system that can do this at all is content with.
pub(super) const BLOCK: u64 = 4096;
/// Least bytes of whole blocks that are worth it.
const WORTH: u64 = 128 << 10;
/// Most bytes written at once.
const PIECE: usize = 1 << 20;

thread_local! {
    /// One aligned buffer a writer thread, made when it is first needed.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The whole blocks of `len` bytes at `position`, if they are worth writing directly.
pub(super) fn blocks(position: u64, len: u64) -> Option<(u64, u64)> {
    let first = position.checked_next_multiple_of(BLOCK)?;
    let end = position.checked_add(len)? / BLOCK * BLOCK;
    (end >= first.checked_add(WORTH)?).then_some((first, end))
}

/// Opens the same file again for direct writing.
pub(super) fn open(file: &OwnedFd) -> Result<OwnedFd, Errno> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::open(path, OFlags::WRONLY | OFlags::DIRECT | OFlags::CLOEXEC, Mode::empty())
}

/// Whether the error says that this file system cannot write directly.
pub(super) fn is_refusal(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS)
}

/// Writes `bytes` at `position`: the blocks `first..end` to `direct`, the rest to `file`.
pub(super) fn write(
    file: &OwnedFd,
    direct: &OwnedFd,
    position: u64,
    bytes: &[Bytes],
    (first, end): (u64, u64),
) -> Result<(), Errno> {
    let mut rest = Rest { bytes, skip: 0 };
    write_all(file.as_fd(), position, &rest.take(first - position))?;
    BUFFER.with_borrow_mut(|buffer| {
        if buffer.is_empty() {
            buffer.resize(PIECE + BLOCK as usize, 0);
        }
        let from = buffer.as_ptr().align_offset(BLOCK as usize);
        let aligned = buffer.get_mut(from..from + PIECE).ok_or(Errno::NOMEM)?;
        let mut at = first;
        while at < end {
            let len = PIECE.min((end - at) as usize);
            let piece = aligned.get_mut(..len).ok_or(Errno::INVAL)?;
            rest.copy(piece);
            write_piece(direct, at, piece)?;
            at += len as u64;
        }
        Ok(())
    })?;
    write_all(file.as_fd(), end, &rest.take(u64::MAX))
}

fn write_piece(direct: &OwnedFd, mut at: u64, mut piece: &[u8]) -> Result<(), Errno> {
    while !piece.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::pwrite(direct, piece, at))?;
        // A write that ends inside a block cannot be continued directly.
        if written == 0 || !(written as u64).is_multiple_of(BLOCK) {
            return Err(Errno::IO);
        }
        piece = piece.get(written..).unwrap_or(&[]);
        at += written as u64;
    }
    Ok(())
}

/// What is left of a row of buffers.
struct Rest<'a> {
    bytes: &'a [Bytes],
    /// Bytes of the first that are taken already.
    skip: usize,
}

impl Rest<'_> {
    /// The next `len` bytes, sharing their memory.
    fn take(&mut self, mut len: u64) -> Vec<Bytes> {
        let mut out = Vec::new();
        while let Some(first) = self.bytes.first().filter(|_| len > 0) {
            let left = first.len() - self.skip;
            let some = left.min(usize::try_from(len).unwrap_or(usize::MAX));
            out.push(first.slice(self.skip..self.skip + some));
            len -= some as u64;
            self.advance(some, left);
        }
        out
    }

    /// Fills `to` with the next bytes.
    fn copy(&mut self, mut to: &mut [u8]) {
        while let Some(first) = self.bytes.first().filter(|_| !to.is_empty()) {
            let from = first.get(self.skip..).unwrap_or(&[]);
            let some = from.len().min(to.len());
            let (now, later) = std::mem::take(&mut to).split_at_mut(some);
            now.copy_from_slice(from.get(..some).unwrap_or(&[]));
            to = later;
            let left = from.len();
            self.advance(some, left);
        }
    }

    /// `taken` of the `left` bytes of the first buffer are done with.
    fn advance(&mut self, taken: usize, left: usize) {
        if taken == left {
            (self.bytes, self.skip) = (self.bytes.get(1..).unwrap_or(&[]), 0);
        } else {
            self.skip += taken;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::io::read_up_to, *};

    #[test]
    fn every_alignment_of_edges_and_frames_gives_the_same_bytes() {
        let path = std::env::temp_dir().join(format!("upload-direct-{}", std::process::id()));
        let file: OwnedFd =
            std::fs::File::options().read(true).write(true).create_new(true).open(&path).unwrap().into();
        std::fs::remove_file(&path).unwrap();
        let direct = match open(&file) {
            Ok(direct) => direct,
            // tmpfs of old kernels and some network file systems: there is nothing to test.
            Err(e) if is_refusal(e) => return,
            Err(e) => panic!("{e}"),
        };
        let data: Vec<u8> = (0..3_000_000u32).map(|i| (i * 7 % 251) as u8).collect();
        for (position, len, frame) in [
            (0, 1 << 20, 70_001),
            (1, 2_500_000, 16_384),
            (4095, 200_000, 1000),
            (8192, 3_000_000, 3_000_000),
        ] {
            let bytes: Vec<Bytes> =
                data[..len].chunks(frame).map(Bytes::copy_from_slice).chain([Bytes::new()]).collect();
            let around = read_up_to(file.as_fd(), 0, 4_000_000).unwrap();
            write(&file, &direct, position, &bytes, blocks(position, len as u64).unwrap()).unwrap();
            let now = read_up_to(file.as_fd(), 0, 4_000_000).unwrap();
            let at = position as usize;
            assert!(now[at..at + len] == data[..len], "{position} {len}");
            let same = at.min(around.len());
            assert!(now[..same] == around[..same], "bytes before {position} changed");
            if around.len() > at + len {
                assert!(now[at + len..] == around[at + len..], "bytes behind {position} + {len} changed");
            }
        }
    }

    #[test]
    fn only_whole_blocks_inside_the_write_are_direct_and_only_if_worth_it() {
        assert_eq!(blocks(0, WORTH - 1), None);
        assert_eq!(blocks(0, WORTH), Some((0, WORTH)));
        assert_eq!(blocks(1, WORTH + BLOCK - 2), None);
        assert_eq!(blocks(1, WORTH + BLOCK - 1), Some((BLOCK, BLOCK + WORTH)));
        assert_eq!(blocks(u64::MAX - 10, 100), None);
    }
}
