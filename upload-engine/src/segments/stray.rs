//! A body that is received before it belongs to an upload: its session and segments are in memory only.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock},
};

use upload_chunking::grid::Grid;
use upload_core::{Result, StagingName, record::SessionRecord};

use super::{Depot, Lying, Owner};
use crate::{engine::Engine, live::locked};

/// What is known of a received body's parts.
#[derive(Debug)]
pub(crate) struct Stray {
    pub(super) grid: Grid,
    pub(super) session: Mutex<Option<SessionRecord>>,
    attempts: Mutex<HashMap<u64, u32>>,
    segments: Mutex<Vec<Lying>>,
    length: OnceLock<u64>,
}

impl Stray {
    /// A body of at most so many bytes.
    pub(crate) fn new(engine: &Engine, most: u64) -> Result<Option<Self>> {
        let Some(parts) = engine.blobs().parts() else { return Ok(None) };
        let grid = engine.grid_of_bytes(parts, most)?;
        let (attempts, segments) = (Mutex::default(), Mutex::default());
        let (session, length) = (Mutex::default(), OnceLock::new());
        Ok(Some(Self { grid, session, attempts, segments, length }))
    }

    /// Bytes that may come at this position before they are stored.
    pub(crate) fn room(&self, position: u64) -> u64 {
        self.grid.bounds(self.grid.cell(position)).1.saturating_sub(position)
    }

    /// The body has ended with so many bytes.
    pub(crate) fn end(&self, length: u64) {
        let _ = self.length.set(length);
    }

    pub(super) fn length(&self) -> Option<u64> {
        self.length.get().copied()
    }

    /// The next attempt to fill this cell.
    pub(super) fn attempt(&self, cell: u64) -> u32 {
        let mut attempts = locked(&self.attempts);
        let next = attempts.entry(cell).or_default();
        *next += 1;
        *next - 1
    }

    pub(crate) fn push(&self, lying: Lying) {
        locked(&self.segments).push(lying);
    }

    pub(crate) fn segments(&self) -> Vec<Lying> {
        locked(&self.segments).clone()
    }
}

impl Engine {
    /// The depot of a received body.
    pub(crate) fn depot_of_stray<'a>(&'a self, stray: &'a Stray, staging: &StagingName) -> Option<Depot<'a>> {
        let parts = self.blobs().parts()?;
        Some(Depot { engine: self, parts, staging: staging.clone(), owner: Owner::Stray(stray) })
    }
}
