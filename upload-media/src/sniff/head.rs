//! The first bytes, and reading them when there may be too few.

use upload_core::ports::Sniffer;

/// The most bytes ever looked at.
pub(crate) const LIMIT: usize = <dyn Sniffer>::HEAD;

/// What a check says: a type, or why there is none.
pub(crate) type Verdict = Result<&'static str, No>;

/// Why a check names no type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum No {
    /// It is something else.
    NotThis,
    /// It cannot tell from so few bytes, and more may come.
    NeedMore,
}

/// The first bytes of a content.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    bytes: &'a [u8],
    ended: bool,
}

impl<'a> Head<'a> {
    /// `end`: nothing follows `bytes`.
    pub(crate) fn new(bytes: &'a [u8], end: bool) -> Self {
        match bytes.get(..LIMIT) {
            Some(first) => Self { bytes: first, ended: end && bytes.len() == LIMIT },
            None => Self { bytes, ended: end },
        }
    }

    /// All of them.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether the content ends with these bytes.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Whether more bytes will never be looked at.
    pub(crate) fn complete(&self) -> bool {
        self.ended || self.bytes.len() == LIMIT
    }

    /// What reading behind the last byte means.
    pub(crate) fn short(&self) -> No {
        if self.complete() { No::NotThis } else { No::NeedMore }
    }

    /// The bytes from `at`, as many as there are.
    pub(crate) fn from(&self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// `len` bytes at `at`.
    pub(crate) fn slice(&self, at: usize, len: usize) -> Result<&'a [u8], No> {
        self.from(at).get(..len).ok_or(self.short())
    }

    /// `N` bytes at `at`.
    pub(crate) fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], No> {
        self.from(at).first_chunk().copied().ok_or(self.short())
    }

    /// The byte at `at`.
    pub(crate) fn byte(&self, at: usize) -> Result<u8, No> {
        self.array(at).map(|[byte]| byte)
    }

    /// The number at `at`, least significant byte first.
    pub(crate) fn u16_le(&self, at: usize) -> Result<usize, No> {
        self.array(at).map(|bytes| usize::from(u16::from_le_bytes(bytes)))
    }

    /// The number at `at`, most significant byte first.
    pub(crate) fn u16_be(&self, at: usize) -> Result<usize, No> {
        self.array(at).map(|bytes| usize::from(u16::from_be_bytes(bytes)))
    }

    /// The number at `at`, least significant byte first.
    pub(crate) fn u32_le(&self, at: usize) -> Result<u32, No> {
        self.array(at).map(u32::from_le_bytes)
    }

    /// The number at `at`, most significant byte first.
    pub(crate) fn u32_be(&self, at: usize) -> Result<u32, No> {
        self.array(at).map(u32::from_be_bytes)
    }

    /// Exactly `magic` at `at`; a first wrong byte tells before the rest has come.
    pub(crate) fn magic(&self, at: usize, magic: &[u8]) -> Result<(), No> {
        begins(self.from(at), magic, self.short())
    }
}

/// Goes on only if `plausible`.
pub(crate) fn ensure(plausible: bool) -> Result<(), No> {
    if plausible { Ok(()) } else { Err(No::NotThis) }
}

/// Whether `bytes` begin with `magic`; `short` if they end inside it.
pub(crate) fn begins(bytes: &[u8], magic: &[u8], short: No) -> Result<(), No> {
    ensure(bytes.iter().zip(magic).all(|(is, wanted)| is == wanted))?;
    if bytes.len() < magic.len() { Err(short) } else { Ok(()) }
}

/// The first check that does not say "not this" decides.
pub(crate) fn first(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    verdicts.into_iter().find(|verdict| *verdict != Err(No::NotThis)).unwrap_or(Err(No::NotThis))
}
