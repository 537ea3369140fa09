//! Writing a chunk to its slot: all of it counts, or nothing.

use std::sync::Arc;

use upload_checksum::Fingerprint;
use upload_chunking::assembly::{At, AttemptState, Close, Key, Move, Refused, Row, Stop, Stopped};
use upload_core::{
    Error, ErrorKind, Result,
    lifecycle::refusal,
    ports::Mover,
    record::{Failure, FailureKind, Lies, Phase, RowRecord},
};

use super::{Asked, Placed, record::other_bytes, refused, stopped, told};
use crate::{
    digest::yield_now,
    engine::Engine,
    intake::{self, Filled, Intake},
    live::{Attempt, Live},
    look::{Look, Watch},
    segments::Keeper,
    types::{Body, Write, Written},
};

/// What the first bytes were seen to be, and why that is refused.
type Seen = (Option<Option<String>>, Option<Error>);

/// How the body of a chunk was taken in.
enum Taken {
    /// All of it, to the attempt's place; what its first bytes were seen to be, and why that is refused.
    Whole(Seen),
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
                let forgotten = match write.expected {
                    Some(_) if live.state().view.head.phase.is_terminal() => {
                        self.row(live, key).await?.is_none()
                    }
                    _ => false,
                };
                let mut look = Look::new(None).expecting(&write, false);
                Intake::new(self, body, None)
                    .drain(|frame| self.compare_frame(live, key, &mut look, frame))
                    .await?;
                if forgotten {
                    return self.compare_whole(live, look);
                }
                return self.compare_seen(live, key, look, write).await;
            }
            Asked::Displaced => {
                let intake = Intake::new(self, body, None);
                let look = Look::new(None).expecting(&write, false);
                return self.read_on(live, key, intake, look, write).await;
            }
            Asked::Placed(placed) => placed,
        };
        let start = placed.start;
        let look = Look::new(self.digests_at(live, start, n));
        let mut look = look.expecting(&write, start == 0 && n == 0);
        let mut intake = Intake::new(self, body, Some(&live.told));
        let mut keeper = self.keeper(live, write.at);
        let (found, refused) = match self.take_slot(&placed, n, &mut intake, &mut look, &mut keeper).await? {
            Taken::Whole(seen) => seen,
            Taken::Displaced => {
                drop(placed);
                return self.read_on(live, key, intake, look, write).await;
            }
        };
        if let Some(declared) = write.declared.filter(|declared| *declared != look.len()) {
            return Err(Error::new(
                ErrorKind::Misplaced,
                format!(
                    "chunk number {n}, counted from 0, has {} bytes; {declared} were announced",
                    look.len()
                ),
            )
            .with_facts(look.len(), declared));
        }
        let digest = look.verify()?;
        if let Some(e) = refused {
            return Err(self.refuse_type(live, e).await);
        }
        let Some(row) = self.close_slot(&placed.attempt).await? else {
            drop(placed);
            return self.read_on(live, key, intake, look, write).await;
        };
        let lies = match keeper {
            Some(keeper) => keeper.end(row.start).await?,
            None => Lies::InPlace,
        };
        drop(intake);
        self.sync(live).await?;
        let digests = look.digests.take();
        let mut record = RowRecord::new(row.start, look.take_print(), lies);
        record.digest = digest;
        let mut complete = self.record(&placed.attempt, row.at, &record).await?;
        if !complete && write.finish_when_complete {
            // Of two that put the last two rows at once, one must see both.
            self.learn_from_others(live).await?;
            complete = live.state().view.rows.is_complete();
        }
        // Only now: bytes that do not count say nothing about the content.
        if found.is_some() {
            live.state().detected = found;
        }
        drop(placed);
        live.notify();
        self.count(row.len);
        self.fold_behind(live, row, &record.lies).await;
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
        look.leave_the_whole();
        intake.drain(|frame| self.compare_frame(live, key, &mut look, frame)).await?;
        self.compare_seen(live, key, look, write).await
    }

    /// Answers a body that was only looked at. Bytes that are stored, but are not what this body was to be, are refused all
    /// the same, and finish nothing.
    async fn compare_seen(
        &self,
        live: &Arc<Live>,
        key: Key,
        mut look: Look,
        mut write: Write,
    ) -> Result<Written> {
        let as_expected = look.verify();
        write.finish_when_complete &= as_expected.is_ok();
        let answer = self.compare_when_recorded(live, key, look.take_print(), write).await?;
        as_expected.map(|_| answer)
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
        keeper: &mut Option<Keeper<'_>>,
    ) -> Result<Taken> {
        let attempt = &placed.attempt;
        let live = &attempt.live;
        self.stage(attempt).await?;
        let mut watch = (n == 0).then(Watch::new);
        let rule = live.state().view.head.policy.types.clone();
        // Bytes that must have a digest are not the upload's before they have it, and cannot end it.
        let (checked, mut refused) = (look.is_expecting(), None);
        let mut writing = None;
        loop {
            if let Some(keeper) = keeper {
                intake.part(keeper.room(look.len())?);
            }
            let filled = intake.fill(&mut writing, || told(attempt)).await;
            match filled {
                Filled::Failed(e) | Filled::Cut(e) => return Err(e),
                Filled::Stopped => return self.why_ended(attempt),
                Filled::Batch | Filled::End => {}
            }
            let (batch, len) = intake.take(&filled);
            intake::finish(&mut writing).await?;
            if len > 0 {
                if let Some(Err(e)) = watch.as_mut().map(|w| w.look(self.sniffer(), &rule, &batch)) {
                    if !checked {
                        return Err(self.refuse_type(live, e).await);
                    }
                    refused = Some(e);
                }
                let pieces = match self.places(attempt, len) {
                    Ok(pieces) => pieces,
                    Err(Stopped::Ended(_) | Stopped::Gone) => {
                        // Bytes that a newer attempt's place does not get still count for the fingerprint.
                        look.at(&batch).await;
                        return self.why_ended(attempt);
                    }
                    Err(why) => return Err(named(n, stopped(why))),
                };
                writing = self.start_write(live, keeper, batch.clone(), pieces).await?;
                look.at(&batch).await;
            }
            if matches!(filled, Filled::End) {
                intake::finish(&mut writing).await?;
                break;
            }
        }
        let Some(mut watch) = watch else { return Ok(Taken::Whole((None, None))) };
        // A first chunk shorter than what the type needs says nothing yet; the staged bytes will.
        let whole = live.state().view.head.length == Some(look.len());
        if whole && let Err(e) = watch.end(self.sniffer(), &rule) {
            refused = Some(e);
        }
        Ok(Taken::Whole((watch.found, refused)))
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
        if self.blobs().parts().is_some() {
            // Segments lie nowhere: the row says where they stand.
            return Ok(());
        }
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
        let state = live.state();
        let outcome = state.view.head.phase.outcome().map(|outcome| outcome.length);
        match state.view.rows.row(key).map(|row| row.len).or(outcome) {
            Some(most) if look.len() > most => Err(other_bytes()),
            _ => Ok(()),
        }
    }

    /// Answers the whole content sent again when only the outcome is known any more, by its digest.
    fn compare_whole(&self, live: &Live, mut look: Look) -> Result<Written> {
        let state = live.state();
        let outcome = match &state.view.head.phase {
            Phase::Completed { outcome, .. } => outcome.clone(),
            other => return Err(refusal(other).unwrap_or_else(Error::not_found)),
        };
        // What is not what it was to be is not what is stored either.
        let digest = look.verify().map_err(|_| other_bytes())?.ok_or_else(Error::not_found)?;
        match outcome.digests.get(digest.algorithm()) {
            Some(known) if *known == digest && look.len() == outcome.length => {
                Ok(Written::Completed(outcome))
            }
            Some(_) => Err(other_bytes()),
            None => Err(Error::not_found()),
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
        // The fingerprint is no security boundary; where both sides have a digest, that must be the same as well.
        let other = stored.digest.zip(write.expected).is_some_and(|(stored, expected)| {
            stored.algorithm() == expected.algorithm() && stored != expected
        });
        if stored.print != print || other {
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
