//! Looking at uploads and reading completed ones.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use upload_chunking::assembly::Key;
use upload_core::{
    Action, Error, ErrorKind, Inspection, Outcome, Principal, Result, Stage, Timestamp, UploadId, Visibility,
    lifecycle::View,
    ports::{Expected, Subject},
    record::{Head, NoteRecord, Phase, decode, keys},
};

use crate::{
    engine::Engine,
    enter::corrupt,
    live::{Live, Recording},
    records::PutEnd,
};

/// A completed upload, open for reading.
#[derive(Debug)]
#[non_exhaustive]
pub struct Reading {
    engine: Engine,
    outcome: Outcome,
}

impl Reading {
    pub(crate) fn new(engine: &Engine, outcome: Outcome) -> Self {
        Self { engine: engine.clone(), outcome }
    }

    /// What it is.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Its bytes `range`; ask for at most a few MiB at a time.
    ///
    /// # Errors
    /// `Invalid` for a range beyond its end; `Gone` if its bytes were removed.
    pub async fn range(&self, range: Range<u64>) -> Result<Bytes> {
        if range.start > range.end || range.end > self.outcome.length {
            let text = format!("bytes {}..{} of {}", range.start, range.end, self.outcome.length);
            return Err(Error::invalid(text));
        }
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let expected = range.end - range.start;
        let bytes = self.engine.blobs().read(&self.outcome.key, range).await?;
        if bytes.len() as u64 == expected {
            return Ok(bytes);
        }
        Err(Error::new(ErrorKind::Corrupt, "stored data cannot be read back"))
    }
}

impl Engine {
    /// How far an upload is. One whose finishing was interrupted is finished on the way.
    ///
    /// # Errors
    /// `NotFound`, also for another tenant's.
    pub async fn inspect(&self, who: &Principal, id: &UploadId) -> Result<Inspection> {
        let live = self.enter(who, id, Action::Write).await?;
        Ok(self.inspect_live(&live).await)
    }

    pub(crate) async fn inspect_live(&self, live: &Arc<Live>) -> Inspection {
        let to_be_finished = {
            let head = &live.state().view.head;
            let finishing = matches!(head.phase, Phase::Verifying { .. } | Phase::Committing { .. });
            finishing || head.arrives_unheard()
        };
        if to_be_finished && let Err(e) = self.finish_live(live).await {
            tracing::debug!(error = %e, "an inspected upload could not be finished");
        }
        self.inspection(&live.state().view)
    }

    /// Ends the body that is being written by offset, if there is one, records what of it has arrived, and tells how far
    /// the upload is then. For a client that comes back while its old connection hangs.
    ///
    /// # Errors
    /// As [`inspect`](Self::inspect).
    pub async fn halt(&self, who: &Principal, id: &UploadId) -> Result<Inspection> {
        let live = self.enter(who, id, Action::Write).await?;
        live.until(|s| {
            let place = Key::Offset(s.view.rows.frontier());
            // Also those that waited behind the first one.
            if s.view.rows.is_running(place) {
                s.halts += 1;
                live.tell();
            }
            (!s.view.rows.is_open(place)).then_some(())
        })
        .await;
        drop(live);
        self.inspect(who, id).await
    }

    pub(crate) fn inspection(&self, view: &View) -> Inspection {
        let head = &view.head;
        let stage = match &head.phase {
            Phase::Receiving => Stage::Receiving,
            Phase::Verifying { .. } | Phase::Committing { .. } => Stage::Finishing,
            Phase::Completed { outcome, .. } => Stage::Completed(outcome.clone()),
            Phase::Failed { failure, .. } => Stage::Failed(failure.detail.clone()),
            Phase::Cancelled { .. } => Stage::Cancelled,
            Phase::Removed { .. } => Stage::Removed,
            _ => Stage::Expired,
        };
        let mut seen = Inspection::new(head.id.clone(), stage, head.deadline);
        seen.length = head.length;
        seen.frontier = view.rows.frontier();
        seen.received = view.rows.received();
        seen.rows = view.rows.rows_len();
        if let Phase::Completed { outcome, .. } = &head.phase {
            seen.length = Some(outcome.length);
            (seen.frontier, seen.received) = (outcome.length, outcome.length);
        }
        seen.file_name = head.file_name.clone();
        seen.extras = head.extras.clone();
        seen.owner = head.owner.clone();
        seen.created = head.created;
        seen.updated = updated(head);
        seen.declared_type = head.declared_type.clone();
        seen.visibility = head.visibility();
        seen.direct = head.direct.is_some();
        seen.parts_committed = head.parts_committed.is_some();
        seen.attached = head.attached;
        seen.expires = head.expires();
        (seen.partial, seen.composed) = (head.partial, head.is_composed());
        seen
    }

    /// Opens a completed upload for reading: anybody's if it is public, else for a principal of its tenant that may read.
    ///
    /// # Errors
    /// `NotFound` for whatever is not completed or not visible; `Forbidden` for a key of the tenant that may not read; `Gone`
    /// for content that was processed and is not kept.
    pub async fn read(&self, who: Option<&Principal>, id: &UploadId) -> Result<Reading> {
        let head = self.head(id).await?;
        let outcome = match head.phase {
            Phase::Completed { outcome, .. } if !head.partial => outcome,
            _ => return Err(Error::not_found()),
        };
        if outcome.visibility != Visibility::Public {
            let who = who.ok_or_else(Error::not_found)?;
            self.check_tenant(who, id).await?;
            let mut subject = Subject::new(&head.destination, Some(&head.owner));
            (subject.exclusive, subject.visibility) = (head.exclusive, outcome.visibility);
            self.authorizer().authorize(who, Action::Read, subject).await?;
        }
        if outcome.content_removed {
            return Err(Error::new(ErrorKind::Gone, "the content was processed and is not kept"));
        }
        Ok(Reading::new(self, *outcome))
    }

    /// Puts a wire format's small fact `n` beside an upload, in place of the one that is there.
    ///
    /// # Errors
    /// `Busy` if others change the same fact all the time, `Gone` for an upload that was given up.
    pub async fn note(
        &self,
        who: &Principal,
        id: &UploadId,
        format: &str,
        n: u32,
        value: serde_json::Value,
    ) -> Result<()> {
        self.put_note(who, id, format, n, value, true).await.map(drop)
    }

    /// Puts a wire format's small fact `n` beside an upload, if there is none; gives what stands there then.
    ///
    /// # Errors
    /// As [`note`](Self::note).
    pub async fn note_once(
        &self,
        who: &Principal,
        id: &UploadId,
        format: &str,
        n: u32,
        value: serde_json::Value,
    ) -> Result<serde_json::Value> {
        self.put_note(who, id, format, n, value, false).await
    }

    async fn put_note(
        &self,
        who: &Principal,
        id: &UploadId,
        format: &str,
        n: u32,
        value: serde_json::Value,
        replace: bool,
    ) -> Result<serde_json::Value> {
        let live = self.enter(who, id, Action::Write).await?;
        let recording = Recording::begin(&live, &mut live.state());
        let _recording = recording?;
        let key = format!("{}{n:010}", keys::notes(&live.id, format));
        let record = NoteRecord(value);
        let mut expected = Expected::Absent;
        for _ in 0..16 {
            match self.records().put(&key, &record, expected).await? {
                PutEnd::Won(_) => return Ok(record.0),
                PutEnd::Lost(None) => expected = Expected::Absent,
                PutEnd::Lost(Some((known, _))) if !replace => return Ok(known.0),
                PutEnd::Lost(Some((_, version))) => expected = Expected::Version(version),
            }
        }
        Err(Error::new(ErrorKind::Busy, "others change the same fact of this upload"))
    }

    /// All facts that a wire format put beside an upload, by number.
    ///
    /// # Errors
    /// As [`inspect`](Self::inspect).
    pub async fn notes(
        &self,
        who: &Principal,
        id: &UploadId,
        format: &str,
    ) -> Result<Vec<(u32, serde_json::Value)>> {
        let live = self.enter(who, id, Action::Write).await?;
        let prefix = keys::notes(&live.id, format);
        let mut notes = Vec::new();
        self.records()
            .each(&prefix, self.settings().page, |key, stored| {
                let n = key.strip_prefix(&prefix).and_then(|n| n.parse().ok());
                let n = n.ok_or_else(|| corrupt(format!("{key} is no note's key")))?;
                notes.push((n, decode::<NoteRecord>(key, &stored.value)?.1.0));
                Ok(())
            })
            .await?;
        Ok(notes)
    }
}

/// When it last changed its state, as far as the head knows.
fn updated(head: &Head) -> Timestamp {
    let ended = match &head.phase {
        Phase::Committing { outcome } => outcome.committed,
        Phase::Completed { at, .. }
        | Phase::Failed { at, .. }
        | Phase::Cancelled { at }
        | Phase::Expired { at }
        | Phase::Removed { at, .. } => *at,
        _ => head.created,
    };
    [head.parts_committed, head.attached].into_iter().flatten().fold(ended, Timestamp::max)
}
