use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::{Bound, Range},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    Hour, ObjectKey, StagingName,
    ports::{
        BlobStore, Capabilities, Copier, Listed, Mover, Permit, Publication, StoreError, StoreErrorKind,
    },
};

use super::{extents::Extents, page::Page};
use crate::shared::{end_of, lock, range_len, same_object};

/// A [`BlobStore`] in memory. Clones share their contents, so a clone stands for the same store opened again.
///
/// Objects are immutable; staging objects hold only the bytes that were written, however far apart.
#[derive(Debug, Clone, Default)]
pub struct MemoryBlobs {
    inner: Arc<Mutex<State>>,
    shared: bool,
}

#[derive(Debug, Default)]
struct State {
    staged: BTreeMap<StagingName, Extents>,
    objects: BTreeMap<ObjectKey, Bytes>,
}

impl MemoryBlobs {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// What [`Capabilities::shared`] says: whether several engines use this store at once, each with its clone.
    pub fn with_shared(mut self, shared: bool) -> Self {
        self.shared = shared;
        self
    }
}

fn no_staging(name: &StagingName) -> StoreError {
    StoreError::not_found(format!("no staging object {name}"))
}

fn no_memory(what: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Full, format!("no memory for {what}"))
}

/// An error unless `range` ends within `end` bytes.
fn within(what: &str, end: u64, range: &Range<u64>) -> Result<(), StoreError> {
    if range.end <= end {
        return Ok(());
    }
    let why = format!("{what} has {end} bytes; {}..{} was asked for", range.start, range.end);
    Err(StoreError::new(StoreErrorKind::Corrupt, why))
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::new("memory");
        capabilities.shared = self.shared;
        capabilities
    }

    async fn stage(&self, staging: &StagingName, _: Option<u64>) -> Result<(), StoreError> {
        lock(&self.inner).staged.entry(staging.clone()).or_default();
        Ok(())
    }

    async fn write(
        &self,
        staging: &StagingName,
        position: u64,
        bytes: Vec<Bytes>,
        permit: Permit,
    ) -> Result<(), StoreError> {
        // Copied, so that a small slice does not keep a big receive buffer alive.
        let bytes = Bytes::from(bytes.concat());
        end_of(position, bytes.len() as u64)?;
        lock(&self.inner).staged.entry(staging.clone()).or_default().write(position, bytes);
        drop(permit);
        Ok(())
    }

    async fn sync(&self, staging: &StagingName) -> Result<(), StoreError> {
        let state = lock(&self.inner);
        state.staged.contains_key(staging).then_some(()).ok_or_else(|| no_staging(staging))
    }

    async fn read_staged(&self, staging: &StagingName, range: Range<u64>) -> Result<Bytes, StoreError> {
        range_len(&range, i64::MAX as u64)?;
        let state = lock(&self.inner);
        let extents = state.staged.get(staging).ok_or_else(|| no_staging(staging))?;
        within(staging.as_str(), extents.end(), &range)?;
        extents.read(range).ok_or_else(|| no_memory("a read"))
    }

    async fn publish(&self, publication: &Publication) -> Result<(), StoreError> {
        let Publication { staging, key, length, .. } = publication;
        let mut state = lock(&self.inner);
        let State { staged, objects } = &mut *state;
        match objects.entry(key.clone()) {
            Entry::Occupied(object) => same_object(key, object.get().len() as u64, *length)?,
            Entry::Vacant(place) => {
                let extents = staged.get(staging).ok_or_else(|| no_staging(staging))?;
                within(staging.as_str(), extents.end(), &(0..*length))?;
                place.insert(extents.read(0..*length).ok_or_else(|| no_memory("an object"))?);
            }
        }
        staged.remove(staging);
        Ok(())
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        range_len(&range, i64::MAX as u64)?;
        let state = lock(&self.inner);
        let object =
            state.objects.get(key).ok_or_else(|| StoreError::not_found(format!("no object {key}")))?;
        within(key.as_str(), object.len() as u64, &range)?;
        Ok(object.slice(range.start as usize..range.end as usize))
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        Ok(lock(&self.inner).objects.get(key).map(|object| object.len() as u64))
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        lock(&self.inner).objects.remove(key);
        Ok(())
    }

    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError> {
        lock(&self.inner).staged.remove(staging);
        Ok(())
    }

    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let state = lock(&self.inner);
        let page = Page::new(until, after, limit, "memory")?;
        Ok(page.of(
            |after| state.objects.range::<ObjectKey, _>((after, Bound::Unbounded)).map(|(key, _)| key),
            |after| state.staged.range::<StagingName, _>((after, Bound::Unbounded)).map(|(name, _)| name),
        ))
    }

    fn mover(&self) -> Option<&dyn Mover> {
        Some(self)
    }

    fn copier(&self) -> Option<&dyn Copier> {
        Some(self)
    }
}

#[async_trait]
impl Copier for MemoryBlobs {
    async fn copy_in(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
        staging: &StagingName,
        position: u64,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let bytes = self.read(key, range).await?;
        self.write(staging, position, vec![bytes], permit).await
    }
}

#[async_trait]
impl Mover for MemoryBlobs {
    async fn move_within(
        &self,
        staging: &StagingName,
        from: u64,
        to: u64,
        len: u64,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let (from_end, _) = (end_of(from, len)?, end_of(to, len)?);
        let mut state = lock(&self.inner);
        let extents = state.staged.get_mut(staging).ok_or_else(|| no_staging(staging))?;
        within(staging.as_str(), extents.end(), &(from..from_end))?;
        let moved = extents.read(from..from_end).ok_or_else(|| no_memory("a move"))?;
        extents.remove(from..from_end);
        extents.write(to, moved);
        drop(permit);
        Ok(())
    }
}
