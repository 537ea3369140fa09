//! Notices for a task of the same process.

use std::{
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use async_trait::async_trait;
use futures_channel::{mpsc, oneshot};
use futures_core::Stream;
use upload_core::{Outcome, ports::Events};

/// The end that the engine has.
#[derive(Debug)]
pub struct EventSink {
    to: Mutex<mpsc::Sender<Notice>>,
    room: usize,
}

/// The notices of completed uploads, for a task of the application's.
///
/// A notice that is dropped without [`Notice::taken`] (its task failed, or ended) comes again, also in the next process;
/// likewise one that is worked on for longer than the engine gives to a delivery: work that takes long is to be noted down and
/// done afterwards, or to be such that it does no harm twice.
///
/// ```
/// use upload_events::EventStream;
/// use futures_util::StreamExt as _;
///
/// let (sink, mut notices) = EventStream::bounded(16);
/// // Engine::builder(…).events(Arc::new(sink)).build()
/// # drop(sink);
/// # futures_executor::block_on(
/// async move {
///     while let Some(notice) = notices.next().await {
///         println!("{} is complete", notice.outcome().id);
///         notice.taken();
///     }
/// }
/// # );
/// ```
#[derive(Debug)]
pub struct EventStream(mpsc::Receiver<Notice>);

/// The notice of one completed upload.
#[derive(Debug)]
#[must_use = "a notice that is not taken comes again"]
pub struct Notice {
    outcome: Outcome,
    taken: oneshot::Sender<()>,
}

impl Notice {
    /// What became of the upload; its id is the notice's.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// What it asks for is done: it need not come again. (It may, if the process ends now.)
    pub fn taken(self) -> Outcome {
        // Who waited may have given up; then it comes again.
        let _ = self.taken.send(());
        self.outcome
    }
}

impl EventStream {
    /// Both ends. At most `room` notices (at least one) wait in memory; more are refused and come again.
    #[must_use]
    pub fn bounded(room: usize) -> (EventSink, Self) {
        let room = room.max(1);
        // The one sender has a place of its own beside the buffer's.
        let (to, from) = mpsc::channel(room - 1);
        (EventSink { to: Mutex::new(to), room }, Self(from))
    }
}

impl Stream for EventStream {
    type Item = Notice;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_next(cx)) {
                // Nobody waits for it any more: it comes again.
                Some(notice) if notice.taken.is_canceled() => {}
                notice => return Poll::Ready(notice),
            }
        }
    }
}

#[async_trait]
impl Events for EventSink {
    fn keeps(&self) -> bool {
        true
    }

    /// Returns when the listener has taken it, or let it go.
    async fn deliver(&self, outcome: &Outcome) -> Result<(), String> {
        let (taken, ended) = oneshot::channel();
        let notice = Notice { outcome: outcome.clone(), taken };
        let sent = self.to.lock().unwrap_or_else(PoisonError::into_inner).try_send(notice);
        match sent {
            Ok(()) => ended.await.map_err(|_| "the listener let it go".to_owned()),
            Err(e) if e.is_full() => Err(format!("the listener is busy: {} notices wait", self.room)),
            Err(_) => Err("nobody listens".to_owned()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use futures_executor::block_on;
    use futures_util::{FutureExt as _, StreamExt as _, future::join};
    use upload_core::{ObjectKey, Timestamp, UploadId};

    use super::*;

    const ID: &str = "tenant00aaaaaaaaaaaaaaaaaaaaaaaaa";
    const KEY: &str = "o/00000000/tenant00aaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbbbbb";

    /// The result of an upload of `length` bytes.
    pub(crate) fn outcome(length: u64) -> Outcome {
        let id = UploadId::parse(ID).unwrap();
        Outcome::new(id, ObjectKey::parse(KEY).unwrap(), "photos", length, Timestamp::default())
    }

    #[test]
    fn a_notice_is_taken_when_the_listener_says_so() {
        let (sink, mut notices) = EventStream::bounded(2);
        assert!(sink.keeps());
        let listener = async {
            let notice = notices.next().await.unwrap();
            assert_eq!(notice.outcome(), &outcome(1));
            notice.taken()
        };
        assert_eq!(block_on(join(sink.deliver(&outcome(1)), listener)), (Ok(()), outcome(1)));

        let careless = async { drop(notices.next().await) };
        assert_eq!(
            block_on(join(sink.deliver(&outcome(1)), careless)).0,
            Err("the listener let it go".to_owned())
        );
    }

    #[test]
    fn no_more_wait_than_there_is_room_for_and_then_there_is_room_again() {
        for room in [0, 1, 3] {
            let (sink, mut notices) = EventStream::bounded(room);
            let (a, b, c, d) = (outcome(1), outcome(2), outcome(3), outcome(4));
            let mut waiting: Vec<_> = [&a, &b, &c, &d].map(|one| sink.deliver(one)).into();
            let answers: Vec<_> = waiting.iter_mut().map(|one| one.now_or_never()).collect();
            let room = room.max(1);
            assert!(answers[..room].iter().all(Option::is_none), "{answers:?}");
            let full = Err(format!("the listener is busy: {room} notices wait"));
            assert!(answers[room..].iter().all(|one| *one == Some(full.clone())), "{answers:?}");

            let first = notices.next().now_or_never().flatten().unwrap();
            assert_eq!(first.outcome().length, 1);
            let _ = first.taken();
            assert_eq!(waiting[0].as_mut().now_or_never(), Some(Ok(())));
            assert_eq!(sink.deliver(&d).now_or_never(), None, "there is room for one");
        }
    }

    #[test]
    fn nobody_listening_is_a_refusal_also_of_what_waits() {
        let (sink, notices) = EventStream::bounded(2);
        let (one, two) = (outcome(1), outcome(2));
        let mut waiting = sink.deliver(&one).boxed();
        assert_eq!((&mut waiting).now_or_never(), None);
        drop(notices);
        assert_eq!(block_on(waiting), Err("the listener let it go".to_owned()));
        assert_eq!(block_on(sink.deliver(&two)), Err("nobody listens".to_owned()));
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_not_heard_twice() {
        let (sink, mut notices) = EventStream::bounded(3);
        assert_eq!(sink.deliver(&outcome(1)).now_or_never(), None); // and dropped: out of time
        let two = outcome(2);
        let mut again = sink.deliver(&two).boxed();
        assert_eq!((&mut again).now_or_never(), None);
        assert_eq!(notices.next().now_or_never().flatten().unwrap().taken().length, 2);
        assert!(notices.next().now_or_never().is_none());
        assert_eq!(block_on(again), Ok(()));
        drop(sink);
        assert!(block_on(notices.next()).is_none(), "the engine is gone");
    }
}
