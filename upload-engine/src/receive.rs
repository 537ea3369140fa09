//! Uploads that begin and finish in one request, and bodies that come before their destination is known.

use std::sync::Arc;

use upload_checksum::{Digests, HasherSet};
use upload_chunking::assembly::Row;
use upload_core::{
    Error, ErrorKind, Handle, ObjectKey, Outcome, Principal, Result, StagingName, UploadId,
    lifecycle::{Begin, Command, Event, Proof, View, decide},
    ports::{Expected, Permit, Publication},
    record::{Addressing, Head, Phase, keys},
};

use crate::{
    digest::algorithms,
    engine::Engine,
    intake::{self, Filled, Intake, Writing},
    look::{Look, Watch},
    records::{PutEnd, not_begun},
    staged::{Hold, Received, StagedBody},
    types::{Body, Limits, Write, Written},
};

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
        let digests = look.digests.take().map_or_else(Digests::new, HasherSet::finish);
        Ok(Received { hold: Arc::clone(hold), length, digests, content_type: watch.found.flatten() })
    }

    /// Makes a received body a completed upload: one object, one record.
    ///
    /// # Errors
    /// As [`begin`](Self::begin) and [`finish`](Self::finish); the body is gone then.
    pub async fn settle(&self, who: &Principal, received: Received, begin: Begin) -> Result<Outcome> {
        match self.settle_whole(who, &received, begin).await {
            Ok(outcome) => {
                received.hold.release();
                self.count(outcome.length);
                self.completed(&outcome).await;
                Ok(outcome)
            }
            Err(e) => {
                self.discard(received).await;
                Err(e)
            }
        }
    }

    async fn settle_whole(&self, who: &Principal, received: &Received, begin: Begin) -> Result<Outcome> {
        let mut begin = begin;
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
        let mut view = View::new(head);
        if received.length > 0 {
            view.rows
                .learn_row(Row::extent(0, received.length))
                .map_err(|e| Error::internal(format!("a whole body does not fit: {e}")))?;
        }
        let now = self.clock().now();
        let key = ObjectKey::random(now.hour(), &view.head.id, self.ids());
        let proof = Proof::new(digests, received.content_type.clone());
        let events = decide(&view, now, Command::Commit { key, proof })?;
        for event in &events {
            view.head.apply(event);
        }
        let outcome = match view.head.phase.clone() {
            Phase::Committing { outcome } => outcome,
            Phase::Failed { failure, .. } => {
                return Err(Error::new(failure.kind.error_kind(), failure.detail));
            }
            _ => return Err(Error::internal("a commit that commits nothing")),
        };
        // Before the head, as at any beginning.
        if let Some(within) = view.head.policy.attach_within {
            self.due(&view.head.id, now.plus(within).hour()).await?;
        }
        self.list_it(&view.head, listed).await?;
        let publication =
            Publication::new(received.hold.staging.clone(), outcome.key.clone(), outcome.length);
        self.blobs().publish(&publication).await?;
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
