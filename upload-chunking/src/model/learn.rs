//! Facts that come from elsewhere, judged by the model.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::apply::Done;
use super::naive::{Naive, Try};
use super::world::World;
use crate::assembly::{At, AttemptId, Row, Shape, Sizing, Stop};

impl World {
    pub(super) fn learn_shape(&mut self, shape: Shape) -> Result<Done, String> {
        // Another process cannot have stored something else than what this one's swap has just put.
        if self.naive.stored != self.naive.shape {
            return Ok(Done::Changed);
        }
        let Ok(()) = self.machine.learn_shape(shape) else { return Ok(Done::Refused) };
        self.shape_learned(shape)?;
        self.naive.stored = self.naive.shape;
        Ok(Done::Changed)
    }

    pub(super) fn shape_learned(&mut self, shape: Shape) -> Result<(), String> {
        let rank = |sizing| match sizing {
            None => 0,
            Some(Sizing::Uniform(_)) => 1,
            Some(Sizing::InOrder) => 2,
        };
        let fresh = self.naive.shape.is_none_or(|known| rank(known.sizing) < rank(shape.sizing));
        if let Some(known) = self.naive.shape.filter(|known| known.total != shape.total) {
            return Err(format!("{known:?} became {shape:?}"));
        }
        if fresh {
            self.naive.shape = Some(shape);
        }
        let next = self.naive.frontier().0;
        let misfit = |naive: &Naive, id: AttemptId| {
            let it = naive.tries.get(&id)?;
            let At::Slot { n, total } = it.at else { return None };
            let in_place = it.bytes.iter().flatten().any(|&at| at < naive.limits.length);
            if it.closing {
                None
            } else if total != shape.total {
                Some(Stop::TotalChanged { expected: shape.total, got: total })
            } else {
                let ahead = n != next && (n + 1 != total || in_place);
                (shape.sizing == Some(Sizing::InOrder) && ahead).then_some(Stop::InTheWay)
            }
        };
        self.stops(|naive, id, stop| fresh && misfit(naive, id) == Some(stop))?;
        let missed: Vec<_> =
            self.naive.tries.iter().filter(|(_, it)| !it.stopped).map(|(&id, _)| id).collect();
        match missed.into_iter().find(|&id| fresh && misfit(&self.naive, id).is_some()) {
            Some(id) => Err(format!("{id} has no place under {shape:?} and was not ended")),
            None => Ok(()),
        }
    }

    pub(super) fn learn_row(&mut self, row: Row) -> Result<Done, String> {
        let before = self.machine.clone();
        if self.machine.learn_row(row).is_err() {
            return Ok(Done::Refused);
        }
        if before == self.machine {
            return Ok(Done::Changed);
        }
        if let Some((_, it)) = self.naive.tries.iter().find(|(_, it)| it.at.key() == row.at && it.holds()) {
            if self.naive.slots {
                return Err(format!("{row:?} was taken beside {it:?}"));
            }
        }
        // Nobody has the id that asks, so everybody counts.
        self.naive.writable(AttemptId(u64::MAX), row.range())?;
        self.naive.rows.insert(row.at, row);
        Ok(Done::Changed)
    }

    pub(super) fn set_length(&mut self, length: u64) -> Result<Done, String> {
        let naive = &self.naive;
        let arrived = naive.tries.values().map(Try::position).max().unwrap_or(0).max(naive.frontier().1);
        let may = match naive.length {
            Some(known) => known == length,
            None => arrived <= length && length <= naive.limits.length,
        };
        match (self.machine.set_length(length), may) {
            (Ok(()), true) => self.naive.length = Some(length),
            (Err(_), false) => return Ok(Done::Refused),
            (answer, _) => return Err(format!("a length of {length}: the machine says {answer:?}")),
        }
        Ok(Done::Changed)
    }
}
