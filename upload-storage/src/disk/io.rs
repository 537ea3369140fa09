//! System calls until they are complete, and what their errors mean.

use std::{
    fmt::Display,
    io::IoSlice,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use bytes::Bytes;
use rustix::io::Errno;
use upload_core::ports::{StoreError, StoreErrorKind};

/// Most slices that one call may carry (`IOV_MAX`).
const MAX_SLICES: usize = 1024;

/// An error of the system as an error of the store.
pub(super) fn failed(doing: impl Display, on: impl Display, errno: Errno) -> StoreError {
    let kind = match errno {
        Errno::NOENT => StoreErrorKind::NotFound,
        // A limit on the size of files (EFBIG) is a quota too.
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG => StoreErrorKind::Full,
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind, format!("{doing} {on}: {errno}")).with_source(std::io::Error::from(errno))
}

/// Writes all bytes from `position` on, without copying them.
pub(super) fn write_all(file: BorrowedFd<'_>, position: u64, bytes: &[Bytes]) -> Result<(), Errno> {
    let mut slices: Vec<_> = bytes.iter().filter(|b| !b.is_empty()).map(|b| IoSlice::new(b)).collect();
    let (mut rest, mut at) = (slices.as_mut_slice(), position);
    while !rest.is_empty() {
        let some = rest.get(..MAX_SLICES).unwrap_or(rest);
        let written = rustix::io::retry_on_intr(|| rustix::io::pwritev(file, some, at))?;
        if written == 0 {
            return Err(Errno::IO);
        }
        IoSlice::advance_slices(&mut rest, written);
        at += written as u64;
    }
    Ok(())
}

/// Reads `len` bytes from `position` on; fewer if the file ends before.
pub(super) fn read_up_to(file: BorrowedFd<'_>, position: u64, len: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Errno::NOMEM)?;
    while bytes.len() < len {
        let at = position + bytes.len() as u64;
        let read = rustix::io::retry_on_intr(|| {
            rustix::io::pread(file, rustix::buffer::spare_capacity(&mut bytes), at)
        })?;
        if read == 0 {
            break;
        }
    }
    // The allocator may have given more room than was asked for.
    bytes.truncate(len);
    Ok(bytes)
}

/// Reads exactly `len` bytes from `position` on.
pub(super) fn read_exact(file: &OwnedFd, name: &str, position: u64, len: usize) -> Result<Bytes, StoreError> {
    let bytes = read_up_to(file.as_fd(), position, len).map_err(|e| failed("reading", name, e))?;
    if bytes.len() == len {
        return Ok(bytes.into());
    }
    let why = format!("{name}: {len} bytes from {position} on were asked for, {} came", bytes.len());
    Err(StoreError::new(StoreErrorKind::Corrupt, why))
}

/// `fdatasync`, once. The kernel forgets a failed write-back after it was reported, so a second try would lie.
pub(super) fn sync_data(file: impl AsFd) -> Result<(), Errno> {
    rustix::io::retry_on_intr(|| rustix::fs::fdatasync(&file))
}

/// `fsync`, once.
pub(super) fn sync_all(file: impl AsFd) -> Result<(), Errno> {
    rustix::io::retry_on_intr(|| rustix::fs::fsync(&file))
}
