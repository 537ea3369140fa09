//! The probe behind its port: bytes that come later, not at all, or not any more.
#![cfg(feature = "probe")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

#[path = "support/sparse.rs"]
mod sparse;
mod support;

use std::future::{pending, poll_fn};
use std::ops::Range;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use sparse::Sparse;
use support::read;
use upload_core::ports::{ProcessError, Processing, Processor, StoreError, StoredBytes};
use upload_media::probe::{Limits, Probe, ProbeError, text};
use upload_media::types;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls until it is ready, or until `enough`: then `None`.
fn drive<T>(mut future: std::pin::Pin<&mut impl Future<Output = T>>, enough: impl Fn() -> bool) -> Option<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
        if enough() {
            return None;
        }
        thread::park();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    drive(pin!(future), || false).unwrap()
}

#[derive(Debug, Default)]
struct Stored {
    content: Sparse,
    bytes: AtomicU64,
    reads: AtomicU64,
    /// Somebody asked for the length: probing has begun.
    begun: AtomicBool,
    /// No read ends while this is set.
    stuck: AtomicBool,
    waiting: Mutex<Option<Waker>>,
    fails: bool,
    short: bool,
}

impl Stored {
    fn new(content: Bytes) -> Self {
        Self { content: Sparse::whole(content), ..Self::default() }
    }

    fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }

    fn release(&self) {
        self.stuck.store(false, Ordering::SeqCst);
        self.waiting.lock().unwrap().take().inspect(Waker::wake_by_ref);
    }
}

#[async_trait]
impl StoredBytes for Stored {
    fn length(&self) -> u64 {
        self.begun.store(true, Ordering::SeqCst);
        self.content.length
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.bytes.fetch_add(range.end - range.start, Ordering::SeqCst);
        self.reads.fetch_add(1, Ordering::SeqCst);
        poll_fn(|context| {
            *self.waiting.lock().unwrap() = Some(context.waker().clone());
            if self.stuck.load(Ordering::SeqCst) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        if self.fails {
            return Err(StoreError::unavailable("the disk is on fire"));
        }
        let mut bytes = self.content.bytes(range);
        bytes.truncate(bytes.len() - usize::from(self.short));
        Ok(bytes)
    }
}

fn subject(content_type: &str) -> Processing<'_> {
    let mut subject = Processing::new("media");
    subject.content_type = Some(content_type);
    subject
}

fn details(probe: &Probe, content_type: &str, stored: &Stored) -> Result<serde_json::Value, ProcessError> {
    block_on(probe.process(&subject(content_type), stored))
}

#[test]
fn details_come_as_fields() {
    let probe = Probe::default();
    assert_eq!(probe.name(), "file_details");
    let image = Stored::new(read("ok", "rgb.jpg"));
    assert_eq!(
        details(&probe, types::JPEG, &image).unwrap(),
        json!({"dimensions": "640x480", "color_mode": "RGB"})
    );
    let model = Stored::new(read("ok", "box.obj"));
    assert_eq!(
        details(&probe, types::OBJ, &model).unwrap(),
        json!({"dimensions": [2.0, 3.0, 4.0], "vertex_count": 8, "material_count": 2})
    );
    assert!(probe.wants(&subject(types::PDF)) && !probe.wants(&subject(types::ZIP)));
    assert!(!probe.wants(&Processing::new("media")));
}

#[test]
fn what_is_wrong_is_the_contents_fault_or_not() {
    let probe = Probe::default();
    let broken = Stored::new(read("hostile", "child_size0.mp4"));
    let error = details(&probe, types::MP4, &broken).unwrap_err();
    assert_eq!(error, ProcessError::Unreadable("the film has no tracks".to_owned()));

    let image = || Stored::new(read("ok", "rgb.jpg"));
    let error = details(&probe, types::JPEG, &Stored { fails: true, ..image() }).unwrap_err();
    assert!(matches!(&error, ProcessError::Failed(why) if why.contains("on fire")), "{error:?}");
    let error = details(&probe, types::JPEG, &Stored { short: true, ..image() }).unwrap_err();
    assert!(matches!(&error, ProcessError::Failed(why) if why.contains("expected 4096 bytes")), "{error:?}");
    let error = details(&probe, types::ZIP, &image()).unwrap_err();
    assert!(matches!(&error, ProcessError::Failed(_)), "{error:?}");

    let mut limits = Limits::default();
    limits.reads = 1;
    let error = details(&Probe::new(limits, 1), types::JPEG, &image()).unwrap_err();
    assert!(
        matches!(&error, ProcessError::Unreadable(why) if why.contains("more than 1 reads")),
        "{error:?}"
    );
    let mut limits = Limits::default();
    limits.time = Duration::ZERO;
    let error = details(&Probe::new(limits, 1), types::JPEG, &image()).unwrap_err();
    assert!(matches!(&error, ProcessError::Failed(_)), "{error:?}");
}

#[test]
fn a_reader_that_waits_too_long_ends() {
    let mut limits = Limits::default();
    limits.time = Duration::from_millis(1);
    let stuck = Stored { stuck: true.into(), ..Stored::new(read("ok", "rgb.jpg")) };
    let error = details(&Probe::new(limits, 1), types::JPEG, &stuck).unwrap_err();
    assert!(matches!(&error, ProcessError::Failed(_)), "{error:?}");
}

/// 4 GiB of film, its index behind them.
#[test]
fn a_large_film_costs_a_few_reads() {
    let stored = Stored { content: Sparse::large_film(), ..Stored::default() };
    let details = details(&Probe::default(), types::MP4, &stored).unwrap();
    assert_eq!(
        details,
        json!({"duration": 2.0, "resolution": "160x120", "frame_rate": 25.0, "sample_rate": 44100, "channels": 2})
    );
    let bytes = stored.bytes.load(Ordering::SeqCst);
    assert!(bytes <= 16 << 10 && stored.reads() <= 4, "{bytes} bytes in {} reads", stored.reads());
}

#[test]
fn a_dropped_probe_ends_its_thread() {
    let probe = Probe::new(Limits::default(), 1);
    let stuck = Stored { stuck: true.into(), ..Stored::new(read("ok", "rgb.jpg")) };
    {
        let subject = subject(types::JPEG);
        let mut future = pin!(probe.process(&subject, &stuck));
        assert!(drive(future.as_mut(), || stuck.reads() > 0).is_none());
    }
    // There is one slot, which the thread gives back when it ends.
    let image = Stored::new(read("ok", "gray.jpg"));
    assert_eq!(
        details(&probe, types::JPEG, &image).unwrap(),
        json!({"dimensions": "100x60", "color_mode": "L"})
    );
}

#[test]
fn so_many_at_once_and_no_more() {
    let probe = Probe::new(Limits::default(), 1);
    let [first, second] = ["rgb.jpg", "gray.jpg"].map(|file| Stored::new(read("ok", file)));
    first.stuck.store(true, Ordering::SeqCst);
    let subject = subject(types::JPEG);
    let mut one = pin!(probe.process(&subject, &first));
    let mut two = pin!(probe.process(&subject, &second));
    assert!(drive(one.as_mut(), || first.reads() > 0).is_none());
    assert!(drive(two.as_mut(), || true).is_none());
    assert!(!second.begun.load(Ordering::SeqCst), "the second one waits");
    first.release();
    assert!(block_on(one).is_ok());
    assert!(block_on(two).is_ok() && second.reads() > 0);
}

#[test]
fn text_is_read_the_same_way() {
    let document = Stored::new(read("ok", "three_pages.pdf"));
    let found = block_on(text(&document, types::PDF, &Limits::default())).unwrap();
    assert!(found.text.starts_with("Page 1 of the orchard guide\nApple trees") && !found.truncated);
    let error = block_on(text(&document, types::JPEG, &Limits::default())).unwrap_err();
    assert_eq!(error, ProbeError::Unsupported(types::JPEG.to_owned()));
    let stuck = Stored { stuck: true.into(), ..Stored::new(read("ok", "utf8.txt")) };
    let limits = Limits::default();
    let mut future = pin!(text(&stuck, types::TEXT, &limits));
    assert!(drive(future.as_mut(), || stuck.reads() > 0).is_none());
}

#[allow(dead_code)]
async fn futures_are_send() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let stored = Stored::default();
    let _ = is_send(text(&stored, "", &Limits::default())).await;
    pending::<()>().await;
}
