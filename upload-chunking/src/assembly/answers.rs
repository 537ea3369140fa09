//! What the machine answers when all is well.

use core::ops::Deref;
use core::{array, fmt, iter};

use super::facts::{At, Row, Shape};

/// One attempt to fill a place: a request body that is arriving. Ids are small and never used again
/// within one assembly; a higher one was asked for later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId(pub(crate) u64);

impl AttemptId {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attempt {}", self.0)
    }
}

/// The right to ask again for a place whose older attempt has not let go of it yet: give it to
/// [`Assembly::reopen`](super::Assembly::reopen) after something changed, or drop it.
///
/// It keeps the age of its request, so that the newest request wins whichever wakes first. Where it
/// continues an offset attempt it is also what makes a start behind the frontier legitimate.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub(crate) id: AttemptId,
    pub(crate) at: At,
    pub(crate) declared: Option<u64>,
    pub(crate) continues: bool,
}

impl Ticket {
    /// The place that was asked for.
    #[must_use]
    pub const fn at(&self) -> At {
        self.at
    }

    /// The id its attempt will have.
    #[must_use]
    pub const fn attempt(&self) -> AttemptId {
        self.id
    }
}

/// What became of a request for a place.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum Opened {
    /// The place is yours: ask for a grant for what arrives.
    Write {
        /// Names this attempt from now on. Its owner ends it with `record` or `abandon`, whatever happens.
        attempt: AttemptId,
        /// Offsets: bytes below this position are recorded already; their grants say compare, not write.
        /// Slots: the same as `start`.
        compare_until: u64,
        /// Position of the first byte in the object. For a slot whose place is not known yet, 0.
        start: u64,
    },
    /// The slot has this row already: only fingerprint the body; nothing is written ever again.
    Compare(Row),
    /// An older attempt was told to stop, or is closing: reopen with this after something changed.
    Wait(Ticket),
}

/// Where a piece of a grant goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Where it belongs in the object.
    InPlace,
    /// Behind the destination's limit; moved when the chunk closes.
    Overflow,
    /// Nowhere: it is recorded already. Compare it with what stands at this position.
    Compare,
}

/// Consecutive bytes of a grant with one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    /// What to do with them.
    pub target: Target,
    /// The position in the staging file of the first one.
    pub position: u64,
    /// How many bytes.
    pub len: u64,
}

/// Where the next bytes of an attempt go, in the order of the bytes. One write is outstanding until
/// [`Assembly::returned`](super::Assembly::returned).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// At most two pieces; together as long as was asked for.
    pub pieces: Pieces,
}

/// Up to two [`Piece`]s: a slice, and an iterator by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pieces {
    pieces: [Piece; 2],
    used: usize,
}

impl Pieces {
    /// Leaves out pieces without bytes.
    pub(crate) fn new(first: Piece, second: Piece) -> Self {
        match (first.len, second.len) {
            (0, 0) => Self { pieces: [first, second], used: 0 },
            (0, _) => Self { pieces: [second, first], used: 1 },
            (_, 0) => Self { pieces: [first, second], used: 1 },
            _ => Self { pieces: [first, second], used: 2 },
        }
    }
}

impl Deref for Pieces {
    type Target = [Piece];

    fn deref(&self) -> &[Piece] {
        self.pieces.get(..self.used).unwrap_or(&[])
    }
}

impl IntoIterator for Pieces {
    type Item = Piece;
    type IntoIter = iter::Take<array::IntoIter<Piece, 2>>;

    fn into_iter(self) -> Self::IntoIter {
        self.pieces.into_iter().take(self.used)
    }
}

/// What the end of a body asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Close {
    /// Put this by compare-and-swap, then `learn_shape` what is really stored, then close again.
    NeedShape(Shape),
    /// Attempts in the way were ended or are closing themselves: close again after something changed.
    Wait,
    /// Perform the move, make all of it durable, put the row, then `record`.
    Ready {
        /// The row to put.
        row: Row,
        /// Bytes that must be moved first.
        moves: Option<Move>,
    },
    /// Offsets only: all it received is recorded already, and the attempt has left.
    Done,
}

/// Copy `len` bytes inside the staging file. The ranges never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Move {
    /// Position to read from, in overflow.
    pub from: u64,
    /// Position to write to, in place.
    pub to: u64,
    /// How many bytes.
    pub len: u64,
}

/// What [`Assembly::record`](super::Assembly::record) has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Recorded {
    /// The row that is known from now on; `None` if the attempt had none to record.
    pub row: Option<Row>,
    /// Bytes recorded without a gap from 0.
    pub frontier: u64,
    /// Whether this was all that was missing.
    pub complete: bool,
}

/// How an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptState {
    /// It has its place (writing, or closing).
    Running,
    /// It was told to stop. It holds nothing but, possibly, its last write.
    Ended(super::Stop),
    /// Never heard of, recorded or abandoned.
    Gone,
}
