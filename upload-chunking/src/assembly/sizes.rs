//! Which sizes a slot's chunk may have, and what the first ones to close fix for all.

use super::errors::{Expected, Refused};
use super::facts::{Key, Sizing};
use super::slots::Slots;
use crate::plan;

impl Slots {
    /// The one size this chunk can have, where that is certain.
    pub(crate) fn exactly(&self, n: u32, total: u32) -> Option<u64> {
        if self.closes_gap(n, total) {
            return Some(self.between(n));
        }
        let Some(Sizing::Uniform(size)) = self.sizing() else { return None };
        if n + 1 == total {
            return plan::last_from_size(self.length, size, total);
        }
        self.rows.after(Key::Slot(n)).filter(|row| row.at != Key::Slot(total - 1)).map(|_| size)
    }

    /// Whether slot `n` alone is missing between recorded neighbours (or the ends).
    fn closes_gap(&self, n: u32, total: u32) -> bool {
        let before = n.checked_sub(1).is_none_or(|m| self.rows.get(Key::Slot(m)).is_some());
        before && (n + 1 == total || self.rows.get(Key::Slot(n + 1)).is_some())
    }

    /// The most bytes this chunk may have, by what is known now.
    pub(crate) fn most(&self, n: u32, total: u32) -> u64 {
        let certain = self.exactly(n, total).unwrap_or_else(|| match self.sizing() {
            Some(Sizing::Uniform(size)) if n != self.rows.next_slot() => size,
            None => self.length,
            Some(_) => self.between(n),
        });
        certain.min(self.limits.chunk).min(self.length)
    }

    /// How many bytes there are between the nearest rows before and after slot `n`.
    pub(crate) fn between(&self, n: u32) -> u64 {
        let start = self.rows.before(Key::Slot(n)).map_or(0, |row| row.range().end());
        let end = self.rows.after(Key::Slot(n)).map_or(self.length, |row| row.start);
        end.saturating_sub(start)
    }

    /// Whether it is this slot's turn.
    pub(crate) fn check_turn(&self, n: u32, total: u32) -> Result<(), Refused> {
        let expected = self.rows.next_slot();
        if self.sizing() == Some(Sizing::InOrder) && n != expected && n + 1 != total {
            return Err(Refused::OutOfOrder { expected, got: n });
        }
        Ok(())
    }

    /// Whether a chunk that is going to have `got` bytes could ever fit.
    pub(crate) fn check_size(&self, n: u32, total: u32, got: u64) -> Result<(), Refused> {
        let most = self.most(n, total);
        if got > most {
            return Err(Refused::TooLong { most, got });
        }
        match self.exactly(n, total) {
            Some(size) if size != got => {
                Err(Refused::WrongSize { slot: n, got, expected: Expected::Exactly(size) })
            }
            _ => Ok(()),
        }
    }

    /// What the first chunk to close makes of the sizes.
    pub(crate) fn first_sizing(&self, n: u32, total: u32, got: u64) -> Result<Sizing, Refused> {
        if n + 1 == total {
            let size = plan::size_from_last(self.length, got, total);
            return Ok(size
                .filter(|&size| size <= self.limits.chunk)
                .map_or(Sizing::InOrder, Sizing::Uniform));
        }
        let last = plan::last_from_size(self.length, got, total);
        if got > 0 && last.is_some_and(|last| last <= self.limits.chunk) {
            return Ok(Sizing::Uniform(got));
        }
        if n == self.rows.next_slot() {
            return Ok(Sizing::InOrder);
        }
        let others = u64::from(total) - 1;
        let least = self.length.saturating_sub(self.limits.chunk).div_ceil(others).max(1);
        let most = (self.length / others).min(self.limits.chunk);
        Err(Refused::WrongSize { slot: n, got, expected: Expected::Between { least, most } })
    }

    /// Where the chunk stands under [`Sizing::InOrder`], if it fits there: at the frontier, or, for the last
    /// one, so that it ends at the length.
    pub(crate) fn in_order_start(&self, n: u32, total: u32, got: u64) -> Result<u64, Refused> {
        let most = self.between(n);
        let exact = self.closes_gap(n, total);
        if got > most || (exact && got < most) {
            let expected = if exact { Expected::Exactly(most) } else { Expected::Between { least: 0, most } };
            return Err(Refused::WrongSize { slot: n, got, expected });
        }
        let next = n == self.rows.next_slot();
        Ok(if next { self.rows.frontier() } else { self.length - got })
    }
}
