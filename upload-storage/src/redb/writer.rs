//! The one writer: takes what waits, decides each condition in order, commits once.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock, mpsc::Receiver},
};

use ::redb::{Database, ReadableTable, Table};
use bytes::Bytes;
use futures_channel::oneshot;
use upload_core::ports::{Deleted, Expected, Put, StoreError, Stored, Version};

use super::open::{META, RECORDS, VERSIONS};

/// Most operations and bytes of values in one commit.
const GROUP: (usize, usize) = (1024, 8 << 20);
/// Versions set aside at a time: the number in the file is raised once for so many puts.
const RESERVE: u64 = 1 << 20;

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked to do.
pub(super) enum Op {
    Put { key: String, value: Bytes, expected: Expected, answer: Answer<Put> },
    Delete { key: String, expected: Version, answer: Answer<Deleted> },
    Flush { answer: Answer<()> },
}

impl Op {
    fn bytes(&self) -> usize {
        if let Self::Put { value, .. } = self { value.len() } else { 0 }
    }

    /// Nobody waits for it any more, and it has not begun.
    fn dropped(&self) -> bool {
        match self {
            Self::Put { answer, .. } => answer.is_canceled(),
            Self::Delete { answer, .. } => answer.is_canceled(),
            Self::Flush { answer } => answer.is_canceled(),
        }
    }
}

/// An answer that waits for the commit.
enum Decided {
    Put(Answer<Put>, Put),
    Delete(Answer<Deleted>, Deleted),
}

/// How a group ended.
enum Failure {
    /// Certainly not stored.
    Before(String),
    /// Stored or not.
    InCommit(String),
}

/// The writer's own state.
pub(super) struct Writer {
    pub(super) database: Arc<Database>,
    pub(super) file: File,
    /// The next version, and the first that is not set aside in the file.
    pub(super) next: u64,
    pub(super) reserved: u64,
    /// Why nothing can be committed any more.
    pub(super) broken: Arc<OnceLock<String>>,
}

impl Writer {
    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, ops: &Receiver<Op>) {
        while let Ok(first) = ops.recv() {
            let mut bytes = first.bytes();
            let mut group = vec![first];
            while group.len() < GROUP.0 && bytes < GROUP.1 {
                let Ok(op) = ops.try_recv() else { break };
                bytes += op.bytes();
                group.push(op);
            }
            self.serve(group);
        }
    }

    fn serve(&mut self, group: Vec<Op>) {
        let (mut changes, mut flushes) = (Vec::new(), Vec::new());
        for op in group {
            match op {
                op if op.dropped() => {}
                Op::Flush { answer } => flushes.push(answer),
                change => changes.push(change),
            }
        }
        if let Some(why) = self.broken.get() {
            return refuse(changes, flushes, why);
        }
        if !changes.is_empty() {
            let mut decided = Vec::with_capacity(changes.len());
            // A panic below us is a failed commit like any other.
            let done = catch_unwind(AssertUnwindSafe(|| self.commit(changes, &mut decided)));
            let done = done.unwrap_or_else(|_| Err(Failure::InCommit("the record store panicked".into())));
            if let Err(Failure::Before(why) | Failure::InCommit(why)) = &done {
                tracing::error!("a commit of records failed: {why}");
                let _ =
                    self.broken.set(format!("an earlier commit of records failed, restart the store: {why}"));
            }
            for decided in decided {
                decided.answer(&done);
            }
        }
        self.flush(flushes);
    }

    /// Decides all operations and commits them; without any change nothing is written.
    fn commit(&mut self, changes: Vec<Op>, decided: &mut Vec<Decided>) -> Result<(), Failure> {
        let before = |e: ::redb::Error| Failure::Before(e.to_string());
        let mut transaction = self.database.begin_write().map_err(|e| before(e.into()))?;
        transaction
            .set_durability(::redb::Durability::Immediate)
            .map_err(|e| Failure::Before(e.to_string()))?;
        let mut changed = false;
        {
            let mut table = transaction.open_table(RECORDS).map_err(|e| before(e.into()))?;
            // Whoever comes after a failing operation is answered too: none of them is stored.
            let mut failure = None;
            for change in changes {
                let result = match change {
                    Op::Put { key, value, expected, answer } => {
                        let version = self.next;
                        let put = match failure {
                            None => put(&mut table, &key, &value, &expected, version),
                            Some(_) => Ok(Put::Lost(None)),
                        };
                        if matches!(put, Ok(Put::Won(_))) {
                            (self.next, changed) = (version + 1, true);
                        }
                        let (put, error) = split(put, Put::Lost(None));
                        decided.push(Decided::Put(answer, put));
                        error
                    }
                    Op::Delete { key, expected, answer } => {
                        let deleted = match failure {
                            None => delete(&mut table, &key, &expected),
                            Some(_) => Ok((Deleted::Done, false)),
                        };
                        let ((deleted, removed), error) = split(deleted, (Deleted::Done, false));
                        changed |= removed;
                        decided.push(Decided::Delete(answer, deleted));
                        error
                    }
                    Op::Flush { .. } => None,
                };
                failure = failure.or(result);
            }
            if let Some(e) = failure {
                return Err(before(e));
            }
        }
        if !changed {
            return transaction.abort().map_err(|e| Failure::Before(e.to_string()));
        }
        if self.next > self.reserved {
            self.reserved = self.next + RESERVE;
            let mut meta = transaction.open_table(META).map_err(|e| before(e.into()))?;
            meta.insert(VERSIONS, self.reserved).map_err(|e| before(e.into()))?;
        }
        transaction.commit().map_err(|e| Failure::InCommit(e.to_string()))
    }

    fn flush(&self, flushes: Vec<Answer<()>>) {
        if flushes.is_empty() {
            return;
        }
        if let Err(e) = self.file.sync_all() {
            let _ = self.broken.set(format!("syncing the record file failed, restart the store: {e}"));
        }
        for answer in flushes {
            let _ = answer
                .send(self.broken.get().map_or(Ok(()), |why| Err(StoreError::unavailable(why.as_str()))));
        }
    }
}

impl Decided {
    fn answer(self, done: &Result<(), Failure>) {
        match (self, done) {
            (Self::Put(answer, put), Ok(())) => drop(answer.send(Ok(put))),
            (Self::Delete(answer, deleted), Ok(())) => drop(answer.send(Ok(deleted))),
            (Self::Put(answer, _), Err(Failure::Before(why))) => drop(answer.send(Err(not_committed(why)))),
            (Self::Delete(answer, _), Err(Failure::Before(why))) => {
                drop(answer.send(Err(not_committed(why))))
            }
            (Self::Put(answer, _), Err(Failure::InCommit(why))) => {
                drop(answer.send(Ok(Put::Unknown(not_committed(why)))));
            }
            (Self::Delete(answer, _), Err(Failure::InCommit(why))) => {
                drop(answer.send(Ok(Deleted::Unknown(not_committed(why)))));
            }
        }
    }
}

fn not_committed(why: &str) -> StoreError {
    StoreError::unavailable(format!("a commit of records failed: {why}"))
}

fn refuse(changes: Vec<Op>, flushes: Vec<Answer<()>>, why: &str) {
    for change in changes {
        match change {
            Op::Put { answer, .. } => drop(answer.send(Err(StoreError::unavailable(why)))),
            Op::Delete { answer, .. } => drop(answer.send(Err(StoreError::unavailable(why)))),
            Op::Flush { answer } => drop(answer.send(Err(StoreError::unavailable(why)))),
        }
    }
    for answer in flushes {
        let _ = answer.send(Err(StoreError::unavailable(why)));
    }
}

fn split<T>(result: Result<T, ::redb::StorageError>, instead: T) -> (T, Option<::redb::Error>) {
    match result {
        Ok(value) => (value, None),
        Err(e) => (instead, Some(e.into())),
    }
}

/// A version as the port shows it.
pub(super) fn shown(version: u64) -> Version {
    Version::new(version.to_be_bytes().to_vec())
}

/// A stored record as the port shows it.
pub(super) fn stored((version, value): (u64, &[u8])) -> Stored {
    Stored::new(Bytes::copy_from_slice(value), shown(version))
}

type Records<'t> = Table<'t, &'static str, (u64, &'static [u8])>;

fn put(
    table: &mut Records<'_>,
    key: &str,
    value: &[u8],
    expected: &Expected,
    version: u64,
) -> Result<Put, ::redb::StorageError> {
    let current = table.get(key)?.map(|found| stored(found.value()));
    let as_expected = match (expected, &current) {
        (Expected::Absent, None) => true,
        (Expected::Version(expected), Some(current)) => current.version == *expected,
        _ => false,
    };
    if !as_expected {
        return Ok(Put::Lost(current));
    }
    table.insert(key, (version, value))?;
    Ok(Put::Won(shown(version)))
}

/// How it ended, and whether anything was removed.
fn delete(
    table: &mut Records<'_>,
    key: &str,
    expected: &Version,
) -> Result<(Deleted, bool), ::redb::StorageError> {
    match table.get(key)?.map(|found| stored(found.value())) {
        None => return Ok((Deleted::Done, false)),
        Some(current) if current.version != *expected => return Ok((Deleted::Lost(current), false)),
        Some(_) => {}
    }
    table.remove(key)?;
    Ok((Deleted::Done, true))
}
