//! Keeping the bytes of a body, segment by segment.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use upload_chunking::{
    assembly::{At, Piece, Sizing, Target},
    grid::Grid,
};
use upload_core::{
    Fragment, Result,
    record::{Lies, Segment},
};

use super::Depot;
use crate::live::{Live, locked};

impl Depot<'_> {
    /// Stores bytes: as a part if they are a whole cell, else as a fragment. Without a position they are a fragment.
    pub(crate) async fn keep(
        &self,
        position: Option<u64>,
        total: Option<u32>,
        bytes: Vec<Bytes>,
    ) -> Result<Segment> {
        let length = bytes.iter().map(|frame| frame.len() as u64).sum();
        if let Some(position) = position
            && let Some(segment) = self.keep_cell(position, length, total, &bytes).await?
        {
            return Ok(segment);
        }
        let name = Fragment::random(position.unwrap_or(0), self.engine.ids());
        self.parts.put_fragment(self.staging, &name, bytes).await?;
        Ok(Segment::Fragment { name, length })
    }

    /// The same, if they are a whole cell that there is a number for.
    async fn keep_cell(
        &self,
        position: u64,
        length: u64,
        total: Option<u32>,
        bytes: &[Bytes],
    ) -> Result<Option<Segment>> {
        let rules = self.parts.rules();
        let end = position.saturating_add(length);
        let whole = |grid: Grid| {
            let (start, cell_end) = grid.bounds(grid.cell(position));
            let last = self.length() == Some(end) && end <= cell_end;
            // A session is not worth the while for one small part.
            let small = last && start == 0 && length < rules.min_part.max(1);
            start == position && (end == cell_end || last) && length <= rules.max_part && !small
        };
        if !self.grid(total)?.is_some_and(whole) {
            return Ok(None);
        }
        let record = self.session(total).await?;
        let Some(grid) = record.grid().filter(|grid| whole(*grid)) else { return Ok(None) };
        let Some(number) = self.claim(&record, grid.cell(position), false).await? else { return Ok(None) };
        let part = self.parts.put_part(&self.key(), &record.session, number, bytes.to_vec()).await?;
        Ok(Some(Segment::Part(part)))
    }
}

/// Keeps what one body of an upload brings.
#[derive(Debug)]
pub(crate) struct Keeper {
    at: At,
    /// Segments that were not recorded yet.
    kept: Arc<Mutex<Vec<Segment>>>,
    /// The bytes that came before it was known where they stand: they wait until that is known, or until more come.
    held: Option<Vec<Bytes>>,
}

impl Keeper {
    /// For a body at this place.
    pub(crate) fn new(at: At) -> Self {
        Self { at, kept: Arc::default(), held: None }
    }

    /// What lies where since the last call.
    pub(crate) fn take(&self) -> Lies {
        Lies::Segments(std::mem::take(&mut *locked(&self.kept)))
    }

    fn total(&self) -> Option<u32> {
        match self.at {
            At::Slot { total, .. } => Some(total),
            At::Offset(_) => None,
        }
    }

    /// Where the body begins in the whole, if that is known by now.
    fn start(&self, live: &Live) -> Option<u64> {
        let (n, total) = match self.at {
            At::Slot { n, total } => (n, total),
            At::Offset(start) => return Some(start),
        };
        let state = live.state();
        let sizing = state.view.rows.shape().and_then(|shape| shape.sizing);
        match sizing {
            _ if n == 0 || total == 1 => Some(0),
            Some(Sizing::Uniform(size)) => size.checked_mul(n.into()),
            _ => None,
        }
    }

    /// How many bytes may come before they are stored, if so many of the body have come.
    pub(crate) fn room(&self, depot: &Depot<'_>, live: &Live, come: u64) -> Result<u64> {
        let most = depot.engine.settings().part_size;
        let start = self.start(live);
        let grid = depot.grid(self.total())?;
        Ok(match start.zip(grid) {
            Some((start, grid)) => {
                let position = start.saturating_add(come);
                grid.bounds(grid.cell(position)).1.saturating_sub(position).max(1)
            }
            None => most,
        })
    }

    /// What is to be stored now, of a batch that goes to these pieces; the rest waits. `Some` position where it is certain.
    pub(crate) fn next(
        &mut self,
        depot: &Depot<'_>,
        batch: Vec<Bytes>,
        pieces: &[Piece],
    ) -> Result<Vec<(Option<u64>, Vec<Bytes>)>> {
        let unknown = depot.grid(self.total())?.is_none();
        if unknown && self.held.is_none() && locked(&self.kept).is_empty() {
            self.held = Some(batch);
            return Ok(Vec::new());
        }
        let mut jobs = Vec::new();
        if let Some(held) = self.held.take() {
            jobs.push((None, held));
        }
        let mut from = 0;
        for piece in pieces {
            let position = (piece.target == Target::InPlace).then_some(piece.position);
            jobs.push((position, crate::write::cut(&batch, from, piece.len)));
            from += piece.len;
        }
        Ok(jobs)
    }

    /// Stores these, one after the other.
    pub(crate) async fn keep(
        depot: Depot<'_>,
        kept: Arc<Mutex<Vec<Segment>>>,
        total: Option<u32>,
        jobs: Vec<(Option<u64>, Vec<Bytes>)>,
    ) -> Result<()> {
        for (position, bytes) in jobs {
            let segment = depot.keep(position, total, bytes).await?;
            locked(&kept).push(segment);
        }
        Ok(())
    }

    /// Stores what still waits, now that the body begins here.
    pub(crate) async fn end(&mut self, depot: &Depot<'_>, start: u64) -> Result<()> {
        let Some(held) = self.held.take() else { return Ok(()) };
        let jobs = vec![(Some(start), held)];
        Self::keep(*depot, Arc::clone(&self.kept), self.total(), jobs).await
    }

    /// What [`keep`](Self::keep) needs.
    pub(crate) fn kept(&self) -> (Arc<Mutex<Vec<Segment>>>, Option<u32>) {
        (Arc::clone(&self.kept), self.total())
    }
}
