//! Time as a value: milliseconds since the Unix epoch, and the hour that due keys and object keys carry.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// This much later; saturates.
    pub fn plus(self, d: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(d.as_millis()).unwrap_or(u64::MAX)))
    }

    /// This much earlier; saturates at the epoch.
    pub fn minus(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(d.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The hour it falls in.
    pub const fn hour(self) -> Hour {
        Hour(self.0 / Hour::MILLIS)
    }
}

/// Whole hours since the Unix epoch; shown with eight digits, so that text order is time order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hour(u64);

impl Hour {
    const MILLIS: u64 = 3_600_000;

    /// From hours since the Unix epoch.
    pub const fn new(hours: u64) -> Self {
        Self(hours)
    }

    /// The first moment after this hour.
    pub const fn end(self) -> Timestamp {
        Timestamp(self.0.saturating_add(1).saturating_mul(Self::MILLIS))
    }

    /// Reads the eight digits written by `Display`.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok().map(Self))?
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_sort_as_text_and_read_back() {
        let a = Timestamp::from_millis(1_700_000_000_000).hour();
        let b = a.end().hour();
        assert!(a < b && a.to_string() < b.to_string());
        assert_eq!(Hour::parse(&a.to_string()), Some(a));
        for bad in ["", "1", "+0000001", "000000001", "0000000x"] {
            assert_eq!(Hour::parse(bad), None, "{bad}");
        }
    }
}
