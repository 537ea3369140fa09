use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    Fragment, ObjectKey, StagingName,
    ports::{BlobStore, Part, PartRules, Parts, Session, StoreError},
};

use super::TenantBlobs;

impl TenantBlobs {
    /// Those of one of the stores, which all have parts or all have none.
    fn parts_in<'a>(&self, store: &'a dyn BlobStore) -> Result<&'a dyn Parts, StoreError> {
        store.parts().ok_or_else(|| self.cannot("keep parts"))
    }

    fn parts_of(&self, key: &ObjectKey) -> Result<&dyn Parts, StoreError> {
        self.parts_in(&**self.of_key(key))
    }

    fn fragments_of(&self, staging: &StagingName) -> Result<&dyn Parts, StoreError> {
        self.parts_in(&**self.of_staging(staging))
    }
}

#[async_trait]
impl Parts for TenantBlobs {
    fn rules(&self) -> PartRules {
        self.common.parts().map_or(PartRules::s3(), Parts::rules)
    }

    async fn open(&self, key: &ObjectKey) -> Result<Session, StoreError> {
        self.parts_of(key)?.open(key).await
    }

    async fn put_part(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        bytes: Vec<Bytes>,
    ) -> Result<Part, StoreError> {
        self.parts_of(key)?.put_part(key, session, number, bytes).await
    }

    fn copies(&self) -> bool {
        self.common.parts().is_some_and(Parts::copies)
    }

    async fn copy_part(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        from: &ObjectKey,
        range: Range<u64>,
    ) -> Result<Part, StoreError> {
        self.parts_of(key)?.copy_part(key, session, number, from, range).await
    }

    async fn list_parts(&self, key: &ObjectKey, session: &Session) -> Result<Vec<Part>, StoreError> {
        self.parts_of(key)?.list_parts(key, session).await
    }

    async fn complete(&self, key: &ObjectKey, session: &Session, parts: &[Part]) -> Result<(), StoreError> {
        self.parts_of(key)?.complete(key, session, parts).await
    }

    async fn abort(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError> {
        self.parts_of(key)?.abort(key, session).await
    }

    async fn put_object(&self, key: &ObjectKey, bytes: Vec<Bytes>) -> Result<(), StoreError> {
        self.parts_of(key)?.put_object(key, bytes).await
    }

    async fn put_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        bytes: Vec<Bytes>,
    ) -> Result<(), StoreError> {
        self.fragments_of(staging)?.put_fragment(staging, fragment, bytes).await
    }

    async fn read_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        self.fragments_of(staging)?.read_fragment(staging, fragment, range).await
    }

    async fn delete_fragments(
        &self,
        staging: &StagingName,
        fragments: &[Fragment],
    ) -> Result<(), StoreError> {
        self.fragments_of(staging)?.delete_fragments(staging, fragments).await
    }
}
