//! Grouping: whoever comes while a sync runs shares the next one.

use std::sync::Mutex;

use crate::shared::lock;

/// Callers that wait for the next run of one thing. One of them runs it; a caller that comes during a run waits
/// for the run after it, which is certain to begin after the caller came.
#[derive(Debug)]
pub(super) struct Group<T>(Mutex<Waiting<T>>);

#[derive(Debug)]
struct Waiting<T> {
    callers: Vec<T>,
    running: bool,
}

impl<T> Default for Group<T> {
    fn default() -> Self {
        Self(Mutex::new(Waiting { callers: Vec::new(), running: false }))
    }
}

impl<T> Group<T> {
    /// Adds a caller; `true` if it must see to a run (a loop over [`take`](Self::take)).
    pub(super) fn join(&self, caller: T) -> bool {
        let mut waiting = lock(&self.0);
        waiting.callers.push(caller);
        !std::mem::replace(&mut waiting.running, true)
    }

    /// Those who share the next run; `None` ends the loop.
    pub(super) fn take(&self) -> Option<Vec<T>> {
        let mut waiting = lock(&self.0);
        waiting.running = !waiting.callers.is_empty();
        waiting.running.then(|| std::mem::take(&mut waiting.callers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_callers_share_the_next_run() {
        let group = Group::default();
        assert!(group.join(1));
        assert_eq!(group.take(), Some(vec![1]));
        assert!(!group.join(2) && !group.join(3));
        assert_eq!(group.take(), Some(vec![2, 3]));
        assert_eq!(group.take(), None);
        assert!(group.join(4));
    }
}
