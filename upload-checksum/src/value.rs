//! A digest as a value.

use std::fmt;
use std::hash::{Hash, Hasher as StdHasher};
use std::str::FromStr;

use subtle::ConstantTimeEq as _;

use crate::error::{ParseError, excerpt};
use crate::text::serde_as_text;
use crate::{Algorithm, codec};

/// The longest digest, in bytes.
const MAX_LEN: usize = 64;

/// A digest: its algorithm and its bytes.
///
/// Two digests compare in constant time, so that an answer's delay never tells how much of a guess was
/// right. Text and serde form are `algorithm:hex`:
///
/// ```
/// use upload_checksum::{Algorithm, Digest};
///
/// let digest = Digest::from_base64(Algorithm::Crc32c, "4waSgw==")?;
/// assert_eq!(digest.to_string(), "crc32c:e3069283");
/// assert_eq!("CRC32C:E3069283".parse(), Ok(digest));
/// # Ok::<(), upload_checksum::ParseError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Digest {
    algorithm: Algorithm,
    /// Zero beyond the algorithm's length, so whole arrays compare.
    bytes: [u8; MAX_LEN],
}

impl Digest {
    /// A digest from its bytes.
    ///
    /// # Errors
    /// [`ParseError::Length`] if there are not exactly [`Algorithm::output_len`] of them.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, ParseError> {
        check_len(algorithm, "bytes", algorithm.output_len(), bytes.len())?;
        Ok(Self::padded(algorithm, bytes))
    }

    /// A digest from hex digits of either case.
    ///
    /// # Errors
    /// [`ParseError::Length`] or [`ParseError::Hex`]: nothing but the digits is taken, no prefix, no space.
    pub fn from_hex(algorithm: Algorithm, hex: &str) -> Result<Self, ParseError> {
        let len = algorithm.output_len();
        check_len(algorithm, "hex digits", 2 * len, hex.len())?;
        let mut bytes = [0; MAX_LEN];
        codec::read_hex(hex, &mut bytes).map_err(|at| ParseError::Hex { algorithm, at })?;
        Ok(Self { algorithm, bytes })
    }

    /// A digest from canonical base64: standard alphabet, padded, unused bits zero (RFC 4648, section 3.5).
    ///
    /// # Errors
    /// [`ParseError::Length`] or [`ParseError::Base64`].
    pub fn from_base64(algorithm: Algorithm, base64: &str) -> Result<Self, ParseError> {
        let expected = codec::base64_len(algorithm.output_len());
        check_len(algorithm, "base64 characters", expected, base64.len())?;
        let bytes = codec::from_base64(base64)
            .map_err(|error| ParseError::Base64 { algorithm, why: error.to_string() })?;
        Self::from_bytes(algorithm, &bytes)
    }

    /// `bytes` are known to have the algorithm's length.
    pub(crate) fn padded(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut padded = [0; MAX_LEN];
        for (to, from) in padded.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self { algorithm, bytes: padded }
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bytes, [`Algorithm::output_len`] of them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.algorithm.output_len()).unwrap_or_default()
    }

    /// Lower-case hex, without the algorithm.
    #[must_use]
    pub fn to_hex(&self) -> String {
        let mut hex = String::with_capacity(2 * self.algorithm.output_len());
        // Writing to a String cannot fail.
        let _ = codec::write_hex(&mut hex, self.as_bytes());
        hex
    }

    /// Canonical base64, without the algorithm.
    #[must_use]
    pub fn to_base64(&self) -> String {
        codec::to_base64(self.as_bytes())
    }
}

fn check_len(
    algorithm: Algorithm,
    unit: &'static str,
    expected: usize,
    got: usize,
) -> Result<(), ParseError> {
    if got == expected { Ok(()) } else { Err(ParseError::Length { algorithm, unit, expected, got }) }
}

/// Constant time in the bytes; the algorithm is no secret.
impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && bool::from(self.bytes.ct_eq(&other.bytes))
    }
}

impl Eq for Digest {}

impl Hash for Digest {
    fn hash<H: StdHasher>(&self, state: &mut H) {
        self.algorithm.hash(state);
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.algorithm)?;
        codec::write_hex(f, self.as_bytes())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (algorithm, hex) =
            text.split_once(':').ok_or_else(|| ParseError::NoColon { got: excerpt(text) })?;
        Self::from_hex(algorithm.parse()?, hex)
    }
}

serde_as_text!(Digest, "a digest as algorithm:hex");
