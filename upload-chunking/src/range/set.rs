//! Sorted, disjoint ranges.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map;

use super::ByteRange;

/// A set of bytes, kept as sorted ranges that neither overlap nor touch.
///
/// Each operation costs the logarithm of the number of ranges, and one step per range it joins or cuts.
///
/// ```
/// use upload_chunking::range::{ByteRange, RangeSet};
/// let mut set = RangeSet::new();
/// set.insert(ByteRange::new(0, 4)?);
/// set.insert(ByteRange::new(8, 12)?);
/// assert_eq!(set.contiguous_from(0), 4);
/// let gaps: Vec<_> = set.gaps(ByteRange::new(0, 16)?).collect();
/// assert_eq!(gaps, [ByteRange::new(4, 8)?, ByteRange::new(12, 16)?]);
/// # Ok::<(), upload_chunking::range::BadRange>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RangeSet {
    /// start → end
    ranges: BTreeMap<u64, u64>,
    total: u64,
}

impl RangeSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { ranges: BTreeMap::new(), total: 0 }
    }

    /// Adds the bytes of `range`; those that are there already stay.
    pub fn insert(&mut self, range: ByteRange) {
        if range.is_empty() {
            return;
        }
        let (mut start, mut end) = (range.start(), range.end());
        // Every range that begins at or before our end and reaches our start is joined, the last first.
        while let Some((&s, &e)) = self.ranges.range(..=end).next_back() {
            if e < start {
                break;
            }
            start = start.min(s);
            end = end.max(e);
            self.ranges.remove(&s);
            self.total -= e - s;
        }
        self.ranges.insert(start, end);
        self.total += end - start;
    }

    /// Takes the bytes of `range` out; those that are not there stay away.
    pub fn remove(&mut self, range: ByteRange) {
        if range.is_empty() {
            return;
        }
        while let Some((&s, &e)) = self.ranges.range(..range.end()).next_back() {
            if e <= range.start() {
                break;
            }
            self.ranges.remove(&s);
            self.total -= e - s;
            for (from, to) in [(s, range.start().min(e)), (range.end().max(s), e)] {
                if from < to {
                    self.ranges.insert(from, to);
                    self.total += to - from;
                }
            }
            if s <= range.start() {
                break;
            }
        }
    }

    /// The stored range that holds byte `position`.
    fn around(&self, position: u64) -> Option<ByteRange> {
        let (&start, &end) = self.ranges.range(..=position).next_back()?;
        ByteRange::new(start, end).ok().filter(|range| range.contains(position))
    }

    /// Whether byte `position` is in the set.
    #[must_use]
    pub fn contains(&self, position: u64) -> bool {
        self.around(position).is_some()
    }

    /// Whether every byte of `range` is in the set.
    #[must_use]
    pub fn covers(&self, range: ByteRange) -> bool {
        range.is_empty() || self.around(range.start()).is_some_and(|found| found.covers(range))
    }

    /// Where the unbroken run of bytes that begins at `start` ends: `start` itself if it is not in the set.
    /// From 0 this is the frontier.
    #[must_use]
    pub fn contiguous_from(&self, start: u64) -> u64 {
        self.around(start).map_or(start, ByteRange::end)
    }

    /// What is missing inside `within`, in order.
    #[must_use]
    pub fn gaps(&self, within: ByteRange) -> Gaps<'_> {
        let at = self.contiguous_from(within.start()).min(within.end());
        Gaps { ranges: self.ranges.range(at..), at, end: within.end() }
    }

    /// How many bytes the set has.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Whether the set has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// How many separate ranges the set is made of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Its ranges in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = ByteRange> + '_ {
        self.ranges.iter().map(|(&start, &end)| ByteRange::span(start, end - start))
    }
}

impl FromIterator<ByteRange> for RangeSet {
    fn from_iter<I: IntoIterator<Item = ByteRange>>(ranges: I) -> Self {
        let mut set = Self::new();
        ranges.into_iter().for_each(|range| set.insert(range));
        set
    }
}

/// What [`RangeSet::gaps`] gives.
#[derive(Clone, Debug)]
pub struct Gaps<'a> {
    ranges: btree_map::Range<'a, u64, u64>,
    at: u64,
    end: u64,
}

impl Iterator for Gaps<'_> {
    type Item = ByteRange;

    fn next(&mut self) -> Option<ByteRange> {
        if self.at >= self.end {
            return None;
        }
        let (stop, resume) =
            self.ranges.next().map_or((self.end, self.end), |(&s, &e)| (s.min(self.end), e.min(self.end)));
        let gap = ByteRange::span(self.at, stop - self.at);
        self.at = resume;
        Some(gap)
    }
}
