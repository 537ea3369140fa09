//! Blob stores with one defect each, over a good one.

mod defects;
mod writing;

use std::{
    collections::HashMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    Hour, ObjectKey, StagingName,
    ports::{BlobStore, Capabilities, Copier, Listed, Mover, Permit, Publication, StoreError},
};
use upload_storage::{conformance::block_on, memory::MemoryBlobs};

pub use defects::{BLOBS, BlobDefect};

use crate::yields;
use defects::BlobDefect as D;

#[derive(Debug, Clone)]
pub struct BrokenBlobs {
    defect: D,
    inner: MemoryBlobs,
    state: Arc<Mutex<State>>,
}

type Write = (StagingName, u64, Bytes);

#[derive(Debug, Default)]
struct State {
    /// Where each staging object ends, and what its hint was.
    ends: HashMap<StagingName, u64>,
    hints: HashMap<StagingName, u64>,
    published: HashMap<StagingName, ObjectKey>,
    objects: Vec<ObjectKey>,
    deleted: Vec<(ObjectKey, Bytes)>,
    patches: HashMap<ObjectKey, (u64, Bytes)>,
    late: Vec<Write>,
    last: Option<Write>,
    moved: Option<(StagingName, Range<u64>)>,
    /// What a copy is not told from.
    shared: HashMap<StagingName, ObjectKey>,
    restarts: usize,
    blocked: Vec<StagingName>,
    buffer: Bytes,
}

fn quiet() -> Permit {
    Permit::new(|| {})
}

impl BrokenBlobs {
    pub fn new(defect: D) -> Self {
        Self { defect, inner: MemoryBlobs::new(), state: Arc::default() }
    }

    /// After a restart, with what the defect loses.
    pub fn reopened(&self) -> Self {
        let state = std::mem::take(&mut *self.state());
        block_on(async {
            match self.defect {
                D::LastWriteLost => {
                    if let Some((staging, position, bytes)) = state.last {
                        self.fill(&staging, position, 0, bytes.len() as u64).await;
                    }
                }
                D::SyncForgetsMoves | D::SyncForgetsCopies => {
                    if let Some((staging, range)) = state.moved {
                        self.fill(&staging, range.start, 0, range.end - range.start).await;
                    }
                }
                D::ObjectsLost => {
                    for key in &state.objects {
                        self.inner.delete(key).await.unwrap();
                    }
                }
                D::EmptyStagingLost => {
                    for staging in state.hints.keys().filter(|name| !state.ends.contains_key(name)) {
                        self.inner.discard(staging).await.unwrap();
                    }
                }
                D::DeletedComesBack => {
                    for (key, bytes) in &state.deleted {
                        let staging = StagingName::parse(&key.as_str().replacen('o', "s", 1)).unwrap();
                        self.inner.write(&staging, 0, vec![bytes.clone()], quiet()).await.unwrap();
                        let publication = Publication::new(staging, key.clone(), bytes.len() as u64);
                        self.inner.publish(&publication).await.unwrap();
                    }
                }
                _ => {}
            }
        });
        self.state().restarts = state.restarts + 1;
        self.clone()
    }

    fn has(&self, defect: D) -> bool {
        self.defect == defect
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn name(&self, staging: &StagingName) -> StagingName {
        if !self.has(D::NamesMix) {
            return staging.clone();
        }
        let upload = staging.as_str().rsplit_once('-').unwrap().0;
        StagingName::parse(&format!("{upload}-{}", "0".repeat(25))).unwrap()
    }

    async fn fill(&self, staging: &StagingName, position: u64, byte: u8, len: u64) {
        let bytes = Bytes::from(vec![byte; len as usize]);
        let _ = self.inner.write(staging, position, vec![bytes], quiet()).await;
    }

    async fn late_writes(&self) {
        let late = std::mem::take(&mut self.state().late);
        for (staging, position, bytes) in late {
            let _ = self.inner.write(&staging, position, vec![bytes], quiet()).await;
        }
    }
}

/// Does something if the future that holds it is dropped.
struct OnDrop<F: FnMut()>(Option<F>);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(mut then) = self.0.take() {
            then();
        }
    }
}

#[async_trait]
impl BlobStore for BrokenBlobs {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        capabilities.shared = self.has(D::LiesAboutSharing);
        if self.has(D::RenamedByRestart) {
            capabilities.name = format!("memory {}", self.state().restarts);
        }
        capabilities
    }

    async fn stage(&self, staging: &StagingName, length: Option<u64>) -> Result<(), StoreError> {
        let staging = &self.name(staging);
        if self.has(D::StageEmpties) {
            self.inner.discard(staging).await?;
        }
        if self.has(D::DroppedStageBlocks) {
            let mut dropped = OnDrop(Some(|| self.state().blocked.push(staging.clone())));
            yields().await;
            dropped.0 = None;
        }
        self.state().hints.entry(staging.clone()).or_insert(length.unwrap_or(u64::MAX));
        self.inner.stage(staging, length).await
    }

    async fn write(
        &self,
        staging: &StagingName,
        position: u64,
        pieces: Vec<Bytes>,
        permit: Permit,
    ) -> Result<(), StoreError> {
        self.written(&self.name(staging), position, pieces, permit).await
    }

    async fn sync(&self, staging: &StagingName) -> Result<(), StoreError> {
        if self.has(D::SyncHangs) {
            std::future::pending::<()>().await;
        }
        self.late_writes().await;
        self.inner.sync(&self.name(staging)).await
    }

    async fn read_staged(&self, staging: &StagingName, mut range: Range<u64>) -> Result<Bytes, StoreError> {
        let staging = &self.name(staging);
        if self.has(D::ShortStagedReads) {
            let end = self.state().ends.get(staging).copied().unwrap_or(0);
            range.end = range.end.min(end);
            range.start = range.start.min(end);
        }
        if self.has(D::EmptyReadFails) && range.is_empty() {
            return Err(StoreError::not_found("no bytes"));
        }
        let len = range.end.saturating_sub(range.start);
        if self.has(D::ReadsAligned) {
            range.start -= range.start % 512;
            let mut read = self.inner.read_staged(staging, range).await?;
            read.truncate(len as usize);
            return Ok(read);
        }
        match self.inner.read_staged(staging, range).await {
            Err(_) if self.has(D::MissingStagedReadsAsZeros) => Ok(vec![0; len.min(1 << 20) as usize].into()),
            read => read,
        }
    }

    async fn publish(&self, publication: &Publication) -> Result<(), StoreError> {
        let mut publication = publication.clone();
        publication.staging = self.name(&publication.staging);
        let (staging, key) = (publication.staging.clone(), publication.key.clone());
        let end = self.state().ends.get(&staging).copied().unwrap_or(0);
        match self.defect {
            D::PublishesAll => publication.length = end,
            D::PublishesOnce if self.inner.length(&key).await?.is_some() => {
                return Err(StoreError::not_found("published before"));
            }
            D::PublishesOneAtATime if self.inner.length(&key).await?.is_none() => {
                yields().await;
                if self.inner.length(&key).await?.is_some() {
                    return Err(StoreError::not_found("the staging object was there a moment ago"));
                }
            }
            D::PublishReplaces if self.inner.read_staged(&staging, 0..1).await.is_ok() => {
                self.inner.delete(&key).await?;
            }
            D::PublishForgetsEmpty if publication.length == 0 => return self.inner.discard(&staging).await,
            D::PublishInTwoSteps if self.inner.length(&key).await? != Some(publication.length) => {
                let bytes = self.inner.read_staged(&staging, 0..publication.length).await?;
                let half = Publication::new(staging.clone(), key.clone(), publication.length / 2);
                self.inner.publish(&half).await?;
                yields().await;
                self.inner.delete(&key).await?;
                self.inner.write(&staging, 0, vec![bytes], quiet()).await?;
            }
            D::PublishMakesUpBytes => {
                self.fill(&staging, end, 0, publication.length.saturating_sub(end)).await;
            }
            _ => {}
        }
        let kept = self.inner.read_staged(&staging, 0..publication.length).await;
        self.inner.publish(&publication).await?;
        if let (D::PublishKeepsStaging, Ok(bytes)) = (self.defect, kept) {
            self.inner.write(&staging, 0, vec![bytes], quiet()).await?;
        }
        let mut state = self.state();
        state.published.insert(staging, key.clone());
        state.objects.push(key);
        Ok(())
    }

    async fn read(&self, key: &ObjectKey, mut range: Range<u64>) -> Result<Bytes, StoreError> {
        let length = self.inner.length(key).await?;
        match (self.defect, length) {
            (D::ShortReads, Some(length)) => {
                range = range.start.min(length)..range.end.min(length);
            }
            (D::EmptyReadFails, _) if range.is_empty() => return Err(StoreError::not_found("no bytes")),
            (D::ReadsAligned, Some(_)) => {
                let len = range.end.saturating_sub(range.start);
                let mut read = self.inner.read(key, range.start / 512 * 512..range.end).await?;
                read.truncate(len as usize);
                return Ok(read);
            }
            (D::DroppedReadLoses, _) => {
                let inner = &self.inner;
                let mut dropped = OnDrop(Some(|| block_on(inner.delete(key)).unwrap()));
                yields().await;
                dropped.0 = None;
            }
            (D::MissingReadsAsNothing, None) => return Ok(Bytes::new()),
            (D::BackwardRangesPanic, _) => assert!(range.start <= range.end, "a range ends before its start"),
            _ => {}
        }
        let read = self.inner.read(key, range.clone()).await?;
        let patch = self.state().patches.get(key).cloned();
        let Some((0, patch)) = patch.filter(|_| range.start == 0) else { return Ok(read) };
        Ok([&patch, read.get(patch.len()..).unwrap_or_default()].concat().into())
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        self.inner.length(key).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let length = self.inner.length(key).await?;
        match (self.defect, length) {
            (D::DeleteOfNothingFails, None) => return Err(StoreError::not_found("nothing to delete")),
            (D::DeletedComesBack, Some(length)) => {
                let bytes = self.inner.read(key, 0..length).await?;
                self.state().deleted.push((key.clone(), bytes));
            }
            (D::CopyIsTheObject, _) => {
                let shared: Vec<_> = self.state().shared.clone().into_iter().collect();
                for (staging, _) in shared.iter().filter(|(_, from)| from == key) {
                    self.fill(staging, 0, 0, 100).await;
                }
            }
            (D::DeleteTakesStaging, _) => self.discard_all(key.upload()).await?,
            _ => {}
        }
        self.inner.delete(key).await
    }

    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError> {
        let staging = &self.name(staging);
        match self.defect {
            D::DiscardTakesNeighbours => self.discard_all(staging.upload()).await?,
            D::DiscardOnlyHides => return Ok(()),
            D::DiscardOfNothingFails => drop(self.inner.read_staged(staging, 0..0).await?),
            _ => {}
        }
        self.state().ends.remove(staging);
        self.inner.discard(staging).await
    }

    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let until = if self.has(D::ListIgnoresHour) { Hour::new(99_999_999) } else { until };
        let mut page = self.inner.list(until, after, limit).await?;
        match self.defect {
            D::ListUnordered => page.reverse(),
            D::ListWithoutStaging => page.retain(|name| matches!(name, Listed::Object(_))),
            D::ListAfterInclusive => {
                page.splice(0..0, after.cloned());
                page.truncate(limit);
            }
            D::ListAfterMustExist => {
                let there = match after {
                    Some(Listed::Staged(name)) => self.inner.read_staged(name, 0..0).await.is_ok(),
                    Some(Listed::Object(key)) => self.inner.length(key).await?.is_some(),
                    _ => true,
                };
                page.retain(|_| there);
            }
            D::ListIgnoresLimit => page = self.inner.list(until, after, usize::MAX).await?,
            D::ListCut => {
                let first = self.inner.list(until, None, 100).await?;
                page.retain(|name| first.contains(name));
            }
            _ => {}
        }
        Ok(page)
    }

    fn mover(&self) -> Option<&dyn Mover> {
        Some(self)
    }

    fn copier(&self) -> Option<&dyn Copier> {
        Some(self)
    }
}

impl BrokenBlobs {
    async fn discard_all(&self, upload: Option<upload_core::UploadId>) -> Result<(), StoreError> {
        for name in self.inner.list(Hour::new(99_999_999), None, usize::MAX).await? {
            if let Listed::Staged(name) = name
                && name.upload() == upload
            {
                self.inner.discard(&name).await?;
            }
        }
        Ok(())
    }
}
