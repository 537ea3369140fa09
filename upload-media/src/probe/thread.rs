//! A thread that reads through the async world: parsers are not async, and no runtime is named here.
//!
//! ```text
//!   thread: parser ─► Remote ──── a range ────►  future: StoredBytes::read
//!                       ▲                          │
//!                       └───────── bytes ──────────┘     dropped: the thread's next read fails
//! ```

use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_channel::mpsc::{UnboundedSender, unbounded};
use futures_core::Stream;
use upload_core::ports::StoredBytes;

use super::Source;
use super::error::{ProbeError, Result};

/// What the thread says.
enum Message<T> {
    Fetch(Range<u64>),
    Done(thread::Result<T>),
}

/// The bytes as the thread sees them.
struct Remote<T> {
    length: u64,
    asks: UnboundedSender<Message<T>>,
    answers: mpsc::Receiver<io::Result<Bytes>>,
    until: Instant,
}

impl<T> Source for Remote<T> {
    fn length(&self) -> u64 {
        self.length
    }

    fn fetch(&mut self, range: Range<u64>) -> io::Result<Bytes> {
        let gone = || io::Error::other("nobody waits for the details any more");
        self.asks.unbounded_send(Message::Fetch(range)).map_err(|_| gone())?;
        match self.answers.recv_timeout(self.until.saturating_duration_since(Instant::now())) {
            Ok(answer) => answer,
            Err(mpsc::RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }
}

/// Does `work` on a thread of its own, with `bytes` read for it here. What `work` holds is dropped with its thread,
/// also when this future is dropped before: then its next read fails.
pub(super) async fn run<T: Send + 'static>(
    bytes: &dyn StoredBytes,
    time: Duration,
    work: impl FnOnce(&mut dyn Source) -> T + Send + 'static,
) -> Result<T> {
    let (asks, mut messages) = unbounded();
    let (replies, answers) = mpsc::channel();
    let now = Instant::now();
    let until = now.checked_add(time).unwrap_or(now);
    let mut remote = Remote { length: bytes.length(), asks: asks.clone(), answers, until };
    let spawned = thread::Builder::new().name("probe".to_owned()).spawn(move || {
        let done = catch_unwind(AssertUnwindSafe(move || work(&mut remote)));
        // Nobody may wait any more.
        let _ = asks.unbounded_send(Message::Done(done));
    });
    spawned.map_err(|error| ProbeError::Failed(format!("expected a thread to probe on: {error}")))?;

    let mut reading = None;
    let done = poll_fn(|context| {
        loop {
            match Pin::new(&mut messages).poll_next(context) {
                Poll::Ready(Some(Message::Done(done))) => return Poll::Ready(Some(done)),
                // Once more, to be woken when the thread has had enough of waiting.
                Poll::Ready(Some(Message::Fetch(range))) => {
                    reading = Some(bytes.read(range));
                    continue;
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {}
            }
            let Some(read) = &mut reading else { return Poll::Pending };
            let Poll::Ready(read) = read.as_mut().poll(context) else { return Poll::Pending };
            reading = None;
            // If the thread waits no more, it says why.
            let _ = replies.send(read.map_err(io::Error::other));
        }
    });
    match done.await {
        Some(Ok(result)) => Ok(result),
        // It would again: the same bytes, the same steps.
        Some(Err(_)) => Err(ProbeError::Unreadable("the file's reader failed on it".to_owned())),
        None => Err(ProbeError::Failed("the thread that probes ended".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Wake};

    use async_trait::async_trait;
    use upload_core::ports::StoreError;

    use super::*;

    #[derive(Debug)]
    struct Empty;

    #[async_trait]
    impl StoredBytes for Empty {
        fn length(&self) -> u64 {
            0
        }

        async fn read(&self, _: Range<u64>) -> std::result::Result<Bytes, StoreError> {
            Ok(Bytes::new())
        }
    }

    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    #[test]
    fn a_panic_ends_only_its_thread() {
        let work = |_: &mut dyn Source| -> () { panic!("a parser's mistake") };
        let mut future = pin!(run(&Empty, Duration::from_secs(60), work));
        let waker = Arc::new(Unpark(thread::current())).into();
        let result = loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(result) => break result,
                Poll::Pending => thread::park(),
            }
        };
        assert_eq!(result, Err(ProbeError::Unreadable("the file's reader failed on it".to_owned())));
    }
}
