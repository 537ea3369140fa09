//! Parts by token: places found from number and size alone, in any order, and the commit of whoever sends them.

use std::cell::RefCell;

use bytes::Bytes;
use upload_core::{Access, ErrorKind, Remedy, Stage};
use upload_engine::Engine;

use crate::support::{
    Chaos, Course, Gate, Random, Script, Sim, World, block_on,
    check::{clean, sound},
    client::{Client, completed, slot, stored},
    content,
    exec::pause,
    signed::{ask, begun, kind, manifest, md5, part, pass, put, token},
    world::MAX_CHUNK,
};

fn five() -> Client {
    Client::signed(&content(7, 5 * 1500 - 77), 1500)
}

/// Sends what is said to be part `number`, unbound to any digest.
fn send(
    engine: &Engine,
    client: &Client,
    id: &upload_core::UploadId,
    number: u32,
    bytes: &Bytes,
) -> Option<ErrorKind> {
    let token = block_on(token(engine, &client.who, id, ask(Access::Part(number))));
    kind(token.and_then(|token| block_on(put(engine, &token, bytes))))
}

/// I1, I5, I6: all at once, in any order, some twice, whatever the number of parts.
#[test]
fn parts_in_any_order_at_once_and_twice_make_exactly_the_bytes() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let (size, parts) = (1000 + random.below(600), 2 + random.below(6));
        let length = size * (parts - 1) + 1 + random.below(size);
        let world = World::new(seed);
        let chaos = Chaos::new(Course::slow(seed, 3));
        let engine = world.troubled(&chaos);
        let client = Client::signed(&content(seed, length as usize), size as usize);
        let chunks = client.chunks.clone().unwrap();
        assert_eq!(chunks.len() as u64, parts);
        let id = begun(&engine, &client);
        let mut sim = Sim::new(seed);
        for i in 0..chunks.len() * 2 {
            let (n, engine, client, id, chunks) = (i % chunks.len(), &engine, &client, &id, &chunks);
            sim.spawn(format!("part {n}"), async move {
                let mut random = Random(seed ^ (i as u64) << 8);
                pause(random.below(40)).await;
                let pass = pass(engine, &client.who, id, client.ask_for(n)).await.unwrap();
                for tries in 0.. {
                    assert!(tries < 400, "a bounded number of tries");
                    let mut body = Script::new().cut_up(&chunks[n], &mut random);
                    match pass.put(Some(chunks[n].len() as u64), &mut body).await {
                        Ok(_) => break,
                        Err(e) => assert_eq!(e.kind, ErrorKind::Busy, "part {n}: {e}"),
                    }
                    pause(10).await;
                }
            });
        }
        assert_eq!(sim.run(), Vec::<String>::new());
        block_on(client.commit(&engine, &id)).unwrap();
        let outcome = block_on(engine.finish(&client.who, &id)).unwrap();
        assert_eq!(world.heard.outcomes(), [outcome]);
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
        sound(&world);
    }
}

/// The last part alone may be another one: it waits for its turn. So may the second, until the first has come.
#[test]
fn an_ambiguous_part_that_is_alone_is_busy_and_then_fine() {
    let world = World::new(1);
    let engine = world.engine();
    // The last of 3 + 3 + 2 thousand, or the third of four of two thousand.
    let client = Client::signed(&content(1, 8000), 3000);
    let id = begun(&engine, &client);
    for n in [2, 1] {
        let heard = RefCell::new(None);
        let mut sim = Sim::new(1);
        sim.spawn("part", async { *heard.borrow_mut() = client.send_part(&engine, &id, n).await.err() });
        assert_eq!(sim.run(), ["part"], "others may be on their way");
        world.advance(world.settings.part_wait);
        assert_eq!(sim.run(), Vec::<String>::new());
        drop(sim);
        let e = heard.into_inner().unwrap();
        assert_eq!((e.kind, e.kind.remedy()), (ErrorKind::Busy, Remedy::Retry), "{e}");
        assert!(sound(&world).rows.is_empty() && sound(&world).staged.is_empty());
    }
    for n in [0, 2, 1] {
        stored(block_on(client.send_part(&engine, &id, n)));
    }
    block_on(client.commit(&engine, &id)).unwrap();
    block_on(engine.finish(&client.who, &id)).unwrap();
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
    // A last part that can be nothing else may be the first to come: the third of four would leave pieces too small.
    let client = Client::signed(&content(1, 3999), 1500);
    let mut begin = client.begin();
    begin.claim = None;
    let id = block_on(engine.begin(&client.who, begin)).unwrap().id;
    for n in [2, 0, 1] {
        stored(block_on(client.send_part(&engine, &id, n)));
    }
}

/// While the only earlier part is still arriving, an ambiguous one goes by what that one says.
#[test]
fn an_ambiguous_part_goes_by_those_that_are_arriving() {
    let world = World::new(1);
    let engine = world.engine();
    let client = Client::signed(&content(1, 8000), 3000);
    let id = begun(&engine, &client);
    let gate = Gate::default();
    let first = client.chunks.as_ref().unwrap()[0].clone();
    let mut sim = Sim::new(1);
    sim.spawn("first", async {
        let pass = pass(&engine, &client.who, &id, client.ask_for(0)).await.unwrap();
        let mut body = Script::new().data(&first.slice(..9)).wait(&gate).data(&first.slice(9..));
        stored(pass.put(Some(3000), &mut body).await);
    });
    assert_eq!(sim.run(), ["first"]);
    for n in [2, 1] {
        stored(block_on(client.send_part(&engine, &id, n)));
    }
    gate.open();
    assert_eq!(sim.run(), Vec::<String>::new());
    block_on(client.commit(&engine, &id)).unwrap();
    block_on(engine.finish(&client.who, &id)).unwrap();
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// I9: what is no part of this whole is refused, at once and for good, and harms nothing.
#[test]
fn parts_of_another_size_are_refused() {
    let world = World::new(1);
    let engine = world.engine();
    let client = Client::signed(&content(1, 8000), 3000);
    let id = begun(&engine, &client);
    let misplaced = Some(ErrorKind::Misplaced);
    // Nothing is stored yet: too small not to be the last, too large for its number, more than there is.
    assert_eq!(send(&engine, &client, &id, 1, &content(1, 999)), misplaced);
    assert_eq!(send(&engine, &client, &id, 2, &content(1, 4001)), misplaced);
    assert_eq!(send(&engine, &client, &id, 1, &content(1, 8001)), misplaced);
    for number in [0, 10_001] {
        assert_eq!(send(&engine, &client, &id, number, &content(1, 3000)), Some(ErrorKind::Invalid));
    }
    assert_eq!(
        send(&engine, &client, &id, 1, &content(1, MAX_CHUNK as usize + 1)),
        Some(ErrorKind::TooLarge)
    );
    stored(block_on(client.send_part(&engine, &id, 0)));
    // Two thousand as part 3 are the last; as part 2, or as parts of four, they are nothing any more.
    for (number, len) in [(2, 2000), (2, 2999), (2, 3001), (3, 1999), (3, 2001), (3, 3000), (4, 2000), (4, 1)]
    {
        assert_eq!(
            send(&engine, &client, &id, number, &content(1, len)),
            misplaced,
            "part {number} of {len}"
        );
    }
    // The length is needed, and is not believed.
    let second = client.chunks.as_ref().unwrap()[1].clone();
    let pass = block_on(pass(&engine, &client.who, &id, client.ask_for(1))).unwrap();
    assert_eq!(kind(block_on(pass.put(None, &mut Script::of(&second)))), Some(ErrorKind::Invalid));
    for lie in [2999, 3001] {
        let body = &mut Script::of(&content(1, lie));
        let unbound = block_on(token(&engine, &client.who, &id, ask(Access::Part(2)))).unwrap();
        let pass = engine.redeem(&unbound).unwrap();
        assert_eq!(kind(block_on(pass.put(Some(3000), body))), misplaced, "{lie} bytes");
    }
    assert_eq!(sound(&world).rows[&id].len(), 1);
    for n in [2, 1] {
        stored(block_on(client.send_part(&engine, &id, n)));
    }
    // What stands there is compared, and other sizes are other bytes.
    assert_eq!(send(&engine, &client, &id, 2, &second), None);
    for len in [1, 2999, 3000, 3001] {
        assert_eq!(send(&engine, &client, &id, 2, &content(9, len)), Some(ErrorKind::Conflict), "{len}");
    }
    block_on(client.commit(&engine, &id)).unwrap();
    block_on(engine.finish(&client.who, &id)).unwrap();
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// A size that fits its number twice, and neither way what is stored, is refused and does not wait for what never comes.
#[test]
fn an_ambiguous_part_that_fits_neither_way_is_refused() {
    let world = World::new(1);
    let engine = world.engine();
    // Four parts of three thousand; part 3 of two thousand would be one of six, or the last after two of five.
    let client = Client::signed(&content(1, 12_000), 3000);
    let id = begun(&engine, &client);
    stored(block_on(client.send_part(&engine, &id, 0)));
    let sent = block_on(token(&engine, &client.who, &id, ask(Access::Part(3)))).unwrap();
    let answer = RefCell::new(None);
    let bytes = content(1, 2000);
    let mut sim = Sim::new(1);
    sim.spawn("odd", async { *answer.borrow_mut() = kind(put(&engine, &sent, &bytes).await) });
    assert_eq!(sim.run(), Vec::<String>::new(), "it waits for ever");
    drop(sim);
    assert_eq!(answer.into_inner(), Some(ErrorKind::Misplaced));
}

/// The manifest is what is stored and the whole, or the sentence says what is wrong; said again, it is so already.
#[test]
fn a_commit_lists_exactly_what_is_stored() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), five());
    let id = begun(&engine, &client);
    let pass = block_on(pass(&engine, &client.who, &id, ask(Access::CommitParts))).unwrap();
    let right = manifest(client.chunks.as_ref().unwrap());
    let not_ready = |manifest: &[(u32, Option<String>)], says: &str| {
        let e = block_on(pass.commit_parts(manifest)).unwrap_err();
        assert_eq!(e.kind, ErrorKind::NotReady, "{e}");
        assert!(e.detail.contains(says), "{e}");
        let seen = block_on(engine.inspect(&client.who, &id)).unwrap();
        assert!(!seen.parts_committed && seen.stage == Stage::Receiving);
    };
    not_ready(&[], "of 7423 bytes");
    for n in [0, 1, 3] {
        stored(block_on(client.send_part(&engine, &id, n)));
    }
    not_ready(&right, "part 3 is not stored");
    not_ready(&[right[0].clone(), right[1].clone(), right[3].clone()], "4500 of 7423");
    not_ready(&[], "part 1 is stored but not listed");
    for n in [2, 4] {
        stored(block_on(client.send_part(&engine, &id, n)));
    }
    not_ready(&right[..4], "part 5 is stored but not listed");
    not_ready(&[&right[..], &[(6, None)]].concat(), "part 6 is not stored");
    not_ready(&[&right[..], &[(0, None)]].concat(), "part 0 is not stored");
    let mut wrong = right.clone();
    wrong[2].1 = Some(md5(b"other bytes").to_hex());
    not_ready(&wrong, &format!("part 3 is {}", right[2].1.clone().unwrap()));
    wrong[2].1 = Some("no \"digest\" at all, and long".repeat(1000));
    not_ready(&wrong, "part 3 is");
    assert_eq!(kind(block_on(engine.finish(&client.who, &id))), Some(ErrorKind::NotReady));
    // Tags are optional, and hex in any case.
    let mut loose = right.clone();
    (loose[0].1, loose[1].1) = (None, right[1].1.as_ref().map(|tag| tag.to_uppercase()));
    loose.reverse();
    block_on(pass.commit_parts(&loose)).unwrap();
    let seen = block_on(engine.inspect(&client.who, &id)).unwrap();
    assert!(seen.parts_committed && seen.stage == Stage::Receiving, "nothing is visible yet");
    assert!(world.heard.outcomes().is_empty());
    let before = sound(&world).heads[&id].parts_committed;
    for engine in [&engine, &world.engine()] {
        block_on(client.commit(engine, &id)).unwrap();
        assert_eq!(sound(&world).heads[&id].parts_committed, before);
    }
    let outcome = block_on(engine.finish(&client.who, &id)).unwrap();
    block_on(client.commit(&engine, &id)).unwrap();
    assert_eq!(block_on(engine.finish(&client.who, &id)).unwrap(), outcome);
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// A part that comes while a manifest without it is looked at does not make that manifest the whole.
#[test]
fn a_part_that_is_stored_during_a_commit_was_not_listed() {
    for seed in 0..300 {
        let world = World::new(seed);
        let chaos = Chaos::new(Course::slow(seed, 4));
        let engine = world.troubled(&chaos);
        let client = Client::signed(&content(seed, 2500), 1500);
        let id = begun(&engine, &client);
        stored(block_on(client.send_part(&engine, &id, 0)));
        let first = &manifest(client.chunks.as_ref().unwrap())[..1];
        let commit = block_on(pass(&engine, &client.who, &id, ask(Access::CommitParts))).unwrap();
        let mut sim = Sim::new(seed);
        sim.spawn("part", async {
            stored(client.send_part(&engine, &id, 1).await);
        });
        sim.spawn("commit", async {
            pause(seed % 40).await;
            assert_eq!(kind(commit.commit_parts(first).await), Some(ErrorKind::NotReady));
        });
        assert_eq!(sim.run(), Vec::<String>::new());
        block_on(client.commit(&engine, &id)).unwrap();
        block_on(engine.finish(&client.who, &id)).unwrap();
    }
}

/// Before the commit nothing finishes the upload, neither a key nor the last part; the last part is stored all the same.
#[test]
fn nothing_finishes_before_the_commit() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), five());
    let id = begun(&engine, &client);
    for n in 0..4 {
        stored(block_on(client.send_part(&engine, &id, n)));
        assert_eq!(kind(block_on(engine.finish(&client.who, &id))), Some(ErrorKind::NotReady));
    }
    let (write, last) = client.slot(4);
    assert!(write.finish_when_complete);
    for _ in 0..2 {
        let seen = stored(block_on(engine.write(&client.who, &id, write.clone(), &mut Script::of(&last))));
        assert_eq!((seen.received, seen.stage), (7423, Stage::Receiving));
        let e = block_on(engine.finish(&client.who, &id)).unwrap_err();
        assert_eq!(e.kind, ErrorKind::NotReady);
        assert!(e.detail.contains("committed"), "{e}");
    }
    assert!(sound(&world).objects.is_empty() && world.heard.outcomes().is_empty());
    block_on(client.commit(&engine, &id)).unwrap();
    // Now a part that comes again may.
    completed(block_on(engine.write(&client.who, &id, write, &mut Script::of(&last))));
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// What is listed is what is stored: numbers, sizes, and the digests that were checked.
#[test]
fn the_parts_that_are_stored_are_listed() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), five());
    let id = begun(&engine, &client);
    let chunks = client.chunks.clone().unwrap();
    stored(block_on(client.send_part(&engine, &id, 0)));
    let (write, fourth) = client.slot(3);
    stored(block_on(engine.write(&client.who, &id, write, &mut Script::of(&fourth))));
    for engine in [&engine, &world.engine()] {
        let by_key = block_on(engine.parts(&client.who, &id)).unwrap();
        let pass = block_on(pass(engine, &client.who, &id, ask(Access::ListParts))).unwrap();
        assert_eq!(block_on(pass.parts()).unwrap(), by_key);
        let shown: Vec<_> = by_key.iter().map(|part| (part.number, part.length, part.digest)).collect();
        assert_eq!(shown, [(1, 1500, Some(md5(&chunks[0]))), (4, 1500, None)]);
    }
    // A whole that is sent by offset has none.
    let by_offset = Client::offsets(&content(1, 2500));
    let id = begun(&engine, &by_offset);
    let write = crate::support::client::offset(0);
    stored(block_on(engine.write(&by_offset.who, &id, write, &mut Script::of(&by_offset.whole.slice(..9)))));
    assert_eq!(kind(block_on(engine.parts(&by_offset.who, &id))), Some(ErrorKind::Misplaced));
}

/// A part that is stored is granted again only for the same digest.
#[test]
fn a_stored_part_is_granted_only_for_its_own_digest() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), five());
    let id = begun(&engine, &client);
    let others = content(99, 1500);
    let grant = |engine: &Engine, ask| kind(block_on(token(engine, &client.who, &id, ask)));
    assert_eq!(grant(&engine, part(1, &others)), None);
    stored(block_on(client.send_part(&engine, &id, 0)));
    for engine in [&engine, &world.engine()] {
        let e = block_on(token(engine, &client.who, &id, part(1, &others))).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Conflict);
        assert!(e.detail.contains("part 1") && e.detail.contains(&md5(&others).to_hex()), "{e}");
        assert_eq!(grant(engine, client.ask_for(0)), None);
        assert_eq!(grant(engine, ask(Access::Part(1))), None);
        assert_eq!(grant(engine, part(2, &others)), None);
    }
}

/// Given up by its holder or its key: every token says so, and nothing is left.
#[test]
fn an_upload_that_was_given_up_is_gone_for_every_token() {
    for by_token in [true, false] {
        let world = World::new(1);
        let (engine, client) = (world.engine(), five());
        let id = begun(&engine, &client);
        stored(block_on(client.send_part(&engine, &id, 0)));
        let get = |access| block_on(token(&engine, &client.who, &id, ask(access))).unwrap();
        let [begin, list, commit, abort] =
            [Access::BeginParts, Access::ListParts, Access::CommitParts, Access::AbortParts].map(get);
        let sent = block_on(token(&engine, &client.who, &id, client.ask_for(1))).unwrap();
        assert_eq!(block_on(engine.redeem(&begin).unwrap().begin_parts()).unwrap(), id.to_string());
        if by_token {
            block_on(engine.redeem(&abort).unwrap().abort_parts()).unwrap();
        } else {
            block_on(engine.cancel(&client.who, &id)).unwrap();
        }
        for engine in [&engine, &world.engine()] {
            let gone = Some(ErrorKind::Gone);
            block_on(engine.redeem(&abort).unwrap().abort_parts()).unwrap();
            assert_eq!(kind(block_on(put(engine, &sent, &client.chunks.as_ref().unwrap()[1]))), gone);
            assert_eq!(kind(block_on(engine.redeem(&begin).unwrap().begin_parts())), gone);
            assert_eq!(kind(block_on(engine.redeem(&list).unwrap().parts())), gone);
            let manifest = manifest(client.chunks.as_ref().unwrap());
            assert_eq!(kind(block_on(engine.redeem(&commit).unwrap().commit_parts(&manifest))), gone);
            assert_eq!(kind(block_on(token(engine, &client.who, &id, client.ask_for(2)))), gone);
            assert_eq!(kind(block_on(engine.finish(&client.who, &id))), gone);
        }
        let found = sound(&world);
        assert!(found.staged.is_empty() && found.rows.is_empty() && found.listed.is_empty());
        assert!(found.claims.is_empty());
        clean(&world);
    }
}
