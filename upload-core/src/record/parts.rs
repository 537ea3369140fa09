//! The records of uploads whose bytes lie as parts and fragments.

use serde::{Deserialize, Serialize};
use upload_chunking::grid::Grid;

use super::Source;
use crate::{
    ids::{Fragment, UploadId},
    ports::{Part, Session},
};

/// Where a row's bytes lie.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lies {
    /// In the staging object, at the row's own position.
    #[default]
    InPlace,
    /// In these, one after the other.
    Segments(Vec<Segment>),
}

/// Some bytes of a row, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Segment {
    /// They are a part of the upload's session.
    Part(Part),
    /// They are a fragment, until a [fold](FoldRecord) covers them.
    Fragment {
        /// Its name below the upload's staging name.
        name: Fragment,
        /// Bytes.
        length: u64,
    },
    /// They are another upload's object, of which the upload is composed.
    Object(Source),
}

impl Segment {
    /// Bytes.
    pub const fn length(&self) -> u64 {
        match self {
            Self::Part(part) => part.length,
            Self::Fragment { length, .. } => *length,
            Self::Object(source) => source.length,
        }
    }
}

/// `u/<id>/p`: the store's session that the upload's parts belong to, and how the whole is cut into them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionRecord {
    /// The session.
    pub session: Session,
    /// Bytes of a unit of the [grid](Grid).
    pub unit: u64,
    /// Cells of a unit.
    pub split: u32,
    /// Attempts of a cell.
    pub attempts: u32,
}

impl SessionRecord {
    /// This session, with parts on this grid.
    pub fn new(session: Session, grid: Grid) -> Self {
        let (unit, split, attempts) = grid.parts();
        Self { session, unit, split, attempts }
    }

    /// The grid; `None` if what is stored is none.
    pub const fn grid(&self) -> Option<Grid> {
        Grid::from_parts(self.unit, self.split, self.attempts)
    }
}

/// `u/<id>/a/<number>`: somebody sends bytes as the part with this number, and nobody else ever will.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AttemptRecord {}

/// `u/<id>/f/<cell>`: the fragments of one cell of the grid, made one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FoldRecord {
    /// Where the cell begins in the whole, in bytes.
    pub start: u64,
    /// The part.
    pub part: Part,
}

impl FoldRecord {
    /// The bytes from `start` on are this part.
    pub fn new(start: u64, part: Part) -> Self {
        Self { start, part }
    }
}

/// `k/<hour>/<id>`: the upload that a body became which was received before its upload had an id; `<id>` is the one in the
/// name of its object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OwnerRecord {
    /// The upload.
    pub id: UploadId,
}

impl OwnerRecord {
    /// This upload has it.
    pub fn new(id: UploadId) -> Self {
        Self { id }
    }
}
