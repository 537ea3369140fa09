//! What can be wrong with a digest in text and with a saved state.

use crate::Algorithm;

/// Why a text or a byte string is not the value it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The name is none of [`Algorithm::ALL`].
    #[error("unknown digest algorithm {got:?}: expected one of {}", known())]
    UnknownAlgorithm {
        /// The name that came, cut to 64 characters.
        got: String,
    },
    /// The value has the wrong length for its algorithm.
    #[error("a {algorithm} digest has {expected} {unit}, got {got}")]
    Length {
        /// The algorithm whose length counts.
        algorithm: Algorithm,
        /// What is counted: `bytes`, `hex digits` or `base64 characters`.
        unit: &'static str,
        /// How many there must be.
        expected: usize,
        /// How many came.
        got: usize,
    },
    /// A character that is no hexadecimal digit.
    #[error(
        "a {algorithm} digest in hex may only hold 0-9, a-f and A-F: found another character at byte {at}"
    )]
    Hex {
        /// The algorithm of the digest.
        algorithm: Algorithm,
        /// The first wrong byte's position, from 0.
        at: usize,
    },
    /// Not base64, or not the one canonical form of its bytes.
    #[error(
        "a {algorithm} digest in base64 must be in the standard alphabet, padded, with no unused bits set: {why}"
    )]
    Base64 {
        /// The algorithm of the digest.
        algorithm: Algorithm,
        /// What the decoder found.
        why: String,
    },
    /// No colon between algorithm and value.
    #[error("a digest is written algorithm:hex, as in crc32c:e3069283: no colon in {got:?}")]
    NoColon {
        /// The text that came, cut to 64 characters.
        got: String,
    },
    /// Not the canonical form of a fingerprint.
    #[error(
        "a fingerprint is written length:crc (a decimal number without leading zeros, 16 lower-case hex digits), \
         as in 9:ae8b14860a799888: got {got:?}"
    )]
    Fingerprint {
        /// The text that came, cut to 64 characters.
        got: String,
    },
    /// Two digests of one algorithm in a list that holds each once.
    #[error("two {algorithm} digests in one list: expected each algorithm once")]
    Repeated {
        /// The algorithm that came twice.
        algorithm: Algorithm,
    },
}

/// Why a saved state cannot be resumed. In every case the way out is the same: hash the bytes again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// The state was saved by another line of the implementation, whose bytes this one cannot read.
    #[error(
        "this {algorithm} state was saved by {got:?}, but {expected:?} is built in: hash again from the start"
    )]
    Version {
        /// The algorithm of the state.
        algorithm: Algorithm,
        /// The implementation line that is built in.
        expected: &'static str,
        /// The line named by the state, cut to 64 characters.
        got: String,
    },
    /// The state is cut, altered, or not what its algorithm saves.
    #[error("this {algorithm} state is damaged ({why}): hash again from the start")]
    Damaged {
        /// The algorithm of the state.
        algorithm: Algorithm,
        /// What is wrong.
        why: &'static str,
    },
    /// The states of a set do not belong together.
    #[error("the {algorithm} state does not fit its set ({why}): hash again from the start")]
    Set {
        /// The first state that does not fit.
        algorithm: Algorithm,
        /// What is wrong.
        why: &'static str,
    },
}

fn known() -> String {
    Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(", ")
}

/// As much of a stranger's text as an error may repeat.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(64).collect()
}
