//! Bytes that go to the store by requests that it has signed: what counts is what no such request can change any more.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use upload_checksum::{Algorithm, Digest, Hasher};
use upload_core::{
    Access, Ask, Error, ErrorKind, Grant, Outcome, Result, SignedRequest, Stage, UploadId, Verb,
    lifecycle::Begin,
    ports::{Binding, Session, StoreError},
    record::Addressing,
};
use upload_engine::{Engine, Written};
use upload_storage::{Counted, Operation, memory::MemoryParts};

use crate::{
    stops::show,
    support::{
        Chaos, Course, Sim, World, block_on,
        check::{clean, look, sound},
        content, polls,
        signed::{LIFETIME, ask, kind, md5, part, put, token, whole},
        store::{Blobs, MIN_PART, rules},
        world::{HOUR, somebody},
    },
};

/// As S3: MD5s are checked, nothing is replaced, parts have sessions.
fn strict() -> Binding {
    let mut binding = Binding::nothing();
    binding.digests = &[Algorithm::Md5];
    (binding.keeps_put, binding.keeps_parts) = (true, true);
    binding
}

/// As Azure: nothing is checked, only a whole blob is kept, and there are no sessions.
fn lax() -> Binding {
    let mut binding = Binding::nothing();
    (binding.keeps_put, binding.sessions) = (true, false);
    binding
}

fn world(binding: Binding) -> World {
    let mut world = World::new(1);
    world.blobs = Blobs::Parts(MemoryParts::new(rules()).with_signing(binding));
    world.with_processes()
}

/// Who sends straight to the store.
struct Sender<'a> {
    world: &'a World,
    whole: Bytes,
    /// Bytes of a part; none: one body.
    size: Option<usize>,
    expected: Vec<Digest>,
}

impl<'a> Sender<'a> {
    fn of(world: &'a World, seed: u64, len: usize) -> Self {
        let whole = content(seed, len);
        Self { world, expected: vec![md5(&whole)], whole, size: None }
    }

    fn in_parts(world: &'a World, seed: u64, len: usize, size: usize) -> Self {
        Self { size: Some(size), expected: Vec::new(), ..Self::of(world, seed, len) }
    }

    fn begin(&self) -> Begin {
        let mut begin = Begin::new("files", Addressing::Slots, Some(self.whole.len() as u64));
        (begin.by_grant, begin.whole, begin.holder_commits) =
            (true, self.size.is_none(), self.size.is_some());
        begin.expected.clone_from(&self.expected);
        begin
    }

    fn begun(&self, engine: &Engine) -> UploadId {
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

    fn send(
        &self,
        request: &SignedRequest,
        body: &Bytes,
    ) -> std::result::Result<Option<Session>, StoreError> {
        self.memory().send(request, body.clone())
    }

    /// All that a holder of signed requests does; only the session is asked of it again.
    async fn sends(&self, engine: &Engine, id: &UploadId) -> Result<Sent> {
        let who = somebody("acme");
        let signed = async |ask: Ask| match engine.grant(&who, id, ask).await? {
            Grant::Signed(request) => Ok::<_, Error>(Some(request)),
            Grant::Unneeded => Ok(None),
            other => panic!("{other:?}"),
        };
        let Some(size) = self.size else {
            let put = signed(whole(&self.whole)).await?.expect("a request");
            // Sent before, it may be: then it is there.
            drop(self.send(&put, &self.whole));
            return Ok(Sent { requests: vec![(put, self.whole.clone())] });
        };
        let begin = signed(ask(Access::BeginParts)).await?;
        let session = begin.and_then(|request| self.send(&request, &Bytes::new()).unwrap());
        let mut requests = Vec::new();
        for (n, chunk) in self.whole.chunks(size).enumerate() {
            let mut ask = part(n as u32 + 1, chunk);
            ask.session.clone_from(&session);
            let request = signed(ask).await?.expect("a request");
            self.send(&request, &self.whole.slice_ref(chunk)).unwrap();
            requests.push((request, self.whole.slice_ref(chunk)));
        }
        let mut ask = ask(Access::CommitParts);
        ask.session = session;
        let commit = signed(ask).await?.expect("a request");
        let list = commit
            .body
            .clone()
            .unwrap_or_else(|| (1..=requests.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(" "));
        self.send(&commit, &list.clone().into()).unwrap();
        requests.push((commit, list.into()));
        Ok(Sent { requests })
    }

    fn read(&self, engine: &Engine, outcome: &Outcome) -> Bytes {
        let reading = block_on(engine.read(Some(&somebody("acme")), &outcome.id)).unwrap();
        block_on(reading.range(0..outcome.length)).unwrap()
    }
}

/// What was signed and with which bodies it was sent.
struct Sent {
    requests: Vec<(SignedRequest, Bytes)>,
}

fn finish(engine: &Engine, id: &UploadId) -> Result<Outcome> {
    block_on(engine.finish(&somebody("acme"), id))
}

/// Days later, after sweeps and janitors, only what is complete is left.
fn days_pass(world: &World) {
    let engine = world.engine();
    for hours in [2, 26, 26] {
        world.advance(hours * HOUR);
        assert_eq!(block_on(engine.sweep()).failed, 0);
        assert_eq!(block_on(engine.janitor()).failed, 0);
        clean(world);
    }
}

#[test]
fn what_was_sent_by_signed_requests_is_the_upload() {
    for (binding, size) in [(strict(), None), (lax(), None), (strict(), Some(900)), (lax(), Some(900))] {
        let world = world(binding);
        let engine = world.engine();
        let mut sender = Sender::of(&world, 1, 4000);
        sender.size = size;
        let id = sender.begun(&engine);
        assert_eq!(kind(finish(&engine, &id)), Some(ErrorKind::NotReady), "nothing is there");
        block_on(sender.sends(&engine, &id)).unwrap();
        let outcome = finish(&engine, &id).unwrap();
        assert_eq!(outcome.length, 4000);
        assert_eq!(outcome.digests.get(Algorithm::Md5), Some(&md5(&sender.whole)));
        assert_eq!(sender.read(&engine, &outcome), sender.whole);
        assert_eq!(finish(&world.engine(), &id).unwrap(), outcome, "again, elsewhere");
        assert_eq!(world.heard.outcomes(), [outcome]);
        days_pass(&world);
    }
}

/// A digest that the store holds the sender to is not computed once more; another one is, of what is stored.
#[test]
fn only_what_the_store_has_not_checked_is_read_back() {
    let of = |algorithm, bytes: &[u8]| {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    };
    for (binding, algorithm, read) in
        [(strict(), Algorithm::Md5, 0), (strict(), Algorithm::Sha256, 4000), (lax(), Algorithm::Md5, 4000)]
    {
        let world = world(binding);
        let blobs = Counted::new(Arc::new(world.blobs.clone()));
        let engine = world.over(Arc::new(blobs.clone()), Arc::new(world.records.clone()));
        let mut sender = Sender::of(&world, 1, 4000);
        sender.expected = vec![of(algorithm, &sender.whole)];
        let id = sender.begun(&engine);
        block_on(sender.sends(&engine, &id)).unwrap();
        let outcome = finish(&engine, &id).unwrap();
        assert_eq!(outcome.digests.get(algorithm), Some(&sender.expected[0]));
        // And the first bytes, by which the type is known.
        let head = <dyn upload_core::ports::Sniffer>::HEAD.min(4000) as u64;
        assert_eq!(blobs.counts().bytes(Operation::Read), read + head, "{algorithm:?}");
    }
}

/// Bytes with another digest than announced never become visible, whoever finds it out.
#[test]
fn other_bytes_than_announced_are_refused_or_fail() {
    let world_strict = world(strict());
    let sender = Sender::of(&world_strict, 1, 1000);
    let engine = world_strict.engine();
    let id = sender.begun(&engine);
    // Also a grant that says nothing of it is bound to it.
    let Grant::Signed(request) = block_on(engine.grant(&somebody("acme"), &id, ask(Access::Put))).unwrap()
    else {
        panic!("no request");
    };
    assert!(sender.send(&request, &content(2, 1000)).is_err());
    assert!(sender.send(&request, &content(1, 999)).is_err());
    assert_eq!(kind(finish(&engine, &id)), Some(ErrorKind::NotReady));

    let world_lax = world(lax());
    let sender = Sender::of(&world_lax, 1, 1000);
    let engine = world_lax.engine();
    let id = sender.begun(&engine);
    let Grant::Signed(request) =
        block_on(engine.grant(&somebody("acme"), &id, whole(&sender.whole))).unwrap()
    else {
        panic!("no request");
    };
    sender.send(&request, &content(2, 1000)).unwrap();
    assert_eq!(kind(finish(&engine, &id)), Some(ErrorKind::DigestMismatch));
    assert_eq!(kind(block_on(engine.read(Some(&somebody("acme")), &id))), Some(ErrorKind::NotFound));
    days_pass(&world_lax);
}

/// A list of parts that leaves one out makes a shorter object: it never counts.
#[test]
fn an_object_of_another_length_fails_the_upload() {
    for binding in [strict(), lax()] {
        let world = world(binding);
        let engine = world.engine();
        let sender = Sender::in_parts(&world, 1, 2700, 900);
        let id = sender.begun(&engine);
        // Signed when all three were there, sent with two.
        let sent = block_on(sender.sends(&engine, &id));
        drop(sent);
        let outcome = finish(&engine, &id).unwrap();
        assert_eq!(outcome.length, 2700);
        let id = sender.begun(&engine);
        let who = somebody("acme");
        let signed = |ask: Ask| match block_on(engine.grant(&who, &id, ask)).unwrap() {
            Grant::Signed(request) => Some(request),
            _ => None,
        };
        let session = signed(ask(Access::BeginParts)).and_then(|r| sender.send(&r, &Bytes::new()).unwrap());
        for (n, chunk) in sender.whole.chunks(900).enumerate() {
            let mut ask = part(n as u32 + 1, chunk);
            ask.session.clone_from(&session);
            sender.send(&signed(ask).unwrap(), &sender.whole.slice_ref(chunk)).unwrap();
        }
        let mut asked = ask(Access::CommitParts);
        asked.session.clone_from(&session);
        let commit = signed(asked).unwrap();
        sender.send(&commit, &Bytes::from_static(b"1 3")).unwrap();
        assert_eq!(kind(finish(&engine, &id)), Some(ErrorKind::DigestMismatch));
        assert_eq!(kind(finish(&engine, &id)), Some(ErrorKind::Gone));
        days_pass(&world);
    }
}

/// A signed request outlives the completion.
#[test]
fn nothing_that_was_signed_changes_what_is_complete() {
    for (binding, size) in [(strict(), None), (lax(), None), (strict(), Some(900)), (lax(), Some(900))] {
        let world = world(binding);
        let engine = world.engine();
        let mut sender = Sender::of(&world, 1, 2700);
        sender.size = size;
        let id = sender.begun(&engine);
        let sent = block_on(sender.sends(&engine, &id)).unwrap();
        let outcome = finish(&engine, &id).unwrap();
        for _ in 0..2 {
            for (request, body) in &sent.requests {
                let evil = if request.verb == Verb::Put { content(9, body.len()) } else { body.clone() };
                drop(sender.send(request, &evil));
            }
            assert_eq!(sender.read(&engine, &outcome), sender.whole);
            days_pass(&world);
            assert_eq!(sender.read(&engine, &outcome), sender.whole);
        }
    }
}

/// What is verified is not what can still be changed: another body that comes in between does not count.
#[test]
fn what_is_sent_between_two_steps_of_finishing_does_not_count() {
    for k in 0..40 {
        let world = world(lax());
        let sender = Sender::in_parts(&world, 1, 2700, 900);
        let id = sender.begun(&world.engine());
        let sent = block_on(sender.sends(&world.engine(), &id)).unwrap();
        let chaos = Chaos::new(Course::quiet().stop(k, true));
        let ended = polls(world.troubled(&chaos).finish(&somebody("acme"), &id), usize::MAX);
        let before = look(&world).heads[&id].phase.outcome().cloned();
        for (request, body) in &sent.requests {
            let evil = if request.verb == Verb::Put { content(9, body.len()) } else { body.clone() };
            drop(sender.send(request, &evil));
        }
        let engine = world.engine();
        let outcome = finish(&engine, &id).unwrap();
        let read = sender.read(&engine, &outcome);
        // One or the other, as a whole; and what was fixed stays.
        assert!(read == sender.whole || before.is_none(), "after {k} calls");
        assert!(before.is_none_or(|before| before == outcome));
        sound(&world);
        days_pass(&world);
        assert_eq!(sender.read(&engine, &outcome), read);
        if ended.is_some() {
            return;
        }
    }
    panic!("it never ends");
}

#[test]
fn a_stop_after_every_effect_of_finishing_is_made_good() {
    for (binding, size) in [(strict(), None), (strict(), Some(900)), (lax(), Some(900))] {
        for answered in [true, false] {
            for k in 0.. {
                let world = world(binding);
                let mut sender = Sender::of(&world, k, 2700);
                sender.size = size;
                let id = sender.begun(&world.engine());
                block_on(sender.sends(&world.engine(), &id)).unwrap();
                let chaos = Chaos::new(Course::quiet().stop(k, answered));
                let ended = polls(world.troubled(&chaos).finish(&somebody("acme"), &id), usize::MAX);
                show(&format!("stopped after {k} ({answered})"), &chaos, || {
                    sound(&world);
                    let outcome = finish(&world.engine(), &id).unwrap();
                    assert_eq!(sender.read(&world.engine(), &outcome), sender.whole);
                    days_pass(&world);
                    assert_eq!(sender.read(&world.engine(), &outcome), sender.whole);
                });
                if ended.is_some() {
                    assert!(k > 2);
                    break;
                }
            }
        }
    }
}

/// Two processes finish at once, with all their calls in any order and some of them failing.
#[test]
fn two_processes_that_finish_at_once_agree() {
    for seed in 0..150 {
        let world = world(lax());
        let sender = Sender::in_parts(&world, seed, 2700, 900);
        let id = sender.begun(&world.engine());
        block_on(sender.sends(&world.engine(), &id)).unwrap();
        let chaos = Chaos::new(Course::slow(seed, 4).failing(if seed % 2 == 0 { 100 } else { 0 }));
        let (a, b) = (world.troubled(&chaos), world.troubled(&chaos));
        let mut sim = Sim::new(seed);
        for engine in [&a, &b] {
            sim.spawn("finisher", async {
                for _ in 0..50 {
                    if engine.finish(&somebody("acme"), &id).await.is_ok() {
                        return;
                    }
                }
            });
        }
        assert!(sim.run().is_empty());
        drop(sim);
        chaos.heal();
        let outcome = finish(&world.engine(), &id).unwrap();
        assert_eq!(sender.read(&world.engine(), &outcome), sender.whole);
        days_pass(&world);
    }
}

/// Nobody tells that a whole body has arrived: whoever asks finds it, and else the sweep when its time is over.
#[test]
fn a_body_that_nobody_tells_of_is_found() {
    let world = world(strict());
    let engine = world.engine();
    let (asked, swept, never) =
        (Sender::of(&world, 1, 900), Sender::of(&world, 2, 900), Sender::of(&world, 3, 900));
    let ids = [&asked, &swept, &never].map(|sender| sender.begun(&engine));
    let who = somebody("acme");
    assert!(matches!(block_on(engine.inspect(&who, &ids[0])).unwrap().stage, Stage::Receiving));
    for (sender, id) in [(&asked, &ids[0]), (&swept, &ids[1])] {
        block_on(sender.sends(&engine, id)).unwrap();
    }
    assert!(matches!(block_on(engine.inspect(&who, &ids[0])).unwrap().stage, Stage::Completed(_)));
    // The janitor leaves alone what waits.
    world.advance(10 * HOUR);
    block_on(engine.janitor());
    assert_eq!(block_on(engine.janitor()).removed, 0);
    world.advance(15 * HOUR);
    let done = block_on(engine.sweep());
    assert_eq!((done.finished, done.expired, done.failed), (1, 1, 0));
    let Stage::Completed(outcome) = block_on(engine.inspect(&who, &ids[1])).unwrap().stage else {
        panic!("it was there");
    };
    assert_eq!(swept.read(&engine, &outcome), swept.whole);
    assert!(matches!(block_on(engine.inspect(&who, &ids[2])).unwrap().stage, Stage::Expired));
    days_pass(&world);
}

/// A request that was signed before the upload was given up still makes an object: nobody sees it, and it goes.
#[test]
fn what_comes_after_a_cancel_goes() {
    for (binding, size) in [(strict(), None), (strict(), Some(900)), (lax(), Some(900))] {
        let world = world(binding);
        let engine = world.engine();
        let mut sender = Sender::of(&world, 1, 2700);
        sender.size = size;
        let id = sender.begun(&engine);
        let sent = block_on(sender.sends(&engine, &id)).unwrap();
        block_on(engine.cancel(&somebody("acme"), &id)).unwrap();
        clean(&world);
        for (request, body) in &sent.requests {
            drop(sender.send(request, body));
        }
        assert_eq!(kind(finish(&engine, &id)), Some(ErrorKind::Gone));
        days_pass(&world);
        assert!(look(&world).objects.is_empty());
    }
}

/// Of a complete upload there is nothing more to send: the same content is compared and dropped.
#[test]
fn a_grant_of_a_complete_upload_only_compares() {
    let world = world(strict());
    let engine = world.engine();
    let sender = Sender::of(&world, 1, 1000);
    let id = sender.begun(&engine);
    block_on(sender.sends(&engine, &id)).unwrap();
    let outcome = finish(&engine, &id).unwrap();
    let who = somebody("acme");
    let sealed = block_on(token(&engine, &who, &id, whole(&sender.whole))).unwrap();
    assert!(
        matches!(block_on(put(&engine, &sealed, &sender.whole)).unwrap(), Written::Completed(o) if *o == outcome)
    );
    let other = content(2, 1000);
    assert_eq!(kind(block_on(put(&engine, &sealed, &other))), Some(ErrorKind::Conflict));
    assert_eq!(kind(block_on(engine.grant(&who, &id, ask(Access::Part(1))))), Some(ErrorKind::Conflict));
    let mut asked = ask(Access::Read);
    asked.file_name = Some("a name".into());
    let Grant::Signed(read) = block_on(engine.grant(&who, &id, asked)).unwrap() else { panic!("no request") };
    assert_eq!(read.verb, Verb::Get);
    assert!(read.url.contains(outcome.key.as_str()), "{}", read.url);
    assert_eq!(
        kind(block_on(engine.grant(&somebody("other"), &id, ask(Access::Read)))),
        Some(ErrorKind::NotFound)
    );
}

#[test]
fn what_can_never_be_is_not_granted() {
    let mut binding = strict();
    binding.max_put = 5000;
    let world = world(binding);
    let engine = world.engine();
    let who = somebody("acme");
    let refused = |id: &UploadId, asked: Ask| kind(block_on(engine.grant(&who, id, asked)));
    let id = Sender::of(&world, 1, 1000).begun(&engine);
    for access in [Access::BeginParts, Access::Part(1), Access::CommitParts, Access::AbortParts] {
        assert_eq!(refused(&id, ask(access)), Some(ErrorKind::Misplaced), "{access:?}");
    }
    assert_eq!(refused(&id, ask(Access::Read)), Some(ErrorKind::NotFound));
    let sender = Sender::in_parts(&world, 1, 2700, 900);
    let id = sender.begun(&engine);
    assert_eq!(refused(&id, ask(Access::Put)), Some(ErrorKind::Misplaced));
    assert_eq!(refused(&id, ask(Access::Part(0))), Some(ErrorKind::Invalid));
    let mut asked = ask(Access::CommitParts);
    asked.session = Some(Session::new("nobody's"));
    assert_eq!(refused(&id, asked.clone()), Some(ErrorKind::NotReady), "no such session");
    let Grant::Signed(begin) = block_on(engine.grant(&who, &id, ask(Access::BeginParts))).unwrap() else {
        panic!("no request");
    };
    asked.session = sender.send(&begin, &Bytes::new()).unwrap();
    let error = block_on(engine.grant(&who, &id, asked.clone())).unwrap_err();
    assert_eq!(
        (error.kind, error.facts.got, error.facts.expected),
        (ErrorKind::NotReady, Some(0), Some(2700))
    );
    asked.session = Some(Session::new("x".repeat(1025)));
    assert_eq!(refused(&id, asked), Some(ErrorKind::TooLarge));
    // More than one request of the store's can bring.
    let long = Sender::of(&world, 1, 5001).begin();
    assert_eq!(kind(block_on(engine.begin(&who, long))), Some(ErrorKind::TooLarge));
    let mut few = rules();
    (few.max_parts, few.max_part) = (3, 1000);
    let mut small = World::new(1);
    small.blobs = Blobs::Parts(MemoryParts::new(few).with_signing(strict()));
    let long = Sender::in_parts(&small, 1, 3001, MIN_PART as usize).begin();
    assert_eq!(kind(block_on(small.engine().begin(&who, long))), Some(ErrorKind::TooLarge));
}

/// No request is good for longer than its upload.
#[test]
fn a_request_ends_with_its_upload() {
    let world = world(strict());
    let engine = world.engine();
    let id = Sender::of(&world, 1, 1000).begun(&engine);
    let who = somebody("acme");
    world.advance(24 * HOUR - Duration::from_secs(60));
    assert!(block_on(engine.grant(&who, &id, ask(Access::Put))).is_ok());
    assert!(LIFETIME > Duration::from_secs(60));
    world.advance(Duration::from_secs(60));
    assert_eq!(kind(block_on(engine.grant(&who, &id, ask(Access::Put)))), Some(ErrorKind::Gone));
}
