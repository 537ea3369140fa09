//! Direct uploads: their bytes go to the store by requests that it has signed, and the engine first sees them when they are
//! there.
//!
//! ```text
//!   begin ──> grant: the store's own request ──(whoever has it)──> object ──> finish: is it there, is it that long?
//!                                                                     └─ copy, if it could be replaced ─> verify, commit
//! ```
//! A signed request outlives the completion. What is verified must therefore be what no such request can change: an object
//! that the store makes only once, or a copy under a key that was never in any request.

use std::{sync::Arc, time::Duration};

use upload_checksum::Digest;
use upload_core::{
    Access, Ask, Error, ErrorKind, Grant, ObjectKey, Outcome, Result, StagingName,
    lifecycle::{Command, another_length, refusal},
    ports::{Part, Session, SignFor, Signer, StoreErrorKind},
    record::{Addressing, Direct, Head, Phase},
};

use crate::{content::Content, engine::Engine, live::Live};

/// Most bytes of the name of a store's session.
const MAX_SESSION: usize = 1024;

impl Engine {
    /// Whether a new upload goes to the store directly, and what can be relied on then.
    ///
    /// # Errors
    /// `TooLarge` for one that the store would not take so.
    pub(crate) fn direct(&self, head: &Head) -> Result<Option<Direct>> {
        let (Some(signer), Some(parts)) = (self.blobs().signer(), self.blobs().parts()) else {
            return Ok(None);
        };
        let (true, Addressing::Slots, Some(length)) = (head.by_grant, head.addressing, head.length) else {
            return Ok(None);
        };
        let (binding, rules) = (signer.binding(), parts.rules());
        let most = if head.holder_commits {
            rules.max_part.min(head.policy.max_chunk).saturating_mul(rules.max_parts.into())
        } else {
            binding.max_put
        };
        if length > most {
            return Err(Error::too_large("the upload", length, most));
        }
        let mut direct = Direct::new();
        if head.holder_commits {
            direct.copied = !binding.keeps_parts;
        } else {
            direct.copied = !binding.keeps_put;
            let bound = |digest: &&Digest| binding.digests.contains(&digest.algorithm());
            direct.bound = head.expected.iter().find(bound).copied();
        }
        Ok(Some(direct))
    }

    /// The store's request for what is asked of an upload whose bytes go there directly; a token if the upload is complete, by
    /// which the same content sent again is compared.
    pub(crate) async fn grant_direct(&self, head: &Head, direct: &Direct, ask: Ask) -> Result<Grant> {
        match &head.phase {
            Phase::Receiving => {}
            Phase::Completed { .. } if ask.access == Access::Put => {
                return self.sealed(head, ask).map(Grant::Sealed);
            }
            phase => return Err(refusal(phase).unwrap_or_else(|| Error::internal("an unknown phase"))),
        }
        let wrong_kind =
            if head.holder_commits { ask.access == Access::Put } else { ask.access != Access::Put };
        if wrong_kind {
            let form = if head.holder_commits { "in parts" } else { "in one body" };
            return Err(Error::new(ErrorKind::Misplaced, format!("the content of this upload comes {form}")));
        }
        let left = head.deadline.millis().saturating_sub(self.clock().now().millis());
        if left == 0 {
            return Err(Error::new(ErrorKind::Gone, "the upload has expired"));
        }
        let signer = self.signer()?;
        let binding = signer.binding();
        if ask.access == Access::BeginParts && !binding.sessions {
            return Ok(Grant::Unneeded);
        }
        let session = ask.session.as_ref().filter(|_| binding.sessions);
        if let Some(n) = session.map(|session| session.as_str().len()).filter(|n| *n > MAX_SESSION) {
            return Err(Error::too_large("the name of the session", n as u64, MAX_SESSION as u64));
        }
        let parts = match ask.access {
            Access::CommitParts => self.all_sent(signer, head, session).await?,
            _ => Vec::new(),
        };
        let mut sign = SignFor::new(ask.access, &head.staging, ask.lifetime.min(Duration::from_millis(left)));
        sign.session = session;
        sign.parts = &parts;
        sign.length = head.length;
        // Without it the store would take other bytes.
        sign.digest = direct.bound.as_ref().or(ask.digest.as_ref());
        sign.content_type = ask.content_type.as_deref();
        Ok(Grant::Signed(signer.sign(&sign).await?))
    }

    /// The parts that were sent, if they are the whole.
    async fn all_sent(
        &self,
        signer: &dyn Signer,
        head: &Head,
        session: Option<&Session>,
    ) -> Result<Vec<Part>> {
        let key = ObjectKey::of(&head.staging);
        let parts = match signer.sent(&key, session).await {
            Ok(parts) => parts,
            // Committed already, it may be, by one who did not hear of it.
            Err(e) if e.kind == StoreErrorKind::NotFound => {
                let there = self.blobs().length(&key).await?;
                let whole = there.is_some() && there == head.length;
                let text = "the store knows no such session of the upload";
                return if whole { Ok(Vec::new()) } else { Err(Error::new(ErrorKind::NotReady, text)) };
            }
            Err(e) => return Err(e.into()),
        };
        let (has, length) = (parts.iter().map(|part| part.length).sum(), head.length.unwrap_or(0));
        if has == length {
            return Ok(parts);
        }
        let text = format!("the upload is not complete: its parts in the store have {has} of {length} bytes");
        Err(Error::new(ErrorKind::NotReady, text).with_facts(has, length))
    }

    fn signer(&self) -> Result<&dyn Signer> {
        self.blobs().signer().ok_or_else(|| {
            let text = "the bytes of this upload go to the storage directly, which signs no requests now";
            Error::new(ErrorKind::Unsupported, text)
        })
    }

    /// Looks whether the object of a direct upload is there, and closes the set if it is.
    pub(crate) async fn arrive(&self, live: &Arc<Live>, direct: &Direct) -> Result<()> {
        let head = live.state().view.head.clone();
        let sent = ObjectKey::of(&head.staging);
        let Some(length) = self.blobs().length(&sent).await? else {
            let text = "the object of the upload is not in the store";
            return Err(Error::new(ErrorKind::NotReady, text));
        };
        // The sweep will look at it from now on, should nobody come again.
        self.due(&live.id, self.clock().now().hour()).await?;
        let key = match direct.copied {
            true => ObjectKey::random(self.clock().now().hour(), &head.id, self.ids()),
            false => sent,
        };
        let events = self.change(live, Command::Arrived { key, length }).await?;
        self.clear_failed(live, &events).await;
        Ok(())
    }

    /// What of a direct upload counts, from now on out of reach of those who sent it.
    pub(crate) async fn arrived(
        &self,
        live: &Arc<Live>,
        staging: &StagingName,
        key: &ObjectKey,
    ) -> Result<Content> {
        let sent = ObjectKey::of(staging);
        if *key != sent {
            // Also if it is there: it may be half made, by somebody else.
            match self.signer()?.copy_once(&sent, key).await {
                // Told apart below.
                Err(e) if e.kind == StoreErrorKind::NotFound => {}
                copied => copied?,
            }
        }
        let (there, announced) = (self.blobs().length(key).await?, live.state().view.length());
        match there {
            Some(length) if length == announced => Ok(Content::Object(key.clone())),
            Some(length) => {
                // Replaced since it was first seen.
                Err(self.fail(live, another_length(length, announced)).await)
            }
            None => Err(Error::new(ErrorKind::Corrupt, "the object of the upload is not there any more")),
        }
    }

    /// Makes sure of the object of an outcome; what else was sent goes.
    pub(crate) async fn publish_direct(&self, staging: &StagingName, outcome: &Outcome) -> Result<()> {
        let sent = ObjectKey::of(staging);
        if outcome.content_removed {
            self.blobs().delete(&outcome.key).await?;
        } else if self.blobs().length(&outcome.key).await? != Some(outcome.length) {
            return Err(Error::new(ErrorKind::Corrupt, "stored data cannot be read back"));
        }
        if sent != outcome.key {
            self.blobs().delete(&sent).await?;
        }
        Ok(())
    }
}
