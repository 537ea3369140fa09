//! The outbox: notices of completed uploads, kept until somebody took them.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use event_listener::Event;
use futures_util::{
    StreamExt as _,
    future::{Either, select},
    stream,
};
use upload_core::{
    Outcome, Result,
    ports::{Expected, Version},
    record::{NoticeRecord, ToldRecord, decode, keys},
};

use crate::engine::Engine;

/// Notices that are delivered at once.
const AT_ONCE: usize = 8;
/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(3600);

/// Whether this process put notices into the outbox.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    put: AtomicBool,
    changed: Event,
}

/// What one pass over the outbox did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// Notices that were taken.
    pub taken: u64,
    /// Notices that were not taken, and come again later.
    pub failed: u64,
    /// Notices whose time to come again has not come.
    pub waiting: u64,
    /// Notices that were given up, after [`notice_lifetime`](crate::Settings::notice_lifetime).
    pub dropped: u64,
}

impl Engine {
    /// Delivers what the outbox has by [`Events::deliver`](upload_core::ports::Events::deliver), and returns when each notice
    /// that is due was taken or not. Call it after [`undelivered`](Self::undelivered) and every few seconds.
    ///
    /// # Errors
    /// `StorageUnavailable`; what was not told is told by the next call.
    pub async fn deliver(&self) -> Result<Delivered> {
        self.notices().put.store(false, Ordering::SeqCst);
        let mut done = Delivered::default();
        let mut after = None;
        loop {
            let page = self.records().next_page(keys::OUTBOX, &mut after, self.settings().page).await?;
            if page.is_empty() {
                return Ok(done);
            }
            let now = self.clock().now();
            let mut due = Vec::new();
            for (key, stored) in page {
                match decode::<NoticeRecord>(&key, &stored.value) {
                    Ok((_, notice)) if notice.after <= now => due.push((key, notice, stored.version)),
                    Ok(_) => done.waiting += 1,
                    Err(e) => {
                        // The others are not to wait for it.
                        tracing::error!(error = %e, key, "a notice cannot be read");
                        done.failed += 1;
                    }
                }
            }
            let ends = due.into_iter().map(|(key, notice, version)| self.deliver_one(key, notice, version));
            let mut ends = stream::iter(ends).buffer_unordered(AT_ONCE);
            while let Some(end) = ends.next().await {
                match end? {
                    End::Taken => done.taken += 1,
                    End::Failed => done.failed += 1,
                    End::Dropped => done.dropped += 1,
                    End::Before => {}
                }
            }
        }
    }

    /// Returns when a notice was put into the outbox by this process since the last call of [`deliver`](Self::deliver), or may
    /// have been.
    pub async fn undelivered(&self) {
        let notices = self.notices();
        loop {
            let heard = notices.changed.listen();
            if notices.put.load(Ordering::SeqCst) {
                return;
            }
            heard.await;
        }
    }

    async fn deliver_one(&self, key: String, mut notice: NoticeRecord, version: Version) -> Result<End> {
        let id = notice.outcome.id.clone();
        if self.records().get::<ToldRecord>(&keys::told(&id)).await?.is_some() {
            // Only the notice was left, or somebody put it once more who had looked before.
            self.records().remove_any(&key).await?;
            return Ok(End::Before);
        }
        let time = self.clock().sleep(self.settings().notice_time);
        let ended = match select(self.events().deliver(&notice.outcome), time).await {
            Either::Left((ended, _)) => ended,
            Either::Right(_) => Err(format!("it took longer than {:?}", self.settings().notice_time)),
        };
        let now = self.clock().now();
        let end = match ended {
            Ok(()) => End::Taken,
            Err(why) if now >= notice.outcome.committed.plus(self.settings().notice_lifetime) => {
                metrics::counter!("upload_notices_dropped_total").increment(1);
                tracing::error!(%id, %why, attempts = notice.attempts, "the notice of a completed upload is given up");
                End::Dropped
            }
            Err(why) => {
                tracing::warn!(%id, %why, attempts = notice.attempts, "the notice of a completed upload was not taken");
                let wait = Duration::from_secs(1).saturating_mul(1 << notice.attempts.min(12)).min(LONGEST);
                notice.attempts = notice.attempts.saturating_add(1);
                notice.after = now.plus(wait);
                // Lost: another process tried it as well.
                self.records().put(&key, &notice, Expected::Version(version)).await?;
                return Ok(End::Failed);
            }
        };
        if now >= notice.outcome.committed.plus(self.settings().replay) {
            // The sweep, which removes the mark, may have been here for the last time.
            self.due(&id, now.hour()).await?;
        }
        // The mark first: without it the sweep would put the notice again.
        self.records().put_once(&keys::told(&id), &ToldRecord::default()).await?;
        self.records().remove_any(&key).await?;
        Ok(end)
    }

    /// Puts the notice of a completed upload into the outbox, unless it was delivered before.
    pub(crate) async fn keep_notice(&self, outcome: &Outcome) -> Result<()> {
        if !self.events().keeps() {
            return Ok(());
        }
        if self.records().get::<ToldRecord>(&keys::told(&outcome.id)).await?.is_some() {
            return Ok(());
        }
        let notice = NoticeRecord::new(outcome.clone(), self.clock().now());
        self.records().put_once(&keys::notice(&outcome.id), &notice).await?;
        self.notices().put.store(true, Ordering::SeqCst);
        self.notices().changed.notify(usize::MAX);
        Ok(())
    }
}

enum End {
    Taken,
    Failed,
    Dropped,
    /// It had been delivered before.
    Before,
}
