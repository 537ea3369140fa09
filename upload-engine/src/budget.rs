//! How many bytes a running body may hold: the memory divided by the number of running bodies.

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
    running: Arc<AtomicUsize>,
}

/// Counts as one running body while it lives.
#[derive(Debug)]
pub(crate) struct Share(Budget);

impl Budget {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            memory: settings.memory,
            min: settings.min_batch.max(1),
            max: settings.max_batch.max(settings.min_batch).max(1),
            running: Arc::default(),
        }
    }

    pub(crate) fn share(&self) -> Share {
        self.running.fetch_add(1, Ordering::Relaxed);
        Share(self.clone())
    }
}

impl Share {
    /// Bytes at which a batch is full. A body holds two: one that fills and one that is written.
    pub(crate) fn batch(&self) -> usize {
        let running = self.0.running.load(Ordering::Relaxed).max(1);
        (self.0.memory / 2 / running).clamp(self.0.min, self.0.max)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}
