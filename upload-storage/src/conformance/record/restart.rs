//! What was acknowledged is there after the store was dropped and opened again.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use upload_core::ports::{Deleted, Expected, Put, RecordStore, Stored, Version};

use crate::{
    conformance::{
        bench::{Bench, Fail, Outcome, checks, data, ensure},
        drive::stop_after,
    },
    faulty::Random,
};

checks!(dyn RecordStore, "restart",
    Reopen:
        puts_survive, deletes_survive, large_values_survive, versions_never_repeat,
        a_stop_after_every_call_keeps_the_promise, a_dropped_put_is_whole_or_none, any_calls_match_a_model;
);

async fn puts_survive(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    for i in 0..100 {
        let key = format!("{stem}/{i:02}");
        let version = t.make(&key, "first").await?;
        t.win(&key, key.clone(), Expected::Version(version)).await?;
    }
    let before = t.store.list(&stem, None, 1000).await?;
    let t = t.reopen().await?;
    let after = t.store.list(&stem, None, 1000).await?;
    ensure!(before == after && after.len() == 100, "{} of 100 records are left, or changed", after.len());
    let version = t.make(&t.key(), "more").await?;
    ensure!(after.iter().all(|(_, stored)| stored.version != version), "a version came back: {version:?}");
    Ok(())
}

async fn deletes_survive(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let version = t.make(&key, "a").await?;
    t.remove(&key, &version).await?;
    let t = t.reopen().await?;
    t.is(&key, None).await
}

async fn large_values_survive(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let (large, empty) = (t.key(), t.key());
    let value = Bytes::from(data(1, 1 << 20));
    let versions = (t.make(&large, value.clone()).await?, t.make(&empty, "").await?);
    let t = t.reopen().await?;
    t.is(&large, Some(&Stored::new(value, versions.0))).await?;
    t.is(&empty, Some(&Stored::new("", versions.1))).await
}

async fn versions_never_repeat(mut t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let mut seen: HashSet<Version> = HashSet::new();
    for _ in 0..4 {
        let version = t.make(&key, "a").await?;
        if let Some(old) = seen.iter().next() {
            let current = Stored::new("a", version.clone());
            t.lose(&key, Expected::Version(old.clone()), Some(&current)).await?;
        }
        t.remove(&key, &version).await?;
        ensure!(seen.insert(version), "a version was given twice, before and after a restart");
        t = t.reopen().await?;
    }
    Ok(())
}

/// Made, changed, deleted and made again, cut after each call.
async fn a_stop_after_every_call_keeps_the_promise(mut t: Bench<'_, dyn RecordStore>) -> Outcome {
    for calls in 0..=4 {
        let key = t.key();
        let mut current: Option<Stored> = None;
        for call in 0..calls {
            current = match current {
                Some(stored) if call == 2 => {
                    t.remove(&key, &stored.version).await?;
                    None
                }
                stored => {
                    let expected = stored.map_or(Expected::Absent, |s| Expected::Version(s.version));
                    let value = format!("call {call}");
                    let version = t.win(&key, value.clone(), expected).await?;
                    Some(Stored::new(value, version))
                }
            };
        }
        t = t.reopen().await?;
        t.is(&key, current.as_ref())
            .await
            .map_err(|fail| Fail(format!("stopped after {calls} calls: {}", fail.0)))?;
    }
    Ok(())
}

async fn a_dropped_put_is_whole_or_none(mut t: Bench<'_, dyn RecordStore>) -> Outcome {
    let value = Bytes::from(data(2, 5000));
    for polls in 0..10_000 {
        let key = t.key();
        let put = stop_after(polls, t.store.put(&key, value.clone(), Expected::Absent)).await.transpose()?;
        t = t.reopen().await?;
        let found = t.store.get(&key).await?;
        let whole = found.as_ref().is_none_or(|found| found.value == value);
        ensure!(whole, "a dropped put left {}", super::show(found.as_ref()));
        if let Some(put) = put {
            let Put::Won(version) = put else { return Err(Fail(format!("a first put ended {put:?}"))) };
            return t.is(&key, Some(&Stored::new(value, version))).await;
        }
    }
    Err(Fail("a put did not end within 10000 polls".into()))
}

/// Three hundred calls, right and wrong ones, with restarts between, give what a plain map gives.
async fn any_calls_match_a_model(mut t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    let mut model: BTreeMap<String, Stored> = BTreeMap::new();
    let mut random = Random::new(9);
    let mut old = Version::new("none");
    for call in 0..300 {
        if call % 100 == 50 {
            t = t.reopen().await?;
        }
        let key = format!("{stem}/{}", random.below(6));
        let current = model.get(&key).cloned();
        let version = match (random.below(4), &current) {
            (0, _) => old.clone(),
            (_, Some(stored)) => stored.version.clone(),
            (_, None) => Version::new("any"),
        };
        let right = current.as_ref().is_some_and(|stored| stored.version == version);
        if random.below(3) == 0 {
            match (t.store.delete(&key, &version).await?, &current) {
                (Deleted::Done, Some(_)) if right => drop(model.remove(&key)),
                (Deleted::Done, None) => {}
                (Deleted::Lost(found), Some(stored)) if found == *stored && !right => {}
                (other, _) => {
                    return Err(Fail(format!("call {call}: a delete ended {other:?}, not as {current:?}")));
                }
            }
        } else {
            let first = random.below(2) == 0;
            let expected = if first { Expected::Absent } else { Expected::Version(version) };
            let wins = if first { current.is_none() } else { right };
            let value = format!("call {call}");
            match t.store.put(&key, value.clone().into(), expected).await? {
                Put::Won(version) if wins => {
                    old = current.map_or(old, |stored| stored.version);
                    model.insert(key, Stored::new(value, version));
                }
                Put::Lost(found) if !wins && found == current => {}
                other => return Err(Fail(format!("call {call}: a put ended {other:?}, not as {current:?}"))),
            }
        }
        let listed = t.store.list(&stem, None, 100).await?;
        let same = listed.iter().map(|(key, stored)| (key, stored)).eq(model.iter());
        ensure!(same, "after call {call} {listed:?} is listed, not {model:?}");
    }
    Ok(())
}
