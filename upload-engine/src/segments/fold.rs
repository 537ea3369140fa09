//! Folding: the fragments of a cell become one part.

use std::ops::Range;

use bytes::Bytes;
use upload_chunking::{
    assembly::{Assembly, Key, Row, Sizing},
    grid::Grid,
};
use upload_core::{
    Error, ErrorKind, Fragment, ObjectKey, Result,
    ports::{Expected, Part, StoreError, StoreErrorKind},
    record::{FoldRecord, Lies, RowRecord, Segment, SessionRecord, Source, keys},
};

use super::{Depot, Lying, Owner, begun_meanwhile, no_grid};
use crate::{
    digest::PIECE,
    engine::Engine,
    enter::corrupt,
    live::{Live, Recording},
    records::{PutEnd, unavailable},
};

/// A cell of the grid and its bytes, of which the last cell may have fewer than others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) number: u64,
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Cell {
    /// The cell of a whole of `length` bytes that this byte lies in.
    pub(super) fn at(grid: &Grid, position: u64, length: u64) -> Self {
        let number = grid.cell(position);
        let (start, end) = grid.bounds(number);
        Self { number, start, end: end.min(length) }
    }
}

/// The segments of a row, and where they begin.
pub(super) fn lying(row: &RowRecord) -> Result<impl Iterator<Item = Lying>> {
    let Lies::Segments(segments) = &row.lies else {
        return Err(corrupt("a row says that its bytes lie in place, where nothing does".to_owned()));
    };
    let mut at = row.start;
    Ok(segments.iter().map(move |segment| {
        let start = at;
        at = at.saturating_add(segment.length());
        (start, segment.clone())
    }))
}

impl Engine {
    /// Folds the cells that a row has made complete. Failing is no error: whoever finishes the upload does what is left.
    pub(crate) async fn fold_behind(&self, live: &Live, row: Row, lies: &Lies) {
        let Lies::Segments(segments) = lies else { return };
        if !segments.iter().any(|segment| matches!(segment, Segment::Fragment { .. })) {
            return;
        }
        let Some(depot) = self.depot(live) else { return };
        if let Err(e) = depot.fold_row(live, row).await {
            tracing::debug!(parent: &live.span, error = %e, "fragments are folded later");
        }
    }
}

impl Depot<'_> {
    async fn fold_row(&self, live: &Live, row: Row) -> Result<()> {
        let Some(grid) = self.grid(None)? else { return Ok(()) };
        let length = self.length().unwrap_or(u64::MAX);
        let (mut position, end) = (row.start, row.start.saturating_add(row.len));
        while position < end {
            let cell = Cell::at(&grid, position, length);
            // What is one cell in all needs no parts.
            let all = cell.start == 0 && cell.end >= length;
            if !all && let Some(segments) = self.recorded(live, cell).await? {
                let fragments =
                    segments.iter().all(|(_, segment)| matches!(segment, Segment::Fragment { .. }));
                if fragments {
                    self.fold(cell, &segments).await?;
                }
            }
            position = cell.end;
        }
        Ok(())
    }

    /// The segments of a cell, if all its bytes are recorded.
    async fn recorded(&self, live: &Live, cell: Cell) -> Result<Option<Vec<Lying>>> {
        let Some(rows) = rows_of(&live.state().view.rows, cell) else { return Ok(None) };
        let mut segments = Vec::new();
        for row in rows {
            let record = self.engine.row(live, row.at).await?.ok_or_else(unavailable)?;
            segments.extend(lying(&record)?.filter(|lying| within(lying, cell)));
        }
        Ok(Some(segments))
    }

    /// Makes the fragments of a cell a part. Again is fine: the first fold counts.
    pub(super) async fn fold(&self, cell: Cell, segments: &[Lying]) -> Result<Part> {
        // Before anything is removed: a cell of another grid may begin where one of this does, and end elsewhere.
        let record = self.session(None).await?;
        let grid = record.grid().ok_or_else(no_grid)?;
        if cell != Cell::at(&grid, cell.start, self.length().unwrap_or(u64::MAX)) {
            return Err(begun_meanwhile());
        }
        let part = match self.copyable(cell, segments) {
            Some(copy) => self.put_fold(&record, cell, copy).await?,
            None => match self.gathered(cell, segments).await {
                Ok(bytes) => self.put_fold(&record, cell, Made::Of(bytes)).await?,
                // Another one has folded them already, and they are gone.
                Err(e) => self.known_fold(cell).await?.ok_or(e)?,
            },
        };
        let inside: Vec<Fragment> = segments
            .iter()
            .filter(|(start, segment)| *start >= cell.start && start + segment.length() <= cell.end)
            .filter_map(|(_, segment)| name(segment))
            .collect();
        if !inside.is_empty()
            && let Err(e) = self.parts.delete_fragments(&self.staging, &inside).await
        {
            tracing::debug!(error = %e, "folded fragments go with their upload");
        }
        Ok(part)
    }

    async fn put_fold(&self, record: &SessionRecord, cell: Cell, made: Made<'_>) -> Result<Part> {
        let number = self.claim(record, cell.number, true).await?.ok_or_else(no_grid)?;
        let (key, session) = (self.key(), &record.session);
        let part = match made {
            Made::Of(bytes) => self.parts.put_part(&key, session, number, bytes).await?,
            Made::In(source, range) => {
                self.parts.copy_part(&key, session, number, source, range).await.map_err(recorded)?
            }
        };
        let Owner::Upload(live) = self.owner else { return Ok(part) };
        let recording = Recording::begin(live, &mut live.state());
        let _recording = recording?;
        let fold = FoldRecord::new(cell.start, part);
        let key = keys::fold(&live.id, cell.number);
        match self.engine.records().put(&key, &fold, Expected::Absent).await? {
            PutEnd::Won(_) => Ok(fold.part),
            PutEnd::Lost(Some((first, _))) => Ok(first.part),
            PutEnd::Lost(None) => Err(unavailable()),
        }
    }

    async fn read_source(&self, source: &Source, range: Range<u64>) -> Result<Vec<Bytes>> {
        let mut bytes = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at.saturating_add(PIECE));
            bytes.push(self.engine.blobs().read(&source.key, at..end).await.map_err(recorded)?);
            at = end;
        }
        Ok(bytes)
    }

    async fn known_fold(&self, cell: Cell) -> Result<Option<Part>> {
        let Owner::Upload(live) = self.owner else { return Ok(None) };
        let key = keys::fold(&live.id, cell.number);
        Ok(self.engine.records().get::<FoldRecord>(&key).await?.map(|(fold, _)| fold.part))
    }

    /// The object that has all of a cell, if the store can make a part of it.
    fn copyable<'s>(&self, cell: Cell, segments: &'s [Lying]) -> Option<Made<'s>> {
        match segments {
            [(start, Segment::Object(source))] if self.parts.copies() => {
                let range = cell.start.checked_sub(*start)?..cell.end.checked_sub(*start)?;
                (range.end <= source.length).then_some(Made::In(&source.key, range))
            }
            _ => None,
        }
    }

    /// The bytes of a cell, from the fragments and objects that they lie in.
    pub(super) async fn gathered(&self, cell: Cell, segments: &[Lying]) -> Result<Vec<Bytes>> {
        let (mut bytes, mut at) = (Vec::with_capacity(segments.len()), cell.start);
        for (start, segment) in segments.iter().filter(|lying| within(lying, cell)) {
            let end = segment.length().min(cell.end.saturating_sub(*start));
            let range = cell.start.saturating_sub(*start)..end;
            if start.saturating_add(range.start) != at {
                return Err(lost(format!("nothing is recorded at byte {at}")));
            }
            at = start.saturating_add(range.end);
            match segment {
                Segment::Fragment { name, .. } => {
                    bytes.push(self.parts.read_fragment(&self.staging, name, range).await.map_err(recorded)?);
                }
                Segment::Object(source) => bytes.extend(self.read_source(source, range).await?),
                _ => return Err(corrupt(format!("cell {} lies in a part and in fragments", cell.number))),
            }
        }
        if at == cell.end { Ok(bytes) } else { Err(lost(format!("nothing is recorded at byte {at}"))) }
    }
}

/// Where a part comes from.
enum Made<'s> {
    /// Bytes that are here.
    Of(Vec<Bytes>),
    /// A range of an object in the store.
    In(&'s ObjectKey, Range<u64>),
}

/// The rows that hold a cell, if all its bytes are recorded.
fn rows_of(rows: &Assembly, cell: Cell) -> Option<Vec<Row>> {
    if let Some(Sizing::Uniform(size)) = rows.shape().and_then(|shape| shape.sizing) {
        let slots = cell.start / size.max(1)..cell.end.div_ceil(size.max(1));
        return slots.map(|n| rows.row(Key::Slot(u32::try_from(n).ok()?))).collect();
    }
    if rows.frontier() < cell.end {
        return None;
    }
    let within = |row: &Row| row.start < cell.end && row.start.saturating_add(row.len) > cell.start;
    Some(rows.rows().filter(within).collect())
}

/// Whether a segment has bytes of the cell.
fn within((start, segment): &Lying, cell: Cell) -> bool {
    *start < cell.end && start.saturating_add(segment.length()) > cell.start
}

/// The fragment's name, if it is one.
pub(super) fn name(segment: &Segment) -> Option<Fragment> {
    match segment {
        Segment::Fragment { name, .. } => Some(name.clone()),
        _ => None,
    }
}

pub(crate) fn lost(what: String) -> Error {
    Error::new(ErrorKind::Corrupt, "stored data cannot be read back").with_source(what)
}

/// What is recorded and is not there is lost.
pub(crate) fn recorded(e: StoreError) -> Error {
    if e.kind == StoreErrorKind::NotFound { lost(e.detail) } else { e.into() }
}
