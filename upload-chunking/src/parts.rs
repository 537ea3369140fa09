//! How many parts a whole has, where nobody says so: what one part's number and size tell.
//!
//! All parts but the last have one size, the last has at most that. So a part is either one of those before the last, and its
//! size is the size; or it is the last, and the others share what is left evenly. Often only one of the two can be.
//!
//! ```
//! use upload_chunking::parts::Totals;
//!
//! // 12 bytes, and part 0 has 5: there are three.
//! assert_eq!(Totals::of(12, 0, 5, 1).only(), Some(3));
//! // Part 2 has 2: the last of 5 + 5 + 2, or one of six parts of 2?
//! let both = Totals::of(12, 2, 2, 1);
//! assert_eq!((both.only(), both.iter().collect::<Vec<_>>()), (None, vec![6, 3]));
//! // Where parts before the last have at least 5 bytes, it is the last.
//! assert_eq!(Totals::of(12, 2, 2, 5).only(), Some(3));
//! ```

use crate::plan::size_from_last;

/// The numbers of parts that a whole can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    inner: Option<u32>,
    last: Option<u32>,
}

impl Totals {
    /// What part `n`, counted from 0, of `size` bytes tells about a whole of `length` bytes, if parts before the last have at
    /// least `least` bytes.
    #[must_use]
    pub fn of(length: u64, n: u32, size: u64, least: u64) -> Self {
        Self { inner: inner(length, n, size, least), last: last(length, n, size, least) }
    }

    /// The number of parts, if only one can be.
    #[must_use]
    pub fn only(&self) -> Option<u32> {
        match (self.inner, self.last) {
            (Some(_), Some(_)) => None,
            (one, other) => one.or(other),
        }
    }

    /// Whether there can be so many parts.
    #[must_use]
    pub fn has(&self, total: u32) -> bool {
        self.iter().any(|possible| possible == total)
    }

    /// All numbers of parts that can be: none, one or two.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.inner.into_iter().chain(self.last)
    }
}

/// The number of parts if part `n` is not the last of them.
fn inner(length: u64, n: u32, size: u64, least: u64) -> Option<u32> {
    let end = size.checked_mul(u64::from(n) + 1)?;
    let ok = size > 0 && size >= least && end < length;
    if ok { u32::try_from(length.div_ceil(size)).ok() } else { None }
}

/// The number of parts if part `n` is the last of them.
fn last(length: u64, n: u32, size: u64, least: u64) -> Option<u32> {
    let total = n.checked_add(1)?;
    let ok = match n {
        0 => size == length,
        _ => size > 0 && size_from_last(length, size, total)? >= size.max(least),
    };
    ok.then_some(total)
}

#[cfg(test)]
mod tests {
    use super::Totals;
    use crate::plan::Plan;

    /// Every part of every cut is recognised, whatever came before; and where two answers are possible, both are cuts.
    #[test]
    fn every_part_of_every_cut_tells_its_number_of_parts() {
        for length in 0..40u64 {
            for size in 1..=length.max(1) {
                let plan = Plan::uniform(length, size).unwrap();
                let total = u32::try_from(plan.count()).unwrap();
                for n in 0..total {
                    let len = plan.chunk(n.into()).unwrap().len();
                    for least in [0, 1, size] {
                        let totals = Totals::of(length, n, len, least);
                        assert!(totals.has(total), "{length} by {size}, part {n} of {len}: {totals:?}");
                        assert!(totals.only().is_none_or(|only| only == total));
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_part_of_any_cut_tells_nothing() {
        for (length, n, size) in [(10, 0, 11), (10, 1, 10), (10, 3, 4), (10, 1, 0), (0, 1, 0), (0, 0, 1)] {
            assert_eq!(Totals::of(length, n, size, 1).iter().count(), 0, "{length} {n} {size}");
        }
        assert_eq!(Totals::of(u64::MAX, u32::MAX, u64::MAX, 0).iter().count(), 0);
        assert_eq!(Totals::of(12, 1, 3, 5).iter().count(), 1, "9 + 3, and not four parts of three");
    }
}
