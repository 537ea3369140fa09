//! One digest, computed as the bytes come.

use std::fmt;

use digest::common::hazmat::{SerializableState, SerializedState};

use crate::crc::{Crc32c, Crc64Nvme};
use crate::{Algorithm, Digest, ResumeError, SavedState};

/// Computes one digest over bytes that come in pieces. Its progress can be saved and resumed, also by
/// another process.
///
/// ```
/// use upload_checksum::{Algorithm, Hasher};
///
/// let mut hasher = Hasher::new(Algorithm::Md5);
/// hasher.update(b"ab");
/// hasher.update(b"c");
/// assert_eq!(hasher.finish().to_hex(), "900150983cd24fb0d6963f7d28e17f72");
/// ```
#[derive(Clone)]
pub struct Hasher {
    state: State,
    position: u64,
}

#[derive(Clone)]
enum State {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
}

/// Evaluates one expression for whichever implementation runs.
macro_rules! each {
    ($state:expr, $hash:ident => $result:expr) => {
        match $state {
            State::Md5($hash) => $result,
            State::Sha1($hash) => $result,
            State::Sha256($hash) => $result,
            State::Sha512($hash) => $result,
            State::Crc32c($hash) => $result,
            State::Crc64Nvme($hash) => $result,
        }
    };
}

impl Hasher {
    /// A hasher that has seen no bytes.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Md5 => State::Md5(Running::start()),
            Algorithm::Sha1 => State::Sha1(Running::start()),
            Algorithm::Sha256 => State::Sha256(Running::start()),
            Algorithm::Sha512 => State::Sha512(Running::start()),
            Algorithm::Crc32c => State::Crc32c(Running::start()),
            Algorithm::Crc64Nvme => State::Crc64Nvme(Running::start()),
        };
        Self { state, position: 0 }
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.state {
            State::Md5(_) => Algorithm::Md5,
            State::Sha1(_) => Algorithm::Sha1,
            State::Sha256(_) => Algorithm::Sha256,
            State::Sha512(_) => Algorithm::Sha512,
            State::Crc32c(_) => Algorithm::Crc32c,
            State::Crc64Nvme(_) => Algorithm::Crc64Nvme,
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        each!(&mut self.state, hash => hash.feed(bytes));
        self.position = self.position.saturating_add(bytes.len() as u64);
    }

    /// How many bytes it has seen.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The digest of all bytes seen. To look without ending, finish a clone.
    #[must_use]
    pub fn finish(self) -> Digest {
        let algorithm = self.algorithm();
        each!(self.state, hash => hash.end(algorithm))
    }

    /// The progress so far, to be kept beside the bytes. It may hold up to 128 of the last bytes in the
    /// clear: guard it as they are guarded.
    #[must_use]
    pub fn save(&self) -> SavedState {
        let bytes = each!(&self.state, hash => hash.freeze());
        SavedState::seal(self.algorithm(), line(self.algorithm()), self.position, bytes)
    }

    /// Continues where [`Hasher::save`] was called.
    ///
    /// # Errors
    /// [`ResumeError::Version`] if another implementation line saved the state,
    /// [`ResumeError::Damaged`] if it is not what that line saved. Hash again from the start then.
    pub fn resume(saved: &SavedState) -> Result<Self, ResumeError> {
        let algorithm = saved.algorithm();
        let bytes = saved.open(line(algorithm))?;
        let mut hasher = Self::new(algorithm);
        each!(&mut hasher.state, hash => *hash = Running::thaw(bytes)
            .ok_or(ResumeError::Damaged { algorithm, why: "the implementation does not accept it" })?);
        hasher.position = saved.position();
        Ok(hasher)
    }
}

/// Tells algorithm and position; the state would show some of the bytes.
impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("algorithm", &self.algorithm())
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// Who can read an algorithm's saved state. The hash crates promise it within one line of versions; a
/// CRC's state is the checksum so far, which no implementation owns.
fn line(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Md5 => "md-5-0.11",
        Algorithm::Sha1 => "sha1-0.11",
        Algorithm::Sha256 | Algorithm::Sha512 => "sha2-0.11",
        Algorithm::Crc32c | Algorithm::Crc64Nvme => "crc-value-1",
    }
}

/// What a hasher asks of an implementation.
trait Running: Sized {
    fn start() -> Self;
    fn feed(&mut self, bytes: &[u8]);
    fn end(self, algorithm: Algorithm) -> Digest;
    fn freeze(&self) -> Vec<u8>;
    fn thaw(bytes: &[u8]) -> Option<Self>;
}

impl<H: digest::Digest + SerializableState> Running for H {
    fn start() -> Self {
        Self::new()
    }

    fn feed(&mut self, bytes: &[u8]) {
        digest::Digest::update(self, bytes);
    }

    fn end(self, algorithm: Algorithm) -> Digest {
        Digest::padded(algorithm, &self.finalize())
    }

    fn freeze(&self) -> Vec<u8> {
        self.serialize().to_vec()
    }

    fn thaw(bytes: &[u8]) -> Option<Self> {
        let state = SerializedState::<Self>::try_from(bytes).ok()?;
        Self::deserialize(&state).ok()
    }
}

macro_rules! running_crc {
    ($crc:ident, $bits:ty) => {
        impl Running for $crc {
            fn start() -> Self {
                Self::default()
            }

            fn feed(&mut self, bytes: &[u8]) {
                self.update(bytes);
            }

            fn end(self, algorithm: Algorithm) -> Digest {
                Digest::padded(algorithm, &self.0.to_be_bytes())
            }

            fn freeze(&self) -> Vec<u8> {
                self.0.to_be_bytes().to_vec()
            }

            fn thaw(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(|bytes| Self(<$bits>::from_be_bytes(bytes)))
            }
        }
    };
}

running_crc!(Crc32c, u32);
running_crc!(Crc64Nvme, u64);
