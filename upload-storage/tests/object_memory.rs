//! Records over object_store's own store in memory.
#![cfg(all(feature = "object", feature = "conformance"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::sync::{Arc, Mutex};

use upload_core::ports::StoreError;
use upload_storage::{
    conformance::{self, Profile, Stage, block_on},
    object::{ObjectRecords, Provider},
};

#[test]
fn records_in_memory_conform() {
    for threads in [false, true] {
        let kept = Mutex::new(Provider::memory());
        let open = async |stage| {
            let mut kept = kept.lock().unwrap();
            if stage == Stage::Fresh {
                *kept = Provider::memory();
            }
            Ok::<_, StoreError>(ObjectRecords::new(Arc::new(kept.clone())))
        };
        let profile = Profile::new().shared(true).threads(threads);
        block_on(conformance::records(open, &profile)).assert();
    }
}
