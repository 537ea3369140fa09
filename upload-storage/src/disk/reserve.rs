//! Reserving space ahead of the writers: as much as was received, never beyond the declared length.

use std::collections::BTreeMap;

/// Least and most bytes that one step reserves, and the least that is worth reserving at all.
const STEP: (u64, u64) = (1 << 20, 64 << 20);

/// The reserved ranges of one file.
#[derive(Debug, Default)]
pub(super) struct Reserved {
    /// Ends by start; ranges that touch are one.
    ranges: BTreeMap<u64, u64>,
    received: u64,
}

impl Reserved {
    /// The range to reserve before `len` bytes are written at `position`, noted as reserved; `None` if nothing
    /// is to be done.
    pub(super) fn before_write(
        &mut self,
        position: u64,
        len: u64,
        declared: Option<u64>,
    ) -> Option<(u64, u64)> {
        self.received = self.received.saturating_add(len);
        let limit = declared.unwrap_or(u64::MAX);
        // A small upload is written at once: there is nothing to gain.
        if limit <= STEP.0 || (declared.is_none() && self.received < STEP.0) {
            return None;
        }
        let from = self.reserved_to(position);
        let end = position.saturating_add(len);
        let to = end.max(from.saturating_add(self.received.clamp(STEP.0, STEP.1))).min(limit);
        if end <= from || to <= from {
            return None;
        }
        self.note(from, to);
        Some((from, to - from))
    }

    /// The end of the last reserved range.
    pub(super) fn end(&self) -> u64 {
        self.ranges.last_key_value().map_or(0, |(_, end)| *end)
    }

    fn reserved_to(&self, position: u64) -> u64 {
        self.ranges.range(..=position).next_back().map_or(position, |(_, end)| (*end).max(position))
    }

    fn note(&mut self, mut from: u64, mut to: u64) {
        if let Some((start, end)) = self.ranges.range(..=from).next_back()
            && *end >= from
        {
            (from, to) = (*start, to.max(*end));
        }
        while let Some((start, end)) = self.ranges.range(from..=to).next().map(|(s, e)| (*s, *e)) {
            self.ranges.remove(&start);
            to = to.max(end);
        }
        self.ranges.insert(from, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn steps_follow_what_was_received_and_end_at_the_declared_length() {
        let mut reserved = Reserved::default();
        let (mut position, mut steps) = (0, Vec::new());
        while position < 300 * MIB {
            if let Some((from, len)) = reserved.before_write(position, MIB, Some(300 * MIB)) {
                assert_eq!(from, position);
                steps.push(len / MIB);
            }
            position += MIB;
        }
        assert_eq!(steps, [1, 2, 4, 8, 16, 32, 64, 64, 64, 45]);
        assert_eq!((reserved.end(), reserved.ranges.len()), (300 * MIB, 1));
    }

    #[test]
    fn small_uploads_and_places_beyond_the_length_reserve_nothing() {
        assert_eq!(Reserved::default().before_write(0, 64 << 10, Some(64 << 10)), None);
        assert_eq!(Reserved::default().before_write(0, 64 << 10, None), None);
        assert_eq!(Reserved::default().before_write(1 << 40, MIB, Some(8 * MIB)), None);
    }

    #[test]
    fn places_ahead_join_what_lies_before_them() {
        let mut reserved = Reserved::default();
        assert_eq!(reserved.before_write(4 * MIB, MIB, Some(64 * MIB)), Some((4 * MIB, MIB)));
        assert_eq!(reserved.before_write(0, 5 * MIB, Some(64 * MIB)), Some((0, 6 * MIB)));
        assert_eq!(reserved.before_write(5 * MIB, MIB, Some(64 * MIB)), None);
        assert_eq!(reserved.ranges, BTreeMap::from([(0, 6 * MIB)]));
    }
}
