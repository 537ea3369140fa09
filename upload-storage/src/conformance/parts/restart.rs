//! What was acknowledged is there after the store was dropped and opened again.

use upload_core::ports::BlobStore;

use super::bench::manifest;
use crate::conformance::bench::{Bench, Outcome, checks, data, ensure};

checks!(dyn BlobStore, "restart",
    Reopen:
        parts_survive, fragments_survive, completions_survive, what_was_given_up_stays_away, rules_stay;
);

/// And the session goes on.
async fn parts_survive(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let mut sent = t.put_all(&upload, &[3, 1]).await?;
    sent.reverse();
    let t = t.reopen().await?;
    let listed = t.parts()?.list_parts(&upload.key, &upload.session).await?;
    let stored = manifest(&sent).0;
    ensure!(listed == stored, "{stored:?} were stored, {listed:?} are listed");
    let bytes = data(2, t.full()?);
    let part = t.put(&upload, 2, &bytes).await?;
    sent.insert(1, super::bench::Sent { part, bytes });
    t.makes(&upload, &sent).await?;
    t.clean(&upload).await
}

async fn fragments_survive(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let bytes = data(1, 3000);
    let (staging, _) = t.staged(&bytes).await?;
    let t = t.reopen().await?;
    t.staged_is(&staging, 0, &bytes).await
}

/// The finisher may have died before it noted that it had completed.
async fn completions_survive(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let sent = t.put_all(&upload, &[1, 2]).await?;
    t.makes(&upload, &sent).await?;
    let t = t.reopen().await?;
    t.object_is(&upload.key, &manifest(&sent).1).await?;
    t.makes(&upload, &sent).await?;
    let (_, empty) = t.object(b"").await?;
    let t = t.reopen().await?;
    t.object_is(&empty, b"").await?;
    t.clean(&upload).await
}

async fn what_was_given_up_stays_away(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let upload = t.upload_in_parts().await?;
    let part = t.put(&upload, 1, b"abc").await?;
    t.stage(&upload.staging, b"fragment").await?;
    t.store.discard(&upload.staging).await?;
    let t = t.reopen().await?;
    t.nothing_staged(&upload.staging, 0..1).await?;
    let completed = t.complete(&upload, &[part]).await;
    ensure!(completed.is_err(), "a session that was given up was completed");
    t.no_object(&upload.key).await
}

async fn rules_stay(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let before = (t.parts()?.rules(), t.store.capabilities());
    let t = t.reopen().await?;
    let after = (t.parts()?.rules(), t.store.capabilities());
    ensure!(before == after, "it was {before:?} and is {after:?}");
    Ok(())
}
