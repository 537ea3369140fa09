//! A store that is what a test says.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    Hour, ObjectKey, SignedRequest, StagingName, Verb,
    ports::{Binding, BlobStore, Capabilities, Listed, Mover, Part, Session, SignFor, Signer, StoreError},
};
use upload_storage::memory::MemoryBlobs;

/// Memory with these capabilities; what it signs says its name.
#[derive(Debug, Clone)]
pub struct Double {
    pub inner: MemoryBlobs,
    pub capabilities: Capabilities,
    pub moves: bool,
    pub binding: Option<Binding>,
    /// Most names of a page, whatever is asked for.
    pub page: usize,
}

impl Double {
    pub fn new(name: &str) -> Self {
        let capabilities = Capabilities::new(name);
        Self { inner: MemoryBlobs::new(), capabilities, moves: true, binding: None, page: usize::MAX }
    }

    pub fn signing(name: &str) -> Self {
        Self { binding: Some(Binding::nothing()), ..Self::new(name) }
    }
}

#[async_trait]
impl BlobStore for Double {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    async fn stage(&self, staging: &StagingName, length: Option<u64>) -> Result<(), StoreError> {
        self.inner.stage(staging, length).await
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
        self.inner.discard(staging).await
    }

    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        self.inner.list(until, after, limit.min(self.page)).await
    }

    fn mover(&self) -> Option<&dyn Mover> {
        self.inner.mover().filter(|_| self.moves)
    }

    fn signer(&self) -> Option<&dyn Signer> {
        self.binding.map(|_| self as &dyn Signer)
    }
}

#[async_trait]
impl Signer for Double {
    fn binding(&self) -> Binding {
        self.binding.unwrap()
    }

    async fn sign(&self, _: &SignFor<'_>) -> Result<SignedRequest, StoreError> {
        Ok(SignedRequest::new(Verb::Get, self.capabilities.name.clone()))
    }

    async fn sent(&self, _: &ObjectKey, _: Option<&Session>) -> Result<Vec<Part>, StoreError> {
        Ok(vec![Part::new(1, 1, self.capabilities.name.clone())])
    }

    async fn copy_once(&self, _: &ObjectKey, _: &ObjectKey) -> Result<(), StoreError> {
        Err(StoreError::not_found(self.capabilities.name.clone()))
    }
}
