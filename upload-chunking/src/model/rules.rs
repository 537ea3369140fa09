//! The rules once more, said as plainly as they can be.

use super::naive::{Naive, Try, Waiting};
use crate::assembly::{At, AttemptId, Key, Row, Shape, Sizing};

/// What should become of a request for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenRule {
    Refused,
    Compare(Row),
    Wait { continues: bool },
    Write,
}

/// What should become of a body's end, if nobody is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseRule {
    Refused,
    Ask(Shape),
    Stand(u64),
}

impl Naive {
    fn sizing(&self) -> Option<Sizing> {
        self.shape.and_then(|shape| shape.sizing)
    }

    fn length_or_max(&self) -> u64 {
        self.length.unwrap_or(u64::MAX)
    }

    /// The attempt that a request for this place meets.
    pub(super) fn holder(&self, at: At) -> Option<(AttemptId, &Try)> {
        let met = |it: &Try| it.at.key() == at.key() || !self.slots;
        self.tries.iter().find(|(_, it)| met(it) && it.holds()).map(|(&id, it)| (id, it))
    }

    pub(super) fn open(&self, at: At, declared: Option<u64>) -> OpenRule {
        match at {
            At::Slot { n, total } if self.slots => match self.before_a_slot(n, total, declared) {
                Some(answer) => answer,
                None => self.enter_slot(at),
            },
            At::Offset(offset) if !self.slots => {
                let most = self.length_or_max().min(self.limits.length);
                if declared.is_some_and(|size| offset.saturating_add(size) > most) {
                    return OpenRule::Refused;
                }
                self.enter_offset(offset, false)
            }
            _ => OpenRule::Refused,
        }
    }

    pub(super) fn reopen(&self, waiting: Waiting) -> OpenRule {
        let newer = |(id, it): (AttemptId, &Try)| id > waiting.id && (!self.slots || !it.stopped);
        match waiting.at {
            At::Slot { n, total } => match self.before_a_slot(n, total, waiting.declared) {
                Some(answer) => answer,
                None if self.holder(waiting.at).is_some_and(newer) => OpenRule::Refused,
                None => self.enter_slot(waiting.at),
            },
            At::Offset(_) if self.holder(waiting.at).is_some_and(newer) => OpenRule::Refused,
            At::Offset(offset) => self.enter_offset(offset, waiting.continues),
        }
    }

    fn enter_offset(&self, offset: u64, continues: bool) -> OpenRule {
        let at = At::Offset(offset);
        let frontier = self.frontier().1;
        // Behind the frontier only who continues somebody; before it nobody.
        let may = offset == frontier || (continues && offset < frontier);
        match self.holder(at) {
            None if may => OpenRule::Write,
            Some((_, it)) if it.at == at => OpenRule::Wait { continues: true },
            Some((_, it)) if it.stopped && may => OpenRule::Wait { continues },
            Some((_, it)) if it.stopped && frontier <= offset && offset <= it.position() => {
                OpenRule::Wait { continues }
            }
            _ => OpenRule::Refused,
        }
    }

    fn enter_slot(&self, at: At) -> OpenRule {
        match self.holder(at) {
            Some((_, it)) if it.closing || it.flying.is_some() || it.stopped => {
                OpenRule::Wait { continues: false }
            }
            _ => OpenRule::Write,
        }
    }

    fn before_a_slot(&self, n: u32, total: u32, declared: Option<u64>) -> Option<OpenRule> {
        let too_many = u64::from(total) > self.length_or_max().max(1) || total > self.limits.slots;
        let other = self.shape.is_some_and(|shape| shape.total != total);
        if total == 0 || too_many || other || n >= total {
            return Some(OpenRule::Refused);
        }
        if let Some(&row) = self.rows.get(&Key::Slot(n)) {
            return Some(OpenRule::Compare(row));
        }
        let turn = n == self.frontier().0 || n == total - 1 || self.sizing() != Some(Sizing::InOrder);
        let (least, most) = self.sizes(n, total);
        let fits = declared.is_none_or(|size| least <= size && size <= most);
        (!turn || !fits).then_some(OpenRule::Refused)
    }

    /// The nearest rows before and after a slot.
    fn beside(&self, n: u32) -> (Option<Row>, Option<Row>) {
        let before = self.rows.values().rfind(|row| row.at < Key::Slot(n)).copied();
        let after = self.rows.values().find(|row| row.at > Key::Slot(n)).copied();
        (before, after)
    }

    /// How many bytes are free between these rows, and whether this slot alone has to fill them.
    fn gap(&self, n: u32, total: u32) -> (u64, bool) {
        let (before, after) = self.beside(n);
        let start = before.map_or(0, |row| row.start + row.len);
        let end = after.map_or(self.length_or_max(), |row| row.start);
        let left = n == 0 || before.is_some_and(|row| row.at == Key::Slot(n - 1));
        let right = n == total - 1 || after.is_some_and(|row| row.at == Key::Slot(n + 1));
        (end - start, left && right)
    }

    /// Smallest and largest size that is possible by what is known.
    pub(super) fn sizes(&self, n: u32, total: u32) -> (u64, u64) {
        let length = self.length_or_max();
        let (gap, alone) = self.gap(n, total);
        let later = self.beside(n).1.is_some_and(|row| row.at != Key::Slot(total - 1));
        let (least, most) = match self.sizing() {
            _ if alone => (gap, gap),
            None => (0, length),
            Some(Sizing::Uniform(size)) if n == total - 1 => {
                let exact = length.saturating_sub(u64::from(total - 1).saturating_mul(size));
                (exact, exact)
            }
            Some(Sizing::Uniform(size)) if later => (size, size),
            Some(Sizing::Uniform(size)) if n != self.frontier().0 => (0, size),
            Some(_) => (0, gap),
        };
        (least, most.min(self.limits.chunk).min(length))
    }

    pub(super) fn close(&self, n: u32, total: u32, got: u64) -> CloseRule {
        let (length, chunk) = (self.length_or_max(), self.limits.chunk);
        let (next, frontier) = self.frontier();
        let last = n == total - 1;
        let others = u64::from(total - 1);
        let (gap, alone) = self.gap(n, total);
        let in_order = Some(Sizing::InOrder);
        let fits_in_order = if alone { got == gap } else { got <= gap };
        if self.shape.is_some_and(|shape| shape.total != total) {
            return CloseRule::Refused;
        }
        match self.sizing() {
            _ if total == 1 && got != length => CloseRule::Refused,
            _ if total == 1 && self.shape.is_none() => CloseRule::Ask(Shape { total, sizing: None }),
            _ if total == 1 => CloseRule::Stand(0),
            None if last => {
                let rest = length - got;
                let size = rest / others;
                let uniform = rest % others == 0 && size > 0 && size <= chunk;
                let sizing = if uniform { Some(Sizing::Uniform(size)) } else { in_order };
                CloseRule::Ask(Shape { total, sizing })
            }
            None if got > 0 && others * got <= length && length - others * got <= chunk => {
                CloseRule::Ask(Shape { total, sizing: Some(Sizing::Uniform(got)) })
            }
            None if n == 0 => CloseRule::Ask(Shape { total, sizing: in_order }),
            None => CloseRule::Refused,
            Some(Sizing::Uniform(size)) if last && got == length - others * size => {
                CloseRule::Stand(others * size)
            }
            Some(Sizing::Uniform(size)) if !last && got == size => CloseRule::Stand(u64::from(n) * size),
            Some(Sizing::Uniform(_)) => {
                let later = self.beside(n).1.is_some_and(|row| row.at != Key::Slot(total - 1));
                if last || n != next || later || !fits_in_order {
                    CloseRule::Refused
                } else {
                    CloseRule::Ask(Shape { total, sizing: in_order })
                }
            }
            Some(Sizing::InOrder) if (n != next && !last) || !fits_in_order => CloseRule::Refused,
            Some(Sizing::InOrder) if n == next => CloseRule::Stand(frontier),
            Some(Sizing::InOrder) => CloseRule::Stand(length - got),
        }
    }
}
