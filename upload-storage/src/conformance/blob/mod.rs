//! The checks for blobs.

use upload_core::ports::BlobStore;

use super::bench::Check;

mod cancel;
mod list;
mod moves;
mod parallel;
mod permit;
mod publish;
mod read;
mod remove;
mod restart;
mod write;

pub(super) const CHECKS: [&[Check<dyn BlobStore>]; 10] = [
    write::CHECKS,
    parallel::CHECKS,
    read::CHECKS,
    publish::CHECKS,
    remove::CHECKS,
    list::CHECKS,
    moves::CHECKS,
    permit::CHECKS,
    cancel::CHECKS,
    restart::CHECKS,
];
