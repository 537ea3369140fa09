//! One operation, done by the machine and judged by the model.

use alloc::format;
use alloc::string::String;

use super::naive::{Try, Waiting};
use super::op::Op;
use super::rules::OpenRule;
use super::world::{World, same};
use crate::assembly::{At, AttemptId, AttemptState, Opened, Refused, Stop, Stopped, Target, Ticket};
use crate::range::ByteRange;

impl World {
    /// Does one operation and compares.
    ///
    /// # Errors
    /// Where machine and model disagree, in words.
    pub fn apply(&mut self, op: &Op) -> Result<(), String> {
        let before = self.machine.clone();
        if self.perform(op)? == Done::Refused {
            same("a refused operation must change nothing", &self.machine, &before)?;
        }
        self.invariants()
    }

    fn perform(&mut self, op: &Op) -> Result<Done, String> {
        match *op {
            Op::Slots { length, chunk, slots } => *self = Self::slots(length, chunk, slots),
            Op::Offsets { length, limit } => *self = Self::offsets(length, limit),
            Op::Open { at, declared } => return self.open(at, declared),
            Op::Reopen(which) => return self.reopen(which),
            Op::LearnStored => {
                if let Some(stored) = self.naive.stored {
                    self.machine.learn_shape(stored).map_err(|it| format!("the stored shape: {it}"))?;
                    self.shape_learned(stored)?;
                }
            }
            Op::LearnShape(shape) => return self.learn_shape(shape),
            Op::LearnRow(row) => return self.learn_row(row),
            Op::SetLength(length) => return self.set_length(length),
            Op::Interrupt => {
                self.machine.interrupt();
                self.stops(|naive, _, stop| !naive.slots && stop == Stop::Interrupted)?;
            }
            Op::EndAll => {
                self.machine.end_all();
                self.stops(|_, _, stop| stop == Stop::AllEnded)?;
            }
            Op::Grant { attempt, .. }
            | Op::Returned(attempt)
            | Op::Close(attempt)
            | Op::Extent(attempt)
            | Op::PutShape(attempt)
            | Op::Record(attempt)
            | Op::Abandon(attempt) => {
                let count = self.naive.tries.len().max(1);
                let Some(&id) = self.naive.tries.keys().nth(attempt % count) else {
                    return Ok(Done::Changed);
                };
                return self.perform_on(id, op);
            }
        }
        Ok(Done::Changed)
    }

    fn perform_on(&mut self, id: AttemptId, op: &Op) -> Result<Done, String> {
        let Some(it) = self.naive.tries.get_mut(&id) else { return Ok(Done::Changed) };
        match *op {
            Op::Grant { len, .. } => return self.grant(id, len),
            Op::Close(_) if self.naive.slots => return self.close_slot(id),
            Op::Close(_) => return self.close_offset(id),
            Op::Extent(_) => return self.extent(id),
            Op::PutShape(_) => {
                if let Some((known, wanted)) = it.asked.take() {
                    if self.naive.stored == known {
                        self.naive.stored = Some(wanted);
                    }
                }
            }
            Op::Returned(_) => {
                self.machine.returned(id);
                it.flying = None;
                if it.left {
                    self.gone(id)?;
                }
            }
            Op::Record(_) => return self.record(id),
            Op::Abandon(_) => {
                self.machine.abandon(id);
                it.left = true;
                if it.flying.is_none() {
                    self.gone(id)?;
                }
                self.stops(|_, other, stop| other == id && stop == Stop::Abandoned)?;
            }
            _ => {}
        }
        Ok(Done::Changed)
    }

    pub(super) fn gone(&mut self, id: AttemptId) -> Result<(), String> {
        self.naive.forget(id);
        same("a finished attempt", self.machine.attempt_state(id), AttemptState::Gone)
    }

    fn open(&mut self, at: At, declared: Option<u64>) -> Result<Done, String> {
        let rule = self.naive.open(at, declared);
        let answer = self.machine.open(at, declared);
        self.opened(at, declared, rule, answer)
    }

    fn reopen(&mut self, which: usize) -> Result<Done, String> {
        let count = self.naive.waiting.len();
        if count == 0 {
            return Ok(Done::Changed);
        }
        let waiting = self.naive.waiting.remove(which % count);
        let rule = self.naive.reopen(waiting);
        let Waiting { id, at, declared, continues } = waiting;
        let answer = self.machine.reopen(Ticket { id, at, declared, continues });
        self.opened(at, declared, rule, answer)
    }

    fn opened(
        &mut self,
        at: At,
        declared: Option<u64>,
        rule: OpenRule,
        answer: Result<Opened, Refused>,
    ) -> Result<Done, String> {
        let frontier = self.naive.frontier().1;
        let holder = self.naive.holder(at).map(|(id, it)| (id, it.at));
        match (rule, answer) {
            (OpenRule::Refused, Err(_)) => return Ok(Done::Refused),
            (OpenRule::Compare(row), Ok(Opened::Compare(got))) => {
                same("the row to compare with", got, row)?;
            }
            (OpenRule::Wait { continues }, Ok(Opened::Wait(ticket))) => {
                same("continues", ticket.continues, continues)?;
                self.naive.waiting.push(Waiting { id: ticket.id, at, declared, continues });
            }
            (OpenRule::Write, Ok(Opened::Write { attempt, compare_until, start })) => {
                if let At::Offset(offset) = at {
                    same("where to write", (start, compare_until), (offset, frontier))?;
                }
                if self.naive.tries.contains_key(&attempt) {
                    return Err(format!("{attempt} was opened twice"));
                }
                self.naive.tries.insert(attempt, Try::new(at));
            }
            (rule, answer) => {
                return Err(format!("{at:?}: the model says {rule:?}, the machine {answer:?}"));
            }
        }
        self.stops(|_, id, stop| {
            holder.is_some_and(|(held, place)| {
                // An offset attempt is only ended by one that starts where it started.
                id == held && stop == Stop::Displaced && place.key() == at.key()
            })
        })?;
        Ok(Done::Changed)
    }

    fn grant(&mut self, id: AttemptId, len: u64) -> Result<Done, String> {
        let Some(it) = self.naive.tries.get(&id) else { return Ok(Done::Changed) };
        let frontier = self.naive.frontier().1;
        let (most, got) = match it.at {
            At::Slot { n, total } => (self.naive.sizes(n, total).1, it.received().saturating_add(len)),
            At::Offset(_) => {
                let length = self.naive.length.unwrap_or(u64::MAX);
                (length.min(self.naive.limits.length), it.position().saturating_add(len))
            }
        };
        let idle = !it.stopped && !it.closing && it.flying.is_none();
        let (first, position) = (it.bytes.len(), it.position());
        let grant = match self.machine.grant(id, len) {
            Ok(grant) if idle && got <= most => grant,
            Err(Stopped::TooLong { most: said, .. }) if idle && got > most => {
                same("the most bytes", said, most)?;
                return Ok(Done::Refused);
            }
            Err(_) if !idle => return Ok(Done::Refused),
            answer => return Err(format!("{id}: {got} of {most} bytes, and the machine says {answer:?}")),
        };
        let mut next = first;
        for piece in grant.pieces {
            let range = ByteRange::span(piece.position, piece.len);
            let recorded = piece.target == Target::Compare;
            if !self.naive.slots {
                same("the next position", piece.position, position + (next - first) as u64)?;
                same("to compare", recorded, piece.position < frontier)?;
            }
            if recorded && range.end() > frontier {
                return Err(format!("{id} is to compare {range}, and rows end at {frontier}"));
            }
            let overflow = range.start() >= self.naive.limits.length;
            same("in overflow", piece.target == Target::Overflow, overflow)?;
            if !recorded {
                self.naive.writable(id, range)?;
                self.naive.write(id, next, range);
            }
            let positions = (range.start()..range.end()).map(|at| (!recorded).then_some(at));
            if let Some(it) = self.naive.tries.get_mut(&id) {
                it.bytes.extend(positions);
                next = it.bytes.len();
            }
        }
        same("bytes granted", (next - first) as u64, len)?;
        if let Some(it) = self.naive.tries.get_mut(&id) {
            it.flying = Some(next - first);
        }
        Ok(Done::Changed)
    }
}

/// Whether an operation was refused, and so must have changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Changed,
    Refused,
}
