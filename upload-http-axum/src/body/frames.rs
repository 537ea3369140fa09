use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use http_body::Body as _;
use upload_core::{Error, ErrorKind};

use crate::multipart::{BodyFault, FaultKind, PartBody};

/// The frames of a request's body, each as it came from the connection, with errors of the engine's kind.
#[derive(Debug)]
pub(crate) struct Frames {
    body: Body,
    announced: Option<u64>,
    received: Counter,
    limit: Limit,
    at_end: Option<AtEnd>,
}

/// Looks at the trailers of a body that came to its end, and says whether they are as they should be.
struct AtEnd {
    trailers: HeaderMap,
    check: Box<Check>,
}

type Check = dyn FnOnce(&HeaderMap) -> Result<(), Error> + Send;

impl fmt::Debug for AtEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtEnd").field("trailers", &self.trailers).finish_non_exhaustive()
    }
}

/// How long a body may be, and what is said when it is longer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// Most bytes.
    pub(crate) bytes: u64,
    /// The error for a body of (at least) the first number of bytes where the second is the limit.
    pub(crate) exceeded: fn(u64, u64) -> Error,
}

impl Limit {
    /// None: what reads the body has a limit of its own.
    pub(crate) fn none() -> Self {
        Self { bytes: u64::MAX, exceeded: |got, limit| Error::too_large("the body", got, limit) }
    }

    fn check(&self, length: u64) -> Result<(), Error> {
        if length > self.bytes { Err((self.exceeded)(length, self.bytes)) } else { Ok(()) }
    }
}

/// Counts the bytes of a body as they are received, for those who no longer hold its frames.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Bytes so far.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, length: usize) -> u64 {
        let length = length as u64;
        self.0.fetch_add(length, Ordering::Relaxed).saturating_add(length)
    }
}

/// Bytes that all bodies together may have which are collected before they are read.
#[derive(Debug)]
pub(crate) struct Room {
    free: AtomicUsize,
}

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { free: AtomicUsize::new(bytes) }
    }
}

/// What one body has of it.
struct Taken<'a> {
    room: &'a Room,
    bytes: usize,
}

impl Taken<'_> {
    fn more(&mut self, bytes: usize) -> Result<(), Error> {
        let free = &self.room.free;
        let took = free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(bytes));
        took.map_err(|_| Error::new(ErrorKind::Busy, "too many long requests arrive at once"))?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.room.free.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

impl Frames {
    /// The frames of a body.
    ///
    /// # Errors
    /// Before anything is read, if the body announces more than the limit.
    pub(crate) fn new(body: Body, limit: Limit) -> Result<Self, Error> {
        let announced = body.size_hint().exact();
        limit.check(announced.unwrap_or(0))?;
        Ok(Self { body, announced, received: Counter::default(), limit, at_end: None })
    }

    /// Has `check` look at the trailers (none is an empty map) when all of the body has come; what it refuses is the last item.
    pub(crate) fn at_end(
        mut self,
        check: impl FnOnce(&HeaderMap) -> Result<(), Error> + Send + 'static,
    ) -> Self {
        self.at_end = Some(AtEnd { trailers: HeaderMap::new(), check: Box::new(check) });
        self
    }

    /// The whole body as one piece, in a room that all such bodies share.
    ///
    /// # Errors
    /// The body's own faults; longer than the limit; `Busy` if there is no room.
    pub(crate) async fn collect(mut self, room: &Room) -> Result<Vec<u8>, Error> {
        let mut whole = Vec::new();
        let mut taken = Taken { room, bytes: 0 };
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut self).poll_next(cx)).await {
            let frame = frame?;
            taken.more(frame.len())?;
            whole.extend_from_slice(&frame);
        }
        Ok(whole)
    }

    /// The length that was announced, in bytes.
    pub(crate) fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// Counts the bytes received.
    pub(crate) fn received(&self) -> Counter {
        self.received.clone()
    }
}

impl Stream for Frames {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    this.at_end = None;
                    return Poll::Ready(Some(Err(unwrap(error.into_inner()))));
                }
                None => {
                    let end = this.at_end.take();
                    return Poll::Ready(end.and_then(|end| (end.check)(&end.trailers).err()).map(Err));
                }
            };
            match (frame.into_data(), &mut this.at_end) {
                (Ok(data), _) => {
                    let received = this.received.add(data.len());
                    return Poll::Ready(Some(this.limit.check(received).map(|()| data)));
                }
                (Err(frame), Some(end)) => end.trailers.extend(frame.into_trailers().unwrap_or_default()),
                (Err(_), None) => {}
            }
        }
    }
}

/// The engine's error inside what layers in between have wrapped around it.
fn unwrap(error: Box<dyn StdError + Send + Sync>) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => match error.downcast::<axum::Error>() {
            Ok(wrapped) => unwrap(wrapped.into_inner()),
            Err(error) => Error::new(ErrorKind::Interrupted, "the request body was cut before its end")
                .with_source(error),
        },
    }
}

/// What a faulty form is for the engine and for error tables.
pub(crate) fn fault(fault: BodyFault) -> Error {
    match fault {
        BodyFault::Cut(error) => unwrap(error),
        BodyFault::Form(error) => {
            debug_assert_ne!(error.kind(), FaultKind::Cut);
            Error::invalid(error.to_string())
        }
    }
}

/// The body of a form's part as the engine takes it.
#[derive(Debug)]
pub(crate) struct PartFrames<'a>(pub(crate) PartBody<'a, Frames>);

impl Stream for PartFrames<'_> {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(Pin::new(&mut self.0).poll_next(cx));
        Poll::Ready(item.map(|piece| piece.map_err(fault)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_are_collected_share_a_room() {
        let room = Room::new(10);
        let mut first = Taken { room: &room, bytes: 0 };
        first.more(7).unwrap();
        let mut second = Taken { room: &room, bytes: 0 };
        assert_eq!(second.more(4).unwrap_err().kind, ErrorKind::Busy);
        second.more(3).unwrap();
        drop(first);
        second.more(7).unwrap();
        drop(second);
        assert_eq!(room.free.load(Ordering::Relaxed), 10);
    }
}
