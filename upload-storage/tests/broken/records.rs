//! A record store, and its defects.

mod defects;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::ports::{Deleted, Expected, Put, RecordStore, StoreError, Stored, Version};

pub use defects::{RECORDS, RecordDefect};

use crate::yields;
use defects::RecordDefect as D;

#[derive(Debug, Clone)]
pub struct BrokenRecords {
    defect: D,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    records: BTreeMap<String, Stored>,
    versions: u64,
    last: String,
    deleted: Vec<(String, Stored)>,
    late: Vec<(String, Bytes)>,
}

impl State {
    fn next(&mut self, defect: D, key: &str, value: &Bytes) -> Version {
        self.versions += 1;
        let version = match (defect, self.records.get(key)) {
            (D::VersionOfValue, _) => return Version::new(value.clone()),
            (D::VersionsPerLife, None) => 1,
            (D::VersionsPerLife, Some(stored)) => {
                u64::from_be_bytes(stored.version.as_bytes().try_into().unwrap()) + 1
            }
            _ => self.versions,
        };
        Version::new(version.to_be_bytes().to_vec())
    }

    fn set(&mut self, defect: D, key: &str, value: Bytes) -> Version {
        let version = self.next(defect, key, &value);
        self.last = key.to_owned();
        self.records.insert(key.to_owned(), Stored::new(value, version.clone()));
        version
    }
}

/// A put whose future was dropped, to be made later.
struct OnDrop<'a>(&'a BrokenRecords, Option<(String, Bytes)>);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        if self.1.is_some() && self.0.has(D::DroppedTakesOthers) {
            self.0.state().records.clear();
            return;
        }
        self.0.state().late.extend(self.1.take());
    }
}

impl BrokenRecords {
    pub fn new(defect: D) -> Self {
        Self { defect, state: Arc::default() }
    }

    /// After a restart, with what the defect loses.
    pub fn reopened(&self) -> Self {
        let mut state = self.state().clone();
        match self.defect {
            D::VersionsPerOpening => state.versions = 0,
            D::LastPutLost => drop(state.records.remove(&state.last)),
            D::DeletedComesBack => state.records.extend(std::mem::take(&mut state.deleted)),
            D::LargeLost => state.records.retain(|_, stored| stored.value.len() < 1 << 20),
            _ => {}
        }
        Self { defect: self.defect, state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn has(&self, defect: D) -> bool {
        self.defect == defect
    }

    fn key(&self, key: &str) -> String {
        match self.defect {
            D::KeyCut => key.chars().take(128).collect(),
            D::KeyFolded => key.to_ascii_lowercase(),
            _ => key.to_owned(),
        }
    }

    fn value(&self, mut value: Bytes) -> Bytes {
        match self.defect {
            D::LargeValueCut => value.truncate(65_535),
            D::ValueEndsAtNul => value.truncate(value.iter().position(|b| *b == 0).unwrap_or(value.len())),
            _ => {}
        }
        value
    }

    fn matches(&self, key: &str, prefix: &str) -> bool {
        match self.defect {
            D::ListPrefixWild => {
                key.len() >= prefix.len() && prefix.bytes().zip(key.bytes()).all(|(p, k)| p == b'_' || p == k)
            }
            D::ListPrefixLeaks => key.starts_with(prefix.rsplit_once('/').map_or(prefix, |(stem, _)| stem)),
            _ => key.starts_with(prefix),
        }
    }
}

#[async_trait]
impl RecordStore for BrokenRecords {
    fn name(&self) -> &str {
        if self.has(D::Nameless) { "" } else { "broken" }
    }

    async fn get(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        if self.has(D::GetTakesOut) {
            let taken = self.state().records.remove(key);
            yields().await;
            self.state().records.extend(taken.map(|taken| (key.to_owned(), taken)));
        }
        let mut state = self.state();
        if self.has(D::FoundAtFirst) && !state.records.contains_key(key) {
            return Ok(Some(Stored::new("", Version::new("first"))));
        }
        for (key, value) in std::mem::take(&mut state.late) {
            state.set(self.defect, &key, value);
        }
        let found = state.records.get(&self.key(key)).cloned();
        Ok(found.filter(|stored| !(self.has(D::EmptyIsNothing) && stored.value.is_empty())))
    }

    async fn put(&self, key: &str, value: Bytes, expected: Expected) -> Result<Put, StoreError> {
        let (key, value) = (self.key(key), self.value(value));
        let current = self.state().records.get(&key).cloned();
        let right = match (&expected, &current) {
            (Expected::Absent, current) => current.is_none() || self.has(D::FirstPutOverwrites),
            (Expected::Version(version), Some(current)) => {
                *version == current.version || self.has(D::PutIgnoresVersion)
            }
            _ => self.has(D::PutMakesFromVersion),
        };
        if !right {
            return Ok(match self.defect {
                D::LoserWins => Put::Won(Version::new("made up")),
                D::LostHidesCurrent => Put::Lost(None),
                _ => Put::Lost(current),
            });
        }
        match self.defect {
            D::ChecksThenActs => yields().await,
            D::PutInTwoSteps => {
                self.state().set(self.defect, &key, value.slice(..value.len() / 2));
                yields().await;
            }
            D::PutWritesAll => {
                let all = self.state().records.clone();
                yields().await;
                self.state().records = all;
            }
            D::LatePut | D::DroppedTakesOthers => {
                let mut dropped = OnDrop(self, Some((key.clone(), value.clone())));
                yields().await;
                dropped.1 = None;
            }
            _ => {}
        }
        let version = self.state().set(self.defect, &key, value);
        Ok(Put::Won(if self.has(D::WonVersionIsOld) { Version::new("old") } else { version }))
    }

    async fn delete(&self, key: &str, expected: &Version) -> Result<Deleted, StoreError> {
        let key = self.key(key);
        let current = self.state().records.get(&key).cloned();
        match current {
            Some(current) if self.has(D::DeleteDoesNothing) && current.version == *expected => {
                return Ok(Deleted::Done);
            }
            None if self.has(D::DeleteOfNothingFails) => {
                return Err(StoreError::not_found("nothing to delete"));
            }
            Some(current) if current.version != *expected && !self.has(D::DeleteIgnoresVersion) => {
                return Ok(Deleted::Lost(current));
            }
            _ => {}
        }
        if self.has(D::DeleteChecksThenActs) {
            yields().await;
        }
        let mut state = self.state();
        if self.has(D::DeleteTakesPrefix) {
            state.records.retain(|other, _| !other.starts_with(&key));
        }
        if let Some(stored) = state.records.remove(&key) {
            state.deleted.push((key, stored));
        }
        Ok(Deleted::Done)
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, StoreError> {
        if self.has(D::ListByIndex) {
            let mut found = Vec::new();
            for index in 0.. {
                let next = self.state().records.iter().nth(index).map(|(k, s)| (k.clone(), s.clone()));
                let Some(next) = next else { break };
                found.push(next);
                yields().await;
            }
            found
                .retain(|(key, _)| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
            found.truncate(limit);
            return Ok(found);
        }
        let state = self.state();
        let behind = |key: &str| match after {
            Some(after) if self.has(D::ListAfterInclusive) => key >= after,
            Some(after) => key > after,
            None => true,
        };
        let found = state.records.iter().filter(|(key, _)| self.matches(key, prefix));
        let cut = if self.has(D::ListCut) { 100 } else { usize::MAX };
        let found = found.take(cut).filter(|(key, _)| behind(key));
        let limit = if self.has(D::ListIgnoresLimit) { usize::MAX } else { limit };
        let mut found: Vec<_> = found.take(limit).map(|(k, s)| (k.clone(), s.clone())).collect();
        match self.defect {
            D::ListUnordered => found.reverse(),
            D::ListAfterMustExist => {
                found.retain(|_| after.is_none_or(|key| state.records.contains_key(key)))
            }
            _ => {}
        }
        Ok(found)
    }
}
