//! Any future may be dropped at any await: the call happened or did not, and can be made again.

use upload_core::ports::{BlobStore, Publication};

use crate::conformance::{
    bench::{Bench, Outcome, checks, data, ensure},
    drive::{at_every_poll, stop_after},
};

checks!(dyn BlobStore, "dropped",
    Nothing: stage, sync, publish;
);

async fn stage(t: Bench<'_, dyn BlobStore>) -> Outcome {
    at_every_poll(async |polls| {
        let (staging, _) = t.names();
        let done = stop_after(polls, t.store.stage(&staging, Some(3))).await.transpose()?;
        t.store.stage(&staging, Some(3)).await?;
        t.write(&staging, 0, b"abc").await?;
        t.staged_is(&staging, 0, b"abc").await?;
        Ok(done.is_some())
    })
    .await
}

async fn sync(t: Bench<'_, dyn BlobStore>) -> Outcome {
    at_every_poll(async |polls| {
        let (staging, _) = t.staged(b"abc").await?;
        let done = stop_after(polls, t.store.sync(&staging)).await.transpose()?;
        t.write(&staging, 3, b"def").await?;
        t.store.sync(&staging).await?;
        t.staged_is(&staging, 0, b"abcdef").await?;
        Ok(done.is_some())
    })
    .await
}

/// There is no object or the whole one; publishing again gives the whole one.
async fn publish(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(1, 9000);
    at_every_poll(async |polls| {
        let (staging, key) = t.staged(&bytes).await?;
        let publication = Publication::new(staging.clone(), key.clone(), 8000);
        let done = stop_after(polls, t.store.publish(&publication)).await.transpose()?.is_some();
        let found = t.store.length(&key).await?;
        ensure!(found.is_none_or(|length| length == 8000), "a half made object of {found:?} bytes is there");
        ensure!(!done || found.is_some(), "a publication that returned did not happen");
        t.store.publish(&publication).await?;
        t.object_is(&key, bytes.get(..8000).unwrap_or_default()).await?;
        t.nothing_staged(&staging, 0..1).await?;
        Ok(done)
    })
    .await
}
