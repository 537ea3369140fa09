//! The digests of an upload, computed along its contiguous frontier while the bytes pass.
//!
//! A body that starts where the digests stand hashes a copy of their state as it arrives; the copy replaces the state together with
//! the body's row. Bytes that came out of order are read back, each writer as many as it wrote itself, so that nobody
//! ends up with the whole file.

use std::{ops::Range, task::Poll};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use upload_checksum::{Algorithm, HasherSet};
use upload_core::{
    Error, ErrorKind, Result,
    ports::{Expected, Version},
    record::{DigestRecord, Head, keys},
};

use crate::{
    content::Content,
    engine::Engine,
    live::{Live, Recording},
    records::PutEnd,
};

/// How many bytes are hashed before other tasks get their turn.
pub(crate) const SLICE: usize = 256 * 1024;
/// How many bytes are read back at a time.
pub(crate) const READ: u64 = 1024 * 1024;
/// The same, of an object in a store of parts.
pub(crate) const PIECE: u64 = 4 * 1024 * 1024;

/// How far the digests are.
#[derive(Debug)]
pub(crate) struct Frontier {
    pub(crate) state: HasherSet,
    saved: u64,
    version: Option<Version>,
}

/// The digests an upload needs: its policy's and those announced. Of one whose bytes do not pass here, only those announced
/// that nobody else has checked: each byte would have to be read for them.
pub(crate) fn algorithms(head: &Head) -> Vec<Algorithm> {
    let announced = head.expected.iter().map(|d| d.algorithm());
    let mut all: Vec<Algorithm> = match &head.direct {
        None => head.policy.digests.iter().copied().chain(announced).collect(),
        Some(direct) => {
            let bound = direct.bound.map(|digest| digest.algorithm());
            let unique = head.unique.is_some().then_some(Algorithm::Sha256);
            announced.chain(unique).filter(|a| Some(*a) != bound).collect()
        }
    };
    all.sort();
    all.dedup();
    all
}

impl Frontier {
    pub(crate) fn new(head: &Head) -> Self {
        Self { state: HasherSet::new(algorithms(head)), saved: 0, version: None }
    }

    /// Takes up what was saved, if it fits; else the digests start again from 0 by reading back.
    pub(crate) fn resume(head: &Head, saved: Option<(DigestRecord, Version)>, frontier: u64) -> Self {
        let mut fresh = Self::new(head);
        if let Some((record, version)) = saved {
            fresh.version = Some(version);
            let fits = record.0.position() <= frontier && record.0.algorithms().eq(fresh.state.algorithms());
            if let Some(state) = HasherSet::resume(&record.0).ok().filter(|_| fits) {
                fresh.saved = state.position();
                fresh.state = state;
            }
        }
        fresh
    }

    /// A copy of the state for a body that starts where it stands.
    pub(crate) fn copy_at(&self, start: u64) -> Option<HasherSet> {
        (self.state.position() == start).then(|| self.state.clone())
    }

    /// Takes over a copy that began where the state stands now.
    pub(crate) fn replace(&mut self, start: u64, copy: HasherSet) {
        if self.state.position() == start && self.state.algorithms().eq(copy.algorithms()) {
            self.state = copy;
        }
    }
}

/// Lets other tasks run once.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Engine {
    /// Reads on from where the digests stand, at most `budget` bytes and not beyond the recorded frontier. Does nothing
    /// if somebody else is at it. Failing is no error: whoever finishes reads what is left.
    pub(crate) async fn advance(&self, live: &Live, budget: u64) {
        let Some(mut frontier) = live.digest.try_lock() else { return };
        if self.blobs().parts().is_some() {
            // Parts cannot be read before they are an object; what was hashed as it came is kept.
            if let Err(e) = self.save_digest(live, &mut frontier, self.settings().digest_save).await {
                tracing::debug!(error = %e, "the digest state was not saved");
            }
            return;
        }
        let content = Content::Staged(live.state().view.head.staging.clone());
        if let Err(e) = self.advance_locked(live, &content, &mut frontier, budget).await {
            tracing::debug!(error = %e, "the digests did not advance");
        }
    }

    pub(crate) async fn advance_locked(
        &self,
        live: &Live,
        content: &Content,
        frontier: &mut Frontier,
        budget: u64,
    ) -> Result<()> {
        if frontier.state.algorithms().next().is_none() {
            return Ok(());
        }
        let end = live.state().view.length();
        let from = frontier.state.position();
        let to = end.min(from.saturating_add(budget));
        // What lies in a store of parts is some way off: several pieces come at once.
        let (piece, at_once) = match content {
            Content::Object(_) => (PIECE, (self.settings().read_ahead as u64 / PIECE).clamp(1, 64)),
            _ => (READ, 1),
        };
        let pieces = (0..to.saturating_sub(from).div_ceil(piece)).map(|n| {
            let start = from + n * piece;
            start..to.min(start + piece)
        });
        let read = |range: Range<u64>| async move {
            let expected = range.end - range.start;
            let bytes = self.read_content(content, range).await?;
            if bytes.len() as u64 == expected {
                return Ok(bytes);
            }
            Err(Error::new(ErrorKind::Corrupt, "stored data cannot be read back"))
        };
        let mut pieces = stream::iter(pieces.map(read)).buffered(at_once as usize);
        while let Some(bytes) = pieces.try_next().await? {
            for slice in bytes.chunks(SLICE) {
                frontier.state.update(slice);
                yield_now().await;
            }
            self.save_digest(live, frontier, self.settings().digest_save).await?;
        }
        Ok(())
    }

    /// Saves the state if at least `every` bytes were hashed since it was saved. A cache: failing is no error.
    pub(crate) async fn save_digest(&self, live: &Live, frontier: &mut Frontier, every: u64) -> Result<()> {
        let position = frontier.state.position();
        if position < frontier.saved.saturating_add(every.max(1)) {
            return Ok(());
        }
        let recording = Recording::begin(live, &mut live.state());
        let Ok(_recording) = recording else { return Ok(()) };
        let record = DigestRecord(frontier.state.save());
        let expected = frontier.version.clone().map_or(Expected::Absent, Expected::Version);
        match self.records().put(&keys::digest(&live.id), &record, expected).await {
            Ok(PutEnd::Won(version)) => frontier.version = Some(version),
            Ok(PutEnd::Lost(current)) => frontier.version = current.map(|(_, v)| v),
            Err(e) => tracing::debug!(error = %e, "the digest state was not saved"),
        }
        frontier.saved = position;
        Ok(())
    }
}
