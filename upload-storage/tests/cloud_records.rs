//! Records in the buckets of real stores conform. Run by `.ci/cloud`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod cloud_support;

use std::{sync::Arc, time::Duration};

use cloud_support::{Emulator, runtime};
use upload_core::ports::StoreError;
use upload_storage::{
    conformance::{self, Profile},
    object::{ObjectRecords, Provider, ProviderSettings},
};

/// The whole suite, each opening with connections of its own.
fn conform(open: impl AsyncFn() -> Provider + Sync) {
    runtime().block_on(async {
        let open = &open;
        let open = async |_| Ok::<_, StoreError>(ObjectRecords::new(Arc::new(open().await)));
        let profile = Profile::new().shared(true).threads(false).patience(Duration::from_secs(300));
        let profile = profile.only(std::env::var("CLOUD_ONLY").unwrap_or_default());
        conformance::records(open, &profile).await.assert();
    });
}

/// With time: SeaweedFS lets those who put one object at once wait for each other, 200 ms each.
fn emulator(emulator: Emulator) {
    conform(async || emulator.bucket("records", "suite", &ProviderSettings::default()).await);
}

#[test]
fn seaweedfs_conforms() {
    emulator(Emulator::SeaweedFs);
}

#[test]
fn moto_conforms() {
    emulator(Emulator::Moto);
}

#[test]
fn azurite_conforms() {
    emulator(Emulator::Azurite);
}
