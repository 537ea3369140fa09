//! The whole content by token: what its holder can do, what is checked, and what it hears when it sends it again.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use upload_core::{Access, ErrorKind, Stage};
use upload_engine::Written;
use upload_storage::{Counted, Operation};

use crate::support::{
    Gate, Script, Sim, World, block_on,
    check::{clean, sound},
    client::{Client, completed, stored},
    content,
    signed::{LIFETIME, ask, begun, kind, md5, part, pass, put, token, whole},
    world::{HOUR, MAX_CHUNK, MAX_LENGTH},
};

fn one() -> Client {
    Client::signed(&content(3, 2500), 2500)
}

/// Put, finished, read and told of, once.
#[test]
fn a_whole_put_by_token_completes_the_upload_and_is_told_of_once() {
    for len in [0, 1, 2500] {
        let world = World::new(1);
        let engine = world.engine();
        let client = Client::signed(&content(3, len), len.max(1));
        let id = begun(&engine, &client);
        let sent = block_on(token(&engine, &client.who, &id, whole(&client.whole))).unwrap();
        // Another process redeems it.
        let engine = world.engine();
        let outcome = completed(block_on(put(&engine, &sent, &client.whole)));
        assert_eq!((outcome.length, outcome.id.clone()), (len as u64, id.clone()));
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
        assert_eq!(block_on(engine.finish(&client.who, &id)).unwrap(), outcome);
        assert_eq!(world.heard.outcomes(), [outcome], "told of once");
        sound(&world);
    }
}

/// A put that was not to finish leaves that to `finish`.
#[test]
fn a_put_that_does_not_finish_is_stored_and_waits() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), one());
    let id = begun(&engine, &client);
    let mut asked = whole(&client.whole);
    asked.finish = false;
    let sent = block_on(token(&engine, &client.who, &id, asked)).unwrap();
    for _ in 0..2 {
        let seen = stored(block_on(put(&engine, &sent, &client.whole)));
        assert_eq!((seen.stage, seen.frontier), (Stage::Receiving, 2500));
    }
    assert!(world.heard.outcomes().is_empty());
    let outcome = block_on(engine.finish(&client.who, &id)).unwrap();
    assert_eq!(completed(Ok(Written::Completed(Box::new(outcome.clone())))).length, 2500);
    assert_eq!(world.heard.outcomes(), [outcome]);
}

/// I9: a body is as long as it was granted, or nothing of it is stored.
#[test]
fn a_body_of_another_size_stores_nothing() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), one());
    let id = begun(&engine, &client);
    let pass = block_on(pass(&engine, &client.who, &id, whole(&client.whole))).unwrap();
    assert_eq!((pass.length(), pass.max_length()), (Some(2500), 2500));
    let longer = content(3, 2501);
    // Said before: refused before a byte is read.
    let unread = &mut Script::new().stall();
    assert_eq!(kind(block_on(pass.put(Some(2501), unread))), Some(ErrorKind::TooLarge));
    for (bytes, declared) in [
        (longer.clone(), None),
        (longer, Some(2500)),
        (client.whole.slice(..2499), None),
        (client.whole.slice(..2499), Some(2499)),
        (Bytes::new(), None),
    ] {
        let answer = kind(block_on(pass.put(declared, &mut Script::of(&bytes))));
        assert!(
            matches!(answer, Some(ErrorKind::Misplaced | ErrorKind::DigestMismatch)),
            "{} bytes: {answer:?}",
            bytes.len()
        );
        assert!(sound(&world).rows.is_empty());
    }
    completed(block_on(pass.put(None, &mut Script::of(&client.whole))));
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// A limit on chunks is none on an upload that comes in one body, if it was begun so; the limit on lengths is.
#[test]
fn what_comes_in_one_body_may_be_longer_than_a_chunk() {
    let len = MAX_CHUNK as usize * 3;
    for whole_body in [true, false] {
        let world = World::new(1);
        let engine = world.engine();
        let client = Client::signed(&content(3, len), len);
        let mut begin = client.begin();
        begin.whole = whole_body;
        let id = block_on(engine.begin(&client.who, begin)).unwrap().id;
        let sent = block_on(token(&engine, &client.who, &id, whole(&client.whole))).unwrap();
        let answer = block_on(put(&engine, &sent, &client.whole));
        if whole_body {
            assert_eq!(completed(answer).length, len as u64);
            assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
        } else {
            assert_eq!(kind(answer), Some(ErrorKind::Misplaced));
        }
        let mut begin = client.begin();
        (begin.whole, begin.claim, begin.length) = (whole_body, None, Some(MAX_LENGTH + 1));
        assert_eq!(kind(block_on(engine.begin(&client.who, begin))), Some(ErrorKind::TooLarge));
    }
}

/// Bytes that have not the digest they were granted for are not stored; the right ones may follow.
#[test]
fn a_wrong_digest_stores_nothing_and_may_be_tried_again() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), one());
    let id = begun(&engine, &client);
    let sent = block_on(token(&engine, &client.who, &id, whole(&client.whole))).unwrap();
    for engine in [&engine, &world.engine()] {
        let e = block_on(put(engine, &sent, &content(4, 2500))).unwrap_err();
        assert_eq!(e.kind, ErrorKind::DigestMismatch);
        assert!(e.detail.contains(&md5(&client.whole).to_hex()), "{e}");
        let found = sound(&world);
        assert!(found.rows.is_empty() && found.objects.is_empty() && world.heard.outcomes().is_empty());
        assert_eq!(block_on(engine.inspect(&client.who, &id)).unwrap().received, 0);
    }
    let outcome = completed(block_on(put(&engine, &sent, &client.whole)));
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
    assert_eq!(world.heard.outcomes(), [outcome]);
}

/// I9: what was granted for a digest and has another one says nothing of the content; what has it is refused by its type.
#[test]
fn a_refused_type_ends_the_upload_only_with_the_right_digest() {
    let page: Bytes = [b"HTML", &content(1, 2496)[..]].concat().into();
    let picture: Bytes = [b"PNG:", &content(1, 2496)[..]].concat().into();
    for (granted, refused) in [(&picture, false), (&page, true)] {
        let world = World::new(1);
        let engine = world.engine();
        let client = Client::signed(granted, 2500).to("pictures");
        let id = begun(&engine, &client);
        let sent = block_on(token(&engine, &client.who, &id, whole(granted))).unwrap();
        let answer = kind(block_on(put(&engine, &sent, &page)));
        let stage = block_on(engine.inspect(&client.who, &id)).unwrap().stage;
        if refused {
            assert_eq!(answer, Some(ErrorKind::TypeRefused));
            assert!(matches!(stage, Stage::Failed(_)), "{stage:?}");
            assert_eq!(kind(block_on(put(&engine, &sent, &page))), Some(ErrorKind::Gone));
            let found = sound(&world);
            assert!(found.staged.is_empty() && found.objects.is_empty() && found.listed.is_empty());
            assert!(world.heard.outcomes().is_empty());
            clean(&world);
        } else {
            assert_eq!((answer, stage), (Some(ErrorKind::DigestMismatch), Stage::Receiving));
            let outcome = completed(block_on(put(&engine, &sent, &picture)));
            assert_eq!(
                outcome.content_type.as_deref(),
                Some("image/png"),
                "not what the page was seen to be"
            );
        }
    }
}

/// I5: the same token with the same bytes gives the first answer and writes nothing; other bytes are refused. Also when the
/// rows are gone, by the digest.
#[test]
fn the_same_token_and_bytes_again_give_the_same_outcome_and_write_nothing() {
    let world = World::new(1);
    let blobs = Counted::new(Arc::new(world.blobs.clone()));
    let records = Counted::new(Arc::new(world.records.clone()));
    let over = || world.over(Arc::new(blobs.clone()), Arc::new(records.clone()));
    let (engine, client) = (over(), one());
    let mut begin = client.begin();
    begin.expected = vec![md5(&client.whole)];
    let id = block_on(engine.begin(&client.who, begin)).unwrap().id;
    let mut asked = whole(&client.whole);
    asked.lifetime = 100 * HOUR;
    let sent = block_on(token(&engine, &client.who, &id, asked.clone())).unwrap();
    asked.digest = None;
    let unbound = block_on(token(&engine, &client.who, &id, asked)).unwrap();
    let outcome = completed(block_on(put(&engine, &sent, &client.whole)));
    for (hours, forgotten) in [(0, false), (23, false), (3, true), (26, true)] {
        world.advance(hours * HOUR);
        block_on(engine.sweep());
        block_on(engine.janitor());
        assert_eq!(sound(&world).rows.is_empty(), forgotten);
        for engine in [&engine, &over()] {
            let before = (blobs.counts(), records.counts());
            assert_eq!(completed(block_on(put(engine, &sent, &client.whole))), outcome);
            let other = block_on(put(engine, &sent, &content(4, 2500)));
            assert_eq!(kind(other), Some(ErrorKind::Conflict), "other bytes, {hours} hours later");
            let shorter = block_on(put(engine, &sent, &client.whole.slice(..2499)));
            assert_eq!(kind(shorter), Some(ErrorKind::Conflict));
            let unbound = kind(block_on(put(engine, &unbound, &client.whole)));
            assert_eq!(unbound, forgotten.then_some(ErrorKind::NotFound), "nothing tells what these were");
            let (blobs, records) = (blobs.counts() - before.0, records.counts() - before.1);
            for operation in [Operation::Stage, Operation::Write, Operation::Publish, Operation::Delete] {
                assert_eq!(blobs.calls(operation), 0, "{blobs:?}");
            }
            assert_eq!((records.calls(Operation::Put), records.calls(Operation::DeleteRecord)), (0, 0));
        }
    }
    assert_eq!(world.heard.outcomes(), [outcome]);
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// The bytes that are stored do not pass with a token that was made for others, though they are stored; nor if they came by
/// key, when no digest of them alone was kept.
#[test]
fn stored_bytes_do_not_pass_for_those_of_another_digest() {
    for (finish, by_key) in [(true, false), (false, false), (true, true), (false, true)] {
        let world = World::new(1);
        let (engine, client) = (world.engine(), one());
        let id = begun(&engine, &client);
        let other = block_on(token(&engine, &client.who, &id, whole(&content(4, 2500)))).unwrap();
        let mut asked = whole(&client.whole);
        asked.finish = finish;
        let sent = block_on(token(&engine, &client.who, &id, asked)).unwrap();
        if by_key {
            let (mut write, bytes) = client.slot(0);
            write.finish_when_complete = finish;
            block_on(engine.write(&client.who, &id, write, &mut Script::of(&bytes))).unwrap();
        } else {
            block_on(put(&engine, &sent, &client.whole)).unwrap();
        }
        let refused = if by_key { ErrorKind::DigestMismatch } else { ErrorKind::Conflict };
        assert_eq!(kind(block_on(put(&engine, &other, &client.whole))), Some(refused));
        assert_eq!(kind(block_on(put(&engine, &other, &content(4, 2500)))), Some(ErrorKind::Conflict));
        let seen = block_on(engine.inspect(&client.who, &id)).unwrap();
        assert_eq!(
            matches!(seen.stage, Stage::Completed(_)),
            finish,
            "nor does such a token finish anything"
        );
    }
}

/// A token is looked at when it is redeemed: what it expires under was good.
#[test]
fn a_token_that_expires_while_its_bytes_arrive_was_good() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), one());
    let id = begun(&engine, &client);
    let sent = block_on(token(&engine, &client.who, &id, whole(&client.whole))).unwrap();
    let gate = Gate::default();
    let mut sim = Sim::new(1);
    sim.spawn("sender", async {
        let pass = engine.redeem(&sent).unwrap();
        let half = client.whole.len() / 2;
        let body = Script::new().data(&client.whole.slice(..half)).wait(&gate);
        completed(pass.put(Some(2500), &mut body.data(&client.whole.slice(half..))).await);
    });
    assert_eq!(sim.run(), ["sender"]);
    world.advance(LIFETIME + Duration::from_secs(1));
    assert_eq!(kind(engine.redeem(&sent)), Some(ErrorKind::Forbidden));
    gate.open();
    assert_eq!(sim.run(), Vec::<String>::new());
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// Two bodies at once with one token: one is the upload's, both hear the same.
#[test]
fn sixteen_puts_with_one_token_at_once_make_one_object_and_one_answer() {
    for seed in 0..40 {
        let world = World::new(seed);
        let chaos = crate::support::Chaos::new(crate::support::Course::slow(seed, 3));
        let (engine, client) = (world.troubled(&chaos), one());
        let id = begun(&engine, &client);
        let sent = block_on(token(&engine, &client.who, &id, whole(&client.whole))).unwrap();
        let heard = std::cell::RefCell::new(Vec::new());
        let mut sim = Sim::new(seed);
        for n in 0..16 {
            let (engine, client, sent, heard) = (&engine, &client, &sent, &heard);
            sim.spawn(format!("sender {n}"), async move {
                let pass = engine.redeem(sent).unwrap();
                let mut random = crate::support::Random(seed ^ n);
                let mut body = Script::new().cut_up(&client.whole, &mut random);
                let outcome = completed(pass.put(Some(2500), &mut body).await);
                heard.borrow_mut().push(outcome);
            });
        }
        assert_eq!(sim.run(), Vec::<String>::new());
        let heard = heard.borrow().clone();
        assert!(heard.len() == 16 && heard.iter().all(|outcome| *outcome == heard[0]));
        assert_eq!(world.heard.outcomes(), heard[..1]);
        assert_eq!(sound(&world).objects.len(), 1);
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
    }
}

/// The sweep finishes what a holder's put closed and did not complete, and expires what it never finished.
#[test]
fn the_sweep_attends_to_what_came_by_token_as_to_any_other() {
    let world = World::new(1);
    let chaos = crate::support::Chaos::new(crate::support::Course::quiet());
    let (engine, client) = (world.troubled(&chaos), one());
    let id = begun(&engine, &client);
    let sent = block_on(token(&engine, &client.who, &id, whole(&client.whole))).unwrap();
    chaos.next_time(crate::support::store::PUBLISH, "", crate::support::chaos::Fate::Before);
    assert_eq!(kind(block_on(put(&engine, &sent, &client.whole))), Some(ErrorKind::StorageUnavailable));
    // A second one is stored and never finished.
    let mut second = client.begin();
    second.claim = None;
    let waiting = block_on(engine.begin(&client.who, second)).unwrap().id;
    let mut asked = whole(&client.whole);
    asked.finish = false;
    let sent = block_on(token(&engine, &client.who, &waiting, asked)).unwrap();
    stored(block_on(put(&engine, &sent, &client.whole)));
    let engine = world.engine();
    assert_eq!(block_on(engine.sweep()).finished, 1);
    assert_eq!(world.heard.outcomes().len(), 1);
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
    world.advance(26 * HOUR);
    assert_eq!(block_on(engine.sweep()).expired, 1);
    assert_eq!(block_on(engine.inspect(&client.who, &waiting)).unwrap().stage, Stage::Expired);
    clean(&world);
}
