//! Length and CRC: whether bytes that come again are the same bytes.

use std::fmt;
use std::str::FromStr;

use crate::crc::Crc64Nvme;
use crate::error::{ParseError, excerpt};
use crate::text::serde_as_text;

/// The length and the CRC-64/NVME of a run of bytes.
///
/// It finds accidents, not attacks: anyone can make other bytes with the same fingerprint. Fingerprints of
/// neighbours combine without their bytes. Text and serde form are `length:crc`:
///
/// ```
/// use upload_checksum::Fingerprint;
///
/// let whole = Fingerprint::of(b"1234").combine(Fingerprint::of(b"56789"));
/// assert_eq!(whole, Fingerprint::of(b"123456789"));
/// assert_eq!(whole.to_string(), "9:ae8b14860a799888");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// How many bytes.
    pub len: u64,
    /// Their CRC-64/NVME.
    pub crc64: u64,
}

impl Fingerprint {
    /// The fingerprint of no bytes.
    pub const EMPTY: Self = Self { len: 0, crc64: 0 };

    /// The fingerprint of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut fingerprinter = Fingerprinter::new();
        fingerprinter.update(bytes);
        fingerprinter.finish()
    }

    /// The fingerprint of the bytes of `self` followed by those of `next`; neither is read again. Costs
    /// some tens of nanoseconds for each bit set in `next.len`.
    #[must_use]
    pub fn combine(self, next: Self) -> Self {
        let crc = Crc64Nvme(self.crc64).followed_by(Crc64Nvme(next.crc64), next.len);
        Self { len: self.len.saturating_add(next.len), crc64: crc.0 }
    }
}

/// Combines neighbours in order.
impl FromIterator<Fingerprint> for Fingerprint {
    fn from_iter<I: IntoIterator<Item = Self>>(neighbours: I) -> Self {
        neighbours.into_iter().fold(Self::EMPTY, Self::combine)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:016x}", self.len, self.crc64)
    }
}

/// Reads the canonical form only: what [`Display`](fmt::Display) writes.
impl FromStr for Fingerprint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let read = || {
            let (len, crc64) = text.split_once(':')?;
            let read = Self { len: len.parse().ok()?, crc64: u64::from_str_radix(crc64, 16).ok()? };
            // The number parsers are lenient (signs, zeros, cases); the writer is not.
            (read.to_string() == text).then_some(read)
        };
        read().ok_or_else(|| ParseError::Fingerprint { got: excerpt(text) })
    }
}

serde_as_text!(Fingerprint, "a fingerprint as length:crc");

/// Computes a [`Fingerprint`] over bytes that come in pieces. Two words, so copies are free.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fingerprinter {
    crc: Crc64Nvme,
    len: u64,
}

impl Fingerprinter {
    /// One that has seen no bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that has seen the bytes of `so_far`.
    #[must_use]
    pub fn resume(so_far: Fingerprint) -> Self {
        Self { crc: Crc64Nvme(so_far.crc64), len: so_far.len }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.len = self.len.saturating_add(bytes.len() as u64);
    }

    /// How many bytes it has seen.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a count of bytes, not a container")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The fingerprint of all bytes seen so far.
    #[must_use]
    pub fn finish(self) -> Fingerprint {
        Fingerprint { len: self.len, crc64: self.crc.0 }
    }
}
