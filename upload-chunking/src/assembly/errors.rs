//! What the machine answers when something cannot be: each with what was expected and what came.

use core::fmt;

use super::answers::AttemptId;
use super::facts::{Row, Shape, Sizing};

/// Why an attempt was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stop {
    /// A newer attempt has its place.
    Displaced,
    /// Its bytes lie where another chunk belongs; sent again, it gets a place of its own.
    InTheWay,
    /// The number of slots was fixed by another chunk.
    TotalChanged {
        /// The number that is fixed.
        expected: u32,
        /// The number this attempt came with.
        got: u32,
    },
    /// Somebody asked how far the upload is.
    Interrupted,
    /// All attempts were ended: the upload takes no more.
    AllEnded,
    /// Its owner gave it up while a write was outstanding.
    Abandoned,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Displaced => f.write_str("a newer attempt has this place"),
            Self::InTheWay => f.write_str("its bytes lay where another chunk belongs; send it again"),
            Self::TotalChanged { expected, got } => total_changed(f, *expected, *got),
            Self::Interrupted => f.write_str("interrupted to see how far it came"),
            Self::AllEnded => f.write_str("the upload takes no more bytes"),
            Self::Abandoned => f.write_str("given up by its owner"),
        }
    }
}

fn total_changed(f: &mut fmt::Formatter<'_>, expected: u32, got: u32) -> fmt::Result {
    write!(f, "this upload has {expected} chunks; got one of {got}")
}

fn too_long(f: &mut fmt::Formatter<'_>, most: u64, got: u64) -> fmt::Result {
    write!(f, "at most {most} bytes are possible here; got {got}")
}

/// Why there is no grant. Only [`Stopped::TooLong`] and [`Stopped::NoRoom`] leave the attempt running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stopped {
    /// It was told to stop.
    Ended(Stop),
    /// It cannot fit: nothing of this grant counts.
    TooLong {
        /// Slots: most bytes of this chunk. Offsets: most bytes of the upload.
        most: u64,
        /// What there would be with this grant.
        got: u64,
    },
    /// Overflow would lie past 2^64 − 1.
    NoRoom,
    /// Its body was said to have ended.
    Closing,
    /// Its last write has not returned.
    WriteOutstanding,
    /// There is no such attempt.
    Gone,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(stop) => stop.fmt(f),
            Self::TooLong { most, got } => too_long(f, *most, *got),
            Self::NoRoom => f.write_str("the overflow area would lie beyond what can be addressed"),
            Self::Closing => f.write_str("the body was said to have ended; got more bytes"),
            Self::WriteOutstanding => f.write_str("the write before this one has not returned"),
            Self::Gone => f.write_str("there is no such attempt"),
        }
    }
}

impl core::error::Error for Stopped {}

/// The sizes a chunk could have had (bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expected {
    /// This size only.
    Exactly(u64),
    /// Any size from `least` to `most`; none if `least` is above `most`.
    Between {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(size) => write!(f, "exactly {size} bytes"),
            Self::Between { least, most } => write!(f, "{least} to {most} bytes"),
        }
    }
}

/// Why a request was refused. The machine is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// A slot was named in an upload by offsets, or the other way round.
    OtherKind,
    /// No upload can have that number of slots.
    BadTotal {
        /// The number that came.
        total: u32,
        /// The highest possible one (the lowest is 1).
        most: u32,
    },
    /// There is no such slot.
    NoSuchSlot {
        /// The slot, counted from 0.
        n: u32,
        /// How many there are.
        total: u32,
    },
    /// The number of slots is fixed already.
    TotalChanged {
        /// The number that is fixed.
        expected: u32,
        /// The number that came.
        got: u32,
    },
    /// Sizes differ, so chunks must come in order (the last one excepted).
    OutOfOrder {
        /// The slot that is next, counted from 0.
        expected: u32,
        /// The slot that came.
        got: u32,
    },
    /// The chunk does not have a size that fits.
    WrongSize {
        /// The slot, counted from 0.
        slot: u32,
        /// Its size.
        got: u64,
        /// What would fit.
        expected: Expected,
    },
    /// It cannot fit.
    TooLong {
        /// Most bytes possible.
        most: u64,
        /// The bytes that came or were declared.
        got: u64,
    },
    /// Bytes must continue where the recorded ones end.
    OffsetConflict {
        /// The frontier.
        expected: u64,
        /// The offset that came.
        got: u64,
    },
    /// The length is fixed already.
    LengthChanged {
        /// The length that is fixed.
        expected: u64,
        /// The length that came.
        got: u64,
    },
    /// More than that has arrived already.
    LengthTooShort {
        /// Bytes that have arrived.
        received: u64,
        /// The length that came.
        got: u64,
    },
    /// A newer request has the place.
    Displaced,
    /// The attempt was told to stop.
    Ended(Stop),
    /// The attempt's last write has not returned, or its last extent is not recorded.
    NotSettled,
    /// There is no such attempt.
    Gone,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherKind => f.write_str("an upload takes slots or offsets, never both"),
            Self::BadTotal { total, most } => {
                write!(f, "the number of chunks must be 1 to {most}; got {total}")
            }
            Self::NoSuchSlot { n, total } => {
                write!(f, "of {total} chunks, counted from 0, there is no number {n}")
            }
            Self::TotalChanged { expected, got } => total_changed(f, *expected, *got),
            Self::OutOfOrder { expected, got } => {
                write!(f, "sizes differ, so chunks come in order; expected number {expected}, got {got}")
            }
            Self::WrongSize { slot, got, expected } => {
                write!(f, "chunk number {slot}, counted from 0, must have {expected}; got {got}")
            }
            Self::TooLong { most, got } => too_long(f, *most, *got),
            Self::OffsetConflict { expected, got } => {
                write!(f, "the next byte is number {expected}; got number {got}")
            }
            Self::LengthChanged { expected, got } => {
                write!(f, "the length is {expected} bytes already; got {got}")
            }
            Self::LengthTooShort { received, got } => {
                write!(f, "{received} bytes have arrived already; got a length of {got}")
            }
            Self::Displaced => f.write_str("a newer request has this place"),
            Self::Ended(stop) => stop.fmt(f),
            Self::NotSettled => f.write_str("a write or an extent of this attempt is not settled"),
            Self::Gone => f.write_str("there is no such attempt"),
        }
    }
}

impl core::error::Error for Refused {}

/// Why a fact cannot stand beside what is known. The machine is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Contradiction {
    /// A slot's fact in an upload by offsets, or the other way round.
    OtherKind,
    /// Another number of slots is known.
    Total {
        /// The number that is known.
        known: u32,
        /// The number that came.
        got: u32,
    },
    /// Another size is known.
    Sizing {
        /// What is known.
        known: Sizing,
        /// What came.
        got: Sizing,
    },
    /// No upload of this length can have that shape.
    BadShape(Shape),
    /// The first row came before the shape.
    NoShape(Row),
    /// The place has another row.
    Known {
        /// The row that is known.
        known: Row,
        /// The row that came.
        got: Row,
    },
    /// By what is known the row cannot stand there.
    Misplaced(Row),
    /// There are rows in between that are not known.
    Gap {
        /// Where the next row must start.
        expected: u64,
        /// The row that came.
        got: Row,
    },
    /// A running attempt has bytes, or a write outstanding, where the row stands. It has lost: abandon it,
    /// and learn the row again once it is gone.
    Attempt(AttemptId),
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherKind => f.write_str("an upload takes slots or offsets, never both"),
            Self::Total { known, got } => total_changed(f, *known, *got),
            Self::Sizing { known, got } => write!(f, "sizes are known as {known:?}; got {got:?}"),
            Self::BadShape(shape) => write!(f, "no upload of this length can have {shape:?}"),
            Self::NoShape(row) => write!(f, "the shape must be known before a row; got {row:?}"),
            Self::Known { known, got } => write!(f, "the place has {known:?}; got {got:?}"),
            Self::Misplaced(row) => write!(f, "by what is known, {row:?} cannot stand there"),
            Self::Gap { expected, got } => write!(f, "the next row starts at {expected}; got {got:?}"),
            Self::Attempt(attempt) => write!(f, "{attempt} has bytes where the row stands"),
        }
    }
}

impl core::error::Error for Contradiction {}
