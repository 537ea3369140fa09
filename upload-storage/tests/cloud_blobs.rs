//! Blobs in the buckets of real stores conform. Run by `.ci/cloud`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod cloud_support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cloud_support::{Emulator, runtime};
use upload_core::ports::StoreError;
use upload_storage::{
    conformance::{self, Profile, Stage},
    object::{ObjectBlobs, ProviderSettings},
};

/// The whole suite, each fresh store with a prefix of its own.
fn conforms(emulator: Emulator) {
    let opened = AtomicUsize::new(0);
    let opened = &opened;
    let open = async |stage| {
        let number = match stage {
            Stage::Fresh => opened.fetch_add(1, Ordering::SeqCst) + 1,
            _ => opened.load(Ordering::SeqCst),
        };
        let prefix = format!("run-{number}");
        let provider = emulator.bucket("blobs", &prefix, &ProviderSettings::default()).await;
        Ok::<_, StoreError>(ObjectBlobs::new(Arc::new(provider)))
    };
    let profile = Profile::new().shared(true).threads(false).patience(Duration::from_secs(300));
    let profile = profile.only(std::env::var("CLOUD_ONLY").unwrap_or_default());
    runtime().block_on(async { conformance::parts(open, &profile).await.assert() });
}

#[test]
fn seaweedfs_conforms() {
    conforms(Emulator::SeaweedFs);
}

#[test]
fn moto_conforms() {
    conforms(Emulator::Moto);
}

#[test]
fn azurite_conforms() {
    conforms(Emulator::Azurite);
}
