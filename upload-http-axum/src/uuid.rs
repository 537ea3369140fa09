//! Names that are always the same for the same thing: version 5 of RFC 9562.

use std::fmt;

use upload_checksum::{Algorithm, Hasher};

/// A UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uuid([u8; 16]);

impl Uuid {
    /// The namespace of URLs.
    pub(crate) const URL: Self = Self(0x6ba7b811_9dad_11d1_80b4_00c04fd430c8_u128.to_be_bytes());

    /// The UUID of this name within a namespace.
    pub(crate) fn named(namespace: Self, name: &str) -> Self {
        let mut hasher = Hasher::new(Algorithm::Sha1);
        hasher.update(&namespace.0);
        hasher.update(name.as_bytes());
        // The first 16 of the digest's 20 bytes.
        let first = hasher.finish().as_bytes().first_chunk().copied().unwrap_or_default();
        let version = 0x5 << 76;
        let variant = 0x2 << 62;
        let cleared = u128::from_be_bytes(first) & !(0xf << 76) & !(0x3 << 62);
        Self((cleared | version | variant).to_be_bytes())
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        let group = |shift: u32, digits: u32| (bits >> shift) & ((1 << (4 * digits)) - 1);
        let [a, b, c, d, e] = [group(96, 8), group(80, 4), group(64, 4), group(48, 4), group(0, 12)];
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python's `uuid.uuid5` makes them.
    #[test]
    fn they_are_those_that_others_make() {
        for (name, uuid) in [
            ("", "1b4db7eb-4057-5ddf-91e0-36dec72071f5"),
            ("https://www.example.org/", "84f5ec25-93a7-5271-bfbb-77d0e0a15d7b"),
            ("tenant:acme", "cdd50609-412a-5113-8c0d-e0f4a0d905a1"),
            ("größe", "f79a67b0-68e1-58be-a0e0-7e057a94ba07"),
        ] {
            assert_eq!(Uuid::named(Uuid::URL, name).to_string(), uuid, "{name:?}");
        }
        let inner = Uuid::named(Uuid::named(Uuid::URL, "tenant:acme"), "default/00");
        assert_eq!(inner.to_string(), "151dab55-6873-5f76-93b3-f6464e64ab38");
    }
}
