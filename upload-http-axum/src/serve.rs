//! Sending a stored object: the asynchronous half of [`crate::download`].

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::sync::mpsc;
use upload_checksum::Algorithm;
use upload_core::{Error, Outcome, Visibility};
use upload_engine::Reading;

use crate::download::{Disposition, ObjectInfo, Plan, plan};
use crate::tasks::Tasks;

/// Most bytes that are read from the store at once.
const PIECE: u64 = 128 << 10;

/// The answer to GET or HEAD of a completed upload.
///
/// The first piece is read before the answer begins, so a store that fails is still an error and no cut answer.
/// Then one piece is read ahead of the one that is being sent: at most 384 KiB of an object are in memory. A client that
/// takes nothing for `idle` gets no more.
///
/// # Errors
/// What the store says about the first piece.
pub(crate) async fn serve(
    tasks: &Tasks,
    method: &Method,
    headers: &HeaderMap,
    reading: Reading,
    idle: Duration,
) -> Result<Response, Error> {
    let object = describe(reading.outcome());
    serve_as(tasks, method, headers, reading, idle, &object).await
}

/// [`serve`] with what `object` tells of the upload.
///
/// # Errors
/// As [`serve`].
pub(crate) async fn serve_as(
    tasks: &Tasks,
    method: &Method,
    headers: &HeaderMap,
    reading: Reading,
    idle: Duration,
    object: &ObjectInfo,
) -> Result<Response, Error> {
    let outcome = reading.outcome();
    let Plan { status, headers: mut answered, range, .. } = plan(method, headers, object);
    if outcome.visibility == Visibility::Public {
        answered.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    }
    let body = match range.filter(|range| !range.is_empty()) {
        Some(range) => send(tasks, reading, range, idle).await?,
        None => Body::empty(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = answered;
    Ok(response)
}

/// What a download tells of an upload.
pub(crate) fn describe(outcome: &Outcome) -> ObjectInfo {
    let mut object = ObjectInfo::new(outcome.length);
    object.content_type = outcome.content_type.clone();
    let digest = outcome.digests.get(Algorithm::Sha256).map(|digest| digest.to_hex());
    object.etag = Some(digest.unwrap_or_else(|| outcome.id.to_string()));
    object.modified = UNIX_EPOCH.checked_add(Duration::from_secs(outcome.committed.seconds()));
    object.file_name = outcome.file_name.clone();
    object.disposition = Disposition::Inline;
    object
}

async fn send(tasks: &Tasks, reading: Reading, range: Range<u64>, idle: Duration) -> Result<Body, Error> {
    let mut pieces = pieces(range);
    let first = match pieces.next() {
        Some(piece) => reading.range(piece).await?,
        None => Bytes::new(),
    };
    let mut rest = pieces.peekable();
    if rest.peek().is_none() {
        return Ok(Body::from(first));
    }
    let (to, from) = mpsc::channel(1);
    tasks.spawn(async move {
        for piece in rest {
            let read = reading.range(piece).await;
            let failed = read.is_err();
            let taken = tokio::time::timeout(idle, to.send(read)).await;
            if failed || !matches!(taken, Ok(Ok(()))) {
                return;
            }
        }
    });
    Ok(Body::from_stream(Sending { first: Some(first), from }))
}

/// The ranges of at most [`PIECE`] bytes that make up `range`.
fn pieces(range: Range<u64>) -> impl Iterator<Item = Range<u64>> + Send {
    let mut from = range.start;
    std::iter::from_fn(move || {
        let piece = from..range.end.min(from.saturating_add(PIECE));
        from = piece.end;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The rest of an object on its way. One that breaks off is shorter than its Content-Length said, which the client sees.
struct Sending {
    first: Option<Bytes>,
    from: mpsc::Receiver<Result<Bytes, Error>>,
}

impl Stream for Sending {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => self.from.poll_recv(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_range_without_gap_or_overlap() {
        for range in [0..1, 5..PIECE, 0..PIECE, 7..3 * PIECE + 7, u64::MAX - 5..u64::MAX] {
            let mut at = range.start;
            for piece in pieces(range.clone()) {
                assert_eq!(piece.start, at);
                assert!(piece.end - piece.start <= PIECE);
                at = piece.end;
            }
            assert_eq!(at, range.end);
        }
        assert_eq!(pieces(5..5).next(), None);
    }
}
