use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    Hour, ObjectKey, StagingName,
    ports::{BlobStore, Capabilities, Copier, Listed, Mover, Parts, Permit, Publication, Signer, StoreError},
};

use super::TenantBlobs;

#[async_trait]
impl BlobStore for TenantBlobs {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    async fn stage(&self, staging: &StagingName, length: Option<u64>) -> Result<(), StoreError> {
        self.of_staging(staging).stage(staging, length).await
    }

    async fn write(
        &self,
        staging: &StagingName,
        position: u64,
        bytes: Vec<Bytes>,
        permit: Permit,
    ) -> Result<(), StoreError> {
        self.of_staging(staging).write(staging, position, bytes, permit).await
    }

    async fn sync(&self, staging: &StagingName) -> Result<(), StoreError> {
        self.of_staging(staging).sync(staging).await
    }

    async fn read_staged(&self, staging: &StagingName, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.of_staging(staging).read_staged(staging, range).await
    }

    async fn publish(&self, publication: &Publication) -> Result<(), StoreError> {
        let Publication { staging, key, .. } = publication;
        let (from, to) = (self.of_staging(staging), self.of_key(key));
        self.one(&format!("publish {staging} as {key}"), from, to)?.publish(publication).await
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.of_key(key).read(key, range).await
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        self.of_key(key).length(key).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.of_key(key).delete(key).await
    }

    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError> {
        self.of_staging(staging).discard(staging).await
    }

    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        self.merged(until, after, limit).await
    }

    fn parts(&self) -> Option<&dyn Parts> {
        self.common.parts().map(|_| self as &dyn Parts)
    }

    fn mover(&self) -> Option<&dyn Mover> {
        self.common.mover().map(|_| self as &dyn Mover)
    }

    fn copier(&self) -> Option<&dyn Copier> {
        self.common.copier().map(|_| self as &dyn Copier)
    }

    fn signer(&self) -> Option<&dyn Signer> {
        self.common.signer().map(|_| self as &dyn Signer)
    }

    /// All stores, also after one has failed; the first error.
    async fn flush(&self) -> Result<(), StoreError> {
        let mut flushed = Ok(());
        for store in self.stores() {
            flushed = flushed.and(store.flush().await);
        }
        flushed
    }
}

#[async_trait]
impl Mover for TenantBlobs {
    async fn move_within(
        &self,
        staging: &StagingName,
        from: u64,
        to: u64,
        len: u64,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let mover = self.of_staging(staging).mover().ok_or_else(|| self.cannot("move bytes"))?;
        mover.move_within(staging, from, to, len, permit).await
    }
}

#[async_trait]
impl Copier for TenantBlobs {
    async fn copy_in(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
        staging: &StagingName,
        position: u64,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let copier = self.of_staging(staging).copier().ok_or_else(|| self.cannot("copy bytes"))?;
        copier.copy_in(key, range, staging, position, permit).await
    }
}
