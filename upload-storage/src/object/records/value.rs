//! What lies in an object, and what its version is.

use bytes::Bytes;
use upload_core::ports::{StoreError, StoreErrorKind, Stored, Version};

use crate::object::Kind;

/// The first line of an object: the format, and 16 random bytes in hexadecimal. The value follows as it is, for whoever reads it
/// in the bucket.
const FORMAT: &[u8] = b"1 ";
const NONCE: usize = 16;
const LINE: usize = FORMAT.len() + 2 * NONCE + 1;

/// The object of a value, unlike any other.
pub(super) fn wrap(value: &[u8]) -> Result<Bytes, StoreError> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).map_err(|e| StoreError::unavailable(format!("no random bytes: {e}")))?;
    let nonce = format!("{:032x}\n", u128::from_be_bytes(nonce));
    Ok([FORMAT, nonce.as_bytes(), value].concat().into())
}

/// The value of an object.
fn unwrap(object: &Bytes) -> Option<Bytes> {
    let (line, _) = object.split_at_checked(LINE)?;
    (line.starts_with(FORMAT) && line.ends_with(b"\n")).then(|| object.slice(LINE..))
}

/// An object as it was read.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) body: Bytes,
    pub(super) tag: Tag,
}

impl Object {
    /// The record in it; `None` in one that is empty, which stands for a record that was deleted.
    pub(super) fn record(self, key: &str) -> Result<Option<Stored>, StoreError> {
        if self.body.is_empty() {
            return Ok(None);
        }
        let value = unwrap(&self.body).ok_or_else(|| {
            let why = format!(
                "the object of the record {key:?} has {} bytes and not the form of one",
                self.body.len()
            );
            StoreError::new(StoreErrorKind::Corrupt, why)
        })?;
        Ok(Some(Stored::new(value, self.tag.version())))
    }
}

/// What a store calls one put of an object: an ETag; in Google Cloud a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag(String);

impl Tag {
    /// As an answer gave them.
    pub(super) fn of(kind: Kind, e_tag: Option<&str>, generation: Option<&str>) -> Result<Self, StoreError> {
        let (what, tag) = match kind {
            Kind::Gcs => ("generation", generation),
            _ => ("ETag", e_tag),
        };
        let none = || StoreError::unavailable(format!("an answer of the store has no {what}"));
        tag.map(|tag| Self(tag.to_owned())).ok_or_else(none)
    }

    /// As the port has it.
    pub(super) fn version(&self) -> Version {
        Version::new([b"=", self.0.as_bytes()].concat())
    }

    /// From the port; `None` for one that no object of ours ever had.
    pub(super) fn from_version(version: &Version) -> Option<Self> {
        let tag = version.as_bytes().strip_prefix(b"=")?;
        let tag = std::str::from_utf8(tag).ok().filter(|tag| tag.bytes().all(|b| b.is_ascii_graphic()))?;
        Some(Self(tag.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag() -> Tag {
        Tag::of(Kind::S3, Some("\"a\""), None).unwrap()
    }

    #[test]
    fn equal_values_are_unlike_objects() {
        let (a, b) = (wrap(b"v").unwrap(), wrap(b"v").unwrap());
        assert_ne!(a, b);
        for body in [a, b] {
            assert_eq!(Object { body, tag: tag() }.record("k").unwrap().unwrap().value, "v");
        }
        assert_eq!(Object { body: wrap(b"").unwrap(), tag: tag() }.record("k").unwrap().unwrap().value, "");
    }

    #[test]
    fn empty_objects_are_no_records_and_strange_ones_are_corrupt() {
        assert!(Object { body: Bytes::new(), tag: tag() }.record("k").unwrap().is_none());
        for strange in
            [&[b'1'; 40][..], &wrap(b"").unwrap()[..34], b"2 01234567890123456789012345678901\n{}", b"x"]
        {
            let object = Object { body: Bytes::copy_from_slice(strange), tag: tag() };
            assert_eq!(object.record("k").unwrap_err().kind, StoreErrorKind::Corrupt);
        }
    }

    #[test]
    fn versions_are_of_what_the_store_compares() {
        assert_eq!(Tag::from_version(&tag().version()), Some(tag()));
        let generation = Tag::of(Kind::Gcs, Some("\"a\""), Some("7")).unwrap();
        assert_eq!(generation.as_str(), "7");
        assert!(
            Tag::of(Kind::Gcs, Some("\"a\""), None).is_err() && Tag::of(Kind::S3, None, Some("7")).is_err()
        );
        for never in [&b"any"[..], b"", b"=\n", b"=\xff"] {
            assert_eq!(Tag::from_version(&Version::new(never)), None);
        }
    }
}
