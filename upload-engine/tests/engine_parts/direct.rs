//! Bytes that go to the store by requests that it has signed: what counts is what no such request can change any more.

use std::sync::Arc;

use bytes::Bytes;
use upload_checksum::{Algorithm, Digest, Hasher};
use upload_core::{Access, ErrorKind, Grant, Verb};
use upload_storage::{Counted, Operation};

use crate::{
    sender::{Sender, days_pass, finish, lax, strict, world},
    stops::show,
    support::{
        Chaos, Course, Sim, block_on,
        check::{look, sound},
        content, polls,
        signed::{ask, kind, md5, whole},
        world::somebody,
    },
};

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
        let (_, commit) = block_on(sender.sends_parts(&engine, &id)).unwrap();
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
