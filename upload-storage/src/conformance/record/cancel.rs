//! Any future may be dropped at any await: the call happened or did not, whole.

use bytes::Bytes;
use upload_core::ports::{Expected, Put, RecordStore, Stored};

use crate::conformance::{
    bench::{Bench, Fail, Outcome, checks, data, ensure},
    drive::{at_every_poll, stop_after},
};

checks!(dyn RecordStore, "dropped",
    Nothing: first_put, put, delete, reads, first_put_among_others;
);

/// The value of a dropped put is whole or not there, and what is there can be built upon.
async fn first_put(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let value = Bytes::from(data(1, 5000));
    at_every_poll(async |polls| {
        let key = t.key();
        let done = stop_after(polls, t.store.put(&key, value.clone(), Expected::Absent)).await;
        let done = won(done.transpose()?)?;
        // A put that goes on is ordered before or after this one; both are puts(Absent): one wins.
        let settled = t.store.put(&key, Bytes::from_static(b"second"), Expected::Absent).await?;
        let found = t.store.get(&key).await?.ok_or_else(|| Fail("two puts, and nothing is there".into()))?;
        match settled {
            Put::Won(version) => {
                ensure!(!done, "a put that returned was overwritten by a first put");
                ensure!(found == Stored::new("second", version), "a dropped put changed {found:?} later");
            }
            Put::Lost(Some(current)) => {
                ensure!(current.value == value, "a dropped put left another value: {current:?}");
                ensure!(found == current, "a put lost to {current:?}, and {found:?} is there");
            }
            other => return Err(Fail(format!("the put after a dropped one ended {other:?}"))),
        }
        t.remove(&key, &found.version).await?;
        Ok(done)
    })
    .await
}

fn won(put: Option<Put>) -> Result<bool, Fail> {
    match put {
        None => Ok(false),
        Some(Put::Won(_)) => Ok(true),
        Some(other) => Err(Fail(format!("a put that should win ended {other:?}"))),
    }
}

async fn put(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let (old, new) = (Bytes::from(data(2, 5000)), Bytes::from(data(3, 6000)));
    at_every_poll(async |polls| {
        let key = t.key();
        let version = t.make(&key, old.clone()).await?;
        let expected = Expected::Version(version.clone());
        let done = stop_after(polls, t.store.put(&key, new.clone(), expected.clone())).await;
        let done = won(done.transpose()?)?;
        match t.store.put(&key, Bytes::from_static(b"second"), expected).await? {
            Put::Won(version) => {
                ensure!(!done, "a put that returned was overwritten through an old version");
                t.is(&key, Some(&Stored::new("second", version))).await?;
            }
            Put::Lost(Some(current)) => {
                ensure!(current.value == new, "after a dropped put there is {current:?}");
                ensure!(current.version != version, "a dropped put kept the version");
                t.is(&key, Some(&current)).await?;
            }
            other => return Err(Fail(format!("the put after a dropped one ended {other:?}"))),
        }
        Ok(done)
    })
    .await
}

async fn delete(t: Bench<'_, dyn RecordStore>) -> Outcome {
    at_every_poll(async |polls| {
        let key = t.key();
        let version = t.make(&key, "a").await?;
        let done = stop_after(polls, t.store.delete(&key, &version)).await.transpose()?.is_some();
        let found = t.store.get(&key).await?;
        let whole = found.as_ref().is_none_or(|f| *f == Stored::new("a", version.clone()));
        ensure!(whole, "a dropped delete left {}", super::show(found.as_ref()));
        ensure!(!done || found.is_none(), "a delete that returned did not happen");
        t.remove(&key, &version).await?;
        t.make(&key, "b").await?;
        Ok(done)
    })
    .await
}

async fn reads(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let version = t.make(&key, "a").await?;
    at_every_poll(async |polls| {
        let done = [
            stop_after(polls, t.store.get(&key)).await.transpose()?.is_some(),
            stop_after(polls, t.store.list(&key, None, 10)).await.transpose()?.is_some(),
        ];
        t.is(&key, Some(&Stored::new("a", version.clone()))).await?;
        Ok(done.iter().all(|done| *done))
    })
    .await
}

/// Dropped puts do not take the calls of others with them.
async fn first_put_among_others(t: Bench<'_, dyn RecordStore>) -> Outcome {
    at_every_poll(async |polls| {
        let (stem, value) = (t.key(), Bytes::from_static(b"a"));
        let [before, dropped, kept] = ["b", "d", "k"].map(|end| format!("{stem}/{end}"));
        t.make(&before, "before").await?;
        let dropping = stop_after(polls, t.store.put(&dropped, value.clone(), Expected::Absent));
        let keeping = t.store.put(&kept, value.clone(), Expected::Absent);
        let (done, put) = futures_util::future::join(dropping, keeping).await;
        ensure!(matches!(put?, Put::Won(_)), "a put beside a dropped one did not win");
        ensure!(t.store.get(&kept).await?.is_some(), "a put beside a dropped one is lost");
        ensure!(t.store.get(&before).await?.is_some(), "a put before a dropped one is lost");
        won(done.transpose()?)
    })
    .await
}
