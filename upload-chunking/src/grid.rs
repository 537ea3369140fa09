//! The grid of parts: how a whole is cut for stores that keep it as numbered parts of a least size.
//!
//! Where parts stand in the order of their numbers, a number has to be known before its neighbours are. So the whole is cut into
//! cells, each as long as a part must be at least, and a cell has a few numbers, one for each attempt to fill it:
//!
//! ```text
//!   cell       0           1           2
//!   bytes  0 ───────── 8 MiB ────── 16 MiB ───── 20 MiB
//!   numbers  1 … 8      9 … 16     17 … 24
//! ```
//! Chunks of one size that are large enough are cells, or are cut into cells evenly; smaller ones share a cell.
//!
//! ```
//! use upload_chunking::grid::{Grid, Rules};
//!
//! let rules = Rules { least: 5, most_parts: 100, equal: false };
//! let grid = Grid::of_chunks(rules, 8, 60, 20).ok_or("too long")?; // chunks of 20 bytes, parts of about 8
//! assert_eq!(grid.cell(25), 2);
//! assert_eq!(grid.bounds(2), (20, 30));
//! assert_eq!(grid.number(2, 0), Some(17));
//! # Ok::<(), &str>(())
//! ```

/// What a store asks of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Least bytes of every part but the last.
    pub least: u64,
    /// Highest number of a part.
    pub most_parts: u32,
    /// All parts but the last have the same size.
    pub equal: bool,
}

/// Most attempts that a cell has numbers for.
pub const MOST_ATTEMPTS: u32 = 8;
/// Fewest: one that was broken off may still come to be stored, so there must be another.
pub const FEWEST_ATTEMPTS: u32 = 2;

/// A whole cut into cells; fixed once for an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grid {
    unit: u64,
    split: u32,
    attempts: u32,
}

impl Grid {
    /// The grid of a whole of at most `length` bytes that comes in no chunks of one size. `None` if there is no such grid.
    #[must_use]
    pub fn of_bytes(rules: Rules, preferred: u64, length: u64) -> Option<Self> {
        let unit = preferred.max(rules.least).max(1);
        Self { unit, split: 1, attempts: 0 }.fitted(rules, length)
    }

    /// The grid of a whole of `length` bytes that comes in chunks of `chunk` bytes. `None` if there is no such grid.
    #[must_use]
    pub fn of_chunks(rules: Rules, preferred: u64, length: u64, chunk: u64) -> Option<Self> {
        let (least, preferred) = (rules.least.max(1), preferred.max(rules.least).max(1));
        if chunk == 0 {
            return None;
        }
        if chunk < least {
            let unit = chunk.checked_mul(preferred.div_ceil(chunk))?;
            return Self { unit, split: 1, attempts: 0 }.fitted(rules, length);
        }
        let mut split = u32::try_from(chunk / preferred).unwrap_or(u32::MAX).max(1);
        let fine = |split: &u32| {
            let parts = u64::from(*split);
            if rules.equal {
                return chunk % parts == 0;
            }
            let each = chunk.div_ceil(parts);
            chunk.checked_sub(each.saturating_mul(parts - 1)).is_some_and(|last| last >= least)
        };
        while split > 1 && !fine(&split) {
            split -= 1;
        }
        Self { unit: chunk, split, attempts: 0 }.fitted(rules, length)
    }

    /// A grid as it was [taken apart](Self::parts); `None` for what is none.
    #[must_use]
    pub const fn from_parts(unit: u64, split: u32, attempts: u32) -> Option<Self> {
        if unit == 0 || split == 0 || split as u64 > unit || attempts == 0 {
            return None;
        }
        Some(Self { unit, split, attempts })
    }

    /// Bytes of a unit, cells of a unit, attempts of a cell.
    #[must_use]
    pub const fn parts(&self) -> (u64, u32, u32) {
        (self.unit, self.split, self.attempts)
    }

    /// Makes units longer until there are numbers for all cells.
    fn fitted(mut self, rules: Rules, length: u64) -> Option<Self> {
        let most = u64::from(rules.most_parts / FEWEST_ATTEMPTS);
        let count = |grid: &Self| length.div_ceil(grid.unit).checked_mul(u64::from(grid.split));
        if count(&self).is_none_or(|cells| cells > most) {
            self.split = 1;
            let times = length.div_ceil(self.unit).div_ceil(most.max(1)).max(1);
            self.unit = self.unit.checked_mul(times)?;
        }
        let cells = count(&self).filter(|cells| *cells <= most)?.max(1);
        let attempts = u32::try_from(u64::from(rules.most_parts) / cells).unwrap_or(u32::MAX);
        self.attempts = attempts.min(MOST_ATTEMPTS);
        (self.attempts >= FEWEST_ATTEMPTS).then_some(self)
    }

    /// Bytes of the cells of a unit; the last one may have less.
    const fn step(&self) -> u64 {
        self.unit.div_ceil(self.split as u64)
    }

    /// Bytes of the longest cell.
    #[must_use]
    pub const fn cell_size(&self) -> u64 {
        self.step()
    }

    /// How many numbers a cell has.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The cell that a byte lies in.
    #[must_use]
    pub const fn cell(&self, position: u64) -> u64 {
        (position / self.unit).saturating_mul(self.split as u64) + position % self.unit / self.step()
    }

    /// The first byte of a cell, and the first behind it.
    #[must_use]
    pub const fn bounds(&self, cell: u64) -> (u64, u64) {
        let split = self.split as u64;
        let unit = (cell / split).saturating_mul(self.unit);
        let start = unit.saturating_add((cell % split).saturating_mul(self.step()));
        let unit_end = unit.saturating_add(self.unit);
        let end = start.saturating_add(self.step());
        (start, if end < unit_end && cell % split + 1 < split { end } else { unit_end })
    }

    /// The number of the part that an attempt, counted from 0, fills a cell with. `None` if there is no such attempt.
    #[must_use]
    pub const fn number(&self, cell: u64, attempt: u32) -> Option<u64> {
        if attempt >= self.attempts {
            return None;
        }
        Some(cell.saturating_mul(self.attempts as u64).saturating_add(attempt as u64 + 1))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FEWEST_ATTEMPTS, Grid, Rules};

    fn holds(grid: Grid, rules: Rules, length: u64) -> Result<(), TestCaseError> {
        let (mut position, mut last_number) = (0, 0);
        while position < length {
            let cell = grid.cell(position);
            let (start, end) = grid.bounds(cell);
            prop_assert_eq!(start, position, "cells follow each other");
            prop_assert!(end > start && end - start <= grid.cell_size());
            prop_assert_eq!(grid.cell(end - 1), cell, "a cell's last byte lies in it");
            prop_assert!(end >= length || end - start >= rules.least, "{:?} too short", (start, end));
            prop_assert!(!rules.equal || end - start == grid.cell_size());
            for attempt in 0..grid.attempts() {
                let number = grid.number(cell, attempt).unwrap();
                prop_assert!(number > last_number && number <= u64::from(rules.most_parts));
                last_number = number;
            }
            prop_assert_eq!(grid.number(cell, grid.attempts()), None);
            position = end;
        }
        prop_assert!(grid.attempts() >= FEWEST_ATTEMPTS);
        let (unit, split, attempts) = grid.parts();
        prop_assert_eq!(Grid::from_parts(unit, split, attempts), Some(grid));
        Ok(())
    }

    proptest! {
        #[test]
        fn cells_cover_the_whole_in_order_and_are_long_enough(
            least in 0..20u64, most_parts in 2..60u32, equal: bool, preferred in 0..50u64, length in 0..2000u64, chunk in 1..300u64,
        ) {
            let rules = Rules { least, most_parts, equal };
            if let Some(grid) = Grid::of_bytes(rules, preferred, length) {
                holds(grid, rules, length)?;
            }
            if let Some(grid) = Grid::of_chunks(rules, preferred, length, chunk) {
                holds(grid, rules, length)?;
                prop_assert!(grid.bounds(0).1 % chunk == 0 || chunk >= least, "small chunks are not cut");
                prop_assert!(chunk < least || grid.parts().0 % chunk == 0, "units end where chunks do");
            }
        }
    }

    #[test]
    fn there_is_a_grid_for_whatever_fits() {
        let rules = Rules { least: 5 << 20, most_parts: 10_000, equal: false };
        let of_bytes = |length| Grid::of_bytes(rules, 8 << 20, length).map(|grid| grid.parts());
        assert_eq!(of_bytes(0), Some((8 << 20, 1, 8)));
        assert_eq!(of_bytes(9 << 30), Some((8 << 20, 1, 8)));
        assert_eq!(of_bytes(300 << 30), Some((64 << 20, 1, 2)));
        let of_chunks =
            |length, chunk| Grid::of_chunks(rules, 8 << 20, length, chunk).map(|grid| grid.parts());
        assert_eq!(of_chunks(1 << 30, 5 << 20), Some((5 << 20, 1, 8)));
        assert_eq!(of_chunks(1 << 30, 64 << 20), Some((64 << 20, 8, 8)));
        assert_eq!(of_chunks(1 << 30, 1 << 20), Some((8 << 20, 1, 8)));
        assert_eq!(of_chunks(40 << 30, 5 << 20), Some((10 << 20, 1, 2)));
        assert_eq!(of_chunks(10, 0), None);
        assert_eq!(Grid::of_bytes(rules, 8 << 20, u64::MAX).map(|grid| grid.attempts()), Some(2));
        assert_eq!(Grid::from_parts(4, 5, 1), None);
    }
}
