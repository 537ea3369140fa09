//! Sessions of providers that have none: each is a small object below the staging name, so that a listing shows it and
//! giving the staging name up removes it.

use object_store::{ObjectStoreExt, PutPayload};
use upload_core::{
    ObjectKey, StagingName,
    ports::{Session, StoreError},
};

use super::no_session;
use crate::object::{Provider, failed::failed};

/// Characters of a session's name.
pub(super) const LEN: usize = 8;

/// Hexadecimal digits that do not repeat.
pub(super) fn random() -> Result<String, StoreError> {
    let number = getrandom::u32()
        .map_err(|e| StoreError::unavailable(format!("the system gives no random numbers: {e}")))?;
    Ok(format!("{number:08x}"))
}

fn marker(key: &ObjectKey, session: &Session) -> String {
    format!("{}/session-{session}", StagingName::of(key))
}

impl Provider {
    pub(super) async fn mark_session(&self, key: &ObjectKey) -> Result<Session, StoreError> {
        let session = Session::new(random()?);
        let path = self.path(&marker(key, &session))?;
        let put = self.store().put(&path, PutPayload::new()).await;
        put.map_err(|e| failed(&format!("opening a session of {key}"), e))?;
        Ok(session)
    }

    /// `NotFound` unless the session is open.
    pub(super) async fn find_session(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError> {
        match self.store().head(&self.path(&marker(key, session))?).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::NotFound { .. }) => Err(no_session(key, session)),
            Err(error) => Err(failed(&format!("asking for a session of {key}"), error)),
        }
    }

    pub(super) async fn unmark_session(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError> {
        self.remove(&marker(key, session)).await
    }

    /// Whether the key has a session.
    #[cfg(feature = "azure")]
    pub(super) async fn has_sessions(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        let prefix = format!("{}/session-", StagingName::of(key));
        Ok(!self.list(&prefix, None, 1).await?.is_empty())
    }
}
