//! Many calls at once.

use futures_util::FutureExt;
use upload_core::ports::BlobStore;

use crate::conformance::bench::{Bench, Outcome, checks, data};

checks!(dyn BlobStore, "parallel",
    Nothing:
        writers_of_disjoint_ranges, neighbours_in_one_block, writers_of_many_uploads, sync_beside_writers,
        publications_of_many_uploads;
);

/// Writers of one staging object, each in its own range, do not disturb each other.
async fn writers_of_disjoint_ranges(t: Bench<'_, dyn BlobStore>) -> Outcome {
    disjoint(&t, 16, 50_000).await
}

/// Neither do those whose ranges share a block of the disk.
async fn neighbours_in_one_block(t: Bench<'_, dyn BlobStore>) -> Outcome {
    for _ in 0..8 {
        disjoint(&t, 16, 256).await?;
        disjoint(&t, 8, 1000).await?;
    }
    Ok(())
}

async fn disjoint(t: &Bench<'_, dyn BlobStore>, writers: usize, each: usize) -> Outcome {
    let bytes = data(each as u64, writers * each);
    let (staging, key) = t.names();
    t.store.stage(&staging, None).await?;
    let writing = bytes.chunks(each).enumerate();
    let writing = writing.map(|(i, part)| t.write(&staging, (i * each) as u64, part).boxed()).rev().collect();
    t.together(writing).await.into_iter().collect::<Outcome>()?;
    t.staged_is(&staging, 0, &bytes).await?;
    t.publish(&staging, &key, bytes.len()).await?;
    t.object_is(&key, &bytes).await
}

/// Uploads at once keep their own bytes.
async fn writers_of_many_uploads(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let uploads: Vec<_> = (0..32).map(|i| (t.names().0, data(i, 4000 + i as usize))).collect();
    let writing = uploads.iter().map(|(staging, bytes)| {
        let t = &t;
        async move {
            t.store.stage(staging, None).await?;
            t.write(staging, 0, bytes).await?;
            t.write(staging, bytes.len() as u64, bytes).await
        }
        .boxed()
    });
    t.together(writing.collect()).await.into_iter().collect::<Outcome>()?;
    for (staging, bytes) in &uploads {
        t.staged_is(staging, 0, bytes).await?;
        t.staged_is(staging, bytes.len() as u64, bytes).await?;
    }
    Ok(())
}

/// A sync for one writer does not disturb the others.
async fn sync_beside_writers(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(1, 8 * 6000);
    let (staging, _) = t.names();
    t.store.stage(&staging, None).await?;
    let writing = bytes.chunks(6000).enumerate().map(|(i, part)| {
        let (t, staging) = (&t, &staging);
        async move {
            t.write(staging, i as u64 * 6000, part).await?;
            Ok(t.store.sync(staging).await?)
        }
        .boxed()
    });
    t.together(writing.collect()).await.into_iter().collect::<Outcome>()?;
    t.staged_is(&staging, 0, &bytes).await
}

/// Publishing, discarding and deleting at once, each its own.
async fn publications_of_many_uploads(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let finishing = (0..32).map(|i| {
        let t = &t;
        async move {
            let bytes = data(i, 2000 + i as usize);
            let (staging, key) = t.staged(&bytes).await?;
            if i % 4 == 3 {
                t.store.discard(&staging).await?;
                return t.no_object(&key).await;
            }
            t.publish(&staging, &key, bytes.len()).await?;
            t.object_is(&key, &bytes).await?;
            if i % 4 == 2 {
                t.store.delete(&key).await?;
                return t.no_object(&key).await;
            }
            Ok(())
        }
        .boxed()
    });
    t.together(finishing.collect()).await.into_iter().collect()
}
