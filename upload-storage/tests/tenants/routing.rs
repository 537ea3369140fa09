//! Each call reaches one store.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use upload_core::{
    Access, Fragment,
    ports::{
        Binding, BlobStore, Mover, PartRules, Parts, Permit, Publication, SignFor, Signer, StoreError,
        StoreErrorKind::{NotFound, Unavailable, Unsupported},
    },
};
use upload_storage::{
    Counted, Fault, Faulty, Operation, Plan, TenantBlobs,
    conformance::block_on,
    memory::{MemoryBlobs, MemoryParts},
};

use super::{HOUR, TENANTS, double::Double, handle, names, over};

/// Three stores that count, and the one in front of them.
struct World<S> {
    stores: [Arc<Counted<S>>; 3],
    tenants: TenantBlobs,
}

impl<S: BlobStore + 'static> World<S> {
    fn new(new: impl Fn() -> S) -> Self {
        let stores = [(); 3].map(|()| Arc::new(Counted::new(Arc::new(new()))));
        Self { tenants: over(&stores), stores }
    }

    /// The call succeeds, is this operation of the store at `place`, and no other store is called.
    fn at<T>(
        &self,
        place: usize,
        operation: Operation,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> T {
        let before = self.stores.each_ref().map(|store| store.counts());
        let value = block_on(call).unwrap();
        for (n, (store, before)) in self.stores.iter().zip(before).enumerate() {
            let counts = store.counts() - before;
            let expected = u64::from(n == place);
            let calls = (counts.calls(operation), counts.all());
            assert_eq!(calls, (expected, expected), "{operation:?} of {place} in {n}: {counts:?}");
        }
        value
    }

    fn refuses<T: std::fmt::Debug>(&self, call: impl Future<Output = Result<T, StoreError>>) {
        let before = self.stores.each_ref().map(|store| store.counts());
        let error = block_on(call).unwrap_err();
        assert_eq!(error.kind, Unsupported);
        assert!(error.to_string().contains("expected"), "{error}");
        assert_eq!(self.stores.each_ref().map(|store| store.counts()), before);
    }
}

fn permit() -> Permit {
    Permit::new(|| {})
}

fn bytes(text: &'static str) -> Vec<Bytes> {
    vec![Bytes::from_static(text.as_bytes())]
}

#[test]
fn calls_that_write_in_place_reach_one_store() {
    let world = World::new(MemoryBlobs::new);
    let blobs = &world.tenants;
    for (place, tenant) in TENANTS.into_iter().enumerate() {
        let (staging, key) = names(tenant, HOUR, 1);
        world.at(place, Operation::Stage, blobs.stage(&staging, None));
        world.at(place, Operation::Write, blobs.write(&staging, 0, bytes("abcd"), permit()));
        world.at(place, Operation::Move, blobs.move_within(&staging, 2, 4, 2, permit()));
        world.at(place, Operation::Sync, blobs.sync(&staging));
        let read = world.at(place, Operation::ReadStaged, blobs.read_staged(&staging, 0..6));
        assert_eq!((&read[..2], &read[4..]), (&b"ab"[..], &b"cd"[..]));
        let publication = Publication::new(staging, key.clone(), 2);
        world.at(place, Operation::Publish, blobs.publish(&publication));
        assert_eq!(world.at(place, Operation::Length, blobs.length(&key)), Some(2));
        assert_eq!(world.at(place, Operation::Read, blobs.read(&key, 0..2)), "ab");
        world.at(place, Operation::Delete, blobs.delete(&key));
        world.at(place, Operation::Discard, blobs.discard(&names(tenant, HOUR, 2).0));
    }
}

#[test]
fn calls_about_parts_reach_one_store() {
    let world = World::new(|| MemoryParts::new(PartRules::azure()).with_signing(Binding::nothing()));
    let blobs = &world.tenants;
    let fragment = Fragment::parse(&format!("{:020}-{:025}", 0, 0)).unwrap();
    for (place, tenant) in TENANTS.into_iter().enumerate() {
        let (staging, key) = names(tenant, HOUR, 1);
        world.at(place, Operation::PutFragment, blobs.put_fragment(&staging, &fragment, bytes("fragment")));
        let read = blobs.read_fragment(&staging, &fragment, 0..4);
        assert_eq!(world.at(place, Operation::ReadFragment, read), "frag");
        let fragments = std::slice::from_ref(&fragment);
        world.at(place, Operation::DeleteFragments, blobs.delete_fragments(&staging, fragments));
        let session = world.at(place, Operation::OpenSession, blobs.open(&key));
        let part = world.at(place, Operation::PutPart, blobs.put_part(&key, &session, 1, bytes("part")));
        let parts = world.at(place, Operation::ListParts, blobs.list_parts(&key, &session));
        assert_eq!(parts, [part]);
        assert_eq!(world.at(place, Operation::ListSent, blobs.sent(&key, Some(&session))), parts);
        world.at(place, Operation::CompleteParts, blobs.complete(&key, &session, &parts));
        let other = names(tenant, HOUR, 2).1;
        world.at(place, Operation::CopyOnce, blobs.copy_once(&key, &other));
        assert_eq!(world.at(place, Operation::Read, blobs.read(&other, 0..4)), "part");
        world.at(place, Operation::PutObject, blobs.put_object(&other, bytes("object")));
        let session = world.at(place, Operation::OpenSession, blobs.open(&key));
        world.at(place, Operation::AbortSession, blobs.abort(&key, &session));
    }
}

#[test]
fn a_request_is_signed_by_the_store_of_its_key_or_else_of_its_staging_name() {
    let stores = TENANTS.map(|tenant| Arc::new(Double::signing(tenant)));
    let blobs = over(&stores);
    for tenant in TENANTS {
        let (staging, key) = names(tenant, HOUR, 1);
        let ask = SignFor::new(Access::Put, &staging, Duration::from_secs(1));
        assert_eq!(block_on(blobs.sign(&ask)).unwrap().url, tenant);
        for other in TENANTS {
            let other = names(other, HOUR, 1).0;
            let mut ask = SignFor::new(Access::Read, &other, Duration::from_secs(1));
            ask.key = Some(&key);
            assert_eq!(block_on(blobs.sign(&ask)).unwrap().url, tenant);
        }
    }
}

/// Bytes do not go from one tenant's store to another's; within the common one they do.
#[test]
fn names_of_two_stores_are_refused() {
    let world = World::new(|| Double::signing("signs"));
    for from in TENANTS {
        for to in TENANTS.into_iter().filter(|to| *to != from) {
            let ((staging, key), (_, other)) = (names(from, HOUR, 1), names(to, HOUR, 1));
            world.refuses(world.tenants.publish(&Publication::new(staging, other.clone(), 0)));
            world.refuses(world.tenants.copy_once(&key, &other));
        }
    }
    let ((_, key), (_, other)) = (names("rest0004", HOUR, 1), names("rest0005", HOUR, 1));
    assert_eq!(block_on(world.tenants.copy_once(&key, &other)).unwrap_err().kind, NotFound);
}

#[test]
fn all_stores_are_flushed_also_after_one_that_fails() {
    for broken in 0..4 {
        let stores = [0, 1, 2].map(|n| {
            let plan = Plan::none();
            let fails = plan.clone().script(Operation::Flush, 1, Fault::Before(Unavailable));
            let plan = if n == broken { fails } else { plan };
            Arc::new(Counted::new(Arc::new(Faulty::new(Arc::new(MemoryBlobs::new()), plan))))
        });
        let flushed = block_on(over(&stores).flush());
        assert_eq!(flushed.map_err(|error| error.kind), if broken < 3 { Err(Unavailable) } else { Ok(()) });
        assert_eq!(stores.map(|store| store.counts().calls(Operation::Flush)), [1, 1, 1]);
    }
}

/// The stores' handles are told apart as a whole.
#[test]
fn a_handle_that_begins_as_another_is_another() {
    let world = World::new(MemoryBlobs::new);
    assert_eq!(handle("acme0002").as_str()[..7], TENANTS[0][..7]);
    world.at(2, Operation::Stage, world.tenants.stage(&names("acme0002", HOUR, 1).0, None));
}
