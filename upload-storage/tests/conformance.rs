//! Every back end passes the conformance suite, alone and behind wrappers that delay every call.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::sync::{Arc, Mutex};

use upload_core::ports::{BlobStore, PartRules, RecordStore, StoreError};
use upload_storage::{
    Counted, Fault, Faulty, Limited, Limits, Paused, Plan,
    conformance::{self, Profile, Stage, block_on},
    memory::{MemoryBlobs, MemoryParts, MemoryRecords},
};

/// Runs the suite over memory behind a wrapper; the memory lives on from a `Fresh` to the next.
fn blobs<S: BlobStore + 'static>(profile: &Profile, wrap: impl Fn(MemoryBlobs) -> S + Sync) {
    let kept = Mutex::new(MemoryBlobs::new());
    let open = async |stage| Ok::<_, StoreError>(wrap(memory(&kept, stage)));
    block_on(conformance::blobs(open, profile)).assert();
}

fn records<S: RecordStore + 'static>(profile: &Profile, wrap: impl Fn(MemoryRecords) -> S + Sync) {
    let kept = Mutex::new(MemoryRecords::new());
    let open = async |stage| Ok::<_, StoreError>(wrap(memory(&kept, stage)));
    block_on(conformance::records(open, profile)).assert();
}

fn memory<S: Clone + Default>(kept: &Mutex<S>, stage: Stage) -> S {
    let mut kept = kept.lock().unwrap();
    if stage == Stage::Fresh {
        *kept = S::default();
    }
    kept.clone()
}

/// Every call waits before and after its effect, so that it can be dropped there.
fn slow() -> Plan {
    Plan::seeded(1).rate(Fault::Delay(3), 1000)
}

#[test]
fn memory_conforms() {
    blobs(&Profile::new(), |store| store);
    records(&Profile::new(), |store| store);
}

/// Runs the suite for parts over memory behind a wrapper, by these rules.
fn parts<S: BlobStore + 'static>(
    profile: &Profile,
    rules: PartRules,
    wrap: impl Fn(MemoryParts) -> S + Sync,
) {
    let kept = Mutex::new(MemoryParts::new(rules));
    let open = async |stage| {
        let mut kept = kept.lock().unwrap();
        if stage == Stage::Fresh {
            *kept = MemoryParts::new(rules);
        }
        Ok::<_, StoreError>(wrap(kept.clone()))
    };
    block_on(conformance::parts(open, &profile.clone().shared(true))).assert();
}

/// The rules of every provider, with small parts.
fn all_rules() -> [PartRules; 3] {
    let (mut s3, mut r2) = (PartRules::s3(), PartRules::s3());
    (s3.min_part, r2.min_part, r2.equal) = (5000, 5000, true);
    [s3, r2, PartRules::azure()]
}

#[test]
fn memory_in_parts_conforms() {
    for rules in all_rules() {
        parts(&Profile::new(), rules, |store| store);
    }
}

#[test]
fn slow_memory_in_parts_conforms() {
    for threads in [false, true] {
        let profile = Profile::new().threads(threads);
        for rules in all_rules() {
            parts(&profile, rules, |store| Faulty::new(Arc::new(store), slow()));
        }
    }
}

#[test]
fn wrappers_of_parts_conform() {
    let (profile, [rules, ..]) = (Profile::new(), all_rules());
    let limits = Limits::none().calls(3).bytes(1 << 30);
    parts(&profile, rules, |store| Counted::new(Arc::new(Paused::new(Arc::new(store)))));
    parts(&profile, rules, |store| Limited::new(Arc::new(Faulty::new(Arc::new(store), slow())), limits));
}

#[test]
fn shared_memory_conforms() {
    let profile = Profile::new().shared(true).threads(false).reopen(false);
    blobs(&profile, |store| store.with_shared(true));
    records(&profile, |store| store.with_shared(true));
}

#[test]
fn slow_memory_conforms() {
    for threads in [false, true] {
        let profile = Profile::new().threads(threads);
        blobs(&profile, |store| Faulty::new(Arc::new(store), slow()));
        records(&profile, |store| Faulty::new(Arc::new(store), slow()));
    }
}

#[test]
fn wrappers_conform() {
    let profile = Profile::new();
    let limits = || Limits::none().calls(3).bytes(1 << 30);
    blobs(&profile, |store| Counted::new(Arc::new(Paused::new(Arc::new(store)))));
    blobs(&profile, |store| Limited::new(Arc::new(Faulty::new(Arc::new(store), slow())), limits()));
    records(&profile, |store| Counted::new(Arc::new(store)));
    records(&profile, |store| Limited::new(Arc::new(Faulty::new(Arc::new(store), slow())), limits()));
}

/// A directory of its own, gone when the test ends well.
#[cfg(any(feature = "disk", feature = "redb"))]
struct Dir(std::path::PathBuf, std::sync::atomic::AtomicUsize);

#[cfg(any(feature = "disk", feature = "redb"))]
impl Dir {
    fn new(name: &str) -> Self {
        let name = format!("conformance-{name}-{}", std::process::id());
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path, 0.into())
    }

    /// A new path for a fresh store, the one of before for the same store again.
    fn of(&self, stage: Stage) -> std::path::PathBuf {
        use std::sync::atomic::Ordering::SeqCst;
        let number = match stage {
            Stage::Fresh => self.1.fetch_add(1, SeqCst) + 1,
            _ => self.1.load(SeqCst),
        };
        self.0.join(number.to_string())
    }
}

#[cfg(any(feature = "disk", feature = "redb"))]
impl Drop for Dir {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

#[cfg(feature = "disk")]
mod disk {
    use super::*;
    use upload_storage::{
        Durability,
        disk::{DiskBlobs, DiskSettings},
    };

    fn conforms(name: &str, settings: &DiskSettings) {
        let dir = Dir::new(name);
        let open = async |stage| DiskBlobs::open(dir.of(stage), settings.clone());
        block_on(conformance::blobs(open, &Profile::new())).assert();
    }

    #[test]
    fn durable_disk_conforms() {
        conforms("disk-request", &DiskSettings::new(Durability::Request));
    }

    #[test]
    fn fast_disk_conforms() {
        conforms("disk-none", &DiskSettings::new(Durability::None));
    }

    #[test]
    fn disk_with_few_threads_and_files_conforms() {
        let mut settings = DiskSettings::new(Durability::None);
        (settings.writers, settings.syncers, settings.readers, settings.open_files) = (1, 1, 1, 2);
        conforms("disk-few", &settings);
    }
}

#[cfg(feature = "redb")]
mod redb {
    use super::*;
    use upload_storage::{Durability, redb::RedbRecords};

    fn conforms(name: &str, durability: Durability) {
        let dir = Dir::new(name);
        let open = async |stage| RedbRecords::open(dir.of(stage), durability);
        block_on(conformance::records(open, &Profile::new())).assert();
    }

    #[test]
    fn durable_redb_conforms() {
        conforms("redb-request", Durability::Request);
    }

    #[test]
    fn fast_redb_conforms() {
        conforms("redb-none", Durability::None);
    }
}
