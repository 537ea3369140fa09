//! Making a chunk or extent count: its row.

use std::sync::Arc;

use upload_chunking::assembly::Key;
use upload_core::{
    Error, ErrorKind, Result,
    lifecycle::{Command, decide},
    ports::Expected,
    record::{RowRecord, ShapeRecord, keys},
};

use crate::{
    engine::Engine,
    enter::contradiction,
    live::{Attempt, Live, Putting, Recording},
    records::{PutEnd, unavailable},
};

impl Engine {
    /// Acknowledges a row whose bytes are durable; gives whether the set is complete now. If another attempt was
    /// first, its row stands: the same bytes are fine, others are a conflict.
    pub(crate) async fn record(&self, attempt: &Arc<Attempt>, at: Key, record: &RowRecord) -> Result<bool> {
        let live = &attempt.live;
        let _recording = {
            let mut state = live.state();
            decide(&state.view, self.clock().now(), Command::Record(record.row(at)))?;
            Recording::begin(live, &mut state)?
        };
        let putting = Putting::new(live);
        let end = self.records().put(&keys::row(&live.id, at), record, Expected::Absent).await;
        putting.known();
        let mut state = live.state();
        match end {
            Ok(PutEnd::Won(_)) => {
                state.view.rows.record(attempt.id);
            }
            Ok(PutEnd::Lost(Some((first, _)))) => {
                state.view.rows.abandon(attempt.id);
                state.view.rows.learn_row(first.row(at)).map_err(|e| contradiction(&live.id, e))?;
                if !first.equals(record) {
                    return Err(other_bytes());
                }
            }
            Ok(PutEnd::Lost(None)) => {
                state.doubt();
                return Err(unavailable());
            }
            Err(e) => {
                state.doubt();
                return Err(e);
            }
        }
        Ok(state.view.rows.is_complete())
    }

    /// Stores the shape that the first chunk fixes; learns what is really stored.
    pub(crate) async fn put_shape(&self, live: &Live, shape: ShapeRecord) -> Result<()> {
        let (_recording, expected) = {
            let mut state = live.state();
            let expected = state.shape_version.clone().map_or(Expected::Absent, Expected::Version);
            (Recording::begin(live, &mut state)?, expected)
        };
        let putting = Putting::new(live);
        let (stored, version) = match self.records().put(&keys::shape(&live.id), &shape, expected).await? {
            PutEnd::Won(version) => (shape, version),
            PutEnd::Lost(Some(theirs)) => theirs,
            PutEnd::Lost(None) => return Err(unavailable()),
        };
        putting.known();
        let mut state = live.state();
        state.view.rows.learn_shape(stored.into()).map_err(|e| contradiction(&live.id, e))?;
        state.shape_version = Some(version);
        drop(state);
        live.tell();
        live.notify();
        Ok(())
    }

    /// The stored fingerprint of a place.
    pub(crate) async fn row(&self, live: &Live, at: Key) -> Result<Option<RowRecord>> {
        Ok(self.records().get::<RowRecord>(&keys::row(&live.id, at)).await?.map(|(record, _)| record))
    }
}

pub(crate) fn other_bytes() -> Error {
    Error::new(ErrorKind::Conflict, "other bytes are already stored at this place; they stay")
}
