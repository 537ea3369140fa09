//! The digest algorithms and their names.

use std::fmt;
use std::str::FromStr;

use crate::error::{ParseError, excerpt};
use crate::text::serde_as_text;

/// A digest algorithm.
///
/// The order is that of [`Algorithm::ALL`]; maps and lists of this crate are sorted by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// MD5 (RFC 1321), 16 bytes. Broken against attackers; kept because clients and stores still send it.
    Md5,
    /// SHA-1 (FIPS 180-4), 20 bytes. Broken against attackers; kept because clients still send it.
    Sha1,
    /// SHA-256 (FIPS 180-4), 32 bytes.
    Sha256,
    /// SHA-512 (FIPS 180-4), 64 bytes.
    Sha512,
    /// CRC-32C (Castagnoli, RFC 3720 appendix B.4), 4 bytes, most significant first.
    Crc32c,
    /// CRC-64/NVME (NVM Express command set specification), 8 bytes, most significant first.
    Crc64Nvme,
}

impl Algorithm {
    /// Every algorithm this version knows, in order.
    pub const ALL: &[Self] =
        &[Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512, Self::Crc32c, Self::Crc64Nvme];

    /// The canonical name: `md5`, `sha-1`, `sha-256`, `sha-512`, `crc32c`, `crc64nvme`.
    ///
    /// ```
    /// # use upload_checksum::Algorithm;
    /// assert_eq!(Algorithm::Sha256.name(), "sha-256");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha-1",
            Self::Sha256 => "sha-256",
            Self::Sha512 => "sha-512",
            Self::Crc32c => "crc32c",
            Self::Crc64Nvme => "crc64nvme",
        }
    }

    /// The length of a digest, in bytes.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
            Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
        }
    }

    /// Whether nobody is known to be able to make two different contents with one digest at will:
    /// true for SHA-256 and SHA-512 only. MD5 and SHA-1 were designed for that and no longer hold it,
    /// a CRC never did.
    #[must_use]
    pub const fn is_cryptographic(self) -> bool {
        matches!(self, Self::Sha256 | Self::Sha512)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Reads the canonical name in any ASCII case, with or without its hyphens, since both spellings are
/// common (`SHA256`, `sha-256`, `CRC-64NVME`). Nothing else is taken: what another vocabulary calls
/// these algorithms is for its reader to translate.
impl FromStr for Algorithm {
    type Err = ParseError;

    fn from_str(name: &str) -> Result<Self, ParseError> {
        fn letters(name: &str) -> impl Iterator<Item = u8> {
            name.bytes().filter(|&byte| byte != b'-').map(|byte| byte.to_ascii_lowercase())
        }
        Self::ALL
            .iter()
            .copied()
            .find(|algorithm| letters(algorithm.name()).eq(letters(name)))
            .ok_or_else(|| ParseError::UnknownAlgorithm { got: excerpt(name) })
    }
}

serde_as_text!(Algorithm, "the name of a digest algorithm");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for &algorithm in Algorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(algorithm.name().to_ascii_uppercase().replace('-', "").parse(), Ok(algorithm));
        }
        assert_eq!("CRC-64NVME".parse(), Ok(Algorithm::Crc64Nvme));
    }

    #[test]
    fn other_names_are_refused_and_the_error_names_the_known_ones() {
        for name in ["", "-", "sha", "sha-224", "sha 256", "sha_256", " sha-256", "ſha-256", "blake3"] {
            let error = name.parse::<Algorithm>().unwrap_err().to_string();
            assert!(error.contains(&format!("{name:?}")) && error.contains("sha-256"), "{error}");
        }
    }

    #[test]
    fn all_is_sorted_and_only_unbroken_hashes_are_cryptographic() {
        assert!(Algorithm::ALL.is_sorted());
        let strong: Vec<_> = Algorithm::ALL.iter().filter(|a| a.is_cryptographic()).collect();
        assert_eq!(strong, [&Algorithm::Sha256, &Algorithm::Sha512]);
    }
}
