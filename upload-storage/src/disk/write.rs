//! Writing into staging files: the one job that moves received bytes to the disk, and moves within a file.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use rustix::{
    fs::{FallocateFlags, OFlags},
    io::Errno,
};
use upload_core::{
    ObjectKey, StagingName,
    ports::{StoreError, StoreErrorKind},
};

use super::{
    direct,
    io::{failed, read_up_to, write_all},
    staging::{Staging, not_there, with},
    store::Inner,
};

/// Bytes copied at once where the kernel cannot do it.
const PIECE: u64 = 1 << 20;

/// Writes `bytes` at `position`. The caller's permit must outlive this call.
pub(super) fn write(
    inner: &Inner,
    name: &StagingName,
    position: u64,
    bytes: &[Bytes],
) -> Result<(), StoreError> {
    let len: u64 = bytes.iter().map(|b| b.len() as u64).sum();
    let blocks = direct::blocks(position, len).filter(|_| inner.direct.load(Ordering::Relaxed));
    let (staging, (file, reserve, direct)) = open(inner, name, true, |state, file| {
        let direct = blocks.and_then(|blocks| Some((state.direct(&file).ok()?, blocks)));
        (file, state.reserved.before_write(position, len, state.declared), direct)
    })?;
    if let Some((from, len)) = reserve {
        // Only a help: a full disk or a file system that cannot will show in the write itself.
        let _ = rustix::fs::fallocate(&file, FallocateFlags::KEEP_SIZE, from, len);
    }
    let written = match direct {
        Some((direct, blocks)) => match direct::write(&file, &direct, position, bytes, blocks) {
            Err(e) if direct::is_refusal(e) => {
                // This file system cannot: not tried again.
                inner.direct.store(false, Ordering::Relaxed);
                write_all(file.as_fd(), position, bytes)
            }
            written => written,
        },
        None => write_all(file.as_fd(), position, bytes),
    };
    with(&staging, |state| state.writes += 1);
    written.map_err(|e| failed(format_args!("writing {len} bytes at {position} to"), name, e))
}

/// Opens the staging file, made if `make` or if it was staged, and runs `then` on it under its lock.
pub(super) fn open<T>(
    inner: &Inner,
    name: &StagingName,
    make: bool,
    then: impl Fn(&mut super::staging::State, Arc<OwnedFd>) -> T,
) -> Result<(Arc<Staging>, T), StoreError> {
    loop {
        let staging = inner.table.entry(name);
        let opened = with(&staging, |state| {
            let make = make || state.staged;
            let file = state.file(&inner.layout, name, make).map_err(|e| failed("opening", name, e))?;
            Ok(file.map(|file| then(state, file)))
        });
        match opened {
            // It was published or discarded between the two steps: the name stands for a new object now.
            None => continue,
            Some(Ok(Some(value))) => {
                inner.table.used(&staging, &inner.layout);
                return Ok((staging, value));
            }
            Some(Ok(None)) => {
                inner.table.remove(&staging);
                return Err(not_there(name));
            }
            Some(Err(e)) => return Err(e),
        }
    }
}

/// Copies `len` bytes inside a staging file and gives their old place back to the disk.
pub(super) fn move_within(
    inner: &Inner,
    name: &StagingName,
    from: u64,
    to: u64,
    len: u64,
) -> Result<(), StoreError> {
    let (staging, file) = open(inner, name, false, |_, file| file)?;
    let copied = copy((file.as_fd(), from), (file.as_fd(), to), len);
    with(&staging, |state| state.writes += 1);
    match copied {
        Ok(0) => {
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            let _ = rustix::fs::fallocate(&file, hole, from, len);
            Ok(())
        }
        Ok(missing) => {
            let why = format!("{name} ends {missing} bytes before {}, the end of a move", from + len);
            Err(StoreError::new(StoreErrorKind::Corrupt, why))
        }
        Err(e) => Err(failed(format_args!("moving {len} bytes from {from} to {to} in"), name, e)),
    }
}

/// Copies `len` bytes of an object into a staging file.
pub(super) fn copy_in(
    inner: &Inner,
    key: &ObjectKey,
    from: u64,
    name: &StagingName,
    to: u64,
    len: u64,
) -> Result<(), StoreError> {
    let object = inner.layout.open_file(key.as_str(), OFlags::RDONLY);
    let object = object.map_err(|e| failed("opening", key, e))?;
    let (staging, file) = open(inner, name, true, |_, file| file)?;
    let copied = copy((object.as_fd(), from), (file.as_fd(), to), len);
    with(&staging, |state| state.writes += 1);
    match copied {
        Ok(0) => Ok(()),
        Ok(missing) => {
            let why = format!("{key} ends {missing} bytes before {}, the end of a copy", from + len);
            Err(StoreError::new(StoreErrorKind::Corrupt, why))
        }
        Err(e) => Err(failed(format_args!("copying {len} bytes from {from} of {key} to {to} in"), name, e)),
    }
}

/// A file and a position in it.
type Place<'a> = (BorrowedFd<'a>, u64);

/// Copies and gives the number of bytes that were not there to copy. Where the file system can share blocks, the kernel does so.
fn copy((source, from): Place<'_>, (target, to): Place<'_>, len: u64) -> Result<u64, Errno> {
    let (mut from, mut to, mut left) = (from, to, len);
    while left > 0 {
        let some = usize::try_from(left.min(1 << 30)).unwrap_or(1 << 30);
        match rustix::fs::copy_file_range(source, Some(&mut from), target, Some(&mut to), some) {
            Ok(0) => return copy_by_hand((source, from), (target, to), left),
            Ok(copied) => left -= copied as u64,
            Err(Errno::INTR) => {}
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::XDEV | Errno::PERM) => {
                return copy_by_hand((source, from), (target, to), left);
            }
            Err(e) => return Err(e),
        }
    }
    Ok(0)
}

fn copy_by_hand((source, from): Place<'_>, (target, to): Place<'_>, len: u64) -> Result<u64, Errno> {
    let (mut from, mut to, mut left) = (from, to, len);
    while left > 0 {
        let piece = Bytes::from(read_up_to(source, from, left.min(PIECE) as usize)?);
        let len = piece.len() as u64;
        if len == 0 {
            break;
        }
        write_all(target, to, &[piece])?;
        (from, to, left) = (from + len, to + len, left - len);
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copying_by_hand_does_what_the_kernel_does() {
        let path = std::env::temp_dir().join(format!("upload-copy-{}", std::process::id()));
        let file = std::fs::File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| (i % 251) as u8).collect();
        write_all(file.as_fd(), 10, &[Bytes::from(bytes.clone())]).unwrap();
        let copied = copy((file.as_fd(), 10), (file.as_fd(), 1 << 33), 3_000_000);
        let by_hand = copy_by_hand((file.as_fd(), 10), (file.as_fd(), 1 << 34), 3_000_000);
        assert_eq!((copied.unwrap(), by_hand.unwrap()), (0, 0));
        for to in [1 << 33, 1 << 34] {
            assert!(read_up_to(file.as_fd(), to, 3_000_000).unwrap() == bytes);
        }
        // 1000 bytes are there, 4000 are asked for.
        let end = (1 << 34) + 3_000_000 - 1000;
        assert_eq!(copy_by_hand((file.as_fd(), end), (file.as_fd(), 0), 4000).unwrap(), 3000);
    }
}
