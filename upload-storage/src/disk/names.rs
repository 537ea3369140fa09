//! Making names durable: one sync of a directory for all who wait for it.

use std::sync::{Arc, OnceLock};

use upload_core::ports::StoreError;

use super::{group::Group, layout::Dir, pool::Queue};
use crate::durability::Durability;

/// What is called when the names are durable, or never will be.
type Then = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Syncs directories in groups.
pub(super) struct Names {
    durability: Durability,
    group: Group<(Vec<Arc<Dir>>, Then)>,
    queue: Arc<Queue>,
    /// Why a sync failed. It is not retried: what the kernel has dropped, a second sync would call durable.
    broken: OnceLock<String>,
}

impl Names {
    pub(super) fn new(durability: Durability, queue: Arc<Queue>) -> Self {
        Self { durability, group: Group::default(), queue, broken: OnceLock::new() }
    }

    /// Calls `then` when the names in `dirs` are durable in the store's sense of the word.
    pub(super) fn sync(
        self: &Arc<Self>,
        dirs: Vec<Arc<Dir>>,
        then: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) {
        if self.durability == Durability::None || dirs.is_empty() {
            return then(Ok(()));
        }
        if self.group.join((dirs, Box::new(then))) {
            let this = Arc::clone(self);
            self.queue.submit(move || this.run());
        }
    }

    fn run(&self) {
        while let Some(callers) = self.group.take() {
            let mut dirs: Vec<_> = callers.iter().flat_map(|(dirs, _)| dirs).collect();
            dirs.sort_by_key(|dir| Arc::as_ptr(dir));
            dirs.dedup_by_key(|dir| Arc::as_ptr(dir));
            for dir in dirs {
                if self.broken.get().is_none()
                    && let Err(e) = dir.sync()
                {
                    let why = format!("syncing the directory {} failed, restart the store: {e}", dir.name);
                    tracing::error!("{why}");
                    let _ = self.broken.set(why);
                }
            }
            for (_, then) in callers {
                then(self.broken.get().map_or(Ok(()), |why| Err(StoreError::unavailable(why.as_str()))));
            }
        }
    }
}
