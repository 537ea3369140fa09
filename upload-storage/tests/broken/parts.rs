//! Stores of parts with one defect each, over a good one.

mod defects;
mod names;

use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    Fragment, ObjectKey, StagingName,
    ports::{
        BlobStore, Part, PartRules, Parts, Session, StoreError,
        StoreErrorKind::{self, Corrupt, NotFound, Unavailable},
    },
};
use upload_storage::{conformance::block_on, memory::MemoryParts};

pub use defects::{PARTS, PartDefect};

use crate::yields;
use defects::PartDefect as D;

#[derive(Debug, Clone)]
pub struct BrokenParts {
    defect: D,
    inner: MemoryParts,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    arrived: HashMap<String, Vec<Part>>,
    sessions: HashMap<ObjectKey, Vec<Session>>,
    fragments: HashMap<StagingName, Vec<Fragment>>,
    completed: BTreeSet<ObjectKey>,
    put: BTreeSet<ObjectKey>,
    blocked: BTreeSet<ObjectKey>,
    aborting: BTreeSet<ObjectKey>,
    ended: BTreeSet<StagingName>,
    discarded: Vec<(StagingName, Fragment)>,
    buffer: Bytes,
    restarts: u32,
}

const MIN: u64 = 5000;

fn rules(min_part: u64) -> PartRules {
    let mut rules = PartRules::s3();
    rules.min_part = min_part;
    rules
}

fn fails<T>(kind: StoreErrorKind) -> Result<T, StoreError> {
    Err(StoreError::new(kind, "a defect"))
}

/// Undone unless the call comes to its end.
struct Block<'a>(&'a BrokenParts, ObjectKey, bool);

impl Drop for Block<'_> {
    fn drop(&mut self) {
        if !self.2 {
            self.0.state().blocked.insert(self.1.clone());
        }
    }
}

impl BrokenParts {
    pub fn new(defect: D) -> Self {
        let min = if defect == D::ShortPartsTaken { 0 } else { MIN };
        Self { defect, inner: MemoryParts::new(rules(min)), state: Arc::default() }
    }

    /// After a restart, with what the defect loses.
    pub fn reopened(&self) -> Self {
        let state = std::mem::take(&mut *self.state());
        block_on(async {
            match self.defect {
                D::PartsLost => {
                    for (key, session) in
                        state.sessions.iter().flat_map(|(k, of)| of.iter().map(move |s| (k, s)))
                    {
                        self.inner.abort(key, session).await.unwrap();
                    }
                }
                D::FragmentsLost => {
                    for (staging, fragments) in &state.fragments {
                        self.inner.delete_fragments(staging, fragments).await.unwrap();
                    }
                }
                D::CompletionsForgotten => {
                    for key in &state.completed {
                        self.inner.delete(key).await.unwrap();
                    }
                }
                D::DiscardedComesBack => {
                    for (staging, fragment) in &state.discarded {
                        let bytes = vec![Bytes::from_static(b"again")];
                        self.inner.put_fragment(staging, fragment, bytes).await.unwrap();
                    }
                }
                _ => {}
            }
        });
        self.state().restarts = state.restarts + 1;
        self.clone()
    }

    fn has(&self, defect: D) -> bool {
        self.defect == defect
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn session(&self, key: &ObjectKey, session: &Session) -> Session {
        match self.state().sessions.get(key).and_then(|sessions| sessions.first()) {
            Some(first) if self.has(D::SessionsMix) => first.clone(),
            _ => session.clone(),
        }
    }

    fn fragment(&self, fragment: &Fragment) -> Fragment {
        let (position, random) = fragment.as_str().split_once('-').unwrap();
        let same = match self.defect {
            D::FragmentsByStaging => format!("{}-{random}", "0".repeat(20)),
            D::FragmentsByPosition => format!("{position}-{}", "0".repeat(25)),
            _ => return fragment.clone(),
        };
        let same =
            if self.has(D::FragmentsByStaging) { same[..21].to_owned() + &"0".repeat(25) } else { same };
        Fragment::parse(&same).unwrap()
    }

    fn pieces(&self, mut pieces: Vec<Bytes>) -> Vec<Bytes> {
        if self.has(D::OnePiece) {
            pieces.truncate(1);
        }
        pieces
    }

    fn blocks(&self, key: &ObjectKey) -> Block<'_> {
        Block(self, key.clone(), false)
    }
}

#[async_trait]
impl Parts for BrokenParts {
    fn rules(&self) -> PartRules {
        let mut rules = rules(MIN);
        match self.defect {
            D::RulesImpossible => rules.max_part = MIN - 1,
            D::RulesChange => rules.max_parts += self.state().restarts,
            _ => {}
        }
        rules
    }

    async fn open(&self, key: &ObjectKey) -> Result<Session, StoreError> {
        if self.state().blocked.contains(key) {
            return fails(Unavailable);
        }
        if self.has(D::DroppedOpenBlocks) {
            let mut block = self.blocks(key);
            yields().await;
            block.2 = true;
        }
        let session = self.inner.open(key).await?;
        self.state().sessions.entry(key.clone()).or_default().push(session.clone());
        Ok(session)
    }

    async fn put_part(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        bytes: Vec<Bytes>,
    ) -> Result<Part, StoreError> {
        let mut bytes = self.pieces(bytes);
        if self.has(D::LastByteWrong) {
            let mut wrong = bytes.concat();
            wrong.last_mut().into_iter().for_each(|last| *last ^= 1);
            bytes = vec![wrong.into()];
        }
        let length = bytes.iter().map(|piece| piece.len() as u64).sum();
        let stored = match self.defect {
            D::AnyNumber => number.clamp(1, 10_000),
            _ => number,
        };
        if self.has(D::DroppedPartBlocks) {
            let mut block = self.blocks(key);
            yields().await;
            block.2 = true;
        }
        if self.has(D::LatePartReplaces) && self.state().completed.contains(key) {
            self.inner.put_object(key, bytes).await?;
            return Ok(Part::new(number, length, "late"));
        }
        let part = self.inner.put_part(key, &self.session(key, session), stored, bytes).await?;
        let part = Part::new(number, length, part.tag);
        self.state().arrived.entry(session.to_string()).or_default().push(part.clone());
        Ok(part)
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
        let range = if self.has(D::CopiesFromTheStart) { 0..range.end - range.start } else { range };
        if self.has(D::CopiesNothing) && self.inner.length(from).await?.is_none() {
            return self.put_part(key, session, number, Vec::new()).await;
        }
        let part = self.inner.copy_part(key, &self.session(key, session), number, from, range).await?;
        self.state().arrived.entry(session.to_string()).or_default().push(part.clone());
        Ok(part)
    }

    async fn list_parts(&self, key: &ObjectKey, session: &Session) -> Result<Vec<Part>, StoreError> {
        let mut parts = self.inner.list_parts(key, &self.session(key, session)).await?;
        match self.defect {
            D::ListsThousand => parts.truncate(1000),
            D::TagsChange => parts.iter_mut().for_each(|part| part.tag.push('"')),
            _ => {}
        }
        Ok(parts)
    }

    async fn complete(&self, key: &ObjectKey, session: &Session, parts: &[Part]) -> Result<(), StoreError> {
        let session = &self.session(key, session);
        let mut listed = parts.to_vec();
        let stored = self.inner.list_parts(key, session).await.unwrap_or_default();
        let done = self.inner.length(key).await?.is_some();
        match self.defect {
            _ if self.state().blocked.contains(key) => return fails(Unavailable),
            D::ArrivalOrder if !stored.is_empty() => {
                // Joined as they came.
                let arrived = self.state().arrived.get(session.as_str()).cloned().unwrap_or_default();
                if !arrived.is_sorted_by_key(|part| part.number) {
                    return self.inner.put_object(key, vec![Bytes::from_static(b"in another order")]).await;
                }
            }
            D::RenumbersParts => {
                (1..).zip(&mut listed).for_each(|(number, part)| part.number = number);
            }
            D::CompletesWhatIsStored if !stored.is_empty() => listed = stored,
            D::SortsTheList => listed.sort_by_key(|part| part.number),
            D::LastPartTooShort if listed.iter().any(|part| part.length < 2) => return fails(Corrupt),
            D::CompletesOnce if done => return fails(NotFound),
            D::OneCompletionAtATime => {
                if !self.state().aborting.insert(key.clone()) {
                    return fails(Unavailable);
                }
                yields().await;
                self.state().aborting.remove(key);
            }
            D::CompletedIsFine if done => return Ok(()),
            D::TagsIgnored => {
                for part in &mut listed {
                    if let Some(found) = stored.iter().find(|found| found.number == part.number) {
                        *part = found.clone();
                    }
                }
            }
            D::MissingSkipped if !done => {
                listed.retain(|part| stored.iter().any(|s| s.number == part.number))
            }
            D::NoPartsAreFine if listed.is_empty() => return self.inner.put_object(key, Vec::new()).await,
            D::NothingIsUnavailable if stored.is_empty() && !done => return fails(Unavailable),
            D::CompletionTakesFragments => {
                let fragments = self.state().fragments.remove(&StagingName::of(key)).unwrap_or_default();
                self.inner.delete_fragments(&StagingName::of(key), &fragments).await?;
            }
            D::CompletesInTwoSteps if !done => {
                self.inner.put_object(key, vec![Bytes::from_static(b"half")]).await?;
                yields().await;
            }
            _ => {}
        }
        self.inner.complete(key, session, &listed).await?;
        let mut state = self.state();
        state.completed.insert(key.clone());
        state.ended.insert(StagingName::of(key));
        Ok(())
    }

    async fn abort(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError> {
        let session = &self.session(key, session);
        match self.defect {
            D::AbortTakesObject => self.inner.delete(key).await?,
            D::AbortKeepsParts => return Ok(()),
            D::AbortOfNothingFails => drop(self.inner.list_parts(key, session).await?),
            D::DroppedAbortForgets => {
                // The second call believes that the first goes on.
                if !self.state().aborting.insert(key.clone()) {
                    return Ok(());
                }
                yields().await;
            }
            _ => {}
        }
        self.inner.abort(key, session).await
    }

    async fn put_object(&self, key: &ObjectKey, bytes: Vec<Bytes>) -> Result<(), StoreError> {
        let mut bytes = Bytes::from(self.pieces(bytes).concat());
        let first = self.state().put.insert(key.clone());
        match self.defect {
            D::LargePutCut => bytes.truncate(1 << 20),
            D::EmptyPutForgotten if bytes.is_empty() => return Ok(()),
            D::FirstPutWins if !first => return Ok(()),
            D::PutsInTwoSteps => {
                self.inner.put_object(key, vec![bytes.slice(..bytes.len() / 2)]).await?;
                yields().await;
            }
            _ => {}
        }
        self.inner.put_object(key, vec![bytes]).await
    }

    async fn put_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        bytes: Vec<Bytes>,
    ) -> Result<(), StoreError> {
        let fragment = &self.fragment(fragment);
        let mut bytes = Bytes::from(self.pieces(bytes).concat());
        self.state().fragments.entry(staging.clone()).or_default().push(fragment.clone());
        match self.defect {
            D::ShareABuffer => {
                self.state().buffer = bytes;
                yields().await;
                bytes = self.state().buffer.clone();
            }
            D::FragmentsInTwoSteps => {
                self.inner.put_fragment(staging, fragment, vec![Bytes::from(vec![0; bytes.len()])]).await?;
                yields().await;
            }
            _ => {}
        }
        self.inner.put_fragment(staging, fragment, vec![bytes]).await
    }

    async fn read_fragment(
        &self,
        staging: &StagingName,
        fragment: &Fragment,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        let read = self.inner.read_fragment(staging, &self.fragment(fragment), range).await;
        match read {
            Err(error) if error.kind == NotFound && self.has(D::MissingFragmentIsEmpty) => Ok(Bytes::new()),
            read => read,
        }
    }

    async fn delete_fragments(
        &self,
        staging: &StagingName,
        fragments: &[Fragment],
    ) -> Result<(), StoreError> {
        let all = self.state().fragments.clone();
        match self.defect {
            D::AllFragmentsGo => return self.inner.discard(staging).await,
            D::FragmentsOfOthersGo => {
                for staging in all.keys() {
                    self.inner.delete_fragments(staging, fragments).await?;
                }
            }
            D::NoFragmentToRemoveFails => {
                for fragment in fragments {
                    self.inner.read_fragment(staging, fragment, 0..0).await?;
                }
            }
            _ => {}
        }
        let fragments: Vec<_> = fragments.iter().map(|fragment| self.fragment(fragment)).collect();
        self.inner.delete_fragments(staging, &fragments).await
    }
}
