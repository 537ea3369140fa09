//! Blobs and records in an object store: Amazon S3 and what speaks its language, Azure Blob Storage, Google Cloud Storage.
//!
//! *What it is*: a [`Provider`] is an opened bucket; [`ObjectBlobs`] keeps bytes in it, as parts, fragments and objects;
//! [`ObjectRecords`] keeps records in it by conditional puts. So several processes may share one bucket with no database and
//! no lock server.
//!
//! *What it is not*: no cache and no lock; what a store cannot bind or refuse is not papered over.
//!
//! ```text
//!   s3://BUCKET/prefix + environment ──> Provider ──> ObjectBlobs      objects prefix/o/…, fragments prefix/s/…, parts
//!                                            └──────> ObjectRecords    objects prefix/r/…
//! ```
//!
//! ```
//! use std::sync::Arc;
//! use upload_core::ports::{Expected, Put, RecordStore};
//! use upload_storage::object::{ObjectRecords, Provider, ProviderSettings};
//!
//! # futures_util::FutureExt::now_or_never(async {
//! let provider = Provider::open("memory:", [], &ProviderSettings::default()).unwrap();
//! let records = ObjectRecords::new(Arc::new(provider));
//! let first = records.put("u/1", "a".into(), Expected::Absent).await.unwrap();
//! assert!(matches!(first, Put::Won(_)));
//! # }).unwrap();
//! ```
//!
//! The futures of a real store want a tokio runtime.
//!
//! # Bytes on their way
//! TLS guards them; over plain HTTP, S3's signature covers their SHA-256. No checksum is sent besides. A completion is followed
//! by a question for the object's length, which must be that of the parts listed.
//!
//! # What a signed request binds
//! [`ObjectBlobs::with_signing`] makes requests that the bucket takes from anybody, until they end. Each binds the method,
//! the object and the time. Beyond that:
//!
//! | | S3 | Google | Azure |
//! |---|---|---|---|
//! | an object that is there is kept | `if-none-match: *` | `x-goog-if-generation-match: 0` | permission *create* |
//! | the size of a whole put | `content-length` | `x-goog-content-length-range` | no |
//! | the size of a part | `content-length` | no | no |
//! | its digest | MD5; of a whole put also SHA-1, SHA-256, CRC-32C, CRC-64/NVME | MD5; of a whole put also CRC-32C | no |
//! | its media type | yes | yes | no |
//! | number and session of a part | yes | yes | no: *write* takes any block, commits, and replaces |
//! | beginning and giving up of parts | yes | yes | there is no such thing |
//!
//! A block of Azure's is named by its number in six digits, as its clients expect.
//!
//! A holder sends the fields that come with the request; `content-length` goes with every body and is not among them. What
//! is not bound is checked before anything relies on it, or is not granted.

#[cfg(feature = "cloud")]
mod again;
mod blobs;
mod failed;
mod list;
mod names;
mod open;
mod parts;
mod profile;
mod provider;
mod records;
#[cfg(feature = "cloud")]
mod request;
mod settings;
#[cfg(feature = "cloud")]
mod sign;
mod url;

pub use blobs::ObjectBlobs;
pub use profile::{Kind, Profile};
pub use provider::Provider;
pub use records::ObjectRecords;
#[cfg(feature = "cloud")]
pub use request::{Answer, Ask};
pub use settings::ProviderSettings;
use url::wrong;
