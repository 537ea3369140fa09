//! Uploads that begin and finish in one request, and bodies that come before their destination is known.

use std::sync::Arc;

use upload_checksum::{Digests, HasherSet};
use upload_chunking::assembly::{Key, Row};
use upload_core::{
    Error, ErrorKind, Handle, ObjectKey, Outcome, Principal, Result, StagingName, UploadId,
    lifecycle::{Begin, Command, Event, IndexEntry, Proof, View, decide, objection},
    ports::{Expected, Permit},
    record::{Addressing, Head, Phase, RowRecord, keys},
};

use crate::{
    change::given_up,
    digest::algorithms,
    engine::Engine,
    intake::{self, Filled, Intake, Writing},
    live::Live,
    look::{Look, Watch},
    process::Processed,
    records::{PutEnd, not_begun},
    staged::{Hold, Received, StagedBody},
    types::{Body, Limits, Write, Written},
    unique::content_claim,
};

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
        let mut writing = None;
        match self.take_whole(&hold, &limits, body, &mut writing).await {
            Ok(received) => Ok(received),
            Err(e) => {
                let _ = intake::finish(&mut writing).await;
                self.drop_staged(&hold).await;
                Err(e)
            }
        }
    }

    async fn take_whole<'a>(
        &'a self,
        hold: &'a Arc<Hold>,
        limits: &Limits,
        body: &mut Body<'_>,
        writing: &mut Option<Writing<'a>>,
    ) -> Result<Received> {
        self.blobs().stage(&hold.staging, limits.declared).await?;
        let mut look = Look::new(Some(HasherSet::new(limits.digests.iter().copied())));
        let mut watch = Watch::new();
        let mut intake = Intake::new(self, body, None);
        let mut length = 0u64;
        loop {
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
            if len > 0 || (end && length == 0) {
                let keep = Arc::clone(hold);
                let permit = Permit::new(move || drop(keep));
                let frames = batch.clone();
                *writing = intake::start(self.blobs().write(&hold.staging, position, frames, permit)).await?;
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
        Ok(Received { hold: Arc::clone(hold), length, digests, hashers, print, content_type })
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
        head.staging = received.hold.staging.clone();
        let digests = self.missing_digests(&head, received).await?;
        let proof = Proof::new(digests, received.content_type.clone());
        match objection(&head, &proof) {
            Some(failure) => Err(Error::new(failure.kind.error_kind(), failure.detail)),
            None => Ok(Settling { head, proof, listed }),
        }
    }

    async fn settle_alone(&self, received: &Received, settling: Settling) -> Result<Outcome> {
        let Settling { head, mut proof, listed } = settling;
        proof.details =
            match self.process(&head, &head.staging, received.length, proof.content_type.as_deref()).await {
                Processed::Details(details) => details,
                Processed::Refused(failure) => {
                    return Err(Error::new(failure.kind.error_kind(), failure.detail));
                }
                Processed::Deferred(e) => return Err(e),
            };
        let mut view = View::new(head);
        if received.length > 0 {
            view.rows
                .learn_row(Row::extent(0, received.length))
                .map_err(|e| Error::internal(format!("a whole body does not fit: {e}")))?;
        }
        let now = self.clock().now();
        let key = ObjectKey::random(now.hour(), &view.head.id, self.ids());
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
        self.publish_staged(view.head.staging.clone(), &outcome).await?;
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
        if received.length > 0 {
            // Before there is a head that names the bytes; it may be committed before they are published.
            self.blobs().sync(&received.hold.staging).await?;
        }
        // Whoever takes this up after a stop reads them again, and is to find these.
        head.expected = proof.digests.iter().copied().collect();
        let now = self.clock().now();
        head.phase =
            Phase::Verifying { key: ObjectKey::random(now.hour(), &head.id, self.ids()), attempts: 0 };
        self.due(&head.id, now.hour()).await?;
        self.list_it(&head, listed).await?;
        if received.length > 0 {
            let row = RowRecord::in_place(0, received.print);
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
            let mut body = StagedBody::new(self, received);
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
        let mut body = StagedBody::new(self, &received);
        let written = self.write(who, id, write, &mut body).await;
        drop(body);
        self.discard(received).await;
        written
    }

    /// Removes a received body.
    pub async fn discard(&self, received: Received) {
        self.drop_staged(&received.hold).await;
    }

    async fn drop_staged(&self, hold: &Hold) {
        match self.blobs().discard(&hold.staging).await {
            Ok(()) => hold.release(),
            Err(e) => tracing::debug!(error = %e, "a received body is removed by the next sweep"),
        }
    }
}
