use std::{
    fmt,
    ops::Range,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use async_trait::async_trait;
use bytes::Bytes;
use rustix::fs::OFlags;
use upload_core::{
    Hour, ObjectKey, StagingName,
    ports::{
        BlobStore, Capabilities, Copier, Listed, Mover, Permit, Publication, StoreError, StoreErrorKind,
    },
};

use super::{
    direct::BLOCK,
    io::{failed, read_exact},
    layout::Layout,
    listing,
    names::Names,
    pool::{Pool, Queue},
    publish,
    settings::DiskSettings,
    staging::with,
    table::Table,
    write,
};
use crate::{
    durability::Durability,
    shared::{end_of, range_len},
};

/// Most bytes that one read may ask for.
const MAX_READ: u64 = 64 << 20;

/// A [`BlobStore`] over a local directory. See the [module](super).
///
/// Dropping it waits until every call that was begun has ended, then unlocks the directory.
pub struct DiskBlobs {
    // Dropped first: its threads finish their jobs while everything they use is still there.
    _pools: [Pool; 3],
    writers: Arc<Queue>,
    syncers: Arc<Queue>,
    readers: Arc<Queue>,
    inner: Arc<Inner>,
}

/// What the jobs use.
pub(super) struct Inner {
    pub(super) layout: Layout,
    pub(super) table: Table,
    pub(super) names: Arc<Names>,
    pub(super) settings: DiskSettings,
    /// Whether large writes go past the page cache; off for good once the file system refuses.
    pub(super) direct: AtomicBool,
}

impl DiskBlobs {
    /// Opens the directory, made if it is not there, and locks it.
    ///
    /// # Errors
    /// `Unavailable` if another store has it open, it cannot be made or written to, or a sync of what an earlier run
    /// left unsynced fails; `Corrupt` if its layout is of another version.
    pub fn open(directory: impl AsRef<Path>, settings: DiskSettings) -> Result<Self, StoreError> {
        let layout = Layout::open(directory.as_ref(), settings.durability)?;
        let pools = [
            Pool::start("write", settings.writers)?,
            Pool::start("sync", settings.syncers)?,
            Pool::start("read", settings.readers)?,
        ];
        let [writers, syncers, readers] = pools.each_ref().map(Pool::queue);
        let names = Arc::new(Names::new(settings.durability, Arc::clone(&syncers)));
        let table = Table::new(settings.open_files);
        let direct = AtomicBool::new(settings.direct);
        let inner = Arc::new(Inner { layout, table, names, settings, direct });
        Ok(Self { _pools: pools, writers, syncers, readers, inner })
    }

    /// Runs a blocking read-side job.
    async fn reader<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        self.readers.call(move || job(&inner)).await
    }
}

impl fmt::Debug for DiskBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskBlobs").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

#[async_trait]
impl BlobStore for DiskBlobs {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::new("disk");
        capabilities.max_object = self.inner.layout.max_file;
        capabilities.max_position = self.inner.layout.max_file;
        capabilities.block = BLOCK;
        capabilities
    }

    async fn stage(&self, staging: &StagingName, length: Option<u64>) -> Result<(), StoreError> {
        loop {
            let noted = with(&self.inner.table.entry(staging), |state| {
                state.staged = true;
                state.declared = length.or(state.declared);
            });
            if noted.is_some() {
                return Ok(());
            }
        }
    }

    async fn write(
        &self,
        staging: &StagingName,
        position: u64,
        bytes: Vec<Bytes>,
        permit: Permit,
    ) -> Result<(), StoreError> {
        end_of(position, bytes.iter().map(|b| b.len() as u64).sum())?;
        let (inner, name) = (Arc::clone(&self.inner), staging.clone());
        self.writers
            .call(move || {
                let written = write::write(&inner, &name, position, &bytes);
                drop(permit);
                written
            })
            .await
    }

    async fn sync(&self, staging: &StagingName) -> Result<(), StoreError> {
        let (inner, name) = (Arc::clone(&self.inner), staging.clone());
        self.syncers.ask(move |answer| publish::sync(&inner, &name, answer)).await
    }

    async fn read_staged(&self, staging: &StagingName, range: Range<u64>) -> Result<Bytes, StoreError> {
        let (name, len) = (staging.clone(), range_len(&range, MAX_READ)?);
        self.reader(move |inner| {
            let (_, file) = write::open(inner, &name, false, |_, file| file)?;
            read_exact(&file, name.as_str(), range.start, len)
        })
        .await
    }

    async fn publish(&self, publication: &Publication) -> Result<(), StoreError> {
        let (inner, publication) = (Arc::clone(&self.inner), publication.clone());
        self.syncers.ask(move |answer| publish::publish(&inner, &publication, answer)).await
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        let (key, len) = (key.clone(), range_len(&range, MAX_READ)?);
        self.reader(move |inner| {
            let file = inner.layout.open_file(key.as_str(), OFlags::RDONLY);
            read_exact(&file.map_err(|e| failed("opening", &key, e))?, key.as_str(), range.start, len)
        })
        .await
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        let key = key.clone();
        self.reader(move |inner| inner.layout.size(key.as_str()).map_err(|e| failed("examining", key, e)))
            .await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.reader(move |inner| inner.layout.remove(key.as_str()).map_err(|e| failed("deleting", key, e)))
            .await
    }

    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError> {
        let name = staging.clone();
        self.reader(move |inner| {
            let staging = inner.table.entry(&name);
            // Under its lock, so that nobody gives the file a name after it was removed.
            let removed = with(&staging, |state| inner.layout.remove(name.as_str()).map(|()| state.leave()));
            inner.table.remove(&staging);
            removed.unwrap_or(Ok(())).map_err(|e| failed("discarding", &name, e))?;
            inner.table.forgive(&name);
            Ok(())
        })
        .await
    }

    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let after = after.cloned();
        self.reader(move |inner| listing::list(inner, until, after.as_ref(), limit)).await
    }

    fn mover(&self) -> Option<&dyn Mover> {
        Some(self)
    }

    fn copier(&self) -> Option<&dyn Copier> {
        Some(self)
    }

    async fn flush(&self) -> Result<(), StoreError> {
        if self.inner.settings.durability == Durability::Request {
            return Ok(());
        }
        let inner = Arc::clone(&self.inner);
        self.syncers
            .call(move || inner.layout.sync_everything().map_err(|e| failed("syncing", "the file system", e)))
            .await
    }
}

#[async_trait]
impl Mover for DiskBlobs {
    async fn move_within(
        &self,
        staging: &StagingName,
        from: u64,
        to: u64,
        len: u64,
        permit: Permit,
    ) -> Result<(), StoreError> {
        end_of(from.max(to), len)?;
        if from.abs_diff(to) < len {
            let why =
                format!("{len} bytes from {from} overlap the same from {to}: they cannot be moved there");
            return Err(StoreError::new(StoreErrorKind::Unsupported, why));
        }
        let (inner, name) = (Arc::clone(&self.inner), staging.clone());
        self.writers
            .call(move || {
                let moved = write::move_within(&inner, &name, from, to, len);
                drop(permit);
                moved
            })
            .await
    }
}

#[async_trait]
impl Copier for DiskBlobs {
    async fn copy_in(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
        staging: &StagingName,
        position: u64,
        permit: Permit,
    ) -> Result<(), StoreError> {
        let len = range.end.saturating_sub(range.start);
        end_of(range.start.max(position), len)?;
        let (inner, key, name) = (Arc::clone(&self.inner), key.clone(), staging.clone());
        self.writers
            .call(move || {
                let copied = write::copy_in(&inner, &key, range.start, &name, position, len);
                drop(permit);
                copied
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use upload_core::{Handle, UploadId, ports::Ids};

    use super::*;
    use crate::shared::wait;

    #[derive(Debug)]
    struct Zeros;

    impl Ids for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn with_store(test: &str, change: impl FnOnce(&mut Inner), work: impl FnOnce(&DiskBlobs, &Publication)) {
        let dir = std::env::temp_dir().join(format!("upload-{test}-{}", std::process::id()));
        let mut store = DiskBlobs::open(&dir, DiskSettings::default()).unwrap();
        change(Arc::get_mut(&mut store.inner).unwrap());
        let id = UploadId::random(&Handle::random(&Zeros), &Zeros);
        let (staging, key) =
            (StagingName::random(Hour::new(1), &id, &Zeros), ObjectKey::random(Hour::new(1), &id, &Zeros));
        work(&store, &Publication::new(staging, key, 5));
        drop(store);
        std::fs::remove_dir_all(dir).unwrap();
    }

    fn write(store: &DiskBlobs, staging: &StagingName) {
        wait(store.write(staging, 0, vec![Bytes::from_static(b"bytes")], Permit::new(|| ()))).unwrap();
    }

    #[test]
    fn a_failed_sync_is_final_until_the_object_is_discarded() {
        with_store(
            "failed",
            |_| (),
            |store, publication| {
                let staging = &publication.staging;
                write(store, staging);
                let error = StoreError::new(StoreErrorKind::Full, "no space for what was written");
                store.inner.table.fail(staging, &error);
                for _ in 0..2 {
                    let refused = [wait(store.sync(staging)), wait(store.publish(publication))];
                    assert!(
                        refused.iter().all(|r| r.as_ref().is_err_and(|e| e.kind == StoreErrorKind::Full))
                    );
                }
                assert_eq!(wait(store.length(&publication.key)).unwrap(), None);
                wait(store.discard(staging)).unwrap();
                write(store, staging);
                wait(store.publish(publication)).unwrap();
            },
        );
    }

    #[test]
    fn where_files_cannot_be_nameless_they_have_their_staging_name_at_once() {
        let change = |inner: &mut Inner| inner.layout.unnamed = false;
        with_store("named", change, |store, publication| {
            for _ in 0..2 {
                write(store, &publication.staging);
                assert_eq!(store.inner.layout.size(publication.staging.as_str()).unwrap(), Some(5));
                wait(store.publish(publication)).unwrap();
                assert_eq!(store.inner.layout.size(publication.staging.as_str()).unwrap(), None);
                assert_eq!(wait(store.read(&publication.key, 0..5)).unwrap(), "bytes");
            }
        });
    }
}
