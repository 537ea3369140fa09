//! A listing finds everything, in order, page by page.

use upload_core::{
    Hour,
    ports::{BlobStore, Listed},
};

use crate::{
    conformance::bench::{Bench, Fail, HOUR, Outcome, checks, ensure},
    shared::text,
};

checks!(dyn BlobStore, "list",
    Nothing:
        holds_both_kinds_in_order, stops_at_the_hour, pages_join, after_is_exclusive, after_a_name_that_is_gone,
        keeps_the_limit, does_not_show_what_is_gone, holds_hundreds;
    Reopen: is_the_same_after_a_restart;
);

/// Staging objects and objects, `each` in every given hour; their names in order.
async fn fill(t: &Bench<'_, dyn BlobStore>, hours: &[u64], each: usize) -> Result<Vec<Listed>, Fail> {
    let upload = t.upload();
    let mut listed = Vec::new();
    for hour in hours {
        for _ in 0..each {
            let ((staged, _), (staging, key)) = (t.names_of(&upload, *hour), t.names_of(&upload, *hour));
            t.stage(&staged, b"staged").await?;
            t.sync(&staged).await?;
            t.object_at(&staging, &key, b"object").await?;
            listed.extend([Listed::Staged(staged), Listed::Object(key)]);
        }
    }
    listed.sort_by(|a, b| text(a).cmp(text(b)));
    Ok(listed)
}

/// All pages of this size until an empty one.
pub(in crate::conformance) async fn walk(
    t: &Bench<'_, dyn BlobStore>,
    until: u64,
    limit: usize,
) -> Result<Vec<Listed>, Fail> {
    let mut all: Vec<Listed> = Vec::new();
    loop {
        let page = t.store.list(Hour::new(until), all.last(), limit).await?;
        ensure!(page.len() <= limit, "a page of at most {limit} has {} names", page.len());
        let Some(first) = page.first() else { return Ok(all) };
        let goes_on = all.last().is_none_or(|last| text(last) < text(first));
        ensure!(goes_on, "a page begins with {first:?}, the one before ended with {:?}", all.last());
        ensure!(page.is_sorted_by(|a, b| text(a) < text(b)), "a page is not in order: {page:?}");
        all.extend(page);
    }
}

/// Fails unless the listing holds these names, and no others of their upload.
pub(in crate::conformance) fn holds(all: &[Listed], expected: &[Listed]) -> Outcome {
    let missing = expected.iter().find(|name| !all.contains(name));
    ensure!(missing.is_none(), "{missing:?} is not listed among {} names", all.len());
    Ok(())
}

pub(in crate::conformance) fn lacks(all: &[Listed], unexpected: &[Listed]) -> Outcome {
    let found = unexpected.iter().find(|name| all.contains(name));
    ensure!(found.is_none(), "{found:?} is listed");
    Ok(())
}

async fn holds_both_kinds_in_order(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let expected = fill(&t, &[HOUR, HOUR + 1, HOUR - 1], 2).await?;
    holds(&walk(&t, HOUR + 1, 1000).await?, &expected)
}

/// Names of the hour and of earlier ones, not of later ones.
async fn stops_at_the_hour(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let early = fill(&t, &[HOUR - 10, HOUR], 1).await?;
    let late = fill(&t, &[HOUR + 1, HOUR + 100], 1).await?;
    for limit in [1, 3, 1000] {
        let all = walk(&t, HOUR, limit).await?;
        holds(&all, &early)?;
        lacks(&all, &late)?;
    }
    holds(&walk(&t, HOUR + 100, 1000).await?, &late)
}

async fn pages_join(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let expected = fill(&t, &[HOUR, HOUR + 1, HOUR + 2], 3).await?;
    let whole = walk(&t, HOUR + 2, 10_000).await?;
    holds(&whole, &expected)?;
    for limit in [1, 2, 3, 7] {
        let all = walk(&t, HOUR + 2, limit).await?;
        ensure!(all == whole, "pages of {limit} give {} names, one page {}", all.len(), whole.len());
    }
    Ok(())
}

async fn after_is_exclusive(t: Bench<'_, dyn BlobStore>) -> Outcome {
    fill(&t, &[HOUR, HOUR + 1], 2).await?;
    let all = walk(&t, HOUR + 1, 1000).await?;
    for (i, name) in all.iter().enumerate() {
        let page = t.store.list(Hour::new(HOUR + 1), Some(name), 1).await?;
        ensure!(page.first() == all.get(i + 1), "after {name:?} comes {page:?}, not {:?}", all.get(i + 1));
    }
    Ok(())
}

/// A name may go between two pages.
async fn after_a_name_that_is_gone(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let ours = fill(&t, &[HOUR, HOUR + 1], 2).await?;
    let all = walk(&t, HOUR + 1, 1000).await?;
    let nexts = all.iter().skip(1).map(Some).chain([None]);
    for (name, next) in all.iter().zip(nexts).filter(|(name, _)| ours.contains(name)) {
        match name {
            Listed::Staged(name) => t.store.discard(name).await?,
            Listed::Object(key) => t.store.delete(key).await?,
            other => return Err(Fail(format!("an unknown kind of name: {other:?}"))),
        }
        let page = t.store.list(Hour::new(HOUR + 1), Some(name), 1).await?;
        ensure!(page.first() == next, "after the removed {name:?} comes {page:?}, not {next:?}");
    }
    Ok(())
}

async fn keeps_the_limit(t: Bench<'_, dyn BlobStore>) -> Outcome {
    fill(&t, &[HOUR], 3).await?;
    for limit in [0, 1, 4] {
        let page = t.store.list(Hour::new(HOUR), None, limit).await?;
        ensure!(page.len() <= limit, "a page of at most {limit} has {} names", page.len());
        ensure!(limit == 0 || !page.is_empty(), "an empty page, although names follow");
    }
    Ok(())
}

async fn does_not_show_what_is_gone(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let (published, key) = t.object(b"abc").await?;
    let (discarded, _) = t.staged(b"abc").await?;
    t.sync(&discarded).await?;
    t.store.discard(&discarded).await?;
    let (_, deleted) = t.object(b"abc").await?;
    t.store.delete(&deleted).await?;
    let all = walk(&t, HOUR, 1000).await?;
    holds(&all, &[Listed::Object(key)])?;
    lacks(&all, &[Listed::Staged(published), Listed::Staged(discarded), Listed::Object(deleted)])
}

async fn holds_hundreds(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let expected = fill(&t, &[HOUR - 3, HOUR, HOUR + 3], 50).await?;
    for limit in [17, 100] {
        holds(&walk(&t, HOUR + 3, limit).await?, &expected)?;
    }
    Ok(())
}

async fn is_the_same_after_a_restart(t: Bench<'_, dyn BlobStore>) -> Outcome {
    let expected = fill(&t, &[HOUR, HOUR + 1], 3).await?;
    let t = t.reopen().await?;
    holds(&walk(&t, HOUR + 1, 4).await?, &expected)
}
