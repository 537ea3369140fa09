//! Claims: at most one upload of a kind, and the same one for whoever asks again.
//!
//! The head comes first and the claim after it, so a claim always names a head. Of several who begin the same at once one gets
//! the claim; the others withdraw their heads, which nobody has heard of, and give its upload.

use std::sync::Arc;

use upload_checksum::{Algorithm, Hasher};
use upload_core::{
    Action, Error, ErrorKind, Principal, Result, UploadId,
    lifecycle::Claim,
    ports::{Expected, Version},
    record::{ClaimRecord, Head, Phase, keys},
};

use crate::{change::given_up, engine::Engine, live::Live, records::PutEnd};

/// A claim, as it is stored.
#[derive(Debug)]
pub(crate) struct Claiming {
    pub(crate) key: String,
    record: ClaimRecord,
}

/// Whose a claim is.
pub(crate) enum Claimed {
    By(Arc<Live>),
    /// Nobody's; a put that expects this takes it.
    Free(Expected),
}

pub(crate) fn sha256(text: &str) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(text.as_bytes());
    hasher.finish().to_hex()
}

impl Claiming {
    pub(crate) fn new(id: &UploadId, claim: Claim) -> Result<Self> {
        let plain = claim.space.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        let handle = id.handle().filter(|_| plain && (1..=16).contains(&claim.space.len()));
        let handle = handle.ok_or_else(|| Error::internal(format!("a claim in {:?}", claim.space)))?;
        let same = claim.same.as_deref().map(sha256);
        Ok(Self {
            key: keys::claim(&handle, &claim.space, &sha256(&claim.text)),
            record: ClaimRecord::new(id.clone(), same, claim.completed_counts),
        })
    }
}

/// Whether an upload in this phase keeps its claim.
fn counts(phase: &Phase, record: &ClaimRecord) -> bool {
    match phase {
        Phase::Completed { .. } => record.completed_counts,
        phase => !given_up(phase),
    }
}

impl Engine {
    /// Whose the claim is now.
    pub(crate) async fn claimed(&self, who: &Principal, claim: &Claiming) -> Result<Claimed> {
        match self.records().get::<ClaimRecord>(&claim.key).await? {
            None => Ok(Claimed::Free(Expected::Absent)),
            Some((record, version)) => self.holder(who, claim, &record, version).await,
        }
    }

    async fn holder(
        &self,
        who: &Principal,
        claim: &Claiming,
        record: &ClaimRecord,
        version: Version,
    ) -> Result<Claimed> {
        let free = Claimed::Free(Expected::Version(version));
        let live = match self.live(&record.id).await {
            Ok(live) => live,
            Err(e) if e.kind == ErrorKind::NotFound => return Ok(free),
            Err(e) => return Err(e),
        };
        let held = {
            let head = &live.state().view.head;
            // Past its deadline it takes nothing more, though the sweep has not come yet.
            let over = matches!(head.phase, Phase::Receiving) && self.clock().now() >= head.deadline;
            counts(&head.phase, record) && !over
        };
        if !held {
            return Ok(free);
        }
        self.may(who, &live, Action::Write).await?;
        if record.same != claim.record.same {
            return Err(Error::new(ErrorKind::Conflict, "the same was begun before with other particulars"));
        }
        Ok(Claimed::By(live))
    }

    /// Claims for a new upload whose head is stored; gives the other one, in whose favour that head was withdrawn.
    pub(crate) async fn claim(
        &self,
        who: &Principal,
        claim: &Claiming,
        head: &Head,
        mut free: Expected,
    ) -> Result<Option<Arc<Live>>> {
        for _ in 0..16 {
            let held = match self.records().put(&claim.key, &claim.record, free).await? {
                PutEnd::Won(_) => return Ok(None),
                PutEnd::Lost(None) => Ok(Claimed::Free(Expected::Absent)),
                PutEnd::Lost(Some((record, version))) => self.holder(who, claim, &record, version).await,
            };
            match held {
                Ok(Claimed::Free(expected)) => free = expected,
                Ok(Claimed::By(live)) => {
                    self.withdraw(head).await?;
                    return Ok(Some(live));
                }
                Err(e) => {
                    self.withdraw(head).await?;
                    return Err(e);
                }
            }
        }
        self.withdraw(head).await?;
        Err(Error::new(ErrorKind::Busy, "others begin the same all the time"))
    }

    /// Removes a head that nobody has heard of.
    async fn withdraw(&self, head: &Head) -> Result<()> {
        self.records().remove_any(&keys::head(&head.id)).await?;
        match keys::index(&head.id, head.created).filter(|_| head.listed) {
            Some(key) => self.records().remove_any(&key).await,
            None => Ok(()),
        }
    }

    /// Removes what stands elsewhere for an upload that was given up: its place in a listing, its claim.
    pub(crate) async fn unlist(&self, live: &Live) -> Result<()> {
        let listed = {
            let head = &live.state().view.head;
            head.listed.then(|| keys::index(&head.id, head.created)).flatten()
        };
        if let Some(key) = listed {
            self.records().remove_any(&key).await?;
        }
        self.unclaim(live).await
    }

    /// Removes the upload's claims, if it has any that count no more.
    pub(crate) async fn unclaim(&self, live: &Live) -> Result<()> {
        let claims = {
            let head = &live.state().view.head;
            [head.claim.clone(), head.content_claim.clone()]
        };
        for key in claims.into_iter().flatten() {
            let Some((record, version)) = self.records().get::<ClaimRecord>(&key).await? else { continue };
            let over = record.id == live.id && !counts(&live.state().view.head.phase, &record);
            if over {
                self.release_claim(&key, &record, &version).await?;
            }
        }
        Ok(())
    }

    /// Removes the claim under this key if the upload it names is gone, or has it no more.
    pub(crate) async fn clean_claim(
        &self,
        key: &str,
        record: &ClaimRecord,
        version: &Version,
    ) -> Result<bool> {
        let held = match self.head(&record.id).await {
            Ok(head) => counts(&head.phase, record),
            Err(e) if e.kind == ErrorKind::NotFound => false,
            Err(e) => return Err(e),
        };
        if !held {
            self.release_claim(key, record, version).await?;
        }
        Ok(!held)
    }
}
