//! Assembling: what the rows say becomes the object. By whoever finishes the upload, any number of times.

use std::collections::BTreeMap;

use futures_util::{
    future::{BoxFuture, ready},
    stream::{self, StreamExt as _, TryStreamExt as _},
};
use upload_chunking::grid::Grid;
use upload_core::{
    Fragment, Outcome, Result,
    ports::{Part, StoreErrorKind},
    record::{FoldRecord, RowRecord, Segment, SessionRecord, decode, keys},
};

use super::{
    Depot, Lying, Owner, begun_meanwhile,
    fold::{Cell, lost, lying, name, recorded},
    no_grid,
};
use crate::{compose, records::unavailable};

impl Depot<'_> {
    /// Makes the object of the first `length` bytes, which are all recorded. It has the key of the staging name.
    pub(crate) async fn assemble(&self, length: u64) -> Result<()> {
        let key = self.key();
        if let Some(there) = self.engine.blobs().length(&key).await? {
            if there == length {
                return Ok(());
            }
            return Err(lost(format!("{key} has {there} bytes, not {length}")));
        }
        if length == 0 {
            return Ok(self.parts.put_object(&key, Vec::new()).await?);
        }
        let segments = self.segments().await?;
        let made = self.make(length, &segments).await;
        if let Err(e) = made {
            // Another one may have been first, and has removed what we were reading.
            if self.engine.blobs().length(&key).await? != Some(length) {
                return Err(e);
            }
        }
        let fragments: Vec<Fragment> = segments.iter().filter_map(|(_, segment)| name(segment)).collect();
        if !fragments.is_empty()
            && let Err(e) = self.parts.delete_fragments(&self.staging, &fragments).await
        {
            tracing::debug!(error = %e, "fragments of a finished upload are removed by the janitor");
        }
        Ok(())
    }

    /// Makes the object of an outcome, or removes what there is of it if only the outcome is to stay.
    pub(crate) async fn publish(&self, outcome: &Outcome) -> Result<()> {
        if !outcome.content_removed {
            return self.assemble(outcome.length).await;
        }
        self.engine.blobs().discard(&self.staging).await?;
        Ok(self.engine.blobs().delete(&outcome.key).await?)
    }

    async fn make(&self, length: u64, segments: &[Lying]) -> Result<()> {
        let key = self.key();
        self.known_session().await?;
        let grid = self.grid(None)?.ok_or_else(no_grid)?;
        let whole = Cell { number: 0, start: 0, end: length };
        let no_parts = !segments.iter().any(|(_, segment)| matches!(segment, Segment::Part(_)));
        if no_parts && grid.bounds(0).1 >= length {
            let bytes = self.gathered(whole, segments).await?;
            return Ok(self.parts.put_object(&key, bytes).await?);
        }
        let folds = self.folds().await?;
        let mut parts = self.manifest(&grid, length, segments, &folds).await?;
        let record = self.session(None).await?;
        if record.grid() != Some(grid) {
            return Err(begun_meanwhile());
        }
        let listed: u64 = parts.iter().map(|part| part.length).sum();
        if listed != length {
            return Err(lost(format!("the parts of {key} have {listed} bytes, not {length}")));
        }
        let shared = self.look_up_shared(&grid, &record, &mut parts).await?;
        let completed = self.parts.complete(&key, &record.session, &parts).await;
        completed.map_err(|e| match e.kind {
            // One of the shared may have been stored once more.
            StoreErrorKind::Corrupt if shared => unavailable().with_source(e),
            _ => recorded(e),
        })
    }

    /// The tags of folds that share a number are those of whoever stored it last; all have the same bytes. Whether there are
    /// such.
    async fn look_up_shared(&self, grid: &Grid, record: &SessionRecord, parts: &mut [Part]) -> Result<bool> {
        let attempts = u64::from(grid.attempts());
        let shared = |part: &&mut Part| part.number.is_multiple_of(attempts);
        if !parts.iter_mut().any(|part| shared(&part)) {
            return Ok(false);
        }
        let stored = self.parts.list_parts(&self.key(), &record.session).await.map_err(recorded)?;
        for part in parts.iter_mut().filter(shared) {
            let found =
                stored.iter().find(|found| found.number == part.number && found.length == part.length);
            part.tag.clone_from(&found.ok_or_else(|| lost(format!("part {} is gone", part.number)))?.tag);
        }
        Ok(true)
    }

    /// The parts of the object, in order; cells that lie in fragments are folded on the way, a few at once.
    async fn manifest(
        &self,
        grid: &Grid,
        length: u64,
        segments: &[Lying],
        folds: &BTreeMap<u64, Part>,
    ) -> Result<Vec<Part>> {
        let mut cells = Vec::new();
        let (mut position, mut from) = (0, 0);
        while position < length {
            let cell = Cell::at(grid, position, length);
            let rest = segments.get(from..).unwrap_or_default();
            let count = rest.iter().take_while(|(start, _)| *start < cell.end).count();
            let of_cell = rest.get(..count).unwrap_or_default();
            cells.push((cell, of_cell));
            // A fragment may reach into the next cell.
            let over = of_cell.last().is_some_and(|(start, segment)| start + segment.length() > cell.end);
            from += count - usize::from(over);
            position = cell.end;
        }
        let at_once = (self.engine.settings().part_memory as u64 / grid.cell_size().max(1)).clamp(1, 8);
        let mut parts: Vec<BoxFuture<'_, Result<Part>>> = Vec::with_capacity(cells.len());
        for (cell, of_cell) in cells {
            parts.push(match (folds.get(&cell.number), of_cell) {
                (Some(part), _) => Box::pin(ready(Ok(part.clone()))),
                (None, [(start, Segment::Part(part))])
                    if *start == cell.start && part.length == cell.end - cell.start =>
                {
                    Box::pin(ready(Ok(part.clone())))
                }
                _ => Box::pin(self.fold(cell, of_cell)),
            });
        }
        stream::iter(parts).buffered(at_once as usize).try_collect().await
    }

    /// What is recorded, in order.
    async fn segments(&self) -> Result<Vec<Lying>> {
        let live = match self.owner {
            Owner::Stray(stray) => return Ok(stray.segments()),
            Owner::Upload(live) => live,
        };
        {
            let head = &live.state().view.head;
            if head.is_composed() {
                return Ok(compose::lying(head));
            }
        }
        let mut segments = Vec::new();
        self.engine
            .records()
            .each(&keys::rows(&live.id), self.engine.settings().page, |key, stored| {
                let (_, row) = decode::<RowRecord>(key, &stored.value)?;
                segments.extend(lying(&row)?);
                Ok(())
            })
            .await?;
        Ok(segments)
    }

    async fn folds(&self) -> Result<BTreeMap<u64, Part>> {
        let Owner::Upload(live) = self.owner else { return Ok(BTreeMap::new()) };
        let prefix = keys::folds(&live.id);
        let mut folds = BTreeMap::new();
        self.engine
            .records()
            .each(&prefix, self.engine.settings().page, |key, stored| {
                let cell = key.strip_prefix(&prefix).and_then(|cell| cell.parse().ok());
                let (_, fold) = decode::<FoldRecord>(key, &stored.value)?;
                folds.extend(cell.map(|cell: u64| (cell, fold.part)));
                Ok(())
            })
            .await?;
        Ok(folds)
    }
}
