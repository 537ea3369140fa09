//! A permit is out exactly as long as the bytes of its write can change.

use bytes::Bytes;
use futures_util::future::join;
use upload_core::{
    StagingName,
    ports::{BlobStore, StoreError},
};

use crate::conformance::{
    bench::{Bench, Fail, HOUR, Outcome, checks, data, ensure, same},
    drive::{Watch, at_every_poll, step, stop_after},
};

checks!(dyn BlobStore, "permit",
    Nothing:
        ends_with_the_write, ends_when_the_write_fails, ends_when_the_write_is_dropped, outlives_the_change,
        nothing_changes_after_a_dropped_write, a_dropped_write_happened_or_did_not;
    Mover: outlives_a_move;
);

const LEN: usize = 9000;

/// A write of `LEN` bytes over the old ones, its permit watched; `None`: dropped after so many polls.
async fn cut(
    t: &Bench<'_, dyn BlobStore>,
    staging: &StagingName,
    bytes: &[u8],
    polls: usize,
) -> Result<bool, Fail> {
    let (permit, watch) = Watch::permit();
    let pieces = vec![Bytes::copy_from_slice(bytes)];
    let done = stop_after(polls, t.store.write(staging, 0, pieces, permit)).await;
    let done = done.transpose()?.is_some();
    watch.ended(t.profile.patience).await?;
    Ok(done)
}

async fn ends_with_the_write(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(b"").await?;
    for pieces in [vec![], vec![Bytes::new()], vec![Bytes::from_static(b"abc"); 3]] {
        let (permit, watch) = Watch::permit();
        t.store.write(&staging, 0, pieces, permit).await?;
        watch.ended(t.profile.patience).await?;
    }
    Ok(())
}

async fn ends_when_the_write_fails(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(b"abc").await?;
    let (permit, watch) = Watch::permit();
    let written = t.store.write(&staging, u64::MAX, vec![Bytes::from_static(b"xyz")], permit).await;
    ensure!(written.is_err(), "a write at the last of all positions succeeded");
    watch.ended(t.profile.patience).await
}

async fn ends_when_the_write_is_dropped(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(&data(1, LEN)).await?;
    at_every_poll(async |polls| cut(&t, &staging, &data(2, LEN), polls).await).await
}

/// What can be read when the permit has ended does not change when the call returns.
async fn outlives_the_change(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(&data(1, LEN)).await?;
    let (permit, watch) = Watch::permit();
    let mut write = t.store.write(&staging, 0, vec![Bytes::from(data(2, LEN))], permit);
    final_once_ended(&t, &staging, &watch, &mut write, LEN).await?;
    drop(write);
    t.staged_is(&staging, 0, &data(2, LEN)).await
}

async fn outlives_a_move(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(&data(1, LEN)).await?;
    t.write(&staging, 20_000, &data(2, LEN)).await?;
    let (permit, watch) = Watch::permit();
    let mover = t.store.mover().ok_or_else(|| Fail("there is no mover".into()))?;
    let mut moved = mover.move_within(&staging, 20_000, 0, LEN as u64, permit);
    final_once_ended(&t, &staging, &watch, &mut moved, LEN).await?;
    drop(moved);
    t.staged_is(&staging, 0, &data(2, LEN)).await
}

async fn final_once_ended(
    t: &Bench<'_, dyn BlobStore>,
    staging: &StagingName,
    watch: &Watch,
    mut call: &mut (impl Future<Output = Result<(), StoreError>> + Unpin + Send),
    len: usize,
) -> Outcome {
    let range = 0..len as u64;
    loop {
        let ended = step(&mut call).await;
        if let Some(result) = ended {
            return Ok(result?);
        }
        if !watch.is_out() {
            let (seen, result) = join(t.store.read_staged(staging, range.clone()), call).await;
            result?;
            let after = t.store.read_staged(staging, range).await?;
            return same("when the permit had ended, the bytes", &seen?, &after);
        }
    }
}

/// After the permit of a dropped write has ended, what others write stays, published or not.
async fn nothing_changes_after_a_dropped_write(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (late, new) = (data(1, LEN), data(2, LEN));
    at_every_poll(async |polls| {
        let (staging, key) = t.staged(&data(3, LEN)).await?;
        let done = cut(&t, &staging, &late, polls).await?;
        t.write(&staging, 0, &new).await?;
        // A late write gets its chance: other calls come and go.
        for _ in 0..4 {
            t.staged_is(&staging, 0, &new).await?;
            t.store.sync(&staging).await?;
            let (other, _) = t.names_of(&t.upload(), HOUR);
            t.write(&other, 0, b"other").await?;
            t.store.discard(&other).await?;
        }
        t.staged_is(&staging, 0, &new).await?;
        t.publish(&staging, &key, LEN).await?;
        t.object_is(&key, &new).await?;
        Ok(done)
    })
    .await
}

/// Each byte is the old one or the new one, and those around stay. A call that had returned happened.
async fn a_dropped_write_happened_or_did_not(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (old, new) = (data(1, LEN + 10), data(2, LEN));
    at_every_poll(async |polls| {
        let (staging, _) = t.staged(&old).await?;
        let done = cut(&t, &staging, &new, polls).await?;
        let read = t.store.read_staged(&staging, 0..LEN as u64 + 10).await?;
        let torn = read.iter().zip(&old).zip(&new).position(|((byte, old), new)| byte != old && byte != new);
        ensure!(torn.is_none(), "byte {torn:?} is neither the old one nor the new one");
        ensure!(read.get(LEN..) == old.get(LEN..), "the bytes behind the write changed");
        ensure!(!done || read.starts_with(&new), "a write that returned did not happen");
        Ok(done)
    })
    .await
}
