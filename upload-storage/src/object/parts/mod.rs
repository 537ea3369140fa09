//! Unfinished uploads in an object store, and how each kind of provider keeps their parts.

use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::PutPayload;
use upload_core::{
    Fragment, Hour, ObjectKey, StagingName,
    ports::{BlobStore, Part, PartRules, Parts, Session, StoreError, StoreErrorKind},
};

#[cfg(feature = "cloud")]
use super::Kind;
use super::{ObjectBlobs, Provider, wrong};
use crate::shared::{same_object, total};

#[cfg(feature = "azure")]
mod blocks;
mod markers;
#[cfg(any(feature = "s3", feature = "gcs"))]
mod multipart;
mod pieces;
#[cfg(feature = "azure")]
mod sent;
#[cfg(feature = "cloud")]
mod xml;

#[cfg(feature = "azure")]
pub(super) use blocks::{Blocks, sent_name};

/// Sessions as one kind of provider has them.
#[async_trait]
pub(super) trait Sessions: Send + Sync {
    async fn open(&self, key: &ObjectKey) -> Result<Session, StoreError>;

    /// Stores a part; its tag comes back.
    async fn put(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        payload: PutPayload,
    ) -> Result<String, StoreError>;

    /// Stores bytes of another object as a part, in the store; its tag comes back.
    async fn copy(
        &self,
        key: &ObjectKey,
        _session: &Session,
        number: u64,
        from: &ObjectKey,
        _range: Range<u64>,
    ) -> Result<String, StoreError> {
        let what = format!("make part {number} of {key} of {from}");
        Err(StoreError::unsupported(&what, "the provider"))
    }

    async fn list(&self, key: &ObjectKey, session: &Session) -> Result<Vec<Part>, StoreError>;

    /// Makes the parts the object. `NotFound` if the session is gone, whether or not the object is there.
    async fn complete(&self, key: &ObjectKey, session: &Session, parts: &[Part]) -> Result<(), StoreError>;

    async fn abort(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError>;

    /// Gives every session of the key up.
    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError>;

    /// At most `limit` staging names of open sessions after this one, up to the hour, in order. None where sessions are marked
    /// by objects below their staging names, which are listed with the fragments.
    async fn staged(
        &self,
        _until: Hour,
        _after: Option<&StagingName>,
        _limit: usize,
    ) -> Result<Vec<StagingName>, StoreError> {
        Ok(Vec::new())
    }
}

/// The way of this provider.
pub(super) fn sessions_of(provider: &Arc<Provider>) -> Arc<dyn Sessions> {
    match provider.kind() {
        #[cfg(any(feature = "s3", feature = "gcs"))]
        Kind::S3 | Kind::Gcs => Arc::new(multipart::Multipart::new(Arc::clone(provider))),
        #[cfg(feature = "azure")]
        Kind::Azure => Arc::new(blocks::Blocks::new(Arc::clone(provider))),
        _ => Arc::new(pieces::Pieces::new(Arc::clone(provider))),
    }
}

/// What is not stored as it was listed.
pub(super) fn not_so(key: &ObjectKey, why: impl std::fmt::Display) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, format!("{key}: {why}"))
}

fn no_session(key: &ObjectKey, session: &Session) -> StoreError {
    StoreError::not_found(format!("no session {session} of {key}"))
}

impl ObjectBlobs {
    /// Refuses a part that the provider would not take.
    fn check_part(&self, key: &ObjectKey, number: u64, length: u64) -> Result<(), StoreError> {
        let rules = self.rules();
        if length > rules.max_part {
            let most = rules.max_part;
            return Err(wrong(format!("{key}: a part of {length} bytes; at most {most} are allowed")));
        }
        if rules.numbered && !(1..=u64::from(rules.max_parts)).contains(&number) {
            return Err(wrong(format!("{key}: part {number}; numbers are from 1 to {}", rules.max_parts)));
        }
        Ok(())
    }
}

#[async_trait]
impl Parts for ObjectBlobs {
    fn rules(&self) -> PartRules {
        self.provider.profile().part_rules()
    }

    async fn open(&self, key: &ObjectKey) -> Result<Session, StoreError> {
        self.sessions.open(key).await
    }

    async fn put_part(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        bytes: Vec<Bytes>,
    ) -> Result<Part, StoreError> {
        let length = total(&bytes);
        self.check_part(key, number, length)?;
        let tag = self.sessions.put(key, session, number, PutPayload::from_iter(bytes)).await?;
        Ok(Part::new(number, length, tag))
    }

    fn copies(&self) -> bool {
        self.provider.profile().copies_parts()
    }

    async fn copy_part(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        from: &ObjectKey,
        range: Range<u64>,
    ) -> Result<Part, StoreError> {
        let length = range.end.saturating_sub(range.start);
        self.check_part(key, number, length)?;
        let tag = self.sessions.copy(key, session, number, from, range).await?;
        Ok(Part::new(number, length, tag))
    }

    async fn list_parts(&self, key: &ObjectKey, session: &Session) -> Result<Vec<Part>, StoreError> {
        self.sessions.list(key, session).await
    }

    async fn complete(&self, key: &ObjectKey, session: &Session, parts: &[Part]) -> Result<(), StoreError> {
        let rules = self.rules();
        if parts.is_empty() || parts.len() > rules.max_parts as usize {
            let why = format!("an object has 1 to {} parts, not {}", rules.max_parts, parts.len());
            return Err(not_so(key, why));
        }
        if rules.numbered && !parts.is_sorted_by(|a, b| a.number < b.number) {
            return Err(not_so(key, "the parts are not in the order of their numbers"));
        }
        match self.sessions.complete(key, session, parts).await {
            Ok(()) => {}
            // Completed before, it may be: the answer was lost, or somebody else was faster.
            Err(gone) if gone.kind == StoreErrorKind::NotFound => {
                if self.length(key).await?.is_none() {
                    return Err(gone);
                }
            }
            Err(error) => return Err(error),
        }
        let length = parts.iter().map(|part| part.length).sum();
        // A store that took other parts than those listed shows it here, before anybody relies on the object.
        match self.length(key).await? {
            Some(found) => same_object(key, found, length),
            None => Err(StoreError::unavailable(format!("{key} was completed and is not there"))),
        }
    }

    async fn abort(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError> {
        self.sessions.abort(key, session).await
    }

    async fn put_object(&self, key: &ObjectKey, bytes: Vec<Bytes>) -> Result<(), StoreError> {
        self.put(key.as_str(), bytes).await
    }

    async fn put_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        bytes: Vec<Bytes>,
    ) -> Result<(), StoreError> {
        self.put(&format!("{staging}/{fragment}"), bytes).await
    }

    async fn read_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        self.get(&format!("{staging}/{fragment}"), range).await
    }

    async fn delete_fragments(
        &self,
        staging: &StagingName,
        fragments: &[Fragment],
    ) -> Result<(), StoreError> {
        self.provider.remove_all(fragments.iter().map(|fragment| format!("{staging}/{fragment}"))).await
    }
}
