//! Listings of what a bucket holds for the engine, with bounded memory: a page of the store at a time.

use upload_core::{
    Hour, ObjectKey, StagingName,
    ports::{Listed, StoreError},
};

use super::ObjectBlobs;

/// Names that a store is asked for at once.
const PAGE: usize = 1000;

impl ObjectBlobs {
    /// Objects after this one, up to the hour.
    pub(super) async fn objects(
        &self,
        until: Hour,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let mut page = Vec::new();
        let mut last = after.map(|key| key.as_str().to_owned());
        while page.len() < limit {
            let most = (limit - page.len()).min(PAGE);
            let found = self.provider.list(ObjectKey::PREFIX, last.as_deref(), most).await?;
            // Names of other making are no objects of ours.
            let keys = found.iter().filter_map(|(name, _)| ObjectKey::parse(name));
            let ours: Vec<_> = keys.take_while(|key| key.hour() <= until).collect();
            let beyond =
                found.iter().filter_map(|(name, _)| ObjectKey::parse(name)).any(|key| key.hour() > until);
            page.extend(ours.into_iter().map(Listed::Object));
            match found.into_iter().next_back() {
                Some((name, _)) if !beyond => last = Some(goes_on(last, name)?),
                _ => break,
            }
        }
        Ok(page)
    }

    /// Staging names after this one, up to the hour: those with fragments, and those with sessions.
    pub(super) async fn staged(
        &self,
        until: Hour,
        after: Option<&StagingName>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let mut names = self.with_fragments(until, after, limit).await?;
        names.extend(self.sessions.staged(until, after, limit).await?);
        names.sort();
        names.dedup();
        names.truncate(limit);
        Ok(names.into_iter().map(Listed::Staged).collect())
    }

    /// Staging names that have objects below them.
    async fn with_fragments(
        &self,
        until: Hour,
        after: Option<&StagingName>,
        limit: usize,
    ) -> Result<Vec<StagingName>, StoreError> {
        let mut names: Vec<StagingName> = Vec::new();
        let mut last = after.map(beyond);
        while names.len() < limit {
            let found = self.provider.list(StagingName::PREFIX, last.as_deref(), PAGE).await?;
            let Some((end, _)) = found.last() else { break };
            last = Some(goes_on(last, staging_of(end).map_or_else(|| end.clone(), |name| beyond(&name)))?);
            for name in found.iter().filter_map(|(name, _)| staging_of(name)) {
                if name.hour() > until || names.len() == limit {
                    return Ok(names);
                }
                if names.last() != Some(&name) {
                    names.push(name);
                }
            }
        }
        Ok(names)
    }
}

/// Where the next page begins; a store that does not come further would be asked for ever.
fn goes_on(before: Option<String>, now: String) -> Result<String, StoreError> {
    match before {
        Some(before) if before >= now => {
            Err(StoreError::unavailable(format!("a listing after {before} gives names up to {now} again")))
        }
        _ => Ok(now),
    }
}

/// The staging name of what lies below it.
fn staging_of(name: &str) -> Option<StagingName> {
    name.rsplit_once('/').and_then(|(staging, _)| StagingName::parse(staging))
}

/// What comes after everything below this name, and before the next.
fn beyond(name: &StagingName) -> String {
    // All that lies there begins with a digit, `part-` or `session-`.
    format!("{name}/z")
}
