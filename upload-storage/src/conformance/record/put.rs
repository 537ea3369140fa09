//! A put stores its value exactly when it found what it expected.

use std::collections::HashSet;

use bytes::Bytes;
use upload_core::ports::{Expected, RecordStore, Stored};

use crate::conformance::bench::{Bench, Outcome, checks, data, ensure};

checks!(dyn RecordStore, "put",
    Nothing:
        the_store_states_what_it_is, nothing_is_there_at_first, a_first_put_wins, a_second_first_put_loses,
        the_right_version_wins, a_wrong_version_loses, an_old_version_loses, a_version_of_nothing_loses,
        the_same_value_is_a_new_version, versions_never_repeat, a_value_that_comes_back_is_another,
        values_of_any_size, values_of_any_bytes, long_keys, keys_are_literal;
);

async fn the_store_states_what_it_is(t: Bench<'_, dyn RecordStore>) -> Outcome {
    ensure!(!t.store.name().is_empty(), "the store has no name");
    let says = t.store.shared();
    ensure!(says == t.profile.shared, "shared is {says}, the profile says {}", t.profile.shared);
    t.store.health().await?;
    t.make(&t.key(), "a").await?;
    t.store.flush().await?;
    Ok(t.store.health().await?)
}

async fn nothing_is_there_at_first(t: Bench<'_, dyn RecordStore>) -> Outcome {
    t.is(&t.key(), None).await
}

async fn a_first_put_wins(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let version = t.make(&key, "a").await?;
    t.is(&key, Some(&Stored::new("a", version))).await
}

/// The loser hears what is there, and changes nothing.
async fn a_second_first_put_loses(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let version = t.make(&key, "a").await?;
    t.lose(&key, Expected::Absent, Some(&Stored::new("a", version))).await
}

async fn the_right_version_wins(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let mut version = t.make(&key, "0").await?;
    for i in 1..20 {
        let value = Bytes::from(i.to_string());
        let next = t.win(&key, value.clone(), Expected::Version(version.clone())).await?;
        ensure!(next != version, "two values have the version {next:?}");
        version = next;
        t.is(&key, Some(&Stored::new(value, version.clone()))).await?;
    }
    Ok(())
}

async fn a_wrong_version_loses(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let (key, other) = (t.key(), t.key());
    let version = t.make(&key, "a").await?;
    let wrong = t.make(&other, "b").await?;
    // Versions of different keys may be the same; then this one is not wrong.
    if wrong != version {
        t.lose(&key, Expected::Version(wrong), Some(&Stored::new("a", version))).await?;
    }
    Ok(())
}

async fn an_old_version_loses(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let old = t.make(&key, "a").await?;
    let new = t.win(&key, "b", Expected::Version(old.clone())).await?;
    t.lose(&key, Expected::Version(old), Some(&Stored::new("b", new))).await
}

async fn a_version_of_nothing_loses(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let (key, other) = (t.key(), t.key());
    let version = t.make(&other, "a").await?;
    t.lose(&key, Expected::Version(version), None).await
}

async fn the_same_value_is_a_new_version(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let old = t.make(&key, "a").await?;
    let new = t.win(&key, "a", Expected::Version(old.clone())).await?;
    ensure!(old != new, "two puts have the version {new:?}");
    t.lose(&key, Expected::Version(old), Some(&Stored::new("a", new))).await
}

/// Also not across deletes.
async fn versions_never_repeat(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let mut seen = HashSet::new();
    for _ in 0..25 {
        let first = t.make(&key, "a").await?;
        let second = t.win(&key, "b", Expected::Version(first.clone())).await?;
        t.remove(&key, &second).await?;
        for version in [first, second] {
            let text = format!("{version:?}");
            ensure!(seen.insert(version), "{text} was given twice");
        }
    }
    Ok(())
}

/// Whoever saw the first value cannot take the second, equal one for it.
async fn a_value_that_comes_back_is_another(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let old = t.make(&key, "a").await?;
    t.remove(&key, &old).await?;
    let new = t.make(&key, "a").await?;
    t.lose(&key, Expected::Version(old), Some(&Stored::new("a", new))).await
}

/// From nothing to 1 MiB.
async fn values_of_any_size(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let mut expected = Expected::Absent;
    for len in [0, 1, 255, 256, 4096, 65_535, 65_536, (1 << 20) - 1, 1 << 20, 0] {
        let value = Bytes::from(data(len as u64, len));
        let version = t.win(&key, value.clone(), expected).await?;
        t.is(&key, Some(&Stored::new(value, version.clone()))).await?;
        expected = Expected::Version(version);
    }
    Ok(())
}

async fn values_of_any_bytes(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let value: Bytes = (0..=u8::MAX).chain([0, 0]).collect();
    let version = t.make(&key, value.clone()).await?;
    t.is(&key, Some(&Stored::new(value, version))).await
}

/// Keys of 200 bytes that differ only in the last one.
async fn long_keys(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = format!("{:x<199}", t.key());
    let [a, b] = ["a", "b"].map(|end| format!("{stem}{end}"));
    let (first, second) = (t.make(&a, "a").await?, t.make(&b, "b").await?);
    t.is(&a, Some(&Stored::new("a", first.clone()))).await?;
    t.is(&b, Some(&Stored::new("b", second))).await?;
    t.is(&stem, None).await?;
    t.remove(&a, &first).await?;
    ensure!(t.store.get(&b).await?.is_some(), "deleting one long key took the other");
    Ok(())
}

/// Every character stands for itself, in its own case.
async fn keys_are_literal(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    let ends =
        ["", "/", "//", "/.", "/..", "a", "A", "_", "%", "*", "?", "%20", " ", "'", "\"", "\\", "-", "~"];
    for end in ends {
        t.make(&format!("{stem}{end}"), end).await?;
    }
    for end in ends {
        let found = t.store.get(&format!("{stem}{end}")).await?;
        ensure!(
            found.as_ref().is_some_and(|f| f.value == end),
            "…{end:?} holds {}",
            super::show(found.as_ref())
        );
    }
    Ok(())
}
