//! Byte ranges and sets of them.

use core::fmt;

mod set;

pub use set::{Gaps, RangeSet};

/// A half-open range of bytes: `start` belongs to it, `end` does not.
///
/// ```
/// use upload_chunking::range::ByteRange;
/// let range = ByteRange::new(10, 14)?;
/// assert_eq!(range.len(), 4);
/// assert!(range.contains(13) && !range.contains(14));
/// assert!(ByteRange::new(14, 10).is_err());
/// # Ok::<(), upload_chunking::range::BadRange>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ByteRange {
    start: u64,
    end: u64,
}

impl ByteRange {
    /// The range from `start` up to, not including, `end` (bytes).
    ///
    /// # Errors
    /// [`BadRange::Reversed`] if it would end before it starts.
    pub const fn new(start: u64, end: u64) -> Result<Self, BadRange> {
        if start <= end { Ok(Self { start, end }) } else { Err(BadRange::Reversed { start, end }) }
    }

    /// The range of `len` bytes that begins at `start`.
    ///
    /// # Errors
    /// [`BadRange::TooFar`] if its end is no `u64`.
    pub const fn with_len(start: u64, len: u64) -> Result<Self, BadRange> {
        match start.checked_add(len) {
            Some(end) => Ok(Self { start, end }),
            None => Err(BadRange::TooFar { start, len }),
        }
    }

    /// `with_len` for sums that are known to fit: every caller has checked them against a length.
    pub(crate) const fn span(start: u64, len: u64) -> Self {
        Self { start, end: start.saturating_add(len) }
    }

    /// The first byte.
    #[must_use]
    pub const fn start(self) -> u64 {
        self.start
    }

    /// The byte after the last one.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.end
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn len(self) -> u64 {
        self.end - self.start
    }

    /// Whether it has no bytes.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether byte `position` is inside.
    #[must_use]
    pub const fn contains(self, position: u64) -> bool {
        self.start <= position && position < self.end
    }

    /// Whether every byte of `other` is inside. An empty range is inside any.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        other.is_empty() || (self.start <= other.start && other.end <= self.end)
    }

    /// Whether both share at least one byte. An empty range shares none.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        !self.is_empty() && !other.is_empty() && self.start < other.end && other.start < self.end
    }

    /// The bytes both have, if any.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        self.intersects(other)
            .then(|| Self { start: self.start.max(other.start), end: self.end.min(other.end) })
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// Two numbers that make no range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BadRange {
    /// It would end before it starts.
    Reversed {
        /// The start that was given.
        start: u64,
        /// The end that was given.
        end: u64,
    },
    /// Its end would be past 2^64 − 1.
    TooFar {
        /// The start that was given.
        start: u64,
        /// The length that was given.
        len: u64,
    },
}

impl fmt::Display for BadRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reversed { start, end } => {
                write!(f, "a range must not end before it starts; got start {start} and end {end}")
            }
            Self::TooFar { start, len } => {
                write!(f, "a range must end below 2^64; got {len} bytes from {start}")
            }
        }
    }
}

impl core::error::Error for BadRange {}
