//! Uploads that begin and finish in one request: what becomes of a received body when its destination is known.

use upload_checksum::{Digests, HasherSet};
use upload_chunking::assembly::Row;
use upload_core::{
    Error, ErrorKind, ObjectKey, Outcome, Principal, Result, UploadId,
    lifecycle::{Begin, Command, Event, IndexEntry, Proof, View, decide, objection},
    ports::Expected,
    record::{Addressing, Head, OwnerRecord, Phase, keys},
};

use crate::{
    content::Content,
    digest::algorithms,
    engine::Engine,
    intake::{Filled, Intake, Told},
    look::Look,
    process::Processed,
    records::{PutEnd, not_begun},
    staged::{Kept, Received, StagedBody},
    types::{Limits, Write, Written},
};

/// A received body that is about to become an upload.
pub(crate) struct Settling {
    pub(crate) head: Head,
    pub(crate) proof: Proof,
    pub(crate) listed: Option<IndexEntry>,
}

impl Engine {
    /// Makes a received body a completed upload: one object, one record; a few more where its content makes a claim.
    ///
    /// # Errors
    /// As [`begin`](Self::begin) and [`finish`](Self::finish); the body is gone then.
    pub async fn settle(&self, who: &Principal, received: Received, begin: Begin) -> Result<Outcome> {
        let received = self.at_home(who, received).await?;
        let settled = match self.settling(who, &received, begin).await {
            Ok(settling) if settling.head.unique.is_some() => {
                return self.settle_unique(received, settling).await;
            }
            Ok(settling) => self.settle_alone(&received, settling).await,
            Err(e) => Err(e),
        };
        match settled {
            Ok(outcome) => {
                received.hold.release();
                self.count(outcome.length);
                self.completed(&outcome).await;
                if let Err(e) = self.derive(&outcome).await {
                    tracing::warn!(error = %e, "what follows from a completion is done by the sweep");
                }
                Ok(outcome)
            }
            Err(e) => {
                self.discard(received).await;
                Err(e)
            }
        }
    }

    /// The body in its tenant's own store, if it came before it was known whose it is.
    async fn at_home(&self, who: &Principal, received: Received) -> Result<Received> {
        if !self.blobs().capabilities().by_tenant || matches!(received.kept, Kept::Memory(_)) {
            return Ok(received);
        }
        let handle = self.handle_or_new(&who.tenant).await?;
        if received.hold.staging.upload().is_some_and(|id| id.belongs_to(&handle)) {
            return Ok(received);
        }
        let mut limits = Limits::new(received.length).of(&who.tenant);
        limits.digests = received.digests.iter().map(|digest| digest.algorithm()).collect();
        self.poured(received, async |body| self.receive(limits, body).await).await
    }

    /// What becomes of the body when it is taken in once more; what was received is removed then.
    async fn poured<T>(
        &self,
        received: Received,
        take: impl AsyncFnOnce(&mut StagedBody<'_>) -> Result<T>,
    ) -> Result<T> {
        let taken = match self.content_of(&received).await {
            Ok(content) => {
                let mut body = StagedBody::new(self, content.clone(), received.length);
                let taken = take(&mut body).await;
                drop(body);
                self.unmake(&content).await;
                taken
            }
            Err(e) => Err(e),
        };
        self.discard(received).await;
        taken
    }

    async fn settling(&self, who: &Principal, received: &Received, mut begin: Begin) -> Result<Settling> {
        if begin.claim.take().is_some() {
            return Err(Error::new(ErrorKind::Unsupported, "an upload in one request makes no claim"));
        }
        let listed = begin.listed.clone();
        begin.addressing = Addressing::Offsets;
        begin.length = Some(received.length);
        let mut head = self.new_head(who, begin).await?;
        let single = head.policy.max_single;
        if received.length > single {
            return Err(Error::too_large("the file", received.length, single));
        }
        if !matches!(received.kept, Kept::Memory(_)) {
            head.staging = received.hold.staging.clone();
        }
        let digests = self.missing_digests(&head, received).await?;
        let proof = Proof::new(digests, received.content_type.clone());
        match objection(&head, &proof) {
            Some(failure) => Err(Error::new(failure.kind.error_kind(), failure.detail)),
            None => Ok(Settling { head, proof, listed }),
        }
    }

    async fn settle_alone(&self, received: &Received, settling: Settling) -> Result<Outcome> {
        let Settling { head, mut proof, listed } = settling;
        let content = self.content_of(received).await?;
        proof.details =
            match self.process(&head, &content, received.length, proof.content_type.as_deref()).await {
                Processed::Details(details) => details,
                Processed::Refused(failure) => {
                    self.unmake(&content).await;
                    return Err(Error::new(failure.kind.error_kind(), failure.detail));
                }
                Processed::Deferred(e) => {
                    self.unmake(&content).await;
                    return Err(e);
                }
            };
        let mut view = View::new(head);
        if received.length > 0 {
            view.rows
                .learn_row(Row::extent(0, received.length))
                .map_err(|e| Error::internal(format!("a whole body does not fit: {e}")))?;
        }
        let now = self.clock().now();
        let key = self.key_for(&view.head);
        let events = decide(&view, now, Command::Commit { key, proof })?;
        for event in &events {
            view.head.apply(event);
        }
        let Phase::Committing { outcome } = view.head.phase.clone() else {
            return Err(Error::internal("a commit that commits nothing"));
        };
        // Before the head, as at any beginning.
        if let Some(within) = view.head.policy.attach_within {
            self.due(&view.head.id, now.plus(within).hour()).await?;
        }
        if self.derives(&view.head) {
            self.due(&view.head.id, now.hour()).await?;
        }
        self.list_it(&view.head, listed).await?;
        match received.kept {
            Kept::Staged => self.publish_staged(view.head.staging.clone(), &outcome).await?,
            Kept::Memory(_) if outcome.content_removed => {}
            Kept::Memory(_) => self.make_object(&view.head, received).await?,
            Kept::Segments(_) if outcome.content_removed => self.blobs().delete(&outcome.key).await?,
            Kept::Segments(_) => self.make_object(&view.head, received).await?,
        }
        view.head.apply(&Event::Completed(self.clock().now()));
        match self.records().put(&keys::head(&view.head.id), &view.head, Expected::Absent).await? {
            PutEnd::Won(_) => Ok(*outcome),
            PutEnd::Lost(found) => Err(not_begun(found)),
        }
    }

    /// Digests that were announced only after the bytes are computed from what is staged.
    async fn missing_digests(&self, head: &Head, received: &Received) -> Result<Digests> {
        let mut digests = received.digests.clone();
        let missing: Vec<_> = algorithms(head).into_iter().filter(|a| !digests.contains(*a)).collect();
        if !missing.is_empty() {
            let mut look = Look::new(Some(HasherSet::new(missing)));
            let mut body = StagedBody::new(self, self.content_of(received).await?, received.length);
            let mut intake = Intake::new(self, &mut body, None);
            loop {
                let filled = intake.fill(&mut None, || Told::Nothing).await;
                let (batch, _) = intake.take(&filled);
                look.at(&batch).await;
                match filled {
                    Filled::End => break,
                    Filled::Cut(e) | Filled::Failed(e) => return Err(e),
                    Filled::Batch | Filled::Stopped => {}
                }
            }
            if let Some(found) = look.digests.take() {
                found.finish().iter().for_each(|d| {
                    digests.insert(*d);
                });
            }
        }
        Ok(digests)
    }

    /// Writes a received body to its place in an upload, as [`write`](Self::write) does.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn settle_chunk(
        &self,
        who: &Principal,
        id: &UploadId,
        write: Write,
        received: Received,
    ) -> Result<Written> {
        self.poured(received, async |body| self.write(who, id, write, body).await).await
    }

    /// Makes a received body the object of this head, in a store of parts. Nobody is told of it yet.
    pub(crate) async fn make_object(&self, head: &Head, received: &Received) -> Result<()> {
        let key = ObjectKey::of(&head.staging);
        if let Kept::Memory(bytes) = &received.kept {
            let parts = self.blobs().parts().ok_or_else(|| self.blobs().not_in_place())?;
            return Ok(parts.put_object(&key, bytes.clone()).await?);
        }
        if let Some(name) = key.upload().filter(|name| *name != head.id) {
            // Only this tells the janitor whose it is.
            let owner = OwnerRecord::new(head.id.clone());
            self.records().put_once(&keys::owner(key.hour(), &name), &owner).await?;
        }
        self.content_of(received).await.map(drop)
    }

    /// Removes the object again that a body was made which is refused.
    async fn unmake(&self, content: &Content) {
        if let Content::Object(key) = content
            && let Err(e) = self.blobs().delete(key).await
        {
            tracing::debug!(error = %e, "what was refused is removed by the janitor");
        }
    }

    /// Where a received body can be read: what lies in parts is made an object first.
    async fn content_of(&self, received: &Received) -> Result<Content> {
        let staging = &received.hold.staging;
        match &received.kept {
            Kept::Staged => Ok(Content::Staged(staging.clone())),
            Kept::Memory(bytes) => Ok(Content::Memory(bytes.clone())),
            Kept::Segments(stray) => {
                let depot = self.depot_of_stray(stray, staging).ok_or_else(|| self.blobs().not_in_place())?;
                depot.assemble(received.length).await?;
                Ok(Content::Object(ObjectKey::of(staging)))
            }
        }
    }
}
