//! What the tests of the local back ends share: names, a directory of their own, waiting without a runtime.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code, missing_docs, unreachable_pub)]

use std::{
    future::Future,
    path::{Path, PathBuf},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};

use upload_core::{
    Handle, Hour, ObjectKey, StagingName, UploadId,
    ports::{Ids, Permit},
};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[derive(Debug)]
struct Counting;

static COUNTER: AtomicU64 = AtomicU64::new(0);

impl Ids for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        // Different on every call, and spread over all bytes below 252.
        let mut x =
            COUNTER.fetch_add(1, Ordering::Relaxed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in bytes {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            *byte = (x >> 24) as u8 % 252;
        }
    }
}

pub const HOUR: Hour = Hour::new(490_000);

/// Fresh names of an upload of this hour.
pub fn names_of(hour: Hour) -> (StagingName, ObjectKey) {
    let id = UploadId::random(&Handle::random(&Counting), &Counting);
    (StagingName::random(hour, &id, &Counting), ObjectKey::random(hour, &id, &Counting))
}

/// Fresh names.
pub fn names() -> (StagingName, ObjectKey) {
    names_of(HOUR)
}

/// A permit nobody asks about.
pub fn permit() -> Permit {
    Permit::new(|| ())
}

/// A directory that goes with the test.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("upload-{name}-{}-{count}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
