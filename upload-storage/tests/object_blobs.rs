//! Blobs in an object store, in memory: the keys, listings and parts that every provider shares.
#![cfg(all(feature = "conformance", feature = "object"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::sync::{Arc, Mutex};

use upload_core::ports::StoreError;
use upload_storage::{
    conformance::{self, Profile, Stage, block_on},
    object::{ObjectBlobs, Provider},
};

#[test]
fn an_object_store_in_memory_conforms() {
    let kept = Mutex::new(Arc::new(Provider::memory()));
    let open = async |stage| {
        let mut kept = kept.lock().unwrap();
        if stage == Stage::Fresh {
            *kept = Arc::new(Provider::memory());
        }
        Ok::<_, StoreError>(ObjectBlobs::new(Arc::clone(&kept)))
    };
    let profile = Profile::new().shared(true).threads(false);
    block_on(conformance::parts(open, &profile)).assert();
}
