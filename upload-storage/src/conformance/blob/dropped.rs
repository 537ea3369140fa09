//! Calls of every blob store whose futures are dropped: they can be made again.

use upload_core::{Hour, ports::BlobStore};

use crate::conformance::{
    bench::{Bench, HOUR, Outcome, checks, data, ensure},
    drive::{at_every_poll, stop_after},
};

checks!(dyn BlobStore, "dropped",
    Nothing: discard, delete, reads;
);

async fn discard(t: Bench<'_, dyn BlobStore>) -> Outcome {
    at_every_poll(async |polls| {
        let (staging, _) = t.staged(b"abc").await?;
        let done = stop_after(polls, t.store.discard(&staging)).await.transpose()?;
        t.store.discard(&staging).await?;
        t.nothing_staged(&staging, 0..1).await?;
        Ok(done.is_some())
    })
    .await
}

async fn delete(t: Bench<'_, dyn BlobStore>) -> Outcome {
    at_every_poll(async |polls| {
        let (_, key) = t.object(b"abc").await?;
        let done = stop_after(polls, t.store.delete(&key)).await.transpose()?;
        let found = t.store.length(&key).await?;
        ensure!(matches!(found, None | Some(3)), "an object of {found:?} bytes is left");
        t.store.delete(&key).await?;
        t.no_object(&key).await?;
        Ok(done.is_some())
    })
    .await
}

async fn reads(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(2, 9000);
    let (staging, _) = t.staged(&bytes).await?;
    let (_, key) = t.object(&bytes).await?;
    at_every_poll(async |polls| {
        let done = [
            stop_after(polls, t.store.read(&key, 0..9000)).await.transpose()?.is_some(),
            stop_after(polls, t.read_staged(&staging, 0..9000)).await.transpose()?.is_some(),
            stop_after(polls, t.store.length(&key)).await.transpose()?.is_some(),
            stop_after(polls, t.store.list(Hour::new(HOUR), None, 10)).await.transpose()?.is_some(),
        ];
        t.object_is(&key, &bytes).await?;
        t.staged_is(&staging, 0, &bytes).await?;
        Ok(done.iter().all(|done| *done))
    })
    .await
}
