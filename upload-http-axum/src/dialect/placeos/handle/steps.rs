//! The requests to the store that a client is given, one after the other.

use axum::response::Response;
use http::StatusCode;
use upload_core::ports::Session;
use upload_core::{Access, Ask, Error, ErrorKind, Grant, Inspection, Principal, Stage, UploadId};

use super::super::parse::Next;
use super::super::render::{self, Asked, Failure};
use super::super::wire::{Done, Signature, Step};
use super::super::{Api, Call};
use crate::answer::json;
use crate::store;

impl Api {
    /// The answer that signs a client's next step.
    pub(in crate::dialect::placeos) async fn step(
        &self,
        call: &Call,
        seen: &Inspection,
        next: Next,
    ) -> Result<Response, Failure> {
        let (kind, mut ask) = match next {
            Next::Nothing => return Ok(json(StatusCode::OK, &Done { ok: true })),
            Next::Part(number, digest) => {
                let mut ask = self.ask(Access::Part(number), None);
                ask.digest = Some(digest);
                ("part_upload", ask)
            }
            Next::Finish => ("finish", self.ask(Access::CommitParts, None)),
        };
        let session = self.session(&call.who, &seen.id).await?.resumable_id;
        ask.session = Some(Session::new(session.ok_or_else(Failure::not_begun)?));
        // Of what goes to a store directly the engine asks the store itself.
        if ask.access == Access::CommitParts && seen.stage == Stage::Receiving && !seen.direct {
            self.all_stored(&call.who, seen).await?;
        }
        let (signature, body) = self.sign(call, &seen.id, ask).await?;
        let answer = Step { kind, signature, upload_id: render::id(&seen.id), body };
        Ok(json(StatusCode::OK, &answer))
    }

    /// Refuses an upload whose parts, as the store has them, do not add up to its length.
    async fn all_stored(&self, who: &Principal, seen: &Inspection) -> Result<(), Failure> {
        let parts = self.uploads.engine().parts(who, &seen.id).await?;
        let has = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.length));
        let length = seen.length.unwrap_or(0);
        if has == length { Ok(()) } else { Err(Failure::Incomplete { has, length }) }
    }

    /// Leave for the usual time, bound to the type that the request is to be sent as.
    pub(in crate::dialect::placeos) fn ask(&self, access: Access, declared: Option<&str>) -> Ask {
        let mut ask = Ask::new(access, self.settings.signature());
        ask.content_type = render::type_of(access, declared).map(str::to_owned);
        // Its clients say when an upload is complete.
        ask.finish = false;
        ask
    }

    /// The request that does what is asked: the store's own, or one to our endpoints; and its body, where it has one.
    pub(in crate::dialect::placeos) async fn sign(
        &self,
        call: &Call,
        id: &UploadId,
        ask: Ask,
    ) -> Result<(Signature, Option<String>), Failure> {
        let (asked, name) = (Asked::of(&ask), ask.file_name.clone());
        match self.uploads.engine().grant(&call.who, id, ask).await? {
            Grant::Sealed(token) => {
                let url = store::url(&self.uploads, &call.nested, &token, name.as_deref())?;
                Ok((asked.to_us(url), None))
            }
            Grant::Signed(mut request) => {
                let body = request.body.take();
                Ok((asked.to_store(request, &self.settings.residence), body))
            }
            Grant::Unneeded => {
                let (seen, kept) = self.find(&call.who, &render::id(id)).await?;
                Ok((asked.to_nowhere(seen.declared_type.as_deref(), &kept.file_id), None))
            }
            _ => Err(Error::new(ErrorKind::Unsupported, "a grant of an unknown form").into()),
        }
    }
}
