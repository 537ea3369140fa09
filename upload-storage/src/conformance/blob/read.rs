//! A read gives exactly its range, or an error.

use upload_core::ports::BlobStore;

use crate::conformance::bench::{Bench, Outcome, checks, data, ensure, not_found, same};

checks!(dyn BlobStore, "read",
    Nothing:
        any_range_of_an_object, any_range_of_a_staging_object, empty_ranges, past_the_end_of_an_object,
        past_the_end_of_a_staging_object, backward_ranges, missing_object_is_not_found,
        missing_staging_object_is_an_error;
);

const RANGES: [(usize, usize); 7] =
    [(0, 1), (0, 9000), (8999, 9000), (1, 8999), (4095, 4097), (4096, 8192), (5000, 5001)];

async fn any_range_of_an_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(1, 9000);
    let (_, key) = t.object(&bytes).await?;
    for (start, end) in RANGES {
        let read = t.store.read(&key, start as u64..end as u64).await?;
        same("a range of the object", &read, bytes.get(start..end).unwrap_or_default())?;
    }
    Ok(())
}

async fn any_range_of_a_staging_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(2, 9000);
    let (staging, _) = t.staged(&bytes).await?;
    for (start, end) in RANGES {
        t.staged_is(&staging, start as u64, bytes.get(start..end).unwrap_or_default()).await?;
    }
    Ok(())
}

/// A range of no bytes within the object gives no bytes.
async fn empty_ranges(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(b"abc").await?;
    let (_, key) = t.object(b"abc").await?;
    for at in [0, 2, 3] {
        ensure!(t.store.read(&key, at..at).await?.is_empty(), "{at}..{at} of an object gave bytes");
        ensure!(t.read_staged(&staging, at..at).await?.is_empty(), "staged {at}..{at} gave bytes");
    }
    Ok(())
}

/// What an object does not have is an error, never a shorter answer or zeros.
async fn past_the_end_of_an_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (_, key) = t.object(&data(3, 5000)).await?;
    for range in [0..5001, 4999..5001, 5000..5001, 6000..7000, 0..u64::MAX] {
        let read = t.store.read(&key, range.clone()).await;
        ensure!(read.is_err(), "{range:?} of 5000 bytes gave {:?} bytes", read.map(|b| b.len()).ok());
    }
    Ok(())
}

/// Nor is it shorter from a staging object: zeros or an error.
async fn past_the_end_of_a_staging_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(4, 5000);
    let (staging, _) = t.staged(&bytes).await?;
    for range in [0..5001, 4999..5001, 6000..7000] {
        if let Ok(read) = t.read_staged(&staging, range.clone()).await {
            let len = range.end - range.start;
            ensure!(read.len() as u64 == len, "{range:?} of 5000 bytes gave {} bytes", read.len());
            let kept = bytes.get(range.start as usize..).unwrap_or_default();
            ensure!(read.starts_with(kept), "{range:?} does not begin with the bytes written");
            ensure!(read.iter().skip(kept.len()).all(|b| *b == 0), "{range:?} ends with garbage");
        }
    }
    Ok(())
}

/// A range that ends before it starts gives nothing, or an error, and no panic.
#[expect(clippy::reversed_empty_ranges, reason = "it is what the check is about")]
async fn backward_ranges(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(b"abcdef").await?;
    let (_, key) = t.object(b"abcdef").await?;
    for read in [t.store.read(&key, 5..3).await, t.read_staged(&staging, 5..3).await] {
        ensure!(read.as_ref().map_or(true, |bytes| bytes.is_empty()), "5..3 gave {read:?}");
    }
    Ok(())
}

async fn missing_object_is_not_found(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (_, key) = t.names();
    t.no_object(&key).await?;
    not_found(t.store.read(&key, 0..10).await)
}

async fn missing_staging_object_is_an_error(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.names();
    t.nothing_staged(&staging, 0..10).await
}
