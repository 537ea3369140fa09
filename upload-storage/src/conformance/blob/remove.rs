//! What is removed is gone, and nothing else.

use upload_core::ports::BlobStore;

use crate::conformance::bench::{Bench, HOUR, Outcome, checks, ensure};

checks!(dyn BlobStore, "remove",
    Nothing:
        a_deleted_object_is_gone, deleting_nothing_succeeds, deleting_takes_only_its_own,
        a_discarded_staging_object_is_gone, discarding_nothing_succeeds, discarding_takes_only_its_own;
    Reopen: removals_survive_a_restart;
);

async fn a_deleted_object_is_gone(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (_, key) = t.object(b"abc").await?;
    t.store.delete(&key).await?;
    t.no_object(&key).await
}

async fn deleting_nothing_succeeds(t: Bench<'_, dyn BlobStore>) -> Outcome {
    t.store.delete(&t.names().1).await?;
    let (_, key) = t.object(b"abc").await?;
    t.store.delete(&key).await?;
    t.store.delete(&key).await?;
    Ok(())
}

/// The objects and staging objects of the same upload and hour stay.
async fn deleting_takes_only_its_own(t: Bench<'_, dyn BlobStore>) -> Outcome {
    neighbours(&t, async |t, _, key| Ok(t.store.delete(key).await?)).await
}

async fn a_discarded_staging_object_is_gone(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(b"abc").await?;
    t.store.discard(&staging).await?;
    t.nothing_staged(&staging, 0..1).await
}

async fn discarding_nothing_succeeds(t: Bench<'_, dyn BlobStore>) -> Outcome {
    t.store.discard(&t.names().0).await?;
    let (staging, key) = t.object(b"abc").await?;
    t.store.discard(&staging).await?;
    t.store.discard(&staging).await?;
    t.object_is(&key, b"abc").await
}

async fn discarding_takes_only_its_own(t: Bench<'_, dyn BlobStore>) -> Outcome {
    neighbours(&t, async |t, staging, _| Ok(t.store.discard(staging).await?)).await
}

/// Removes one of three uploads' names and looks at the others.
async fn neighbours<'a>(
    t: &Bench<'a, dyn BlobStore>,
    remove: impl AsyncFn(&Bench<'a, dyn BlobStore>, &upload_core::StagingName, &upload_core::ObjectKey) -> Outcome,
) -> Outcome {
    let upload = t.upload();
    let mut kept = Vec::new();
    for hour in [HOUR, HOUR, HOUR + 1] {
        let ((staged, _), (staging, key)) = (t.names_of(&upload, hour), t.names_of(&upload, hour));
        t.stage(&staged, b"staged").await?;
        t.object_at(&staging, &key, b"object").await?;
        kept.push((staged, key));
    }
    if let Some((staging, key)) = kept.pop() {
        remove(t, &staging, &key).await?;
        let left = (t.store.length(&key).await?.is_some(), t.read_staged(&staging, 0..6).await.is_ok());
        ensure!(left.0 != left.1, "one of the two should be left: object {}, staged {}", left.0, left.1);
    }
    for (staging, key) in &kept {
        t.staged_is(staging, 0, b"staged").await?;
        t.object_is(key, b"object").await?;
    }
    Ok(())
}

async fn removals_survive_a_restart(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(b"abc").await?;
    t.sync(&staging).await?;
    let (_, key) = t.object(b"abc").await?;
    t.store.discard(&staging).await?;
    t.store.delete(&key).await?;
    let t = t.reopen().await?;
    t.nothing_staged(&staging, 0..1).await?;
    t.no_object(&key).await
}
