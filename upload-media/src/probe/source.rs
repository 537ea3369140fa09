//! Where the bytes come from.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::Bytes;

/// Bytes of which ranges can be fetched: each call may be a request to a store.
pub trait Source {
    /// How many there are; it never changes.
    fn length(&self) -> u64;

    /// Those of `range`, all of them. At most 64 KiB are asked for, and never beyond the end.
    ///
    /// # Errors
    /// What the store says.
    fn fetch(&mut self, range: Range<u64>) -> io::Result<Bytes>;
}

/// Bytes in memory.
impl Source for Bytes {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn fetch(&mut self, range: Range<u64>) -> io::Result<Bytes> {
        match (usize::try_from(range.start), usize::try_from(range.end)) {
            (Ok(start), Ok(end)) if start <= end && end <= self.len() => Ok(self.slice(start..end)),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Anything that reads and seeks: a file.
#[derive(Debug)]
pub struct Seekable<T> {
    pub(super) inner: T,
    pub(super) length: u64,
}

impl<T: Read + Seek> Seekable<T> {
    /// All of `inner`, from its beginning.
    ///
    /// # Errors
    /// Those of seeking to its end.
    pub fn new(mut inner: T) -> io::Result<Self> {
        let length = inner.seek(SeekFrom::End(0))?;
        Ok(Self { inner, length })
    }
}

impl<T: Read + Seek> Source for Seekable<T> {
    fn length(&self) -> u64 {
        self.length
    }

    fn fetch(&mut self, range: Range<u64>) -> io::Result<Bytes> {
        let length = usize::try_from(range.end.saturating_sub(range.start)).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.inner.seek(SeekFrom::Start(range.start))?;
        self.inner.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
