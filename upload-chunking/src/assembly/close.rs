//! The end of a slot's body: what must be fixed first, who must go first, what is moved, what is recorded.

use super::answers::{AttemptId, Close, Move, Recorded};
use super::errors::{Expected, Refused, Stop};
use super::facts::{Key, Row, Shape, Sizing};
use super::slots::{Body, Phase, Slots};
use super::table::Entry;
use crate::plan;

/// What the sizes say to a chunk that wants to close.
enum Verdict {
    Stand(Row),
    Ask(Shape),
    Wait,
}

impl Slots {
    pub(crate) fn close(&mut self, id: AttemptId) -> Result<Close, Refused> {
        let entry = self.attempts.kept(id)?;
        let body = entry.body;
        if let Phase::Ready(row) = body.phase {
            return Ok(self.ready(&body, row));
        }
        if let Some(stop) = entry.stop {
            return Err(Refused::Ended(stop));
        }
        if entry.out.is_some() {
            return Err(Refused::NotSettled);
        }
        let verdict = self.verdict(id, &body)?;
        let asked = match verdict {
            Verdict::Ask(shape) => shape.sizing,
            _ => None,
        };
        self.set_phase(id, Phase::Closing { asked });
        match verdict {
            Verdict::Ask(shape) => Ok(Close::NeedShape(shape)),
            Verdict::Stand(row) if self.make_way(id, row) => {
                self.set_phase(id, Phase::Ready(row));
                Ok(self.ready(&body, row))
            }
            Verdict::Stand(_) | Verdict::Wait => Ok(Close::Wait),
        }
    }

    fn set_phase(&mut self, id: AttemptId, phase: Phase) {
        if let Some(entry) = self.attempts.get_mut(id) {
            entry.body.phase = phase;
        }
    }

    fn ready(&self, body: &Body, row: Row) -> Close {
        let region = body.region.filter(|_| body.over > 0).and_then(|region| self.limits.region(region));
        let moves = region.map(|from| Move { from, to: row.start + body.in_place, len: body.over });
        Close::Ready { row, moves }
    }

    fn verdict(&self, id: AttemptId, body: &Body) -> Result<Verdict, Refused> {
        let Body { n, total, .. } = *body;
        self.check_total(total)?;
        self.check_turn(n, total)?;
        let got = body.received();
        let stand = |start| Verdict::Stand(Row::slot(n, start, got));
        let wrong = |size| Refused::WrongSize { slot: n, got, expected: Expected::Exactly(size) };
        let verdict = match self.sizing() {
            _ if total == 1 => {
                if got != self.length {
                    return Err(wrong(self.length));
                }
                match self.shape {
                    Some(_) => stand(0),
                    None => Verdict::Ask(Shape { total, sizing: None }),
                }
            }
            None => Verdict::Ask(Shape { total, sizing: Some(self.first_sizing(n, total, got)?) }),
            Some(Sizing::Uniform(size)) => {
                let fits =
                    if body.is_last() { plan::last_from_size(self.length, size, total) } else { Some(size) };
                if fits == Some(got) {
                    // If sizes turn out to differ, its place is another one.
                    if self.others_closing(id, |phase| asks(phase, Sizing::InOrder)) {
                        Verdict::Wait
                    } else {
                        stand(u64::from(n) * size)
                    }
                } else if body.is_last() || n != self.rows.next_slot() || self.exactly(n, total).is_some() {
                    return Err(wrong(fits.unwrap_or(0)));
                } else if self.others_closing(id, is_ready) {
                    Verdict::Wait
                } else {
                    self.in_order_start(n, total, got)?;
                    Verdict::Ask(Shape { total, sizing: Some(Sizing::InOrder) })
                }
            }
            // What is being recorded decides what is still free.
            Some(Sizing::InOrder) if self.others_closing(id, is_ready) => Verdict::Wait,
            Some(Sizing::InOrder) => stand(self.in_order_start(n, total, got)?),
        };
        match verdict {
            Verdict::Stand(row) if body.in_place > 0 && body.start != row.start => {
                Err(Refused::Ended(Stop::InTheWay))
            }
            verdict => Ok(verdict),
        }
    }

    fn others_closing(&self, id: AttemptId, is: impl Fn(Phase) -> bool) -> bool {
        self.attempts.others(id).any(|entry| entry.holds() && is(entry.body.phase))
    }

    /// Ends whoever is writing where `row` is going to stand. Whether nobody is left there.
    fn make_way(&mut self, id: AttemptId, row: Row) -> bool {
        let in_the_way = |entry: &Entry<Body>| entry.id != id && entry.held().intersects(row.range());
        for entry in self.attempts.iter_mut() {
            if in_the_way(entry) && entry.body.phase == Phase::Writing {
                entry.end(Stop::InTheWay);
            }
        }
        !self.attempts.iter().any(in_the_way)
    }

    pub(crate) fn record(&mut self, id: AttemptId) -> Recorded {
        let ready = match self.attempts.kept(id).map(|entry| entry.body.phase) {
            Ok(Phase::Ready(row)) => Some(row),
            _ => None,
        };
        if let Some(row) = ready {
            self.attempts.remove(id);
            self.rows.insert(row);
        }
        Recorded {
            row: ready,
            frontier: self.rows.frontier(),
            complete: ready.is_some() && self.is_complete(),
        }
    }

    /// The slot is taken by `key`'s attempt that has not been told to stop.
    pub(crate) fn is_running(&self, key: Key) -> bool {
        self.attempts.iter().any(|entry| Key::Slot(entry.body.n) == key && entry.is_running())
    }
}

fn is_ready(phase: Phase) -> bool {
    matches!(phase, Phase::Ready(_))
}

fn asks(phase: Phase, sizing: Sizing) -> bool {
    phase == Phase::Closing { asked: Some(sizing) }
}
