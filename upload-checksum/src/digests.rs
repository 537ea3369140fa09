//! The digests of one content, and whether a claimed one agrees.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use crate::{Algorithm, Digest, ParseError};

/// The digests of one content, at most one for each algorithm. In serde a list of `algorithm:hex`, sorted.
///
/// ```
/// use upload_checksum::{Algorithm, Digests, HasherSet, Verdict};
///
/// let mut hashers = HasherSet::new([Algorithm::Crc32c]);
/// hashers.update(b"123456789");
/// let digests = hashers.finish();
/// assert_eq!(digests.verify(&"crc32c:e3069283".parse()?), Verdict::Match);
/// assert_eq!(digests.verify(&"crc64nvme:ae8b14860a799888".parse()?), Verdict::NotComputed);
/// # Ok::<(), upload_checksum::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Digest>", into = "Vec<Digest>")]
pub struct Digests(BTreeMap<Algorithm, Digest>);

impl Digests {
    /// No digests.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The digest by this algorithm.
    #[must_use]
    pub fn get(&self, algorithm: Algorithm) -> Option<&Digest> {
        self.0.get(&algorithm)
    }

    /// Whether there is a digest by this algorithm.
    #[must_use]
    pub fn contains(&self, algorithm: Algorithm) -> bool {
        self.0.contains_key(&algorithm)
    }

    /// Adds a digest; the one it replaces, if any, comes back.
    pub fn insert(&mut self, digest: Digest) -> Option<Digest> {
        self.0.insert(digest.algorithm(), digest)
    }

    /// The digests, sorted by algorithm.
    pub fn iter(&self) -> impl Iterator<Item = &Digest> {
        self.0.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the content has the `expected` digest. Constant time in the bytes of the digests.
    pub fn verify(&self, expected: &Digest) -> Verdict {
        match self.get(expected.algorithm()) {
            None => Verdict::NotComputed,
            Some(got) if got == expected => Verdict::Match,
            Some(got) => Verdict::Mismatch { expected: *expected, got: *got },
        }
    }
}

/// Of several digests by one algorithm the last stays, as with [`Digests::insert`].
impl FromIterator<Digest> for Digests {
    fn from_iter<I: IntoIterator<Item = Digest>>(digests: I) -> Self {
        let mut all = Self::new();
        all.extend(digests);
        all
    }
}

impl Extend<Digest> for Digests {
    fn extend<I: IntoIterator<Item = Digest>>(&mut self, digests: I) {
        self.0.extend(digests.into_iter().map(|digest| (digest.algorithm(), digest)));
    }
}

/// Strict, for records: a repeated algorithm is an error.
impl TryFrom<Vec<Digest>> for Digests {
    type Error = ParseError;

    fn try_from(digests: Vec<Digest>) -> Result<Self, ParseError> {
        let mut all = BTreeMap::new();
        for digest in digests {
            match all.entry(digest.algorithm()) {
                Entry::Vacant(place) => place.insert(digest),
                Entry::Occupied(taken) => return Err(ParseError::Repeated { algorithm: *taken.key() }),
            };
        }
        Ok(Self(all))
    }
}

impl From<Digests> for Vec<Digest> {
    fn from(digests: Digests) -> Self {
        digests.0.into_values().collect()
    }
}

/// What comparing a claimed digest with the computed ones says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The content has the digest.
    Match,
    /// The content has another digest by this algorithm.
    Mismatch {
        /// What was claimed.
        expected: Digest,
        /// What was computed.
        got: Digest,
    },
    /// No digest by this algorithm was computed: nothing is known, neither good nor bad.
    NotComputed,
}

impl Verdict {
    /// Whether this is [`Verdict::Match`].
    #[must_use]
    pub fn is_match(&self) -> bool {
        matches!(self, Self::Match)
    }
}
