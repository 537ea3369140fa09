//! What was acknowledged is there after the store was dropped and opened again.

use upload_core::ports::{BlobStore, Publication};

use crate::conformance::{
    bench::{Bench, Fail, Outcome, checks, data, ensure},
    drive::stop_after,
};

checks!(dyn BlobStore, "restart",
    Reopen:
        synced_bytes_survive, a_synced_name_survives, far_bytes_survive, objects_survive,
        a_stop_after_every_call_keeps_the_promise, a_dropped_publication_is_whole_or_none,
        capabilities_stay;
);

async fn synced_bytes_survive(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(1, 20_000);
    let (staging, key) = t.staged(bytes.get(..7000).unwrap_or_default()).await?;
    t.store.sync(&staging).await?;
    t.write(&staging, 7000, bytes.get(7000..).unwrap_or_default()).await?;
    t.store.sync(&staging).await?;
    let t = t.reopen().await?;
    t.staged_is(&staging, 0, &bytes).await?;
    let t = t.reopen().await?;
    t.publish(&staging, &key, bytes.len()).await?;
    t.object_is(&key, &bytes).await
}

/// A staging object without bytes too.
async fn a_synced_name_survives(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, key) = t.names();
    t.store.stage(&staging, None).await?;
    t.store.sync(&staging).await?;
    let t = t.reopen().await?;
    t.publish(&staging, &key, 0).await?;
    t.object_is(&key, b"").await
}

async fn far_bytes_survive(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let far = t.profile.far.min(t.store.capabilities().max_position.saturating_sub(3));
    let (staging, _) = t.staged(b"near").await?;
    t.write(&staging, far, b"far").await?;
    t.store.sync(&staging).await?;
    let t = t.reopen().await?;
    t.staged_is(&staging, far, b"far").await?;
    t.staged_is(&staging, 0, b"near").await
}

async fn objects_survive(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (bytes, empty) = (data(2, 20_000), t.object(b"").await?.1);
    let (staging, key) = t.object(&bytes).await?;
    let t = t.reopen().await?;
    t.object_is(&key, &bytes).await?;
    t.object_is(&empty, b"").await?;
    t.nothing_staged(&staging, 0..1).await?;
    // The finisher may have died before it noted that it had published.
    t.publish(&staging, &key, bytes.len()).await?;
    t.object_is(&key, &bytes).await
}

/// The life of an upload, cut after each call: what that call and those before it promised holds, and the
/// upload can be brought to its end.
async fn a_stop_after_every_call_keeps_the_promise(mut t: Bench<'_, dyn BlobStore>) -> Outcome {
    const CALLS: usize = 8;
    let (first, second, again) = (data(1, 8000), data(2, 8000), data(3, 4000));
    let whole = [again.as_slice(), first.get(4000..).unwrap_or_default(), &second].concat();
    for calls in 0..=CALLS {
        let (staging, key) = t.names();
        for call in 0..calls {
            match call {
                0 => t.store.stage(&staging, Some(16_000)).await?,
                1 => t.write(&staging, 0, &first).await?,
                2 | 5 => t.store.sync(&staging).await?,
                3 => t.write(&staging, 8000, &second).await?,
                4 => t.write(&staging, 0, &again).await?,
                6 => t.publish(&staging, &key, 16_000).await?,
                _ => t.store.delete(&key).await?,
            }
        }
        t = t.reopen().await?;
        let promise = promised(&t, &staging, &key, calls, [&first, &again, &whole]).await;
        promise.map_err(|fail| Fail(format!("stopped after {calls} calls: {}", fail.0)))?;
        if calls < 7 {
            t.no_object(&key).await?;
            t.store.stage(&staging, Some(16_000)).await?;
            t.write(&staging, 0, &whole).await?;
            t.publish(&staging, &key, 16_000).await?;
            t.object_is(&key, &whole).await?;
        }
    }
    Ok(())
}

async fn promised(
    t: &Bench<'_, dyn BlobStore>,
    staging: &upload_core::StagingName,
    key: &upload_core::ObjectKey,
    calls: usize,
    [first, again, whole]: [&[u8]; 3],
) -> Outcome {
    match calls {
        // Nothing was synced.
        0..=2 => Ok(()),
        3 | 4 => t.staged_is(staging, 0, first).await,
        5 => {
            let read = t.store.read_staged(staging, 0..8000).await?;
            let torn = read.iter().zip(first).zip(again).position(|((r, f), a)| r != f && r != a);
            ensure!(torn.is_none(), "byte {torn:?} is neither the synced one nor the one written over it");
            ensure!(read.get(4000..) == first.get(4000..), "synced bytes that nobody wrote over changed");
            Ok(())
        }
        6 => t.staged_is(staging, 0, whole).await,
        7 => {
            t.nothing_staged(staging, 0..1).await?;
            t.object_is(key, whole).await
        }
        _ => t.no_object(key).await,
    }
}

async fn a_dropped_publication_is_whole_or_none(mut t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(4, 9000);
    for polls in 0..10_000 {
        let (staging, key) = t.staged(&bytes).await?;
        t.store.sync(&staging).await?;
        let publication = Publication::new(staging.clone(), key.clone(), 9000);
        let done = stop_after(polls, t.store.publish(&publication)).await.transpose()?.is_some();
        t = t.reopen().await?;
        if t.store.length(&key).await?.is_none() {
            ensure!(!done, "a publication that returned is lost");
            t.staged_is(&staging, 0, &bytes).await?;
        }
        t.store.publish(&publication).await?;
        t.object_is(&key, &bytes).await?;
        if done {
            return Ok(());
        }
    }
    Err(Fail("a publication did not end within 10000 polls".into()))
}

async fn capabilities_stay(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let before = t.store.capabilities();
    let t = t.reopen().await?;
    let after = t.store.capabilities();
    ensure!(before == after, "the capabilities were {before:?} and are {after:?}");
    Ok(())
}
