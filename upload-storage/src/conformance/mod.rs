//! The conformance suite: what every back end of the two ports must do, one obligation per named check.
//!
//! *What it is*: plain async functions over `dyn` [`BlobStore`] and [`RecordStore`]. Any executor runs them, none
//! is brought along; the author of a back end gives a function that opens the store and a [`Profile`] of its
//! legal differences, and gets a [`Report`]. Each check uses fresh names, so a store may hold other things.
//!
//! *What it is not*: a load test, and no proof: nothing here cuts the power. [`Stage::Reopen`] is as good an end
//! of the process as the author makes it.
//!
//! ```text
//!   open(Stage) ──> store ──> check 1 ──> Passed
//!       ▲             │       check 2 ──> Failed("the object has 4096 bytes, 4000 were published")
//!       └── Reopen ───┘       check 3 ──> Skipped (the profile says why)
//! ```
//!
//! ```
//! use upload_core::ports::StoreError;
//! use upload_storage::{conformance::{self, Profile, Stage}, memory::MemoryRecords};
//!
//! # fn block_on<T>(future: impl Future<Output = T>) -> T { conformance::block_on(future) }
//! let kept = std::sync::Mutex::new(MemoryRecords::new());
//! let open = async |stage| {
//!     let mut kept = kept.lock().unwrap();
//!     if stage == Stage::Fresh {
//!         *kept = MemoryRecords::new();
//!     }
//!     Ok::<_, StoreError>(kept.clone())
//! };
//! let profile = Profile::new().only("put/");
//! let report = block_on(conformance::records(|stage| open(stage), &profile));
//! report.assert();
//! ```

use std::{fmt::Display, future::Future};

use futures_util::{FutureExt, future::LocalBoxFuture};
use upload_core::ports::{BlobStore, RecordStore};

mod bench;
mod blob;
mod drive;
mod parts;
mod profile;
mod record;
mod report;

pub use drive::block_on;
pub use profile::{Profile, Stage};
pub use report::{Report, Verdict};

use bench::{Bench, Check, Names};

/// Runs every check for blobs that are written in place. `open` opens the store: for each check once with [`Stage::Fresh`], and for those
/// about restarts again with [`Stage::Reopen`] after it was dropped.
pub async fn blobs<S, E, F>(open: impl Fn(Stage) -> F + Sync, profile: &Profile) -> Report
where
    S: BlobStore + 'static,
    E: Display,
    F: Future<Output = Result<S, E>>,
{
    run_blobs(&blob::CHECKS, open, profile).await
}

/// Runs every check for blobs in a store that keeps unfinished uploads as [`Parts`](upload_core::ports::Parts); `open` as
/// for [`blobs`].
pub async fn parts<S, E, F>(open: impl Fn(Stage) -> F + Sync, profile: &Profile) -> Report
where
    S: BlobStore + 'static,
    E: Display,
    F: Future<Output = Result<S, E>>,
{
    run_blobs(&[blob::SHARED.as_slice(), parts::CHECKS.as_slice()].concat(), open, profile).await
}

/// Runs every check for records; `open` as for [`blobs`].
pub async fn records<S, E, F>(open: impl Fn(Stage) -> F + Sync, profile: &Profile) -> Report
where
    S: RecordStore + 'static,
    E: Display,
    F: Future<Output = Result<S, E>>,
{
    let names = Names::new();
    let open = |stage| -> LocalBoxFuture<'_, Result<Box<dyn RecordStore>, String>> {
        let opening = open(stage);
        async move { opening.await.map(|s| Box::new(s) as _).map_err(|e| e.to_string()) }.boxed_local()
    };
    run(&record::CHECKS, &open, profile, &names).await
}

async fn run_blobs<S, E, F>(
    groups: &[&[Check<dyn BlobStore>]],
    open: impl Fn(Stage) -> F + Sync,
    profile: &Profile,
) -> Report
where
    S: BlobStore + 'static,
    E: Display,
    F: Future<Output = Result<S, E>>,
{
    let names = Names::new();
    let open = |stage| -> LocalBoxFuture<'_, Result<Box<dyn BlobStore>, String>> {
        let opening = open(stage);
        async move { opening.await.map(|s| Box::new(s) as _).map_err(|e| e.to_string()) }.boxed_local()
    };
    run(groups, &open, profile, &names).await
}

async fn run<'a, S: ?Sized>(
    groups: &[&[Check<S>]],
    open: bench::Open<'a, S>,
    profile: &'a Profile,
    names: &'a Names,
) -> Report {
    let mut report = Report::default();
    for check in groups.iter().flat_map(|group| group.iter()).filter(|check| profile.wants(check.name)) {
        let verdict = match profile.skips(check.needs) {
            Some(why) => Verdict::Skipped(why),
            None => {
                let run = async { (check.run)(Bench::open(open, profile, names).await?).await };
                match drive::guarded(profile.patience, run).await {
                    Ok(()) => Verdict::Passed,
                    Err(fail) => Verdict::Failed(fail.0),
                }
            }
        };
        report.push(check.name, verdict);
    }
    report
}
