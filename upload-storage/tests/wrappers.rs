//! What the wrappers do to the stores they wrap.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Waker},
};

use bytes::Bytes;
use futures_util::FutureExt;
use upload_core::{
    Fragment, Handle, Hour, ObjectKey, StagingName, UploadId,
    ports::{
        BlobStore, Deleted, Expected, Ids, PartRules, Parts, Permit, Publication, Put, RecordStore,
        StoreError,
        StoreErrorKind::{self, Corrupt, Full, Unavailable},
    },
};
use upload_storage::{
    Counted, Fault, Faulty, Limited, Limits, Operation, Paused, Plan,
    conformance::block_on,
    memory::{MemoryBlobs, MemoryParts, MemoryRecords},
};

#[derive(Debug)]
struct Same(u8);

impl Ids for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn names(number: u8) -> (StagingName, ObjectKey) {
    let (ids, hour) = (Same(number), Hour::new(490_000));
    let upload = UploadId::random(&Handle::random(&ids), &ids);
    (StagingName::random(hour, &upload, &ids), ObjectKey::random(hour, &upload, &ids))
}

/// A permit, and whether it is still out.
fn permit() -> (Permit, Arc<AtomicBool>) {
    let out = Arc::new(AtomicBool::new(true));
    let inside = Arc::clone(&out);
    (Permit::new(move || inside.store(false, Ordering::SeqCst)), out)
}

async fn write(store: &dyn BlobStore, name: &StagingName, at: u64, bytes: &[u8]) -> Result<(), StoreError> {
    store.write(name, at, vec![Bytes::copy_from_slice(bytes)], permit().0).await
}

/// Polls once.
fn waits<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
    future.poll_unpin(&mut Context::from_waker(Waker::noop())).is_pending()
}

fn kind<T: std::fmt::Debug>(result: Result<T, StoreError>) -> StoreErrorKind {
    result.unwrap_err().kind
}

#[test]
fn the_same_seed_gives_the_same_faults() {
    let run = |seed| {
        let plan = Plan::seeded(seed)
            .rate(Fault::Before(Unavailable), 100)
            .rate(Fault::After(Full), 100)
            .rate(Fault::UnknownAfter, 200)
            .rate(Fault::Delay(4), 300);
        let records = Faulty::new(Arc::new(MemoryRecords::new()), plan);
        block_on(async {
            for i in 0..200 {
                let key = format!("u/{}", i % 7);
                let _ = records.put(&key, Bytes::new(), Expected::Absent).await;
                if let Ok(Some(stored)) = records.get(&key).await {
                    let _ = records.delete(&key, &stored.version).await;
                }
            }
        });
        records.trace()
    };
    let faults = |trace: &[upload_storage::Traced]| trace.iter().filter(|call| call.fault.is_some()).count();
    let (first, again, other) = (run(1), run(1), run(2));
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(faults(&first) > 100, "{} faults in {} calls", faults(&first), first.len());
}

#[test]
fn a_fault_before_has_no_effect_and_one_after_has() {
    block_on(async {
        let plan = Plan::none()
            .script(Operation::Write, 1, Fault::Before(Full))
            .script(Operation::Write, 2, Fault::After(Unavailable))
            .script(Operation::Sync, 3, Fault::Before(Unavailable))
            .script(Operation::ReadStaged, 3, Fault::Short);
        let blobs = Faulty::new(Arc::new(MemoryBlobs::new()), plan);
        let name = names(1).0;
        blobs.stage(&name, None).await.unwrap();
        let (given, out) = permit();
        let failed = blobs.write(&name, 0, vec![Bytes::from_static(b"abc")], given).await;
        assert_eq!((kind(failed), out.load(Ordering::SeqCst)), (Full, false));
        assert_eq!(kind(blobs.read_staged(&name, 0..3).await), Corrupt);
        assert_eq!(kind(write(&blobs, &name, 0, b"abc").await), Unavailable);
        assert_eq!(blobs.read_staged(&name, 0..3).await.unwrap(), "abc");
        assert_eq!(kind(blobs.read_staged(&name, 0..3).await), Corrupt);
        let syncs = [blobs.sync(&name).await, blobs.sync(&name).await, blobs.sync(&name).await];
        assert_eq!(syncs.map(|sync| sync.is_ok()), [true, true, false]);
    });
}

#[test]
fn an_unknown_put_may_have_happened() {
    block_on(async {
        let records = Faulty::new(Arc::new(MemoryRecords::new()), Plan::none());
        for (fault, happened) in [(Fault::UnknownBefore, false), (Fault::UnknownAfter, true)] {
            records.fail_next(Operation::Put, fault);
            let put = records.put("u/1", Bytes::from_static(b"a"), Expected::Absent).await.unwrap();
            assert!(matches!(put, Put::Unknown(_)), "{put:?}");
            assert_eq!(records.get("u/1").await.unwrap().is_some(), happened);
        }
        let version = records.get("u/1").await.unwrap().unwrap().version;
        for (fault, happened) in [(Fault::UnknownBefore, false), (Fault::After(Unavailable), true)] {
            records.fail_next(Operation::DeleteRecord, fault);
            let deleted = records.delete("u/1", &version).await.unwrap();
            assert!(matches!(deleted, Deleted::Unknown(_)), "{deleted:?}");
            assert_eq!(records.get("u/1").await.unwrap().is_none(), happened);
        }
    });
}

#[test]
fn after_a_stop_nothing_happens_until_it_heals() {
    block_on(async {
        let inner = Arc::new(MemoryRecords::new());
        let records = Faulty::new(Arc::clone(&inner), Plan::none().stop_after(2));
        let put = async |key| records.put(key, Bytes::new(), Expected::Absent).await;
        assert!(put("a").await.is_ok() && put("b").await.is_ok());
        assert_eq!(kind(put("c").await), Unavailable);
        assert_eq!(kind(records.get("a").await), Unavailable);
        assert_eq!(inner.list("", None, 10).await.unwrap().len(), 2);
        records.heal();
        assert!(put("c").await.is_ok());
        records.stop();
        assert!(records.health().await.is_err());
    });
}

#[test]
fn counts_are_of_calls_and_bytes() {
    block_on(async {
        let blobs = Counted::new(Arc::new(MemoryBlobs::new()));
        let (name, key) = names(1);
        write(&blobs, &name, 0, b"abcde").await.unwrap();
        let before = blobs.counts();
        write(&blobs, &name, 5, b"fgh").await.unwrap();
        blobs.publish(&Publication::new(name, key.clone(), 8)).await.unwrap();
        blobs.read(&key, 2..6).await.unwrap();
        assert!(blobs.read(&key, 2..9).await.is_err());
        let since = blobs.counts() - before;
        let of = |operation| (since.calls(operation), since.bytes(operation));
        assert_eq!(
            [of(Operation::Write), of(Operation::Publish), of(Operation::Read)],
            [(1, 3), (1, 8), (2, 4)]
        );
        assert_eq!((since.all(), blobs.counts().bytes(Operation::Write)), (4, 8));
        assert_eq!(
            format!("{since:?}"),
            "{Write: 1 calls 3 bytes, Publish: 1 calls 8 bytes, Read: 2 calls 4 bytes}"
        );
    });
}

#[test]
fn a_full_store_takes_more_when_something_goes() {
    block_on(async {
        let blobs = Limited::new(Arc::new(MemoryBlobs::new()), Limits::none().bytes(10));
        let ((a, key), (b, _)) = (names(1), names(2));
        write(&blobs, &a, 0, b"abcdef").await.unwrap();
        write(&blobs, &a, 2, b"CDEF").await.unwrap();
        assert_eq!(blobs.used(), 6);
        write(&blobs, &b, 1 << 40, b"1234").await.unwrap();
        assert_eq!(kind(write(&blobs, &b, 0, b"5").await), Full);
        blobs.publish(&Publication::new(a, key.clone(), 3)).await.unwrap();
        assert_eq!(blobs.used(), 7);
        write(&blobs, &b, 0, b"567").await.unwrap();
        blobs.delete(&key).await.unwrap();
        blobs.discard(&b).await.unwrap();
        assert_eq!(blobs.used(), 0);
    });
}

/// A write counts until its permit ends, not only until its future is dropped.
#[test]
fn at_most_so_many_calls_are_under_way() {
    block_on(async {
        let paused = Paused::new(Arc::new(MemoryBlobs::new()));
        let blobs = Limited::new(Arc::new(paused.clone()), Limits::none().calls(1));
        let (name, key) = names(1);
        paused.pause(1);
        let mut first = Box::pin(write(&blobs, &name, 0, b"first"));
        assert!(waits(&mut first));
        drop(first);
        let mut length = pin!(blobs.length(&key));
        assert!(waits(&mut length));
        assert_eq!(paused.release().await, 1);
        assert_eq!(length.await.unwrap(), None);
        assert_eq!(blobs.read_staged(&name, 0..5).await.unwrap(), "first");
    });
}

/// A writer stands still inside its write while another completes; dropping it does not end it.
#[test]
fn a_paused_write_goes_on_under_its_permit() {
    block_on(async {
        let blobs = Paused::new(Arc::new(MemoryBlobs::new()));
        let name = names(1).0;
        write(&blobs, &name, 0, b"........").await.unwrap();
        blobs.pause(2);
        blobs.pause(3);
        write(&blobs, &name, 0, b"1").await.unwrap();
        let (given, out) = permit();
        let mut dropped = blobs.write(&name, 1, vec![Bytes::from_static(b"22")], given);
        assert!(waits(&mut dropped));
        drop(dropped);
        let mut kept = pin!(write(&blobs, &name, 3, b"33"));
        assert!(waits(&mut kept));
        blobs.arrived().await;
        write(&blobs, &name, 5, b"4").await.unwrap();
        assert_eq!(blobs.read_staged(&name, 0..8).await.unwrap(), "1....4..");
        assert!(out.load(Ordering::SeqCst));
        assert_eq!((blobs.held(), blobs.release().await, blobs.held()), (2, 2, 0));
        assert!(!out.load(Ordering::SeqCst));
        assert!(kept.now_or_never().unwrap().is_ok());
        assert_eq!(blobs.read_staged(&name, 0..8).await.unwrap(), "122334..");
    });
}

fn in_parts() -> Arc<MemoryParts> {
    let mut rules = PartRules::s3();
    rules.min_part = 3;
    Arc::new(MemoryParts::new(rules))
}

fn bytes(bytes: &'static [u8]) -> Vec<Bytes> {
    vec![Bytes::from_static(bytes)]
}

#[test]
fn parts_fail_before_their_effect_or_after_it() {
    block_on(async {
        let inner = in_parts();
        let plan = Plan::none()
            .script(Operation::PutPart, 1, Fault::Before(Unavailable))
            .script(Operation::PutPart, 2, Fault::After(Unavailable))
            .script(Operation::CompleteParts, 1, Fault::After(Unavailable))
            .script(Operation::ReadFragment, 1, Fault::Short)
            .script(Operation::DeleteFragments, 1, Fault::Before(Full));
        let blobs = Faulty::new(Arc::clone(&inner), plan);
        let parts = blobs.parts().unwrap();
        assert_eq!(parts.rules(), inner.rules());
        let (staging, key) = names(1);
        let session = parts.open(&key).await.unwrap();
        assert_eq!(kind(parts.put_part(&key, &session, 1, bytes(b"abc")).await), Unavailable);
        assert_eq!(inner.list_parts(&key, &session).await.unwrap(), []);
        assert_eq!(kind(parts.put_part(&key, &session, 2, bytes(b"abc")).await), Unavailable);
        let stored = parts.list_parts(&key, &session).await.unwrap();
        assert_eq!(stored.iter().map(|part| (part.number, part.length)).collect::<Vec<_>>(), [(2, 3)]);
        assert_eq!(kind(parts.complete(&key, &session, &stored).await), Unavailable);
        assert_eq!(blobs.length(&key).await.unwrap(), Some(3));
        parts.complete(&key, &session, &stored).await.unwrap();

        let fragment = Fragment::random(7, &Same(2));
        parts.put_fragment(&staging, &fragment, bytes(b"de")).await.unwrap();
        assert_eq!(kind(parts.read_fragment(&staging, &fragment, 0..2).await), Corrupt);
        assert_eq!(kind(parts.delete_fragments(&staging, std::slice::from_ref(&fragment)).await), Full);
        assert_eq!(parts.read_fragment(&staging, &fragment, 0..2).await.unwrap(), "de");
        parts.put_object(&key, bytes(b"whole")).await.unwrap();
        assert_eq!(blobs.read(&key, 0..5).await.unwrap(), "whole");
        let trace = blobs.trace();
        assert_eq!(trace.iter().filter(|call| call.fault.is_some()).count(), 5, "{trace:?}");
    });
}

/// Of the calls about parts, a drawn fault of reading falls on the one that reads.
#[test]
fn a_fragment_comes_back_short_and_nothing_else() {
    block_on(async {
        let blobs = Faulty::new(in_parts(), Plan::seeded(1).rate(Fault::Short, 1000));
        let parts = blobs.parts().unwrap();
        let (staging, fragment) = (names(1).0, Fragment::random(0, &Same(2)));
        parts.put_fragment(&staging, &fragment, bytes(b"abc")).await.unwrap();
        assert_eq!(kind(parts.read_fragment(&staging, &fragment, 0..3).await), Corrupt);
        parts.delete_fragments(&staging, &[fragment]).await.unwrap();
    });
}

#[test]
fn parts_and_keys_are_counted() {
    block_on(async {
        let blobs = Counted::new(in_parts());
        let parts = blobs.parts().unwrap();
        let (staging, key) = names(1);
        let session = parts.open(&key).await.unwrap();
        let part = parts.put_part(&key, &session, 1, bytes(b"abcd")).await.unwrap();
        parts.complete(&key, &session, &[part]).await.unwrap();
        parts.abort(&key, &session).await.unwrap();
        let fragment = Fragment::random(0, &Same(2));
        parts.put_fragment(&staging, &fragment, bytes(b"xy")).await.unwrap();
        parts.read_fragment(&staging, &fragment, 1..2).await.unwrap();
        assert_eq!(
            format!("{:?}", blobs.counts()),
            "{OpenSession: 1 calls 0 bytes, PutPart: 1 calls 4 bytes, CompleteParts: 1 calls 4 bytes, \
             AbortSession: 1 calls 0 bytes, PutFragment: 1 calls 2 bytes, ReadFragment: 1 calls 1 bytes}"
        );
        let records = Counted::new(Arc::new(MemoryRecords::new()));
        records.put("u/1", Bytes::new(), Expected::Absent).await.unwrap();
        assert_eq!(records.keys("u/", None, 9).await.unwrap(), ["u/1"]);
        let counts = records.counts();
        assert_eq!((counts.calls(Operation::ListKeys), counts.calls(Operation::ListRecords)), (1, 0));
    });
}

#[test]
fn parts_and_fragments_fill_a_store_until_they_go() {
    block_on(async {
        let blobs = Limited::new(in_parts(), Limits::none().bytes(10));
        let parts = blobs.parts().unwrap();
        let ((staging, key), (other, _)) = (names(1), names(2));
        let (kept, aborted) = (parts.open(&key).await.unwrap(), parts.open(&key).await.unwrap());
        let first = parts.put_part(&key, &kept, 1, bytes(b"abc")).await.unwrap();
        parts.put_part(&key, &kept, 2, bytes(b"def")).await.unwrap();
        parts.put_part(&key, &aborted, 1, bytes(b"xy")).await.unwrap();
        let fragments = [1, 2].map(|n| Fragment::random(0, &Same(n)));
        parts.put_fragment(&staging, &fragments[0], bytes(b"1")).await.unwrap();
        parts.put_fragment(&other, &fragments[1], bytes(b"2")).await.unwrap();
        assert_eq!(blobs.used(), 10);
        assert_eq!(kind(parts.put_object(&names(3).1, bytes(b"3")).await), Full);
        assert_eq!(kind(parts.put_part(&key, &kept, 3, bytes(b"3")).await), Full);
        parts.abort(&key, &aborted).await.unwrap();
        assert_eq!(blobs.used(), 8);
        parts.delete_fragments(&staging, &fragments).await.unwrap();
        assert_eq!(blobs.used(), 7);
        parts.complete(&key, &kept, &[first]).await.unwrap();
        assert_eq!(blobs.used(), 4);
        parts.open(&key).await.unwrap();
        blobs.discard(&other).await.unwrap();
        blobs.delete(&key).await.unwrap();
        assert_eq!(blobs.used(), 0);
    });
}

/// A part that stands still on its way arrives after another took its number.
#[test]
fn a_paused_part_arrives_late() {
    block_on(async {
        let blobs = Paused::new(in_parts());
        let parts = blobs.parts().unwrap();
        let key = names(1).1;
        let session = parts.open(&key).await.unwrap();
        blobs.pause(1);
        let mut late = parts.put_part(&key, &session, 1, bytes(b"late"));
        assert!(waits(&mut late));
        blobs.arrived().await;
        let first = parts.put_part(&key, &session, 1, bytes(b"first")).await.unwrap();
        assert_eq!(parts.list_parts(&key, &session).await.unwrap(), std::slice::from_ref(&first));
        assert_eq!(blobs.release().await, 1);
        let late = late.await.unwrap();
        assert_eq!((late.number, late.length), (1, 4));
        assert_eq!(parts.list_parts(&key, &session).await.unwrap(), [late]);
        assert_eq!(kind(parts.complete(&key, &session, &[first]).await), Corrupt);
    });
}
