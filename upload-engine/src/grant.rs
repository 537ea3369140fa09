//! Grants: leave to do one thing with one upload without a key, and what their holders then do.
//!
//! ```text
//!   grant(who, id, ask) ──> token ──(a client, a link)──> redeem(token) ──> Pass ──> put, parts, commit_parts, read, …
//! ```
//! What comes in through a pass takes the same way as any other write: the same places, rows, digests, policy and outcome.

use std::sync::Arc;

use futures_util::future::{Either, select};
use upload_checksum::Digest;
use upload_chunking::{
    assembly::{At, Key, Shape, Sizing},
    parts::Totals,
    plan::{last_from_size, size_from_last},
};
use upload_core::{
    Access, Action, Ask, Error, ErrorKind, Grant, Principal, Result, UploadId,
    lifecycle::{MAX_FILE_NAME, refusal},
    ports::SignFor,
    record::{Addressing, Head, Phase},
};

use crate::{
    engine::Engine,
    inspect::Reading,
    live::Live,
    parts::PartInfo,
    token::{Secrets, Token},
    types::{Body, Write, Written},
};

/// Most bytes of a media type that is granted.
const MAX_TYPE: usize = 255;

impl Engine {
    /// Leave for whoever holds the answer to do what is asked, until it expires: a request to the store, if it signs such, else
    /// a token for [`redeem`](Self::redeem).
    ///
    /// # Errors
    /// As [`inspect`](Self::inspect) and [`read`](Self::read); `Gone` for an upload that was given up, `Conflict` for a part that
    /// is stored with another digest, `Misplaced` for what an upload of its kind never takes, `Unsupported` without
    /// [secrets](crate::EngineBuilder::secrets), `TooLarge` for a name or type that no token has room for.
    pub async fn grant(&self, who: &Principal, id: &UploadId, ask: Ask) -> Result<Grant> {
        for (what, text, most) in [
            ("the file name", &ask.file_name, MAX_FILE_NAME),
            ("the media type", &ask.content_type, MAX_TYPE),
        ] {
            if let Some(n) = text.as_ref().map(String::len).filter(|n| *n > most) {
                return Err(Error::too_large(what, n as u64, most as u64));
            }
        }
        let head = if ask.access.is_read() {
            self.read(Some(who), id).await?;
            self.head(id).await?
        } else {
            let action = if ask.access == Access::AbortParts { Action::Cancel } else { Action::Write };
            let live = self.enter(who, id, action).await?;
            let head = live.state().view.head.clone();
            self.may_send(&live, &head, &ask).await?;
            head
        };
        match (self.blobs().signer(), &head.direct) {
            (Some(signer), _) if ask.access.is_read() => {
                let mut sign = SignFor::new(ask.access, &head.staging, ask.lifetime);
                sign.key = head.phase.outcome().map(|outcome| &outcome.key);
                sign.length = head.length;
                sign.content_type = ask.content_type.as_deref();
                sign.file_name = ask.file_name.as_deref();
                Ok(Grant::Signed(signer.sign(&sign).await?))
            }
            (_, Some(direct)) if !ask.access.is_read() => self.grant_direct(&head, direct, ask).await,
            _ => self.sealed(&head, ask).map(Grant::Sealed),
        }
    }

    async fn may_send(&self, live: &Live, head: &Head, ask: &Ask) -> Result<()> {
        not_gone(live)?;
        if head.addressing != Addressing::Slots {
            return Err(Error::new(ErrorKind::Misplaced, "an upload by offset takes no signed requests"));
        }
        let Access::Part(number) = ask.access else { return Ok(()) };
        let slot = slot(number, head)?;
        if head.direct.is_some() {
            return Ok(());
        }
        let stored = self.row(live, Key::Slot(slot)).await?.and_then(|row| row.digest);
        match (stored, ask.digest) {
            (Some(stored), Some(asked)) if stored != asked => Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "part {number} is stored, and its {} is {}, not {}",
                    stored.algorithm(),
                    stored.to_hex(),
                    asked.to_hex()
                ),
            )),
            _ => Ok(()),
        }
    }

    pub(crate) fn sealed(&self, head: &Head, ask: Ask) -> Result<String> {
        let mut token = Token::new(Some(ask.access), head.id.clone());
        match ask.access {
            Access::Put => token.length = head.length,
            Access::Part(_) => token.max_length = Some(head.policy.max_chunk),
            _ => {}
        }
        token.content_type = ask.content_type;
        token.digest = ask.digest;
        token.finish = ask.finish;
        token.file_name = ask.file_name;
        token.expires = Some(self.clock().now().plus(ask.lifetime));
        self.secrets()?.seal(&token)
    }

    pub(crate) fn secrets(&self) -> Result<&Secrets> {
        self.secrets_if_any().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "this server has no secret to seal tokens with")
        })
    }

    /// Takes a token at its word, now: one that expires while its holder's bytes arrive was good.
    ///
    /// # Errors
    /// `Forbidden` for what is no valid token of a grant.
    pub fn redeem(&self, token: &str) -> Result<Pass> {
        let token = self.secrets()?.open(token, self.clock().now())?;
        let access = token.access.ok_or_else(not_for_this)?;
        Ok(Pass { engine: self.clone(), token, access })
    }
}

/// A redeemed grant: does what it was made for, any number of times.
#[derive(Debug)]
#[non_exhaustive]
pub struct Pass {
    engine: Engine,
    token: Token,
    access: Access,
}

impl Pass {
    /// What it is good for.
    pub fn access(&self) -> Access {
        self.access
    }

    /// The upload.
    pub fn id(&self) -> &UploadId {
        &self.token.id
    }

    /// Media type that is sent or shown.
    pub fn content_type(&self) -> Option<&str> {
        self.token.content_type.as_deref()
    }

    /// Digest of the bytes that are sent.
    pub fn digest(&self) -> Option<&Digest> {
        self.token.digest.as_ref()
    }

    /// Bytes that are sent, exactly, if it says so.
    pub fn length(&self) -> Option<u64> {
        self.token.length
    }

    /// Bytes that are sent, at most.
    pub fn max_length(&self) -> u64 {
        self.token.length.or(self.token.max_length).unwrap_or(u64::MAX)
    }

    /// Name for what is read.
    pub fn file_name(&self) -> Option<&str> {
        self.token.file_name.as_deref()
    }

    fn need(&self, ok: bool) -> Result<()> {
        if ok { Ok(()) } else { Err(not_for_this()) }
    }

    /// Sends the whole content, or a part. The same bytes again are only compared; `declared` are the bytes that will come, and
    /// must be known for a part.
    ///
    /// # Errors
    /// As [`Engine::write`]; `DigestMismatch` if the bytes are not those it was made for: nothing is stored then.
    pub async fn put(&self, declared: Option<u64>, body: &mut Body<'_>) -> Result<Written> {
        self.need(matches!(self.access, Access::Put | Access::Part(_)))?;
        if let Some(declared) = declared.filter(|declared| *declared > self.max_length()) {
            return Err(Error::too_large("the body", declared, self.max_length()));
        }
        let live = self.engine.live(self.id()).await?;
        let at = match self.access {
            Access::Part(number) => {
                let size =
                    declared.ok_or_else(|| Error::invalid("the length of a part must be announced"))?;
                self.engine.part_at(&live, number, size).await?
            }
            _ => At::Slot { n: 0, total: 1 },
        };
        let mut write = Write::new(at);
        write.declared = declared;
        write.expected = self.token.digest;
        write.finish_when_complete = self.token.finish;
        self.engine.write_live(&live, write, body).await
    }

    /// The name of the session that the parts belong to.
    ///
    /// # Errors
    /// `Gone` for an upload that was given up, `NotFound` for none.
    pub async fn begin_parts(&self) -> Result<String> {
        self.need(self.access == Access::BeginParts)?;
        let live = self.engine.live(self.id()).await?;
        not_gone(&live)?;
        Ok(self.id().to_string())
    }

    /// The parts that are stored, by number.
    ///
    /// # Errors
    /// As [`begin_parts`](Self::begin_parts).
    pub async fn parts(&self) -> Result<Vec<PartInfo>> {
        self.need(self.access == Access::ListParts)?;
        let live = self.engine.live(self.id()).await?;
        not_gone(&live)?;
        self.engine.parts_of(&live).await
    }

    /// Says that the parts are all: their numbers, and the MD5s in hex that the holder knows them by.
    ///
    /// # Errors
    /// `NotReady` if what is listed is not what is stored, or is not the whole; the sentence says where. Else as
    /// [`begin_parts`](Self::begin_parts).
    pub async fn commit_parts(&self, manifest: &[(u32, Option<String>)]) -> Result<()> {
        self.need(self.access == Access::CommitParts)?;
        let live = self.engine.live(self.id()).await?;
        not_gone(&live)?;
        self.engine.commit_parts(&live, manifest).await
    }

    /// Gives the upload up.
    ///
    /// # Errors
    /// As [`Engine::cancel`].
    pub async fn abort_parts(&self) -> Result<()> {
        self.need(self.access == Access::AbortParts)?;
        let live = self.engine.live(self.id()).await?;
        self.engine.cancel_live(&live).await
    }

    /// Opens the completed upload.
    ///
    /// # Errors
    /// `NotFound` if it is not completed, or not any more.
    pub async fn read(&self) -> Result<Reading> {
        self.need(self.access == Access::Read)?;
        match self.engine.head(self.id()).await?.phase {
            Phase::Completed { outcome, .. } => Ok(Reading::new(&self.engine, *outcome)),
            _ => Err(Error::not_found()),
        }
    }
}

impl Engine {
    /// Where a part stands whose number (from 1) and size are known, and how many there are nobody has said.
    async fn part_at(&self, live: &Arc<Live>, number: u32, size: u64) -> Result<At> {
        let least = self.settings().min_part;
        // The earlier parts of one who sends several at once are on their way.
        let mut patience = Some(self.clock().sleep(self.settings().part_wait));
        loop {
            let heard = live.changed.listen();
            {
                let state = live.state();
                let head = &state.view.head;
                let n = slot(number, head)?;
                if !matches!(head.phase, Phase::Receiving) || state.view.rows.row(Key::Slot(n)).is_some() {
                    // Only compared, or refused, whatever the total is.
                    let total = state.view.rows.totals().next().unwrap_or(number);
                    return Ok(At::Slot { n, total });
                }
                let length = head.length.unwrap_or(0);
                let totals = totals(head, n, size, least);
                let shape = state.view.rows.shape();
                let fits = shape.is_none_or(|shape| fits(length, n, size, shape));
                let only = match totals.as_slice() {
                    [only] if shape.is_none() => Some(*only),
                    _ => None,
                };
                let mut believed = state.view.rows.totals();
                if let Some(total) = believed.find(|total| fits && totals.contains(total)).or(only) {
                    return Ok(At::Slot { n, total });
                }
                if shape.is_some() || totals.is_empty() {
                    return Err(Error::new(
                        ErrorKind::Misplaced,
                        format!(
                            "part {number} of {size} bytes does not fit: the whole has {length} bytes, and all parts but the \
                             last have the same size, {least} bytes or more"
                        ),
                    )
                    .with_facts(size, length));
                }
                if patience.is_none() {
                    return Err(Error::new(
                        ErrorKind::Busy,
                        format!(
                            "part {number} of {size} bytes may be the last one or not; send an earlier part first"
                        ),
                    ));
                }
            }
            if let Some(sleep) = patience.take()
                && let Either::Left((_, sleep)) = select(heard, sleep).await
            {
                patience = Some(sleep);
            }
        }
    }
}

/// How many parts there can be if part `n`, counted from 0, has this size: none, one or two answers.
fn totals(head: &Head, n: u32, size: u64, least: u64) -> Vec<u32> {
    let (length, policy) = (head.length.unwrap_or(0), &head.policy);
    let possible = |total: &u32| {
        let others = if n + 1 == *total { size_from_last(length, size, *total) } else { Some(size) };
        *total <= policy.max_chunks && others.is_none_or(|others| others <= policy.max_chunk)
    };
    Totals::of(length, n, size, least).iter().filter(possible).collect()
}

/// Whether part `n` can have this size, where the first one to be stored has fixed that of all.
fn fits(length: u64, n: u32, size: u64, shape: Shape) -> bool {
    let Some(Sizing::Uniform(each)) = shape.sizing else { return true };
    let last = last_from_size(length, each, shape.total);
    if n + 1 == shape.total { last == Some(size) } else { size == each }
}

/// The slot of the part with this number.
fn slot(number: u32, head: &Head) -> Result<u32> {
    let most = head.policy.max_chunks;
    let slot = number.checked_sub(1).filter(|_| number <= most);
    slot.ok_or_else(|| Error::invalid(format!("parts are numbered from 1 to {most}; got {number}")))
}

/// Refuses an upload that was given up or removed.
fn not_gone(live: &Live) -> Result<()> {
    match refusal(&live.state().view.head.phase).filter(|why| why.kind == ErrorKind::Gone) {
        Some(why) => Err(why),
        None => Ok(()),
    }
}

fn not_for_this() -> Error {
    Error::new(ErrorKind::Forbidden, "the token was made for something else")
}
