//! Work that outlives its connection, and the way to stop it.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use upload_core::{Error, ErrorKind};

/// The tasks that take in bodies and send out objects. Clones are one set.
///
/// ```text
///   request ──> handler ──run──> task ──────────────> engine
///                  │   <─answer── │
///         client goes away        │ goes on until the engine has kept what arrived
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
}

/// Tasks that had not ended when the limit of [`Tasks::drain`] was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} requests had not ended when the time to stop was over")]
pub struct StillRunning(pub usize);

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `work` in a task of its own that goes on if this future is dropped.
    ///
    /// # Errors
    /// `Busy` when stopping; `Internal` if the work panicked.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        if self.is_stopping() {
            return Err(stopping());
        }
        let task = self.tracker.spawn(work.in_current_span());
        task.await.map_err(|e| Error::internal(format!("the task of a request ended badly: {e}")))
    }

    /// Runs `work` in a task of its own; nobody waits for it but [`drain`](Self::drain). Outside a runtime
    /// (which is then shutting down) the work is dropped.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = Handle::try_current() {
            self.tracker.spawn_on(work.in_current_span(), &runtime);
        }
    }

    /// Whether [`drain`](Self::drain) or [`stop`](Self::stop) was called.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Takes no more work; running bodies end at their next frame with `Busy`, and the engine keeps what arrived.
    pub fn stop(&self) {
        self.stopping.cancel();
        self.tracker.close();
    }

    /// Stops, and waits at most `limit` for everything to end.
    ///
    /// # Errors
    /// [`StillRunning`] with the number of tasks left; they go on while the runtime lives.
    pub async fn drain(&self, limit: Duration) -> Result<(), StillRunning> {
        self.stop();
        let waited = tokio::time::timeout(limit, self.tracker.wait()).await;
        waited.map_err(|_| StillRunning(self.tracker.len()))
    }

    /// Set when stopping.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }
}

/// The error of what is refused, or ended, because the process is stopping.
pub(crate) fn stopping() -> Error {
    Error::new(ErrorKind::Busy, "the server is stopping; send this again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn work_outlives_the_one_who_waits_for_it() {
        let tasks = Tasks::new();
        let (go, wait) = oneshot::channel::<()>();
        let (done, ended) = oneshot::channel();
        let mut running = Box::pin(tasks.run(async move {
            wait.await.unwrap();
            done.send(()).unwrap();
        }));
        assert!(futures_util::poll!(&mut running).is_pending());
        drop(running);
        go.send(()).unwrap();
        ended.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn draining_waits_refuses_and_says_what_is_left() {
        let tasks = Tasks::new();
        let (go, wait) = oneshot::channel::<()>();
        let mut running = Box::pin(tasks.run(async move {
            let _ = wait.await;
        }));
        assert!(futures_util::poll!(&mut running).is_pending());
        assert_eq!(tasks.drain(Duration::from_secs(5)).await, Err(StillRunning(1)));
        assert_eq!(tasks.run(async {}).await.unwrap_err().kind, ErrorKind::Busy);
        go.send(()).unwrap();
        running.await.unwrap();
        assert_eq!(tasks.drain(Duration::from_secs(5)).await, Ok(()));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_ours() {
        let error = Tasks::new().run(async { panic!("boom") }).await.map(|(): ()| ()).unwrap_err();
        assert_eq!((error.kind, error.to_string().contains("boom")), (ErrorKind::Internal, false));
    }
}
