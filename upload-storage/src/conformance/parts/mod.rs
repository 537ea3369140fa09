//! The checks for blobs in stores that keep parts and fragments.

use upload_core::ports::BlobStore;

use super::bench::Check;

mod bench;
mod cancel;
mod complete;
mod fragments;
mod list;
mod put;
mod remove;
mod restart;

pub(super) const CHECKS: [&[Check<dyn BlobStore>]; 7] = [
    put::CHECKS,
    complete::CHECKS,
    fragments::CHECKS,
    remove::CHECKS,
    list::CHECKS,
    cancel::CHECKS,
    restart::CHECKS,
];
