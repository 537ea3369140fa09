//! Bytes stand where they were written.

use bytes::Bytes;
use upload_core::ports::BlobStore;

use crate::{
    conformance::{
        bench::{Bench, HOUR, Outcome, checks, data, ensure},
        drive::Watch,
    },
    faulty::Random,
};

checks!(dyn BlobStore, "write",
    Nothing:
        capabilities_are_honest, bytes_read_back, pieces_join_in_order, empty_pieces_add_nothing,
        positions_in_any_order, holes_hold_no_garbage, the_last_write_wins, any_extents_match_a_model,
        a_far_position, beyond_the_last_position_is_refused, a_large_write, staging_again_keeps_bytes,
        a_length_hint_does_not_bind, staging_objects_do_not_mix, sync_can_be_repeated,
        a_name_staged_again_starts_empty;
);

/// Its limits and name are stated and do not change.
async fn capabilities_are_honest(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let capabilities = t.store.capabilities();
    ensure!(!capabilities.name.is_empty(), "the store has no name");
    ensure!(capabilities.max_object > 0 && capabilities.max_position > 0, "a limit is 0: {capabilities:?}");
    ensure!(capabilities == t.store.capabilities(), "the capabilities change between two calls");
    let (says, expected) = (capabilities.shared, t.profile.shared);
    ensure!(says == expected, "shared is {says}, the profile says {expected}");
    let mover = t.store.mover().is_some();
    ensure!(mover == t.profile.mover, "mover is {mover}, the profile says {}", t.profile.mover);
    t.store.flush().await?;
    Ok(())
}

/// What was written can be read when the call has returned.
async fn bytes_read_back(t: Bench<'_, dyn BlobStore>) -> Outcome {
    for len in [1, 511, 4096, 100_000] {
        let bytes = data(len as u64, len);
        let (staging, _) = t.staged(&bytes).await?;
        t.staged_is(&staging, 0, &bytes).await?;
    }
    Ok(())
}

/// The pieces of one write stand one after the other, also more of them than one system call takes.
async fn pieces_join_in_order(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(b"").await?;
    let bytes = Bytes::from(data(1, 3000 * 7));
    let pieces = (0..3000).map(|i| bytes.slice(i * 7..(i + 1) * 7)).collect();
    t.store.write(&staging, 5, pieces, Watch::permit().0).await?;
    t.staged_is(&staging, 5, &bytes).await
}

/// Empty pieces, and writes of nothing but them, change nothing and are no error.
async fn empty_pieces_add_nothing(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(b"abcdef").await?;
    let [e, b, c] = [Bytes::new(), Bytes::from_static(b"B"), Bytes::from_static(b"C")];
    let pieces = vec![e.clone(), b, e.clone(), e.clone(), c, e.clone()];
    t.store.write(&staging, 1, pieces, Watch::permit().0).await?;
    t.store.write(&staging, 3, vec![e.clone(), e], Watch::permit().0).await?;
    t.store.write(&staging, 4, vec![], Watch::permit().0).await?;
    t.staged_is(&staging, 0, b"aBCdef").await
}

/// Chunks may come in any order.
async fn positions_in_any_order(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(2, 9 * 1000);
    let (staging, _) = t.names();
    t.store.stage(&staging, None).await?;
    for i in [4, 8, 0, 7, 2, 6, 1, 5, 3] {
        t.write(&staging, i as u64 * 1000, bytes.get(i * 1000..(i + 1) * 1000).unwrap_or_default()).await?;
    }
    t.staged_is(&staging, 0, &bytes).await
}

/// Bytes never written read as zero or as an error, not as something else's.
async fn holes_hold_no_garbage(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let old = t.staged(&data(3, 20_000)).await?.0;
    t.store.discard(&old).await?;
    let (staging, _) = t.staged(b"begin").await?;
    t.write(&staging, 15_000, b"end").await?;
    if let Ok(bytes) = t.store.read_staged(&staging, 5..15_000).await {
        ensure!(bytes.len() == 14_995, "{} bytes of 14995 came", bytes.len());
        ensure!(bytes.iter().all(|b| *b == 0), "a hole holds bytes that nobody wrote");
    }
    t.staged_is(&staging, 0, b"begin").await?;
    t.staged_is(&staging, 15_000, b"end").await
}

/// Where writes overlap, the one that was made last stands, and only where it wrote.
async fn the_last_write_wins(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(&[b'a'; 12]).await?;
    t.write(&staging, 3, b"bbbb").await?;
    t.write(&staging, 5, b"cccc").await?;
    t.write(&staging, 0, b"dd").await?;
    t.staged_is(&staging, 0, b"ddabbccccaaa").await
}

/// Two hundred writes of any length at any position give what a plain array gives.
async fn any_extents_match_a_model(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let mut model = data(4, 1 << 16);
    let (staging, key) = t.staged(&model).await?;
    let mut random = Random::new(4);
    for seed in 0..200 {
        let at = random.below(1 << 16) as usize;
        let len = random.below(9000).min((1 << 16) - at as u64) as usize;
        let bytes = data(seed + 1000, len);
        t.write(&staging, at as u64, &bytes).await?;
        if let Some(place) = model.get_mut(at..at + len) {
            place.copy_from_slice(&bytes);
        }
    }
    t.staged_is(&staging, 0, &model).await?;
    t.publish(&staging, &key, model.len()).await?;
    t.object_is(&key, &model).await
}

/// Chunks whose place is not known yet go far beyond the upload; that costs only their bytes.
async fn a_far_position(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let far = t.profile.far.min(t.store.capabilities().max_position.saturating_sub(5000));
    let (bytes, overflow) = (data(5, 5000), data(6, 5000));
    let (staging, _) = t.staged(&bytes).await?;
    t.write(&staging, far, &overflow).await?;
    t.staged_is(&staging, far, &overflow).await?;
    t.staged_is(&staging, 0, &bytes).await
}

/// A position that the store states it cannot reach is an error, and neither wraps nor panics.
async fn beyond_the_last_position_is_refused(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(b"abc").await?;
    let last = t.store.capabilities().max_position;
    for position in [last.saturating_add(1), u64::MAX - 1, u64::MAX] {
        let (permit, watch) = Watch::permit();
        let written = t.store.write(&staging, position, vec![Bytes::from_static(b"xyz")], permit).await;
        ensure!(written.is_err(), "a write at {position} succeeded; the last position is {last}");
        watch.ended(t.profile.patience).await?;
    }
    t.staged_is(&staging, 0, b"abc").await
}

/// A large write of large pieces arrives whole.
async fn a_large_write(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = Bytes::from(data(7, t.profile.large));
    let pieces = bytes.chunks(1 << 20).map(|piece| bytes.slice_ref(piece)).collect();
    let (staging, key) = t.names();
    t.store.stage(&staging, Some(bytes.len() as u64)).await?;
    t.store.write(&staging, 0, pieces, Watch::permit().0).await?;
    t.publish(&staging, &key, bytes.len()).await?;
    t.object_is(&key, &bytes).await
}

/// `stage` is idempotent.
async fn staging_again_keeps_bytes(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.staged(b"kept").await?;
    t.store.stage(&staging, Some(4)).await?;
    t.store.stage(&staging, None).await?;
    t.store.stage(&staging, Some(1)).await?;
    t.staged_is(&staging, 0, b"kept").await
}

/// The length given to `stage` sizes nothing but buffers.
async fn a_length_hint_does_not_bind(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, key) = t.names();
    t.store.stage(&staging, Some(10)).await?;
    let bytes = data(8, 30_000);
    t.write(&staging, 0, &bytes).await?;
    t.staged_is(&staging, 0, &bytes).await?;
    t.publish(&staging, &key, bytes.len()).await?;
    t.object_is(&key, &bytes).await
}

/// Names that share the upload, or the hour, or all but the end, are different objects.
async fn staging_objects_do_not_mix(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload();
    let names = [HOUR, HOUR, HOUR + 1, HOUR + 10].map(|hour| (t.names_of(&upload, hour).0, data(hour, 3000)));
    for (staging, bytes) in &names {
        t.store.stage(staging, None).await?;
        t.write(staging, 0, bytes).await?;
    }
    for (i, (staging, _)) in names.iter().enumerate() {
        t.write(staging, 100, &[i as u8; 50]).await?;
    }
    for (i, (staging, bytes)) in names.iter().enumerate() {
        t.staged_is(staging, 0, bytes.get(..100).unwrap_or_default()).await?;
        t.staged_is(staging, 100, &[i as u8; 50]).await?;
        t.staged_is(staging, 150, bytes.get(150..).unwrap_or_default()).await?;
    }
    Ok(())
}

/// `sync` works before the first write, after it, and twice.
async fn sync_can_be_repeated(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, _) = t.names();
    t.store.stage(&staging, None).await?;
    t.store.sync(&staging).await?;
    t.write(&staging, 0, b"abc").await?;
    t.store.sync(&staging).await?;
    t.store.sync(&staging).await?;
    t.staged_is(&staging, 0, b"abc").await
}

/// The old bytes of a discarded name do not shine through.
async fn a_name_staged_again_starts_empty(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, key) = t.staged(&data(1, 9000)).await?;
    t.store.sync(&staging).await?;
    t.store.discard(&staging).await?;
    t.store.stage(&staging, None).await?;
    t.write(&staging, 5000, b"new").await?;
    if let Ok(hole) = t.store.read_staged(&staging, 0..5000).await {
        ensure!(hole.iter().all(|b| *b == 0), "the discarded bytes are there again");
    }
    t.write(&staging, 0, b"n").await?;
    t.publish(&staging, &key, 1).await?;
    t.object_is(&key, b"n").await
}
