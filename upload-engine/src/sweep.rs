//! The sweep: uploads that need attention though nobody asks for them.

use upload_core::{
    ErrorKind, Hour, Result, UploadId,
    lifecycle::Command,
    ports::Version,
    record::{Phase, keys},
};

use crate::{engine::Engine, live::locked, types::Swept};

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
        let (mut phase, give_up) = {
            let head = &live.state().view.head;
            (head.phase.clone(), head.deadline.plus(settings.grace))
        };
        match phase {
            Phase::Receiving if now < give_up => return Ok(Some(give_up.hour())),
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
        phase = live.state().view.head.phase.clone();
        let forget = match phase {
            Phase::Completed { at, .. } => at.plus(settings.replay),
            Phase::Failed { at, .. } | Phase::Cancelled { at } | Phase::Expired { at } => {
                self.clear(&live).await?;
                at.plus(settings.tombstone)
            }
            _ => give_up,
        };
        if now < forget {
            return Ok(Some(forget.hour().max(hour)));
        }
        done.removed += self.records().remove_all(&keys::below(id), settings.page).await?;
        let completed = matches!(live.state().view.head.phase, Phase::Completed { .. });
        if !completed {
            let version = live.state().head_version.clone();
            self.records().remove(&keys::head(id), version).await?;
            live.state().doubt();
            done.removed += 1;
        }
        Ok(None)
    }
}
