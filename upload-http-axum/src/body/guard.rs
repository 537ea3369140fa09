use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_util::sync::WaitForCancellationFutureOwned;
use upload_core::{Error, ErrorKind};

use crate::settings::HttpSettings;
use crate::tasks::{Tasks, stopping};

/// How long an unread rest is still read once the process is stopping.
const LINGER_WHEN_STOPPING: Duration = Duration::from_secs(1);

/// Puts a guard around the body of a request, if it has one.
pub(crate) fn guard(request: Request, settings: &HttpSettings, tasks: &Tasks) -> Request {
    let asks_first = asks_first(request.headers());
    request.map(|body| {
        if body.is_end_stream() { body } else { Body::new(Guarded::new(body, asks_first, settings, tasks)) }
    })
}

/// Whether the client waits for a first answer before it sends its body.
fn asks_first(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// A body with time-outs that ends when the process stops, and whose unread rest is read when it is dropped.
/// Its errors are [`Error`]s.
struct Guarded {
    body: Body,
    state: State,
    tasks: Tasks,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
    idle: Pin<Box<Sleep>>,
    idle_timeout: Duration,
    /// Whether `idle` runs: only while a frame is waited for, so a slow engine is nobody's idleness.
    waiting: bool,
    total: Pin<Box<Sleep>>,
    total_timeout: Duration,
    linger_bytes: u64,
    linger_time: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The client has not been told to send, and may never do it.
    Asking,
    Open,
    /// Ended by us; the client may still be sending.
    Refused,
    /// Nothing more will come.
    Over,
}

impl Guarded {
    fn new(body: Body, asks_first: bool, settings: &HttpSettings, tasks: &Tasks) -> Self {
        Self {
            body,
            state: if asks_first { State::Asking } else { State::Open },
            tasks: tasks.clone(),
            stopping: Box::pin(tasks.stopping().clone().cancelled_owned()),
            idle: Box::pin(sleep(settings.idle_timeout)),
            idle_timeout: settings.idle_timeout,
            waiting: false,
            total: Box::pin(sleep(settings.total_timeout)),
            total_timeout: settings.total_timeout,
            linger_bytes: settings.linger_bytes,
            linger_time: settings.linger_time,
        }
    }

    /// Why the body is not waited for any longer, if so.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if !self.waiting {
            self.waiting = true;
            self.idle.as_mut().reset(Instant::now() + self.idle_timeout);
        }
        let late = |what: &str, limit: Duration| {
            let text = format!("the request body {what} {:.1} seconds", limit.as_secs_f64());
            Poll::Ready(Error::new(ErrorKind::TimedOut, text))
        };
        if self.idle.as_mut().poll(cx).is_ready() {
            return late("sent nothing for", self.idle_timeout);
        }
        if self.total.as_mut().poll(cx).is_ready() {
            return late("took longer than", self.total_timeout);
        }
        Poll::Pending
    }
}

impl http_body::Body for Guarded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        match this.state {
            State::Refused | State::Over => return Poll::Ready(None),
            State::Asking => this.state = State::Open,
            State::Open => {}
        }
        if this.stopping.as_mut().poll(cx).is_ready() {
            this.state = State::Refused;
            return Poll::Ready(Some(Err(stopping())));
        }
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.waiting = false;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(cause))) => {
                this.state = State::Over;
                let cut = Error::new(ErrorKind::Interrupted, "the request body was cut before its end");
                Poll::Ready(Some(Err(cut.with_source(cause))))
            }
            Poll::Ready(None) => {
                this.state = State::Over;
                Poll::Ready(None)
            }
            Poll::Pending => this.poll_patience(cx).map(|late| {
                this.state = State::Refused;
                Some(Err(late))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Refused | State::Over) || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if matches!(self.state, State::Asking | State::Over) || self.body.is_end_stream() {
            return;
        }
        let mut body = std::mem::take(&mut self.body);
        let (mut left, time, tasks) = (self.linger_bytes, self.linger_time, self.tasks.clone());
        self.tasks.spawn(async move {
            let reading = timeout(time, discard(&mut body, &mut left));
            if tasks.stopping().run_until_cancelled(reading).await.is_none() {
                let _ = timeout(LINGER_WHEN_STOPPING, discard(&mut body, &mut left)).await;
            }
        });
    }
}

/// Reads and drops up to `left` bytes of what is left of a body.
async fn discard(body: &mut Body, left: &mut u64) {
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        match left.checked_sub(length) {
            Some(rest) => *left = rest,
            None => return,
        }
    }
}
