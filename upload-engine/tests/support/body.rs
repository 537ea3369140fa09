//! Request bodies that do as they are told.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use event_listener::{Event, EventListener};
use futures_core::Stream;
use upload_core::{Error, ErrorKind};

use super::Random;

/// Opened by the test; a body waits at it.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(AtomicBool, Event)>);

impl Gate {
    pub fn open(&self) {
        self.0.0.store(true, Ordering::SeqCst);
        self.0.1.notify(usize::MAX);
    }

    /// Returns once it is open.
    pub async fn pass(&self) {
        while !self.is_open() {
            let opened = self.0.1.listen();
            if !self.is_open() {
                opened.await;
            }
        }
    }

    pub fn is_open(&self) -> bool {
        self.0.0.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
enum Step {
    Data(Bytes),
    /// Not ready, so many times.
    Pause(u64),
    Fail(ErrorKind),
    Wait(Gate),
    Open(Gate),
}

/// A body, step by step. Like many streams it must not be polled again after its end.
#[derive(Debug, Default)]
pub struct Script {
    steps: VecDeque<Step>,
    listener: Option<EventListener>,
    ended: bool,
}

impl Script {
    pub fn new() -> Self {
        Self::default()
    }

    /// These bytes as one frame.
    pub fn of(bytes: &Bytes) -> Self {
        Self::new().data(bytes)
    }

    pub fn data(mut self, bytes: &Bytes) -> Self {
        self.steps.push_back(Step::Data(bytes.clone()));
        self
    }

    pub fn pause(mut self, turns: u64) -> Self {
        self.steps.push_back(Step::Pause(turns));
        self
    }

    pub fn fail(mut self, kind: ErrorKind) -> Self {
        self.steps.push_back(Step::Fail(kind));
        self
    }

    pub fn wait(mut self, gate: &Gate) -> Self {
        self.steps.push_back(Step::Wait(gate.clone()));
        self
    }

    /// Opens it: all that stands before was taken.
    pub fn open(mut self, gate: &Gate) -> Self {
        self.steps.push_back(Step::Open(gate.clone()));
        self
    }

    /// Waits for ever.
    pub fn stall(self) -> Self {
        self.wait(&Gate::default())
    }

    /// The bytes in frames and pauses drawn from the seed.
    pub fn cut_up(mut self, bytes: &Bytes, random: &mut Random) -> Self {
        let mut rest = bytes.clone();
        while !rest.is_empty() {
            let most = 1 + random.below(rest.len() as u64).min(random.below(3000));
            self = self.data(&rest.split_to(most as usize));
            if random.below(4) == 0 {
                self = self.pause(random.below(6));
            }
        }
        self
    }
}

impl Stream for Script {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        assert!(!self.ended, "a body was polled after its end");
        loop {
            match self.steps.front_mut() {
                None => {
                    self.ended = true;
                    return Poll::Ready(None);
                }
                Some(Step::Pause(turns)) if *turns > 0 => {
                    *turns -= 1;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Wait(gate)) if !gate.is_open() => {
                    let gate = gate.clone();
                    let mut listener = self.listener.take().unwrap_or_else(|| gate.0.1.listen());
                    if gate.is_open() || Pin::new(&mut listener).poll(cx).is_ready() {
                        continue;
                    }
                    self.listener = Some(listener);
                    return Poll::Pending;
                }
                Some(_) => match self.steps.pop_front() {
                    Some(Step::Data(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                    Some(Step::Open(gate)) => gate.open(),
                    Some(Step::Fail(kind)) => {
                        self.ended = true;
                        return Poll::Ready(Some(Err(Error::new(kind, "the body broke off"))));
                    }
                    _ => {}
                },
            }
        }
    }
}
