//! The object is made of exactly the parts that are listed, or of none.

use futures_util::FutureExt;
use upload_core::ports::{BlobStore, Part};

use super::bench::{Sent, manifest};
use crate::conformance::bench::{Bench, Fail, Outcome, checks, data, ensure, not_found};

checks!(dyn BlobStore, "complete",
    Nothing:
        takes_only_what_is_listed, keeps_the_order_of_the_list, one_short_part_is_enough,
        refuses_short_parts_before_the_last, succeeds_again, succeeds_at_once, is_not_another_object,
        a_wrong_tag_is_corrupt, a_missing_part_is_corrupt, no_parts_are_refused, a_replaced_part_is_not_the_first,
        of_nothing_is_not_found, a_late_part_does_no_harm, other_sessions_of_the_key_do_no_harm;
);

/// A part that nobody listed is dropped, in the middle and at the end.
async fn takes_only_what_is_listed(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let sent = t.put_all(&upload, &[1, 2, 4, 3]).await?;
    let listed: Vec<_> = sent.iter().filter(|sent| [1, 3].contains(&sent.part.number)).cloned().collect();
    t.makes(&upload, &listed).await?;
    t.clean(&upload).await
}

/// Where parts are numbered, another order than that of the numbers is refused.
async fn keeps_the_order_of_the_list(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let numbered = t.parts()?.rules().numbered;
    let upload = t.upload_in_parts().await?;
    let full = t.full()?;
    let mut sent = Vec::new();
    for number in [1, 2] {
        let bytes = data(number, full);
        sent.push(Sent { part: t.put(&upload, number, &bytes).await?, bytes });
    }
    if numbered {
        t.is_corrupt(&upload, &manifest(sent.iter().rev()).0).await?;
        t.makes(&upload, &sent).await?;
    } else {
        t.makes(&upload, sent.iter().rev()).await?;
    }
    t.clean(&upload).await
}

async fn one_short_part_is_enough(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let part = t.put(&upload, 1, b"a").await?;
    t.makes(&upload, &[Sent { part, bytes: b"a".to_vec() }]).await
}

/// Then nothing is made, and the same session can still be completed with parts that keep the rules.
async fn refuses_short_parts_before_the_last(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let rules = t.parts()?.rules();
    if rules.min_part <= 1 {
        return Ok(());
    }
    let upload = t.upload_in_parts().await?;
    let short = data(1, rules.min_part as usize - 1);
    if let Ok(short) = t.put(&upload, 1, &short).await {
        let last = t.put(&upload, 3, b"last").await?;
        let completed = t.complete(&upload, &[short, last]).await;
        ensure!(completed.is_err(), "a first part below {} bytes was taken", rules.min_part);
        t.no_object(&upload.key).await?;
    }
    let sent = t.put_all(&upload, &[2, 3]).await?;
    t.makes(&upload, &sent).await?;
    t.clean(&upload).await
}

async fn succeeds_again(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let sent = t.put_all(&upload, &[1, 2]).await?;
    for _ in 0..3 {
        t.makes(&upload, &sent).await?;
    }
    t.clean(&upload).await
}

/// The finisher and a sweep may both complete.
async fn succeeds_at_once(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let (parts, whole) = manifest(&t.put_all(&upload, &[1, 2]).await?);
    let completing = (0..4).map(|_| t.complete(&upload, &parts).boxed()).collect();
    for completed in t.together(completing).await {
        completed?;
    }
    t.object_is(&upload.key, &whole).await?;
    t.clean(&upload).await
}

/// What is completed stays, whatever is asked later.
async fn is_not_another_object(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let sent = t.put_all(&upload, &[1, 2]).await?;
    let (parts, whole) = manifest(&sent);
    t.complete(&upload, &parts).await?;
    let other = t.complete(&upload, parts.get(..1).unwrap_or_default()).await;
    ensure!(other.is_err(), "completing with other parts than those of before was Ok");
    t.object_is(&upload.key, &whole).await?;
    t.clean(&upload).await
}

/// Nothing is made, and all stays as it was.
async fn a_wrong_tag_is_corrupt(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let sent = t.put_all(&upload, &[1, 2]).await?;
    let (parts, _) = manifest(&sent);
    let tags: Vec<_> = parts.iter().map(|part| part.tag.clone()).collect();
    for wrong in 0..2 {
        let mut parts = parts.clone();
        for (part, tag) in parts.iter_mut().zip(tags.iter().rev()).skip(wrong).take(1) {
            part.tag.clone_from(tag);
        }
        t.is_corrupt(&upload, &parts).await?;
    }
    t.makes(&upload, &sent).await?;
    t.clean(&upload).await
}

async fn a_missing_part_is_corrupt(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let sent = t.put_all(&upload, &[1, 3]).await?;
    let (mut parts, _) = manifest(&sent);
    let tag = parts.first().map(|part| part.tag.clone()).unwrap_or_default();
    // One that was never stored: its tag is another's, as no store gives tags for nothing.
    parts.insert(1, Part::new(2, t.full()? as u64, tag));
    t.is_corrupt(&upload, &parts).await?;
    t.makes(&upload, &sent).await?;
    t.clean(&upload).await
}

async fn no_parts_are_refused(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let part = t.put(&upload, 1, b"abc").await?;
    let completed = t.complete(&upload, &[]).await;
    ensure!(completed.is_err(), "an object of no parts was made");
    t.no_object(&upload.key).await?;
    t.makes(&upload, &[Sent { part, bytes: b"abc".to_vec() }]).await
}

/// A number that is used twice: the first part is still itself, or it is gone; the second is never taken for it.
async fn a_replaced_part_is_not_the_first(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (first, second) = (data(1, 700), data(2, 800));
    let upload = t.upload_in_parts().await?;
    let part = t.put(&upload, 1, &first).await?;
    let again = t.put(&upload, 1, &second).await?;
    match t.complete(&upload, &[part]).await {
        Ok(()) => t.object_is(&upload.key, &first).await,
        Err(_) => {
            t.no_object(&upload.key).await?;
            t.makes(&upload, &[Sent { part: again, bytes: second }]).await
        }
    }
}

async fn of_nothing_is_not_found(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let part = t.put(&upload, 1, b"abc").await?;
    t.parts()?.abort(&upload.key, &upload.session).await?;
    not_found(t.complete(&upload, &[part]).await)?;
    t.no_object(&upload.key).await
}

/// A part that was on its way while the object was completed.
async fn a_late_part_does_no_harm(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let bytes = data(1, 900);
    let part = t.put(&upload, 1, &bytes).await?;
    let sent = [Sent { part, bytes: bytes.clone() }];
    t.makes(&upload, &sent).await?;
    for number in [1, 2] {
        // Refused or stored where nobody looks; either is fine.
        if let Err(Fail(text)) = t.put(&upload, number, b"late").await {
            ensure!(!text.contains("came back"), "{text}");
        }
        t.object_is(&upload.key, &bytes).await?;
    }
    t.makes(&upload, &sent).await?;
    t.store.discard(&upload.staging).await?;
    t.object_is(&upload.key, &bytes).await
}

/// The sessions that lost a race for a key are given up; the object stays.
async fn other_sessions_of_the_key_do_no_harm(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let loser = t.parts()?.open(&upload.key).await?;
    let part = t.put(&upload, 1, b"abc").await?;
    t.makes(&upload, &[Sent { part, bytes: b"abc".to_vec() }]).await?;
    t.parts()?.abort(&upload.key, &loser).await?;
    t.parts()?.abort(&upload.key, &upload.session).await?;
    t.object_is(&upload.key, b"abc").await?;
    t.store.discard(&upload.staging).await?;
    t.object_is(&upload.key, b"abc").await
}
