use async_trait::async_trait;
use bytes::Bytes;
use upload_core::ports::{Deleted, Expected, Put, RecordStore, StoreError, Stored, Version};

use super::{Call, End, Hook, Operation, Refused, Wrapped};

#[async_trait]
impl<S: RecordStore + ?Sized, H: Hook> RecordStore for Wrapped<S, H> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn shared(&self) -> bool {
        self.inner.shared()
    }

    async fn get(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        let size = |stored: &Option<Stored>| stored.as_ref().map_or(0, |s| s.value.len() as u64);
        self.around(Call::new(Operation::Get, key), |_| self.inner.get(key), size).await
    }

    async fn put(&self, key: &str, value: Bytes, expected: Expected) -> Result<Put, StoreError> {
        let bytes = value.len() as u64;
        let call = Call { bytes, ..Call::new(Operation::Put, key) };
        let ticket = match self.hook.before(&call).await {
            Ok(ticket) => ticket,
            Err(Refused::Error(error)) => return Err(error),
            Err(Refused::Unknown(error)) => return Ok(Put::Unknown(error)),
        };
        let result = self.inner.put(key, value, expected).await;
        let end = match &result {
            Ok(Put::Won(_)) => End::Done { bytes },
            Ok(Put::Lost(_)) => End::Lost,
            _ => End::Failed,
        };
        let after = self.hook.after(&call, ticket, end).await;
        let put = result?;
        Ok(after.map_or_else(Put::Unknown, |()| put))
    }

    async fn delete(&self, key: &str, expected: &Version) -> Result<Deleted, StoreError> {
        let call = Call::new(Operation::DeleteRecord, key);
        let ticket = match self.hook.before(&call).await {
            Ok(ticket) => ticket,
            Err(Refused::Error(error)) => return Err(error),
            Err(Refused::Unknown(error)) => return Ok(Deleted::Unknown(error)),
        };
        let result = self.inner.delete(key, expected).await;
        let end = match &result {
            Ok(Deleted::Done) => End::Done { bytes: 0 },
            Ok(Deleted::Lost(_)) => End::Lost,
            _ => End::Failed,
        };
        let after = self.hook.after(&call, ticket, end).await;
        let deleted = result?;
        Ok(after.map_or_else(Deleted::Unknown, |()| deleted))
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, StoreError> {
        let size = |page: &Vec<(String, Stored)>| page.iter().map(|(_, s)| s.value.len() as u64).sum();
        let call = Call::new(Operation::ListRecords, prefix);
        self.around(call, |_| self.inner.list(prefix, after, limit), size).await
    }

    async fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        let call = Call::new(Operation::ListKeys, prefix);
        self.around(call, |_| self.inner.keys(prefix, after, limit), |_| 0).await
    }

    async fn health(&self) -> Result<(), StoreError> {
        self.around(Call::new(Operation::Health, ""), |_| self.inner.health(), |()| 0).await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.around(Call::new(Operation::Flush, ""), |_| self.inner.flush(), |()| 0).await
    }
}
