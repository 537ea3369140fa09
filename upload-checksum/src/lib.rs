//! Digests of uploads: algorithms, values, codecs, resumable hashers, several in one pass.
//!
//! **What it is.** The part of an upload system that answers "are these the bytes that were meant?":
//! digest values that compare in constant time and read strictly, hashers whose progress can be saved
//! and resumed in another process, several digests in one pass over the bytes, and the cheap
//! [`Fingerprint`] (length + CRC) that tells whether a chunk that comes again is the same chunk.
//!
//! **What it is not.** It knows no upload, no chunk and no storage, does no input or output, spawns
//! nothing, and is no message authentication: a digest says that bytes are whole, never who sent them.
//!
//! ```text
//!   bytes ──► HasherSet ──finish──► Digests ──verify(&Digest)──► Verdict
//!             │  ▲ one Hasher        one Digest each              Match | Mismatch | NotComputed
//!        save │  │ resume
//!             ▼  │
//!            SavedSet     (serde; names the implementation line that can read it, e.g. "sha2-0.11")
//!
//!   bytes ──► Fingerprinter ──finish──► Fingerprint ──combine──► Fingerprint of the concatenation
//! ```
//!
//! One pass, interrupted, and a client's claim checked at the end:
//!
//! ```
//! use upload_checksum::{Algorithm, Digest, HasherSet, Verdict};
//!
//! let mut hashers = HasherSet::new([Algorithm::Sha256, Algorithm::Crc32c]);
//! hashers.update(b"Hello, ");
//! let saved = serde_json::to_string(&hashers.save())?; // … the process ends here …
//!
//! let mut hashers = HasherSet::resume(&serde_json::from_str(&saved)?)?;
//! assert_eq!(hashers.position(), 7);
//! hashers.update(b"world!");
//! let digests = hashers.finish();
//!
//! let claimed: Digest = "sha-256:315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3".parse()?;
//! assert_eq!(digests.verify(&claimed), Verdict::Match);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod algorithm;
mod codec;
mod crc;
mod digests;
mod error;
mod fingerprint;
mod hasher;
mod saved;
mod set;
mod text;
mod value;

pub use algorithm::Algorithm;
pub use digests::{Digests, Verdict};
pub use error::{ParseError, ResumeError};
pub use fingerprint::{Fingerprint, Fingerprinter};
pub use hasher::Hasher;
pub use saved::{SavedSet, SavedState};
pub use set::HasherSet;
pub use value::Digest;
