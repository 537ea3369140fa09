//! What the checks for parts work with besides: sessions, and parts as large as the store's rules want them.

use bytes::Bytes;
use upload_core::{
    ObjectKey, StagingName,
    ports::{BlobStore, Part, Parts, Session, StoreError, StoreErrorKind},
};

use crate::conformance::bench::{Bench, Fail, Outcome, data};

/// An upload in parts that has not ended.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) staging: StagingName,
    pub(super) key: ObjectKey,
    pub(super) session: Session,
}

/// One stored part, and its bytes.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) part: Part,
    pub(super) bytes: Vec<u8>,
}

/// The parts as they are listed at a completion, and the object that they make.
pub(super) fn manifest<'s>(sent: impl IntoIterator<Item = &'s Sent>) -> (Vec<Part>, Vec<u8>) {
    let mut whole = Vec::new();
    let list = |sent: &Sent| {
        whole.extend_from_slice(&sent.bytes);
        sent.part.clone()
    };
    (sent.into_iter().map(list).collect(), whole)
}

impl Bench<'_, dyn BlobStore> {
    pub(super) fn parts(&self) -> Result<&dyn Parts, Fail> {
        self.store.parts().ok_or_else(|| Fail("the store keeps no parts".into()))
    }

    /// Bytes of a part that need not be the last.
    pub(super) fn full(&self) -> Result<usize, Fail> {
        Ok(usize::try_from(self.parts()?.rules().min_part).unwrap_or(usize::MAX).max(1000))
    }

    /// A new session of a new upload.
    pub(super) async fn upload_in_parts(&self) -> Result<Upload, Fail> {
        let (staging, _) = self.names();
        let key = ObjectKey::of(&staging);
        let session = self.parts()?.open(&key).await?;
        Ok(Upload { staging, key, session })
    }

    pub(super) async fn put(&self, upload: &Upload, number: u64, bytes: &[u8]) -> Result<Part, Fail> {
        let pieces = vec![Bytes::copy_from_slice(bytes)];
        let part = self.parts()?.put_part(&upload.key, &upload.session, number, pieces).await?;
        let told = (part.number, part.length);
        if told != (number, bytes.len() as u64) {
            return Err(Fail(format!("part {number} of {} bytes came back as {part:?}", bytes.len())));
        }
        Ok(part)
    }

    /// Parts with these numbers, in this order of calls: the last of them short, the others as long as each must be.
    pub(super) async fn put_all(&self, upload: &Upload, numbers: &[u64]) -> Result<Vec<Sent>, Fail> {
        let full = self.full()?;
        let last = numbers.iter().max();
        let mut sent = Vec::new();
        for number in numbers {
            let bytes = data(*number, if Some(number) == last { 500 } else { full });
            sent.push(Sent { part: self.put(upload, *number, &bytes).await?, bytes });
        }
        Ok(sent)
    }

    pub(super) async fn complete(&self, upload: &Upload, parts: &[Part]) -> Result<(), StoreError> {
        match self.store.parts() {
            Some(store) => store.complete(&upload.key, &upload.session, parts).await,
            None => Err(StoreError::unsupported("keep parts", "the store")),
        }
    }

    /// Completes with these, and fails unless that makes the object.
    pub(super) async fn makes<'s>(
        &self,
        upload: &Upload,
        sent: impl IntoIterator<Item = &'s Sent>,
    ) -> Outcome {
        let (parts, whole) = manifest(sent);
        self.complete(upload, &parts).await?;
        self.object_is(&upload.key, &whole).await
    }

    /// Fails unless completing with these is refused as not what is stored, and makes nothing.
    pub(super) async fn is_corrupt(&self, upload: &Upload, parts: &[Part]) -> Outcome {
        match self.complete(upload, parts).await {
            Err(error) if error.kind == StoreErrorKind::Corrupt => self.no_object(&upload.key).await,
            other => Err(Fail(format!("Corrupt was expected, {other:?} came"))),
        }
    }

    /// Removes what a check made, so that large parts do not fill a store.
    pub(super) async fn clean(&self, upload: &Upload) -> Outcome {
        self.store.discard(&upload.staging).await?;
        Ok(self.store.delete(&upload.key).await?)
    }
}
