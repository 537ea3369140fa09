//! The sweep: uploads that need attention though nobody asks for them.

use std::sync::Arc;

use upload_core::{
    ErrorKind, Hour, Result, Timestamp, UploadId,
    lifecycle::Command,
    ports::Version,
    record::{Head, Phase, keys},
};

use crate::{
    engine::Engine,
    live::{Live, locked},
    types::Swept,
};

impl Engine {
    /// Looks at every upload whose due key has come: gives up what is past its deadline, finishes what is being
    /// finished, forgets what was remembered long enough. Touches nothing else. Call it at start and every few minutes.
    pub async fn sweep(&self) -> Swept {
        let mut done = Swept::default();
        let orphans = locked(self.strays()).take_orphans();
        for staging in orphans {
            match self.blobs().discard(&staging).await {
                Ok(()) => done.removed += 1,
                // The janitor finds it again.
                Err(_) => done.failed += 1,
            }
        }
        let mut after: Option<String> = None;
        loop {
            let page = self.records().store().list(keys::DUE, after.as_deref(), self.settings().page).await;
            let page = match page {
                Ok(page) => page,
                Err(e) => {
                    tracing::warn!(error = %e, "the sweep cannot list what is due");
                    done.failed += 1;
                    return done;
                }
            };
            let now = self.clock().now().hour();
            for (key, stored) in &page {
                let Some((hour, id)) = keys::due_parts(key) else { continue };
                if hour > now {
                    return done;
                }
                done.seen += 1;
                if let Err(e) = self.attend(key, stored.version.clone(), hour, &id, &mut done).await {
                    tracing::warn!(%id, error = %e, "an upload that is due could not be attended to");
                    done.failed += 1;
                }
            }
            match page.into_iter().last() {
                Some((key, _)) => after = Some(key),
                None => return done,
            }
        }
    }

    async fn attend(
        &self,
        key: &str,
        version: Version,
        hour: Hour,
        id: &UploadId,
        done: &mut Swept,
    ) -> Result<()> {
        let next = self.next_due(hour, id, done).await?;
        match next {
            Some(next) if next == hour => return Ok(()),
            Some(next) => self.due(id, next).await?,
            None => {}
        }
        self.records().remove(key, version).await?;
        done.removed += 1;
        Ok(())
    }

    /// Does what an upload needs now; gives the hour in which it needs attention again.
    async fn next_due(&self, hour: Hour, id: &UploadId, done: &mut Swept) -> Result<Option<Hour>> {
        let now = self.clock().now();
        let settings = self.settings();
        let live = match self.live(id).await {
            Ok(live) => live,
            // Its head may be about to be put: the due key always comes first.
            Err(e) if e.kind == ErrorKind::NotFound => {
                return Ok((now < hour.end().plus(settings.grace)).then_some(hour));
            }
            Err(e) => return Err(e),
        };
        let (phase, give_up, unheard, composed) = {
            let head = &live.state().view.head;
            let give_up = head.deadline.plus(settings.grace);
            (head.phase.clone(), give_up, head.arrives_unheard(), head.is_composed())
        };
        match phase {
            // It may be about to be closed: the due key comes before that as well.
            Phase::Receiving if now < hour.end().plus(settings.grace).min(give_up) => return Ok(Some(hour)),
            Phase::Receiving if now < give_up && !composed => return Ok(Some(give_up.hour())),
            Phase::Receiving if unheard && self.has_arrived(&live).await? => done.finished += 1,
            // Its parts may be complete, and go, before its own time is over.
            Phase::Receiving if now < give_up => return Ok(Some(now.hour())),
            Phase::Receiving => {
                if let Err(e) = self.end(&live, Command::Expire).await {
                    // If it was finished or given up under our eyes, the next sweep sees how.
                    let open = matches!(live.state().view.head.phase, Phase::Receiving);
                    return if open { Err(e) } else { Ok(Some(hour)) };
                }
                metrics::counter!("upload_expired_total").increment(1);
                done.expired += 1;
            }
            Phase::Verifying { .. } | Phase::Committing { .. } => {
                // A failure to verify is an end as well; anything else stays due.
                if let Err(e) = self.finish_live(&live).await
                    && !live.state().view.head.phase.is_terminal()
                {
                    return Err(e);
                }
                done.finished += 1;
            }
            _ => {}
        }
        let completed = live.state().view.head.phase.outcome().cloned();
        if let Some(outcome) = completed.filter(|o| hour <= o.committed.plus(settings.grace).hour()) {
            // The key that was put before it was committed is here as long as this was not done; later ones are for other
            // things, and by then there may be no mark any more of what was done.
            self.follow_up(&live, &outcome).await?;
        }
        self.remove_unattached(&live, done).await?;
        let (phase, attach_by) = {
            let head = &live.state().view.head;
            (head.phase.clone(), attach_by(head))
        };
        match phase {
            Phase::Completed { at, .. } => {
                self.unclaim(&live).await?;
                let replay = at.plus(settings.replay);
                if now < replay {
                    return Ok(Some(attach_by.map_or(replay, |by| by.min(replay)).hour().max(hour)));
                }
                done.removed += self.records().remove_all(&keys::below(id), settings.page).await?;
                Ok(attach_by.map(|by| by.hour().max(hour)))
            }
            Phase::Failed { at, .. } | Phase::Cancelled { at } | Phase::Expired { at } => {
                self.clear(&live).await?;
                self.forget(&live, at.plus(settings.tombstone), hour, done).await
            }
            Phase::Removed { key, at } => {
                self.clear(&live).await?;
                // Those who read it have their time.
                let unread = at.plus(settings.grace);
                if now < unread {
                    return Ok(Some(unread.hour().max(hour)));
                }
                self.blobs().delete(&key).await?;
                self.forget(&live, at.plus(settings.tombstone), hour, done).await
            }
            _ => Ok(Some(give_up.hour().max(hour))),
        }
    }

    /// Finishes an upload whose bytes are in the store and nobody has told us; whether there were any.
    async fn has_arrived(&self, live: &Arc<Live>) -> Result<bool> {
        match self.finish_live(live).await {
            Ok(_) => Ok(true),
            Err(e) if e.kind == ErrorKind::NotReady => Ok(false),
            // A failure is an end as well.
            Err(_) if live.state().view.head.phase.is_terminal() => Ok(true),
            Err(e) => Err(e),
        }
    }

    /// Removes the head of an upload of which nothing else is left, once it was remembered long enough.
    async fn forget(
        &self,
        live: &Live,
        until: Timestamp,
        hour: Hour,
        done: &mut Swept,
    ) -> Result<Option<Hour>> {
        if self.clock().now() < until {
            return Ok(Some(until.hour().max(hour)));
        }
        let version = live.state().head_version.clone();
        self.records().remove(&keys::head(&live.id), version).await?;
        live.state().doubt();
        done.removed += 1;
        Ok(None)
    }

    /// Removes a completed upload that no application has attached in time.
    async fn remove_unattached(&self, live: &Arc<Live>, done: &mut Swept) -> Result<()> {
        let by = attach_by(&live.state().view.head);
        if by.is_none_or(|by| self.clock().now() < by) {
            return Ok(());
        }
        match self.end(live, Command::RemoveUnattached).await {
            Ok(()) => {
                metrics::counter!("upload_unattached_total").increment(1);
                tracing::info!(parent: &live.span, "removed: it was never attached");
                done.expired += 1;
                Ok(())
            }
            // Under our eyes.
            Err(e) if e.kind == ErrorKind::Conflict => Ok(()),
            Err(e) => Err(e),
        }
    }
}

/// When an upload is removed if nobody attaches it.
fn attach_by(head: &Head) -> Option<Timestamp> {
    head.expires().filter(|_| matches!(head.phase, Phase::Completed { .. }))
}
