//! Moving bytes inside a staging object.

use futures_util::FutureExt;
use upload_core::{
    StagingName,
    ports::{BlobStore, Mover},
};

use crate::conformance::{
    bench::{Bench, Fail, Outcome, checks, data, ensure},
    drive::{Watch, at_every_poll, stop_after},
};

checks!(dyn BlobStore, "move",
    Mover:
        bytes_arrive, nothing_else_changes, overflow_comes_home, several_at_once, no_bytes_is_no_error,
        of_nothing_staged_is_an_error, replaces_what_was_there, a_dropped_one_can_be_repeated;
    MoverAndReopen: sync_covers_it;
);

fn mover<'a>(t: &'a Bench<'_, dyn BlobStore>) -> Result<&'a dyn Mover, Fail> {
    t.store.mover().ok_or_else(|| Fail("the profile says that the store has a mover".into()))
}

async fn shift(t: &Bench<'_, dyn BlobStore>, staging: &StagingName, from: u64, to: u64, len: u64) -> Outcome {
    let (permit, watch) = Watch::permit();
    mover(t)?.move_within(staging, from, to, len, permit).await?;
    watch.ended(t.profile.patience).await
}

async fn bytes_arrive(t: Bench<'_, dyn BlobStore>) -> Outcome {
    for (from, to, len) in [(0, 4096, 4096), (1, 5000, 3000), (9000, 100, 1), (100_000, 1, 70_001)] {
        let bytes = data(len, len as usize);
        let (staging, _) = t.staged(b"").await?;
        t.write(&staging, from, &bytes).await?;
        shift(&t, &staging, from, to, len).await?;
        t.staged_is(&staging, to, &bytes).await?;
    }
    Ok(())
}

/// Neither around the place the bytes go to nor around the one they came from.
async fn nothing_else_changes(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(1, 50_000);
    let (staging, _) = t.staged(&bytes).await?;
    shift(&t, &staging, 30_000, 10_000, 12_345).await?;
    let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
    t.staged_is(&staging, 0, part(0, 10_000)).await?;
    t.staged_is(&staging, 10_000, part(30_000, 42_345)).await?;
    t.staged_is(&staging, 22_345, part(22_345, 30_000)).await?;
    t.staged_is(&staging, 42_345, part(42_345, 50_000)).await
}

/// From far beyond the upload into its place, and published.
async fn overflow_comes_home(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let far = t.profile.far.min(t.store.capabilities().max_position.saturating_sub(20_000));
    let bytes = data(2, 20_000);
    let (first, rest) = bytes.split_at(5000);
    let (staging, key) = t.staged(first).await?;
    t.write(&staging, far, rest).await?;
    shift(&t, &staging, far, 5000, 15_000).await?;
    t.publish(&staging, &key, bytes.len()).await?;
    t.object_is(&key, &bytes).await
}

async fn several_at_once(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(3, 8 * 3000);
    let (staging, _) = t.staged(b"").await?;
    t.write(&staging, 1_000_000, &bytes).await?;
    let moving = (0..8).map(|i| shift(&t, &staging, 1_000_000 + i * 3000, i * 3000, 3000).boxed()).collect();
    t.together(moving).await.into_iter().collect::<Outcome>()?;
    t.staged_is(&staging, 0, &bytes).await
}

async fn no_bytes_is_no_error(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(b"abcdef").await?;
    shift(&t, &staging, 1, 4, 0).await?;
    t.staged_is(&staging, 0, b"abcdef").await
}

async fn of_nothing_staged_is_an_error(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.names();
    let (permit, watch) = Watch::permit();
    let moved = mover(&t)?.move_within(&staging, 0, 10, 5, permit).await;
    ensure!(moved.is_err(), "bytes of a missing staging object were moved");
    watch.ended(t.profile.patience).await
}

async fn replaces_what_was_there(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(b"aaaaaaaabbbb").await?;
    shift(&t, &staging, 8, 2, 4).await?;
    t.staged_is(&staging, 0, b"aabbbbaa").await
}

/// A move that was dropped at any await releases its permit, and its bytes written anew can be moved again.
async fn a_dropped_one_can_be_repeated(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(4, 9000);
    at_every_poll(async |polls| {
        let (staging, _) = t.staged(b"").await?;
        t.write(&staging, 20_000, &bytes).await?;
        let (permit, watch) = Watch::permit();
        let moved = stop_after(polls, mover(&t)?.move_within(&staging, 20_000, 0, 9000, permit)).await;
        let done = moved.transpose()?.is_some();
        watch.ended(t.profile.patience).await?;
        if !done {
            t.write(&staging, 20_000, &bytes).await?;
            shift(&t, &staging, 20_000, 0, 9000).await?;
        }
        t.staged_is(&staging, 0, &bytes).await?;
        Ok(done)
    })
    .await
}

async fn sync_covers_it(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(5, 9000);
    let (staging, key) = t.staged(b"").await?;
    t.write(&staging, 50_000, &bytes).await?;
    t.store.sync(&staging).await?;
    shift(&t, &staging, 50_000, 0, 9000).await?;
    t.store.sync(&staging).await?;
    let t = t.reopen().await?;
    t.staged_is(&staging, 0, &bytes).await?;
    t.publish(&staging, &key, 9000).await?;
    t.object_is(&key, &bytes).await
}
