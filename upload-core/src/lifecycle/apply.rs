//! Folding events into a view.

use super::{Event, View, length_of};
use crate::record::{Head, Phase};

/// Folds an event that [`decide`](super::decide) gave, and that is durable, into the view. Events that do not fit the
/// view's phase change nothing.
pub fn apply(view: &mut View, event: &Event) {
    match event {
        Event::Recorded(row) => {
            // A contradiction was refused by `decide`; a view that knows better keeps what it knows.
            let _ = view.rows.learn_row(*row);
        }
        Event::Composed(_, sources) => {
            let _ = view.rows.set_length(length_of(sources));
        }
        Event::LengthFixed(length) => {
            let _ = view.rows.set_length(*length);
        }
        _ => {}
    }
    view.head.apply(event);
}

impl Head {
    /// The head's part of [`apply`]: what a compare-and-swap of the head will store.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Recorded(_) => {}
            Event::LengthFixed(length) => self.length = Some(*length),
            Event::Composed(key, sources) => {
                self.length = Some(length_of(sources));
                self.sources.clone_from(sources);
                self.phase = Phase::Verifying { key: key.clone(), attempts: 0 };
            }
            Event::Closed(key) => self.phase = Phase::Verifying { key: key.clone(), attempts: 0 },
            Event::Claimed(key) => self.content_claim = Some(key.clone()),
            Event::Deferred(n) => {
                if let Phase::Verifying { attempts, .. } = &mut self.phase {
                    *attempts = *n;
                }
            }
            Event::Committed(outcome) => {
                self.sources.clear();
                self.phase = Phase::Committing { outcome: outcome.clone() };
            }
            Event::Completed(at) => {
                if let Phase::Committing { outcome } = &self.phase {
                    self.phase = Phase::Completed { outcome: outcome.clone(), at: *at };
                }
            }
            Event::Failed(failure, at) => self.phase = Phase::Failed { failure: failure.clone(), at: *at },
            Event::Cancelled(at) => self.phase = Phase::Cancelled { at: *at },
            Event::Expired(at) => self.phase = Phase::Expired { at: *at },
            Event::PartsCommitted(at) => self.parts_committed = Some(*at),
            Event::Attached(at) => self.attached = Some(*at),
            Event::Removed(key, at) => self.phase = Phase::Removed { key: key.clone(), at: *at },
        }
    }
}
