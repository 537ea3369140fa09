//! Back ends behind the ports of `upload-core`: where an upload's bytes lie and where its records are kept.
//!
//! *What it is*: [`memory`] for tests and throw-away servers, `disk` for files in a local directory, `redb` for
//! records in one file, `object` for both in an object store. Each implements [`BlobStore`](upload_core::ports::BlobStore) or
//! [`RecordStore`](upload_core::ports::RecordStore) and nothing else.
//!
//! *What it is not*: it never knows who drives it, decides nothing about uploads, and brings no runtime: waiting
//! is done in a few threads of its own, so its futures run on any executor; only those of a real object store want tokio's.
//!
//! ```text
//!            the engine
//!           /          \
//!     BlobStore      RecordStore          ports of upload-core
//!    |    |    |      |    |    |
//!    |  disk   +object+   redb  |         this crate
//!    +-----------memory---------+
//! ```
//!
//! [`TenantBlobs`] is several of the left side in one: some tenants' blobs lie in stores of their own.
//!
//! ```
//! use bytes::Bytes;
//! use upload_core::ports::{Expected, Put, RecordStore};
//! use upload_storage::memory::MemoryRecords;
//!
//! # futures_util::FutureExt::now_or_never(async {
//! let records = MemoryRecords::new();
//! let first = records.put("u/1", Bytes::from_static(b"a"), Expected::Absent).await.unwrap();
//! assert!(matches!(first, Put::Won(_)));
//! let second = records.put("u/1", Bytes::from_static(b"b"), Expected::Absent).await.unwrap();
//! assert!(matches!(second, Put::Lost(Some(current)) if current.value == "a"));
//! # }).unwrap();
//! ```
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `disk` | yes | `disk`: blobs as files (Linux) |
//! | `redb` | yes | `redb`: records in one redb file |
//! | `object` | no | `object`: blobs and records in an object store; alone, one in memory |
//! | `s3`, `azure`, `gcs` | no | the real ones: Amazon S3 and its kind, Azure Blob Storage, Google Cloud Storage |
//! | `conformance` | no | the suite that every back end must pass |
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "disk")]
pub mod disk;
pub mod memory;
#[cfg(feature = "object")]
pub mod object;
#[cfg(feature = "redb")]
pub mod redb;
pub mod wrapped;

mod durability;
mod shared;

pub use durability::Durability;

mod counted;
mod faulty;
mod limited;
mod paused;
mod tenants;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use counted::{Counted, Counter, Counts};
pub use faulty::{Fault, Faults, Faulty, Plan, Traced};
pub use limited::{Limited, Limiter, Limits};
pub use paused::Paused;
pub use tenants::TenantBlobs;
pub use wrapped::Operation;
