//! Writing by offset: bytes count as they arrive, in extents; a cut loses none that reached us. Those of a body that must have a
//! digest count all at once, when it has it.

use std::sync::Arc;

use bytes::Bytes;
use upload_checksum::Fingerprinter;
use upload_chunking::assembly::{At, AttemptState, Key, Piece, Row, Stopped, Target};
use upload_core::{
    Error, ErrorKind, Result,
    lifecycle::refusal,
    ports::Permit,
    record::{Lies, Phase, RowRecord},
};

use super::{Asked, Placed, record::other_bytes, stopped, told};
use crate::{
    engine::Engine,
    intake::{self, Filled, Intake, Writing},
    live::{Attempt, Live},
    look::{Look, Watch},
    segments::Keeper,
    types::{Body, Write, Written},
};

/// The running state of one body written by offset.
struct Extents<'a> {
    engine: &'a Engine,
    attempt: &'a Arc<Attempt>,
    look: Look,
    watch: Option<Watch>,
    /// Why the type that was seen is refused, where the bytes do not count yet.
    refused: Option<Error>,
    /// Bytes written since the last row.
    open: u64,
    writing: Option<Writing<'a>>,
    /// What is kept in parts and fragments, where nothing is written in place.
    keeper: Option<Keeper<'a>>,
    /// What is compared with rows instead of with bytes, where those cannot be read.
    comparing: Option<Comparing>,
}

/// Compares bytes that came again with the fingerprints of the rows that hold them.
#[derive(Debug)]
struct Comparing {
    row: RowRecord,
    print: Fingerprinter,
}

impl Engine {
    pub(super) async fn write_offset(
        &self,
        live: &Arc<Live>,
        write: Write,
        body: &mut Body<'_>,
    ) -> Result<Written> {
        let placed = match self.ask(live, write.at, write.declared).await? {
            Asked::Placed(placed) => placed,
            Asked::Recorded => return self.repeated_extent(live, write, body).await,
            Asked::Displaced => return Err(Error::internal("an offset write that waits for a slot")),
        };
        let end = self.take_extents(&placed, &write, body).await;
        let frontier_before = placed.start;
        drop(placed);
        live.notify();
        end?;
        let (complete, came) = {
            let state = live.state();
            (state.view.rows.is_complete(), state.view.rows.frontier().saturating_sub(frontier_before))
        };
        self.advance(live, came).await;
        self.stored(live, complete && write.finish_when_complete).await
    }

    async fn take_extents(&self, placed: &Placed, write: &Write, body: &mut Body<'_>) -> Result<()> {
        let attempt = &placed.attempt;
        let live = &attempt.live;
        let begins = placed.start == 0 && placed.compare_until == 0;
        let digests = live.digest.try_lock().and_then(|d| d.copy_at(placed.start.max(placed.compare_until)));
        let look = Look::new(digests).expecting(write, begins);
        let most = if look.is_expecting() { self.settings().max_checked } else { u64::MAX };
        let fits = |bytes| if bytes > most { Err(too_long_to_check(bytes, most)) } else { Ok(()) };
        fits(write.declared.unwrap_or(0))?;
        self.stage(attempt).await?;
        let mut extents = Extents {
            engine: self,
            attempt,
            look,
            watch: begins.then(Watch::new),
            refused: None,
            open: 0,
            writing: None,
            keeper: self.keeper(live, At::Offset(placed.start)),
            comparing: None,
        };
        let mut intake = Intake::new(self, body, Some(&live.told));
        let mut come = 0;
        loop {
            if let Some(keeper) = &extents.keeper {
                intake.part(keeper.room(come)?);
            }
            let filled = intake.fill(&mut extents.writing, || told(attempt)).await;
            if let Filled::Failed(e) = filled {
                return Err(e);
            }
            let (batch, len) = intake.take(&filled);
            intake::finish(&mut extents.writing).await?;
            come += len;
            fits(come)?;
            if len > 0 {
                match self.places(attempt, len) {
                    Ok(pieces) => extents.write(&batch, len, pieces).await?,
                    Err(why) => {
                        // It keeps what its last write had taken; this batch is its successor's, or too much.
                        extents.keep().await?;
                        return Err(match why {
                            Stopped::Ended(_) | Stopped::Gone => self.why_stopped(attempt),
                            why => stopped(why),
                        });
                    }
                }
            }
            match filled {
                Filled::Batch if extents.has_window() => {}
                Filled::Batch => extents.keep().await?,
                Filled::End => return extents.end().await,
                Filled::Cut(e) => {
                    extents.keep().await?;
                    return Err(e);
                }
                Filled::Stopped => {
                    extents.keep().await?;
                    return Err(self.why_stopped(attempt));
                }
                Filled::Failed(e) => return Err(e),
            }
        }
    }

    fn why_stopped(&self, attempt: &Attempt) -> Error {
        let state = attempt.live.state();
        if let Some(why) = refusal(&state.view.head.phase).filter(|e| e.kind == ErrorKind::Gone) {
            return why;
        }
        match state.view.rows.attempt_state(attempt.id) {
            AttemptState::Ended(stop) => Error::new(ErrorKind::Busy, stop.to_string()),
            _ => Error::new(ErrorKind::Busy, "the upload goes on in another request"),
        }
    }

    /// A body for an upload that is complete: the same bytes get the outcome.
    async fn repeated_extent(&self, live: &Arc<Live>, write: Write, body: &mut Body<'_>) -> Result<Written> {
        let At::Offset(offset) = write.at else {
            return Err(Error::internal("an offset write without an offset"));
        };
        let mut look = Look::new(None).expecting(&write, false);
        Intake::new(self, body, None)
            .drain(|frame| {
                look.print_only(frame);
                Ok(())
            })
            .await?;
        look.verify()?;
        let print = look.take_print();
        // The extents of that body may have been recorded in pieces: their fingerprints combine.
        let mut known = upload_checksum::Fingerprint::EMPTY;
        while known.len < print.len {
            let at = Key::Offset(offset.saturating_add(known.len));
            let Some(row) = self.row(live, at).await?.filter(|row| row.print.len > 0) else {
                // The rows of a completed upload go when the time of replay is over.
                self.row(live, Key::Offset(0)).await?.ok_or_else(Error::not_found)?;
                let (length, frontier) = {
                    let rows = &live.state().view.rows;
                    (rows.length(), rows.frontier())
                };
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("the upload is complete; nothing that is stored begins at byte {offset}"),
                )
                .with_facts(offset, length.unwrap_or(frontier)));
            };
            known = known.combine(row.print);
        }
        if known != print {
            return Err(other_bytes());
        }
        self.stored(live, write.finish_when_complete).await
    }

    /// Compares what is recorded already with what came again, under permits; gives how many bytes are new.
    async fn compare_staged(&self, live: &Live, batch: &[Bytes], pieces: &[Piece]) -> Result<u64> {
        let staging = {
            let head = &live.state().view.head;
            let published = matches!(head.phase, Phase::Committing { .. } | Phase::Completed { .. });
            if published && pieces.iter().any(|piece| piece.target == Target::Compare) {
                // Whoever completed it may have moved the bytes; nobody does who has to wait for our permits.
                return Err(Error::new(ErrorKind::Busy, "the upload was completed by another request"));
            }
            head.staging.clone()
        };
        let (mut from, mut fresh) = (0, 0);
        for piece in pieces {
            if piece.target == Target::Compare {
                let range = piece.position..piece.position + piece.len;
                let stored = self.blobs().read_staged(&staging, range).await?;
                let mut rest = &stored[..];
                for frame in super::cut(batch, from, piece.len) {
                    match rest.split_at_checked(frame.len()) {
                        Some((same, after)) if same == frame => rest = after,
                        _ => return Err(other_bytes()),
                    }
                }
            } else {
                fresh += piece.len;
            }
            from += piece.len;
        }
        Ok(fresh)
    }
}

impl Extents<'_> {
    /// Starts to write a batch where it was granted. After an error nothing of this attempt may be recorded any
    /// more: the grant counts, the bytes may not be there.
    async fn write(&mut self, batch: &[Bytes], len: u64, pieces: Vec<(Piece, Permit)>) -> Result<()> {
        let live = &self.attempt.live;
        let places: Vec<Piece> = pieces.iter().map(|(piece, _)| *piece).collect();
        let fresh = match self.keeper {
            Some(_) => self.compare_rows(batch, &places).await?,
            None => self.engine.compare_staged(live, batch, &places).await?,
        };
        if let Some(watch) = &mut self.watch {
            let rule = live.state().view.head.policy.types.clone();
            if let Err(e) = watch.look(self.engine.sniffer(), &rule, batch) {
                if !self.look.is_expecting() {
                    drop(pieces);
                    return Err(self.engine.refuse_type(live, e).await);
                }
                self.refused = Some(e);
            }
        }
        if fresh < len {
            self.look.compared(&super::cut(batch, 0, len - fresh)).await;
        }
        let batch = super::cut(batch, len - fresh, fresh);
        let pieces: Vec<_> = pieces.into_iter().filter(|(p, _)| p.target != Target::Compare).collect();
        self.writing = self.engine.start_write(live, &mut self.keeper, batch.clone(), pieces).await?;
        self.look.at(&batch).await;
        self.open += fresh;
        Ok(())
    }

    /// Compares what is recorded already with what came again, row by row; gives how many bytes are new. What came again begins
    /// where a row does.
    async fn compare_rows(&mut self, batch: &[Bytes], pieces: &[Piece]) -> Result<u64> {
        let live = &self.attempt.live;
        let (mut from, mut fresh) = (0, 0);
        for piece in pieces {
            if piece.target != Target::Compare {
                from += piece.len;
                fresh += piece.len;
                continue;
            }
            let (mut position, end) = (piece.position, piece.position + piece.len);
            while position < end {
                let mut comparing = match self.comparing.take() {
                    Some(comparing) => comparing,
                    None => {
                        let row = self.engine.row(live, Key::Offset(position)).await?;
                        Comparing { row: row.ok_or_else(other_bytes)?, print: Fingerprinter::new() }
                    }
                };
                let row_end = comparing.row.start + comparing.row.print.len;
                let len = end.min(row_end).saturating_sub(position);
                super::cut(batch, from, len).iter().for_each(|frame| comparing.print.update(frame));
                (from, position) = (from + len, position + len);
                if position < row_end {
                    self.comparing = Some(comparing);
                } else if comparing.print.finish() != comparing.row.print {
                    return Err(other_bytes());
                }
            }
        }
        Ok(fresh)
    }

    /// Whether another batch may be taken in before what is written becomes a row: at risk is what is in hand, too.
    fn has_window(&self) -> bool {
        let settings = self.engine.settings();
        self.open.saturating_add(settings.max_batch as u64) <= settings.checkpoint || self.look.is_expecting()
    }

    /// What has arrived becomes a row, if it counts already.
    async fn keep(&mut self) -> Result<()> {
        if self.look.is_expecting() {
            intake::finish(&mut self.writing).await
        } else {
            self.checkpoint().await
        }
    }

    /// What has been written becomes a row.
    async fn checkpoint(&mut self) -> Result<()> {
        intake::finish(&mut self.writing).await?;
        let live = &self.attempt.live;
        let row = live.state().view.rows.close_extent(self.attempt.id).map_err(super::refused)?;
        let Some(row) = row else { return Ok(()) };
        self.engine.sync(live).await?;
        self.record(row).await
    }

    async fn record(&mut self, row: Row) -> Result<()> {
        let live = &self.attempt.live;
        let lies = self.keeper.as_ref().map_or(Lies::InPlace, Keeper::take);
        let record = RowRecord::new(row.start, self.look.take_print(), lies);
        self.engine.record(self.attempt, row.at, &record).await?;
        live.notify();
        self.open = 0;
        self.engine.count(row.len);
        self.engine.fold_behind(live, row, &record.lies).await;
        if let Some(copy) = &self.look.digests {
            let mut frontier = live.digest.lock().await;
            frontier.replace(row.start, copy.clone());
            self.engine.save_digest(live, &mut frontier, self.engine.settings().digest_save).await?;
        }
        if let Some(found) = self.watch.as_ref().and_then(|w| w.found.clone()) {
            live.state().detected = Some(found);
            self.watch = None;
        }
        Ok(())
    }

    async fn end(mut self) -> Result<()> {
        intake::finish(&mut self.writing).await?;
        if self.comparing.is_some() {
            // The rest of that row cannot be compared with anything.
            return Err(Error::new(
                ErrorKind::Conflict,
                "bytes up to here and beyond are stored; ask how far the upload is and go on from there",
            ));
        }
        let live = Arc::clone(&self.attempt.live);
        let whole = {
            let state = live.state();
            state.view.head.length == Some(state.view.rows.frontier() + self.open)
        };
        if whole && let Some(watch) = &mut self.watch {
            let rule = live.state().view.head.policy.types.clone();
            if let Err(e) = watch.end(self.engine.sniffer(), &rule) {
                self.refused = Some(e);
            }
        }
        // Bytes that are not what they should be say nothing about the content.
        self.look.verify()?;
        if let Some(e) = self.refused {
            return Err(self.engine.refuse_type(&live, e).await);
        }
        self.checkpoint().await
    }
}

fn too_long_to_check(bytes: u64, most: u64) -> Error {
    Error::too_large("a body that is checked as a whole", bytes, most)
}
