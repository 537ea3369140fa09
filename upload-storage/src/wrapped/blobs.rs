use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    ObjectKey, StagingName,
    ports::{BlobStore, Capabilities, Copier, Listed, Mover, Parts, Permit, Publication, Signer, StoreError},
    time::Hour,
};

use super::{Call, Hook, Operation, Wrapped};
use crate::shared::total;

#[async_trait]
impl<S: BlobStore + ?Sized, H: Hook> BlobStore for Wrapped<S, H> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn stage(&self, staging: &StagingName, length: Option<u64>) -> Result<(), StoreError> {
        let call = Call::new(Operation::Stage, staging.as_str());
        self.around(call, |_| self.inner.stage(staging, length), |()| 0).await
    }

    async fn write(
        &self,
        staging: &StagingName,
        position: u64,
        bytes: Vec<Bytes>,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let total = total(&bytes);
        let call = Call { position, bytes: total, ..Call::new(Operation::Write, staging.as_str()) };
        let write =
            |ticket: &H::Ticket| self.inner.write(staging, position, bytes, self.hook.hold(ticket, permit));
        self.around(call, write, |()| total).await
    }

    async fn sync(&self, staging: &StagingName) -> Result<(), StoreError> {
        let call = Call::new(Operation::Sync, staging.as_str());
        self.around(call, |_| self.inner.sync(staging), |()| 0).await
    }

    async fn read_staged(&self, staging: &StagingName, range: Range<u64>) -> Result<Bytes, StoreError> {
        let call = Call::over(Operation::ReadStaged, staging.as_str(), &range);
        self.around(call, |_| self.inner.read_staged(staging, range), |bytes| bytes.len() as u64).await
    }

    async fn publish(&self, publication: &Publication) -> Result<(), StoreError> {
        let (staging, key) = (publication.staging.as_str(), publication.key.as_str());
        let bytes = publication.length;
        let call = Call { target: Some(key), bytes, ..Call::new(Operation::Publish, staging) };
        self.around(call, |_| self.inner.publish(publication), |()| bytes).await
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        let call = Call::over(Operation::Read, key.as_str(), &range);
        self.around(call, |_| self.inner.read(key, range), |bytes| bytes.len() as u64).await
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        let call = Call::new(Operation::Length, key.as_str());
        self.around(call, |_| self.inner.length(key), |_| 0).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let call = Call::new(Operation::Delete, key.as_str());
        self.around(call, |_| self.inner.delete(key), |()| 0).await
    }

    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError> {
        let call = Call::new(Operation::Discard, staging.as_str());
        self.around(call, |_| self.inner.discard(staging), |()| 0).await
    }

    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let call = Call::new(Operation::List, "");
        self.around(call, |_| self.inner.list(until, after, limit), |_| 0).await
    }

    fn mover(&self) -> Option<&dyn Mover> {
        self.inner.mover().map(|_| self as &dyn Mover)
    }

    fn copier(&self) -> Option<&dyn Copier> {
        self.inner.copier().map(|_| self as &dyn Copier)
    }

    fn parts(&self) -> Option<&dyn Parts> {
        self.inner.parts().map(|_| self as &dyn Parts)
    }

    fn signer(&self) -> Option<&dyn Signer> {
        self.inner.signer().map(|_| self as &dyn Signer)
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.around(Call::new(Operation::Flush, ""), |_| self.inner.flush(), |()| 0).await
    }
}

#[async_trait]
impl<S: BlobStore + ?Sized, H: Hook> Mover for Wrapped<S, H> {
    async fn move_within(
        &self,
        staging: &StagingName,
        from: u64,
        to: u64,
        len: u64,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let mover =
            self.inner.mover().ok_or_else(|| StoreError::unsupported("move bytes", "the wrapped store"))?;
        let call = Call { position: to, bytes: len, ..Call::new(Operation::Move, staging.as_str()) };
        let moved =
            |ticket: &H::Ticket| mover.move_within(staging, from, to, len, self.hook.hold(ticket, permit));
        self.around(call, moved, |()| len).await
    }
}

#[async_trait]
impl<S: BlobStore + ?Sized, H: Hook> Copier for Wrapped<S, H> {
    async fn copy_in(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
        staging: &StagingName,
        position: u64,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let copier =
            self.inner.copier().ok_or_else(|| StoreError::unsupported("copy bytes", "the wrapped store"))?;
        let bytes = range.end.saturating_sub(range.start);
        let target = Some(key.as_str());
        let call = Call { position, bytes, target, ..Call::new(Operation::Copy, staging.as_str()) };
        let copied = |ticket: &H::Ticket| {
            copier.copy_in(key, range, staging, position, self.hook.hold(ticket, permit))
        };
        self.around(call, copied, |()| bytes).await
    }
}
