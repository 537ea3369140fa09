//! Several digests in one pass.

use crate::{Algorithm, Digests, Hasher, ResumeError, SavedSet};

/// How much every hasher takes before the next one has its turn, in bytes: little enough to stay in a
/// core's first cache, so memory is read once however many digests are wanted.
const SLICE: usize = 16 * 1024;

/// Computes several digests in one pass over the bytes. An empty set is allowed and only counts them.
///
/// ```
/// use upload_checksum::{Algorithm, HasherSet};
///
/// let mut hashers = HasherSet::new([Algorithm::Sha256, Algorithm::Md5]);
/// hashers.update(b"abc");
/// let digests = hashers.finish();
/// assert_eq!(digests.get(Algorithm::Md5).unwrap().to_hex(), "900150983cd24fb0d6963f7d28e17f72");
/// ```
#[derive(Clone, Debug, Default)]
pub struct HasherSet {
    /// Sorted by algorithm, each once, all at `position`.
    hashers: Vec<Hasher>,
    position: u64,
}

impl HasherSet {
    /// A set of these algorithms (repeated ones count once) that has seen no bytes.
    #[must_use]
    pub fn new(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let mut algorithms: Vec<_> = algorithms.into_iter().collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        Self { hashers: algorithms.into_iter().map(Hasher::new).collect(), position: 0 }
    }

    /// The algorithms, sorted.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.hashers.iter().map(Hasher::algorithm)
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self.hashers.as_mut_slice() {
            [] => {}
            [only] => only.update(bytes),
            several => {
                for slice in bytes.chunks(SLICE) {
                    several.iter_mut().for_each(|hasher| hasher.update(slice));
                }
            }
        }
        self.position = self.position.saturating_add(bytes.len() as u64);
    }

    /// How many bytes it has seen.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The digests of all bytes seen. To look without ending, finish a clone.
    #[must_use]
    pub fn finish(self) -> Digests {
        self.hashers.into_iter().map(Hasher::finish).collect()
    }

    /// The progress of all hashers; see [`Hasher::save`].
    #[must_use]
    pub fn save(&self) -> SavedSet {
        SavedSet { position: self.position, states: self.hashers.iter().map(Hasher::save).collect() }
    }

    /// Continues where [`HasherSet::save`] was called.
    ///
    /// # Errors
    /// As [`Hasher::resume`] for the first state that cannot be resumed, and [`ResumeError::Set`] if the
    /// states are not sorted, each algorithm once, and all at the set's position.
    pub fn resume(saved: &SavedSet) -> Result<Self, ResumeError> {
        let mut hashers: Vec<Hasher> = Vec::with_capacity(Algorithm::ALL.len().min(saved.states.len()));
        for state in &saved.states {
            let algorithm = state.algorithm();
            if state.position() != saved.position {
                return Err(ResumeError::Set { algorithm, why: "it stands at another position" });
            }
            if hashers.last().is_some_and(|last| last.algorithm() >= algorithm) {
                return Err(ResumeError::Set { algorithm, why: "it is repeated or out of order" });
            }
            hashers.push(Hasher::resume(state)?);
        }
        Ok(Self { hashers, position: saved.position })
    }
}
