//! Changing a head: decide, compare-and-swap, apply.

use std::sync::Arc;

use upload_core::{
    Error, ErrorKind, Hour, ObjectKey, Result, UploadId,
    lifecycle::{Command, Event, decide},
    ports::Expected,
    record::{DueRecord, Failure, Head, Phase, keys},
};

use crate::{
    engine::Engine,
    live::{Live, Putting},
    records::PutEnd,
};

/// How often a lost compare-and-swap of one head is tried again.
const TRIES: usize = 16;

/// Whether nothing but the head itself is kept of an upload in this phase.
pub(crate) const fn given_up(phase: &Phase) -> bool {
    matches!(
        phase,
        Phase::Failed { .. } | Phase::Cancelled { .. } | Phase::Expired { .. } | Phase::Removed { .. }
    )
}

impl Engine {
    /// Does what the command asks, durably; gives what happened (nothing, if it was so already).
    pub(crate) async fn change(&self, live: &Live, command: Command) -> Result<Vec<Event>> {
        let _one_at_a_time = live.heads.lock().await;
        let key = keys::head(&live.id);
        for _ in 0..TRIES {
            let (events, head, version) = {
                let state = live.state();
                let events = decide(&state.view, self.clock().now(), command.clone())?;
                if events.is_empty() {
                    return Ok(events);
                }
                let mut head = state.view.head.clone();
                events.iter().for_each(|e| head.apply(e));
                (events, head, state.head_version.clone())
            };
            if events.iter().any(|e| matches!(e, Event::Failed(..) | Event::Cancelled(_) | Event::Expired(_)))
            {
                // What stays is a tombstone; the sweep removes it.
                let forget = self.clock().now().plus(self.settings().tombstone);
                self.due(&live.id, forget.hour()).await?;
            }
            if events.iter().any(|e| matches!(e, Event::Removed(..))) {
                // The sweep removes the object, when those who read it have had their time.
                let unread = self.clock().now().plus(self.settings().grace);
                self.due(&live.id, unread.hour()).await?;
            }
            let putting = Putting::new(live);
            let end = self.records().put(&key, &head, Expected::Version(version)).await;
            putting.known();
            let mut state = live.state();
            match end {
                Ok(PutEnd::Won(version)) => {
                    state.head_version = version;
                    state.apply(&events);
                    drop(state);
                    live.notify();
                    return Ok(events);
                }
                Ok(PutEnd::Lost(Some((head, version)))) => {
                    state.view.head = head;
                    state.head_version = version;
                    drop(state);
                    live.notify();
                }
                Ok(PutEnd::Lost(None)) => {
                    state.doubt();
                    return Err(Error::not_found());
                }
                Err(e) => {
                    state.doubt();
                    return Err(e);
                }
            }
        }
        Err(Error::new(ErrorKind::Busy, "the upload changes too often to be changed"))
    }

    /// Puts a due key, so that the sweep looks at the upload from that hour on.
    pub(crate) async fn due(&self, id: &UploadId, hour: Hour) -> Result<()> {
        self.records().put_once(&keys::due(hour, id), &DueRecord::default()).await
    }

    /// Ends an upload for good and removes what it has; only its head stays, as a tombstone.
    pub(crate) async fn end(&self, live: &Arc<Live>, command: Command) -> Result<()> {
        if matches!(command, Command::Remove | Command::RemoveUnattached) {
            let head = live.state().view.head.clone();
            self.derive_before_removal(&head).await?;
        }
        self.change(live, command).await?;
        self.clear(live).await
    }

    /// Fails the upload; `why` is also the error for the one whose request found out.
    pub(crate) async fn fail(&self, live: &Arc<Live>, failure: Failure) -> Error {
        let error = Error::new(failure.kind.error_kind(), failure.detail.clone());
        metrics::counter!("upload_failed_total").increment(1);
        tracing::info!(parent: &live.span, why = %failure.detail, "failed");
        if let Err(e) = self.end(live, Command::Fail(failure)).await {
            tracing::warn!(parent: &live.span, error = %e, "a failed upload is cleared later");
        }
        error
    }

    /// Stops what runs on an upload that takes nothing more, then removes its rows and bytes.
    pub(crate) async fn clear(&self, live: &Live) -> Result<()> {
        let staging = {
            let mut state = live.state();
            if !given_up(&state.view.head.phase) {
                return Ok(());
            }
            state.view.rows.end_all();
            state.view.head.staging.clone()
        };
        live.tell();
        live.notify();
        // Attempts let go at their next look; their late writes hold permits. Only then may anything be removed.
        live.until(|s| (s.permits == 0 && s.recording == 0).then_some(())).await;
        self.unlist(live).await?;
        self.records().remove_all(&keys::below(&live.id), self.settings().page).await?;
        self.blobs().discard(&staging).await?;
        let removed = matches!(live.state().view.head.phase, Phase::Removed { .. });
        if self.blobs().parts().is_some() && !removed {
            // It may have been made an object that nobody was told of.
            self.blobs().delete(&ObjectKey::of(&staging)).await?;
        }
        Ok(())
    }

    /// The head as it is stored, for calls that need no rows.
    pub(crate) async fn head(&self, id: &UploadId) -> Result<Head> {
        Ok(self.records().get::<Head>(&keys::head(id)).await?.ok_or_else(Error::not_found)?.0)
    }
}
