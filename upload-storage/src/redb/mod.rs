//! Records in one redb file.
//!
//! ```text
//!   put, delete ──> queue ──> one writer: takes all that wait ── one transaction, each condition in order
//!   get, list   ──> a read transaction, at once              └── one commit ──> all answers
//! ```
//!
//! A lone put is committed at once; puts that come during a commit share the next one. After a failed commit nobody
//! knows what the file holds: the puts of that group end *unknown* and everything after it is refused until the
//! store is opened again.
//!
//! Under [`Durability::None`](crate::Durability::None) every commit still writes the file, only without waiting for
//! the disk: redb's own way of not waiting would keep the last commits in this process alone.

mod backend;
mod open;
mod settings;
mod store;
mod writer;

pub use settings::RedbSettings;
pub use store::RedbRecords;
