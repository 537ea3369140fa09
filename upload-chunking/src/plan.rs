//! How a length is cut into chunks of one size.

use core::fmt;

use crate::range::ByteRange;

/// A length cut into chunks of one size; only the last may be shorter.
///
/// An empty object is one empty chunk: something has to be sent.
///
/// ```
/// use upload_chunking::plan::Plan;
/// let plan = Plan::uniform(110, 50)?;
/// assert_eq!(plan.count(), 3);
/// let last = plan.chunk(2).ok_or("three chunks")?;
/// assert_eq!((last.start(), last.end()), (100, 110));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    length: u64,
    chunk_size: u64,
}

impl Plan {
    /// Cuts `length` bytes into chunks of `chunk_size` bytes.
    ///
    /// # Errors
    /// [`EmptyChunks`] if `chunk_size` is 0.
    pub const fn uniform(length: u64, chunk_size: u64) -> Result<Self, EmptyChunks> {
        if chunk_size == 0 { Err(EmptyChunks) } else { Ok(Self { length, chunk_size }) }
    }

    /// Bytes of the whole.
    #[must_use]
    pub const fn length(self) -> u64 {
        self.length
    }

    /// Bytes of every chunk but the last.
    #[must_use]
    pub const fn chunk_size(self) -> u64 {
        self.chunk_size
    }

    /// How many chunks there are, at least one.
    #[must_use]
    pub const fn count(self) -> u64 {
        if self.length == 0 { 1 } else { self.length.div_ceil(self.chunk_size) }
    }

    /// The bytes of chunk `n` (0-based), if there is such a chunk.
    #[must_use]
    pub fn chunk(self, n: u64) -> Option<ByteRange> {
        if n >= self.count() {
            return None;
        }
        let start = n.checked_mul(self.chunk_size)?;
        Some(ByteRange::span(start, self.chunk_size.min(self.length - start)))
    }

    /// The number of the chunk that holds byte `position`.
    #[must_use]
    pub fn chunk_at(self, position: u64) -> Option<u64> {
        (position < self.length).then(|| position / self.chunk_size)
    }

    /// All chunks in order.
    pub fn chunks(self) -> impl Iterator<Item = ByteRange> {
        (0..self.count()).filter_map(move |n| self.chunk(n))
    }
}

/// A plan needs chunks of at least one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EmptyChunks;

impl fmt::Display for EmptyChunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chunk size must be at least 1 byte; got 0")
    }
}

impl core::error::Error for EmptyChunks {}

/// The size that `total` chunks share if the last one has `last` bytes of `length`:
/// `(length - last) / (total - 1)`, where that is a whole number above 0.
///
/// ```
/// assert_eq!(upload_chunking::plan::size_from_last(110, 10, 3), Some(50));
/// assert_eq!(upload_chunking::plan::size_from_last(110, 11, 3), None);
/// ```
#[must_use]
pub fn size_from_last(length: u64, last: u64, total: u32) -> Option<u64> {
    let others = u64::from(total).checked_sub(1).filter(|&others| others > 0)?;
    let rest = length.checked_sub(last)?;
    (rest > 0 && rest % others == 0).then(|| rest / others)
}

/// What is left for the last of `total` chunks if every other one has `size` bytes of `length`.
/// `None` if the others alone are longer than that.
///
/// ```
/// assert_eq!(upload_chunking::plan::last_from_size(110, 50, 3), Some(10));
/// assert_eq!(upload_chunking::plan::last_from_size(110, 56, 3), None);
/// ```
#[must_use]
pub fn last_from_size(length: u64, size: u64, total: u32) -> Option<u64> {
    let others = u64::from(total).checked_sub(1)?;
    length.checked_sub(others.checked_mul(size)?)
}
