//! Whoever sends bytes straight to a store that signs requests.

use bytes::Bytes;
use upload_checksum::{Algorithm, Digest};
use upload_core::{
    Access, Ask, Grant, Outcome, Result, SignedRequest, UploadId,
    lifecycle::Begin,
    ports::{Binding, Session, StoreError},
    record::Addressing,
};
use upload_engine::Engine;
use upload_storage::memory::MemoryParts;

use crate::support::{
    World, block_on,
    check::clean,
    content,
    signed::{ask, md5, part, whole},
    store::{Blobs, rules},
    world::{HOUR, somebody},
};

/// As S3: MD5s are checked, nothing is replaced, parts have sessions.
pub fn strict() -> Binding {
    let mut binding = Binding::nothing();
    binding.digests = &[Algorithm::Md5];
    (binding.keeps_put, binding.keeps_parts) = (true, true);
    binding
}

/// As Azure: nothing is checked, only a whole blob is kept, and there are no sessions.
pub fn lax() -> Binding {
    let mut binding = Binding::nothing();
    (binding.keeps_put, binding.sessions) = (true, false);
    binding
}

pub fn world(binding: Binding) -> World {
    let mut world = World::new(1);
    world.blobs = Blobs::Parts(MemoryParts::new(rules()).with_signing(binding));
    world.with_processes()
}

/// Who sends straight to the store.
pub struct Sender<'a> {
    world: &'a World,
    pub whole: Bytes,
    /// Bytes of a part; none: one body.
    pub size: Option<usize>,
    pub expected: Vec<Digest>,
}

impl<'a> Sender<'a> {
    pub fn of(world: &'a World, seed: u64, len: usize) -> Self {
        let whole = content(seed, len);
        Self { world, expected: vec![md5(&whole)], whole, size: None }
    }

    pub fn in_parts(world: &'a World, seed: u64, len: usize, size: usize) -> Self {
        Self { size: Some(size), expected: Vec::new(), ..Self::of(world, seed, len) }
    }

    pub fn begin(&self) -> Begin {
        let mut begin = Begin::new("files", Addressing::Slots, Some(self.whole.len() as u64));
        (begin.by_grant, begin.whole, begin.holder_commits) =
            (true, self.size.is_none(), self.size.is_some());
        begin.expected.clone_from(&self.expected);
        begin
    }

    pub fn begun(&self, engine: &Engine) -> UploadId {
        let seen = block_on(engine.begin(&somebody("acme"), self.begin())).unwrap();
        assert!(seen.direct);
        seen.id
    }

    fn memory(&self) -> &MemoryParts {
        match &self.world.blobs {
            Blobs::Parts(parts) => parts,
            other => panic!("{other:?}"),
        }
    }

    pub fn send(
        &self,
        request: &SignedRequest,
        body: &Bytes,
    ) -> std::result::Result<Option<Session>, StoreError> {
        self.memory().send(request, body.clone())
    }

    /// The store's request for this; `None` where none is needed.
    async fn signed(&self, engine: &Engine, id: &UploadId, ask: Ask) -> Result<Option<SignedRequest>> {
        match engine.grant(&somebody("acme"), id, ask).await? {
            Grant::Signed(request) => Ok(Some(request)),
            Grant::Unneeded => Ok(None),
            other => panic!("{other:?}"),
        }
    }

    /// All that a holder of signed requests does; only the session is asked of it again.
    pub async fn sends(&self, engine: &Engine, id: &UploadId) -> Result<Sent> {
        if self.size.is_none() {
            let put = self.signed(engine, id, whole(&self.whole)).await?.expect("a request");
            // Sent before, it may be: then it is there.
            drop(self.send(&put, &self.whole));
            return Ok(Sent { requests: vec![(put, self.whole.clone())] });
        }
        let (mut sent, commit) = self.sends_parts(engine, id).await?;
        let all = (1..=sent.requests.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let list: Bytes = commit.body.clone().unwrap_or(all).into();
        self.send(&commit, &list).unwrap();
        sent.requests.push((commit, list));
        Ok(sent)
    }

    /// The same up to the commit, whose request is given.
    pub async fn sends_parts(&self, engine: &Engine, id: &UploadId) -> Result<(Sent, SignedRequest)> {
        let begin = self.signed(engine, id, ask(Access::BeginParts)).await?;
        let session = begin.and_then(|request| self.send(&request, &Bytes::new()).unwrap());
        let mut requests = Vec::new();
        for (n, chunk) in self.whole.chunks(self.size.expect("an upload in parts")).enumerate() {
            let mut ask = part(n as u32 + 1, chunk);
            ask.session.clone_from(&session);
            let request = self.signed(engine, id, ask).await?.expect("a request");
            self.send(&request, &self.whole.slice_ref(chunk)).unwrap();
            requests.push((request, self.whole.slice_ref(chunk)));
        }
        let mut ask = ask(Access::CommitParts);
        ask.session = session;
        let commit = self.signed(engine, id, ask).await?.expect("a request");
        Ok((Sent { requests }, commit))
    }

    pub fn read(&self, engine: &Engine, outcome: &Outcome) -> Bytes {
        let reading = block_on(engine.read(Some(&somebody("acme")), &outcome.id)).unwrap();
        block_on(reading.range(0..outcome.length)).unwrap()
    }
}

/// What was signed and with which bodies it was sent.
pub struct Sent {
    pub requests: Vec<(SignedRequest, Bytes)>,
}

pub fn finish(engine: &Engine, id: &UploadId) -> Result<Outcome> {
    block_on(engine.finish(&somebody("acme"), id))
}

/// Days later, after sweeps and janitors, only what is complete is left.
pub fn days_pass(world: &World) {
    let engine = world.engine();
    for hours in [2, 26, 26] {
        world.advance(hours * HOUR);
        assert_eq!(block_on(engine.sweep()).failed, 0);
        assert_eq!(block_on(engine.janitor()).failed, 0);
        clean(world);
    }
}
