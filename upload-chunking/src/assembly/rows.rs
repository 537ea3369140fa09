//! The rows that are known, as runs of neighbours of one size: an upload in order is one run, however
//! many chunks it has, and every question costs the logarithm of the number of runs.

use alloc::collections::BTreeMap;

use super::facts::{Key, Row};

/// Whether rows are named by slot or by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Places {
    Slots,
    Offsets,
}

/// `count` rows of `len` bytes each, without a gap from `start`. Their keys go up by 1 (slots) or `len`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Run {
    start: u64,
    len: u64,
    count: u64,
}

impl Run {
    fn end(&self) -> u64 {
        self.start + self.len * self.count
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rows {
    places: Places,
    /// key of the first row → run
    runs: BTreeMap<u64, Run>,
    count: u64,
    bytes: u64,
    next_key: u64,
    frontier: u64,
}

impl Rows {
    pub(crate) const fn slots() -> Self {
        Self::new(Places::Slots)
    }

    pub(crate) const fn offsets() -> Self {
        Self::new(Places::Offsets)
    }

    const fn new(places: Places) -> Self {
        Self { places, runs: BTreeMap::new(), count: 0, bytes: 0, next_key: 0, frontier: 0 }
    }

    pub(crate) const fn len(&self) -> u64 {
        self.count
    }

    /// Bytes of all rows.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where the rows that follow each other from 0 end.
    pub(crate) const fn frontier(&self) -> u64 {
        self.frontier
    }

    /// The first slot without a row.
    pub(crate) fn next_slot(&self) -> u32 {
        u32::try_from(self.next_key).unwrap_or(u32::MAX)
    }

    fn step(&self, run: &Run) -> u64 {
        match self.places {
            Places::Slots => 1,
            Places::Offsets => run.len.max(1),
        }
    }

    fn key_end(&self, first: u64, run: &Run) -> u64 {
        first + self.step(run) * run.count
    }

    fn number(&self, key: Key) -> Option<u64> {
        match (self.places, key) {
            (Places::Slots, Key::Slot(n)) => Some(u64::from(n)),
            (Places::Offsets, Key::Offset(offset)) => Some(offset),
            _ => None,
        }
    }

    fn nth(&self, first: u64, run: &Run, index: u64) -> Option<Row> {
        if index >= run.count {
            return None;
        }
        let start = run.start + run.len * index;
        let at = match self.places {
            Places::Slots => Key::Slot(u32::try_from(first + index).ok()?),
            Places::Offsets => Key::Offset(start),
        };
        Some(Row { at, start, len: run.len })
    }

    pub(crate) fn get(&self, key: Key) -> Option<Row> {
        let number = self.number(key)?;
        let (&first, run) = self.runs.range(..=number).next_back()?;
        let step = self.step(run);
        if (number - first) % step != 0 {
            return None;
        }
        self.nth(first, run, (number - first) / step)
    }

    /// The nearest row before `key`.
    pub(crate) fn before(&self, key: Key) -> Option<Row> {
        let number = self.number(key)?;
        let (&first, run) = self.runs.range(..number).next_back()?;
        self.nth(first, run, (number - first).div_ceil(self.step(run)).min(run.count) - 1)
    }

    /// The nearest row after `key`.
    pub(crate) fn after(&self, key: Key) -> Option<Row> {
        let number = self.number(key)?;
        if let Some((&first, run)) = self.runs.range(..=number).next_back() {
            if let Some(row) = self.nth(first, run, (number - first) / self.step(run) + 1) {
                return Some(row);
            }
        }
        let (&first, run) = self.runs.range(number.checked_add(1)?..).next()?;
        self.nth(first, run, 0)
    }

    /// The row that starts at byte `start`. Slots: looks through the runs.
    pub(crate) fn starting_at(&self, start: u64) -> Option<Row> {
        match self.places {
            Places::Offsets => self.get(Key::Offset(start)),
            Places::Slots => self.runs.iter().find_map(|(&first, run)| {
                let distance = start.checked_sub(run.start)?;
                let index = distance.checked_div(run.len).unwrap_or(0);
                self.nth(first, run, index).filter(|row| row.start == start)
            }),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Row> + '_ {
        self.runs
            .iter()
            .flat_map(move |(&first, run)| (0..run.count).filter_map(move |i| self.nth(first, run, i)))
    }

    /// Adds a row. The caller has made sure that its place is free, and that it touches the rows whose keys
    /// are next to its own.
    pub(crate) fn insert(&mut self, row: Row) {
        let Some(key) = self.number(row.at) else { return };
        let mut first = key;
        let mut run = Run { start: row.start, len: row.len, count: 1 };
        if let Some((&f, before)) = self.runs.range(..key).next_back() {
            if self.key_end(f, before) == key && before.len == row.len {
                first = f;
                run = Run { count: before.count + 1, ..*before };
            }
        }
        let next = self.key_end(first, &run);
        if let Some(after) = self.runs.get(&next).copied() {
            if after.len == run.len {
                self.runs.remove(&next);
                run.count += after.count;
            }
        }
        self.runs.insert(first, run);
        self.count += 1;
        self.bytes += row.len;
        while let Some((&f, run)) = self.runs.range(..=self.next_key).next_back() {
            let end = self.key_end(f, run);
            if end <= self.next_key {
                break;
            }
            (self.next_key, self.frontier) = (end, run.end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn ten_thousand_rows_in_any_order_end_as_one_run() {
        let mut rows = Rows::slots();
        // 7919 is prime to 10,000: every slot comes once, far from its neighbours.
        for i in 0..10_000_u32 {
            let n = (i * 7919) % 10_000;
            rows.insert(Row::slot(n, u64::from(n) * 8, 8));
        }
        assert_eq!((rows.runs.len(), rows.len(), rows.bytes(), rows.frontier()), (1, 10_000, 80_000, 80_000));
    }

    #[test]
    fn neighbours_are_found_across_runs() {
        let mut rows = Rows::slots();
        for row in [Row::slot(0, 0, 4), Row::slot(1, 4, 4), Row::slot(2, 8, 0), Row::slot(5, 20, 3)] {
            rows.insert(row);
        }
        assert_eq!(rows.next_slot(), 3);
        assert_eq!(rows.before(Key::Slot(5)), Some(Row::slot(2, 8, 0)));
        assert_eq!(rows.before(Key::Slot(1)), Some(Row::slot(0, 0, 4)));
        assert_eq!(rows.after(Key::Slot(1)), Some(Row::slot(2, 8, 0)));
        assert_eq!(rows.after(Key::Slot(2)), Some(Row::slot(5, 20, 3)));
        assert_eq!(rows.after(Key::Slot(5)), None);
        assert_eq!(rows.starting_at(4), Some(Row::slot(1, 4, 4)));
        assert_eq!(rows.starting_at(5), None);
        assert_eq!(rows.iter().map(|row| row.len).collect::<Vec<_>>(), [4, 4, 0, 3]);
    }

    #[test]
    fn extents_are_named_by_where_they_start() {
        let mut rows = Rows::offsets();
        for row in [Row::extent(0, 5), Row::extent(5, 5), Row::extent(10, 2)] {
            rows.insert(row);
        }
        assert_eq!(rows.get(Key::Offset(5)), Some(Row::extent(5, 5)));
        assert_eq!(rows.get(Key::Offset(6)), None);
        assert_eq!(rows.get(Key::Slot(0)), None);
        assert_eq!(rows.after(Key::Offset(0)), Some(Row::extent(5, 5)));
        assert_eq!(rows.before(Key::Offset(12)), Some(Row::extent(10, 2)));
        assert_eq!(rows.frontier(), 12);
    }
}
