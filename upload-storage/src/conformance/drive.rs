//! Driving futures: cut short, all at once, and with a limit.

use std::{
    future::poll_fn,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use event_listener::Event;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Either, join_all, select},
};
use upload_core::ports::Permit;

use super::bench::{Fail, Outcome};
use crate::shared::lock;

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread, for stores that need no runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        thread::park();
    }
}

/// Polls the future at most `polls` times, then drops it: `None` if it had not ended by then.
pub(super) async fn stop_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Runs `attempt` with 0, 1, 2… polls until it says that its call ended within them.
pub(super) async fn at_every_poll(attempt: impl AsyncFn(usize) -> Result<bool, Fail>) -> Outcome {
    for polls in 0..10_000 {
        if attempt(polls).await? {
            return Ok(());
        }
    }
    Err(Fail("a call did not end within 10000 polls".into()))
}

/// Polls the future once; `None` when it has asked to be polled again.
pub(super) async fn step<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    let mut polled = false;
    poll_fn(|context| {
        if polled {
            return Poll::Ready(None);
        }
        polled = true;
        pin!(&mut *future).poll(context).map(Some)
    })
    .await
}

/// Runs all of them at once: on threads of their own, or interleaved on this one.
pub(super) async fn together<T: Send>(threads: bool, futures: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    if !threads {
        return join_all(futures).await;
    }
    thread::scope(|scope| {
        let running: Vec<_> = futures.into_iter().map(|future| scope.spawn(|| block_on(future))).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// An alarm that rings after a while, on a thread of its own, unless it is dropped before.
struct Alarm(Arc<(Mutex<bool>, Condvar, Event)>);

impl Alarm {
    fn after(patience: Duration) -> (Self, impl Future<Output = ()>) {
        let shared = Arc::new((Mutex::new(false), Condvar::new(), Event::new()));
        let (watched, rings) = (Arc::clone(&shared), shared.2.listen());
        thread::spawn(move || {
            let (cancelled, changed, rung) = &*watched;
            let waited = changed.wait_timeout_while(lock(cancelled), patience, |cancelled| !*cancelled);
            if waited.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
                rung.notify(usize::MAX);
            }
        });
        (Self(shared), rings)
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        *lock(&self.0.0) = true;
        self.0.1.notify_all();
    }
}

/// `future`, or a failure when it has not ended in time.
async fn within<T>(patience: Duration, what: &str, future: impl Future<Output = T>) -> Result<T, Fail> {
    let (_alarm, rings) = Alarm::after(patience);
    match select(pin!(future), pin!(rings)).await {
        Either::Left((value, _)) => Ok(value),
        Either::Right(_) => Err(Fail(format!("{what} did not end within {patience:?}"))),
    }
}

/// A check: its time limited, its panic a failure.
pub(super) async fn guarded(patience: Duration, check: impl Future<Output = Outcome>) -> Outcome {
    match within(patience, "the check", AssertUnwindSafe(check).catch_unwind()).await? {
        Ok(outcome) => outcome,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text");
            Err(Fail(format!("panicked: {text}")))
        }
    }
}

/// Watches a permit.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch(Arc<(AtomicUsize, Event)>);

impl Watch {
    /// A permit, and what sees it end.
    pub(super) fn permit() -> (Permit, Self) {
        let watch = Self::default();
        let inside = watch.clone();
        let permit = Permit::new(move || {
            inside.0.0.fetch_add(1, Ordering::SeqCst);
            inside.0.1.notify(usize::MAX);
        });
        (permit, watch)
    }

    /// Whether the permit is still out.
    pub(super) fn is_out(&self) -> bool {
        self.0.0.load(Ordering::SeqCst) == 0
    }

    /// Waits for the permit's end.
    pub(super) async fn ended(&self, patience: Duration) -> Outcome {
        let end = async {
            while self.is_out() {
                let listener = self.0.1.listen();
                if self.is_out() {
                    listener.await;
                }
            }
        };
        within(patience / 4, "the permit of a write or move", end).await
    }
}
