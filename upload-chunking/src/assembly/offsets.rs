//! Uploads by offset: append only, one writer for all of it.
//!
//! What an attempt wrote behind the frontier is its extent; recorded, it moves the frontier. An attempt that
//! starts where its running predecessor started continues it: it compares what is recorded, then appends.

use super::answers::{AttemptId, Close, Grant, Opened, Piece, Pieces, Recorded, Target, Ticket};
use super::errors::{Contradiction, Refused, Stop, Stopped};
use super::facts::{At, Key, Limits, Row};
use super::rows::Rows;
use super::table::{Entry, Outstanding, Table};
use crate::range::ByteRange;

/// One attempt to append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Body {
    start: u64,
    /// Where its next byte goes.
    position: u64,
    /// The end of an extent that was asked for and is not recorded yet.
    pending: Option<u64>,
    /// Its body has ended: recording the extent ends it.
    closed: bool,
}

impl Entry<Body> {
    /// Where the bytes end whose writes have returned.
    fn written(&self) -> u64 {
        self.body.position - self.out.map_or(0, |out| out.len)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Offsets {
    pub(crate) limits: Limits,
    pub(crate) length: Option<u64>,
    pub(crate) rows: Rows,
    /// At most one attempt at a time: a second waits until it is gone.
    pub(crate) attempts: Table<Body>,
}

impl Offsets {
    pub(crate) const fn new(length: Option<u64>, limits: Limits) -> Self {
        Self { limits, length, rows: Rows::offsets(), attempts: Table::new() }
    }

    fn most(&self) -> u64 {
        self.length.unwrap_or(u64::MAX).min(self.limits.length)
    }

    pub(crate) fn open(&mut self, offset: u64, declared: Option<u64>) -> Result<Opened, Refused> {
        let got = offset.saturating_add(declared.unwrap_or(0));
        if declared.is_some() && got > self.most() {
            return Err(Refused::TooLong { most: self.most(), got });
        }
        let id = self.attempts.next_id();
        let opened = self.enter(Ticket { id, at: At::Offset(offset), declared, continues: false })?;
        self.attempts.new_id();
        Ok(opened)
    }

    pub(crate) fn enter(&mut self, mut ticket: Ticket) -> Result<Opened, Refused> {
        let At::Offset(start) = ticket.at else { return Err(Refused::OtherKind) };
        let frontier = self.rows.frontier();
        let continues = ticket.continues && start <= frontier;
        let conflict = Refused::OffsetConflict { expected: frontier, got: start };
        match self.attempts.oldest_mut() {
            Some(entry) if entry.id > ticket.id => Err(Refused::Displaced),
            Some(entry) if entry.body.start == start => {
                if !entry.body.closed {
                    entry.end(Stop::Displaced);
                }
                ticket.continues = true;
                Ok(Opened::Wait(ticket))
            }
            // It may record more, so where to go on is not known before it is gone.
            Some(entry)
                if !entry.is_running()
                    && (continues
                        || start == frontier
                        || (frontier..=entry.body.position).contains(&start)) =>
            {
                Ok(Opened::Wait(ticket))
            }
            None if continues || start == frontier => {
                let body = Body { start, position: start, pending: None, closed: false };
                self.attempts.insert(ticket.id, body);
                Ok(Opened::Write { attempt: ticket.id, compare_until: frontier, start })
            }
            _ => Err(conflict),
        }
    }

    pub(crate) fn grant(&mut self, id: AttemptId, len: u64) -> Result<Grant, Stopped> {
        let (most, frontier) = (self.most(), self.rows.frontier());
        let entry = self.attempts.get_mut(id).ok_or(Stopped::Gone)?;
        entry.may_write()?;
        if entry.body.closed {
            return Err(Stopped::Closing);
        }
        let start = entry.body.position;
        let got = start.saturating_add(len);
        if got > most || got - start < len {
            return Err(Stopped::TooLong { most, got });
        }
        let compare = frontier.saturating_sub(start).min(len);
        entry.body.position = got;
        entry.out = Some(Outstanding { in_place: ByteRange::span(start + compare, len - compare), len });
        Ok(Grant {
            pieces: Pieces::new(
                Piece { target: Target::Compare, position: start, len: compare },
                Piece { target: Target::InPlace, position: start + compare, len: len - compare },
            ),
        })
    }

    pub(crate) fn close_extent(&mut self, id: AttemptId) -> Result<Option<Row>, Refused> {
        let frontier = self.rows.frontier();
        let entry = self.attempts.kept(id)?;
        let end = entry.body.pending.unwrap_or_else(|| entry.written());
        if end <= frontier {
            return Ok(None);
        }
        if let Some(entry) = self.attempts.get_mut(id) {
            entry.body.pending = Some(end);
        }
        Ok(Some(Row::extent(frontier, end - frontier)))
    }

    pub(crate) fn close(&mut self, id: AttemptId) -> Result<Close, Refused> {
        let entry = self.attempts.kept(id)?;
        let position = entry.body.position;
        if entry.out.is_some() || entry.body.pending.is_some_and(|end| end != position) {
            return Err(Refused::NotSettled);
        }
        let Some(row) = self.close_extent(id)? else {
            self.attempts.remove(id);
            return Ok(Close::Done);
        };
        if let Some(entry) = self.attempts.get_mut(id) {
            entry.body.closed = true;
        }
        Ok(Close::Ready { row, moves: None })
    }

    pub(crate) fn record(&mut self, id: AttemptId) -> Recorded {
        let frontier = self.rows.frontier();
        let mut row = None;
        if let Some(entry) = self.attempts.get_mut(id).filter(|entry| !entry.has_left()) {
            if let Some(end) = entry.body.pending.take() {
                let extent = Row::extent(frontier, end - frontier);
                row = Some(extent);
                if entry.body.closed {
                    self.attempts.remove(id);
                }
                self.rows.insert(extent);
            }
        }
        Recorded { row, frontier: self.rows.frontier(), complete: row.is_some() && self.is_complete() }
    }

    pub(crate) fn interrupt(&mut self) {
        let open = self.attempts.iter_mut().filter(|entry| !entry.body.closed);
        open.for_each(|entry| entry.end(Stop::Interrupted));
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.length == Some(self.rows.frontier())
    }

    pub(crate) fn learn_row(&mut self, row: Row) -> Result<(), Contradiction> {
        let Key::Offset(offset) = row.at else { return Err(Contradiction::OtherKind) };
        let range = ByteRange::with_len(row.start, row.len).map_err(|_| Contradiction::Misplaced(row))?;
        if offset != row.start || row.len == 0 || range.end() > self.length.unwrap_or(u64::MAX) {
            return Err(Contradiction::Misplaced(row));
        }
        let frontier = self.rows.frontier();
        if range.start() < frontier {
            return self.known(row, range);
        }
        if range.start() > frontier {
            return Err(Contradiction::Gap { expected: frontier, got: row });
        }
        if let Some(entry) = self.attempts.iter().find(|entry| entry.body.position > frontier) {
            return Err(Contradiction::Attempt(entry.id));
        }
        self.rows.insert(row);
        Ok(())
    }

    /// A row behind the frontier must be one that is known, or several of them folded into one.
    fn known(&self, row: Row, range: ByteRange) -> Result<(), Contradiction> {
        let known = self.rows.get(row.at).ok_or(Contradiction::Misplaced(row))?;
        let ends_with_a_row =
            self.rows.before(Key::Offset(range.end())).is_some_and(|last| last.range().end() == range.end());
        if ends_with_a_row { Ok(()) } else { Err(Contradiction::Known { known, got: row }) }
    }

    pub(crate) fn set_length(&mut self, length: u64) -> Result<(), Refused> {
        match self.length {
            Some(known) if known == length => return Ok(()),
            Some(known) => return Err(Refused::LengthChanged { expected: known, got: length }),
            None => {}
        }
        if length > self.limits.length {
            return Err(Refused::TooLong { most: self.limits.length, got: length });
        }
        let arrived = self.attempts.iter().map(|entry| entry.body.position).max();
        let received = arrived.unwrap_or(0).max(self.rows.frontier());
        if length < received {
            return Err(Refused::LengthTooShort { received, got: length });
        }
        self.length = Some(length);
        Ok(())
    }
}
