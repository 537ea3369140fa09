//! Settling a received body whose content may be there only once.

use std::sync::Arc;

use upload_chunking::assembly::Key;
use upload_core::{
    Outcome, Result,
    lifecycle::Command,
    ports::Expected,
    record::{Lies, Phase, RowRecord, keys},
};

use crate::{
    change::given_up,
    engine::Engine,
    live::Live,
    records::{PutEnd, not_begun},
    settle::Settling,
    staged::{Kept, Received},
    unique::content_claim,
};

impl Engine {
    /// A received body whose content makes a claim: there must be a head before that.
    pub(crate) async fn settle_unique(&self, received: Received, settling: Settling) -> Result<Outcome> {
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
}
