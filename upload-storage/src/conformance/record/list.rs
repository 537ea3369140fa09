//! A listing gives the records under a prefix, in order, page by page.

use upload_core::ports::{Expected, RecordStore, Stored};

use crate::conformance::bench::{Bench, Fail, Outcome, checks, ensure};

checks!(dyn RecordStore, "list",
    Nothing:
        is_in_key_order, a_prefix_is_no_more_than_that, a_prefix_is_literal, after_is_exclusive,
        after_a_key_that_is_not_there, after_outside_the_prefix, pages_join, keeps_the_limit,
        shows_values_and_versions, does_not_show_what_is_gone, shows_what_was_put_last, holds_a_thousand,
        nothing_under_a_prefix;
);

type Records = Vec<(String, Stored)>;

/// All pages of this size until an empty one.
async fn walk(t: &Bench<'_, dyn RecordStore>, prefix: &str, limit: usize) -> Result<Records, Fail> {
    let mut all = Records::new();
    loop {
        let after = all.last().map(|(key, _)| key.as_str());
        let page = t.store.list(prefix, after, limit).await?;
        ensure!(page.len() <= limit, "a page of at most {limit} has {} records", page.len());
        let Some((first, _)) = page.first() else { return Ok(all) };
        ensure!(after.is_none_or(|after| after < first.as_str()), "after {after:?} comes {first:?}");
        all.extend(page);
    }
}

/// The keys without their stem.
fn ends<'a>(records: &'a Records, stem: &str) -> Vec<&'a str> {
    records.iter().map(|(key, _)| key.strip_prefix(stem).unwrap_or(key)).collect()
}

async fn fill(t: &Bench<'_, dyn RecordStore>, stem: &str, ends: &[&str]) -> Outcome {
    for end in ends {
        t.make(&format!("{stem}{end}"), end.to_string()).await?;
    }
    Ok(())
}

async fn expect(t: &Bench<'_, dyn RecordStore>, stem: &str, prefix: &str, expected: &[&str]) -> Outcome {
    let found = walk(t, &format!("{stem}{prefix}"), 100).await?;
    let found = ends(&found, stem);
    ensure!(found == expected, "under …{prefix:?} lie {found:?}, not {expected:?}");
    Ok(())
}

/// The order of bytes, whatever the order they were put in.
async fn is_in_key_order(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    fill(&t, &stem, &["/b", "/10", "/a", "/A", "/9", "/_", "/~", "/a/b", "/a-b", "/aa"]).await?;
    expect(&t, &stem, "/", &["/10", "/9", "/A", "/_", "/a", "/a-b", "/a/b", "/aa", "/b", "/~"]).await
}

/// Neither less: the prefix itself is a key under it; nor more.
async fn a_prefix_is_no_more_than_that(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    fill(&t, &stem, &["/a", "/ab", "/a/", "/a/x", "/a0", "/b", "/Z", ""]).await?;
    expect(&t, &stem, "/a", &["/a", "/a/", "/a/x", "/a0", "/ab"]).await?;
    expect(&t, &stem, "/a/", &["/a/", "/a/x"]).await?;
    expect(&t, &stem, "/ab", &["/ab"]).await?;
    expect(&t, &stem, "", &["", "/Z", "/a", "/a/", "/a/x", "/a0", "/ab", "/b"]).await
}

/// No character of it stands for others.
async fn a_prefix_is_literal(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    fill(&t, &stem, &["/a_b", "/axb", "/a%b", "/a*b", "/a.b", "/A_b"]).await?;
    for prefix in ["/a_", "/a%", "/a*", "/a."] {
        expect(&t, &stem, prefix, &[&format!("{prefix}b")]).await?;
    }
    Ok(())
}

async fn after_is_exclusive(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    let keys = ["/a", "/a/", "/ab", "/b"];
    fill(&t, &stem, &keys).await?;
    for (i, key) in keys.iter().enumerate() {
        let page = t.store.list(&stem, Some(&format!("{stem}{key}")), 100).await?;
        let expected = keys.get(i + 1..).unwrap_or_default();
        ensure!(ends(&page, &stem) == expected, "after {key} lie {:?}, not {expected:?}", ends(&page, &stem));
    }
    Ok(())
}

/// A key may go between two pages.
async fn after_a_key_that_is_not_there(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    fill(&t, &stem, &["/a", "/c", "/e"]).await?;
    for (after, expected) in [("/0", 3), ("/b", 2), ("/c0", 1), ("/z", 0)] {
        let page = t.store.list(&stem, Some(&format!("{stem}{after}")), 100).await?;
        ensure!(page.len() == expected, "after {after} lie {:?}, not {expected} keys", ends(&page, &stem));
    }
    Ok(())
}

/// A key before the prefix leaves everything, one behind it nothing.
async fn after_outside_the_prefix(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    fill(&t, &stem, &["/a", "/m1", "/m2", "/z"]).await?;
    for (after, expected) in [("/a", vec!["/m1", "/m2"]), ("/z", vec![]), ("/n", vec![])] {
        let page = t.store.list(&format!("{stem}/m"), Some(&format!("{stem}{after}")), 100).await?;
        let found = ends(&page, &stem);
        ensure!(found == expected, "under /m after {after} lie {found:?}, not {expected:?}");
    }
    Ok(())
}

async fn pages_join(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    fill(&t, &stem, &["/a", "/b", "/c", "/d", "/e", "/f", "/g"]).await?;
    let whole = walk(&t, &stem, 100).await?;
    ensure!(whole.len() == 7, "{} of 7 keys are listed", whole.len());
    for limit in 1..9 {
        let all = walk(&t, &stem, limit).await?;
        ensure!(all == whole, "pages of {limit} give {:?}", ends(&all, &stem));
    }
    Ok(())
}

async fn keeps_the_limit(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    fill(&t, &stem, &["/a", "/b", "/c"]).await?;
    for limit in [0, 1, 2] {
        let page = t.store.list(&stem, None, limit).await?;
        ensure!(page.len() <= limit, "a page of at most {limit} has {} records", page.len());
        ensure!(limit == 0 || !page.is_empty(), "an empty page, although records follow");
    }
    Ok(())
}

async fn shows_values_and_versions(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    fill(&t, &stem, &["/a", "/b", "/c"]).await?;
    for (key, stored) in walk(&t, &stem, 100).await? {
        t.is(&key, Some(&stored)).await?;
    }
    Ok(())
}

async fn does_not_show_what_is_gone(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    fill(&t, &stem, &["/a", "/c"]).await?;
    let version = t.make(&format!("{stem}/b"), "b").await?;
    t.remove(&format!("{stem}/b"), &version).await?;
    expect(&t, &stem, "", &["/a", "/c"]).await
}

async fn shows_what_was_put_last(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let key = t.key();
    let old = t.make(&key, "old").await?;
    let new = t.win(&key, "new", Expected::Version(old)).await?;
    let all = walk(&t, &key, 100).await?;
    ensure!(all == [(key, Stored::new("new", new))], "what was replaced is listed: {all:?}");
    Ok(())
}

async fn holds_a_thousand(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    let expected: Vec<_> = (0..1000).map(|i| format!("/x/{i:06}")).collect();
    fill(&t, &stem, &expected.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    for limit in [64, 1000, 5000] {
        let all = walk(&t, &format!("{stem}/x/"), limit).await?;
        ensure!(ends(&all, &stem) == expected, "pages of {limit} give {} of 1000 records", all.len());
    }
    Ok(())
}

async fn nothing_under_a_prefix(t: Bench<'_, dyn RecordStore>) -> Outcome {
    let stem = t.key();
    fill(&t, &stem, &["/a"]).await?;
    expect(&t, &stem, "/b", &[]).await?;
    expect(&t, &stem, "/a/", &[]).await
}
