//! The table of live uploads: what this process knows of an upload while somebody uses it, and a while longer.
//!
//! A place has one writer: the newest attempt. All that decides it is in [`State`], under a lock that is never held
//! over an await. Whoever waits for something listens to [`Live::changed`] first and looks afterwards; whoever
//! takes in a body listens to [`Live::told`]. Two events, so that those who wait never wake each other.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use event_listener::Event;
use tracing::Span;
use upload_chunking::assembly::{At, AttemptId, Key};
use upload_core::{
    Outcome, Result, UploadId,
    lifecycle::{Event as Happened, View, apply, refusal},
    ports::{Permit, Version},
    record::{Phase, SessionRecord},
};

use crate::{change::given_up, digest::Frontier};

/// One upload in memory.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) id: UploadId,
    state: Mutex<State>,
    /// Notified whenever a waiter may want to look again: an attempt ended or left, a row or a phase came.
    pub(crate) changed: Event,
    /// Notified whenever a running attempt may have been told to stop.
    pub(crate) told: Event,
    /// One finisher at a time in this process.
    pub(crate) finishing: async_lock::Mutex<()>,
    /// One change of the head at a time in this process.
    pub(crate) heads: async_lock::Mutex<()>,
    /// One beginner of the store's session at a time in this process.
    pub(crate) opening: async_lock::Mutex<()>,
    /// One advancer of the digests.
    pub(crate) digest: async_lock::Mutex<Frontier>,
    /// Outlives each request that touches the upload.
    pub(crate) span: Span,
}

/// What is known of one upload, and what runs.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) view: View,
    pub(crate) head_version: Version,
    pub(crate) shape_version: Option<Version>,
    /// What the recorded first bytes were seen to be: `Some(None)` for nothing recognised, `None` if not looked yet.
    pub(crate) detected: Option<Option<String>>,
    /// What it had become, if it was removed since it is in memory: for requests that began before that.
    pub(crate) replaced: Option<Box<Outcome>>,
    /// The store's session of its parts, once it is known.
    pub(crate) session: Option<SessionRecord>,
    /// Whether the store was told of the staging object, since the upload is in memory.
    pub(crate) staged: bool,
    /// Permits that are out, of writes and of moves.
    pub(crate) permits: usize,
    /// Records below the head that are being put.
    pub(crate) recording: usize,
    /// How often those who write by offset were told to stop without another one in their place: who began before the last
    /// time hands in what it has, and ends.
    pub(crate) halts: u64,
    /// Requests that wait for a slot, by slot.
    waiting: BTreeMap<u32, usize>,
    /// Puts whose end nobody heard of, and how many of them the records were looked at for since.
    doubts: u64,
    looked: u64,
}

impl State {
    pub(crate) fn new(view: View, head_version: Version, shape_version: Option<Version>) -> Self {
        Self {
            view,
            head_version,
            shape_version,
            detected: None,
            replaced: None,
            session: None,
            staged: false,
            permits: 0,
            recording: 0,
            halts: 0,
            waiting: BTreeMap::new(),
            doubts: 0,
            looked: 0,
        }
    }

    /// Whether the records may know what memory does not; they have to be looked at before the next use.
    pub(crate) fn is_stale(&self) -> bool {
        self.doubts > self.looked
    }

    /// How many doubts there are; a look at the records that begins now settles these.
    pub(crate) fn doubts(&self) -> u64 {
        self.doubts
    }

    pub(crate) fn settled(&mut self, doubts: u64) {
        self.looked = self.looked.max(doubts);
    }

    /// A put ended unknown and could not be settled.
    pub(crate) fn doubt(&mut self) {
        self.doubts += 1;
    }

    /// Takes over what happened, which is stored.
    pub(crate) fn apply(&mut self, events: &[Happened]) {
        if let Phase::Completed { outcome, .. } = &self.view.head.phase
            && events.iter().any(|event| matches!(event, Happened::Removed(..)))
        {
            self.replaced = Some(outcome.clone());
        }
        events.iter().for_each(|event| apply(&mut self.view, event));
    }

    /// Whether somebody has this slot, or waits for it.
    pub(crate) fn is_wanted(&self, slot: u32) -> bool {
        self.waiting.contains_key(&slot) || self.view.rows.is_open(Key::Slot(slot))
    }
}

/// The value under a lock; what a panicked holder left is still consistent, as every change is made at once.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    pub(crate) fn new(state: State, frontier: Frontier) -> Self {
        let id = state.view.head.id.clone();
        let span = tracing::info_span!("upload", %id, destination = %state.view.head.destination);
        Self {
            id,
            state: Mutex::new(state),
            changed: Event::new(),
            told: Event::new(),
            finishing: async_lock::Mutex::new(()),
            heads: async_lock::Mutex::new(()),
            opening: async_lock::Mutex::new(()),
            digest: async_lock::Mutex::new(frontier),
            span,
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    /// Wakes everybody who waits for a change.
    pub(crate) fn notify(&self) {
        self.changed.notify(usize::MAX);
    }

    /// Wakes the bodies that are taken in, to see whether they were told to stop.
    pub(crate) fn tell(&self) {
        self.told.notify(usize::MAX);
    }

    /// Returns once `ready` gives something.
    pub(crate) async fn until<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            if let Some(found) = ready(&mut self.state()) {
                return found;
            }
            let heard = self.changed.listen();
            if let Some(found) = ready(&mut self.state()) {
                return found;
            }
            heard.await;
        }
    }

    /// A permit for bytes that no attempt brings.
    pub(crate) fn permit(self: &Arc<Self>) -> Permit {
        self.permit_holding(())
    }

    fn permit_holding(self: &Arc<Self>, hold: impl Send + 'static) -> Permit {
        self.state().permits += 1;
        let live = Arc::clone(self);
        Permit::new(move || {
            drop(hold);
            live.state().permits -= 1;
            live.notify();
        })
    }

    /// Returns once no write of this upload can change bytes any more.
    pub(crate) async fn settled(&self) {
        self.until(|s| (s.permits == 0).then_some(())).await;
    }
}

/// A record below the head that is being put; an upload that is given up is not cleared meanwhile.
#[derive(Debug)]
pub(crate) struct Recording<'a>(&'a Live);

impl<'a> Recording<'a> {
    /// Begins, unless the upload was given up.
    pub(crate) fn begin(live: &'a Live, state: &mut State) -> Result<Self> {
        let phase = &state.view.head.phase;
        if let Some(why) = refusal(phase).filter(|_| given_up(phase)) {
            return Err(why);
        }
        state.recording += 1;
        Ok(Self(live))
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        self.0.state().recording -= 1;
        self.0.notify();
    }
}

/// A put that is under way. Dropped before its end is known, it leaves a doubt.
#[derive(Debug)]
pub(crate) struct Putting<'a>(&'a Live);

impl<'a> Putting<'a> {
    pub(crate) fn new(live: &'a Live) -> Self {
        Self(live)
    }

    /// Its end is known.
    pub(crate) fn known(self) {
        std::mem::forget(self);
    }
}

impl Drop for Putting<'_> {
    fn drop(&mut self) {
        self.0.state().doubt();
    }
}

/// A request that waits for a slot.
#[derive(Debug)]
pub(crate) struct Waiting<'a>(&'a Live, u32);

impl<'a> Waiting<'a> {
    /// Waits for the slot, if it is one. The lock is held, so that nobody sees the place unwanted in between.
    pub(crate) fn new(live: &'a Live, state: &mut State, at: At) -> Option<Self> {
        let At::Slot { n, .. } = at else { return None };
        *state.waiting.entry(n).or_default() += 1;
        Some(Self(live, n))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if let Some(count) = state.waiting.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                state.waiting.remove(&self.1);
            }
        }
        drop(state);
        self.0.notify();
    }
}

/// One running attempt. It is abandoned when the last holder lets go: its request, or a permit of a late write.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) live: Arc<Live>,
    pub(crate) id: AttemptId,
    /// Of [`State::halts`], when it began.
    pub(crate) halts: u64,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.live.state().view.rows.abandon(self.id);
        self.live.notify();
    }
}

/// A granted write; it has returned when the last of its permits has.
#[derive(Debug)]
struct Granted(Arc<Attempt>);

impl Drop for Granted {
    fn drop(&mut self) {
        self.0.live.state().view.rows.returned(self.0.id);
        self.0.live.notify();
    }
}

impl Attempt {
    /// Permits for the `n` pieces of one granted write.
    pub(crate) fn permits(self: &Arc<Self>, n: usize) -> Vec<Permit> {
        let granted = Arc::new(Granted(Arc::clone(self)));
        (0..n).map(|_| self.live.permit_holding(Arc::clone(&granted))).collect()
    }

    /// A permit for a move of this attempt's bytes.
    pub(crate) fn move_permit(self: &Arc<Self>) -> Permit {
        self.live.permit_holding(Arc::clone(self))
    }
}

/// The uploads in memory, by id.
#[derive(Debug)]
pub(crate) struct Table {
    inner: Mutex<Inner>,
    idle: usize,
}

#[derive(Debug, Default)]
struct Inner {
    uploads: HashMap<UploadId, Arc<Live>>,
    /// Goes up whenever something is dropped, so that a slow load never brings back what was true before.
    epoch: u64,
}

/// What a look at the table gave.
pub(crate) enum Found {
    Live(Arc<Live>),
    /// Not in memory: load it and insert it with this epoch.
    Absent(u64),
}

/// How an insertion ended.
pub(crate) enum Inserted {
    /// The upload to use, and those that left memory for it.
    Live(Arc<Live>, Vec<Arc<Live>>),
    /// Something left memory during the load: load again.
    Again,
}

impl Table {
    pub(crate) fn new(idle: usize) -> Self {
        Self { inner: Mutex::default(), idle }
    }

    pub(crate) fn find(&self, id: &UploadId) -> Found {
        let inner = locked(&self.inner);
        inner.uploads.get(id).map_or(Found::Absent(inner.epoch), |l| Found::Live(Arc::clone(l)))
    }

    pub(crate) fn insert(&self, live: Live, epoch: u64) -> Inserted {
        let mut inner = locked(&self.inner);
        if let Some(known) = inner.uploads.get(&live.id) {
            return Inserted::Live(Arc::clone(known), Vec::new());
        }
        if inner.epoch != epoch {
            return Inserted::Again;
        }
        let live = Arc::new(live);
        inner.uploads.insert(live.id.clone(), Arc::clone(&live));
        let left = if inner.uploads.len() > self.idle { inner.shed() } else { Vec::new() };
        Inserted::Live(live, left)
    }

    /// Takes out every upload that nobody uses.
    pub(crate) fn shed(&self) -> Vec<Arc<Live>> {
        locked(&self.inner).shed()
    }

    /// Whether somebody uses the upload right now.
    pub(crate) fn in_use(&self, id: &UploadId) -> bool {
        locked(&self.inner).uploads.get(id).is_some_and(|live| Arc::strong_count(live) > 1)
    }
}

impl Inner {
    fn shed(&mut self) -> Vec<Arc<Live>> {
        // Only the table hands out new holders, and it is locked: a count of one stays one.
        let left: Vec<_> =
            self.uploads.extract_if(|_, live| Arc::strong_count(live) == 1).map(|(_, l)| l).collect();
        if !left.is_empty() {
            self.epoch += 1;
        }
        left
    }
}
