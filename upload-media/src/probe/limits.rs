//! What a probe may cost.

use std::time::Duration;

/// What one probe may cost. Whatever it reads is hostile: each number is an end to some way of making it endless.
///
/// The first four end the probe ([`ProbeError::TooCostly`](super::ProbeError), for the time
/// [`ProbeError::Failed`](super::ProbeError)). What needs the whole of a large file (the words of a text, the
/// frames of a GIF, the vertices of an OBJ) is not begun when `bytes` would not do: it is absent, and a warning
/// says why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes fetched from the source, 64 MiB.
    pub bytes: u64,
    /// Ranges fetched from the source, 4,096.
    pub reads: u64,
    /// Times that a parser reads or seeks, also in what was fetched before, 2,000,000.
    pub calls: u64,
    /// Wall time, 30 s. Looked at with every read and seek.
    pub time: Duration,
    /// Bytes that the compressed parts of one file may grow to, all together, 32 MiB.
    pub inflated: u64,
    /// Bytes of text that are kept of a document, 1 MiB. Only for [`text`](super::text()).
    pub text: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            reads: 4096,
            calls: 2_000_000,
            time: Duration::from_secs(30),
            inflated: 32 << 20,
            text: 1 << 20,
        }
    }
}
