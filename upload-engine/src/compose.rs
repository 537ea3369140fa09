//! Compositions: uploads made of copies of others, one after the other.
//!
//! ```text
//!   begin (parts) ──all complete──> sources fixed ──copies──> staging object, or parts ──> verify, commit as any other
//! ```
//! A part keeps its own life: what is composed of it has bytes of its own, and is as it was when the part has gone. The copies are a job
//! of Verifying that anybody may take up: how far it is, is a record in place, and the folded cells in a store of parts.

use std::{collections::BTreeMap, sync::Arc};

use upload_core::{
    Action, Error, ErrorKind, Principal, Result, UploadId,
    lifecycle::{Begin, Command, length_of, refusal},
    ports::{Copier, Expected, Subject, Version},
    record::{CopiedRecord, Failure, FailureKind, Head, Phase, Segment, Source, keys},
};

use crate::{
    change::given_up,
    content::Content,
    digest::{READ, yield_now},
    engine::Engine,
    live::{Live, Recording},
    records::PutEnd,
    segments::{Lying, lost, recorded},
};

impl Engine {
    /// Refuses a composition that could never be: of uploads that are not the principal's to write, that are no parts, that were
    /// given up, or that are too long together.
    pub(crate) async fn check_parts(&self, who: &Principal, begin: &Begin) -> Result<()> {
        let lengths = each(&begin.parts, |id| self.part_length(who, id)).await?;
        let length = lengths.into_iter().fold(0, u64::saturating_add);
        self.destinations().get(&begin.destination)?.policy.check_length(length)
    }

    /// Bytes that a part has, or will have as far as that is known.
    async fn part_length(&self, who: &Principal, id: &UploadId) -> Result<u64> {
        self.check_tenant(who, id).await?;
        let head = self.head(id).await?;
        self.authorizer().authorize(who, Action::Write, Subject::of(&head)).await?;
        if !head.partial {
            let text = format!("the upload {id} was not begun as a part of another one");
            return Err(Error::new(ErrorKind::Misplaced, text));
        }
        match refusal(&head.phase).filter(|_| given_up(&head.phase)) {
            Some(gone) => Err(Error::new(gone.kind, format!("the part {id}: {}", gone.detail))),
            None => Ok(head.phase.outcome().map(|outcome| outcome.length).or(head.length).unwrap_or(0)),
        }
    }

    /// Closes a composed upload, if its parts are all complete.
    pub(crate) async fn compose(&self, live: &Arc<Live>) -> Result<()> {
        let head = live.state().view.head.clone();
        let sources = each(&head.parts, |id| self.source(live, id)).await?;
        // The sweep will look at it from now on, should nobody come again.
        self.due(&live.id, self.clock().now().hour()).await?;
        let events = self.change(live, Command::Compose { key: self.key_for(&head), sources }).await?;
        self.clear_failed(live, &events).await;
        Ok(())
    }

    /// What a part has become. One that has gone fails the upload, which could only wait for ever.
    async fn source(&self, live: &Arc<Live>, id: &UploadId) -> Result<Source> {
        match self.head(id).await.map(|part| part.phase) {
            Ok(Phase::Completed { outcome, .. }) => Ok(Source::new(outcome.key, outcome.length)),
            Ok(phase) if given_up(&phase) => Err(self.part_gone(live, id).await),
            Ok(_) => {
                let text = format!("the part {id} of the upload is not complete");
                Err(Error::new(ErrorKind::NotReady, text))
            }
            Err(e) if e.kind == ErrorKind::NotFound => Err(self.part_gone(live, id).await),
            Err(e) => Err(e),
        }
    }

    async fn part_gone(&self, live: &Arc<Live>, id: &UploadId) -> Error {
        let text = format!("the part {id} was given up or removed before the upload was composed of it");
        self.fail(live, Failure::new(FailureKind::PartGone, text)).await
    }

    /// Where the bytes of a closed composition can be read, in a store that writes in place: copies them first, from where the
    /// copies stand.
    pub(crate) async fn composed(&self, live: &Arc<Live>, head: &Head) -> Result<Content> {
        let length = length_of(&head.sources);
        let stored = self.records().get::<CopiedRecord>(&keys::copied(&live.id)).await?;
        let (mut copied, mut version) = stored.map_or((0, None), |(record, v)| (record.bytes, Some(v)));
        self.blobs().stage(&head.staging, Some(length)).await?;
        let (mut start, mut recorded) = (0u64, copied);
        for source in &head.sources {
            let end = start.saturating_add(source.length);
            while copied < end {
                copied += self.copy_step(live, head, source, copied - start, copied).await?;
                if copied - recorded >= self.settings().copy_save && copied < length {
                    version = self.record_copied(live, copied, version).await?;
                    recorded = copied;
                }
            }
            start = end;
        }
        if recorded < length {
            self.record_copied(live, length, version).await?;
        }
        Ok(Content::Staged(head.staging.clone()))
    }

    /// Copies the next bytes of a source; gives how many.
    async fn copy_step(&self, live: &Arc<Live>, head: &Head, from: &Source, at: u64, to: u64) -> Result<u64> {
        let left = from.length.saturating_sub(at).min(self.settings().copy_step.max(1));
        let copier: Option<&dyn Copier> = self.blobs().copier();
        if let Some(copier) = copier {
            let copied = copier.copy_in(&from.key, at..at + left, &head.staging, to, live.permit()).await;
            copied.map_err(recorded)?;
            return Ok(left);
        }
        let len = left.min(READ);
        let bytes = self.blobs().read(&from.key, at..at + len).await.map_err(recorded)?;
        if bytes.len() as u64 != len {
            return Err(lost(format!("{} bytes of {} came, not {len}", bytes.len(), from.key)));
        }
        self.blobs().write(&head.staging, to, vec![bytes], live.permit()).await?;
        yield_now().await;
        Ok(len)
    }

    /// Makes the copies durable and records how far they are.
    async fn record_copied(
        &self,
        live: &Arc<Live>,
        copied: u64,
        version: Option<Version>,
    ) -> Result<Option<Version>> {
        self.sync(live).await?;
        let recording = Recording::begin(live, &mut live.state());
        let _recording = recording?;
        let expected = version.map_or(Expected::Absent, Expected::Version);
        let record = CopiedRecord::new(copied);
        match self.records().put(&keys::copied(&live.id), &record, expected).await? {
            PutEnd::Won(version) => Ok(Some(version)),
            // Whoever was first copied the same bytes to the same place.
            PutEnd::Lost(current) => Ok(current.map(|(_, version)| version)),
        }
    }
}

/// What `find` gives for each of the parts, in their order; it is asked once for one that is there several times.
async fn each<'a, T, F>(parts: &'a [UploadId], mut find: impl FnMut(&'a UploadId) -> F) -> Result<Vec<T>>
where
    T: Clone,
    F: Future<Output = Result<T>>,
{
    let mut known = BTreeMap::new();
    for id in parts {
        if !known.contains_key(id) {
            known.insert(id, find(id).await?);
        }
    }
    Ok(parts.iter().filter_map(|id| known.get(id).cloned()).collect())
}

/// Where the bytes of a composition lie before they are its own.
pub(crate) fn lying(head: &Head) -> Vec<Lying> {
    let mut at = 0u64;
    let place = |source: &Source| {
        let start = at;
        at = at.saturating_add(source.length);
        (start, Segment::Object(source.clone()))
    };
    head.sources.iter().map(place).filter(|(_, segment)| segment.length() > 0).collect()
}
