//! Writing to an upload.
//!
//! ```text
//! body ─ frames ─> batch ─> grant: where do they go? ─> BlobStore::write (permit) ┐
//!                    └────> fingerprint, digests, content type (while it runs)  ─┴─> durable ─> row ─> answer
//! ```
//! [`slot`] and [`offset`] differ in what a cut body and a displaced attempt leave behind; everything else is here.

mod offset;
mod record;
mod slot;

use std::sync::Arc;

use bytes::Bytes;
use tracing::Instrument as _;
use upload_chunking::assembly::{At, AttemptState, Opened, Piece, Refused, Stopped};
use upload_core::{
    Action, Error, ErrorKind, Principal, Result, UploadId,
    lifecycle::refusal,
    ports::Permit,
    record::{Addressing, Phase},
};

use crate::{
    change::given_up,
    engine::Engine,
    intake::{self, Told, Writing},
    live::{Attempt, Live, Waiting},
    segments::Keeper,
    types::{Body, Write, Written},
};

/// An attempt that got its place.
pub(crate) struct Placed {
    attempt: Arc<Attempt>,
    start: u64,
    compare_until: u64,
}

/// What asking for a place gave.
pub(crate) enum Asked {
    Placed(Placed),
    /// There is a row already: only compare.
    Recorded,
    /// A newer request for the slot came while this one waited for it.
    Displaced,
}

impl Engine {
    /// Writes a body at its place. Returns when the bytes are durable (in the store's sense) and recorded.
    ///
    /// A chunk that is stored already is only compared: the same bytes get the same answer, also when the upload is
    /// complete by now. If the write makes the set complete and asks for it, it finishes the upload.
    ///
    /// # Errors
    /// `Misplaced` for a chunk that cannot fit, `Conflict` for other bytes or another offset than those stored, `Gone`
    /// for an upload that takes nothing more, `Interrupted` and `TimedOut` for a body that broke off (by offset, what
    /// arrived is kept), `Busy` when another request has the place, `DigestMismatch` for a body that has not the digest it
    /// should have (nothing of it counts then), and what the body itself reports.
    pub async fn write(
        &self,
        who: &Principal,
        id: &UploadId,
        write: Write,
        body: &mut Body<'_>,
    ) -> Result<Written> {
        let live = self.enter(who, id, Action::Write).await?;
        let otherwise = {
            let head = &live.state().view.head;
            let composed =
                head.is_composed().then_some("this upload is composed of others; no bytes come for it");
            head.by_grant.then_some("the bytes of this upload come by signed requests").or(composed)
        };
        if let Some(text) = otherwise {
            return Err(Error::new(ErrorKind::Misplaced, text));
        }
        self.write_live(&live, write, body).await
    }

    /// The same, for whoever may.
    pub(crate) async fn write_live(
        &self,
        live: &Arc<Live>,
        write: Write,
        body: &mut Body<'_>,
    ) -> Result<Written> {
        let span = live.span.clone();
        async {
            let addressing = live.state().view.head.addressing;
            match (addressing, write.at) {
                (Addressing::Slots, At::Slot { .. }) if write.trailing.is_some() => {
                    let text = "the digest of a chunk is told before its bytes";
                    Err(Error::new(ErrorKind::Unsupported, text))
                }
                (Addressing::Slots, At::Slot { .. }) => self.write_slot(live, write, body).await,
                (Addressing::Offsets, At::Offset(_)) => self.write_offset(live, write, body).await,
                _ => Err(refused(Refused::OtherKind)),
            }
        }
        .instrument(span)
        .await
        .map_err(|e| {
            // What was given up meanwhile takes its bytes along: that is the reason, not what came of it.
            let phase = &live.state().view.head.phase;
            let follows =
                matches!(e.kind, ErrorKind::StorageUnavailable | ErrorKind::Corrupt | ErrorKind::Busy);
            refusal(phase).filter(|_| follows && given_up(phase)).unwrap_or(e)
        })
    }

    /// Asks for the place until it is given or refused.
    async fn ask(&self, live: &Arc<Live>, at: At, declared: Option<u64>) -> Result<Asked> {
        let mut ticket = None;
        let mut waiting = None;
        loop {
            self.sure(live).await?;
            let heard = live.changed.listen();
            let (opened, halts) = {
                let mut state = live.state();
                let recorded = matches!(
                    state.view.head.phase,
                    Phase::Verifying { .. } | Phase::Committing { .. } | Phase::Completed { .. }
                );
                if recorded {
                    return Ok(Asked::Recorded);
                }
                if let Some(why) = refusal(&state.view.head.phase) {
                    return Err(why);
                }
                if self.clock().now() >= state.view.head.deadline {
                    return Err(Error::new(ErrorKind::Gone, "the upload has expired"));
                }
                let rows = &mut state.view.rows;
                let opened = match ticket.take() {
                    None => rows.open(at, declared),
                    Some(ticket) => rows.reopen(ticket),
                };
                if waiting.is_none() && matches!(opened, Ok(Opened::Wait(_))) {
                    waiting = Waiting::new(live, &mut state, at);
                }
                (opened, state.halts)
            };
            // The one that was told to stop may be waiting for its socket.
            live.tell();
            let opened = match opened {
                Err(Refused::Displaced) if waiting.is_some() => return Ok(Asked::Displaced),
                opened => opened.map_err(refused)?,
            };
            match opened {
                Opened::Write { attempt, compare_until, start } => {
                    let attempt = Arc::new(Attempt { live: Arc::clone(live), id: attempt, halts });
                    return Ok(Asked::Placed(Placed { attempt, start, compare_until }));
                }
                Opened::Compare(_) => return Ok(Asked::Recorded),
                Opened::Wait(t) => {
                    ticket = Some(t);
                    heard.await;
                }
            }
        }
    }

    /// Tells the store of the staging object before the first bytes go there.
    async fn stage(&self, attempt: &Arc<Attempt>) -> Result<()> {
        if self.blobs().parts().is_some() {
            return Ok(());
        }
        let live = &attempt.live;
        // Nothing is discarded meanwhile.
        let _permit = attempt.move_permit();
        let (staging, length, staged) = {
            let state = live.state();
            (state.view.head.staging.clone(), state.view.head.length, state.staged)
        };
        if !staged {
            self.blobs().stage(&staging, length).await?;
            live.state().staged = true;
        }
        Ok(())
    }

    /// Where the next `len` bytes go, with a permit for each piece.
    fn places(&self, attempt: &Arc<Attempt>, len: u64) -> Result<Vec<(Piece, Permit)>, Stopped> {
        let grant = attempt.live.state().view.rows.grant(attempt.id, len)?;
        let permits = attempt.permits(grant.pieces.len().max(1));
        Ok(grant.pieces.into_iter().zip(permits).collect())
    }

    /// Starts the write of a batch to the pieces it was granted.
    async fn start_write<'a, 'k: 'a>(
        &'a self,
        live: &'a Live,
        keeper: &mut Option<Keeper<'k>>,
        batch: Vec<Bytes>,
        pieces: Vec<(Piece, Permit)>,
    ) -> Result<Option<Writing<'a>>> {
        if let Some(keeper) = keeper {
            return start_keeping(keeper, batch, pieces).await;
        }
        let staging = live.state().view.head.staging.clone();
        let mut from = 0;
        let mut jobs = Vec::with_capacity(pieces.len());
        for (piece, permit) in pieces {
            jobs.push((piece.position, cut(&batch, from, piece.len), permit));
            from += piece.len;
        }
        if jobs.is_empty() {
            return Ok(None);
        }
        let write: Writing<'a> = Box::pin(async move {
            for (position, bytes, permit) in jobs {
                self.blobs().write(&staging, position, bytes, permit).await?;
            }
            Ok::<(), Error>(())
        });
        intake::start(write).await
    }

    /// Ends the upload as the failed sync of its storage demands: a sync is never tried again.
    pub(crate) async fn sync(&self, live: &Arc<Live>) -> Result<()> {
        if self.blobs().parts().is_some() {
            // What is a segment is durable.
            return Ok(());
        }
        let staging = live.state().view.head.staging.clone();
        match self.blobs().sync(&staging).await {
            Ok(()) => Ok(()),
            // It was discarded together with the upload.
            Err(e) if given_up(&live.state().view.head.phase) => Err(e.into()),
            Err(e) => {
                tracing::error!(parent: &live.span, error = %e, "a sync failed: the upload fails with it");
                let failure = upload_core::record::Failure::new(
                    upload_core::record::FailureKind::Storage,
                    "the storage could not keep what it had taken",
                );
                self.fail(live, failure).await;
                Err(e.into())
            }
        }
    }
}

/// The same, where batches become parts and fragments.
async fn start_keeping<'a>(
    keeper: &mut Keeper<'a>,
    batch: Vec<Bytes>,
    pieces: Vec<(Piece, Permit)>,
) -> Result<Option<Writing<'a>>> {
    let (pieces, permits): (Vec<Piece>, Vec<Permit>) = pieces.into_iter().unzip();
    let jobs = keeper.next(batch, &pieces)?;
    if jobs.is_empty() {
        return Ok(None);
    }
    let storing = keeper.store(jobs);
    let write: Writing<'a> = Box::pin(async move {
        let stored = storing.await;
        drop(permits);
        stored
    });
    intake::start(write).await
}

/// What the attempt was told.
fn told(attempt: &Attempt) -> Told {
    let state = attempt.live.state();
    match state.view.rows.attempt_state(attempt.id) {
        AttemptState::Running if attempt.halts < state.halts => Told::Last,
        AttemptState::Running => Told::Nothing,
        _ => Told::Stop,
    }
}

/// The bytes `from..from + len` of a batch, sharing its memory.
pub(crate) fn cut(batch: &[Bytes], from: u64, len: u64) -> Vec<Bytes> {
    let (mut skip, mut left) = (from, len);
    let mut out = Vec::with_capacity(batch.len());
    for frame in batch {
        let size = frame.len() as u64;
        if skip >= size {
            skip -= size;
            continue;
        }
        let take = left.min(size - skip);
        if take == 0 {
            break;
        }
        // Both are at most the frame's own length.
        out.push(frame.slice(skip as usize..(skip + take) as usize));
        left -= take;
        skip = 0;
    }
    out
}

/// What the machine refused, in the engine's words.
pub(crate) fn refused(why: Refused) -> Error {
    let text = why.to_string();
    match why {
        Refused::TooLong { most, got } => Error::new(ErrorKind::Misplaced, text).with_facts(got, most),
        Refused::WrongSize { got, .. } => {
            let mut e = Error::new(ErrorKind::Misplaced, text);
            e.facts.got = Some(got);
            e
        }
        Refused::OffsetConflict { expected, got } => {
            Error::new(ErrorKind::Conflict, text).with_facts(got, expected)
        }
        Refused::LengthChanged { expected, got } => {
            Error::new(ErrorKind::Conflict, text).with_facts(got, expected)
        }
        Refused::LengthTooShort { received, got } => Error::invalid(text).with_facts(got, received),
        Refused::Displaced | Refused::Ended(_) | Refused::NotSettled | Refused::Gone => {
            Error::new(ErrorKind::Busy, text)
        }
        _ => Error::new(ErrorKind::Misplaced, text),
    }
}

/// Why the machine grants nothing, in the engine's words.
fn stopped(why: Stopped) -> Error {
    let text = why.to_string();
    match why {
        Stopped::TooLong { most, got } => Error::new(ErrorKind::Misplaced, text).with_facts(got, most),
        Stopped::NoRoom => Error::new(ErrorKind::Unsupported, text),
        Stopped::Ended(_) | Stopped::Gone => Error::new(ErrorKind::Busy, text),
        _ => Error::internal(text),
    }
}
