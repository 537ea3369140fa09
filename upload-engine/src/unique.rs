//! Content that may be there only once: claims by what the bytes are, not by what was announced.
//!
//! ```text
//!  head Verifying ──> its claim's key in the head ──> claim c/<handle>/<space>/<digest> ──> process ──> Committing ──> Completed
//!                                                       │ names another upload that counts:            a replaced one is
//!                                                       │ wait for it, then Duplicate or replace       removed from here on
//! ```
//! A claim whose upload is being finished is waited for, never taken. One that replaces keeps the name of the replaced upload until
//! it is complete itself: should it fail, that one has the claim again.

use std::sync::Arc;

use upload_checksum::{Algorithm, Digests};
use upload_core::{
    Error, ErrorKind, Result, UploadId,
    lifecycle::{Command, Unique, refusal},
    ports::{Expected, Version},
    record::{ClaimRecord, Phase, keys},
};

use crate::{claim::sha256, engine::Engine, live::Live, records::PutEnd};

/// How many others that claim the same are waited for.
const OTHERS: usize = 1024;

/// Who has a claim.
enum Holder {
    /// This upload has.
    Us,
    /// Nobody that counts.
    Nobody(Expected),
    /// A completed upload, under this version of the claim.
    Completed(UploadId, Version),
    /// One that has completed, but has not yet removed the one whose place it took.
    Unretired(Arc<Live>),
    /// One that is being finished.
    Finishing(Arc<Live>),
}

/// The key of the claim that content with these digests makes.
pub(crate) fn content_claim(id: &UploadId, unique: &Unique, digests: &Digests) -> Result<String> {
    match id.handle().zip(digests.get(Algorithm::Sha256)) {
        Some((handle, digest)) => {
            let text = format!("{}/{}", unique.scope, digest.to_hex());
            Ok(keys::claim(&handle, &unique.space, &sha256(&text)))
        }
        None => Err(Error::internal("unique content without a SHA-256")),
    }
}

fn duplicate() -> Error {
    Error::new(ErrorKind::Duplicate, "the same content is stored already")
}

impl Engine {
    /// Refuses content that a completed upload has, before anything is recorded for it.
    pub(crate) async fn not_there(&self, key: &str, unique: &Unique) -> Result<()> {
        if unique.replace {
            return Ok(());
        }
        let Some((record, _)) = self.records().get::<ClaimRecord>(key).await? else { return Ok(()) };
        if self.is_completed(&record.id).await? { Err(duplicate()) } else { Ok(()) }
    }

    async fn is_completed(&self, id: &UploadId) -> Result<bool> {
        Ok(matches!(self.stored_phase(id).await?, Some(Phase::Completed { .. })))
    }

    async fn is_finishing(&self, id: &UploadId) -> Result<bool> {
        let phase = self.stored_phase(id).await?;
        Ok(matches!(phase, Some(Phase::Verifying { .. } | Phase::Committing { .. })))
    }

    async fn stored_phase(&self, id: &UploadId) -> Result<Option<Phase>> {
        match self.head(id).await {
            Ok(head) => Ok(Some(head.phase)),
            Err(e) if e.kind == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Claims the content of an upload in Verifying.
    ///
    /// # Errors
    /// `Duplicate` if a completed upload has it, `Busy` if another one that claims it cannot be finished now.
    pub(crate) async fn claim_content(&self, live: &Live, unique: &Unique, digests: &Digests) -> Result<()> {
        let key = content_claim(&live.id, unique, digests)?;
        // Before the claim: whoever removes this upload must find it.
        self.change(live, Command::Claim(key.clone())).await?;
        for _ in 0..OTHERS {
            let mut record = ClaimRecord::new(live.id.clone(), None, true);
            let expected = match self.content_holder(live, &key).await? {
                Holder::Us => return Ok(()),
                Holder::Completed(..) if !unique.replace => return Err(duplicate()),
                Holder::Completed(id, version) => {
                    record.replaces = Some(id);
                    Expected::Version(version)
                }
                Holder::Nobody(expected) => expected,
                // Or nobody would know any more whom it replaced.
                Holder::Unretired(other) => {
                    self.retire(&other).await?;
                    continue;
                }
                Holder::Finishing(other) => {
                    // Another process may have completed ours, and what is there now may have replaced it. Whoever waits
                    // after this look waits for one that came to the claim later, so no two wait for each other.
                    self.live(&live.id).await?;
                    let ours = live.state().view.head.phase.clone();
                    if !matches!(ours, Phase::Verifying { .. }) {
                        return Err(refusal(&ours).unwrap_or_else(duplicate));
                    }
                    if let Err(e) = Box::pin(self.finish_live(&other)).await
                        && self.is_finishing(&other.id).await?
                    {
                        let busy = Error::new(
                            ErrorKind::Busy,
                            "the same content is being stored by another request",
                        );
                        return Err(busy.with_source(e));
                    }
                    continue;
                }
            };
            if let PutEnd::Won(_) = self.records().put(&key, &record, expected).await? {
                return Ok(());
            }
        }
        Err(Error::new(ErrorKind::Busy, "others store the same content all the time"))
    }

    async fn content_holder(&self, live: &Live, key: &str) -> Result<Holder> {
        let Some((record, version)) = self.records().get::<ClaimRecord>(key).await? else {
            return Ok(Holder::Nobody(Expected::Absent));
        };
        if record.id == live.id {
            return Ok(Holder::Us);
        }
        let other = match self.live(&record.id).await {
            Ok(other) => Some(other),
            Err(e) if e.kind == ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        if let Some(other) = other {
            let phase = other.state().view.head.phase.clone();
            match phase {
                Phase::Completed { .. } if record.replaces.is_some() => return Ok(Holder::Unretired(other)),
                Phase::Completed { .. } => return Ok(Holder::Completed(record.id, version)),
                Phase::Verifying { .. } | Phase::Committing { .. } => return Ok(Holder::Finishing(other)),
                _ => {}
            }
        }
        // It was given up: the one that it would have replaced has the claim.
        match record.replaces {
            // Not ours, which another process may have completed: nothing takes its own place.
            Some(id) if id != live.id && self.is_completed(&id).await? => Ok(Holder::Completed(id, version)),
            _ => Ok(Holder::Nobody(Expected::Version(version))),
        }
    }

    /// Removes the upload whose place this completed one took.
    pub(crate) async fn retire(&self, live: &Live) -> Result<()> {
        let Some(key) = live.state().view.head.content_claim.clone() else { return Ok(()) };
        let Some((mut record, version)) = self.records().get::<ClaimRecord>(&key).await? else {
            return Ok(());
        };
        let Some(old) = record.replaces.take().filter(|_| record.id == live.id) else { return Ok(()) };
        match self.live(&old).await {
            Ok(old) => match self.end(&old, Command::Remove).await {
                Ok(()) => {}
                Err(e) if e.kind == ErrorKind::Gone => {}
                Err(e) => return Err(e),
            },
            Err(e) if e.kind == ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        // Lost to one that replaces this one: then it names this one.
        self.records().put(&key, &record, Expected::Version(version)).await.map(drop)
    }

    /// Gives a claim whose upload counts no more back to the one it would have replaced, or removes it.
    pub(crate) async fn release_claim(
        &self,
        key: &str,
        record: &ClaimRecord,
        version: &Version,
    ) -> Result<()> {
        match &record.replaces {
            Some(old) if self.is_completed(old).await? => {
                let back = ClaimRecord::new(old.clone(), None, true);
                self.records().put(key, &back, Expected::Version(version.clone())).await.map(drop)
            }
            _ => self.records().remove_if(key, version).await,
        }
    }
}
