//! What is said to the machine and what is durable: places, limits, shapes and rows.

use crate::range::ByteRange;

/// Where a chunk wants to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// Chunk `n` (0-based) of `total`; its size may be unknown until it has arrived.
    Slot {
        /// Its number, counted from 0.
        n: u32,
        /// How many chunks there are.
        total: u32,
    },
    /// The bytes from this position on.
    Offset(u64),
}

impl At {
    /// The place without what may still change about it.
    #[must_use]
    pub const fn key(self) -> Key {
        match self {
            Self::Slot { n, .. } => Key::Slot(n),
            Self::Offset(offset) => Key::Offset(offset),
        }
    }
}

/// The fixed identity of a place: what its row is stored under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Chunk number, counted from 0.
    Slot(u32),
    /// Position of its first byte.
    Offset(u64),
}

/// What one upload may have. All sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Most bytes of the whole upload. Overflow begins behind them.
    pub length: u64,
    /// Most bytes of one slot's chunk.
    pub chunk: u64,
    /// Most slots.
    pub slots: u32,
    /// Overflow regions start at multiples of it (0 counts as 1).
    pub alignment: u64,
}

impl Limits {
    /// Limits with overflow regions aligned to 4096 bytes.
    #[must_use]
    pub const fn new(length: u64, chunk: u64, slots: u32) -> Self {
        Self { length, chunk, slots, alignment: 4096 }
    }

    /// Where overflow region `index` starts; `None` if it would end past 2^64 − 1.
    pub(crate) fn region(&self, index: u32) -> Option<u64> {
        let alignment = self.alignment.max(1);
        let size = self.chunk.checked_next_multiple_of(alignment)?;
        let base = self.length.checked_next_multiple_of(alignment)?;
        let start = base.checked_add(size.checked_mul(u64::from(index))?)?;
        start.checked_add(size).map(|_| start)
    }
}

/// How the sizes of slots are known. It only ever goes from unknown to uniform to in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sizing {
    /// Every chunk but the last has this many bytes.
    Uniform(u64),
    /// Sizes differ: a chunk's place is known when all before it are recorded.
    InOrder,
}

/// What the first chunk to close fixes for all of them; stored once per upload, by compare-and-swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// How many slots there are.
    pub total: u32,
    /// How their sizes are known. `None` where nothing needs it: a single slot has the whole length.
    pub sizing: Option<Sizing>,
}

/// A chunk that is durable: its place, and the bytes it has in the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// Its place.
    pub at: Key,
    /// Position of its first byte in the object.
    pub start: u64,
    /// Its length in bytes.
    pub len: u64,
}

impl Row {
    /// The row of one slot.
    #[must_use]
    pub const fn slot(n: u32, start: u64, len: u64) -> Self {
        Self { at: Key::Slot(n), start, len }
    }

    /// The row of one extent.
    #[must_use]
    pub const fn extent(start: u64, len: u64) -> Self {
        Self { at: Key::Offset(start), start, len }
    }

    /// Its bytes in the object. One that claims to end past 2^64 − 1 ends there: no row the machine
    /// gives or takes does.
    #[must_use]
    pub const fn range(&self) -> ByteRange {
        ByteRange::span(self.start, self.len)
    }
}
