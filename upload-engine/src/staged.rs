//! Bytes that are staged before there is any record of them: bodies that begin and finish an upload in one request, or
//! whose place is named only after them.

use std::{
    collections::HashSet,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use upload_checksum::{Digests, Fingerprint, HasherSet};
use upload_core::{Error, Result, StagingName, ports::StoreError};

use crate::{budget::Share, content::Content, engine::Engine, live::locked, segments::Stray};

/// Staging objects without a record.
#[derive(Debug, Default)]
pub(crate) struct Strays {
    held: HashSet<StagingName>,
    /// Let go by nobody who could wait for their removal: the sweep does.
    orphans: Vec<StagingName>,
}

impl Strays {
    pub(crate) fn holds(&self, staging: &StagingName) -> bool {
        self.held.contains(staging)
    }

    pub(crate) fn take_orphans(&mut self) -> Vec<StagingName> {
        std::mem::take(&mut self.orphans)
    }
}

/// Keeps a staging object from the janitor. Held by the body that is received, by every permit of its writes, and by
/// what is received until it is settled.
#[derive(Debug)]
pub(crate) struct Hold {
    strays: Arc<Mutex<Strays>>,
    /// A head names it: should this be dropped, it is nobody's to remove.
    handed_over: AtomicBool,
    pub(crate) staging: StagingName,
}

impl Hold {
    pub(crate) fn new(engine: &Engine, staging: StagingName) -> Arc<Self> {
        locked(engine.strays()).held.insert(staging.clone());
        Arc::new(Self { strays: Arc::clone(engine.strays()), handed_over: AtomicBool::new(false), staging })
    }

    /// The staging object is gone; nothing is left to remove.
    pub(crate) fn release(&self) {
        locked(&self.strays).held.remove(&self.staging);
    }

    /// A head is about to name the staging object; until the janitor sees that, this keeps it.
    pub(crate) fn hand_over(&self) {
        self.handed_over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_handed_over(&self) -> bool {
        self.handed_over.load(Ordering::Relaxed)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut strays = locked(&self.strays);
        if strays.held.remove(&self.staging) && !self.is_handed_over() {
            strays.orphans.push(self.staging.clone());
        }
    }
}

/// Where a received body's bytes lie.
#[derive(Debug)]
pub(crate) enum Kept {
    /// In place, under its staging name.
    Staged,
    /// In memory: one segment is all there is.
    Memory(Vec<Bytes>),
    /// In parts and fragments.
    Segments(Stray),
}

/// A body that was received and is staged, but belongs to no upload yet. Settle it or discard it; one that is dropped
/// is removed by the next sweep.
#[derive(Debug)]
#[non_exhaustive]
pub struct Received {
    pub(crate) hold: Arc<Hold>,
    pub(crate) kept: Kept,
    pub(crate) length: u64,
    pub(crate) digests: Digests,
    /// What the digests were made of, and the fingerprint of all bytes.
    pub(crate) hashers: Option<HasherSet>,
    pub(crate) print: Fingerprint,
    pub(crate) content_type: Option<String>,
}

impl Received {
    /// Bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The digests that were asked for.
    pub fn digests(&self) -> &Digests {
        &self.digests
    }

    /// The type found in the content, if it was recognised.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }
}

type Reading<'a> = Pin<Box<dyn Future<Output = Result<Bytes, StoreError>> + Send + 'a>>;

/// A staged body, read again as a body.
pub(crate) struct StagedBody<'a> {
    engine: &'a Engine,
    content: Content,
    share: Share,
    position: u64,
    length: u64,
    reading: Option<Reading<'a>>,
}

impl<'a> StagedBody<'a> {
    pub(crate) fn new(engine: &'a Engine, content: Content, length: u64) -> Self {
        Self { engine, content, share: engine.budget().share(), position: 0, length, reading: None }
    }
}

impl Stream for StagedBody<'_> {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.position >= this.length {
            return Poll::Ready(None);
        }
        let (engine, from) = (this.engine, this.position);
        let to = this.length.min(from + this.share.batch() as u64);
        let content = &this.content;
        let reading = this.reading.get_or_insert_with(|| {
            let content = content.clone();
            Box::pin(async move { engine.read_content(&content, from..to).await })
        });
        match reading.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(read) => {
                this.reading = None;
                this.position = to;
                Poll::Ready(Some(read.map_err(Error::from)))
            }
        }
    }
}
