//! Copying bytes of objects into a staging object.

use std::ops::Range;

use futures_util::FutureExt;
use upload_core::{
    ObjectKey, StagingName, UploadId,
    ports::{BlobStore, Copier},
};

use crate::conformance::{
    bench::{Bench, Fail, HOUR, Outcome, checks, data, ensure},
    drive::{Watch, at_every_poll, stop_after},
};

checks!(dyn BlobStore, "copy",
    Copier:
        bytes_arrive, nothing_else_changes, several_make_a_whole, several_at_once, no_bytes_is_no_error,
        of_no_object_is_an_error, beyond_the_object_is_an_error, a_dropped_one_can_be_repeated,
        outlives_the_object;
    CopierAndReopen: sync_covers_it;
);

fn copier<'a>(t: &'a Bench<'_, dyn BlobStore>) -> Result<&'a dyn Copier, Fail> {
    t.store.copier().ok_or_else(|| Fail("the profile says that the store has a copier".into()))
}

async fn copy(
    t: &Bench<'_, dyn BlobStore>,
    key: &ObjectKey,
    range: Range<u64>,
    staging: &StagingName,
    position: u64,
) -> Outcome {
    let (permit, watch) = Watch::permit();
    copier(t)?.copy_in(key, range, staging, position, permit).await?;
    watch.ended(t.profile.patience).await
}

/// What bytes are copied from and to, of one tenant: stores of several need not copy from one to another.
struct Pair {
    upload: UploadId,
    staging: StagingName,
    key: ObjectKey,
}

/// A staging object with the first bytes, and the key that it may be published under.
async fn pair(t: &Bench<'_, dyn BlobStore>, staged: &[u8]) -> Result<Pair, Fail> {
    let upload = t.upload();
    let (staging, key) = t.names_of(&upload, HOUR);
    t.stage(&staging, staged).await?;
    Ok(Pair { upload, staging, key })
}

impl Pair {
    /// An object of these bytes to copy from.
    async fn source(&self, t: &Bench<'_, dyn BlobStore>, bytes: &[u8]) -> Result<ObjectKey, Fail> {
        let (staging, key) = t.names_of(&self.upload, HOUR);
        t.object_at(&staging, &key, bytes).await?;
        Ok(key)
    }
}

fn part(bytes: &[u8], range: Range<u64>) -> &[u8] {
    bytes.get(range.start as usize..range.end as usize).unwrap_or_default()
}

async fn bytes_arrive(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(1, 100_000);
    for (range, position) in
        [(0..100_000, 0), (4096..8192, 4096), (1..70_002, 5000), (99_999..100_000, 1 << 30)]
    {
        let to = pair(&t, b"").await?;
        let (key, staging) = (to.source(&t, &bytes).await?, to.staging);
        copy(&t, &key, range.clone(), &staging, position).await?;
        t.staged_is(&staging, position, part(&bytes, range)).await?;
    }
    Ok(())
}

/// Neither around the place the bytes go to nor in the object.
async fn nothing_else_changes(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (own, other) = (data(2, 50_000), data(3, 20_000));
    let to = pair(&t, &own).await?;
    let (key, staging) = (to.source(&t, &other).await?, to.staging);
    copy(&t, &key, 5000..15_001, &staging, 10_000).await?;
    t.staged_is(&staging, 0, part(&own, 0..10_000)).await?;
    t.staged_is(&staging, 10_000, part(&other, 5000..15_001)).await?;
    t.staged_is(&staging, 20_001, part(&own, 20_001..50_000)).await?;
    t.object_is(&key, &other).await
}

/// Into a staging object that was never written, one after the other, and published.
async fn several_make_a_whole(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload();
    let (staging, key) = t.names_of(&upload, HOUR);
    let to = Pair { upload, staging: staging.clone(), key };
    let mut whole = Vec::new();
    let sizes = [1usize, 4096, 5000, 1, 70_000];
    t.store.stage(&staging, Some(sizes.iter().sum::<usize>() as u64)).await?;
    for (seed, size) in (10..).zip(sizes) {
        let bytes = data(seed, size);
        let from = to.source(&t, &bytes).await?;
        copy(&t, &from, 0..size as u64, &staging, whole.len() as u64).await?;
        whole.extend(bytes);
    }
    t.publish(&staging, &to.key, whole.len()).await?;
    t.object_is(&to.key, &whole).await
}

async fn several_at_once(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(4, 8 * 3000);
    let to = pair(&t, b"").await?;
    let (key, staging) = (to.source(&t, &bytes).await?, to.staging);
    let piece = |i: u64| i * 3000..(i + 1) * 3000;
    let copying = (0..8).map(|i| copy(&t, &key, piece(i), &staging, i * 3000).boxed()).collect();
    t.together(copying).await.into_iter().collect::<Outcome>()?;
    t.staged_is(&staging, 0, &bytes).await
}

async fn no_bytes_is_no_error(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let to = pair(&t, b"abcdef").await?;
    let (key, staging) = (to.source(&t, b"abc").await?, to.staging);
    copy(&t, &key, 1..1, &staging, 2).await?;
    t.staged_is(&staging, 0, b"abcdef").await
}

async fn of_no_object_is_an_error(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let Pair { upload, staging, .. } = pair(&t, b"abcdef").await?;
    let (_, key) = t.names_of(&upload, HOUR);
    let (permit, watch) = Watch::permit();
    let copied = copier(&t)?.copy_in(&key, 0..3, &staging, 0, permit).await;
    let kind = copied.err().map(|e| e.kind);
    let expected = Some(upload_core::ports::StoreErrorKind::NotFound);
    ensure!(kind == expected, "bytes of a missing object were copied, or it is {kind:?}");
    watch.ended(t.profile.patience).await
}

async fn beyond_the_object_is_an_error(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let to = pair(&t, b"").await?;
    let (key, staging) = (to.source(&t, &data(5, 5000)).await?, to.staging);
    for range in [0..5001, 4999..9000, 6000..6001] {
        let (permit, watch) = Watch::permit();
        let copied = copier(&t)?.copy_in(&key, range.clone(), &staging, 0, permit).await;
        ensure!(copied.is_err(), "bytes {range:?} of an object of 5000 bytes were copied");
        watch.ended(t.profile.patience).await?;
    }
    Ok(())
}

/// A copy that was dropped at any await releases its permit, and can be made again.
async fn a_dropped_one_can_be_repeated(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(6, 9000);
    at_every_poll(async |polls| {
        let to = pair(&t, b"").await?;
        let (key, staging) = (to.source(&t, &bytes).await?, to.staging);
        let (permit, watch) = Watch::permit();
        let copied = stop_after(polls, copier(&t)?.copy_in(&key, 0..9000, &staging, 100, permit)).await;
        let done = copied.transpose()?.is_some();
        watch.ended(t.profile.patience).await?;
        if !done {
            copy(&t, &key, 0..9000, &staging, 100).await?;
        }
        t.staged_is(&staging, 100, &bytes).await?;
        Ok(done)
    })
    .await
}

/// What was copied has nothing to do with the object any more.
async fn outlives_the_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(7, 9000);
    let to = pair(&t, b"").await?;
    let from = to.source(&t, &bytes).await?;
    let Pair { staging, key, .. } = to;
    copy(&t, &from, 0..9000, &staging, 0).await?;
    t.store.delete(&from).await?;
    t.publish(&staging, &key, 9000).await?;
    t.object_is(&key, &bytes).await
}

async fn sync_covers_it(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(8, 9000);
    let to = pair(&t, b"").await?;
    let from = to.source(&t, &bytes).await?;
    let Pair { staging, key, .. } = to;
    copy(&t, &from, 0..9000, &staging, 0).await?;
    t.store.sync(&staging).await?;
    let t = t.reopen().await?;
    t.staged_is(&staging, 0, &bytes).await?;
    t.publish(&staging, &key, 9000).await?;
    t.object_is(&key, &bytes).await
}
