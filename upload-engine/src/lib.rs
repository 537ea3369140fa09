//! The upload engine: `begin`, `write`, `finish`, `cancel`, `inspect`, `grant`, `read`, `list`, `sweep` over the ports of `upload-core`.
//!
//! *What it is*: the one place that decides about uploads. It drives the lifecycle machine and the assembly machine, keeps
//! what arrives byte for byte, acknowledges only what is durable, and lets anybody take up where a crash left off.
//!
//! *What it is not*: it knows no wire format, no runtime and no back end. It spawns nothing; whoever embeds it decides on
//! which task a call runs and when the sweep comes.
//!
//! ```text
//!   begin ──> u/<id>            write ──> staged bytes ──> sync ──> row u/<id>/x/<n>        finish ──> object, outcome
//!   (due, head)                 (newest attempt has the place; permits outlive futures)     (close, verify, commit, publish)
//! ```
//! A back end and the engine together, with time from your runtime:
//!
//! ```
//! # use std::sync::Arc;
//! # use upload_core::{Destinations, Policy, ports::{BlobStore, Clock, RecordStore}};
//! fn engine(
//!     blobs: Arc<dyn BlobStore>,
//!     records: Arc<dyn RecordStore>,
//!     clock: Arc<dyn Clock>,
//! ) -> upload_engine::Engine {
//!     let destinations = Destinations::new().with("photos", Policy::new(20 << 20));
//!     upload_engine::Engine::builder(blobs, records, clock).destinations(destinations).build()
//! }
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod attach;
mod begin;
mod budget;
mod change;
mod claim;
mod compose;
mod content;
mod digest;
mod direct;
mod engine;
mod enter;
mod finish;
mod grant;
mod inspect;
mod intake;
mod janitor;
mod ledger;
mod list;
mod live;
mod look;
mod outbox;
mod parts;
mod process;
mod random;
mod receive;
mod records;
mod segments;
mod settings;
mod settle;
mod settle_unique;
mod staged;
mod sweep;
mod tenants;
pub mod token;
mod types;
mod unique;
mod write;

pub use engine::{Engine, EngineBuilder};
pub use grant::Pass;
pub use inspect::Reading;
pub use list::{Listing, Page};
pub use outbox::Delivered;
pub use parts::PartInfo;
pub use random::OsIds;
pub use settings::Settings;
pub use staged::Received;
pub use token::Secrets;
pub use types::{Body, Limits, Swept, Trailing, Write, Written};
