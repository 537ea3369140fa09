//! Staged bytes become an object that never changes.

use futures_util::FutureExt;
use upload_core::ports::{BlobStore, Publication};

use crate::conformance::bench::{Bench, Outcome, checks, data, ensure, not_found};

checks!(dyn BlobStore, "publish",
    Nothing:
        makes_the_object, takes_the_staging_object, truncates, drops_overflow, works_for_no_bytes,
        succeeds_again, succeeds_at_once, never_replaces, fails_for_nothing_staged, fails_for_a_discarded_one,
        is_immutable, leaves_others_alone, needs_no_sync;
);

async fn makes_the_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(1, 10_000);
    let (staging, key) = t.staged(&bytes).await?;
    t.no_object(&key).await?;
    t.store.sync(&staging).await?;
    t.publish(&staging, &key, bytes.len()).await?;
    t.object_is(&key, &bytes).await
}

async fn takes_the_staging_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, key) = t.object(b"abc").await?;
    t.nothing_staged(&staging, 0..3).await?;
    t.object_is(&key, b"abc").await
}

/// What is staged beyond the object's length is not part of it.
async fn truncates(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(2, 10_000);
    for length in [1, 4096, 9999] {
        let (staging, key) = t.staged(&bytes).await?;
        t.publish(&staging, &key, length).await?;
        t.object_is(&key, bytes.get(..length).unwrap_or_default()).await?;
        let beyond = t.store.read(&key, 0..length as u64 + 1).await;
        ensure!(beyond.is_err(), "a byte beyond the {length} published ones can be read");
    }
    Ok(())
}

async fn drops_overflow(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(3, 10_000);
    let (staging, key) = t.staged(&bytes).await?;
    t.write(&staging, t.profile.far.min(t.store.capabilities().max_position - 4), b"over").await?;
    t.publish(&staging, &key, bytes.len()).await?;
    t.object_is(&key, &bytes).await
}

async fn works_for_no_bytes(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, key) = t.names();
    t.store.stage(&staging, Some(0)).await?;
    t.publish(&staging, &key, 0).await?;
    t.object_is(&key, b"").await?;
    let (staging, key) = t.staged(b"dropped").await?;
    t.publish(&staging, &key, 0).await?;
    t.object_is(&key, b"").await
}

/// A retry of a publication that succeeded succeeds.
async fn succeeds_again(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(4, 5000);
    let (staging, key) = t.object(&bytes).await?;
    for _ in 0..3 {
        t.publish(&staging, &key, bytes.len()).await?;
        t.object_is(&key, &bytes).await?;
    }
    Ok(())
}

/// Whoever finishes an upload may do it at the same time as others: all succeed.
async fn succeeds_at_once(t: Bench<'_, dyn BlobStore>) -> Outcome {
    for round in 0..8 {
        let bytes = data(round, 5000);
        let (staging, key) = t.staged(&bytes).await?;
        let publication = &Publication::new(staging.clone(), key.clone(), bytes.len() as u64);
        let publishing = (0..8).map(|_| t.store.publish(publication).boxed()).collect();
        t.together(publishing).await.into_iter().collect::<Result<(), _>>()?;
        t.object_is(&key, &bytes).await?;
        t.nothing_staged(&staging, 0..1).await?;
    }
    Ok(())
}

/// An object stays what it was first, whatever its staging name holds later.
async fn never_replaces(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(5, 5000);
    let (staging, key) = t.object(&bytes).await?;
    t.store.stage(&staging, None).await?;
    t.write(&staging, 0, &data(6, 5000)).await?;
    t.publish(&staging, &key, 5000).await?;
    t.object_is(&key, &bytes).await?;
    t.nothing_staged(&staging, 0..1).await
}

async fn fails_for_nothing_staged(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, key) = t.names();
    not_found(t.store.publish(&Publication::new(staging, key.clone(), 3)).await)?;
    t.no_object(&key).await
}

async fn fails_for_a_discarded_one(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, key) = t.staged(b"abc").await?;
    t.store.discard(&staging).await?;
    not_found(t.store.publish(&Publication::new(staging, key.clone(), 3)).await)?;
    t.no_object(&key).await
}

/// A write to the staging name after publication does not reach the object.
async fn is_immutable(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(7, 5000);
    let (staging, key) = t.object(&bytes).await?;
    // It may fail, or begin a new staging object.
    let _ = t.write(&staging, 0, b"late").await;
    let _ = t.write(&staging, 6000, b"later").await;
    let _ = t.store.sync(&staging).await;
    t.object_is(&key, &bytes).await?;
    t.store.discard(&staging).await?;
    t.object_is(&key, &bytes).await
}

async fn leaves_others_alone(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (other, other_key) = t.staged(b"other").await?;
    let (_, object) = t.object(b"object").await?;
    t.object(b"published").await?;
    t.staged_is(&other, 0, b"other").await?;
    t.object_is(&object, b"object").await?;
    t.no_object(&other_key).await
}

/// Bytes written from all sides and never synced are part of the object.
async fn needs_no_sync(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(8, 12_000);
    let (staging, key) = t.names();
    t.store.stage(&staging, Some(12_000)).await?;
    for i in [2, 0, 1] {
        t.write(&staging, i as u64 * 4000, bytes.get(i * 4000..(i + 1) * 4000).unwrap_or_default()).await?;
    }
    t.publish(&staging, &key, bytes.len()).await?;
    t.object_is(&key, &bytes).await
}
