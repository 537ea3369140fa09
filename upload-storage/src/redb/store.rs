use std::{
    fmt,
    ops::Bound,
    path::Path,
    sync::{
        Arc, OnceLock,
        mpsc::{self, Sender},
    },
    thread::JoinHandle,
};

use ::redb::{Database, ReadableDatabase};
use async_trait::async_trait;
use bytes::Bytes;
use futures_channel::oneshot;
use upload_core::ports::{Deleted, Expected, Put, RecordStore, StoreError, Stored, Version};

use super::{
    open::{self, Opened, RECORDS},
    settings::RedbSettings,
    writer::{Op, Writer, stored},
};
use crate::{
    durability::Durability,
    shared::{check_record, page_start},
};

/// A [`RecordStore`] in one redb file. See the [module](super).
///
/// Reads are made on the caller's thread (below a microsecond while the pages are in memory). Dropping it waits for
/// the commits that were asked for, then lets go of the file.
pub struct RedbRecords {
    database: Arc<Database>,
    durability: Durability,
    ops: Option<Sender<Op>>,
    writer: Option<JoinHandle<()>>,
    broken: Arc<OnceLock<String>>,
}

impl RedbRecords {
    /// Opens the file, made if it is not there. `settings` may be only a [`Durability`].
    ///
    /// # Errors
    /// `Unavailable` if another store has the file open or it cannot be read or made; `Corrupt` if it is not a
    /// record file of this version. Either names the file.
    pub fn open(path: impl AsRef<Path>, settings: impl Into<RedbSettings>) -> Result<Self, StoreError> {
        let settings = settings.into();
        Self::start(open::open(path.as_ref(), &settings)?, settings.durability)
    }

    fn start(opened: Opened, durability: Durability) -> Result<Self, StoreError> {
        let Opened { database, versions, file } = opened;
        let (database, broken) = (Arc::new(database), Arc::new(OnceLock::new()));
        let writer = Writer {
            database: Arc::clone(&database),
            file,
            next: versions,
            reserved: versions,
            broken: Arc::clone(&broken),
        };
        let (ops, queue) = mpsc::channel();
        let thread = std::thread::Builder::new().name("upload-records".into());
        let thread = thread.spawn(move || writer.run(&queue)).map_err(|e| {
            StoreError::unavailable("no thread could be started for the record store").with_source(e)
        })?;
        Ok(Self { database, durability, ops: Some(ops), writer: Some(thread), broken })
    }

    async fn ask<T>(
        &self,
        op: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Op + Send,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let sent = self.ops.as_ref().is_some_and(|ops| ops.send(op(answer)).is_ok());
        let ended = || StoreError::unavailable("the record store's writer has ended");
        if !sent {
            return Err(ended());
        }
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// After a failed commit also reading is refused: what it shows might be replaced by that commit after a restart.
    fn check(&self) -> Result<(), StoreError> {
        self.broken.get().map_or(Ok(()), |why| Err(StoreError::unavailable(why.as_str())))
    }

    fn read<T>(&self, work: impl FnOnce(&Reading) -> Result<T, ::redb::Error>) -> Result<T, StoreError> {
        self.check()?;
        let table = || Ok(self.database.begin_read()?.open_table(RECORDS)?);
        table().and_then(|table| work(&table)).map_err(|e: ::redb::Error| {
            StoreError::unavailable(format!("reading records: {e}")).with_source(e)
        })
    }

    fn page<T>(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
        show: impl Fn(&str, (u64, &[u8])) -> T,
    ) -> Result<Vec<T>, StoreError> {
        let from = page_start(prefix, after);
        self.read(|table| {
            let mut page = Vec::new();
            for found in table.range::<&str>((from, Bound::Unbounded))?.take(limit) {
                let (key, value) = found?;
                if !key.value().starts_with(prefix) {
                    break;
                }
                page.push(show(key.value(), value.value()));
            }
            Ok(page)
        })
    }
}

type Reading = ::redb::ReadOnlyTable<&'static str, (u64, &'static [u8])>;

impl Drop for RedbRecords {
    fn drop(&mut self) {
        self.ops = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl fmt::Debug for RedbRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbRecords").field("durability", &self.durability).finish_non_exhaustive()
    }
}

#[async_trait]
impl RecordStore for RedbRecords {
    fn name(&self) -> &str {
        "redb"
    }

    async fn get(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        self.read(|table| Ok(table.get(key)?.map(|found| stored(found.value()))))
    }

    async fn put(&self, key: &str, value: Bytes, expected: Expected) -> Result<Put, StoreError> {
        check_record(key, &value)?;
        let key = key.to_owned();
        self.ask(|answer| Op::Put { key, value, expected, answer }).await
    }

    async fn delete(&self, key: &str, expected: &Version) -> Result<Deleted, StoreError> {
        let (key, expected) = (key.to_owned(), expected.clone());
        self.ask(|answer| Op::Delete { key, expected, answer }).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, StoreError> {
        self.page(prefix, after, limit, |key, value| (key.to_owned(), stored(value)))
    }

    async fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        self.page(prefix, after, limit, |key, _| key.to_owned())
    }

    async fn health(&self) -> Result<(), StoreError> {
        self.check()
    }

    async fn flush(&self) -> Result<(), StoreError> {
        if self.durability == Durability::Request {
            return self.check();
        }
        self.ask(|answer| Op::Flush { answer }).await
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::atomic::{AtomicBool, Ordering},
    };

    use ::redb::{StorageBackend, backends::InMemoryBackend};

    use super::*;
    use crate::shared::wait;

    /// A file in memory whose syncs fail from a moment on.
    #[derive(Debug)]
    struct Failing(InMemoryBackend, Arc<AtomicBool>);

    impl StorageBackend for Failing {
        fn len(&self) -> io::Result<u64> {
            self.0.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.0.read(offset, out)
        }
        fn set_len(&self, len: u64) -> io::Result<()> {
            self.0.set_len(len)
        }
        fn sync_data(&self) -> io::Result<()> {
            if self.1.load(Ordering::SeqCst) {
                Err(io::Error::other("the disk is gone"))
            } else {
                self.0.sync_data()
            }
        }
        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.0.write(offset, data)
        }
    }

    #[test]
    fn after_a_failed_commit_puts_are_unknown_then_all_is_refused() {
        let (path, settings) = (Path::new("memory"), RedbSettings::default());
        let fails = Arc::new(AtomicBool::new(false));
        let backend = Failing(InMemoryBackend::new(), Arc::clone(&fails));
        let database = open::database(path, backend, &settings).unwrap();
        open::initialize(&database).unwrap();
        let versions = open::versions(path, &database).unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        let store = RedbRecords::start(Opened { database, versions, file }, settings.durability).unwrap();
        let put = |key| wait(store.put(key, Bytes::new(), Expected::Absent));
        let Put::Won(version) = put("a").unwrap() else { panic!("not won") };
        wait(store.health()).unwrap();
        fails.store(true, Ordering::SeqCst);
        assert!(matches!(put("b").unwrap(), Put::Unknown(_)));
        fails.store(false, Ordering::SeqCst);
        assert!(put("c").is_err() && wait(store.delete("a", &version)).is_err());
        assert!(wait(store.get("a")).is_err() && wait(store.list("", None, 1)).is_err());
        let health = wait(store.health()).unwrap_err();
        assert!(health.detail.contains("restart") && health.detail.contains("the disk is gone"), "{health}");
    }
}
