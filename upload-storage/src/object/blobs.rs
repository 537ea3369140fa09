use std::{fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStoreExt, PutPayload, path::Path};
use upload_core::{
    Hour, ObjectKey, StagingName,
    ports::{BlobStore, Capabilities, Listed, Parts, Signer, StoreError, StoreErrorKind},
};

use super::{
    Kind, Provider,
    failed::failed,
    parts::{Sessions, sessions_of},
};
use crate::shared::range_len;

/// Blobs in an object store: objects under `o/`, fragments under `s/<staging name>/`, parts as the provider keeps them.
///
/// Several processes may use one bucket at the same time. Nothing is written in place:
/// [`parts`](BlobStore::parts) is how bytes come in.
///
/// | | a session is | a part is |
/// |---|---|---|
/// | S3, Google | a multipart upload of the object's key | a part of it |
/// | Azure | a small object below the staging name | an uncommitted block of the object's key, named after the session |
/// | memory | a small object below the staging name | an object beside it |
#[derive(Clone)]
pub struct ObjectBlobs {
    pub(super) provider: Arc<Provider>,
    pub(super) sessions: Arc<dyn Sessions>,
    signer: Option<Arc<dyn Signer>>,
}

impl ObjectBlobs {
    /// Blobs in this bucket.
    pub fn new(provider: Arc<Provider>) -> Self {
        Self { sessions: sessions_of(&provider), provider, signer: None }
    }

    /// Signs requests too, so that bytes go straight to the bucket; without this, [`signer`](BlobStore::signer) is `None` and
    /// they pass through the engine. What a signed request binds: see [there](crate::object).
    ///
    /// # Errors
    /// `Unsupported` for a store in memory, and for an Azure container that was opened without its account's key.
    #[cfg(feature = "cloud")]
    pub fn with_signing(mut self, clock: Arc<dyn upload_core::ports::Clock>) -> Result<Self, StoreError> {
        self.signer = Some(super::sign::signer_of(&self.provider, clock)?);
        Ok(self)
    }

    /// The bucket.
    pub fn provider(&self) -> &Arc<Provider> {
        &self.provider
    }

    pub(super) async fn put(&self, name: &str, bytes: Vec<Bytes>) -> Result<(), StoreError> {
        let path = self.provider.path(name)?;
        let put = self.provider.store().put(&path, PutPayload::from_iter(bytes)).await;
        put.map(drop).map_err(|e| failed(&format!("putting {name}"), e))
    }

    /// Exactly these bytes of an object.
    pub(super) async fn get(&self, name: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        let what = || format!("bytes {}..{} of {name}", range.start, range.end);
        let len = range_len(&range, i64::MAX as u64)?;
        let path = self.provider.path(name)?;
        let has = |size: u64| {
            let why = format!("{}: it has {size}", what());
            if size < range.end {
                Err(StoreError::new(StoreErrorKind::Corrupt, why))
            } else {
                Ok(Bytes::new())
            }
        };
        // Stores take no range of no bytes.
        if len == 0 {
            return self.size(&path, name).await?.map_or_else(|| Err(StoreError::not_found(what())), has);
        }
        let bytes = match self.provider.store().get_range(&path, range.clone()).await {
            Ok(bytes) => bytes,
            Err(error) => {
                let error = failed(&what(), error);
                // Beyond the end, or away? Stores do not say it in one way.
                let size = match error.kind {
                    StoreErrorKind::Unavailable => self.size(&path, name).await?,
                    _ => None,
                };
                return Err(size.and_then(|size| has(size).err()).unwrap_or(error));
            }
        };
        if bytes.len() != len {
            let why = format!("{}: {} came", what(), bytes.len());
            return Err(StoreError::new(StoreErrorKind::Corrupt, why));
        }
        Ok(bytes)
    }

    async fn size(&self, path: &Path, name: &str) -> Result<Option<u64>, StoreError> {
        match self.provider.store().head(path).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(&format!("asking for {name}"), error)),
        }
    }
}

impl fmt::Debug for ObjectBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectBlobs").field(&self.provider).finish()
    }
}

impl Provider {
    /// Removes an object; succeeds when there is none.
    pub(super) async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path(name)?;
        match self.store.delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(&format!("removing {name}"), error)),
        }
    }

    /// Removes objects, some at a time.
    pub(super) async fn remove_all(
        &self,
        names: impl IntoIterator<Item = String> + Send,
    ) -> Result<(), StoreError> {
        let names: Vec<String> = names.into_iter().collect();
        if self.kind() == Kind::S3 {
            return self.remove_together(&names).await;
        }
        let removing = stream::iter(names).map(|name| async move { self.remove(&name).await });
        removing.buffer_unordered(Self::AT_ONCE).try_collect().await
    }

    /// The same where one request removes up to a thousand.
    async fn remove_together(&self, names: &[String]) -> Result<(), StoreError> {
        let paths: Vec<_> = names.iter().map(|name| self.path(name)).collect::<Result<_, _>>()?;
        let paths = stream::iter(paths.into_iter().map(Ok)).boxed();
        let mut removed = self.store.delete_stream(paths);
        while let Some(one) = removed.next().await {
            match one {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(&format!("removing {} objects", names.len()), error)),
            }
        }
        Ok(())
    }

    /// Removes every object whose name begins with `prefix`.
    pub(super) async fn remove_below(&self, prefix: &str) -> Result<(), StoreError> {
        loop {
            let found = self.list(prefix, None, 1000).await?;
            if found.is_empty() {
                return Ok(());
            }
            self.remove_all(found.into_iter().map(|(name, _)| name).collect::<Vec<_>>()).await?;
        }
    }

    const AT_ONCE: usize = 16;
}

#[async_trait]
impl BlobStore for ObjectBlobs {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::new(self.provider.name());
        capabilities.max_object = self.provider.profile().max_object();
        capabilities.shared = true;
        capabilities
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.get(key.as_str(), range).await
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        self.size(&self.provider.path(key.as_str())?, key.as_str()).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.provider.remove(key.as_str()).await
    }

    /// Sessions first: a name that a listing shows still leads to what is left of it.
    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError> {
        self.sessions.abort_all(&ObjectKey::of(staging)).await?;
        self.provider.remove_below(&format!("{staging}/")).await
    }

    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let (objects, staged) = match after {
            None => (Some(None), None),
            Some(Listed::Object(key)) => (Some(Some(key)), None),
            Some(Listed::Staged(name)) => (None, Some(name)),
            Some(other) => {
                return Err(StoreError::unsupported(&format!("list after {other:?}"), &self.provider.name()));
            }
        };
        let mut page = match objects {
            Some(after) => self.objects(until, after, limit).await?,
            None => Vec::new(),
        };
        if page.len() < limit {
            page.extend(self.staged(until, staged, limit - page.len()).await?);
        }
        Ok(page)
    }

    fn parts(&self) -> Option<&dyn Parts> {
        Some(self)
    }

    fn signer(&self) -> Option<&dyn Signer> {
        self.signer.as_deref()
    }
}
