//! Bytes of an upload.

use axum::body::Body;
use axum::response::Response;
use http::HeaderMap;
use upload_checksum::Digest;
use upload_chunking::assembly::At;
use upload_core::{Error, ErrorKind, Inspection, Principal, Stage, Timestamp, UploadId};
use upload_engine::{Trailing, Write, Written};

use super::super::parse::{self, Check};
use super::super::render::{self, Failure};
use super::super::wire;
use super::app::{App, Call};
use crate::body::{Counter, Frames, Limit};

/// A body of an upload's bytes, and what is told of its checksum.
pub(in crate::dialect::tus) struct Bytes {
    frames: Frames,
    expected: Option<Digest>,
    trailing: Option<Trailing>,
}

impl Bytes {
    pub(in crate::dialect::tus) fn new(body: Body, check: Check) -> Result<Self, Error> {
        let frames = Frames::new(body, Limit::none())?;
        let plain = Self { frames, expected: None, trailing: None };
        Ok(match check {
            Check::None => plain,
            Check::Told(digest) => Self { expected: Some(digest), ..plain },
            Check::Follows => {
                let trailing = Trailing::new(wire::ALGORITHMS.map(|(_, algorithm)| algorithm));
                let telling = trailing.clone();
                let tell = move |trailers: &HeaderMap| {
                    telling.tell(parse::trailer(trailers)?);
                    Ok(())
                };
                Self { frames: plain.frames.at_end(tell), expected: None, trailing: Some(trailing) }
            }
        })
    }

    pub(in crate::dialect::tus) fn announced(&self) -> Option<u64> {
        self.frames.announced()
    }

    fn received(&self) -> Counter {
        self.frames.received()
    }
}

impl App {
    /// Writes the bytes of a request from this offset on; a write that completes the upload finishes it.
    pub(in crate::dialect::tus) async fn write(
        &self,
        who: &Principal,
        id: &UploadId,
        offset: u64,
        mut bytes: Bytes,
    ) -> Result<Written, Error> {
        let mut write = Write::new(At::Offset(offset));
        write.declared = bytes.announced();
        (write.expected, write.trailing) = (bytes.expected, bytes.trailing);
        self.uploads.engine().write(who, id, write, &mut bytes.frames).await
    }

    /// How far an upload is after a write, and when it goes if nobody does anything.
    pub(in crate::dialect::tus) async fn progress(
        &self,
        who: &Principal,
        id: &UploadId,
        written: Written,
    ) -> Result<(u64, Option<Timestamp>), Error> {
        match written {
            Written::Stored(seen) => Ok((seen.frontier, seen.expires)),
            Written::Completed(outcome) => {
                Ok((outcome.length, self.uploads.engine().inspect(who, id).await?.expires))
            }
            _ => Err(Error::internal("a write that ended in an unknown way")),
        }
    }

    /// `PATCH`: bytes.
    pub(in crate::dialect::tus) async fn append(&self, call: &Call, body: Body) -> Result<Response, Failure> {
        let who = self.authenticate(call).await?;
        let id = call.id()?;
        let headers = call.headers();
        let media_type = parse::media_type(headers)?;
        if media_type != wire::BYTES {
            return Err(Failure::MediaType(media_type));
        }
        let (offset, length) = (parse::offset(headers)?, parse::length(headers)?);
        let bytes = Bytes::new(body, parse::check(headers)?)?;
        let (seen, _) = self.find(&who, &id).await?;
        match self.append_to(&who, &seen, offset, length, bytes).await {
            Ok((offset, expires)) => Ok(render::stored(offset, expires)),
            Err(error) => {
                let mut answer = self.failed(&Failure::Upload(error));
                render::put_expires(answer.headers_mut(), seen.expires);
                Ok(answer)
            }
        }
    }

    async fn append_to(
        &self,
        who: &Principal,
        seen: &Inspection,
        offset: u64,
        length: Option<u64>,
        bytes: Bytes,
    ) -> Result<(u64, Option<Timestamp>), Error> {
        let engine = self.uploads.engine();
        if seen.composed {
            let text = "the upload is composed of others and takes no bytes of its own";
            return Err(Error::new(ErrorKind::Forbidden, text));
        }
        let elsewhere = || {
            let text = format!("the upload has {} bytes; got bytes from {offset} on", seen.frontier);
            Error::new(ErrorKind::Conflict, text).with_facts(offset, seen.frontier)
        };
        let end = offset.saturating_add(bytes.announced().unwrap_or(0));
        if let Some(length) = seen.length.filter(|length| end > *length) {
            // Who is wrong about where to go on is told that, and not that it would be too much there.
            let here = offset == seen.frontier;
            return Err(if here { Error::too_large("the upload", end, length) } else { elsewhere() });
        }
        let fix = async |length| {
            let fixed = engine.fix_length(who, &seen.id, length).await;
            fixed.map_err(render::of_length)
        };
        // A request in the wrong place changes nothing, also not the length that it tells.
        let early = length.filter(|_| seen.length.is_some() || offset == seen.frontier);
        if let Some(length) = early {
            fix(length).await?;
        }
        let received = bytes.received();
        let written = match self.write(who, &seen.id, offset, bytes).await {
            Ok(written) => written,
            Err(e) if self.uploads.tasks().is_stopping() => return Err(e),
            Err(e) => return Err(render::of_body(e)),
        };
        // Of an upload that is complete no byte was compared.
        if matches!(seen.stage, Stage::Completed(_)) && received.get() == 0 && offset != seen.frontier {
            return Err(elsewhere());
        }
        if let (Some(length), None) = (length, early) {
            let seen = fix(length).await?;
            if seen.frontier == length {
                engine.finish(who, &seen.id).await?;
            }
            return Ok((seen.frontier, engine.inspect(who, &seen.id).await?.expires));
        }
        self.progress(who, &seen.id, written).await
    }
}
