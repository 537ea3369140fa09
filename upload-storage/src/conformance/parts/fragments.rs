//! Fragments are small objects of their own below a staging name.

use bytes::Bytes;
use futures_util::FutureExt;
use upload_core::{Fragment, ports::BlobStore};

use crate::conformance::bench::{Bench, Outcome, checks, data, ensure, not_found, same};

checks!(dyn BlobStore, "fragments",
    Nothing:
        of_several_pieces, of_one_name_do_not_mix, of_one_position_do_not_mix, are_removed_by_name,
        that_are_not_there_are_not_found, removing_none_succeeds, at_once, stay_after_the_object_is_made;
);

impl Bench<'_, dyn BlobStore> {
    async fn fragment(
        &self,
        staging: &upload_core::StagingName,
        position: u64,
        bytes: &[u8],
    ) -> Result<Fragment, crate::conformance::bench::Fail> {
        let fragment = Fragment::random(position, self.names);
        let pieces = vec![Bytes::copy_from_slice(bytes)];
        self.parts()?.put_fragment(staging, &fragment, pieces).await?;
        Ok(fragment)
    }

    async fn fragment_is(
        &self,
        staging: &upload_core::StagingName,
        fragment: &Fragment,
        bytes: &[u8],
    ) -> Outcome {
        let read = self.parts()?.read_fragment(staging, fragment, 0..bytes.len() as u64).await?;
        same("the fragment", &read, bytes)?;
        let more = self.parts()?.read_fragment(staging, fragment, 0..bytes.len() as u64 + 1).await;
        ensure!(more.is_err(), "a fragment of {} bytes has one more", bytes.len());
        Ok(())
    }
}

async fn of_several_pieces(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (staging, bytes) = (t.names().0, data(1, 5000));
    let fragment = Fragment::random(0, t.names);
    let pieces = bytes.chunks(11).flat_map(|piece| [Bytes::copy_from_slice(piece), Bytes::new()]).collect();
    t.parts()?.put_fragment(&staging, &fragment, pieces).await?;
    t.fragment_is(&staging, &fragment, &bytes).await
}

async fn of_one_name_do_not_mix(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let staging = t.names().0;
    let mut stored = Vec::new();
    for position in [0, 1000, 5, u64::MAX] {
        let bytes = data(position, 200 + position as usize % 7);
        stored.push((t.fragment(&staging, position, &bytes).await?, bytes));
    }
    for (fragment, bytes) in &stored {
        t.fragment_is(&staging, fragment, bytes).await?;
    }
    Ok(())
}

/// Two attempts at one place have their own.
async fn of_one_position_do_not_mix(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let staging = t.names().0;
    let first = t.fragment(&staging, 7, b"first").await?;
    let second = t.fragment(&staging, 7, b"second").await?;
    t.fragment_is(&staging, &first, b"first").await?;
    t.fragment_is(&staging, &second, b"second").await
}

async fn are_removed_by_name(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let ((staging, _), (other, _)) = (t.names(), t.names());
    let mut ours = Vec::new();
    for position in 0..5 {
        ours.push(t.fragment(&staging, position, b"ours").await?);
    }
    let theirs = t.fragment(&other, 0, b"theirs").await?;
    t.parts()?.delete_fragments(&staging, ours.get(..3).unwrap_or_default()).await?;
    for (i, fragment) in ours.iter().enumerate() {
        match i {
            0..3 => not_found(t.parts()?.read_fragment(&staging, fragment, 0..1).await)?,
            _ => t.fragment_is(&staging, fragment, b"ours").await?,
        }
    }
    // A name that stands under both staging names goes from one of them.
    t.parts()?.delete_fragments(&staging, std::slice::from_ref(&theirs)).await?;
    t.fragment_is(&other, &theirs, b"theirs").await
}

async fn that_are_not_there_are_not_found(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let staging = t.names().0;
    let fragment = t.fragment(&staging, 0, b"abc").await?;
    let absent = Fragment::random(0, t.names);
    not_found(t.parts()?.read_fragment(&staging, &absent, 0..1).await)?;
    not_found(t.parts()?.read_fragment(&t.names().0, &fragment, 0..1).await)
}

async fn removing_none_succeeds(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let staging = t.names().0;
    t.parts()?.delete_fragments(&staging, &[]).await?;
    let absent = [Fragment::random(0, t.names), Fragment::random(1, t.names)];
    t.parts()?.delete_fragments(&staging, &absent).await?;
    let fragment = t.fragment(&staging, 0, b"abc").await?;
    // One that is there between two that are not.
    let [first, last] = absent;
    let all = [first, fragment.clone(), last];
    t.parts()?.delete_fragments(&staging, &all).await?;
    not_found(t.parts()?.read_fragment(&staging, &fragment, 0..1).await)?;
    Ok(t.parts()?.delete_fragments(&staging, &all).await?)
}

async fn at_once(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let staging = t.names().0;
    let storing = (0..16u64).map(|position| {
        let (t, staging) = (&t, &staging);
        async move {
            let bytes = data(position, 300 + position as usize);
            let fragment = t.fragment(staging, position, &bytes).await?;
            t.fragment_is(staging, &fragment, &bytes).await
        }
        .boxed()
    });
    t.together(storing.collect()).await.into_iter().collect()
}

/// Until somebody removes them.
async fn stay_after_the_object_is_made(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let fragment = t.fragment(&upload.staging, 0, b"abc").await?;
    let part = t.put(&upload, 1, b"abc").await?;
    t.complete(&upload, &[part]).await?;
    t.fragment_is(&upload.staging, &fragment, b"abc").await?;
    t.store.delete(&upload.key).await?;
    t.fragment_is(&upload.staging, &fragment, b"abc").await
}
