//! Uploads by slot: who has which slot, and where its bytes go while it runs.
//!
//! A chunk is written where it belongs as soon as that is known, and only there where nobody else has bytes;
//! everything else goes to a region of overflow that is the attempt's own, and is moved once, at its close.

use super::answers::{AttemptId, Grant, Opened, Piece, Pieces, Target, Ticket};
use super::errors::{Refused, Stop, Stopped};
use super::facts::{At, Key, Limits, Row, Shape, Sizing};
use super::rows::Rows;
use super::table::{Entry, Outstanding, Table};
use crate::range::ByteRange;

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Its body is arriving.
    Writing,
    /// Its body has ended. `asked` is what it wants the sizing to become.
    Closing { asked: Option<Sizing> },
    /// Its bytes are being moved and recorded as this row.
    Ready(Row),
}

/// One attempt to fill a slot. Its first `in_place` bytes are in place, the `over` ones after them in overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Body {
    pub(crate) n: u32,
    pub(crate) total: u32,
    /// Position of its first byte, where it has bytes in place.
    pub(crate) start: u64,
    pub(crate) in_place: u64,
    pub(crate) over: u64,
    pub(crate) region: Option<u32>,
    pub(crate) phase: Phase,
}

impl Body {
    pub(crate) const fn received(&self) -> u64 {
        self.in_place + self.over
    }

    pub(crate) const fn is_last(&self) -> bool {
        self.n + 1 == self.total
    }

    const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready(_))
    }
}

impl Entry<Body> {
    /// Whether its slot, its region and its bytes are still its own.
    pub(crate) fn holds(&self) -> bool {
        self.is_running() || self.out.is_some() || self.body.is_ready()
    }

    /// The bytes in place that nobody else may write.
    pub(crate) fn held(&self) -> ByteRange {
        match self.body.phase {
            Phase::Ready(row) => row.range(),
            _ if self.is_running() => ByteRange::span(self.body.start, self.body.in_place),
            _ => self.out_in_place(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slots {
    pub(crate) limits: Limits,
    pub(crate) length: u64,
    pub(crate) shape: Option<Shape>,
    pub(crate) rows: Rows,
    pub(crate) attempts: Table<Body>,
}

impl Slots {
    pub(crate) const fn new(length: u64, limits: Limits) -> Self {
        Self { limits, length, shape: None, rows: Rows::slots(), attempts: Table::new() }
    }

    pub(crate) fn sizing(&self) -> Option<Sizing> {
        self.shape.and_then(|shape| shape.sizing)
    }

    /// The most slots this length can have: an empty object is one empty chunk.
    pub(crate) fn most_slots(&self) -> u32 {
        u32::try_from(self.length.max(1)).unwrap_or(u32::MAX)
    }

    pub(crate) fn is_complete(&self) -> bool {
        if self.length == 0 && self.rows.len() == 0 {
            return true;
        }
        self.shape.is_some_and(|shape| self.rows.next_slot() == shape.total)
            && self.rows.frontier() == self.length
    }

    /// The attempt that has slot `n`; only ever one.
    pub(crate) fn holder(&self, n: u32) -> Option<&Entry<Body>> {
        self.attempts.iter().find(|entry| entry.body.n == n && entry.holds())
    }

    pub(crate) fn open(&mut self, n: u32, total: u32, declared: Option<u64>) -> Result<Opened, Refused> {
        self.check(n, total, declared)?;
        if let Some(row) = self.rows.get(Key::Slot(n)) {
            return Ok(Opened::Compare(row));
        }
        let id = self.attempts.new_id();
        self.enter(Ticket { id, at: At::Slot { n, total }, declared, continues: false })
    }

    pub(crate) fn reopen(&mut self, ticket: Ticket) -> Result<Opened, Refused> {
        let At::Slot { n, total } = ticket.at else { return Err(Refused::OtherKind) };
        self.check(n, total, ticket.declared)?;
        self.enter(ticket)
    }

    fn enter(&mut self, ticket: Ticket) -> Result<Opened, Refused> {
        let At::Slot { n, total } = ticket.at else { return Err(Refused::OtherKind) };
        if let Some(row) = self.rows.get(Key::Slot(n)) {
            return Ok(Opened::Compare(row));
        }
        // Among waiting requests the newest wins, whichever of them wakes first.
        if self.attempts.iter().any(|entry| entry.body.n == n && entry.is_running() && entry.id > ticket.id) {
            return Err(Refused::Displaced);
        }
        let older = self.attempts.iter_mut().find(|entry| entry.body.n == n && entry.holds());
        if let Some(entry) = older {
            if entry.body.phase == Phase::Writing {
                entry.end(Stop::Displaced);
            }
            if entry.holds() {
                return Ok(Opened::Wait(ticket));
            }
        }
        let phase = Phase::Writing;
        let body = Body { n, total, start: 0, in_place: 0, over: 0, region: None, phase };
        self.attempts.insert(ticket.id, body);
        let start = self.place(n, total).map_or(0, ByteRange::start);
        Ok(Opened::Write { attempt: ticket.id, compare_until: start, start })
    }

    /// What can be said about a request before anything has arrived.
    fn check(&self, n: u32, total: u32, declared: Option<u64>) -> Result<(), Refused> {
        let most = self.most_slots().min(self.limits.slots);
        if total == 0 || total > most {
            return Err(Refused::BadTotal { total, most });
        }
        self.check_total(total)?;
        if n >= total {
            return Err(Refused::NoSuchSlot { n, total });
        }
        if self.rows.get(Key::Slot(n)).is_some() {
            return Ok(());
        }
        self.check_turn(n, total)?;
        match declared {
            Some(got) => self.check_size(n, total, got),
            None => Ok(()),
        }
    }

    pub(crate) fn check_total(&self, got: u32) -> Result<(), Refused> {
        match self.shape {
            Some(Shape { total: expected, .. }) if expected != got => {
                Err(Refused::TotalChanged { expected, got })
            }
            _ => Ok(()),
        }
    }

    /// Where bytes of this slot may be written in place, if its place is known.
    fn place(&self, n: u32, total: u32) -> Option<ByteRange> {
        let next = self.rows.next_slot();
        let (start, end) = match self.sizing() {
            Some(Sizing::Uniform(size)) => {
                let start = u64::from(n).checked_mul(size)?;
                let end = if n + 1 == total { self.length } else { start.checked_add(size)? };
                (start, end)
            }
            Some(Sizing::InOrder) | None => (self.rows.frontier(), self.length),
        };
        let known = n == next || matches!(self.sizing(), Some(Sizing::Uniform(_)));
        ByteRange::new(start, end.min(self.length)).ok().filter(|_| known)
    }

    pub(crate) fn grant(&mut self, id: AttemptId, len: u64) -> Result<Grant, Stopped> {
        let entry = self.attempts.get(id).ok_or(Stopped::Gone)?;
        entry.may_write()?;
        let mut body = entry.body;
        if body.phase != Phase::Writing {
            return Err(Stopped::Closing);
        }
        let (most, got) = (self.most(body.n, body.total), body.received().saturating_add(len));
        if got > most {
            return Err(Stopped::TooLong { most, got });
        }
        let (position, room) = self.room(id, &body);
        let in_place = room.min(len);
        if body.in_place == 0 {
            body.start = position;
        }
        body.in_place += in_place;
        let mut overflow = 0;
        if in_place < len {
            let region = body.region.unwrap_or_else(|| self.free_region());
            overflow = self.limits.region(region).ok_or(Stopped::NoRoom)? + body.over;
            body.region = Some(region);
            body.over += len - in_place;
        }
        if let Some(entry) = self.attempts.get_mut(id) {
            entry.body = body;
            entry.out = Some(Outstanding { in_place: ByteRange::span(position, in_place), len });
        }
        Ok(Grant {
            pieces: Pieces::new(
                Piece { target: Target::InPlace, position, len: in_place },
                Piece { target: Target::Overflow, position: overflow, len: len - in_place },
            ),
        })
    }

    /// Where the next byte of `id` would go in place, and how many bytes have room from there before its
    /// place ends or somebody else's bytes begin.
    fn room(&self, id: AttemptId, body: &Body) -> (u64, u64) {
        let Some(place) = self.place(body.n, body.total) else { return (0, 0) };
        let position = place.start() + body.in_place;
        let moved_away = body.in_place > 0 && body.start != place.start();
        if body.over > 0 || moved_away || position >= place.end() {
            return (position, 0);
        }
        let rows = self.rows.after(Key::Slot(body.n)).map(|row| row.start);
        let others = self
            .attempts
            .others(id)
            .map(Entry::held)
            .filter(|held| !held.is_empty() && held.end() > position)
            .map(ByteRange::start);
        let end = rows.into_iter().chain(others).fold(place.end(), u64::min);
        (position, end.saturating_sub(position))
    }

    /// The lowest region that no attempt has.
    fn free_region(&self) -> u32 {
        let taken =
            |index| self.attempts.iter().any(|entry| entry.body.region == Some(index) && entry.holds());
        (0..u32::MAX).find(|&index| !taken(index)).unwrap_or(u32::MAX)
    }
}
