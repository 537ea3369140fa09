//! Blobs and records in an object store: Amazon S3 and what speaks its language, Azure Blob Storage, Google Cloud Storage.
//!
//! *What it is*: a [`Provider`] is an opened bucket; [`ObjectRecords`] keeps records in it by conditional puts, so that
//! several processes may share one bucket with no database and no lock server.
//!
//! *What it is not*: no cache and no lock; what a store cannot bind or refuse is not papered over.
//!
//! ```text
//!   s3://BUCKET/prefix + environment ──> Provider ──> ObjectRecords    objects prefix/r/…
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
