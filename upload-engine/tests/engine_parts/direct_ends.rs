//! The ends of uploads whose bytes go straight to the store: found late, given up, complete, impossible, expired.

use std::time::Duration;

use bytes::Bytes;
use upload_core::{Access, Ask, ErrorKind, Grant, Stage, UploadId, Verb, ports::Session};
use upload_engine::Written;
use upload_storage::memory::MemoryParts;

use crate::{
    sender::{Sender, days_pass, finish, lax, strict, world},
    support::{
        World, block_on,
        check::{clean, look},
        content,
        signed::{LIFETIME, ask, kind, put, token, whole},
        store::{Blobs, MIN_PART, rules},
        world::{HOUR, somebody},
    },
};

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
