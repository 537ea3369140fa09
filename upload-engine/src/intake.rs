//! Taking in a body: frames become batches, and nothing waits for a socket that could go on without it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use event_listener::{Event, EventListener};
use upload_core::{Error, Result};

use crate::{budget::Share, engine::Engine, types::Body};

/// A write that has been started.
pub(crate) type Writing<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// Why a batch is handed over.
#[derive(Debug)]
pub(crate) enum Filled {
    /// It is full, or waited long enough.
    Batch,
    /// The body has ended; the batch holds what was left.
    End,
    /// The body broke off; the batch holds what had arrived.
    Cut(Error),
    /// Whoever takes the bytes was told to stop.
    Stopped,
    /// The write under way failed.
    Failed(Error),
}

/// Whether whoever takes a body is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Nothing,
    /// To end with what has come already.
    Last,
    /// To end at once: nothing more would count.
    Stop,
}

/// When a batch is full.
#[derive(Debug, Clone, Copy)]
enum Full {
    /// When it has its share of the memory, in whole blocks of the store of so many bytes.
    Share { block: usize },
    /// When it has so many bytes, exactly, that can become one part.
    Part { room: usize },
}

/// A body and the batch that is being filled from it.
pub(crate) struct Intake<'a, 'b> {
    engine: &'a Engine,
    body: &'a mut Body<'b>,
    /// It has ended or broken off: many streams must not be polled again then.
    over: bool,
    told: Option<(&'a Event, EventListener)>,
    share: Share,
    full: Full,
    /// Bytes of the batch that was handed over last: in hand until it is written.
    taken: usize,
    batch: Vec<Bytes>,
    len: usize,
    /// How long nothing may come.
    wait: Option<Sleep<'a>>,
    /// The end of a body of which only what has come already is taken.
    last: Option<Sleep<'a>>,
}

type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

impl<'a, 'b> Intake<'a, 'b> {
    /// Takes `body` in; looks whether to stop whenever `told` is notified.
    pub(crate) fn new(engine: &'a Engine, body: &'a mut Body<'b>, told: Option<&'a Event>) -> Self {
        Self {
            engine,
            body,
            over: false,
            told: told.map(|t| (t, t.listen())),
            share: engine.budget().share(),
            full: match engine.blobs().parts() {
                Some(_) => Full::Part { room: usize::MAX },
                None => Full::Share { block: as_size(engine.blobs().capabilities().block) },
            },
            taken: 0,
            batch: Vec::new(),
            len: 0,
            wait: None,
            last: None,
        }
    }

    /// The next batch becomes one part, which has room for so many bytes.
    pub(crate) fn part(&mut self, room: u64) {
        self.full = Full::Part { room: as_size(room) };
    }

    /// The batch and its length in bytes. One that is handed over because it is full ends with a whole block of the
    /// store, or fills its part; what is over stays for the next.
    pub(crate) fn take(&mut self, filled: &Filled) -> (Vec<Bytes>, u64) {
        let mut over = match (filled, self.full) {
            (Filled::Batch, Full::Share { block }) if self.len > block => self.len % block,
            (_, Full::Part { room }) => self.len.saturating_sub(room),
            _ => 0,
        };
        let len = self.len - over;
        self.taken = len;
        let mut batch = std::mem::take(&mut self.batch);
        self.len = over;
        while over > 0 {
            let Some(mut last) = batch.pop() else { break };
            let keep = last.split_off(last.len().saturating_sub(over));
            over -= keep.len();
            self.batch.insert(0, keep);
            if !last.is_empty() {
                batch.push(last);
            }
        }
        (batch, len as u64)
    }

    /// Fills the batch while `writing` goes on. Never returns an empty batch as [`Filled::Batch`].
    pub(crate) async fn fill(
        &mut self,
        writing: &mut Option<Writing<'_>>,
        told: impl Fn() -> Told,
    ) -> Filled {
        // What was told before the first look would not be heard.
        if self.is_stopped(told()) {
            return Filled::Stopped;
        }
        self.hold(writing.is_some());
        let full = self.share.batch();
        std::future::poll_fn(|cx| self.poll_fill(cx, writing, full, &told)).await
    }

    fn is_stopped(&mut self, told: Told) -> bool {
        if told == Told::Last && self.last.is_none() {
            let engine = self.engine;
            self.last = Some(engine.clock().sleep(engine.settings().halt_time));
            self.wait = None;
        }
        told == Told::Stop
    }

    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        writing: &mut Option<Writing<'_>>,
        full: usize,
        told: &impl Fn() -> Told,
    ) -> Poll<Filled> {
        if self.poll_told(cx) && self.is_stopped(told()) {
            return Poll::Ready(Filled::Stopped);
        }
        if let Some(write) = writing
            && let Poll::Ready(end) = write.as_mut().poll(cx)
        {
            *writing = None;
            self.hold(false);
            if let Err(e) = end {
                return Poll::Ready(Filled::Failed(e));
            }
        }
        loop {
            let full = match self.full {
                Full::Share { .. } => full,
                Full::Part { room } => self.share.part(room),
            };
            if self.len >= full {
                break;
            }
            if self.last.as_mut().is_some_and(|end| end.as_mut().poll(cx).is_ready()) {
                return self.hand_over(Filled::Stopped);
            }
            match self.poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) if frame.is_empty() => {}
                Poll::Ready(Some(Ok(frame))) => {
                    self.len += frame.len();
                    self.batch.push(frame);
                    self.hold(writing.is_some());
                    if self.last.is_some() || matches!(self.full, Full::Part { .. }) {
                        self.wait = None;
                    }
                }
                Poll::Ready(Some(Err(e))) => return self.hand_over(Filled::Cut(e)),
                Poll::Ready(None) => return self.hand_over(Filled::End),
                Poll::Pending => return self.poll_wait(cx, writing.is_some()),
            }
        }
        self.hand_over(Filled::Batch)
    }

    /// Counts the bytes in hand, where that decides how large parts are.
    fn hold(&mut self, writing: bool) {
        if matches!(self.full, Full::Part { .. }) {
            self.share.hold(self.len + if writing { self.taken } else { 0 });
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut *self.body).poll_next(cx);
        self.over = matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }

    /// Whether anything was told; listens for what is told next.
    fn poll_told(&mut self, cx: &mut Context<'_>) -> bool {
        let mut heard = false;
        if let Some((event, listener)) = &mut self.told {
            while Pin::new(&mut *listener).poll(cx).is_ready() {
                *listener = event.listen();
                heard = true;
            }
        }
        heard
    }

    /// A batch that is not full is handed over when nothing comes for a while. What the socket holds of a body that is to end comes
    /// in pieces: that was all when nothing comes for a moment.
    fn poll_wait(&mut self, cx: &mut Context<'_>, writing: bool) -> Poll<Filled> {
        let (engine, settings) = (self.engine, self.engine.settings());
        let (time, why) = match self.full {
            _ if self.last.is_some() => (settings.halt_wait, Filled::Stopped),
            _ if self.len == 0 || writing => return Poll::Pending,
            Full::Share { .. } => (settings.batch_wait, Filled::Batch),
            Full::Part { .. } => (settings.fragment_wait, Filled::Batch),
        };
        let wait = self.wait.get_or_insert_with(|| engine.clock().sleep(time));
        match wait.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => self.hand_over(why),
        }
    }

    fn hand_over(&mut self, why: Filled) -> Poll<Filled> {
        self.wait = None;
        Poll::Ready(why)
    }

    /// Reads the body to its end without keeping anything; `seen` looks at each frame and may stop it.
    pub(crate) async fn drain(&mut self, mut seen: impl FnMut(&Bytes) -> Result<()>) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        self.len = 0;
        batch.iter().try_for_each(&mut seen)?;
        while let Some(frame) = std::future::poll_fn(|cx| self.poll_frame(cx)).await {
            seen(&frame?)?;
        }
        Ok(())
    }
}

fn as_size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX).max(1)
}

/// Starts a write: polled once, so that it is under way while its bytes are hashed.
pub(crate) async fn start<'a>(mut write: Writing<'a>) -> Result<Option<Writing<'a>>> {
    let polled = std::future::poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx))).await;
    match polled {
        Poll::Pending => Ok(Some(write)),
        Poll::Ready(Ok(())) => Ok(None),
        Poll::Ready(Err(e)) => Err(e),
    }
}

/// Waits for a write that was started.
pub(crate) async fn finish(writing: &mut Option<Writing<'_>>) -> Result<()> {
    match writing.take() {
        Some(write) => write.await,
        None => Ok(()),
    }
}
