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
use crate::{
    engine::Engine,
    live::{Live, locked},
    write::cut,
};

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
        self.parts.put_fragment(&self.staging, &name, bytes).await?;
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

/// Bytes that are to be stored, and where they stand if that is certain.
type Job = (Option<u64>, Vec<Bytes>);

/// Keeps what one body of an upload brings.
pub(crate) struct Keeper<'a> {
    depot: Depot<'a>,
    live: &'a Live,
    at: At,
    /// Segments that were not recorded yet.
    kept: Arc<Mutex<Vec<Segment>>>,
    /// The bytes that came before it was known where they stand: they wait until that is known, or until more come.
    held: Option<Vec<Bytes>>,
}

impl Engine {
    /// For a body at this place; `None` where bytes are written in place.
    pub(crate) fn keeper<'a>(&'a self, live: &'a Live, at: At) -> Option<Keeper<'a>> {
        Some(Keeper { depot: self.depot(live)?, live, at, kept: Arc::default(), held: None })
    }
}

impl<'a> Keeper<'a> {
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
    fn start(&self) -> Option<u64> {
        let (n, total) = match self.at {
            At::Slot { n, total } => (n, total),
            At::Offset(start) => return Some(start),
        };
        let sizing = self.live.state().view.rows.shape().and_then(|shape| shape.sizing);
        match sizing {
            _ if n == 0 || total == 1 => Some(0),
            Some(Sizing::Uniform(size)) => size.checked_mul(n.into()),
            _ => None,
        }
    }

    /// How many bytes may come before they are stored, if so many of the body have come.
    pub(crate) fn room(&self, come: u64) -> Result<u64> {
        let grid = self.depot.grid(self.total())?;
        Ok(match self.start().zip(grid) {
            Some((start, grid)) => {
                let position = start.saturating_add(come);
                grid.bounds(grid.cell(position)).1.saturating_sub(position).max(1)
            }
            None => self.depot.engine.settings().part_size,
        })
    }

    /// What is to be stored now, of a batch that goes to these pieces; the rest waits.
    pub(crate) fn next(&mut self, batch: Vec<Bytes>, pieces: &[Piece]) -> Result<Vec<Job>> {
        let unknown = self.depot.grid(self.total())?.is_none();
        if unknown && self.held.is_none() && locked(&self.kept).is_empty() {
            self.held = Some(batch);
            return Ok(Vec::new());
        }
        let mut jobs: Vec<Job> = self.held.take().into_iter().map(|held| (None, held)).collect();
        let mut from = 0;
        for piece in pieces {
            let position = (piece.target == Target::InPlace).then_some(piece.position);
            jobs.push((position, cut(&batch, from, piece.len)));
            from += piece.len;
        }
        Ok(jobs)
    }

    /// Stores these, one after the other.
    pub(crate) fn store(&self, jobs: Vec<Job>) -> impl Future<Output = Result<()>> + Send + use<'a> {
        let (depot, kept, total) = (self.depot.clone(), Arc::clone(&self.kept), self.total());
        async move {
            for (position, bytes) in jobs {
                let segment = depot.keep(position, total, bytes).await?;
                locked(&kept).push(segment);
            }
            Ok(())
        }
    }

    /// Stores what still waits, now that the body begins here; gives where all of it lies that is not recorded.
    pub(crate) async fn end(mut self, start: u64) -> Result<Lies> {
        if let Some(held) = self.held.take() {
            self.store(vec![(Some(start), held)]).await?;
        }
        Ok(self.take())
    }
}
