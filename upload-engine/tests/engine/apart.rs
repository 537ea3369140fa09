//! Tenants with stores of their own: whatever way an upload takes, its bytes lie in its tenant's store and nowhere else.

use std::sync::Arc;

use bytes::Bytes;
use upload_core::{
    Outcome, Principal,
    lifecycle::Begin,
    ports::{BlobStore, RecordStore},
    record::Addressing,
};
use upload_engine::{Engine, Limits};
use upload_storage::TenantBlobs;

use crate::support::{
    Script, World, block_on,
    client::Client,
    content,
    store::Blobs,
    world::{HOUR, somebody},
};

/// A world whose tenant `acme` has a store of its own.
struct Apart {
    world: World,
    own: Blobs,
    engine: Engine,
}

fn apart() -> Apart {
    let world = World::new(1);
    let own = Blobs::new(crate::PARTS);
    let records: Arc<dyn RecordStore> = Arc::new(world.records.clone());
    let common: Arc<dyn BlobStore> = Arc::new(world.blobs.clone());
    let first = world.over(Arc::clone(&common), Arc::clone(&records));
    let handle = block_on(first.tenant_handle(&somebody("acme").tenant)).unwrap();
    let blobs = TenantBlobs::new(common).with(handle, Arc::new(own.clone())).unwrap();
    let engine = world.over(Arc::new(blobs), records);
    Apart { world, own, engine }
}

impl Apart {
    fn objects(&self) -> [usize; 2] {
        let all = upload_core::Hour::new(u64::MAX / 4_000_000);
        [&self.own, &self.world.blobs].map(|blobs| block_on(blobs.list(all, None, usize::MAX)).unwrap().len())
    }

    fn single(&self, who: &Principal, limits: Limits, bytes: &Bytes) -> Outcome {
        let received = block_on(self.engine.receive(limits, &mut Script::of(bytes))).unwrap();
        let begin = Begin::new("files", Addressing::Offsets, None);
        block_on(self.engine.settle(who, received, begin)).unwrap()
    }

    fn read(&self, who: &Principal, outcome: &Outcome) -> Bytes {
        let reading = block_on(self.engine.read(Some(who), &outcome.id)).unwrap();
        block_on(reading.range(0..outcome.length)).unwrap()
    }
}

#[test]
fn an_upload_lies_in_its_tenants_store() {
    let apart = apart();
    let (acme, other) = (somebody("acme"), somebody("other"));
    let bytes = content(1, 5000);
    let outcome = block_on(Client::slots(&bytes, 1500).complete(
        &apart.engine,
        &block_on(apart.engine.begin(&acme, Client::slots(&bytes, 1500).begin())).unwrap().id,
    ))
    .unwrap();
    assert_eq!((apart.objects(), apart.read(&acme, &outcome)), ([1, 0], bytes.clone()));
    // In one request, whose it is known before or after: short and long.
    let mut expected = [1, 0];
    for len in [10, 5000] {
        let bytes = content(2, len);
        for limits in [Limits::new(9000), Limits::new(9000).of(&acme.tenant)] {
            let outcome = apart.single(&acme, limits, &bytes);
            expected[0] += 1;
            assert_eq!((apart.objects(), apart.read(&acme, &outcome)), (expected, bytes.clone()));
            assert!(!outcome.digests.is_empty());
        }
        let outcome = apart.single(&other, Limits::new(9000), &bytes);
        expected[1] += 1;
        assert_eq!((apart.objects(), apart.read(&other, &outcome)), (expected, bytes));
    }
    // Those who clean up find what is whose.
    for _ in 0..3 {
        apart.world.advance(30 * HOUR);
        assert_eq!((block_on(apart.engine.sweep()).failed, block_on(apart.engine.janitor()).failed), (0, 0));
    }
    assert_eq!(apart.objects(), expected);
}

/// What was received for nobody yet and is dropped leaves nothing in either store.
#[test]
fn what_is_never_settled_lies_nowhere() {
    let apart = apart();
    let bytes = content(3, 5000);
    for limits in [Limits::new(9000), Limits::new(9000).of(&somebody("acme").tenant)] {
        let received = block_on(apart.engine.receive(limits, &mut Script::of(&bytes))).unwrap();
        block_on(apart.engine.discard(received));
    }
    assert_eq!(apart.objects(), [0, 0]);
}
