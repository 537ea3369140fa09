//! Typed records over the record store: envelopes, and puts whose end is always known or an error.

use std::sync::Arc;

use futures_util::future::try_join_all;
use serde::{Serialize, de::DeserializeOwned};
use upload_core::{
    Error, ErrorKind, Result,
    ports::{Deleted, Expected, Ids, Put, RecordStore, Stored, Version},
    record::{self, Nonce},
};

/// How a put ended, for certain.
#[derive(Debug)]
pub(crate) enum PutEnd<T> {
    Won(Version),
    Lost(Option<(T, Version)>),
}

/// What is said of a put whose end was unknown, when it turns out that it left nothing.
pub(crate) fn unavailable() -> Error {
    Error::new(ErrorKind::StorageUnavailable, "the storage is not available")
}

/// How the put of a new upload's head failed that did not win.
pub(crate) fn not_begun<T>(found: Option<T>) -> Error {
    match found {
        // Nobody makes the same id twice: the store is in trouble.
        Some(_) => unavailable().with_source("a random id was taken"),
        None => unavailable(),
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Records {
    store: Arc<dyn RecordStore>,
    ids: Arc<dyn Ids>,
}

impl Records {
    pub(crate) fn new(store: Arc<dyn RecordStore>, ids: Arc<dyn Ids>) -> Self {
        Self { store, ids }
    }

    pub(crate) fn store(&self) -> &dyn RecordStore {
        &*self.store
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<(T, Version)>> {
        match self.store.get(key).await? {
            None => Ok(None),
            Some(stored) => Ok(Some((record::decode(key, &stored.value)?.1, stored.version))),
        }
    }

    pub(crate) async fn put<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        value: &T,
        expected: Expected,
    ) -> Result<PutEnd<T>> {
        let nonce = Nonce::random(&*self.ids);
        let bytes = record::encode(&nonce, value)?;
        match self.store.put(key, bytes, expected).await? {
            Put::Won(version) => Ok(PutEnd::Won(version)),
            Put::Lost(None) => Ok(PutEnd::Lost(None)),
            Put::Lost(Some(stored)) => {
                Ok(PutEnd::Lost(Some((record::decode(key, &stored.value)?.1, stored.version))))
            }
            Put::Unknown(cause) => self.settle(key, &nonce, cause.into()).await,
            _ => Err(Error::internal("a put ended in a way this engine does not know")),
        }
    }

    /// A put may or may not have happened: the nonce of what is there now tells.
    async fn settle<T: DeserializeOwned>(&self, key: &str, ours: &Nonce, cause: Error) -> Result<PutEnd<T>> {
        match self.store.get(key).await {
            Err(_) => Err(cause),
            Ok(None) => Ok(PutEnd::Lost(None)),
            Ok(Some(stored)) => {
                let (nonce, value) = record::decode(key, &stored.value)?;
                Ok(if nonce == *ours {
                    PutEnd::Won(stored.version)
                } else {
                    PutEnd::Lost(Some((value, stored.version)))
                })
            }
        }
    }

    /// Puts a record that is the same whoever puts it first.
    pub(crate) async fn put_once<T: Serialize + DeserializeOwned>(&self, key: &str, value: &T) -> Result<()> {
        match self.put(key, value, Expected::Absent).await? {
            PutEnd::Won(_) | PutEnd::Lost(Some(_)) => Ok(()),
            PutEnd::Lost(None) => {
                Err(unavailable().with_source(format!("{key}: a put of unknown end left nothing")))
            }
        }
    }

    /// Shows every record below the prefix, in key order.
    pub(crate) async fn each(
        &self,
        prefix: &str,
        page: usize,
        mut seen: impl FnMut(&str, &Stored) -> Result<()>,
    ) -> Result<()> {
        let mut after = None;
        loop {
            let found = self.next_page(prefix, &mut after, page).await?;
            if found.is_empty() {
                return Ok(());
            }
            found.iter().try_for_each(|(key, stored)| seen(key, stored))?;
        }
    }

    /// The records below the prefix that follow the key `after`, which moves on; none at the end.
    pub(crate) async fn next_page(
        &self,
        prefix: &str,
        after: &mut Option<String>,
        page: usize,
    ) -> Result<Vec<(String, Stored)>> {
        let found = self.store.list(prefix, after.as_deref(), page).await?;
        *after = found.last().map(|(key, _)| key.clone());
        Ok(found)
    }

    /// Removes the record under this key, if there is one, whatever its version.
    pub(crate) async fn remove_any(&self, key: &str) -> Result<()> {
        match self.store.get(key).await? {
            Some(stored) => self.remove(key, stored.version).await,
            None => Ok(()),
        }
    }

    /// Removes a record whatever its version; it is nobody's any more.
    pub(crate) async fn remove(&self, key: &str, mut version: Version) -> Result<()> {
        for _ in 0..8 {
            match self.store.delete(key, &version).await? {
                Deleted::Done => return Ok(()),
                Deleted::Lost(current) => version = current.version,
                Deleted::Unknown(_) => match self.store.get(key).await? {
                    None => return Ok(()),
                    Some(current) => version = current.version,
                },
                _ => break,
            }
        }
        Err(unavailable().with_source(format!("{key} cannot be removed")))
    }

    /// Removes a record if it is still this version.
    pub(crate) async fn remove_if(&self, key: &str, version: &Version) -> Result<()> {
        match self.store.delete(key, version).await? {
            Deleted::Unknown(cause) => Err(cause.into()),
            _ => Ok(()),
        }
    }

    /// Removes every record below the prefix; gives how many.
    pub(crate) async fn remove_all(&self, prefix: &str, page: usize) -> Result<u64> {
        let mut removed = 0;
        loop {
            let found = self.store.list(prefix, None, page).await?;
            if found.is_empty() {
                return Ok(removed);
            }
            removed += found.len() as u64;
            // Together, so that a store that groups its commits can.
            try_join_all(found.iter().map(|(key, stored)| self.remove(key, stored.version.clone()))).await?;
        }
    }
}
