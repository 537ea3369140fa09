//! What several test targets share.
#![allow(dead_code, reason = "no target uses all of it")]

pub mod client;
#[cfg(feature = "gcs")]
pub mod gcs;
pub mod signed;

use upload_core::{Handle, Hour, ObjectKey, StagingName, UploadId, ports::Ids};

#[derive(Debug)]
struct Same(u8);

impl Ids for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// A staging name and its key, other ones for each number.
pub fn names(number: u8) -> (StagingName, ObjectKey) {
    let ids = Same(number);
    let upload = UploadId::random(&Handle::random(&ids), &ids);
    let staging = StagingName::random(Hour::new(490_000), &upload, &ids);
    let key = ObjectKey::of(&staging);
    (staging, key)
}
