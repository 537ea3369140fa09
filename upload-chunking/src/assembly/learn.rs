//! Facts about slots that are durable already: loaded from records, or won by another process.

use super::errors::{Contradiction, Stop};
use super::facts::{Key, Row, Shape, Sizing};
use super::slots::{Body, Phase, Slots};
use super::table::Entry;
use crate::plan;
use crate::range::ByteRange;

impl Slots {
    pub(crate) fn learn_shape(&mut self, shape: Shape) -> Result<(), Contradiction> {
        if let Some(Shape { total: known, .. }) = self.shape.filter(|known| known.total != shape.total) {
            return Err(Contradiction::Total { known, got: shape.total });
        }
        let possible = match shape.sizing {
            Some(Sizing::Uniform(size)) => {
                size > 0 && plan::last_from_size(self.length, size, shape.total).is_some()
            }
            Some(Sizing::InOrder) | None => true,
        };
        if !possible || shape.total == 0 || shape.total > self.most_slots() {
            return Err(Contradiction::BadShape(shape));
        }
        match (self.sizing(), shape.sizing) {
            (Some(known @ Sizing::Uniform(a)), Some(got @ Sizing::Uniform(b))) if a != b => {
                return Err(Contradiction::Sizing { known, got });
            }
            // An older fact than what is known.
            (Some(_), None) | (Some(Sizing::InOrder), Some(Sizing::Uniform(_))) => return Ok(()),
            _ => {}
        }
        if self.shape != Some(shape) {
            self.shape = Some(shape);
            self.end_misfits(shape);
        }
        Ok(())
    }

    /// Ends the attempts that the shape leaves no place. Those that close find out themselves.
    fn end_misfits(&mut self, shape: Shape) {
        let next = self.rows.next_slot();
        let in_order = shape.sizing == Some(Sizing::InOrder);
        for entry in self.attempts.iter_mut().filter(|entry| entry.body.phase == Phase::Writing) {
            let body = entry.body;
            if body.total != shape.total {
                entry.end(Stop::TotalChanged { expected: shape.total, got: body.total });
            } else if in_order && body.n != next && (!body.is_last() || body.in_place > 0) {
                entry.end(Stop::InTheWay);
            }
        }
    }

    pub(crate) fn learn_row(&mut self, row: Row) -> Result<(), Contradiction> {
        let Key::Slot(n) = row.at else { return Err(Contradiction::OtherKind) };
        if let Some(known) = self.rows.get(row.at) {
            return if known == row { Ok(()) } else { Err(Contradiction::Known { known, got: row }) };
        }
        let Some(shape) = self.shape else { return Err(Contradiction::NoShape(row)) };
        let range = ByteRange::with_len(row.start, row.len).map_err(|_| Contradiction::Misplaced(row))?;
        if !self.may_stand(n, shape, range) {
            return Err(Contradiction::Misplaced(row));
        }
        let lost = |entry: &&Entry<Body>| {
            let own = entry.body.n == n && entry.holds();
            let apart = |phase| matches!(phase, Phase::Ready(other) if !stand_together(other, row));
            own || entry.held().intersects(range) || apart(entry.body.phase)
        };
        if let Some(entry) = self.attempts.iter().find(lost) {
            return Err(Contradiction::Attempt(entry.id));
        }
        self.rows.insert(row);
        Ok(())
    }

    /// Whether a row may stand there, by the shape and the rows beside it.
    fn may_stand(&self, n: u32, shape: Shape, range: ByteRange) -> bool {
        let last = n.checked_add(1) == Some(shape.total);
        let neighbours = [self.rows.before(Key::Slot(n)), self.rows.after(Key::Slot(n))];
        let row = Row::slot(n, range.start(), range.len());
        let beside = neighbours.into_iter().flatten().all(|other| stand_together(other, row));
        let sized = match shape.sizing {
            Some(Sizing::Uniform(size)) => {
                range.start() == u64::from(n).saturating_mul(size) && (last || range.len() == size)
            }
            Some(Sizing::InOrder) => n > 0 || range.start() == 0,
            None => shape.total == 1 && range.start() == 0,
        };
        n < shape.total
            && range.end() <= self.length
            && (!last || range.end() == self.length)
            && beside
            && sized
    }
}

/// Whether two slots' rows stand in the order of their numbers, and neighbours touch.
fn stand_together(a: Row, b: Row) -> bool {
    let (low, high) = if a.at < b.at { (a, b) } else { (b, a) };
    let (Key::Slot(m), Key::Slot(n)) = (low.at, high.at) else { return false };
    let end = low.range().end();
    if m + 1 == n { end == high.start } else { end <= high.start }
}
