//! Operations as data, and how any bytes become some.

use alloc::vec::Vec;

use crate::assembly::{At, Key, Row, Shape, Sizing};

/// One thing that happens to an assembly. A `usize` picks an attempt (a waiting request for `Reopen`), oldest
/// first, counted around; where there is none, nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Op {
    /// A new upload by slots replaces the one there was.
    Slots {
        /// Its length in bytes, at most [`MOST_BYTES`](super::MOST_BYTES).
        length: u64,
        /// Most bytes of one chunk.
        chunk: u64,
        /// Most slots.
        slots: u32,
    },
    /// A new upload by offsets replaces the one there was.
    Offsets {
        /// Its length in bytes, if it is known.
        length: Option<u64>,
        /// Most bytes it may have, at most [`MOST_BYTES`](super::MOST_BYTES).
        limit: u64,
    },
    /// A request for a place.
    Open {
        /// The place.
        at: At,
        /// The size it says it will have, in bytes.
        declared: Option<u64>,
    },
    /// A waiting request asks again.
    Reopen(usize),
    /// Bytes arrive.
    Grant {
        /// Whose.
        attempt: usize,
        /// How many.
        len: u64,
    },
    /// A write returns.
    Returned(usize),
    /// A body ends.
    Close(usize),
    /// A checkpoint.
    Extent(usize),
    /// The shape an attempt has asked for is put, if the stored one is still what it was then.
    PutShape(usize),
    /// The stored shape becomes known.
    LearnStored,
    /// A row has become durable.
    Record(usize),
    /// An attempt is given up.
    Abandon(usize),
    /// Another process stored this shape.
    LearnShape(Shape),
    /// Another process stored this row.
    LearnRow(Row),
    /// The length becomes known.
    SetLength(u64),
    /// Somebody asks how far the upload is.
    Interrupt,
    /// All attempts are to stop.
    EndAll,
}

impl Op {
    /// Some operations, whatever the bytes. Bytes that do not suffice for a last one are left out.
    #[must_use]
    pub fn decode(data: &[u8]) -> Vec<Self> {
        let mut bytes = Bytes(data);
        core::iter::from_fn(|| bytes.op()).collect()
    }
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn index(&mut self) -> Option<usize> {
        self.byte().map(usize::from)
    }

    /// Mostly small, as the worlds are; sometimes as large as numbers get.
    fn number(&mut self) -> Option<u64> {
        Some(match self.byte()? {
            small @ 0..248 => u64::from(small % 32),
            large => u64::MAX - u64::from(large - 248),
        })
    }

    fn small(&mut self) -> Option<u32> {
        Some(match self.byte()? {
            small @ 0..254 => u32::from(small % 8),
            large => u32::MAX - u32::from(large - 254),
        })
    }

    fn maybe(&mut self) -> Option<Option<u64>> {
        // Most bodies say nothing certain about their size.
        if self.byte()? % 4 == 0 { self.number().map(Some) } else { Some(None) }
    }

    fn op(&mut self) -> Option<Op> {
        Some(match self.byte()? % 32 {
            0 => Op::Slots { length: self.number()?, chunk: self.number()?, slots: self.small()? },
            1 => Op::Offsets { length: self.maybe()?, limit: self.number()? },
            2..6 => {
                Op::Open { at: At::Slot { n: self.small()?, total: self.small()? }, declared: self.maybe()? }
            }
            6..8 => Op::Open { at: At::Offset(self.number()?), declared: self.maybe()? },
            8 => Op::Reopen(self.index()?),
            9..14 => Op::Grant { attempt: self.index()?, len: self.number()? },
            14..18 => Op::Returned(self.index()?),
            18..21 => Op::Close(self.index()?),
            21 => Op::Extent(self.index()?),
            22 => Op::PutShape(self.index()?),
            23 => Op::LearnStored,
            24..26 => Op::Record(self.index()?),
            26 => Op::Abandon(self.index()?),
            27 => Op::LearnShape(self.shape()?),
            28 => Op::LearnRow(self.row()?),
            29 => Op::SetLength(self.number()?),
            30 => Op::Interrupt,
            _ => Op::EndAll,
        })
    }

    fn shape(&mut self) -> Option<Shape> {
        let total = self.small()?;
        let sizing = match self.byte()? % 3 {
            0 => None,
            1 => Some(Sizing::InOrder),
            _ => Some(Sizing::Uniform(self.number()?)),
        };
        Some(Shape { total, sizing })
    }

    fn row(&mut self) -> Option<Row> {
        let slot = self.byte()? % 2 == 0;
        let at = if slot { Key::Slot(self.small()?) } else { Key::Offset(self.number()?) };
        Some(Row { at, start: self.number()?, len: self.number()? })
    }
}
