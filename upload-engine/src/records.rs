//! Typed records over the record store: envelopes, and puts whose end is always known or an error.

use std::sync::Arc;

use futures_util::future::try_join_all;
use serde::{Serialize, de::DeserializeOwned};
use upload_core::{
    Error, ErrorKind, Result,
    ports::{Deleted, Expected, Ids, Put, RecordStore, Version},
    record::{self, Nonce},
};

/// How a put ended, for certain.
#[derive(Debug)]
pub(crate) enum PutEnd<T> {
    Won(Version),
    Lost(Option<(T, Version)>),
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
                Err(Error::new(ErrorKind::StorageUnavailable, "the storage is not available")
                    .with_source(format!("{key}: a put of unknown end left nothing")))
            }
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
        Err(Error::new(ErrorKind::StorageUnavailable, "the storage is not available")
            .with_source(format!("{key} cannot be removed")))
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
