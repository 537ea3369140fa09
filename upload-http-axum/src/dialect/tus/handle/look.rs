//! What can be done, how far uploads are, their bytes, and their end.

use axum::response::Response;
use http::{Method, StatusCode};
use upload_core::{Error, ErrorKind, Inspection, Principal, Stage, UploadId};

use super::super::parse;
use super::super::render::{self, Failure};
use super::app::{App, Call};
use crate::answer::empty;
use crate::auth::AuthError;
use crate::serve;

impl App {
    /// `OPTIONS`: what can be done.
    pub(in crate::dialect::tus) fn options(&self) -> Response {
        let engine = self.uploads.engine();
        let destination = engine.destinations().get(&self.settings.destination).ok();
        let most = engine.blobs().capabilities().max_object;
        render::options(destination.map(|destination| destination.policy.max_length.min(most)))
    }

    /// `HEAD`: how far it is. Whoever still writes is overtaken.
    pub(in crate::dialect::tus) async fn tell(&self, call: &Call) -> Result<Response, Failure> {
        let who = self.authenticate(call).await?;
        let id = call.id()?;
        let engine = self.uploads.engine();
        let (mut seen, kept) = self.find(&who, &id).await?;
        if seen.stage == Stage::Receiving && !seen.composed {
            seen = self.known(engine.halt(&who, &id).await?)?.0;
            // All of it came and nobody has finished it: the offset may not be told before that is done.
            if seen.stage == Stage::Receiving && seen.length == Some(seen.frontier) {
                engine.finish(&who, &id).await?;
                seen = self.known(engine.inspect(&who, &id).await?)?.0;
            }
        }
        if seen.stage == Stage::Finishing {
            return Err(Error::new(ErrorKind::Busy, "the upload is being finished").into());
        }
        let link = self.link(&who, &call.nested(), &seen).await;
        Ok(render::state(&seen, &kept, link.as_deref()))
    }

    /// `DELETE`: removes it.
    pub(in crate::dialect::tus) async fn remove(&self, call: &Call) -> Result<Response, Failure> {
        let who = self.authenticate(call).await?;
        let (seen, _) = self.find(&who, &call.id()?).await?;
        self.uploads.engine().remove(&who, &seen.id).await?;
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// `GET`: the bytes.
    pub(in crate::dialect::tus) async fn download(&self, call: &Call) -> Result<Response, Failure> {
        let (who, nobody) = match self.authenticate(call).await {
            Ok(who) => (Some(who), None),
            Err(AuthError::Unavailable(e)) => return Err(AuthError::Unavailable(e).into()),
            // They read what anybody may.
            Err(nobody) => (None, Some(nobody)),
        };
        let reading = async {
            let id = call.id()?;
            match self.uploads.engine().read(who.as_ref(), &id).await {
                Err(e) if e.kind == ErrorKind::NotFound => Err(self.unreadable(who.as_ref(), &id, e).await),
                reading => reading,
            }
        };
        let reading = match (reading.await, nobody) {
            (Err(e), Some(nobody)) if e.kind == ErrorKind::NotFound => return Err(nobody.into()),
            (reading, _) => reading?,
        };
        let outcome = reading.outcome().clone();
        let kept = render::kept(&outcome.extras)?;
        let mut object = serve::describe(&outcome);
        if object.content_type.is_none() {
            object.content_type = parse::metadata(&kept.metadata.unwrap_or_default())?.media_type;
        }
        let (tasks, idle) = (self.uploads.tasks(), self.uploads.settings().idle_timeout);
        let mut answer = serve::serve_as(tasks, &Method::GET, call.headers(), reading, idle, &object).await?;
        if answer.status().is_success() {
            render::put_digest(answer.headers_mut(), &outcome);
        }
        Ok(answer)
    }

    /// Why there is nothing to read, for those who may know of the upload.
    async fn unreadable(&self, who: Option<&Principal>, id: &UploadId, not_found: Error) -> Error {
        let Some(who) = who else { return not_found };
        match self.find(who, id).await {
            Ok((seen, _)) if seen.partial => {
                Error::new(ErrorKind::NotFound, "the upload is a part of others")
            }
            Ok(_) => Error::new(ErrorKind::NotFound, "the upload is not complete"),
            Err(gone) if gone.kind == ErrorKind::Gone => gone,
            Err(_) => not_found,
        }
    }

    /// Where a completed upload can be read for a while; nowhere by one who may not read.
    #[cfg(feature = "signed")]
    async fn link(&self, who: &Principal, nested: &str, seen: &Inspection) -> Option<String> {
        let Stage::Completed(outcome) = &seen.stage else { return None };
        let mut ask = upload_core::Ask::new(upload_core::Access::Read, self.settings.link()?);
        ask.content_type = outcome.content_type.clone().or_else(|| seen.declared_type.clone());
        ask.file_name.clone_from(&seen.file_name);
        let link = crate::store::link(&self.uploads, nested, who, &seen.id, ask).await;
        link.inspect_err(|error| tracing::debug!(%error, "no link to a completed upload")).ok()
    }

    /// Without the store's own endpoints there is nothing that a link could lead to.
    #[cfg(not(feature = "signed"))]
    async fn link(&self, _: &Principal, _: &str, _: &Inspection) -> Option<String> {
        None
    }
}
