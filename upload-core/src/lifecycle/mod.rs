//! The life of an upload, as a pure machine over its head and the rows known so far.
//!
//! ```text
//! Receiving ──set complete──> Verifying ──digests, type ok──> Committing ──published──> Completed
//!   │   │  └───────(already known)─────────────────────────────┘
//!   │   └──cancel──> Cancelled      Verifying ──mismatch, refused──> Failed
//!   └──deadline──> Expired                                     Completed ──remove──> Removed
//! ```
//! [`decide`] checks a [`Command`] and says what happens as [`Event`]s; [`apply`] folds one into the view. The driver
//! makes an event durable (a compare-and-swap of the head) *before* it applies it. No events means: this was so
//! already. Cancel and expiry are refused from Committing on.

mod apply;
mod begin;
mod command;
mod decide;

use upload_chunking::assembly::Assembly;

use crate::record::Head;

pub use apply::apply;
pub use begin::{Begin, Claim, IndexEntry, MAX_EXTRAS, MAX_FILE_NAME, MAX_PARTS, Unique, assembly, begin};
pub use command::{Command, Event, Proof};
pub use decide::{another_length, decide, length_of, objection, refusal};

/// What is known of one upload: its head and its rows (with the attempts that run in this process).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct View {
    /// Its head.
    pub head: Head,
    /// Its rows and running attempts.
    pub rows: Assembly,
}

impl View {
    /// A view of this upload with no rows yet.
    pub fn new(head: Head) -> Self {
        let rows = assembly(&head);
        Self { head, rows }
    }

    /// Bytes of the complete set.
    pub fn length(&self) -> u64 {
        match self.head.length {
            Some(length) if !self.head.comes_in_rows() => length,
            _ => self.rows.frontier(),
        }
    }
}
