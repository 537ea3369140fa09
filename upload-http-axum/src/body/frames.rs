use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_core::Stream;
use http_body::Body as _;
use upload_core::{Error, ErrorKind};

use crate::multipart::{BodyFault, FaultKind, PartBody};

/// The frames of a request's body, each as it came from the connection, with errors of the engine's kind.
#[derive(Debug)]
pub(crate) struct Frames {
    stream: BodyDataStream,
    announced: Option<u64>,
    received: Counter,
    limit: Limit,
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
        Ok(Self { stream: body.into_data_stream(), announced, received: Counter::default(), limit })
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

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
            Some(Ok(frame)) => {
                let received = self.received.add(frame.len());
                Some(self.limit.check(received).map(|()| frame))
            }
            Some(Err(error)) => Some(Err(unwrap(error.into_inner()))),
            None => None,
        })
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
