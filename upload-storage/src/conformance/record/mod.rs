//! The checks for records.

use bytes::Bytes;
use upload_core::ports::{Deleted, Expected, Put, RecordStore, Stored, Version};

use super::bench::{Bench, Check, Fail, Outcome, ensure};

mod cancel;
mod delete;
mod list;
mod put;
mod race;
mod restart;

pub(super) const CHECKS: [&[Check<dyn RecordStore>]; 6] =
    [put::CHECKS, delete::CHECKS, list::CHECKS, race::CHECKS, cancel::CHECKS, restart::CHECKS];

impl Bench<'_, dyn RecordStore> {
    /// A key that no other check uses.
    fn key(&self) -> String {
        format!("u/{}", self.fresh())
    }

    /// A put that must win.
    async fn win(
        &self,
        key: &str,
        value: impl Into<Bytes> + Send,
        expected: Expected,
    ) -> Result<Version, Fail> {
        match self.store.put(key, value.into(), expected).await? {
            Put::Won(version) => Ok(version),
            other => Err(Fail(format!("a put of {key} that should win ended {other:?}"))),
        }
    }

    /// A first put that must win.
    async fn make(&self, key: &str, value: impl Into<Bytes> + Send) -> Result<Version, Fail> {
        self.win(key, value, Expected::Absent).await
    }

    /// A put that must lose to `current`.
    async fn lose(&self, key: &str, expected: Expected, current: Option<&Stored>) -> Outcome {
        match self.store.put(key, Bytes::from_static(b"loser"), expected).await? {
            Put::Lost(found) if found.as_ref() == current => self.is(key, current).await,
            other => Err(Fail(format!("a put of {key} should lose to {current:?}, it ended {other:?}"))),
        }
    }

    /// A delete that must succeed.
    async fn remove(&self, key: &str, version: &Version) -> Outcome {
        match self.store.delete(key, version).await? {
            Deleted::Done => self.is(key, None).await,
            other => Err(Fail(format!("a delete of {key} that should succeed ended {other:?}"))),
        }
    }

    /// Fails unless this is what is stored.
    async fn is(&self, key: &str, expected: Option<&Stored>) -> Outcome {
        let found = self.store.get(key).await?;
        ensure!(found.as_ref() == expected, "{key} holds {}, not {}", show(found.as_ref()), show(expected));
        Ok(())
    }
}

fn show(stored: Option<&Stored>) -> String {
    stored.map_or("nothing".into(), |stored| {
        let (len, version) = (stored.value.len(), &stored.version);
        format!("{len} bytes {:?} of {version:?}", stored.value.slice(..len.min(20)))
    })
}
