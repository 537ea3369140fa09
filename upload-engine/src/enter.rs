//! Getting at an upload: the tenant's, authorized, in memory.

use std::sync::Arc;

use futures_util::future::{try_join, try_join_all};
use upload_chunking::assembly::{Contradiction, Key};
use upload_core::{
    Action, Error, ErrorKind, Principal, Result, UploadId,
    lifecycle::View,
    ports::Subject,
    record::{DigestRecord, Head, Phase, RowRecord, ShapeRecord, decode, keys},
};

use crate::{
    digest::Frontier,
    engine::Engine,
    live::{Found, Inserted, Live, State},
};

/// How many rows are read at once.
const AT_ONCE: usize = 16;

impl Engine {
    /// The upload, if it is the principal's tenant's and the principal may do this. Another tenant's upload cannot be
    /// told from none.
    pub(crate) async fn enter(&self, who: &Principal, id: &UploadId, action: Action) -> Result<Arc<Live>> {
        self.check_tenant(who, id).await?;
        let live = self.live(id).await?;
        self.may(who, &live, action).await?;
        Ok(live)
    }

    /// Refuses what the principal may not do with an upload of its tenant.
    pub(crate) async fn may(&self, who: &Principal, live: &Live, action: Action) -> Result<()> {
        let (destination, owner, exclusive, visibility) = {
            let head = &live.state().view.head;
            (head.destination.clone(), head.owner.clone(), head.exclusive, head.visibility())
        };
        let mut subject = Subject::new(&destination, Some(&owner));
        (subject.exclusive, subject.visibility) = (exclusive, visibility);
        self.authorizer().authorize(who, action, subject).await
    }

    pub(crate) async fn check_tenant(&self, who: &Principal, id: &UploadId) -> Result<()> {
        match self.handle(&who.tenant).await? {
            Some(handle) if id.belongs_to(&handle) => Ok(()),
            _ => Err(Error::not_found()),
        }
    }

    /// The upload in memory, loaded if need be.
    pub(crate) async fn live(&self, id: &UploadId) -> Result<Arc<Live>> {
        loop {
            let epoch = match self.table().find(id) {
                Found::Live(live) => {
                    if self.records().store().shared() {
                        self.refresh(&live).await?;
                    }
                    self.sure(&live).await?;
                    return Ok(live);
                }
                Found::Absent(epoch) => epoch,
            };
            let loaded = match self.load(id).await {
                Ok(loaded) => loaded,
                // Others load it as well, and may have changed or ended it under our eyes.
                Err(e) => match self.table().find(id) {
                    Found::Absent(now) if now == epoch => return Err(e),
                    _ => continue,
                },
            };
            match self.table().insert(loaded, epoch) {
                Inserted::Live(live, left) => {
                    for old in left {
                        self.leave(&old).await?;
                    }
                    return Ok(live);
                }
                Inserted::Again => {}
            }
        }
    }

    /// Saves what an upload that leaves memory would have to compute again.
    pub(crate) async fn leave(&self, live: &Live) -> Result<()> {
        if matches!(live.state().view.head.phase, Phase::Receiving) {
            let mut frontier = live.digest.lock().await;
            self.save_digest(live, &mut frontier, 1).await?;
        }
        Ok(())
    }

    async fn load(&self, id: &UploadId) -> Result<Live> {
        let (head, version) =
            self.records().get::<Head>(&keys::head(id)).await?.ok_or_else(Error::not_found)?;
        let mut state = State::new(View::new(head), version, None);
        let mut open = !state.view.head.phase.is_terminal();
        if open && let Err(e) = self.load_rows(id, &mut state).await {
            // It may have been given up, and half of it removed, under our eyes.
            let found = self.records().get::<Head>(&keys::head(id)).await?;
            let (head, version) = found.ok_or_else(Error::not_found)?;
            open = !head.phase.is_terminal();
            if open {
                return Err(e);
            }
            state = State::new(View::new(head), version, None);
        }
        let frontier = if open {
            let saved = self.records().get::<DigestRecord>(&keys::digest(id)).await.unwrap_or_default();
            Frontier::resume(&state.view.head, saved, state.view.length())
        } else {
            Frontier::new(&state.view.head)
        };
        Ok(Live::new(state, frontier))
    }

    /// Looks at the records if a put may have happened that memory knows nothing of.
    pub(crate) async fn sure(&self, live: &Live) -> Result<()> {
        while live.state().is_stale() {
            self.refresh(live).await?;
        }
        Ok(())
    }

    /// Takes over what the records say and memory does not: after a put of unknown end, or where other processes write.
    async fn refresh(&self, live: &Live) -> Result<()> {
        // What a change stores and applies meanwhile would be overwritten by what was read before.
        let _one_at_a_time = live.heads.lock().await;
        let doubts = live.state().doubts();
        let key = keys::head(&live.id);
        let (found, unknown) = try_join(self.records().get::<Head>(&key), self.unknown_rows(live)).await?;
        let (head, version) = found.ok_or_else(Error::not_found)?;
        if !head.phase.is_terminal() {
            self.learn(live, unknown).await?;
        }
        let mut state = live.state();
        state.view.head = head;
        state.head_version = version;
        state.settled(doubts);
        drop(state);
        live.tell();
        live.notify();
        Ok(())
    }

    /// Takes over the rows that other processes have put.
    pub(crate) async fn learn_from_others(&self, live: &Live) -> Result<()> {
        if !self.records().store().shared() {
            return Ok(());
        }
        let unknown = self.unknown_rows(live).await?;
        self.learn(live, unknown).await?;
        live.tell();
        live.notify();
        Ok(())
    }

    /// The keys of the rows that memory does not know. Those that follow each other from the first on are not asked for again.
    async fn unknown_rows(&self, live: &Live) -> Result<Vec<(Key, String)>> {
        if !matches!(live.state().view.head.phase, Phase::Receiving) {
            // None comes any more.
            return Ok(Vec::new());
        }
        let last = match live.state().view.rows.first_missing() {
            Key::Slot(n) => n.checked_sub(1).map(Key::Slot),
            Key::Offset(at) => at.checked_sub(1).map(Key::Offset),
        };
        let mut after = last.map(|last| keys::row(&live.id, last));
        let (prefix, mut unknown) = (keys::rows(&live.id), Vec::new());
        loop {
            let page = self.records().store().keys(&prefix, after.as_deref(), self.settings().page).await?;
            let Some(last) = page.last() else { return Ok(unknown) };
            after = Some(last.clone());
            let state = live.state();
            for key in page {
                let place = keys::place(&key).ok_or_else(|| corrupt(format!("{key} is no row's key")))?;
                if state.view.rows.row(place).is_none() {
                    unknown.push((place, key));
                }
            }
        }
    }

    /// Learns these rows, and the shape that they have.
    async fn learn(&self, live: &Live, unknown: Vec<(Key, String)>) -> Result<()> {
        if unknown.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(unknown.len());
        for some in unknown.chunks(AT_ONCE) {
            let gets: Vec<_> = some.iter().map(|(_, key)| self.records().get::<RowRecord>(key)).collect();
            let found = try_join_all(gets).await?;
            let known = some.iter().zip(found).filter_map(|((at, _), row)| Some(row?.0.row(*at)));
            rows.extend(known);
        }
        // After the rows: it is put before them, so one that is read later holds for all of them.
        let shape = self.records().get::<ShapeRecord>(&keys::shape(&live.id)).await?;
        let mut state = live.state();
        if let Some((shape, version)) = shape {
            let _ = state.view.rows.learn_shape(shape.into());
            state.shape_version = Some(version);
        }
        for row in rows {
            // Where an attempt of ours stands, its own put will lose to this row and tell it.
            let _ = state.view.rows.learn_row(row);
        }
        Ok(())
    }

    /// Learns the shape and all rows from the records, whoever puts more of them meanwhile.
    async fn load_rows(&self, id: &UploadId, state: &mut State) -> Result<()> {
        let mut rows = Vec::new();
        self.records()
            .each(&keys::rows(id), self.settings().page, |key, stored| {
                let place = keys::place(key).ok_or_else(|| corrupt(format!("{key} is no row's key")))?;
                let (_, record) = decode::<RowRecord>(key, &stored.value)?;
                rows.push(record.row(place));
                Ok(())
            })
            .await?;
        // After the rows: it is put before them, so one that is read later holds for all of them.
        if let Some((shape, version)) = self.records().get::<ShapeRecord>(&keys::shape(id)).await? {
            state.view.rows.learn_shape(shape.into()).map_err(|e| contradiction(id, e))?;
            state.shape_version = Some(version);
        }
        rows.into_iter().try_for_each(|row| state.view.rows.learn_row(row)).map_err(|e| contradiction(id, e))
    }
}

pub(crate) fn corrupt(what: String) -> Error {
    Error::new(ErrorKind::Corrupt, "a stored record cannot be read").with_source(what)
}

pub(crate) fn contradiction(id: &UploadId, e: Contradiction) -> Error {
    corrupt(format!("{id}: {e}"))
}
