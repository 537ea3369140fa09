//! The conformance suite catches back ends that are broken on purpose, each by the check that stands beside the defect.
#![cfg(feature = "conformance")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod broken {
    pub mod blobs;
    pub mod parts;
    pub mod records;
}

use std::{
    collections::BTreeSet,
    future::poll_fn,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use broken::{
    blobs::{BLOBS, BlobDefect, BrokenBlobs},
    parts::{BrokenParts, PARTS, PartDefect},
    records::{BrokenRecords, RECORDS, RecordDefect},
};
use upload_core::ports::StoreError;
use upload_storage::conformance::{self, Profile, Report, Stage, block_on};

fn blobs(defect: BlobDefect, profile: &Profile) -> Report {
    let kept = Mutex::new(BrokenBlobs::new(defect));
    let open = async |stage| {
        let mut kept = kept.lock().unwrap();
        *kept = if stage == Stage::Fresh { BrokenBlobs::new(defect) } else { kept.reopened() };
        Ok::<_, StoreError>(kept.clone())
    };
    block_on(conformance::blobs(open, profile))
}

fn parts(defect: PartDefect, profile: &Profile) -> Report {
    let kept = Mutex::new(BrokenParts::new(defect));
    let open = async |stage| {
        let mut kept = kept.lock().unwrap();
        *kept = if stage == Stage::Fresh { BrokenParts::new(defect) } else { kept.reopened() };
        Ok::<_, StoreError>(kept.clone())
    };
    block_on(conformance::parts(open, &profile.clone().shared(true)))
}

fn records(defect: RecordDefect, profile: &Profile) -> Report {
    let kept = Mutex::new(Arc::new(BrokenRecords::new(defect)));
    let open = async |stage| {
        let mut kept = kept.lock().unwrap();
        *kept = Arc::new(if stage == Stage::Fresh { BrokenRecords::new(defect) } else { kept.reopened() });
        Ok::<_, StoreError>(BrokenRecords::clone(&kept))
    };
    block_on(conformance::records(open, profile))
}

/// Interleaved on one thread, so that every run is the same; patience for what never ends is short.
fn profile(check: &str) -> Profile {
    Profile::new().threads(false).patience(Duration::from_millis(800)).only(check)
}

#[test]
fn without_a_defect_all_checks_pass() {
    let profile = Profile::new().threads(false);
    blobs(BlobDefect::None, &profile).assert();
    parts(PartDefect::None, &profile).assert();
    records(RecordDefect::None, &profile).assert();
}

#[test]
fn broken_blob_stores_are_caught() {
    caught(BLOBS, |defect, check| blobs(defect, &profile(check)));
}

#[test]
fn broken_stores_of_parts_are_caught() {
    caught(PARTS, |defect, check| parts(defect, &profile(check)));
}

#[test]
fn broken_record_stores_are_caught() {
    caught(RECORDS, |defect, check| records(defect, &profile(check)));
}

/// A check that nothing fails says nothing.
#[test]
fn every_check_fails_for_somebody() {
    // Those that wait for what never ends take long; the tables have them.
    const SLOW: [BlobDefect; 3] =
        [BlobDefect::SyncHangs, BlobDefect::PermitLeaked, BlobDefect::PermitLeakedByErrors];
    let fast = BLOBS.iter().filter(|(defect, _)| !SLOW.contains(defect));
    never_failing("blob", BLOBS, fast.map(|(defect, _)| blobs(*defect, &profile(""))));
    // The first run answers for the checks that both suites share.
    let shared = blobs(BlobDefect::None, &profile(""));
    let table: Vec<_> = shared.checks().iter().map(|(check, _)| (PartDefect::None, *check)).collect();
    let table = [table.as_slice(), PARTS].concat();
    never_failing("part", &table, PARTS.iter().map(|(defect, _)| parts(*defect, &profile(""))));
    never_failing("record", RECORDS, RECORDS.iter().map(|(defect, _)| records(*defect, &profile(""))));
}

fn never_failing<D>(kind: &str, table: &[(D, &str)], reports: impl Iterator<Item = Report>) {
    let mut checks = BTreeSet::new();
    let mut failing: BTreeSet<_> = table.iter().map(|(_, check)| *check).collect();
    for report in reports {
        checks.extend(report.checks().iter().map(|(name, _)| *name));
        failing.extend(report.failures().map(|(name, _)| name));
    }
    let never: Vec<_> = checks.difference(&failing).collect();
    assert!(checks.len() > 50 && never.is_empty(), "{kind} checks that no broken store fails: {never:#?}");
}

fn caught<D: Copy + std::fmt::Debug>(table: &[(D, &str)], run: impl Fn(D, &str) -> Report) {
    let missed: Vec<_> = table
        .iter()
        .filter(|(defect, check)| !run(*defect, check).failures().any(|(name, _)| name == *check))
        .collect();
    assert!(missed.is_empty(), "not caught: {missed:#?}");
}

/// Lets everybody else go first, once.
async fn yields() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
