//! Randomness of the operating system.

use upload_core::ports::Ids;

/// Random bytes from the operating system, fit for secrets.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct OsIds;

impl Ids for OsIds {
    fn fill(&self, bytes: &mut [u8]) {
        // The system's source fails only before it is seeded at boot; waiting for it is what it documents.
        while getrandom::fill(bytes).is_err() {
            std::thread::yield_now();
        }
    }
}
