use async_trait::async_trait;
use upload_core::{
    ObjectKey, SignedRequest,
    ports::{Binding, BlobStore, Part, Session, SignFor, Signer, StoreError},
};

use super::{Call, Hook, Operation, Wrapped};

impl<S: BlobStore + ?Sized, H> Wrapped<S, H> {
    /// Reached only through [`BlobStore::signer`], which asks for it first.
    fn inner_signer(&self) -> Result<&dyn Signer, StoreError> {
        self.inner.signer().ok_or_else(|| StoreError::unsupported("sign requests", "the wrapped store"))
    }
}

#[async_trait]
impl<S: BlobStore + ?Sized, H: Hook> Signer for Wrapped<S, H> {
    fn binding(&self) -> Binding {
        self.inner.signer().map_or(Binding::nothing(), Signer::binding)
    }

    /// Past the hook: signing asks nothing of the store.
    async fn sign(&self, ask: &SignFor<'_>) -> Result<SignedRequest, StoreError> {
        self.inner_signer()?.sign(ask).await
    }

    async fn sent(&self, key: &ObjectKey, session: Option<&Session>) -> Result<Vec<Part>, StoreError> {
        let signer = self.inner_signer()?;
        let target = session.map(Session::as_str);
        let call = Call { target, ..Call::new(Operation::ListSent, key.as_str()) };
        self.around(call, |_| signer.sent(key, session), |_| 0).await
    }

    async fn copy_once(&self, from: &ObjectKey, to: &ObjectKey) -> Result<(), StoreError> {
        let signer = self.inner_signer()?;
        let call = Call { target: Some(to.as_str()), ..Call::new(Operation::CopyOnce, from.as_str()) };
        self.around(call, |_| signer.copy_once(from, to), |()| 0).await
    }
}
