//! Work on threads of its own: it takes too long for an async one, and no runtime is named here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use async_lock::Semaphore;
use futures_channel::oneshot;
use upload_core::ports::ProcessError;

/// Threads of one name, so many at once.
#[derive(Debug, Clone)]
pub(crate) struct Threads {
    name: &'static str,
    slots: Arc<Semaphore>,
}

/// Whether anybody still waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Nobody waits for the result any more.
    #[cfg_attr(not(feature = "minilm"), allow(dead_code))]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Cancels when it is dropped.
struct Waiting(Cancel);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Threads {
    /// At least one at once.
    pub(crate) fn new(name: &'static str, at_once: usize) -> Self {
        Self { name, slots: Arc::new(Semaphore::new(at_once.max(1))) }
    }

    /// Does `work` on a thread of its own as soon as one is free. When this future is dropped, `work` learns of it
    /// through its [`Cancel`]; its thread counts until it has ended.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Cancel) -> T + Send + 'static,
    ) -> Result<T, ProcessError> {
        let slot = self.slots.acquire_arc().await;
        let waiting = Waiting(Cancel::default());
        let cancel = waiting.0.clone();
        let (done, result) = oneshot::channel();
        let spawned = thread::Builder::new().name(self.name.to_owned()).spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| work(&cancel)));
            drop(slot);
            // Nobody may wait any more.
            let _ = done.send(result);
        });
        spawned.map_err(|error| ProcessError::Failed(format!("expected a thread to work on: {error}")))?;
        match result.await {
            Ok(Ok(result)) => Ok(result),
            // It would again: the same text, the same steps.
            Ok(Err(_)) => Err(ProcessError::Unreadable("the text could not be analysed".to_owned())),
            Err(_) => Err(ProcessError::Failed("the thread that worked on the text ended".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;

    use futures_executor::block_on;
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn work_learns_that_nobody_waits() {
        let threads = Threads::new("test", 1);
        let (seen, was_seen) = mpsc::channel();
        let run = threads.run(move |cancel| {
            while !cancel.is_cancelled() {
                thread::yield_now();
            }
            seen.send(()).unwrap();
        });
        assert!(run.now_or_never().is_none());
        was_seen.recv().unwrap();
        // Its slot is free again.
        assert_eq!(block_on(threads.run(|_| 1)), Ok(1));
    }

    #[test]
    fn no_more_run_than_there_are_slots() {
        let threads = Threads::new("test", 1);
        let (go, wait) = mpsc::channel::<()>();
        let mut first = pin!(threads.run(move |_| wait.recv().is_ok()));
        assert!(first.as_mut().now_or_never().is_none());
        let (begun, has_begun) = mpsc::channel();
        let mut second = pin!(threads.run(move |_| begun.send(()).is_ok()));
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!(has_begun.try_recv(), Err(mpsc::TryRecvError::Empty));
        go.send(()).unwrap();
        assert_eq!(block_on(first), Ok(true));
        assert_eq!(block_on(second), Ok(true));
    }

    #[test]
    fn a_panic_is_an_error() {
        let threads = Threads::new("test", 1);
        let result = block_on(threads.run(|_| -> () { panic!("a test's own panic") }));
        assert!(matches!(result, Err(ProcessError::Unreadable(_))));
    }
}
