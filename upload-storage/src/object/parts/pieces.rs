use std::sync::Arc;

use async_trait::async_trait;
use object_store::{ObjectStoreExt, PutPayload};
use upload_core::{
    ObjectKey, StagingName,
    ports::{Part, Session, StoreError, StoreErrorKind},
};

use super::{
    Sessions,
    markers::{self, random},
    not_so,
};
use crate::object::{Provider, failed::failed};

/// Parts as objects, joined at the end: for a store in memory, which forgets nothing to a listing that way.
///
/// A part is `<staging name>/part-<session>-<number>-<random>`; its tag is the random text.
#[derive(Debug)]
pub(super) struct Pieces {
    provider: Arc<Provider>,
}

impl Pieces {
    pub(super) fn new(provider: Arc<Provider>) -> Self {
        Self { provider }
    }

    fn prefix(key: &ObjectKey, session: &Session) -> String {
        format!("{}/part-{session}-", StagingName::of(key))
    }

    fn name(key: &ObjectKey, session: &Session, number: u64, tag: &str) -> String {
        format!("{}{number:020}-{tag}", Self::prefix(key, session))
    }

    async fn whole(
        &self,
        key: &ObjectKey,
        session: &Session,
        parts: &[Part],
    ) -> Result<PutPayload, StoreError> {
        let min = self.provider.profile().part_rules().min_part;
        let mut whole = Vec::new();
        for (n, part) in parts.iter().enumerate() {
            let name = Self::name(key, session, part.number, &part.tag);
            let path = self.provider.path(&name).map_err(|_| not_so(key, "a tag that none was given"))?;
            let bytes = match self.provider.store().get(&path).await {
                Ok(found) => found.bytes().await,
                Err(error) => Err(error),
            };
            let bytes = bytes.map_err(|e| match e {
                object_store::Error::NotFound { .. } => {
                    not_so(key, format!("part {} is another one", part.number))
                }
                error => failed(&format!("joining {key}"), error),
            })?;
            if n + 1 < parts.len() && (bytes.len() as u64) < min {
                return Err(not_so(key, format!("part {} has {} bytes", part.number, bytes.len())));
            }
            whole.push(bytes);
        }
        Ok(PutPayload::from_iter(whole))
    }
}

#[async_trait]
impl Sessions for Pieces {
    async fn open(&self, key: &ObjectKey) -> Result<Session, StoreError> {
        self.provider.mark_session(key).await
    }

    async fn put(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        payload: PutPayload,
    ) -> Result<String, StoreError> {
        self.provider.find_session(key, session).await?;
        let tag = random()?;
        let path = self.provider.path(&Self::name(key, session, number, &tag))?;
        let put = self.provider.store().put(&path, payload).await;
        put.map_err(|e| failed(&format!("part {number} of {key}"), e))?;
        Ok(tag)
    }

    async fn list(&self, key: &ObjectKey, session: &Session) -> Result<Vec<Part>, StoreError> {
        self.provider.find_session(key, session).await?;
        let found = self.provider.list(&Self::prefix(key, session), None, usize::MAX).await?;
        let part = |(name, meta): (String, object_store::ObjectMeta)| {
            let (number, tag) = name.strip_prefix(&Self::prefix(key, session))?.split_once('-')?;
            (tag.len() == markers::LEN).then_some(Part::new(number.parse().ok()?, meta.size, tag))
        };
        Ok(found.into_iter().filter_map(part).collect())
    }

    async fn complete(&self, key: &ObjectKey, session: &Session, parts: &[Part]) -> Result<(), StoreError> {
        self.provider.find_session(key, session).await?;
        let whole = match self.whole(key, session, parts).await {
            // Another completion may have removed what this one was reading.
            Err(error) if error.kind == StoreErrorKind::Corrupt => {
                self.provider.find_session(key, session).await?;
                return Err(error);
            }
            whole => whole?,
        };
        let path = self.provider.path(key.as_str())?;
        let put = self.provider.store().put(&path, whole).await;
        put.map_err(|e| failed(&format!("completing {key}"), e))?;
        self.abort(key, session).await
    }

    async fn abort(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError> {
        self.provider.unmark_session(key, session).await?;
        self.provider.remove_below(&Self::prefix(key, session)).await
    }

    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.provider.remove_below(&format!("{}/", StagingName::of(key))).await
    }
}
