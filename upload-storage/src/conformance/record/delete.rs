//! A delete takes exactly the version it names.

use upload_core::ports::{Deleted, Expected, RecordStore, Stored, Version};

use crate::conformance::bench::{Bench, Fail, Outcome, checks};

checks!(dyn RecordStore, "delete",
    Nothing:
        the_right_version_goes, a_wrong_version_stays, an_old_version_stays, nothing_is_gone_already,
        the_key_can_be_made_again, a_version_from_before_a_delete_stays, others_stay;
);

async fn stays(t: &Bench<'_, dyn RecordStore>, key: &str, wrong: &Version, current: Stored) -> Outcome {
    match t.store.delete(key, wrong).await? {
        Deleted::Lost(found) if found == current => t.is(key, Some(&current)).await,
        other => {
            Err(Fail(format!("a delete of another version should lose to {current:?}, it ended {other:?}")))
        }
    }
}

async fn the_right_version_goes(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let version = t.make(&key, "a").await?;
    t.remove(&key, &version).await
}

async fn a_wrong_version_stays(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let version = t.make(&key, "a").await?;
    stays(&t, &key, &Version::new("another"), Stored::new("a", version)).await
}

async fn an_old_version_stays(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let old = t.make(&key, "a").await?;
    let new = t.win(&key, "b", Expected::Version(old.clone())).await?;
    stays(&t, &key, &old, Stored::new("b", new)).await
}

async fn nothing_is_gone_already(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    t.remove(&key, &Version::new("any")).await?;
    let version = t.make(&key, "a").await?;
    t.remove(&key, &version).await?;
    t.remove(&key, &version).await
}

async fn the_key_can_be_made_again(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let old = t.make(&key, "a").await?;
    t.remove(&key, &old).await?;
    t.lose(&key, Expected::Version(old), None).await?;
    let new = t.make(&key, "b").await?;
    t.is(&key, Some(&Stored::new("b", new))).await
}

async fn a_version_from_before_a_delete_stays(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let old = t.make(&key, "a").await?;
    t.remove(&key, &old).await?;
    let new = t.make(&key, "a").await?;
    stays(&t, &key, &old, Stored::new("a", new)).await
}

/// Those whose key begins with the deleted one, and those it begins with.
async fn others_stay(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let (shorter, longer) = (key.get(..key.len() - 1).unwrap_or_default(), format!("{key}/x/1"));
    let kept = [(shorter, t.make(shorter, "s").await?, "s"), (&longer, t.make(&longer, "l").await?, "l")];
    let version = t.make(&key, "a").await?;
    t.remove(&key, &version).await?;
    for (key, version, value) in kept {
        t.is(key, Some(&Stored::new(value, version))).await?;
    }
    Ok(())
}
