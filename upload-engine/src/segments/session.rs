//! The store's session of an upload, and the numbers of its parts: each made or claimed once, by a record.

use upload_core::{
    Result,
    ports::Expected,
    record::{AttemptRecord, SessionRecord, keys},
};

use super::{Depot, Owner, no_grid};
use crate::{
    live::{Live, Recording, locked},
    records::{PutEnd, unavailable},
};

impl Depot<'_> {
    /// The session, as far as memory knows. Asks nobody and waits for nobody: whoever calls this may have a write under way
    /// that is about to begin one.
    pub(super) fn session_in_memory(&self) -> Option<SessionRecord> {
        match self.owner {
            Owner::Stray(stray) => locked(&stray.session).clone(),
            Owner::Upload(live) => live.state().session.clone(),
        }
    }

    /// The session, if there is one.
    pub(super) async fn known_session(&self) -> Result<Option<SessionRecord>> {
        let known = self.session_in_memory();
        let Owner::Upload(live) = self.owner else { return Ok(known) };
        if known.is_some() {
            return Ok(known);
        }
        let stored = self.engine.records().get::<SessionRecord>(&keys::session(&live.id)).await?;
        let stored = stored.map(|(record, _)| record);
        live.state().session.clone_from(&stored);
        Ok(stored)
    }

    /// The session; begins it if there is none. `total` as for [`grid`](Self::grid).
    pub(super) async fn session(&self, total: Option<u32>) -> Result<SessionRecord> {
        if let Some(record) = self.session_in_memory() {
            return Ok(record);
        }
        let live = match self.owner {
            // It has one writer.
            Owner::Stray(stray) => {
                let record = SessionRecord::new(self.parts.open(&self.key()).await?, stray.grid);
                return Ok(locked(&stray.session).insert(record).clone());
            }
            Owner::Upload(live) => live,
        };
        let _one = live.opening.lock().await;
        if let Some(record) = self.known_session().await? {
            return Ok(record);
        }
        let grid = self.planned_grid(total)?.ok_or_else(no_grid)?;
        let recording = Recording::begin(live, &mut live.state());
        let _recording = recording?;
        let record = SessionRecord::new(self.parts.open(&self.key()).await?, grid);
        let record = self.put_session(live, record).await?;
        live.state().session = Some(record.clone());
        Ok(record)
    }

    /// Keeps the session that was opened, unless another process was first: then theirs is the upload's, and ours goes.
    async fn put_session(&self, live: &Live, ours: SessionRecord) -> Result<SessionRecord> {
        match self.engine.records().put(&keys::session(&live.id), &ours, Expected::Absent).await? {
            PutEnd::Won(_) => Ok(ours),
            PutEnd::Lost(Some((theirs, _))) => {
                if let Err(e) = self.parts.abort(&self.key(), &ours.session).await {
                    tracing::debug!(error = %e, "a session that nobody needs goes with its upload");
                }
                Ok(theirs)
            }
            PutEnd::Lost(None) => Err(unavailable()),
        }
    }

    /// A number for a cell's part that nobody has had before. The last one is for folds: those have the same bytes whoever makes
    /// them, so they may share it. `None` if there is no other.
    pub(super) async fn claim(&self, record: &SessionRecord, cell: u64, fold: bool) -> Result<Option<u64>> {
        let grid = record.grid().ok_or_else(no_grid)?;
        let last = grid.attempts().saturating_sub(1);
        let numbers = (0..last).filter_map(|attempt| grid.number(cell, attempt));
        match self.owner {
            Owner::Stray(stray) => {
                let number = grid.number(cell, stray.attempt(cell));
                return Ok(number);
            }
            Owner::Upload(live) => {
                let recording = Recording::begin(live, &mut live.state());
                let _recording = recording?;
                for number in numbers {
                    let key = keys::attempt(&live.id, number);
                    let end =
                        self.engine.records().put(&key, &AttemptRecord::default(), Expected::Absent).await?;
                    if matches!(end, PutEnd::Won(_)) {
                        return Ok(Some(number));
                    }
                }
            }
        }
        Ok(grid.number(cell, last).filter(|_| fold))
    }
}
