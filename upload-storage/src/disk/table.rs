//! The staging objects that this process has touched, and which of their files are open.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::{Arc, Mutex},
};

use upload_core::{
    StagingName,
    ports::{StoreError, StoreErrorKind},
};

use super::{layout::Layout, staging::Staging};
use crate::shared::lock;

/// Entries live until their object is published or discarded; open files are bounded, the oldest are closed.
#[derive(Debug)]
pub(super) struct Table {
    open_files: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: BTreeMap<StagingName, Entry>,
    /// Those with an open file, by their last use.
    by_use: BTreeMap<u64, StagingName>,
    uses: u64,
    /// Objects whose sync failed, and why. What the kernel dropped cannot be made durable by another try.
    failed: HashMap<StagingName, (StoreErrorKind, String)>,
}

#[derive(Debug)]
struct Entry {
    staging: Arc<Staging>,
    used: Option<u64>,
}

impl Inner {
    fn entry(&mut self, name: &StagingName) -> &mut Entry {
        let new = || Entry { staging: Arc::new(Staging::new(name.clone())), used: None };
        self.entries.entry(name.clone()).or_insert_with(new)
    }
}

impl Table {
    pub(super) fn new(open_files: usize) -> Self {
        Self { open_files: open_files.max(1), inner: Mutex::default() }
    }

    /// The object's entry, made if need be.
    pub(super) fn entry(&self, name: &StagingName) -> Arc<Staging> {
        Arc::clone(&lock(&self.inner).entry(name).staging)
    }

    /// Notes that the object's file is open and was used now; closes the files that were not used for longest.
    pub(super) fn used(&self, staging: &Arc<Staging>, layout: &Layout) {
        let mut oldest = Vec::new();
        {
            let inner = &mut *lock(&self.inner);
            inner.uses += 1;
            let now = inner.uses;
            let Some(entry) = inner.entries.get_mut(&staging.name) else { return };
            if !Arc::ptr_eq(&entry.staging, staging) {
                return;
            }
            if let Some(before) = entry.used.replace(now) {
                inner.by_use.remove(&before);
            }
            inner.by_use.insert(now, staging.name.clone());
            while inner.by_use.len() > self.open_files {
                let Some(entry) = inner.by_use.pop_first().and_then(|(_, name)| inner.entries.get_mut(&name))
                else {
                    break;
                };
                entry.used = None;
                oldest.push(Arc::clone(&entry.staging));
            }
        }
        // Outside the lock: naming a file may take a while.
        for staging in oldest {
            if !staging.close(layout) {
                self.still_open(&staging);
            }
        }
    }

    /// A file that could not be closed counts as used now; the next use tries the others first.
    fn still_open(&self, staging: &Arc<Staging>) {
        let inner = &mut *lock(&self.inner);
        inner.uses += 1;
        if let Some(entry) = inner.entries.get_mut(&staging.name).filter(|e| e.used.is_none()) {
            entry.used = Some(inner.uses);
            inner.by_use.insert(inner.uses, staging.name.clone());
        }
    }

    /// Forgets an entry, if it is still this one.
    pub(super) fn remove(&self, staging: &Arc<Staging>) {
        let inner = &mut *lock(&self.inner);
        if inner.entries.get(&staging.name).is_some_and(|entry| Arc::ptr_eq(&entry.staging, staging))
            && let Some(used) = inner.entries.remove(&staging.name).and_then(|entry| entry.used)
        {
            inner.by_use.remove(&used);
        }
    }

    /// Remembers that a sync of the object failed.
    pub(super) fn fail(&self, name: &StagingName, error: &StoreError) {
        let why = (error.kind, format!("an earlier sync failed, which is final: {error}"));
        lock(&self.inner).failed.entry(name.clone()).or_insert(why);
    }

    /// An error if a sync of the object has failed.
    pub(super) fn check(&self, name: &StagingName) -> Result<(), StoreError> {
        let inner = lock(&self.inner);
        inner.failed.get(name).map_or(Ok(()), |(kind, why)| Err(StoreError::new(*kind, why.as_str())))
    }

    /// Forgets a failure: the object is gone.
    pub(super) fn forgive(&self, name: &StagingName) {
        lock(&self.inner).failed.remove(name);
    }

    /// The names after `after`, in order.
    pub(super) fn names(&self, after: Option<&StagingName>, limit: usize) -> Vec<StagingName> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let inner = lock(&self.inner);
        inner
            .entries
            .range::<StagingName, _>((from, Bound::Unbounded))
            .map(|(n, _)| n.clone())
            .take(limit)
            .collect()
    }
}
