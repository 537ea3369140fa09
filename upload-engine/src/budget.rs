//! How many bytes a running body may hold: the memory divided by the number of running bodies; or, where bodies become parts, a
//! whole part each, until all of them together hold too much.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::settings::Settings;

#[derive(Debug, Clone)]
pub(crate) struct Budget {
    memory: usize,
    min: usize,
    max: usize,
    part_memory: usize,
    min_fragment: usize,
    running: Arc<AtomicUsize>,
    /// Bytes in hand of bodies that become parts.
    held: Arc<AtomicUsize>,
}

/// Counts as one running body while it lives, with the bytes it has in hand.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    held: usize,
}

impl Budget {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            memory: settings.memory,
            min: settings.min_batch.max(1),
            max: settings.max_batch.max(settings.min_batch).max(1),
            part_memory: settings.part_memory,
            min_fragment: settings.min_fragment.max(1),
            running: Arc::default(),
            held: Arc::default(),
        }
    }

    pub(crate) fn share(&self) -> Share {
        self.running.fetch_add(1, Ordering::Relaxed);
        Share { budget: self.clone(), held: 0 }
    }
}

impl Share {
    /// Bytes at which a batch is full. A body holds two: one that fills and one that is written.
    pub(crate) fn batch(&self) -> usize {
        let running = self.budget.running.load(Ordering::Relaxed).max(1);
        (self.budget.memory / 2 / running).clamp(self.budget.min, self.budget.max)
    }

    /// Bytes at which a batch that is to become a part of `room` bytes is full: less than a part if memory is short.
    pub(crate) fn part(&self, room: usize) -> usize {
        let short = self.budget.held.load(Ordering::Relaxed) > self.budget.part_memory;
        if short { room.min(self.budget.min_fragment) } else { room }
    }

    /// The body has so many bytes in hand now.
    pub(crate) fn hold(&mut self, bytes: usize) {
        if bytes >= self.held {
            self.budget.held.fetch_add(bytes - self.held, Ordering::Relaxed);
        } else {
            self.budget.held.fetch_sub(self.held - bytes, Ordering::Relaxed);
        }
        self.held = bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.hold(0);
        self.budget.running.fetch_sub(1, Ordering::Relaxed);
    }
}
