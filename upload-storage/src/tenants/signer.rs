use async_trait::async_trait;
use upload_core::{
    ObjectKey, SignedRequest,
    ports::{Binding, BlobStore, Part, Session, SignFor, Signer, StoreError},
};

use super::TenantBlobs;

impl TenantBlobs {
    /// That of one of the stores, which all sign or all do not.
    fn signer_in<'a>(&self, store: &'a dyn BlobStore) -> Result<&'a dyn Signer, StoreError> {
        store.signer().ok_or_else(|| self.cannot("sign requests"))
    }
}

#[async_trait]
impl Signer for TenantBlobs {
    fn binding(&self) -> Binding {
        self.common.signer().map_or(Binding::nothing(), Signer::binding)
    }

    /// By the key if one is asked about, else by the staging name.
    async fn sign(&self, ask: &SignFor<'_>) -> Result<SignedRequest, StoreError> {
        let store = ask.key.map_or_else(|| self.of_staging(ask.staging), |key| self.of_key(key));
        self.signer_in(&**store)?.sign(ask).await
    }

    async fn sent(&self, key: &ObjectKey, session: Option<&Session>) -> Result<Vec<Part>, StoreError> {
        self.signer_in(&**self.of_key(key))?.sent(key, session).await
    }

    async fn copy_once(&self, from: &ObjectKey, to: &ObjectKey) -> Result<(), StoreError> {
        let store = self.one(&format!("copy {from} to {to}"), self.of_key(from), self.of_key(to))?;
        self.signer_in(store)?.copy_once(from, to).await
    }
}
