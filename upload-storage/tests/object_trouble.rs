//! Records in a bucket whose store fails, answers late, or does something else than it says.
#![cfg(all(feature = "s3", feature = "conformance"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "cloud_support/mini_s3.rs"]
#[allow(dead_code, reason = "each test file uses what it needs")]
mod mini_s3;

use std::sync::Arc;

use mini_s3::{MiniS3, Trouble};
use upload_core::ports::{Deleted, Expected, Put, RecordStore, StoreErrorKind, Version};
use upload_storage::{
    conformance::{self, Profile},
    object::ObjectRecords,
};

const KEY: &str = "u/abc";
/// Its object.
const OBJECT: &str = "p/r/u-_abc";

fn run<F: Future<Output = ()>>(test: impl FnOnce(MiniS3, ObjectRecords) -> F) {
    let server = MiniS3::start();
    let records = ObjectRecords::new(Arc::new(server.provider()));
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test(server, records));
}

async fn put(records: &ObjectRecords, value: &'static str, expected: Expected) -> Put {
    records.put(KEY, value.into(), expected).await.unwrap()
}

async fn make(records: &ObjectRecords, value: &'static str) -> Version {
    let Put::Won(version) = put(records, value, Expected::Absent).await else { panic!("not won") };
    version
}

/// What is stored is this value under this version.
async fn holds(records: &ObjectRecords, value: &str, version: &Version) {
    let stored = records.get(KEY).await.unwrap().unwrap();
    assert_eq!((stored.value.as_ref(), &stored.version), (value.as_bytes(), version));
}

#[test]
fn the_small_store_conforms() {
    let server = MiniS3::start();
    let open = async |_| Ok::<_, String>(ObjectRecords::new(Arc::new(server.provider())));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let profile = Profile::new().shared(true).threads(false);
    runtime.block_on(conformance::records(open, &profile)).assert();
}

/// One that deletes whatever the condition: nothing is ever deleted in it.
#[test]
fn a_heedless_store_conforms() {
    let server = MiniS3::start();
    server.state().heedless = true;
    let open = async |_| Ok::<_, String>(ObjectRecords::new(Arc::new(server.provider())));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let profile = Profile::new().shared(true).threads(false);
    runtime.block_on(conformance::records(open, &profile)).assert();
    let state = server.state();
    let deletes = state.log.iter().filter(|request| request.method == "DELETE");
    let wild: Vec<_> = deletes.filter(|request| request.key.starts_with("p/r/")).collect();
    assert!(wild.is_empty(), "a record was deleted without heed: {wild:?}");
}

#[test]
fn every_write_is_signed_and_under_a_condition() {
    run(async |server, records| {
        let first = make(&records, "a").await;
        let Put::Won(second) = put(&records, "b", Expected::Version(first)).await else { panic!("not won") };
        assert!(matches!(records.delete(KEY, &second).await.unwrap(), Deleted::Done));
        let state = server.state();
        let writes: Vec<_> = state.log.iter().filter(|r| r.method != "GET" && r.key == OBJECT).collect();
        let conditions = ["if-none-match", "if-match", "if-match"];
        assert_eq!(writes.len(), 3);
        for (write, condition) in writes.iter().zip(conditions) {
            assert!(write.headers.contains_key(condition), "{write:?}");
            let signed = &write.headers["authorization"];
            assert!(signed.starts_with("AWS4-HMAC-SHA256 ") && signed.contains(condition), "{signed}");
        }
    });
}

#[test]
fn a_put_that_was_done_is_won_whatever_the_answer() {
    for trouble in [Trouble::DoneBut500, Trouble::DoneButCut, Trouble::NoETag] {
        run(async |server, records| {
            server.trouble([trouble]);
            let first = make(&records, "first").await;
            holds(&records, "first", &first).await;
            server.trouble([trouble]);
            let second = put(&records, "second", Expected::Version(first)).await;
            let Put::Won(second) = second else { panic!("{trouble:?}: {second:?}") };
            holds(&records, "second", &second).await;
            server.trouble([trouble]);
            if !matches!(trouble, Trouble::NoETag) {
                let deleted = records.delete(KEY, &second).await.unwrap();
                assert!(matches!(deleted, Deleted::Done), "{trouble:?}: {deleted:?}");
                assert!(records.get(KEY).await.unwrap().is_none());
            }
        });
    }
}

/// It may be done later; so it is neither won nor lost, and not made again.
#[test]
fn a_first_put_without_an_answer_is_unknown() {
    run(async |server, records| {
        server.trouble([Trouble::Late]);
        let unknown = put(&records, "late", Expected::Absent).await;
        assert!(matches!(unknown, Put::Unknown(_)), "{unknown:?}");
        assert_eq!(server.count("PUT"), 1);
        assert!(records.get(KEY).await.unwrap().is_none());
        server.release();
        assert_eq!(records.get(KEY).await.unwrap().unwrap().value, "late");
    });
}

/// One that names a version can be made again: it is done at most once, also when the first comes late.
#[test]
fn a_put_over_a_version_is_made_again_and_done_once() {
    for trouble in [Trouble::Cut, Trouble::Late, Trouble::Answer(500, ""), Trouble::Answer(504, "")] {
        run(async |server, records| {
            let first = make(&records, "first").await;
            server.trouble([trouble]);
            let second = put(&records, "second", Expected::Version(first)).await;
            let Put::Won(second) = second else { panic!("{trouble:?}: {second:?}") };
            let third = put(&records, "third", Expected::Version(second)).await;
            let Put::Won(third) = third else { panic!("{third:?}") };
            server.release();
            holds(&records, "third", &third).await;
        });
    }
}

/// Others may have seen ours and built upon it, so it is not lost.
#[test]
fn a_put_that_was_done_and_replaced_is_unknown() {
    run(async |server, records| {
        server.trouble([Trouble::DoneAndReplaced]);
        let unknown = put(&records, "ours", Expected::Absent).await;
        assert!(matches!(unknown, Put::Unknown(_)), "{unknown:?}");
        let current = records.get(KEY).await.unwrap().unwrap();
        server.trouble([Trouble::DoneAndReplaced]);
        let unknown = put(&records, "ours", Expected::Version(current.version)).await;
        assert!(matches!(unknown, Put::Unknown(_)), "{unknown:?}");
    });
}

#[test]
fn a_put_that_was_turned_away_is_made_again() {
    let busy = [
        // S3 while another's conditional put is under way, of which nothing may come.
        Trouble::Answer(409, "<Code>ConditionalRequestConflict</Code>"),
        Trouble::Answer(429, ""),
        Trouble::Answer(503, "<Code>SlowDown</Code>"),
        Trouble::Answer(503, "<Code>ServerBusy</Code>"),
    ];
    for trouble in busy {
        run(async |server, records| {
            server.trouble([trouble, trouble]);
            let first = make(&records, "first").await;
            server.trouble([trouble, trouble]);
            let second = put(&records, "second", Expected::Version(first)).await;
            let Put::Won(second) = second else { panic!("{trouble:?}: {second:?}") };
            holds(&records, "second", &second).await;
            server.trouble([trouble, trouble]);
            assert!(matches!(records.delete(KEY, &second).await.unwrap(), Deleted::Done));
        });
    }
}

#[test]
fn what_is_refused_for_good_is_an_error_and_nothing_was_done() {
    run(async |server, records| {
        server.trouble([Trouble::Answer(403, "<Code>AccessDenied</Code>")]);
        let error = records.put(KEY, "a".into(), Expected::Absent).await.unwrap_err();
        assert!(error.detail.contains("AccessDenied") && error.detail.contains("403"), "{error}");
        assert_eq!(server.count("PUT"), 1);
        let first = make(&records, "first").await;
        // Never less busy.
        server.trouble([Trouble::Answer(429, ""); 8]);
        let put = records.put(KEY, "b".into(), Expected::Version(first.clone())).await;
        assert_eq!(put.unwrap_err().kind, StoreErrorKind::Unavailable);
        holds(&records, "first", &first).await;
    });
}

#[test]
fn a_delete_takes_no_later_record() {
    run(async |server, records| {
        let first = make(&records, "first").await;
        let Put::Won(second) = put(&records, "second", Expected::Version(first.clone())).await else {
            panic!("not won")
        };
        let lost = records.delete(KEY, &first).await.unwrap();
        assert!(matches!(&lost, Deleted::Lost(current) if current.version == second), "{lost:?}");
        // Late, while the record has been deleted and made again.
        server.trouble([Trouble::Late]);
        assert!(matches!(records.delete(KEY, &second).await.unwrap(), Deleted::Done));
        let third = make(&records, "third").await;
        server.release();
        holds(&records, "third", &third).await;
    });
}

/// In a store whose deletes heed no condition, what is left of a deleted record counts as none.
#[test]
fn what_is_left_of_a_deleted_record_is_none() {
    run(async |server, records| {
        server.state().heedless = true;
        let first = make(&records, "first").await;
        assert!(matches!(records.delete(KEY, &first).await.unwrap(), Deleted::Done));
        assert_eq!(server.state().objects.get(OBJECT).map(Vec::len), Some(0));
        assert!(records.get(KEY).await.unwrap().is_none());
        assert!(records.keys("", None, 10).await.unwrap().is_empty());
        assert!(records.list("", None, 10).await.unwrap().is_empty());
        assert!(matches!(records.delete(KEY, &first).await.unwrap(), Deleted::Done));
        let lost = put(&records, "x", Expected::Version(first)).await;
        assert!(matches!(lost, Put::Lost(None)), "{lost:?}");
        let second = make(&records, "second").await;
        holds(&records, "second", &second).await;
        assert_eq!(records.keys("", None, 10).await.unwrap(), [KEY]);
    });
}

/// A page of keys reads no value, and steps over what is left of deleted records.
#[test]
fn keys_come_from_the_listing_alone() {
    run(async |server, records| {
        server.state().heedless = true;
        for i in 0..20 {
            let key = format!("u/{i:02}");
            let Put::Won(version) = records.put(&key, "v".into(), Expected::Absent).await.unwrap() else {
                panic!("not won")
            };
            if i < 15 {
                records.delete(&key, &version).await.unwrap();
            }
        }
        // Not ours: no key is written so.
        server.state().objects.insert("p/r/u-_1x.y".into(), b"foreign".to_vec());
        server.state().log.clear();
        assert_eq!(records.keys("u/", None, 3).await.unwrap(), ["u/15", "u/16", "u/17"]);
        assert_eq!(records.keys("u/", Some("u/16"), 9).await.unwrap(), ["u/17", "u/18", "u/19"]);
        let log = &server.state().log;
        assert!(log.iter().all(|request| request.key.is_empty()), "{log:?}");
    });
}

/// A bucket that is gone is no bucket without records.
#[test]
fn a_missing_bucket_is_an_error() {
    run(async |server, records| {
        let version = make(&records, "a").await;
        server.state().no_bucket = true;
        assert!(records.get(KEY).await.is_err());
        assert!(records.put(KEY, "b".into(), Expected::Version(version.clone())).await.is_err());
        assert!(records.put(KEY, "b".into(), Expected::Absent).await.is_err());
        assert!(records.delete(KEY, &version).await.is_err());
        assert!(records.list("", None, 10).await.is_err());
    });
}
