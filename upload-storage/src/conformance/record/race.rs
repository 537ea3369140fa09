//! Every call is atomic: of many at once, what happened is what some order of them would have done.

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use upload_core::ports::{Deleted, Expected, Put, RecordStore, Stored, Version};

use crate::{
    conformance::bench::{Bench, Fail, Outcome, checks, ensure},
    faulty::yields,
};

checks!(dyn RecordStore, "race",
    Nothing:
        one_first_put_wins, one_put_of_a_version_wins, one_put_or_delete_wins, different_keys_all_win,
        increments_are_not_lost, a_listing_beside_writers_is_whole, makes_and_deletes_alternate;
);

const WRITERS: u32 = 16;
const ROUNDS: u32 = 8;

/// Puts by many at once; the winner's value and version, after everybody else lost to exactly that.
async fn contend(t: &Bench<'_, dyn RecordStore>, key: &str, expected: &Expected) -> Result<Version, Fail> {
    let puts = (0..WRITERS).map(|i| {
        let value = Bytes::from(format!("writer {i}"));
        async move { (value.clone(), t.store.put(key, value, expected.clone()).await) }.boxed()
    });
    let mut won = Vec::new();
    let mut lost = Vec::new();
    for (value, put) in t.together(puts.collect()).await {
        match put? {
            Put::Won(version) => won.push(Stored::new(value, version)),
            Put::Lost(current) => lost.push(current),
            other => return Err(Fail(format!("a put ended {other:?}"))),
        }
    }
    ensure!(won.len() == 1, "{} of {WRITERS} puts won", won.len());
    let winner = won.pop();
    let strange = lost.iter().find(|current| **current != winner);
    ensure!(strange.is_none(), "a put lost to {strange:?}; the winner is {winner:?}");
    t.is(key, winner.as_ref()).await?;
    winner.map(|winner| winner.version).ok_or_else(|| Fail("nobody won".into()))
}

async fn one_first_put_wins(t: Bench<'_, dyn RecordStore>) -> Outcome {
    for _ in 0..ROUNDS {
        contend(&t, &t.key(), &Expected::Absent).await?;
    }
    Ok(())
}

async fn one_put_of_a_version_wins(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let mut version = t.make(&key, "first").await?;
    for _ in 0..ROUNDS {
        version = contend(&t, &key, &Expected::Version(version)).await?;
    }
    Ok(())
}

async fn one_put_or_delete_wins(t: Bench<'_, dyn RecordStore>) -> Outcome {
    for round in 0..ROUNDS {
        let key = t.key();
        let version = t.make(&key, "first").await?;
        let put = async {
            let put = t.store.put(&key, Bytes::from_static(b"put"), Expected::Version(version.clone()));
            Ok(matches!(put.await?, Put::Won(_)))
        };
        let delete = async { Ok(matches!(t.store.delete(&key, &version).await?, Deleted::Done)) };
        let mut both: Vec<BoxFuture<'_, Result<bool, Fail>>> = vec![put.boxed(), delete.boxed()];
        if round % 2 == 1 {
            both.reverse();
        }
        let won = t.together(both).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let winners = won.iter().filter(|won| **won).count();
        ensure!(winners == 1, "{winners} of a put and a delete of one version succeeded");
        let put_won = won.get((round % 2) as usize) == Some(&true);
        let left = t.store.get(&key).await?;
        ensure!(
            left.is_some() == put_won,
            "the put won: {put_won}, and {} is left",
            super::show(left.as_ref())
        );
    }
    Ok(())
}

async fn different_keys_all_win(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    let making = (0..64).map(|i| {
        let (t, stem) = (&t, &stem);
        async move {
            let key = format!("{stem}/x/{i:03}");
            let version = t.make(&key, key.clone()).await?;
            t.is(&key, Some(&Stored::new(key.clone(), version))).await
        }
        .boxed()
    });
    t.together(making.collect()).await.into_iter().collect::<Outcome>()?;
    let listed = t.store.list(&stem, None, 100).await?.len();
    ensure!(listed == 64, "{listed} of 64 records made at once are listed");
    Ok(())
}

/// Read, add one, put, again if lost: the sum is right.
async fn increments_are_not_lost(t: Bench<'_, dyn RecordStore>) -> Outcome {
    const EACH: usize = 10;
    let key = t.key();
    t.make(&key, "").await?;
    let adding = (0..8).map(|_| {
        let (t, key) = (&t, &key);
        async move {
            let mut left = EACH;
            while left > 0 {
                let current = t.store.get(key).await?.ok_or_else(|| Fail("the record is gone".into()))?;
                let value = [current.value.as_ref(), b"+"].concat();
                match t.store.put(key, value.into(), Expected::Version(current.version)).await? {
                    Put::Won(_) => left -= 1,
                    Put::Lost(Some(_)) => {}
                    other => return Err(Fail(format!("a put ended {other:?}"))),
                }
            }
            Ok(())
        }
        .boxed()
    });
    t.together(adding.collect()).await.into_iter().collect::<Outcome>()?;
    let sum = t.store.get(&key).await?.map_or(0, |stored| stored.value.len());
    ensure!(sum == 8 * EACH, "{} increments succeeded, {sum} are counted", 8 * EACH);
    Ok(())
}

/// It never lacks what is always there, and never shows a value that was never put.
async fn a_listing_beside_writers_is_whole(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    for i in [0, 2, 4] {
        t.make(&format!("{stem}/{i}"), "always").await?;
    }
    let writing = [1, 3].map(|i| {
        let (t, key) = (&t, format!("{stem}/{i}"));
        async move {
            for _ in 0..20 {
                let version = t.make(&key, vec![b'x'; 3000]).await?;
                yields(1).await;
                let version = t.win(&key, vec![b'y'; 5000], Expected::Version(version)).await?;
                t.remove(&key, &version).await?;
                yields(1).await;
            }
            Ok(())
        }
        .boxed()
    });
    let listing = async {
        for _ in 0..40 {
            let listed = t.store.list(&stem, None, 100).await?;
            let always = listed.iter().filter(|(_, stored)| stored.value == "always").count();
            ensure!(always == 3, "{always} of 3 records that are always there are listed");
            let whole = |stored: &Stored| match stored.value.first() {
                Some(b'x') => stored.value == vec![b'x'; 3000],
                Some(b'y') => stored.value == vec![b'y'; 5000],
                _ => stored.value == "always",
            };
            ensure!(listed.iter().all(|(_, stored)| whole(stored)), "a value that was never put is listed");
            ensure!(listed.is_sorted_by(|a, b| a.0 < b.0), "the listing is not in order");
        }
        Ok(())
    };
    let all = writing.into_iter().chain([listing.boxed()]).collect();
    t.together(all).await.into_iter().collect()
}

/// Makers and deleters of one key: each record was made once and deleted once.
async fn makes_and_deletes_alternate(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let calls = (0..WRITERS).map(|i| {
        let (t, key) = (&t, &key);
        async move {
            let mut balance = 0_i64;
            for _ in 0..10 {
                if i % 2 == 0 {
                    let put = t.store.put(key, Bytes::from_static(b"a"), Expected::Absent).await?;
                    balance += i64::from(matches!(put, Put::Won(_)));
                } else if let Some(current) = t.store.get(key).await? {
                    // `Done` also says that it was gone already; then another call took it.
                    let before = current.version.clone();
                    let lost = matches!(t.store.delete(key, &before).await?, Deleted::Lost(_));
                    let now = t.store.get(key).await?.map(|stored| stored.version);
                    ensure!(lost || now != Some(before), "a record is there after it was deleted");
                }
            }
            Ok::<_, Fail>(balance)
        }
        .boxed()
    });
    let balance = t.together(calls.collect()).await.into_iter().sum::<Result<i64, _>>()?;
    ensure!(balance > 0, "of many first puts of an absent key none won");
    Ok(())
}
