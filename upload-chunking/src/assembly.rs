//! The assembly machine: decides where the bytes of every running attempt go, who must stop, and what may
//! be recorded.
//!
//! # What always holds
//! * No two running attempts may write the same position of the staging file, and nobody ever writes where
//!   a row stands, not even with a write that was granted before: whoever wants to stand there waits for it.
//! * A refused call leaves the machine as it was.
//! * The frontier, the rows and the length never shrink or change.
//!
//! # The life of an attempt
//! ```text
//! open ─▶ Write ─▶ grant ⇄ returned ─▶ close ─▶ Ready ─▶ (move, sync, put the row) ─▶ record
//!   │                 │                  │ │
//!   ├▶ Wait ─▶ reopen └▶ Stopped         │ └▶ NeedShape ─▶ (compare-and-swap) ─▶ learn_shape ─▶ close
//!   └▶ Compare           abandon         └▶ Wait ─▶ close
//! ```
//! Whoever opened an attempt ends it: with [`record`](Assembly::record), or, whatever else happens, with
//! [`abandon`](Assembly::abandon). An attempt that was told to stop holds nothing any more once its write
//! has returned, but keeps its name and reason ([`AttemptState::Ended`]) until then. An offset attempt that
//! was told to stop may still record what arrived; its successor waits until it is gone.
//!
//! *Something changed* after `returned`, `record`, `abandon`, `learn_shape` and `learn_row`: wake whoever
//! was told to wait.

use crate::assembly::offsets::Offsets;
use crate::assembly::slots::Slots;

mod answers;
mod close;
mod errors;
mod facts;
mod learn;
mod offsets;
mod rows;
mod sizes;
mod slots;
mod table;

pub use answers::{
    AttemptId, AttemptState, Close, Grant, Move, Opened, Piece, Pieces, Recorded, Target, Ticket,
};
pub use errors::{Contradiction, Expected, Refused, Stop, Stopped};
pub use facts::{At, Key, Limits, Row, Shape, Sizing};

/// The places of one upload, and who is filling them. See the [module](self) for its rules and
/// [the crate](crate) for an example.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Assembly {
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Slots(Slots),
    Offsets(Offsets),
}

/// The same expression for both kinds.
macro_rules! either {
    ($self:expr, $it:ident => $do:expr) => {
        match $self {
            Kind::Slots($it) => $do,
            Kind::Offsets($it) => $do,
        }
    };
}

impl Assembly {
    /// An upload of `length` bytes by slots, nothing of it known yet.
    #[must_use]
    pub const fn slots(length: u64, limits: Limits) -> Self {
        Self { kind: Kind::Slots(Slots::new(length, limits)) }
    }

    /// An upload by offsets, of `length` bytes if that is known already.
    #[must_use]
    pub const fn offsets(length: Option<u64>, limits: Limits) -> Self {
        Self { kind: Kind::Offsets(Offsets::new(length, limits)) }
    }

    /// Takes the shape that is stored, whoever stored it. Attempts that it leaves no place are ended. A
    /// shape older than what is known (its sizing was refined since) is taken silently.
    ///
    /// # Errors
    /// [`Contradiction`] if it cannot be; nothing changes.
    pub fn learn_shape(&mut self, shape: Shape) -> Result<(), Contradiction> {
        match &mut self.kind {
            Kind::Slots(slots) => slots.learn_shape(shape),
            Kind::Offsets(_) => Err(Contradiction::OtherKind),
        }
    }

    /// Takes a row that is stored. Slots: after the shape, in any order. Offsets: in order, each where the
    /// one before ends; one that covers several known rows (they were folded) changes nothing.
    ///
    /// # Errors
    /// [`Contradiction`] if it cannot be; nothing changes. [`Contradiction::Attempt`] names an attempt that
    /// has lost its place to this row: abandon it, then learn the row.
    pub fn learn_row(&mut self, row: Row) -> Result<(), Contradiction> {
        either!(&mut self.kind, it => it.learn_row(row))
    }

    /// Fixes the length (bytes) of an upload by offsets that began without one.
    ///
    /// # Errors
    /// [`Refused::LengthChanged`], [`Refused::LengthTooShort`] or [`Refused::TooLong`].
    pub fn set_length(&mut self, length: u64) -> Result<(), Refused> {
        match &mut self.kind {
            Kind::Offsets(offsets) => offsets.set_length(length),
            Kind::Slots(slots) if slots.length == length => Ok(()),
            Kind::Slots(slots) => Err(Refused::LengthChanged { expected: slots.length, got: length }),
        }
    }

    /// Asks for a place. A running attempt there is told to stop: the newest one has it.
    ///
    /// `declared` is the size in bytes that the body is certain to have, if it has said so: it can refuse
    /// early and never decides where bytes go.
    ///
    /// # Errors
    /// [`Refused`], each kind as it says; no attempt is ended.
    pub fn open(&mut self, at: At, declared: Option<u64>) -> Result<Opened, Refused> {
        match (&mut self.kind, at) {
            (Kind::Slots(slots), At::Slot { n, total }) => slots.open(n, total, declared),
            (Kind::Offsets(offsets), At::Offset(offset)) => offsets.open(offset, declared),
            _ => Err(Refused::OtherKind),
        }
    }

    /// Asks again after [`Opened::Wait`], once something changed.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`Refused::Displaced`] if a newer request has the place by now.
    pub fn reopen(&mut self, ticket: Ticket) -> Result<Opened, Refused> {
        match &mut self.kind {
            Kind::Slots(slots) => slots.reopen(ticket),
            Kind::Offsets(offsets) => offsets.enter(ticket),
        }
    }

    /// Where the next `len` bytes go. One write is outstanding then, until [`returned`](Self::returned),
    /// also if `len` is 0.
    ///
    /// # Errors
    /// [`Stopped`]: nothing of this grant counts.
    pub fn grant(&mut self, attempt: AttemptId, len: u64) -> Result<Grant, Stopped> {
        either!(&mut self.kind, it => it.grant(attempt, len))
    }

    /// The write of the last grant has returned: its bytes can no longer change.
    pub fn returned(&mut self, attempt: AttemptId) {
        either!(&mut self.kind, it => it.attempts.returned(attempt));
    }

    /// The body has ended and all its writes have returned. From an answer that is no error on, nobody ends
    /// this attempt but [`end_all`](Self::end_all); after [`Close::Ready`] nobody at all.
    ///
    /// # Errors
    /// [`Refused`]: the chunk cannot stand, or [`Refused::Ended`]; abandon the attempt. Offsets may close
    /// also when ended: what arrived counts.
    pub fn close(&mut self, attempt: AttemptId) -> Result<Close, Refused> {
        either!(&mut self.kind, it => it.close(attempt))
    }

    /// Offsets only: what has been written and is not recorded yet, as a row to make durable, after which
    /// [`record`](Self::record) keeps the attempt. `None` if there is nothing new. Until then the same row is
    /// given again, and bytes may go on arriving.
    ///
    /// # Errors
    /// [`Refused::Gone`], or [`Refused::OtherKind`] for slots, which are recorded whole.
    pub fn close_extent(&mut self, attempt: AttemptId) -> Result<Option<Row>, Refused> {
        match &mut self.kind {
            Kind::Offsets(offsets) => offsets.close_extent(attempt),
            Kind::Slots(_) => Err(Refused::OtherKind),
        }
    }

    /// The row of this attempt is durable. After `close` the attempt is gone; after `close_extent` it goes on.
    pub fn record(&mut self, attempt: AttemptId) -> Recorded {
        either!(&mut self.kind, it => it.record(attempt))
    }

    /// The attempt was cut, failed or is not wanted: it leaves now, or when its write returns. After
    /// [`Close::Ready`], call this only once its move can no longer change bytes.
    pub fn abandon(&mut self, attempt: AttemptId) {
        either!(&mut self.kind, it => it.attempts.abandon(attempt));
    }

    /// Tells a running offset attempt to stop, so that what arrived gets recorded. One that closes goes on.
    pub fn interrupt(&mut self) {
        if let Kind::Offsets(offsets) = &mut self.kind {
            offsets.interrupt();
        }
    }

    /// Tells every attempt to stop. One that is already [`Close::Ready`] keeps its place until it is recorded
    /// or abandoned.
    pub fn end_all(&mut self) {
        either!(&mut self.kind, it => it.attempts.end_all(Stop::AllEnded));
    }
}

/// Questions.
impl Assembly {
    /// Bytes recorded without a gap from 0.
    #[must_use]
    pub fn frontier(&self) -> u64 {
        either!(&self.kind, it => it.rows.frontier())
    }

    /// Bytes of all rows.
    #[must_use]
    pub fn received(&self) -> u64 {
        either!(&self.kind, it => it.rows.bytes())
    }

    /// The length in bytes, if it is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match &self.kind {
            Kind::Slots(slots) => Some(slots.length),
            Kind::Offsets(offsets) => offsets.length,
        }
    }

    /// The stored shape of an upload by slots, or what the running attempts believe it to be: their totals, the oldest first.
    pub fn totals(&self) -> impl Iterator<Item = u32> + '_ {
        let slots = match &self.kind {
            Kind::Slots(slots) => Some(slots),
            Kind::Offsets(_) => None,
        };
        let shape = slots.and_then(|slots| slots.shape);
        let running = slots.filter(|_| shape.is_none()).into_iter();
        let running = running.flat_map(|slots| slots.attempts.iter()).filter(|entry| entry.is_running());
        shape.map(|shape| shape.total).into_iter().chain(running.map(|entry| entry.body.total))
    }

    /// Whether rows follow each other from the first to the last byte. An empty upload is complete at once.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        either!(&self.kind, it => it.is_complete())
    }

    /// The shape, once it is known.
    #[must_use]
    pub fn shape(&self) -> Option<Shape> {
        match &self.kind {
            Kind::Slots(slots) => slots.shape,
            Kind::Offsets(_) => None,
        }
    }

    /// The row of a place.
    #[must_use]
    pub fn row(&self, key: Key) -> Option<Row> {
        either!(&self.kind, it => it.rows.get(key))
    }

    /// The row that starts at byte `start`. Slots: looks through runs of rows of one size.
    #[must_use]
    pub fn row_starting_at(&self, start: u64) -> Option<Row> {
        either!(&self.kind, it => it.rows.starting_at(start))
    }

    /// All rows in order of their places.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        either!(&self.kind, it => &it.rows).iter()
    }

    /// The first place without a row; those before it follow each other from the beginning on.
    #[must_use]
    pub fn first_missing(&self) -> Key {
        match &self.kind {
            Kind::Slots(slots) => Key::Slot(slots.rows.next_slot()),
            Kind::Offsets(offsets) => Key::Offset(offsets.rows.frontier()),
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows_len(&self) -> u64 {
        either!(&self.kind, it => it.rows.len())
    }

    /// How many granted writes have not returned.
    #[must_use]
    pub fn writes_outstanding(&self) -> usize {
        either!(&self.kind, it => it.attempts.writes_outstanding())
    }

    /// Whether an attempt has this slot and was not told to stop; for offsets, whether any.
    #[must_use]
    pub fn is_running(&self, key: Key) -> bool {
        match &self.kind {
            Kind::Slots(slots) => slots.is_running(key),
            Kind::Offsets(offsets) => offsets.attempts.iter().any(table::Entry::is_running),
        }
    }

    /// Whether a new request for this place would have to wait or end somebody: an attempt holds it, even if
    /// only by a write that has not returned (slots) or by what it may still record (offsets).
    #[must_use]
    pub fn is_open(&self, key: Key) -> bool {
        match (&self.kind, key) {
            (Kind::Slots(slots), Key::Slot(n)) => slots.holder(n).is_some(),
            (Kind::Offsets(offsets), Key::Offset(_)) => offsets.attempts.iter().next().is_some(),
            _ => false,
        }
    }

    /// How an attempt is.
    #[must_use]
    pub fn attempt_state(&self, attempt: AttemptId) -> AttemptState {
        either!(&self.kind, it => it.attempts.state(attempt))
    }

    /// The same machine with other names for its attempts, for comparing states.
    #[cfg(feature = "model")]
    pub(crate) fn rename(&mut self, next: u64, name: impl Fn(AttemptId) -> AttemptId) {
        either!(&mut self.kind, it => it.attempts.rename(next, name));
    }
}
