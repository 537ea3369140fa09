use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::ports::{Deleted, Expected, Put, RecordStore, StoreError, Stored, Version};

use crate::shared::{check_record, lock, page_start};

/// A [`RecordStore`] in memory. Clones share their contents, so a clone stands for the same store opened again.
#[derive(Debug, Clone, Default)]
pub struct MemoryRecords {
    inner: Arc<Mutex<State>>,
    shared: bool,
}

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<String, Stored>,
    /// The newest version; none is given twice.
    version: u64,
}

impl MemoryRecords {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// What [`RecordStore::shared`] says: whether several engines use these records at once, each with its clone.
    pub fn with_shared(mut self, shared: bool) -> Self {
        self.shared = shared;
        self
    }

    fn page<T>(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        show: impl Fn(&str, &Stored) -> T,
    ) -> Vec<T> {
        let state = lock(&self.inner);
        let found = state.records.range::<str, _>((page_start(prefix, after), Bound::Unbounded));
        let found = found.take_while(|(key, _)| key.starts_with(prefix)).take(limit);
        found.map(|(key, stored)| show(key, stored)).collect()
    }
}

#[async_trait]
impl RecordStore for MemoryRecords {
    fn name(&self) -> &str {
        "memory"
    }

    fn shared(&self) -> bool {
        self.shared
    }

    async fn get(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        Ok(lock(&self.inner).records.get(key).cloned())
    }

    async fn put(&self, key: &str, value: Bytes, expected: Expected) -> Result<Put, StoreError> {
        check_record(key, &value)?;
        let mut state = lock(&self.inner);
        let current = state.records.get(key);
        let as_expected = match &expected {
            Expected::Absent => current.is_none(),
            Expected::Version(version) => current.is_some_and(|current| current.version == *version),
            other => return Err(StoreError::unsupported(&format!("put expecting {other:?}"), "memory")),
        };
        if !as_expected {
            return Ok(Put::Lost(current.cloned()));
        }
        state.version += 1;
        let version = Version::new(state.version.to_be_bytes().to_vec());
        // Copied, so that a small slice does not keep a big buffer alive.
        let stored = Stored::new(Bytes::copy_from_slice(&value), version.clone());
        state.records.insert(key.to_owned(), stored);
        Ok(Put::Won(version))
    }

    async fn delete(&self, key: &str, expected: &Version) -> Result<Deleted, StoreError> {
        let mut state = lock(&self.inner);
        match state.records.get(key) {
            Some(current) if current.version != *expected => Ok(Deleted::Lost(current.clone())),
            _ => {
                state.records.remove(key);
                Ok(Deleted::Done)
            }
        }
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, StoreError> {
        Ok(self.page(prefix, after, limit, |key, stored| (key.to_owned(), stored.clone())))
    }

    async fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        Ok(self.page(prefix, after, limit, |key, _| key.to_owned()))
    }
}
