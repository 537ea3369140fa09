//! Uploads that begin and finish in one request, and bodies that come before their destination is known.

use std::sync::Arc;

use bytes::Bytes;
use upload_checksum::{Digests, Fingerprint, HasherSet};
use upload_chunking::assembly::{Key, Row};
use upload_core::{
    Error, ErrorKind, Handle, ObjectKey, Outcome, Principal, Result, StagingName, UploadId,
    lifecycle::{Begin, Command, Event, IndexEntry, Proof, View, decide, objection},
    ports::{Expected, Permit},
    record::{Addressing, Head, Lies, OwnerRecord, Phase, RowRecord, keys},
};

use crate::{
    change::given_up,
    content::Content,
    digest::algorithms,
    engine::Engine,
    intake::{self, Filled, Intake, Writing},
    live::Live,
    look::{Look, Watch},
    process::Processed,
    records::{PutEnd, not_begun},
    segments::Stray,
    staged::{Hold, Kept, Received, StagedBody},
    types::{Body, Limits, Write, Written},
    unique::content_claim,
};

/// A body that has been taken in.
struct Taken {
    length: u64,
    memory: Option<Vec<Bytes>>,
    digests: Digests,
    hashers: Option<HasherSet>,
    print: Fingerprint,
    content_type: Option<String>,
}

impl Taken {
    fn received(self, hold: Arc<Hold>, stray: Option<Stray>) -> Received {
        let Self { length, memory, digests, hashers, print, content_type } = self;
        let kept = match (memory, stray) {
            (Some(bytes), _) => Kept::Memory(bytes),
            (None, Some(stray)) => Kept::Segments(stray),
            (None, None) => Kept::Staged,
        };
        Received { hold, kept, length, digests, hashers, print, content_type }
    }
}

/// A received body that is about to become an upload.
struct Settling {
    head: Head,
    proof: Proof,
    listed: Option<IndexEntry>,
}

impl Engine {
    /// Receives a body into staging, without any record. [`settle`](Self::settle), [`settle_chunk`](Self::settle_chunk) or
    /// [`discard`](Self::discard) follows.
    ///
    /// # Errors
    /// `TooLarge` as soon as the body is longer than the limits allow, `TypeRefused` as soon as its first bytes show a
    /// type that they do not, and what the body itself reports. Nothing is left then.
    pub async fn receive(&self, limits: Limits, body: &mut Body<'_>) -> Result<Received> {
        if let Some(declared) = limits.declared.filter(|d| *d > limits.max_length) {
            return Err(Error::too_large("the file", declared, limits.max_length));
        }
        // A name of its own: which tenant's upload it becomes is not known yet.
        let provisional = UploadId::random(&Handle::random(self.ids()), self.ids());
        let staging = StagingName::random(self.clock().now().hour(), &provisional, self.ids());
        let hold = Hold::new(self, staging);
        let stray = Stray::new(self, limits.max_length)?;
        let mut writing = None;
        let taken = self.take_whole(&hold, stray.as_ref(), &limits, body, &mut writing).await;
        let ended = intake::finish(&mut writing).await;
        drop(writing);
        match taken.and_then(|taken| ended.map(|()| taken)) {
            Ok(taken) => Ok(taken.received(hold, stray)),
            Err(e) => {
                self.drop_staged(&hold).await;
                Err(e)
            }
        }
    }

    async fn take_whole<'a>(
        &'a self,
        hold: &'a Arc<Hold>,
        stray: Option<&'a Stray>,
        limits: &Limits,
        body: &mut Body<'_>,
        writing: &mut Option<Writing<'a>>,
    ) -> Result<Taken> {
        if stray.is_none() {
            self.blobs().stage(&hold.staging, limits.declared).await?;
        }
        let mut memory = None;
        let mut look = Look::new(Some(HasherSet::new(limits.digests.iter().copied())));
        let mut watch = Watch::new();
        let mut intake = Intake::new(self, body, None);
        let mut length = 0u64;
        loop {
            if let Some(stray) = stray {
                intake.part(stray.room(length));
            }
            let filled = intake.fill(writing, || false).await;
            if let Filled::Failed(e) | Filled::Cut(e) = filled {
                return Err(e);
            }
            let (batch, len) = intake.take(&filled);
            intake::finish(writing).await?;
            let position = length;
            length += len;
            if length > limits.max_length {
                return Err(Error::too_large("the file", length, limits.max_length));
            }
            watch.look(self.sniffer(), &limits.types, &batch)?;
            let end = matches!(filled, Filled::End);
            if let Some(stray) = stray.filter(|_| end) {
                stray.end(length);
            }
            if stray.is_some() && end && position == 0 {
                look.at(&batch).await;
                memory = Some(batch);
            } else if len > 0 || (end && length == 0) {
                *writing = intake::start(self.write_body(hold, stray, position, batch.clone())).await?;
                look.at(&batch).await;
            }
            if end {
                intake::finish(writing).await?;
                break;
            }
        }
        watch.end(self.sniffer(), &limits.types)?;
        let print = look.take_print();
        let hashers = look.digests.take();
        let digests = hashers.clone().map_or_else(Digests::new, HasherSet::finish);
        let content_type = watch.found.flatten();
        Ok(Taken { length, memory, digests, hashers, print, content_type })
    }

    /// Writes a batch of a body that has no upload yet.
    fn write_body<'a>(
        &'a self,
        hold: &'a Arc<Hold>,
        stray: Option<&'a Stray>,
        position: u64,
        batch: Vec<Bytes>,
    ) -> Writing<'a> {
        let keep = Arc::clone(hold);
        Box::pin(async move {
            match stray.and_then(|stray| Some((stray, self.depot_of_stray(stray, &hold.staging)?))) {
                Some((stray, depot)) => {
                    let segment = depot.keep(Some(position), None, batch).await?;
                    stray.push((position, segment));
                    drop(keep);
                    Ok(())
                }
                None => {
                    let permit = Permit::new(move || drop(keep));
                    Ok(self.blobs().write(&hold.staging, position, batch, permit).await?)
                }
            }
        })
    }

    /// Makes a received body a completed upload: one object, one record; a few more where its content makes a claim.
    ///
    /// # Errors
    /// As [`begin`](Self::begin) and [`finish`](Self::finish); the body is gone then.
    pub async fn settle(&self, who: &Principal, received: Received, begin: Begin) -> Result<Outcome> {
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

    /// A received body whose content makes a claim: there must be a head before that.
    async fn settle_unique(&self, received: Received, settling: Settling) -> Result<Outcome> {
        let live = match self.verifying(&received, settling).await {
            Ok(live) => live,
            Err(e) => {
                // What a head names by now, if its put ended unknown, is no stray any more: the sweep finishes it.
                if !received.hold.is_handed_over() {
                    self.discard(received).await;
                }
                return Err(e);
            }
        };
        live.state().detected = Some(received.content_type.clone());
        if let Some(hashers) = &received.hashers {
            live.digest.lock().await.replace(0, hashers.clone());
        }
        let mut finished = self.finish_live(&live).await;
        if let Err(e) = &finished {
            tracing::debug!(error = %e, "a body is not settled");
            match self.unsettle(&live).await {
                Ok(true) => {}
                // By a sweep, or by another upload of the same content.
                Ok(false) => finished = self.finish_live(&live).await,
                Err(e) => tracing::warn!(error = %e, "an upload that was not settled is cleared later"),
            }
        }
        let outcome = finished?;
        self.count(outcome.length);
        Ok(*outcome)
    }

    /// Puts the row and the head of a received body, whose set is complete.
    async fn verifying(&self, received: &Received, settling: Settling) -> Result<Arc<Live>> {
        let Settling { mut head, proof, listed } = settling;
        if let Some(unique) = &head.unique {
            let claim = content_claim(&head.id, unique, &proof.digests)?;
            self.not_there(&claim, unique).await?;
            head.content_claim = Some(claim);
        }
        let lies = match received.kept {
            // Before there is a head that names the bytes; it may be committed before they are published.
            Kept::Staged if received.length > 0 => {
                self.blobs().sync(&received.hold.staging).await?;
                Lies::InPlace
            }
            Kept::Staged => Lies::InPlace,
            // They are the object by then.
            Kept::Memory(_) | Kept::Segments(_) => {
                self.make_object(&head, received).await?;
                Lies::Segments(Vec::new())
            }
        };
        // Whoever takes this up after a stop reads them again, and is to find these.
        head.expected = proof.digests.iter().copied().collect();
        let now = self.clock().now();
        head.phase = Phase::Verifying { key: self.key_for(&head), attempts: 0 };
        self.due(&head.id, now.hour()).await?;
        self.list_it(&head, listed).await?;
        if received.length > 0 {
            let row = RowRecord::new(0, received.print, lies);
            self.records().put_once(&keys::row(&head.id, Key::Offset(0)), &row).await?;
        }
        received.hold.hand_over();
        match self.records().put(&keys::head(&head.id), &head, Expected::Absent).await? {
            PutEnd::Won(_) => self.live(&head.id).await,
            PutEnd::Lost(found) => Err(not_begun(found)),
        }
    }

    /// Removes all that there is of an upload that nobody has heard of; `false` if it can no longer be given up, since
    /// somebody else went on with it.
    async fn unsettle(&self, live: &Arc<Live>) -> Result<bool> {
        let committed = || {
            let phase = &live.state().view.head.phase;
            matches!(phase, Phase::Committing { .. } | Phase::Completed { .. })
        };
        if committed() {
            return Ok(false);
        }
        if matches!(live.state().view.head.phase, Phase::Removed { .. }) {
            // It was complete, and its readers have their time.
            return Ok(true);
        }
        let given_up = given_up(&live.state().view.head.phase);
        let ended = if given_up { self.clear(live).await } else { self.end(live, Command::Cancel).await };
        if ended.is_err() && committed() {
            return Ok(false);
        }
        ended?;
        let version = live.state().head_version.clone();
        self.records().remove(&keys::head(&live.id), version).await?;
        live.state().doubt();
        Ok(true)
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
                let filled = intake.fill(&mut None, || false).await;
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
        let written = match self.content_of(&received).await {
            Ok(content) => {
                let mut body = StagedBody::new(self, content.clone(), received.length);
                let written = self.write(who, id, write, &mut body).await;
                drop(body);
                self.unmake(&content).await;
                written
            }
            Err(e) => Err(e),
        };
        self.discard(received).await;
        written
    }

    /// Removes a received body.
    pub async fn discard(&self, received: Received) {
        match received.kept {
            Kept::Memory(_) => received.hold.release(),
            _ => self.drop_staged(&received.hold).await,
        }
    }

    /// Makes a received body the object of this head, in a store of parts. Nobody is told of it yet.
    async fn make_object(&self, head: &Head, received: &Received) -> Result<()> {
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

    async fn drop_staged(&self, hold: &Hold) {
        match self.blobs().discard(&hold.staging).await {
            Ok(()) => hold.release(),
            Err(e) => tracing::debug!(error = %e, "a received body is removed by the next sweep"),
        }
    }
}
