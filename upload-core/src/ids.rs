//! Names that the engine makes: tenants' handles, upload ids, staging names and object keys.
//!
//! All of them are `[a-z0-9._/-]`, never hold a client's text, and carry what a lookup needs: an id begins with
//! its tenant's handle, a staging name and an object key with the hour they were made in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ports::Ids,
    time::Hour,
};

const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// `len` random characters of `[0-9a-z]`, without bias (25 of them carry 129 bits).
pub fn random_text(ids: &dyn Ids, len: usize) -> String {
    let mut out = String::with_capacity(len);
    let mut buf = [0u8; 32];
    while out.len() < len {
        ids.fill(&mut buf);
        // 252 = 7 * 36: larger bytes would favour the first characters.
        for b in buf.iter().filter(|b| **b < 252).take(len - out.len()) {
            out.push(char::from(BASE36.get(usize::from(b % 36)).copied().unwrap_or(b'0')));
        }
    }
    out
}

fn plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
}

/// A tenant's configured name: 1–64 of `[A-Za-z0-9._-]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantName(String);

impl TenantName {
    /// Checks the name.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let ok = (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if ok {
            Ok(Self(name))
        } else {
            Err(Error::invalid(format!("a tenant name is 1 to 64 of [A-Za-z0-9._-], not {name:?}")))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A tenant's handle: eight random characters, made once; every id of the tenant begins with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(String);

impl Handle {
    /// Characters of a handle.
    pub const LEN: usize = 8;

    /// A fresh one.
    pub fn random(ids: &dyn Ids) -> Self {
        Self(random_text(ids, Self::LEN))
    }

    /// Reads one back.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == Self::LEN && plain(text)).then(|| Self(text.to_owned()))
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An upload's id: the tenant's handle and 25 random characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadId(String);

impl UploadId {
    /// Characters of an id.
    pub const LEN: usize = Handle::LEN + 25;

    /// A fresh one of the tenant.
    pub fn random(handle: &Handle, ids: &dyn Ids) -> Self {
        Self(format!("{}{}", handle.0, random_text(ids, Self::LEN - Handle::LEN)))
    }

    /// Reads one from outside; anything but an id is simply not found.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() == Self::LEN && plain(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::not_found())
        }
    }

    /// The handle of the tenant whose it is; `None` never, for an id that was parsed or made.
    pub fn handle(&self) -> Option<Handle> {
        self.0.get(..Handle::LEN).and_then(Handle::parse)
    }

    /// Whether it belongs to the tenant with this handle.
    pub fn belongs_to(&self, handle: &Handle) -> bool {
        self.0.starts_with(handle.as_str())
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! hourly_name {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What every such name begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A fresh one for this upload.
            pub fn random(hour: Hour, id: &UploadId, ids: &dyn Ids) -> Self {
                Self(format!(concat!($prefix, "{}/{}-{}"), hour, id.as_str(), random_text(ids, 25)))
            }

            /// Reads one back; `None` for a name that the engine did not make.
            pub fn parse(text: &str) -> Option<Self> {
                let name = Self(text.to_owned());
                let (_, id, rest) = name.split()?;
                (UploadId::parse(id).is_ok() && rest.len() == 25 && plain(rest)).then_some(name)
            }

            fn split(&self) -> Option<(Hour, &str, &str)> {
                let (hour, rest) = self.0.strip_prefix($prefix)?.split_once('/')?;
                let (id, rest) = rest.split_once('-')?;
                Some((Hour::parse(hour)?, id, rest))
            }

            /// The hour it was made in.
            pub fn hour(&self) -> Hour {
                self.split().map_or(Hour::new(0), |(h, ..)| h)
            }

            /// The upload it was made for.
            pub fn upload(&self) -> Option<UploadId> {
                self.split().and_then(|(_, id, _)| UploadId::parse(id).ok())
            }

            /// The prefix under which the names of one hour are listed.
            pub fn of_hour(hour: Hour) -> String {
                format!(concat!($prefix, "{}/"), hour)
            }

            /// The characters.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

hourly_name! {
    /// Where an unfinished upload's bytes lie in a blob store: `s/<hour>/<id>-<random>`.
    StagingName, "s/"
}

hourly_name! {
    /// Where a finished upload's bytes lie in a blob store: `o/<hour>/<id>-<random>`, 129 random bits.
    ObjectKey, "o/"
}

impl ObjectKey {
    /// The key of what is staged under this name, in a store that must know it before the first byte comes.
    pub fn of(staging: &StagingName) -> Self {
        Self(staging.0.replacen(StagingName::PREFIX, Self::PREFIX, 1))
    }
}

impl StagingName {
    /// The staging name whose [key](ObjectKey::of) this is.
    pub fn of(key: &ObjectKey) -> Self {
        Self(key.0.replacen(ObjectKey::PREFIX, Self::PREFIX, 1))
    }
}

/// A small object that holds some bytes of an unfinished upload, below its staging name: `<position>-<random>`, twenty digits
/// and 25 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fragment(String);

impl Fragment {
    /// A fresh one, whose bytes stand at this position. The position is for people who look into the store.
    pub fn random(position: u64, ids: &dyn Ids) -> Self {
        Self(format!("{position:020}-{}", random_text(ids, 25)))
    }

    /// Reads one back; `None` for a name that the engine did not make.
    pub fn parse(text: &str) -> Option<Self> {
        let (position, rest) = text.split_once('-')?;
        let digits = position.len() == 20 && position.bytes().all(|b| b.is_ascii_digit());
        (digits && rest.len() == 25 && plain(rest)).then(|| Self(text.to_owned()))
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! display {
    ($($t:ty),*) => {$(
        impl fmt::Display for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
display!(TenantName, Handle, UploadId, StagingName, ObjectKey, Fragment);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU8, Ordering};

    #[derive(Debug, Default)]
    struct Counting(AtomicU8);
    impl Ids for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.iter_mut().for_each(|b| *b = self.0.fetch_add(7, Ordering::Relaxed));
        }
    }

    #[test]
    fn names_read_back_and_carry_their_upload_and_hour() {
        let ids = Counting::default();
        let handle = Handle::random(&ids);
        let id = UploadId::random(&handle, &ids);
        assert!(id.belongs_to(&handle));
        assert_eq!(UploadId::parse(id.as_str()).unwrap(), id);
        let key = ObjectKey::random(Hour::new(491_234), &id, &ids);
        assert_eq!(ObjectKey::parse(key.as_str()), Some(key.clone()));
        assert_eq!((key.hour(), key.upload()), (Hour::new(491_234), Some(id.clone())));
        assert!(key.as_str().starts_with(&ObjectKey::of_hour(Hour::new(491_234))));
        assert!(StagingName::parse(key.as_str()).is_none());
        let staging = StagingName::of(&key);
        assert_eq!(StagingName::parse(staging.as_str()), Some(staging.clone()));
        assert_eq!((ObjectKey::of(&staging), staging.upload()), (key, Some(id)));
        let fragment = Fragment::random(7, &ids);
        assert_eq!(Fragment::parse(fragment.as_str()), Some(fragment));
        assert!(Fragment::parse("7-abc").is_none());
    }

    #[test]
    fn foreign_text_is_no_id() {
        for bad in
            ["", "..", "../../etc/passwd", "a\0", &"A".repeat(UploadId::LEN), &"a".repeat(UploadId::LEN + 1)]
        {
            assert_eq!(UploadId::parse(bad).unwrap_err().kind, crate::ErrorKind::NotFound, "{bad:?}");
        }
        assert!(
            TenantName::new("").is_err()
                && TenantName::new("a/b").is_err()
                && TenantName::new("acme").is_ok()
        );
    }
}
