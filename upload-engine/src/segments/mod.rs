//! Bytes on stores that keep an unfinished upload as parts and fragments.
//!
//! ```text
//!   body ──> segments: a whole cell of the grid ──> part ─────────────────────┐
//!                      less than that ──────────> fragment ──> (fold) ──> part ┴─> complete: the object
//! ```
//! A segment has a name of its own that is never used again: a part's number is claimed by a record first, a fragment's is random.
//! So whatever is stored late, by a request that broke off or by another process, harms nobody. The rows say which segments
//! count; the list for the object is made from them. When all bytes of a cell are recorded and lie in fragments, they are
//! folded: read, and stored as one part.

mod assemble;
mod fold;
mod keep;
mod session;
mod stray;

use upload_chunking::{assembly::Sizing, grid::Grid};
use upload_core::{
    Error, ErrorKind, ObjectKey, Result, StagingName,
    ports::Parts,
    record::{Addressing, Head, Segment},
};

use crate::{engine::Engine, live::Live, records::unavailable};

pub(crate) use fold::{lost, recorded};
pub(crate) use keep::Keeper;
pub(crate) use stray::Stray;

/// A segment and where its first byte stands in the whole.
pub(crate) type Lying = (u64, Segment);

/// Whose bytes they are.
#[derive(Debug, Clone, Copy)]
enum Owner<'a> {
    /// An upload's: what is known of them is in its records.
    Upload(&'a Live),
    /// Those of a received body, which has no records.
    Stray(&'a Stray),
}

/// Where the bytes of one unfinished upload lie, in a store of parts.
#[derive(Clone)]
pub(crate) struct Depot<'a> {
    engine: &'a Engine,
    parts: &'a dyn Parts,
    staging: StagingName,
    owner: Owner<'a>,
}

impl Engine {
    /// The depot of an upload; `None` where bytes are written in place.
    pub(crate) fn depot<'a>(&'a self, live: &'a Live) -> Option<Depot<'a>> {
        let parts = self.blobs().parts()?;
        let staging = live.state().view.head.staging.clone();
        Some(Depot { engine: self, parts, staging, owner: Owner::Upload(live) })
    }

    /// Where an upload is to be published.
    pub(crate) fn key_for(&self, head: &Head) -> ObjectKey {
        match self.blobs().parts() {
            Some(_) => ObjectKey::of(&head.staging),
            None => ObjectKey::random(self.clock().now().hour(), &head.id, self.ids()),
        }
    }

    /// How a whole of at most so many bytes is cut into parts, if it comes in no chunks of one size.
    pub(crate) fn grid_of_bytes(&self, parts: &dyn Parts, length: u64) -> Result<Grid> {
        Grid::of_bytes(parts.rules().grid(), self.settings().part_size, length).ok_or_else(no_grid)
    }
}

fn no_grid() -> Error {
    Error::new(ErrorKind::Unsupported, "the storage has not enough parts for an upload of this length")
}

/// Another process, which knew more or less, has cut the upload into parts in another way since we looked.
fn begun_meanwhile() -> Error {
    unavailable().with_source("another process has begun the session meanwhile")
}

impl Depot<'_> {
    fn key(&self) -> ObjectKey {
        ObjectKey::of(&self.staging)
    }

    /// How the upload is cut into parts: as its session says, as far as memory knows, or as one will that begins now. `None`
    /// while that depends on the size of its chunks and that is not known; `total` is the number of chunks that somebody has
    /// announced.
    pub(crate) fn grid(&self, total: Option<u32>) -> Result<Option<Grid>> {
        match self.session_in_memory() {
            Some(record) => record.grid().ok_or_else(no_grid).map(Some),
            None => self.planned_grid(total),
        }
    }

    fn planned_grid(&self, total: Option<u32>) -> Result<Option<Grid>> {
        let live = match self.owner {
            Owner::Stray(stray) => return Ok(Some(stray.grid)),
            Owner::Upload(live) => live,
        };
        let (addressing, length, shape) = {
            let state = live.state();
            let head = &state.view.head;
            let length = head.length.unwrap_or(head.policy.max_length);
            (head.addressing, length, state.view.rows.shape())
        };
        let sizing = shape.and_then(|shape| shape.sizing);
        let chunks = shape.map(|shape| shape.total).or(total);
        match (addressing, sizing) {
            (Addressing::Slots, Some(Sizing::Uniform(chunk))) => {
                let rules = self.parts.rules().grid();
                let grid = Grid::of_chunks(rules, self.engine.settings().part_size, length, chunk);
                grid.ok_or_else(no_grid).map(Some)
            }
            (Addressing::Slots, None) if chunks != Some(1) => Ok(None),
            _ => self.engine.grid_of_bytes(self.parts, length).map(Some),
        }
    }

    /// The whole length, as far as it is known.
    fn length(&self) -> Option<u64> {
        match self.owner {
            Owner::Upload(live) => live.state().view.head.length,
            Owner::Stray(stray) => stray.length(),
        }
    }
}
