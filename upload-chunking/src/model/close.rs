//! The ends of bodies, moves and rows, judged by the model.

use alloc::format;
use alloc::string::String;

use super::apply::Done;
use super::naive::Try;
use super::rules::CloseRule;
use super::world::{World, same};
use crate::assembly::{At, AttemptId, Close, Move, Row, Stop};
use crate::range::ByteRange;

impl World {
    pub(super) fn close_slot(&mut self, id: AttemptId) -> Result<Done, String> {
        let Some(it) = self.naive.tries.get(&id) else { return Ok(Done::Changed) };
        let At::Slot { n, total } = it.at else { return Ok(Done::Changed) };
        let (got, may) = (it.received(), !it.stopped && !it.left && it.flying.is_none());
        let (known, ready) = (self.naive.shape, it.ready);
        let mut rule = self.naive.close(n, total, got);
        let elsewhere = it.bytes.first().copied().flatten().filter(|&at| at < self.naive.limits.length);
        if let (CloseRule::Stand(start), Some(first)) = (rule, elsewhere) {
            // It was written in place while its place was another one; it has to be sent again.
            if first != start {
                rule = CloseRule::Refused;
            }
        }
        let answer = self.machine.close(id);
        let mut asked = None;
        let mut stands = ByteRange::default();
        match (rule, answer) {
            (_, Ok(Close::Ready { row, moves })) if ready.is_some() && !it.left => {
                return same("ready again", Some((row, moves)), ready).map(|()| Done::Changed);
            }
            (_, Err(_)) if !may => return Ok(Done::Refused),
            (CloseRule::Refused, Err(_)) => return Ok(Done::Refused),
            (CloseRule::Ask(wanted), Ok(Close::NeedShape(shape))) if may => {
                same("the shape", shape, wanted)?;
                let recording = self.naive.tries.values().any(|it| it.ready.is_some());
                same("a new shape while a row is put", recording, false)?;
                asked = Some((known, shape));
            }
            (CloseRule::Stand(start), Ok(Close::Ready { row, moves })) if may => {
                same("where it stands", row, Row::slot(n, start, got))?;
                self.moved(id, row, moves)?;
            }
            (rule, Ok(Close::Wait)) if may => {
                if let CloseRule::Stand(start) = rule {
                    stands = ByteRange::span(start, got);
                }
                self.reason_to_wait(id)?;
            }
            (rule, answer) => {
                return Err(format!("{id}: the model says {rule:?}, the machine {answer:?}"));
            }
        }
        if let CloseRule::Stand(start) = rule {
            stands = ByteRange::span(start, got);
        }
        if let Some(it) = self.naive.tries.get_mut(&id) {
            it.closing = true;
            it.asked = asked;
        }
        self.stops(|naive, other, stop| {
            let bytes = naive.tries.get(&other).map(|it| &it.bytes);
            stop == Stop::InTheWay
                && bytes.is_some_and(|it| it.iter().flatten().any(|&at| stands.contains(at)))
        })?;
        Ok(Done::Changed)
    }

    /// Waiting must have a cause that goes away by itself.
    fn reason_to_wait(&self, id: AttemptId) -> Result<(), String> {
        let goes = |it: &Try| it.closing || it.flying.is_some();
        if self.naive.tries.iter().any(|(&other, it)| other != id && goes(it)) {
            Ok(())
        } else {
            Err(format!("{id} waits for nobody"))
        }
    }

    fn moved(&mut self, id: AttemptId, row: Row, moves: Option<Move>) -> Result<(), String> {
        // Those in the way have been told by now; look before the model forgets why.
        let range = row.range();
        self.stops(|naive, other, stop| {
            let bytes = naive.tries.get(&other).map(|it| &it.bytes);
            stop == Stop::InTheWay
                && bytes.is_some_and(|it| it.iter().flatten().any(|&at| range.contains(at)))
        })?;
        if let Some(m) = moves {
            let (from, to) = (ByteRange::span(m.from, m.len), ByteRange::span(m.to, m.len));
            if from.intersects(to) || !range.covers(to) {
                return Err(format!("{id} moves {from} to {to} for {row:?}"));
            }
            let first = usize::try_from(m.to - row.start).unwrap_or(usize::MAX);
            self.naive.holds_bytes(id, first, Row::slot(0, m.from, m.len))?;
            self.naive.writable(id, to)?;
            self.naive.write(id, first, to);
        }
        if let Some(it) = self.naive.tries.get_mut(&id) {
            it.ready = Some((row, moves));
        }
        self.naive.holds_bytes(id, 0, row)
    }

    pub(super) fn close_offset(&mut self, id: AttemptId) -> Result<Done, String> {
        let frontier = self.naive.frontier().1;
        let Some(it) = self.naive.tries.get_mut(&id) else { return Ok(Done::Changed) };
        let end = it.position();
        let settled = it.flying.is_none() && it.extent.is_none_or(|row| row.start + row.len == end);
        match self.machine.close(id) {
            Err(_) if it.left || !settled => return Ok(Done::Refused),
            Ok(Close::Done) if settled && !it.left && end <= frontier => self.gone(id)?,
            Ok(Close::Ready { row, moves: None }) if settled && !it.left && end > frontier => {
                same("the extent", row, Row::extent(frontier, end - frontier))?;
                (it.extent, it.closing) = (Some(row), true);
            }
            answer => return Err(format!("{id} closes at {end}, and the machine says {answer:?}")),
        }
        Ok(Done::Changed)
    }

    pub(super) fn extent(&mut self, id: AttemptId) -> Result<Done, String> {
        let (slots, frontier) = (self.naive.slots, self.naive.frontier().1);
        let Some(it) = self.naive.tries.get_mut(&id) else { return Ok(Done::Changed) };
        let written = it.position().saturating_sub(it.flying.unwrap_or(0) as u64);
        let fresh = (written > frontier).then(|| Row::extent(frontier, written.saturating_sub(frontier)));
        match self.machine.close_extent(id) {
            Err(_) if slots || it.left => return Ok(Done::Refused),
            Ok(row) if !slots && !it.left => {
                same("the extent", row, it.extent.or(fresh))?;
                it.extent = row;
            }
            answer => return Err(format!("{id} wrote up to {written}, and the machine says {answer:?}")),
        }
        Ok(Done::Changed)
    }

    pub(super) fn record(&mut self, id: AttemptId) -> Result<Done, String> {
        let Some(it) = self.naive.tries.get(&id) else { return Ok(Done::Changed) };
        let (left, closing, place) = (it.left, it.closing, it.at);
        let ready = it.ready.map(|(row, _)| row).or(it.extent).filter(|_| !left);
        let recorded = self.machine.record(id);
        same("the recorded row", recorded.row, ready)?;
        let Some(row) = ready else { return Ok(Done::Refused) };
        let first = match place {
            At::Offset(start) => usize::try_from(row.start - start).unwrap_or(usize::MAX),
            At::Slot { .. } => 0,
        };
        self.naive.holds_bytes(id, first, row)?;
        self.naive.rows.insert(row.at, row);
        same("complete", recorded.complete, self.naive.is_complete())?;
        if closing {
            self.gone(id)?;
        } else if let Some(it) = self.naive.tries.get_mut(&id) {
            it.extent = None;
            // What is recorded is no longer the attempt's.
            let end = row.start + row.len;
            it.bytes.iter_mut().filter(|at| at.is_some_and(|at| at < end)).for_each(|at| *at = None);
            self.naive.file.retain(|&at, _| at >= end);
        }
        Ok(Done::Changed)
    }
}
