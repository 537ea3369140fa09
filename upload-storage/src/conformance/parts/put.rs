//! Parts and whole objects are stored as they came.

use bytes::Bytes;
use futures_util::FutureExt;
use upload_core::{UploadId, ports::BlobStore};

use super::bench::{Sent, Upload};
use crate::conformance::bench::{Bench, Fail, HOUR, Outcome, checks, data, ensure};

checks!(dyn BlobStore, "parts",
    Nothing:
        rules_can_be_kept, in_order_make_the_object, in_any_order_make_the_object, in_parallel_make_the_object,
        numbers_may_have_gaps, numbers_out_of_range_are_refused, of_several_pieces, are_listed, a_thousand_are_listed,
        sessions_do_not_mix, one_put_is_an_object, an_object_may_be_empty, an_object_replaces_another,
        uploads_at_once_keep_their_own, copies_are_parts, what_cannot_be_copied_is_an_error;
);

/// The rules allow objects of a terabyte, and stay as they are.
async fn rules_can_be_kept(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let rules = t.parts()?.rules();
    ensure!(rules.min_part <= rules.max_part, "no part can keep {rules:?}");
    let most = u128::from(rules.max_part) * u128::from(rules.max_parts);
    ensure!(most >= 1 << 40, "{rules:?} allow {most} bytes");
    ensure!(rules == t.parts()?.rules(), "the rules change between two calls");
    let says = t.store.capabilities().shared;
    ensure!(says == t.profile.shared, "it says shared = {says}, the profile {}", t.profile.shared);
    Ok(())
}

async fn in_order_make_the_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let sent = t.put_all(&upload, &[1, 2, 3]).await?;
    t.makes(&upload, &sent).await?;
    t.clean(&upload).await
}

async fn in_any_order_make_the_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let mut sent = t.put_all(&upload, &[3, 1, 2]).await?;
    sent.sort_by_key(|sent| sent.part.number);
    t.makes(&upload, &sent).await?;
    t.clean(&upload).await
}

async fn in_parallel_make_the_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let full = t.full()?;
    let putting = (1..=4).rev().map(|number| {
        let (t, upload) = (&t, &upload);
        async move {
            let bytes = data(number, if number == 4 { 500 } else { full });
            Ok::<_, Fail>(Sent { part: t.put(upload, number, &bytes).await?, bytes })
        }
        .boxed()
    });
    let sent = t.together(putting.collect()).await;
    let mut sent: Vec<Sent> = sent.into_iter().collect::<Result<_, _>>()?;
    sent.sort_by_key(|sent| sent.part.number);
    t.makes(&upload, &sent).await?;
    t.clean(&upload).await
}

/// As large as the rules allow where parts stand by their number; any where they stand as listed.
async fn numbers_may_have_gaps(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let rules = t.parts()?.rules();
    let numbers = if rules.numbered { [2, 7, u64::from(rules.max_parts)] } else { [0, 1 << 40, u64::MAX] };
    let upload = t.upload_in_parts().await?;
    let sent = t.put_all(&upload, &numbers).await?;
    t.makes(&upload, &sent).await?;
    t.clean(&upload).await
}

async fn numbers_out_of_range_are_refused(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let rules = t.parts()?.rules();
    let upload = t.upload_in_parts().await?;
    for number in [0, u64::from(rules.max_parts) + 1, u64::MAX] {
        let stored = t.put(&upload, number, b"abc").await;
        ensure!(stored.is_err() || !rules.numbered, "a part {number} was stored");
    }
    t.clean(&upload).await
}

/// Empty pieces among them.
async fn of_several_pieces(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let bytes = data(1, 5000);
    let pieces = || -> Vec<Bytes> {
        let empty = Bytes::new();
        bytes.chunks(7).flat_map(|piece| [Bytes::copy_from_slice(piece), empty.clone()]).collect()
    };
    let part = t.parts()?.put_part(&upload.key, &upload.session, 1, pieces()).await?;
    ensure!(part.length == 5000, "5000 bytes came back as {part:?}");
    t.makes(&upload, &[Sent { part, bytes: bytes.clone() }]).await?;
    let (_, key) = t.names();
    t.parts()?.put_object(&key, pieces()).await?;
    t.object_is(&key, &bytes).await
}

/// By number, with the lengths and tags that their puts returned.
async fn are_listed(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let mut sent = Vec::new();
    for number in [5, 2, 9] {
        sent.push(t.put(&upload, number, &data(number, 100 + number as usize)).await?);
    }
    sent.sort_by_key(|part| part.number);
    let listed = t.parts()?.list_parts(&upload.key, &upload.session).await?;
    ensure!(listed == sent, "{sent:?} were stored, {listed:?} are listed");
    t.clean(&upload).await
}

/// More than a provider lists at once.
async fn a_thousand_are_listed(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let numbers: Vec<u64> = (1..=1010).collect();
    for some in numbers.chunks(32) {
        let putting = some.iter().map(|number| t.put(&upload, *number, b"x").boxed());
        t.together(putting.collect()).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    }
    let listed = t.parts()?.list_parts(&upload.key, &upload.session).await?;
    let listed: Vec<u64> = listed.iter().map(|part| part.number).collect();
    ensure!(listed == numbers, "1010 parts were stored, {} are listed", listed.len());
    t.clean(&upload).await
}

/// Two sessions of one key have their own parts; those of one are nothing to the other.
async fn sessions_do_not_mix(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let first = t.upload_in_parts().await?;
    let mut second = t.upload_in_parts().await?;
    second.key = first.key.clone();
    second.session = t.parts()?.open(&first.key).await?;
    ensure!(first.session != second.session, "two sessions are both {}", first.session);
    let (bytes, others) = (data(1, 300), data(2, 300));
    let (part, other) = (t.put(&first, 1, &bytes).await?, t.put(&second, 1, &others).await?);
    for (upload, own) in [(&first, &part), (&second, &other)] {
        let listed = t.parts()?.list_parts(&upload.key, &upload.session).await?;
        ensure!(listed == std::slice::from_ref(own), "{own:?} was stored, {listed:?} are listed");
    }
    t.is_corrupt(&first, &[other]).await?;
    t.makes(&first, &[Sent { part, bytes }]).await?;
    t.clean(&first).await
}

async fn one_put_is_an_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(1, t.profile.large);
    let (_, key) = t.names();
    t.parts()?.put_object(&key, vec![Bytes::from(bytes.clone())]).await?;
    t.object_is(&key, &bytes).await?;
    Ok(t.store.delete(&key).await?)
}

async fn an_object_may_be_empty(t: Bench<'_, dyn BlobStore>) -> Outcome {
    for pieces in [Vec::new(), vec![Bytes::new()]] {
        let (_, key) = t.names();
        t.parts()?.put_object(&key, pieces).await?;
        t.object_is(&key, b"").await?;
    }
    Ok(())
}

async fn an_object_replaces_another(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (_, key) = t.names();
    for bytes in [data(1, 3000), data(2, 100), data(3, 4000)] {
        t.parts()?.put_object(&key, vec![Bytes::from(bytes.clone())]).await?;
        t.object_is(&key, &bytes).await?;
    }
    Ok(())
}

async fn uploads_at_once_keep_their_own(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let uploading = (0..8).map(|seed| {
        let t = &t;
        async move {
            let upload = t.upload_in_parts().await?;
            let bytes = data(seed, 900 + seed as usize);
            let part = t.put(&upload, 1, &bytes).await?;
            t.stage(&upload.staging, &bytes).await?;
            t.makes(&upload, &[Sent { part, bytes: bytes.clone() }]).await?;
            t.staged_is(&upload.staging, 0, &bytes).await
        }
        .boxed()
    });
    t.together(uploading.collect()).await.into_iter().collect()
}

/// The upload that a session is of.
fn owner(upload: &Upload) -> Result<UploadId, Fail> {
    upload.staging.upload().ok_or_else(|| Fail("a staging name of no upload".into()))
}

/// Where the store makes parts of objects: ranges of one, between parts that were put.
async fn copies_are_parts(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let parts = t.parts()?;
    if !parts.copies() {
        return Ok(());
    }
    let full = t.full()?;
    let from = data(77, 2 * full + 300);
    let upload = t.upload_in_parts().await?;
    // Of the same tenant.
    let (staging, source) = t.names_of(&owner(&upload)?, HOUR);
    t.object_at(&staging, &source, &from).await?;
    let mut sent = Vec::new();
    for (number, range) in [(1, 0..full), (2, full + 1..2 * full + 1), (4, 2 * full..2 * full + 300)] {
        let asked = range.start as u64..range.end as u64;
        let part = parts.copy_part(&upload.key, &upload.session, number, &source, asked).await?;
        let told = (part.number, part.length);
        ensure!(told == (number, range.len() as u64), "part {number}, {range:?}, came back as {part:?}");
        sent.push(Sent { part, bytes: from.get(range).unwrap_or_default().to_vec() });
    }
    let put = data(78, full);
    sent.insert(2, Sent { part: t.put(&upload, 3, &put).await?, bytes: put });
    t.store.delete(&source).await?;
    t.makes(&upload, &sent).await?;
    t.clean(&upload).await
}

async fn what_cannot_be_copied_is_an_error(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let parts = t.parts()?;
    let upload = t.upload_in_parts().await?;
    let (_, missing) = t.names_of(&owner(&upload)?, HOUR);
    let copied = parts.copy_part(&upload.key, &upload.session, 1, &missing, 0..300).await;
    ensure!(copied.is_err(), "a part was made of an object that is not there: {copied:?}");
    t.clean(&upload).await
}
