use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Bound, Range},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    Fragment, Hour, ObjectKey, StagingName,
    ports::{
        Binding, BlobStore, Capabilities, Listed, Part, PartRules, Parts, Session, Signer, StoreError,
        StoreErrorKind,
    },
};

use super::page::Page;
use crate::shared::{lock, range_len, same_object};

/// A [`BlobStore`] in memory that keeps unfinished uploads as [`Parts`], by a provider's rules and as strictly as that: a part
/// sent again replaces the first, parts cannot be read, and what is listed at the completion must be what is stored.
///
/// Clones share their contents, so a clone stands for the same store opened again, or by another process.
#[derive(Debug, Clone)]
pub struct MemoryParts {
    pub(super) inner: Arc<Mutex<State>>,
    pub(super) rules: PartRules,
    /// What signed requests are held to, where there are such.
    pub(super) binding: Option<Binding>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) objects: BTreeMap<ObjectKey, Bytes>,
    fragments: BTreeMap<StagingName, BTreeMap<Fragment, Bytes>>,
    pub(super) sessions: BTreeMap<(ObjectKey, String), BTreeMap<u64, Stored>>,
    /// Makes sessions and tags that never repeat.
    made: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) bytes: Bytes,
    pub(super) tag: String,
}

impl State {
    pub(super) fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// A new session of the object.
    pub(super) fn open(&mut self, key: &ObjectKey) -> Session {
        let name = format!("session-{}", self.next());
        self.sessions.insert((key.clone(), name.clone()), BTreeMap::new());
        Session::new(name)
    }

    /// What is stored in a session, by number.
    pub(super) fn listed(&self, key: &ObjectKey, session: &Session) -> Result<Vec<Part>, StoreError> {
        let parts = self
            .sessions
            .get(&(key.clone(), session.as_str().to_owned()))
            .ok_or_else(|| no_session(key, session))?;
        Ok(parts.iter().map(|(n, part)| Part::new(*n, part.bytes.len() as u64, part.tag.clone())).collect())
    }

    pub(super) fn put_part(
        &mut self,
        rules: &PartRules,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        bytes: Bytes,
    ) -> Result<Part, StoreError> {
        let length = bytes.len() as u64;
        if length > rules.max_part || (rules.numbered && !(1..=u64::from(rules.max_parts)).contains(&number))
        {
            return Err(StoreError::new(
                StoreErrorKind::Unsupported,
                format!("{key}: part {number} of {length} bytes"),
            ));
        }
        let tag = format!("tag-{}", self.next());
        let parts = self
            .sessions
            .get_mut(&(key.clone(), session.as_str().to_owned()))
            .ok_or_else(|| no_session(key, session))?;
        parts.insert(number, Stored { bytes, tag: tag.clone() });
        Ok(Part::new(number, length, tag))
    }

    pub(super) fn complete(
        &mut self,
        rules: &PartRules,
        key: &ObjectKey,
        session: &Session,
        parts: &[Part],
    ) -> Result<(), StoreError> {
        let length: u64 = parts.iter().map(|part| part.length).sum();
        let named = (key.clone(), session.as_str().to_owned());
        let Some(stored) = self.sessions.get(&named) else {
            let object = self.objects.get(key).ok_or_else(|| no_session(key, session))?;
            return same_object(key, object.len() as u64, length);
        };
        let mut whole = Vec::new();
        for (n, part) in parts.iter().enumerate() {
            let found = stored.get(&part.number).filter(|found| found.tag == part.tag);
            let found = found.ok_or_else(|| not_so(key, format!("part {} is another one", part.number)))?;
            let last = n + 1 == parts.len();
            if !last && part.length < rules.min_part {
                return Err(not_so(key, format!("part {} has {} bytes", part.number, part.length)));
            }
            let first = parts.first().map_or(0, |first| first.length);
            if rules.equal && (part.length > first || (!last && part.length != first)) {
                return Err(not_so(key, format!("part {} has another size than the first", part.number)));
            }
            whole.extend_from_slice(&found.bytes);
        }
        if rules.numbered && !parts.is_sorted_by(|a, b| a.number < b.number) {
            return Err(not_so(key, "the parts are not in the order of their numbers"));
        }
        if parts.is_empty() || parts.len() > rules.max_parts as usize || whole.len() as u64 != length {
            return Err(not_so(key, format!("{} parts of {length} bytes", parts.len())));
        }
        self.sessions.remove(&named);
        self.objects.insert(key.clone(), whole.into());
        Ok(())
    }
}

impl MemoryParts {
    /// An empty store with these rules.
    pub fn new(rules: PartRules) -> Self {
        Self { inner: Arc::default(), rules, binding: None }
    }

    /// The bytes of a part that is stored, in whatever session of the object; no provider shows them, tests want to see them.
    pub fn part(&self, key: &ObjectKey, part: &Part) -> Option<Bytes> {
        let state = lock(&self.inner);
        let mut of_key = state.sessions.iter().filter(|((of, _), _)| of == key);
        of_key.find_map(|(_, parts)| {
            parts.get(&part.number).filter(|found| found.tag == part.tag).map(|found| found.bytes.clone())
        })
    }

    /// How many sessions are open, and how many fragments there are.
    pub fn open_sessions_and_fragments(&self) -> (usize, usize) {
        let state = lock(&self.inner);
        (state.sessions.len(), state.fragments.values().map(BTreeMap::len).sum())
    }
}

pub(super) fn no_session(key: &ObjectKey, session: &Session) -> StoreError {
    StoreError::not_found(format!("no session {session} of {key}"))
}

pub(super) fn not_so(key: &ObjectKey, why: impl std::fmt::Display) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, format!("{key}: {why}"))
}

fn slice(what: &str, bytes: &Bytes, range: Range<u64>) -> Result<Bytes, StoreError> {
    range_len(&range, i64::MAX as u64)?;
    if range.end > bytes.len() as u64 {
        let why = format!("{what} has {} bytes; {}..{} was asked for", bytes.len(), range.start, range.end);
        return Err(StoreError::new(StoreErrorKind::Corrupt, why));
    }
    Ok(bytes.slice(range.start as usize..range.end as usize))
}

#[async_trait]
impl BlobStore for MemoryParts {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::new("memory, in parts");
        capabilities.shared = true;
        capabilities
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        let state = lock(&self.inner);
        let object =
            state.objects.get(key).ok_or_else(|| StoreError::not_found(format!("no object {key}")))?;
        slice(key.as_str(), object, range)
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        Ok(lock(&self.inner).objects.get(key).map(|object| object.len() as u64))
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        lock(&self.inner).objects.remove(key);
        Ok(())
    }

    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError> {
        let mut state = lock(&self.inner);
        state.fragments.remove(staging);
        let of = ObjectKey::of(staging);
        state.sessions.retain(|(key, _), _| *key != of);
        Ok(())
    }

    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let state = lock(&self.inner);
        let staged: BTreeSet<StagingName> = state
            .fragments
            .keys()
            .cloned()
            .chain(state.sessions.keys().map(|(key, _)| StagingName::of(key)))
            .collect();
        let page = Page::new(until, after, limit, "memory, in parts")?;
        Ok(page.of(
            |after| state.objects.range::<ObjectKey, _>((after, Bound::Unbounded)).map(|(key, _)| key),
            |after| staged.range::<StagingName, _>((after, Bound::Unbounded)),
        ))
    }

    fn parts(&self) -> Option<&dyn Parts> {
        Some(self)
    }

    fn signer(&self) -> Option<&dyn Signer> {
        self.binding.map(|_| self as &dyn Signer)
    }
}

#[async_trait]
impl Parts for MemoryParts {
    fn rules(&self) -> PartRules {
        self.rules
    }

    async fn open(&self, key: &ObjectKey) -> Result<Session, StoreError> {
        Ok(lock(&self.inner).open(key))
    }

    async fn put_part(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        bytes: Vec<Bytes>,
    ) -> Result<Part, StoreError> {
        lock(&self.inner).put_part(&self.rules, key, session, number, bytes.concat().into())
    }

    fn copies(&self) -> bool {
        true
    }

    async fn copy_part(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        from: &ObjectKey,
        range: Range<u64>,
    ) -> Result<Part, StoreError> {
        let bytes = self.read(from, range).await?;
        lock(&self.inner).put_part(&self.rules, key, session, number, bytes)
    }

    async fn list_parts(&self, key: &ObjectKey, session: &Session) -> Result<Vec<Part>, StoreError> {
        lock(&self.inner).listed(key, session)
    }

    async fn complete(&self, key: &ObjectKey, session: &Session, parts: &[Part]) -> Result<(), StoreError> {
        lock(&self.inner).complete(&self.rules, key, session, parts)
    }

    async fn abort(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError> {
        lock(&self.inner).sessions.remove(&(key.clone(), session.as_str().to_owned()));
        Ok(())
    }

    async fn put_object(&self, key: &ObjectKey, bytes: Vec<Bytes>) -> Result<(), StoreError> {
        lock(&self.inner).objects.insert(key.clone(), bytes.concat().into());
        Ok(())
    }

    async fn put_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        bytes: Vec<Bytes>,
    ) -> Result<(), StoreError> {
        let mut state = lock(&self.inner);
        state.fragments.entry(staging.clone()).or_default().insert(fragment.clone(), bytes.concat().into());
        Ok(())
    }

    async fn read_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        let state = lock(&self.inner);
        let bytes = state.fragments.get(staging).and_then(|of| of.get(fragment));
        let bytes =
            bytes.ok_or_else(|| StoreError::not_found(format!("no fragment {staging}/{fragment}")))?;
        slice(fragment.as_str(), bytes, range)
    }

    async fn delete_fragments(
        &self,
        staging: &StagingName,
        fragments: &[Fragment],
    ) -> Result<(), StoreError> {
        let mut state = lock(&self.inner);
        if let Some(of) = state.fragments.get_mut(staging) {
            fragments.iter().for_each(|fragment| drop(of.remove(fragment)));
            if of.is_empty() {
                state.fragments.remove(staging);
            }
        }
        Ok(())
    }
}
