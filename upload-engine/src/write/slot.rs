//! Writing a chunk to its slot: all of it counts, or nothing.

use std::sync::Arc;

use upload_checksum::Fingerprint;
use upload_chunking::assembly::{At, AttemptState, Close, Key, Move, Refused, Row, Stop, Stopped};
use upload_core::{
    Error, ErrorKind, Result,
    lifecycle::refusal,
    ports::Mover,
    record::{Failure, FailureKind, Phase},
};

use super::{Asked, Placed, ended, record::other_bytes, refused, stopped};
use crate::{
    digest::yield_now,
    engine::Engine,
    intake::{self, Filled, Intake},
    live::{Attempt, Live},
    look::{Look, Watch},
    types::{Body, Write, Written},
};

/// How the body of a chunk was taken in.
enum Taken {
    /// All of it, to the attempt's place; what its first bytes were seen to be.
    Whole(Option<Option<String>>),
    /// A newer attempt has the place.
    Displaced,
}

impl Engine {
    pub(super) async fn write_slot(
        &self,
        live: &Arc<Live>,
        write: Write,
        body: &mut Body<'_>,
    ) -> Result<Written> {
        let At::Slot { n, .. } = write.at else {
            return Err(Error::internal("a slot write without a slot"));
        };
        let key = Key::Slot(n);
        let placed = match self.ask(live, write.at, write.declared).await? {
            Asked::Recorded => {
                let mut look = Look::new(None);
                Intake::new(self, body, None)
                    .drain(|frame| self.compare_frame(live, key, &mut look, frame))
                    .await?;
                return self.compare(live, key, look.take_print(), write).await;
            }
            Asked::Displaced => {
                let intake = Intake::new(self, body, None);
                return self.read_on(live, key, intake, Look::new(None), write).await;
            }
            Asked::Placed(placed) => placed,
        };
        let start = placed.start;
        let mut look = Look::new(self.digests_at(live, start, n));
        let mut intake = Intake::new(self, body, Some(&live.told));
        let found = match self.take_slot(&placed, n, &mut intake, &mut look).await? {
            Taken::Whole(found) => found,
            Taken::Displaced => {
                drop(placed);
                return self.read_on(live, key, intake, look, write).await;
            }
        };
        let Some(row) = self.close_slot(&placed.attempt).await? else {
            drop(placed);
            return self.read_on(live, key, intake, look, write).await;
        };
        drop(intake);
        self.sync(live).await?;
        let digests = look.digests.take();
        let complete = self.record(&placed.attempt, row, look.take_print()).await?;
        // Only now: bytes that do not count say nothing about the content.
        if found.is_some() {
            live.state().detected = found;
        }
        drop(placed);
        live.notify();
        self.count(row.len);
        if let Some(copy) = digests.filter(|_| row.start == start) {
            live.digest.lock().await.replace(start, copy);
        }
        self.advance(live, row.len).await;
        self.stored(live, complete && write.finish_when_complete).await
    }

    /// Reads a displaced body on and answers what its place got.
    async fn read_on(
        &self,
        live: &Arc<Live>,
        key: Key,
        mut intake: Intake<'_, '_>,
        mut look: Look,
        write: Write,
    ) -> Result<Written> {
        look.digests = None;
        intake.drain(|frame| self.compare_frame(live, key, &mut look, frame)).await?;
        self.compare_when_recorded(live, key, look.take_print(), write).await
    }

    /// A copy of the digests, if this slot goes on where they stand.
    fn digests_at(&self, live: &Live, start: u64, n: u32) -> Option<upload_checksum::HasherSet> {
        // A slot whose place is not known yet also says 0; only the first one really starts there.
        if start == 0 && n > 0 {
            return None;
        }
        live.digest.try_lock()?.copy_at(start)
    }

    async fn take_slot(
        &self,
        placed: &Placed,
        n: u32,
        intake: &mut Intake<'_, '_>,
        look: &mut Look,
    ) -> Result<Taken> {
        let attempt = &placed.attempt;
        let live = &attempt.live;
        self.stage(attempt).await?;
        let mut watch = (n == 0).then(Watch::new);
        let rule = live.state().view.head.policy.types.clone();
        let mut writing = None;
        loop {
            let filled = intake.fill(&mut writing, || ended(attempt)).await;
            match filled {
                Filled::Failed(e) | Filled::Cut(e) => return Err(e),
                Filled::Stopped => return self.why_ended(attempt),
                Filled::Batch | Filled::End => {}
            }
            let (batch, len) = intake.take(&filled);
            intake::finish(&mut writing).await?;
            if len > 0 {
                if let Some(Err(e)) = watch.as_mut().map(|w| w.look(self.sniffer(), &rule, &batch)) {
                    return Err(self.refuse_type(live, e).await);
                }
                let pieces = match self.grant(attempt, len) {
                    Ok(pieces) => pieces,
                    Err(Stopped::Ended(_) | Stopped::Gone) => {
                        // Bytes that a newer attempt's place does not get still count for the fingerprint.
                        look.at(&batch).await;
                        return self.why_ended(attempt);
                    }
                    Err(why) => return Err(named(n, stopped(why))),
                };
                writing = self.start_write(live, &batch, pieces).await?;
                look.at(&batch).await;
            }
            if matches!(filled, Filled::End) {
                intake::finish(&mut writing).await?;
                break;
            }
        }
        match watch {
            Some(watch) => Ok(Taken::Whole(self.watched(live, watch, look.len()).await?)),
            None => Ok(Taken::Whole(None)),
        }
    }

    /// What the first chunk has shown of the content's type.
    async fn watched(&self, live: &Arc<Live>, mut watch: Watch, len: u64) -> Result<Option<Option<String>>> {
        let (rule, whole) = {
            let state = live.state();
            (state.view.head.policy.types.clone(), state.view.head.length == Some(len))
        };
        // A first chunk shorter than what the type needs says nothing yet; the staged bytes will.
        if whole && let Err(e) = watch.end(self.sniffer(), &rule) {
            return Err(self.refuse_type(live, e).await);
        }
        Ok(watch.found)
    }

    pub(super) async fn refuse_type(&self, live: &Arc<Live>, e: Error) -> Error {
        self.fail(live, Failure::new(FailureKind::TypeRefused, e.detail)).await
    }

    fn why_ended(&self, attempt: &Attempt) -> Result<Taken> {
        let state = attempt.live.state();
        if let Some(why) = refusal(&state.view.head.phase).filter(|e| e.kind == ErrorKind::Gone) {
            return Err(why);
        }
        match state.view.rows.attempt_state(attempt.id) {
            AttemptState::Ended(Stop::Displaced) | AttemptState::Gone => Ok(Taken::Displaced),
            AttemptState::Ended(stop @ Stop::TotalChanged { .. }) => {
                Err(Error::new(ErrorKind::Misplaced, stop.to_string()))
            }
            AttemptState::Ended(stop) => Err(Error::new(ErrorKind::Busy, stop.to_string())),
            AttemptState::Running => Err(Error::internal("an attempt stopped without being told")),
        }
    }

    /// Finds the chunk's place and brings all its bytes there; `None` if a newer attempt has the place.
    async fn close_slot(&self, attempt: &Arc<Attempt>) -> Result<Option<Row>> {
        let live = &attempt.live;
        loop {
            self.sure(live).await?;
            let heard = live.changed.listen();
            let close = live.state().view.rows.close(attempt.id);
            // Attempts in its way were told to stop.
            live.tell();
            match close {
                Err(Refused::Ended(Stop::Displaced) | Refused::Gone) => return Ok(None),
                Err(why) => return Err(refused(why)),
                Ok(Close::NeedShape(shape)) => self.put_shape(live, shape.into()).await?,
                Ok(Close::Wait) => heard.await,
                Ok(Close::Ready { row, moves }) => {
                    if let Some(m) = moves {
                        self.move_within(attempt, m).await?;
                    }
                    return Ok(Some(row));
                }
                Ok(Close::Done) => return Err(Error::internal("a slot closed as an extent")),
            }
        }
    }

    async fn move_within(&self, attempt: &Arc<Attempt>, m: Move) -> Result<()> {
        let staging = attempt.live.state().view.head.staging.clone();
        let mover: Option<&dyn Mover> = self.blobs().mover();
        if let Some(mover) = mover {
            return Ok(mover.move_within(&staging, m.from, m.to, m.len, attempt.move_permit()).await?);
        }
        let piece = self.settings().max_batch.max(1) as u64;
        let mut done = 0;
        while done < m.len {
            let len = piece.min(m.len - done);
            let bytes = self.blobs().read_staged(&staging, m.from + done..m.from + done + len).await?;
            self.blobs().write(&staging, m.to + done, vec![bytes], attempt.move_permit()).await?;
            done += len;
            yield_now().await;
        }
        Ok(())
    }

    /// Stops reading a repeated chunk as soon as it is longer than the stored one.
    fn compare_frame(&self, live: &Live, key: Key, look: &mut Look, frame: &bytes::Bytes) -> Result<()> {
        look.print_only(frame);
        match live.state().view.rows.row(key) {
            Some(row) if look.len() > row.len => Err(other_bytes()),
            _ => Ok(()),
        }
    }

    /// Answers a chunk whose place has a row, or had one when the upload was completed.
    async fn compare(&self, live: &Arc<Live>, key: Key, print: Fingerprint, write: Write) -> Result<Written> {
        let gone = refusal(&live.state().view.head.phase).filter(|e| e.kind == ErrorKind::Gone);
        if let Some(why) = gone {
            return Err(why);
        }
        // A completed upload's rows go when the time of replay is over.
        let stored = self.row(live, key).await?.ok_or_else(Error::not_found)?;
        if stored.print != print {
            return Err(other_bytes());
        }
        let complete = {
            let state = live.state();
            !matches!(state.view.head.phase, Phase::Receiving) || state.view.rows.is_complete()
        };
        self.stored(live, complete && write.finish_when_complete).await
    }

    /// Waits for the row of a newer attempt, then compares; if all those end without one, the client sends again.
    async fn compare_when_recorded(
        &self,
        live: &Arc<Live>,
        key: Key,
        print: Fingerprint,
        write: Write,
    ) -> Result<Written> {
        let Key::Slot(n) = key else {
            return Err(Error::internal("a slot write without a slot"));
        };
        let recorded = live
            .until(|s| {
                let over = !matches!(s.view.head.phase, Phase::Receiving) || s.view.rows.row(key).is_some();
                (over || !s.is_wanted(n)).then_some(over)
            })
            .await;
        if recorded {
            return self.compare(live, key, print, write).await;
        }
        Err(Error::new(ErrorKind::Busy, "a newer request had this place and broke off; send the chunk again"))
    }
}

/// The error with the chunk's number before it.
fn named(n: u32, mut e: Error) -> Error {
    e.detail = format!("chunk number {n}, counted from 0: {}", e.detail);
    e
}
