//! The attempts of one assembly, oldest request first: what slots and offsets have in common.

use alloc::vec::Vec;

use super::answers::{AttemptId, AttemptState};
use super::errors::{Refused, Stop, Stopped};
use crate::range::ByteRange;

/// A write that has been granted and has not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Outstanding {
    /// What of it goes in place.
    pub(crate) in_place: ByteRange,
    /// All of it, wherever it goes.
    pub(crate) len: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry<B> {
    pub(crate) id: AttemptId,
    /// Why it was told to stop.
    pub(crate) stop: Option<Stop>,
    /// Abandoned: it goes when its write returns.
    left: bool,
    pub(crate) out: Option<Outstanding>,
    pub(crate) body: B,
}

impl<B> Entry<B> {
    pub(crate) fn is_running(&self) -> bool {
        self.stop.is_none()
    }

    /// Whether its owner has given it up, and it is only there for its last write.
    pub(crate) const fn has_left(&self) -> bool {
        self.left
    }

    /// Tells it to stop, unless it was told before.
    pub(crate) fn end(&mut self, stop: Stop) {
        self.stop.get_or_insert(stop);
    }

    /// Where the write goes that may still change bytes in place.
    pub(crate) fn out_in_place(&self) -> ByteRange {
        self.out.map_or_else(ByteRange::default, |out| out.in_place)
    }

    /// Whether it may be asked to write.
    pub(crate) fn may_write(&self) -> Result<(), Stopped> {
        match (self.stop, self.out) {
            (Some(stop), _) => Err(Stopped::Ended(stop)),
            (None, Some(_)) => Err(Stopped::WriteOutstanding),
            (None, None) => Ok(()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Table<B> {
    next: u64,
    entries: Vec<Entry<B>>,
}

impl<B> Table<B> {
    pub(crate) const fn new() -> Self {
        Self { next: 0, entries: Vec::new() }
    }

    /// What `new_id` is going to give.
    pub(crate) const fn next_id(&self) -> AttemptId {
        AttemptId(self.next)
    }

    pub(crate) const fn new_id(&mut self) -> AttemptId {
        let id = self.next_id();
        self.next += 1;
        id
    }

    fn place(&self, id: AttemptId) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.id)
    }

    pub(crate) fn get(&self, id: AttemptId) -> Option<&Entry<B>> {
        self.entries.get(self.place(id).ok()?)
    }

    pub(crate) fn get_mut(&mut self, id: AttemptId) -> Option<&mut Entry<B>> {
        let place = self.place(id).ok()?;
        self.entries.get_mut(place)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry<B>> {
        self.entries.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry<B>> {
        self.entries.iter_mut()
    }

    pub(crate) fn oldest_mut(&mut self) -> Option<&mut Entry<B>> {
        self.entries.first_mut()
    }

    /// All but `id`.
    pub(crate) fn others(&self, id: AttemptId) -> impl Iterator<Item = &Entry<B>> {
        self.entries.iter().filter(move |entry| entry.id != id)
    }

    pub(crate) fn insert(&mut self, id: AttemptId, body: B) {
        if let Err(place) = self.place(id) {
            self.entries.insert(place, Entry { id, stop: None, left: false, out: None, body });
        }
    }

    pub(crate) fn remove(&mut self, id: AttemptId) {
        if let Ok(place) = self.place(id) {
            self.entries.remove(place);
        }
    }

    pub(crate) fn returned(&mut self, id: AttemptId) {
        let Some(entry) = self.get_mut(id) else { return };
        entry.out = None;
        if entry.left {
            self.remove(id);
        }
    }

    pub(crate) fn abandon(&mut self, id: AttemptId) {
        let Some(entry) = self.get_mut(id) else { return };
        if entry.out.is_some() {
            entry.left = true;
            entry.end(Stop::Abandoned);
        } else {
            self.remove(id);
        }
    }

    pub(crate) fn end_all(&mut self, stop: Stop) {
        self.iter_mut().for_each(|entry| entry.end(stop));
    }

    pub(crate) fn writes_outstanding(&self) -> usize {
        self.iter().filter(|entry| entry.out.is_some()).count()
    }

    pub(crate) fn state(&self, id: AttemptId) -> AttemptState {
        match self.get(id).map(|entry| entry.stop) {
            None => AttemptState::Gone,
            Some(None) => AttemptState::Running,
            Some(Some(stop)) => AttemptState::Ended(stop),
        }
    }

    /// The attempt, if its owner may still settle what it wrote.
    pub(crate) fn kept(&self, id: AttemptId) -> Result<&Entry<B>, Refused> {
        self.get(id).filter(|entry| !entry.has_left()).ok_or(Refused::Gone)
    }

    /// All ids, and the next one, by `name`: for comparing states that differ in nothing else.
    #[cfg(feature = "model")]
    pub(crate) fn rename(&mut self, next: u64, name: impl Fn(AttemptId) -> AttemptId) {
        self.next = next;
        self.entries.iter_mut().for_each(|entry| entry.id = name(entry.id));
    }
}
