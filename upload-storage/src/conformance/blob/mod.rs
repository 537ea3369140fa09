//! The checks for blobs.

use upload_core::ports::BlobStore;

use super::bench::Check;

mod cancel;
mod copies;
mod dropped;
pub(super) mod list;
mod moves;
mod parallel;
mod permit;
mod publish;
mod read;
mod remove;
mod restart;
mod write;

/// For stores that are written in place.
pub(super) const CHECKS: [&[Check<dyn BlobStore>]; 12] = [
    write::CHECKS,
    parallel::CHECKS,
    read::CHECKS,
    publish::CHECKS,
    remove::CHECKS,
    list::CHECKS,
    moves::CHECKS,
    copies::CHECKS,
    permit::CHECKS,
    cancel::CHECKS,
    dropped::CHECKS,
    restart::CHECKS,
];

/// Those that a store which keeps parts must pass too.
pub(super) const SHARED: [&[Check<dyn BlobStore>]; 4] =
    [read::CHECKS, remove::CHECKS, list::CHECKS, dropped::CHECKS];
