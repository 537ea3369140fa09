//! Tenants with stores of their own: each call reaches the store of the name's tenant and no other.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

#[path = "tenants/double.rs"]
mod double;
#[path = "tenants/listing.rs"]
mod listing;
#[path = "tenants/refusals.rs"]
mod refusals;
#[path = "tenants/routing.rs"]
mod routing;

use std::sync::{Arc, Mutex};

use upload_core::{
    Handle, Hour, ObjectKey, StagingName,
    ports::{BlobStore, PartRules, StoreError},
};
use upload_storage::{
    TenantBlobs,
    conformance::{self, Profile, Stage, block_on},
    memory::{MemoryBlobs, MemoryParts},
};

/// Two tenants with stores of their own, and one without.
const TENANTS: [&str; 3] = ["acme0001", "zeta0002", "many0003"];

const HOUR: u64 = 490_000;

fn handle(text: &str) -> Handle {
    Handle::parse(text).unwrap()
}

fn names(tenant: &str, hour: u64, number: usize) -> (StagingName, ObjectKey) {
    let (hour, id) = (Hour::new(hour), format!("{tenant}{number:025}"));
    let staging = StagingName::parse(&format!("s/{hour}/{id}-{number:025}")).unwrap();
    let key = ObjectKey::of(&staging);
    (staging, key)
}

/// The first two are of the first two tenants, the third is the common one.
fn over<S: BlobStore + 'static>(stores: &[Arc<S>; 3]) -> TenantBlobs {
    let [acme, zeta, common] = stores.clone();
    let tenants = TenantBlobs::new(common);
    tenants.with(handle(TENANTS[0]), acme).unwrap().with(handle(TENANTS[1]), zeta).unwrap()
}

/// Three stores behind one; they live on from a `Fresh` to the next.
fn kept<S: BlobStore + Clone + 'static>(
    new: impl Fn() -> S + Sync,
) -> impl AsyncFn(Stage) -> Result<TenantBlobs, StoreError> + Sync {
    let stores = Mutex::new([new(), new(), new()]);
    async move |stage| {
        let mut stores = stores.lock().unwrap();
        if stage == Stage::Fresh {
            *stores = [new(), new(), new()];
        }
        Ok(over(&stores.clone().map(Arc::new)))
    }
}

fn profile() -> Profile {
    Profile::new().tenants(TENANTS.map(handle).to_vec())
}

#[test]
fn tenants_in_memory_conform() {
    let open = kept(MemoryBlobs::new);
    block_on(conformance::blobs(|stage| open(stage), &profile())).assert();
    let open = kept(|| MemoryBlobs::new().with_shared(true));
    block_on(conformance::blobs(|stage| open(stage), &profile().shared(true))).assert();
}

#[test]
fn tenants_in_parts_conform() {
    let (mut s3, mut r2) = (PartRules::s3(), PartRules::s3());
    (s3.min_part, r2.min_part, r2.equal) = (5000, 5000, true);
    for rules in [s3, r2, PartRules::azure()] {
        let open = kept(|| MemoryParts::new(rules));
        block_on(conformance::parts(|stage| open(stage), &profile().shared(true))).assert();
    }
}

#[test]
fn the_suite_makes_uploads_of_every_tenant() {
    let stores = [(); 3].map(|()| MemoryBlobs::new());
    let open = async |_| Ok::<_, StoreError>(over(&stores.clone().map(Arc::new)));
    block_on(conformance::blobs(open, &profile())).assert();
    for (store, tenant) in stores.iter().zip(TENANTS) {
        let listed = block_on(store.list(Hour::new(u64::from(u32::MAX)), None, 100_000)).unwrap();
        assert!(listed.len() > 50, "{tenant}: {} names", listed.len());
        let others = listed.iter().filter(|name| !format!("{name:?}").contains(tenant));
        assert_eq!(others.collect::<Vec<_>>(), [] as [&_; 0]);
    }
}
