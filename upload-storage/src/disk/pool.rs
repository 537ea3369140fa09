//! Small pools of threads with a queue, so that blocking calls need no runtime.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::JoinHandle,
};

use futures_channel::oneshot;
use upload_core::ports::StoreError;

use crate::shared::lock;

type Job = Box<dyn FnOnce() + Send>;
/// Where a job's result goes; the caller may have stopped listening.
pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// Jobs on their way to a pool's threads.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    /// Queues a job. It runs whether or not anybody waits for it.
    pub(super) fn submit(&self, job: impl FnOnce() + Send + 'static) {
        lock(&self.state).jobs.push_back(Box::new(job));
        self.wake.notify_one();
    }

    /// Queues a job that is given where its answer goes, and waits for that answer.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(Answer<T>) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.submit(move || job(answer));
        answered.await.unwrap_or_else(|_| Err(StoreError::unavailable("a job of the disk store broke off")))
    }

    /// Queues a job and waits for its result.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(move |answer| {
            let _ = answer.send(job());
        })
        .await
    }

    fn next(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            // A job that panics loses its answer, never the thread.
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!("a job of the disk store panicked");
            }
        }
    }
}

/// The threads that serve a queue. Dropping it runs what is queued, then ends them.
pub(super) struct Pool {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `threads` threads, at least one.
    pub(super) fn start(name: &str, threads: usize) -> Result<Self, StoreError> {
        let queue = Arc::new(Queue::default());
        let mut pool = Self { queue, threads: Vec::new() };
        for _ in 0..threads.max(1) {
            let queue = Arc::clone(&pool.queue);
            let thread = std::thread::Builder::new().name(format!("upload-{name}")).stack_size(256 * 1024);
            let thread = thread.spawn(move || queue.work()).map_err(|e| {
                StoreError::unavailable(format!("no thread could be started for the {name} pool"))
                    .with_source(e)
            })?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Its queue.
    pub(super) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.queue)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        lock(&self.queue.state).closed = true;
        self.queue.wake.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_panic_costs_its_answer_and_not_the_thread() {
        let pool = Pool::start("test", 1).unwrap();
        let queue = pool.queue();
        let mut broken = Box::pin(queue.call::<()>(|| panic!("on purpose")));
        let mut whole = Box::pin(queue.call(|| Ok(7)));
        assert!(
            broken.as_mut().now_or_never().is_none_or(|r| r.is_err())
                & whole.as_mut().now_or_never().is_none()
        );
        drop(pool);
        assert_eq!(whole.now_or_never().unwrap().unwrap(), 7);
        assert!(broken.now_or_never().unwrap().is_err());
    }

    #[test]
    fn dropping_the_pool_runs_what_is_queued() {
        let (pool, done) = (Pool::start("test", 1).unwrap(), Arc::new(AtomicU32::new(0)));
        for _ in 0..100 {
            let done = Arc::clone(&done);
            pool.queue().submit(move || {
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        drop(pool);
        assert_eq!(done.load(Ordering::Relaxed), 100);
    }
}
