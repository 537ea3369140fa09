//! Finishing: Verifying, Committing, Completed. Every step may be taken by anybody, any number of times.

use std::sync::Arc;

use upload_core::{
    Action, Error, ErrorKind, ObjectKey, Outcome, Principal, Result, StagingName, UploadId,
    lifecycle::{Command, Event, Proof, objection, refusal},
    ports::{Permit, Publication, Sniffed, Sniffer, StoreErrorKind},
    record::{Failure, FailureKind, Head, Phase},
};

use crate::{content::Content, engine::Engine, live::Live, process::Processed, types::Written};

impl Engine {
    /// Finishes an upload whose set is complete; the same outcome again if it is finished already.
    ///
    /// # Errors
    /// `NotReady` while bytes are missing; `DigestMismatch` or `TypeRefused` if what arrived is not what was announced or
    /// is not accepted (the upload is gone then); `Gone` for an upload that was given up.
    pub async fn finish(&self, who: &Principal, id: &UploadId) -> Result<Outcome> {
        let live = self.enter(who, id, Action::Write).await?;
        Ok(*self.finish_live(&live).await?)
    }

    /// The answer for bytes that are stored. An upload whose parts are to be committed first is not finished by the last of
    /// them: they are stored all the same.
    pub(crate) async fn stored(&self, live: &Arc<Live>, finish: bool) -> Result<Written> {
        let waits = {
            let head = &live.state().view.head;
            head.holder_commits && head.parts_committed.is_none() && matches!(head.phase, Phase::Receiving)
        };
        if finish && !waits {
            return Ok(Written::Completed(self.finish_live(live).await?));
        }
        Ok(Written::Stored(Box::new(self.inspection(&live.state().view))))
    }

    pub(crate) async fn finish_live(&self, live: &Arc<Live>) -> Result<Box<Outcome>> {
        let before = live.state().view.head.phase.clone();
        let _one = live.finishing.lock().await;
        loop {
            let phase = live.state().view.head.phase.clone();
            match phase {
                Phase::Completed { outcome, .. } => return Ok(outcome),
                Phase::Receiving => self.close(live).await?,
                Phase::Verifying { key, .. } => {
                    if let Err(e) = self.verify(live, key).await {
                        self.fail_if_lost(live, &e).await;
                        // It may have failed, or another process may have gone on: the next turn tells.
                        if matches!(live.state().view.head.phase, Phase::Verifying { .. }) {
                            return Err(e);
                        }
                    }
                }
                Phase::Committing { outcome } => {
                    self.publish(live, &outcome).await?;
                    // Also if another one has replaced it by now.
                    return Ok(outcome);
                }
                // It failed under our eyes: this request is one of those that made the set complete.
                Phase::Failed { failure, .. } if !before.is_terminal() => {
                    return Err(Error::new(failure.kind.error_kind(), failure.detail));
                }
                // The same: it was completed, and another one took its place.
                Phase::Removed { .. } if !before.is_terminal() => {
                    let replaced = live.state().replaced.clone();
                    return replaced.ok_or_else(|| Error::new(ErrorKind::Gone, "the upload was removed"));
                }
                other => return Err(refusal(&other).unwrap_or_else(|| Error::internal("an unknown phase"))),
            }
        }
    }

    /// Closes the set: in one step with the outcome if all that it needs is known already.
    async fn close(&self, live: &Arc<Live>) -> Result<()> {
        let direct = live.state().view.head.direct.clone();
        if let Some(direct) = direct {
            return self.arrive(live, &direct).await;
        }
        if live.state().view.head.is_composed() {
            return self.compose(live).await;
        }
        let complete = live.state().view.rows.is_complete();
        if complete {
            // The sweep will look at it from now on, should nobody come again.
            self.due(&live.id, self.clock().now().hour()).await?;
        }
        let key = self.key_for(&live.state().view.head);
        let known = {
            let frontier = live.digest.lock().await;
            let state = live.state();
            let whole = frontier.state.position() == state.view.rows.frontier();
            let head = &state.view.head;
            match &state.detected {
                Some(found)
                    if whole
                        && complete
                        && head.unique.is_none()
                        && !self.processes(head, found.as_deref()) =>
                {
                    Some(Proof::new(frontier.state.clone().finish(), found.clone()))
                }
                _ => None,
            }
        };
        match known {
            Some(proof) => self.commit(live, key, proof).await,
            None => self.change(live, Command::Close { key }).await.map(drop),
        }
    }

    /// Finds out what is not known yet about the closed set, from its staged bytes.
    async fn verify(&self, live: &Arc<Live>, key: ObjectKey) -> Result<()> {
        let head = live.state().view.head.clone();
        let length = head.length.unwrap_or_else(|| live.state().view.rows.frontier());
        let content = match head.direct {
            Some(_) => self.arrived(live, &head.staging, &key).await?,
            None => self.content(live, &head, length).await?,
        };
        let known = live.state().detected.clone();
        let found = match known {
            Some(found) => found,
            None => self.sniff(&content, length).await?,
        };
        let digests = {
            let mut frontier = live.digest.lock().await;
            self.advance_locked(live, &content, &mut frontier, u64::MAX).await?;
            frontier.state.clone().finish()
        };
        let mut proof = Proof::new(digests, found);
        proof.digests.extend(head.direct.as_ref().and_then(|direct| direct.bound));
        if objection(&head, &proof).is_some() {
            return self.commit(live, key, proof).await;
        }
        if let Some(unique) = &head.unique
            && let Err(e) = self.claim_content(live, unique, &proof.digests).await
        {
            let duplicate = e.kind == ErrorKind::Duplicate;
            return Err(if duplicate {
                self.fail(live, Failure::new(FailureKind::Duplicate, e.detail)).await
            } else {
                e
            });
        }
        match self.process(&head, &content, length, proof.content_type.as_deref()).await {
            Processed::Details(details) => proof.details = details,
            Processed::Refused(failure) => return Err(self.fail(live, failure).await),
            Processed::Deferred(e) => {
                let events = self.change(live, Command::Defer).await?;
                self.clear_failed(live, &events).await;
                return Err(e);
            }
        }
        self.commit(live, key, proof).await
    }

    /// Where the bytes of a complete set can be read: what lies in parts is made an object first, that nobody is told of.
    async fn content(&self, live: &Arc<Live>, head: &Head, length: u64) -> Result<Content> {
        let Some(depot) = self.depot(live) else {
            if head.is_composed() {
                return self.composed(live, head).await;
            }
            return Ok(Content::Staged(head.staging.clone()));
        };
        live.settled().await;
        depot.assemble(length).await?;
        Ok(Content::Object(ObjectKey::of(&head.staging)))
    }

    /// Ends an upload in Verifying whose bytes are gone: it could only wait for ever.
    async fn fail_if_lost(&self, live: &Arc<Live>, why: &Error) {
        if self.blobs().parts().is_some() || live.state().view.head.is_composed() {
            let verifying = matches!(live.state().view.head.phase, Phase::Verifying { .. });
            if verifying && why.kind == ErrorKind::Corrupt {
                self.fail_lost(live, why).await;
            }
            return;
        }
        let (staging, last) = {
            let view = &live.state().view;
            let last = view.rows.frontier().checked_sub(1);
            (view.head.staging.clone(), last.filter(|_| matches!(view.head.phase, Phase::Verifying { .. })))
        };
        let Some(last) = last else { return };
        let Err(e) = self.blobs().read_staged(&staging, last..last + 1).await else { return };
        if matches!(e.kind, StoreErrorKind::NotFound | StoreErrorKind::Corrupt) {
            self.fail_lost(live, &e.into()).await;
        }
    }

    async fn fail_lost(&self, live: &Arc<Live>, why: &Error) {
        tracing::error!(parent: &live.span, error = %why, "what an upload had is gone");
        let failure = Failure::new(FailureKind::Storage, "the storage could not keep what it had taken");
        self.fail(live, failure).await;
    }

    async fn sniff(&self, content: &Content, length: u64) -> Result<Option<String>> {
        let first = length.min(<dyn Sniffer>::HEAD as u64);
        let bytes =
            if first == 0 { bytes::Bytes::new() } else { self.read_content(content, 0..first).await? };
        Ok(match self.sniffer().sniff(&bytes, first == length) {
            Sniffed::Known(found) => Some(found),
            _ => None,
        })
    }

    /// Fixes the outcome, or fails the upload.
    async fn commit(&self, live: &Arc<Live>, key: ObjectKey, proof: Proof) -> Result<()> {
        let events = self.change(live, Command::Commit { key, proof }).await?;
        self.clear_failed(live, &events).await;
        Ok(())
    }

    pub(crate) async fn clear_failed(&self, live: &Arc<Live>, events: &[Event]) {
        if let Some(Event::Failed(failure, _)) = events.first() {
            metrics::counter!("upload_failed_total").increment(1);
            tracing::info!(why = %failure.detail, "failed");
            if let Err(e) = self.clear(live).await {
                tracing::warn!(error = %e, "a failed upload is cleared later");
            }
        }
    }

    /// Publishes the object and completes the upload.
    async fn publish(&self, live: &Arc<Live>, outcome: &Outcome) -> Result<()> {
        live.settled().await;
        let (staging, direct) = {
            let head = &live.state().view.head;
            (head.staging.clone(), head.direct.is_some())
        };
        match self.depot(live) {
            _ if direct => self.publish_direct(&staging, outcome).await?,
            Some(depot) => depot.publish(outcome).await?,
            None => self.publish_staged(staging, outcome).await?,
        }
        let events = self.change(live, Command::Complete).await?;
        if !events.is_empty() && !live.state().view.head.partial {
            self.completed(outcome).await;
        }
        if let Err(e) = self.follow_up(live, outcome).await {
            tracing::warn!(error = %e, "what follows from a completion is done by the sweep");
        }
        Ok(())
    }

    /// Makes staged bytes an object, or removes them if only their outcome is to stay.
    pub(crate) async fn publish_staged(&self, staging: StagingName, outcome: &Outcome) -> Result<()> {
        if outcome.content_removed {
            return Ok(self.blobs().discard(&staging).await?);
        }
        if outcome.length == 0 {
            // Nothing was ever written: there must be something to publish.
            self.blobs().write(&staging, 0, Vec::new(), Permit::new(|| ())).await?;
        }
        Ok(self.blobs().publish(&Publication::new(staging, outcome.key.clone(), outcome.length)).await?)
    }

    /// What follows from a completion, by whoever comes first, any number of times.
    pub(crate) async fn follow_up(&self, live: &Live, outcome: &Outcome) -> Result<()> {
        let derives = self.derives(&live.state().view.head);
        if derives {
            self.derive(outcome).await?;
        }
        self.retire(live).await
    }

    /// The records that are derived from an outcome.
    pub(crate) async fn derive(&self, outcome: &Outcome) -> Result<()> {
        self.enter_charges(outcome).await?;
        self.keep_notice(outcome).await
    }

    /// The same before an outcome goes: whoever completed the upload may have been stopped before.
    pub(crate) async fn derive_before_removal(&self, head: &Head) -> Result<()> {
        let Phase::Completed { outcome, at } = &head.phase else { return Ok(()) };
        if !self.derives(head) {
            return Ok(());
        }
        self.enter_charges(outcome).await?;
        // When the time of replay is over there may be no mark any more that its notice was delivered.
        let marked = self.clock().now() < at.plus(self.settings().replay);
        if marked { self.keep_notice(outcome).await } else { Ok(()) }
    }

    /// Whether records are derived from the outcome of such an upload.
    pub(crate) fn derives(&self, head: &Head) -> bool {
        !head.partial && (!head.charges.is_empty() || self.events().keeps())
    }

    /// Tells whoever listens.
    pub(crate) async fn completed(&self, outcome: &Outcome) {
        metrics::counter!("upload_completed_total").increment(1);
        metrics::counter!("upload_completed_bytes_total").increment(outcome.length);
        tracing::info!(id = %outcome.id, length = outcome.length, "completed");
        self.events().completed(outcome).await;
    }

    /// Counts bytes that were acknowledged.
    pub(crate) fn count(&self, bytes: u64) {
        metrics::counter!("upload_received_bytes_total").increment(bytes);
    }
}
