//! What goes wrong when unfinished uploads are discarded or listed.

use std::{collections::BTreeSet, ops::Range};

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    Hour, ObjectKey, StagingName,
    ports::{BlobStore, Capabilities, Listed, Parts, StoreError},
};

use super::{BrokenParts, D};

#[async_trait]
impl BlobStore for BrokenParts {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.inner.read(key, range).await
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        self.inner.length(key).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.inner.delete(key).await
    }

    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError> {
        let key = ObjectKey::of(staging);
        let fragments = self.state().fragments.remove(staging).unwrap_or_default();
        self.state().discarded.extend(fragments.iter().map(|f| (staging.clone(), f.clone())));
        match self.defect {
            D::DiscardKeepsSessions => return self.inner.delete_fragments(staging, &fragments).await,
            D::DiscardTakesFewSessions => {
                let sessions = self.state().sessions.get(&key).cloned().unwrap_or_default();
                if sessions.len() > 50 {
                    return self.inner.abort(&key, sessions.first().unwrap()).await;
                }
            }
            D::DiscardTakesObject => self.inner.delete(&key).await?,
            D::DiscardTakesUpload => {
                let keys: Vec<_> = self.state().sessions.keys().cloned().collect();
                for other in keys.iter().filter(|other| other.upload() == key.upload()) {
                    self.inner.discard(&StagingName::of(other)).await?;
                }
            }
            D::DiscardBlocksKey => drop(self.state().blocked.insert(key)),
            _ => {}
        }
        self.inner.discard(staging).await
    }

    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let mut page = self.inner.list(until, after, limit).await?;
        let state_sessions: BTreeSet<_> = self.state().sessions.keys().map(StagingName::of).collect();
        let with_fragments: BTreeSet<_> = self.state().fragments.keys().cloned().collect();
        let is = |listed: &Listed, names: &BTreeSet<StagingName>| matches!(listed, Listed::Staged(name) if names.contains(name));
        match self.defect {
            D::ListWithoutSessions => page.retain(|l| !is(l, &state_sessions) || is(l, &with_fragments)),
            D::ListSessionsOfAllHours if after.is_none() => page.extend(
                state_sessions.iter().filter(|name| name.hour() > until).cloned().map(Listed::Staged),
            ),
            D::ListNamesTwice if limit > 2 && page.iter().any(|l| is(l, &with_fragments)) => {
                page = page
                    .into_iter()
                    .flat_map(|l| if is(&l, &state_sessions) { vec![l.clone(), l] } else { vec![l] })
                    .collect();
            }
            D::ListEndedSessions if limit > 2 && after.is_none() => {
                page.extend(self.state().ended.iter().cloned().map(Listed::Staged));
            }
            D::ListFewSessions => {
                let few: BTreeSet<_> = state_sessions.iter().skip(50).cloned().collect();
                page.retain(|l| !is(l, &few));
            }
            D::ListSessionsWithParts => {
                let without = self.without_parts().await;
                page.retain(|l| !is(l, &without));
            }
            _ => {}
        }
        Ok(page)
    }

    fn parts(&self) -> Option<&dyn Parts> {
        Some(self)
    }
}

impl BrokenParts {
    /// All sessions with a part, or without, that have not ended.
    async fn without_parts(&self) -> BTreeSet<StagingName> {
        let sessions = self.state().sessions.clone();
        let mut without = BTreeSet::new();
        for (key, sessions) in sessions {
            let mut parts = 0;
            for session in &sessions {
                parts += self.inner.list_parts(&key, session).await.map_or(1, |parts| parts.len());
            }
            if parts == 0 {
                without.insert(StagingName::of(&key));
            }
        }
        without
    }
}
