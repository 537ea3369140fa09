//! Hashers at rest.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::crc::Crc64Nvme;
use crate::error::excerpt;
use crate::{Algorithm, ResumeError, codec};

/// The progress of one [`Hasher`](crate::Hasher), made by [`Hasher::save`](crate::Hasher::save).
///
/// It names the line of the implementation that wrote it (`sha2-0.11`): only that line can read it. It is
/// sealed with a CRC over all it says, so a cut or flipped record is noticed; that is no protection against
/// a forger. In serde a map of `algorithm`, `version`, `position` and `state` (base64).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedState {
    algorithm: Algorithm,
    version: String,
    position: u64,
    /// The implementation's bytes, then the seal.
    #[serde(with = "base64_text")]
    state: Vec<u8>,
}

impl SavedState {
    pub(crate) fn seal(algorithm: Algorithm, line: &str, position: u64, mut state: Vec<u8>) -> Self {
        let seal = seal(algorithm, line, position, &state);
        state.extend_from_slice(&seal);
        Self { algorithm, version: line.to_owned(), position, state }
    }

    /// The implementation's bytes, if `line` wrote them and the seal holds.
    pub(crate) fn open(&self, line: &'static str) -> Result<&[u8], ResumeError> {
        let algorithm = self.algorithm;
        if self.version != line {
            return Err(ResumeError::Version { algorithm, expected: line, got: excerpt(&self.version) });
        }
        let (bytes, mark) = self
            .state
            .split_last_chunk::<8>()
            .ok_or(ResumeError::Damaged { algorithm, why: "shorter than its seal" })?;
        if *mark != seal(algorithm, line, self.position, bytes) {
            return Err(ResumeError::Damaged { algorithm, why: "its seal does not fit" });
        }
        Ok(bytes)
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How many bytes had been hashed.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The line of the implementation that can resume it, such as `sha2-0.11`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// No field's end can be taken for another's: names hold no zero byte, the position has a fixed width.
fn seal(algorithm: Algorithm, line: &str, position: u64, state: &[u8]) -> [u8; 8] {
    let parts: [&[u8]; 6] =
        [algorithm.name().as_bytes(), &[0], line.as_bytes(), &[0], &position.to_be_bytes(), state];
    Crc64Nvme::of(&parts).0.to_be_bytes()
}

/// The state itself is not shown: it holds some of the hashed bytes.
impl fmt::Debug for SavedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedState")
            .field("algorithm", &self.algorithm)
            .field("version", &self.version)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// The progress of a [`HasherSet`](crate::HasherSet), made by [`HasherSet::save`](crate::HasherSet::save).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSet {
    pub(crate) position: u64,
    pub(crate) states: Vec<SavedState>,
}

impl SavedSet {
    /// How many bytes had been hashed.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The algorithms, as saved.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.states.iter().map(SavedState::algorithm)
    }

    /// The states, as saved.
    #[must_use]
    pub fn states(&self) -> &[SavedState] {
        &self.states
    }
}

mod base64_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::codec;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&codec::to_base64(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        codec::from_base64(&text)
            .map_err(|error| D::Error::custom(format_args!("a saved state is canonical base64: {error}")))
    }
}
