//! Blobs as files in one local directory (Linux).
//!
//! ```text
//!   <directory>/upload-store.lock        held as long as the store is open: one process at a time
//!               s/<hour>/<id>-<random>   staging objects, written in place; nameless until they must survive
//!               o/<hour>/<id>-<random>   objects, never changed
//!
//!   write ──> writers ── pwritev ─────────────────────────────┐ the permit is dropped here
//!   sync ───> syncers ── fdatasync ── directory, in groups ───┴─> answer
//!   publish > syncers ── truncate, fdatasync, (re)name ── directories, in groups ──> answer
//! ```
//!
//! An upload is written into its final file from the first byte on: publishing renames it, there is no second
//! copy. Where the file system allows it the file has no name until the first [`sync`] or the publication, so an
//! upload of one request costs one name, and one that breaks off costs none. Syncs of directories are shared by all
//! who wait for them. A failed sync is final: what the kernel has dropped cannot be made durable by trying again.
//!
//! Files that the store did not make are left alone, wherever they lie.
//!
//! [`sync`]: upload_core::ports::BlobStore::sync

mod direct;
mod group;
mod io;
mod layout;
mod listing;
mod names;
mod pool;
mod publish;
mod reserve;
mod settings;
mod staging;
mod store;
mod table;
mod write;

pub use settings::DiskSettings;
pub use store::DiskBlobs;
