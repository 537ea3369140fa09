//! New uploads.

use axum::body::Body;
use axum::response::Response;
use upload_core::{Error, ErrorKind, Principal, Timestamp, UploadId};

use super::super::PATH;
use super::super::parse::{self, Check, Concat};
use super::super::render::{self, Failure};
use super::app::{App, Call};
use super::append::Bytes;
use crate::log;

impl App {
    /// `POST`: a new upload.
    pub(in crate::dialect::tus) async fn create(&self, call: &Call, body: Body) -> Result<Response, Failure> {
        let who = self.authenticate(call).await?;
        let headers = call.headers();
        let new = parse::new(headers, self.settings.max_metadata)?;
        let base = self.base(call)?;
        let brings = !matches!(new.concat, Concat::Final(_)) && parse::brings_bytes(headers);
        let check = if brings { parse::check(headers)? } else { Check::None };
        let bytes = Bytes::new(body, check)?;
        if let (true, Some(announced), Some(length)) = (brings, bytes.announced(), new.length)
            && announced > length
        {
            return Err(Error::too_large("the body", announced, length).into());
        }
        let engine = self.uploads.engine();
        let seen = engine.begin(&who, new.begin(&self.settings.destination)).await?;
        let location = format!("{base}{}/{}", PATH, seen.id);
        let finish = async || engine.finish(&who, &seen.id).await;
        let (offset, expires) = if brings {
            let (offset, expires) = self.bring(&who, &seen.id, bytes).await?;
            (Some(offset), expires)
        } else if seen.composed {
            match finish().await {
                Ok(_) => {}
                // Its parts, or time for them, are still missing: a later look at it finishes it.
                Err(e) if may_pass(e.kind) || e.kind == ErrorKind::NotReady => {}
                Err(e) => return Err(e.into()),
            }
            (None, engine.inspect(&who, &seen.id).await?.expires)
        } else if seen.length == Some(0) {
            finish().await?;
            (None, engine.inspect(&who, &seen.id).await?.expires)
        } else {
            (None, seen.expires)
        };
        Ok(render::created(&location, offset, expires))
    }

    /// What the paths of this router come after: the public URL or the host that the client has called, and where it is nested.
    fn base(&self, call: &Call) -> Result<String, Error> {
        let nested = call.nested();
        if let Some(url) = self.uploads.configured_url() {
            return Ok(format!("{url}{nested}"));
        }
        let called = parse::origin(&call.original, call.headers())?;
        let origin = called.or_else(|| self.uploads.public_url().ok().map(str::to_owned));
        Ok(origin.unwrap_or_default() + &nested)
    }

    /// The first bytes of an upload, together with its creation: how far they came.
    async fn bring(
        &self,
        who: &Principal,
        id: &UploadId,
        bytes: Bytes,
    ) -> Result<(u64, Option<Timestamp>), Error> {
        let engine = self.uploads.engine();
        match self.write(who, id, 0, bytes).await {
            Ok(written) => self.progress(who, id, written).await,
            // There is an upload all the same, and its client is told where to go on.
            Err(e) if may_pass(e.kind) => match engine.inspect(who, id).await {
                Ok(seen) if render::gone(&seen, engine.clock().now()).is_none() => {
                    log::failed(&e);
                    Ok((seen.frontier, seen.expires))
                }
                _ => Err(e),
            },
            Err(e) => {
                // Nobody is told where it is.
                if let Err(e) = engine.cancel(who, id).await {
                    log::failed(&e);
                }
                Err(render::of_body(e))
            }
        }
    }
}

/// Whether the same may work out later.
fn may_pass(kind: ErrorKind) -> bool {
    use ErrorKind as K;
    matches!(kind, K::Interrupted | K::TimedOut | K::Busy | K::StorageUnavailable | K::StorageFull)
}
