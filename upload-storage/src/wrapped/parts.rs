use std::{ops::Range, slice};

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    Fragment, ObjectKey, StagingName,
    ports::{BlobStore, Part, PartRules, Parts, Session, StoreError},
};

use super::{Call, Hook, Operation, Wrapped};
use crate::shared::total;

impl<S: BlobStore + ?Sized, H> Wrapped<S, H> {
    /// Reached only through [`BlobStore::parts`], which asks for them first.
    fn inner_parts(&self) -> Result<&dyn Parts, StoreError> {
        self.inner.parts().ok_or_else(|| StoreError::unsupported("keep parts", "the wrapped store"))
    }
}

fn of_session<'a>(operation: Operation, key: &'a ObjectKey, session: &'a Session) -> Call<'a> {
    Call { target: Some(session.as_str()), ..Call::new(operation, key.as_str()) }
}

#[async_trait]
impl<S: BlobStore + ?Sized, H: Hook> Parts for Wrapped<S, H> {
    fn rules(&self) -> PartRules {
        self.inner.parts().map_or(PartRules::s3(), Parts::rules)
    }

    async fn open(&self, key: &ObjectKey) -> Result<Session, StoreError> {
        let parts = self.inner_parts()?;
        self.around(Call::new(Operation::OpenSession, key.as_str()), |_| parts.open(key), |_| 0).await
    }

    async fn put_part(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        bytes: Vec<Bytes>,
    ) -> Result<Part, StoreError> {
        let (parts, total) = (self.inner_parts()?, total(&bytes));
        let call = Call { position: number, bytes: total, ..of_session(Operation::PutPart, key, session) };
        self.around(call, |_| parts.put_part(key, session, number, bytes), |_| total).await
    }

    fn copies(&self) -> bool {
        self.inner.parts().is_some_and(Parts::copies)
    }

    async fn copy_part(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        from: &ObjectKey,
        range: Range<u64>,
    ) -> Result<Part, StoreError> {
        let parts = self.inner_parts()?;
        let bytes = range.end.saturating_sub(range.start);
        let call = Call { position: number, bytes, ..of_session(Operation::CopyPart, key, session) };
        self.around(call, |_| parts.copy_part(key, session, number, from, range), |_| bytes).await
    }

    async fn list_parts(&self, key: &ObjectKey, session: &Session) -> Result<Vec<Part>, StoreError> {
        let parts = self.inner_parts()?;
        let call = of_session(Operation::ListParts, key, session);
        self.around(call, |_| parts.list_parts(key, session), |_| 0).await
    }

    async fn complete(&self, key: &ObjectKey, session: &Session, listed: &[Part]) -> Result<(), StoreError> {
        let parts = self.inner_parts()?;
        let bytes = listed.iter().map(|part| part.length).sum();
        let call = Call { bytes, ..of_session(Operation::CompleteParts, key, session) };
        self.around(call, |_| parts.complete(key, session, listed), |()| bytes).await
    }

    async fn abort(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError> {
        let parts = self.inner_parts()?;
        let call = of_session(Operation::AbortSession, key, session);
        self.around(call, |_| parts.abort(key, session), |()| 0).await
    }

    async fn put_object(&self, key: &ObjectKey, bytes: Vec<Bytes>) -> Result<(), StoreError> {
        let (parts, total) = (self.inner_parts()?, total(&bytes));
        let call = Call { bytes: total, ..Call::new(Operation::PutObject, key.as_str()) };
        self.around(call, |_| parts.put_object(key, bytes), |()| total).await
    }

    async fn put_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        bytes: Vec<Bytes>,
    ) -> Result<(), StoreError> {
        let (parts, total) = (self.inner_parts()?, total(&bytes));
        let fragments = slice::from_ref(fragment);
        let call = Call { fragments, bytes: total, ..Call::new(Operation::PutFragment, staging.as_str()) };
        self.around(call, |_| parts.put_fragment(staging, fragment, bytes), |()| total).await
    }

    async fn read_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        let parts = self.inner_parts()?;
        let fragments = slice::from_ref(fragment);
        let call = Call { fragments, ..Call::over(Operation::ReadFragment, staging.as_str(), &range) };
        let read = |_: &H::Ticket| parts.read_fragment(staging, fragment, range);
        self.around(call, read, |bytes| bytes.len() as u64).await
    }

    async fn delete_fragments(
        &self,
        staging: &StagingName,
        fragments: &[Fragment],
    ) -> Result<(), StoreError> {
        let parts = self.inner_parts()?;
        let call = Call { fragments, ..Call::new(Operation::DeleteFragments, staging.as_str()) };
        self.around(call, |_| parts.delete_fragments(staging, fragments), |()| 0).await
    }
}
