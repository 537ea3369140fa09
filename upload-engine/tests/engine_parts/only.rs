//! What only stores of parts have: parts, fragments, folds, numbers, and objects that are named before their upload.

use std::{cell::RefCell, sync::Arc};

use bytes::Bytes;
use upload_core::{
    ErrorKind, ObjectKey, Role, UploadId,
    lifecycle::Begin,
    ports::{BlobStore as _, Listed, Parts as _, RecordStore as _},
    record::{Addressing, SessionRecord, decode, keys},
};
use upload_engine::{Engine, Limits, Written};
use upload_storage::{Counted, Operation};

use crate::support::{
    Chaos, Course, Gate, Random, Script, Sim, World, block_on,
    chaos::Fate,
    check::{clean, look, sound},
    client::{Client, offset},
    content, polls,
    store::Blobs,
    world::{HOUR, other},
};

/// An engine whose calls are counted.
fn counted(world: &World) -> (Engine, Counted<Blobs>) {
    let blobs = Counted::new(Arc::new(world.blobs.clone()));
    (world.over(Arc::new(blobs.clone()), Arc::new(world.records.clone())), blobs)
}

fn begun(engine: &Engine, client: &Client) -> UploadId {
    block_on(engine.begin(&client.who, client.begin())).unwrap().id
}

/// What is left in the store beside objects.
fn left(world: &World) -> (usize, usize) {
    match &world.blobs {
        Blobs::Parts(parts) => parts.open_sessions_and_fragments(),
        other => panic!("{other:?}"),
    }
}

/// A chunk that is long enough is one part, and nothing is read or stored twice.
#[test]
fn a_long_chunk_is_one_part() {
    let world = World::new(1);
    let (engine, blobs) = counted(&world);
    let mut client = Client::slots(&content(1, 10_300), 1000);
    let id = begun(&engine, &client);
    block_on(client.complete(&engine, &id)).unwrap();
    let counts = blobs.counts();
    let calls = [Operation::PutPart, Operation::PutFragment, Operation::ReadFragment, Operation::OpenSession];
    assert_eq!(calls.map(|call| counts.calls(call)), [11, 0, 0, 1]);
    assert_eq!(counts.bytes(Operation::PutPart), 10_300);
    // Only what is needed to know its digest: chunks in order are hashed as they come.
    assert_eq!(counts.calls(Operation::Read), 0);
    assert_eq!(left(&world), (0, 0));
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// Short chunks are fragments, which become parts while others still come; the finish has only the last of them to do.
#[test]
fn short_chunks_fold_on_the_way() {
    let world = World::new(1);
    let (engine, blobs) = counted(&world);
    let client = Client::slots(&content(1, 10_300), 250);
    let id = begun(&engine, &client);
    for n in 0..41 {
        let (write, chunk) = client.slot(n);
        block_on(engine.write(&client.who, &id, write, &mut Script::of(&chunk))).unwrap();
        assert!(left(&world).1 <= 3, "chunk {n}: {:?} fragments", left(&world).1);
        sound(&world);
    }
    assert_eq!(blobs.counts().calls(Operation::PutPart), 10);
    let (write, chunk) = client.slot(41);
    let written = block_on(engine.write(&client.who, &id, write, &mut Script::of(&chunk))).unwrap();
    assert!(matches!(written, Written::Completed(_)));
    let counts = blobs.counts();
    assert_eq!((counts.calls(Operation::PutPart), counts.bytes(Operation::ReadFragment)), (11, 10_300));
    assert_eq!(left(&world), (0, 0));
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// What is less than one part in all needs no session.
#[test]
fn a_small_upload_has_no_session() {
    for whole in [content(1, 0), content(1, 1), content(1, 600)] {
        let world = World::new(1);
        let (engine, blobs) = counted(&world);
        let mut client = Client::offsets(&whole);
        let id = begun(&engine, &client);
        block_on(client.complete(&engine, &id)).unwrap();
        assert_eq!(blobs.counts().calls(Operation::OpenSession), 0);
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), whole);
        assert_eq!(left(&world), (0, 0));
    }
}

/// A stream by offset, cut here and there: what is not a whole part is folded with what follows.
#[test]
fn a_stream_that_is_cut_anywhere_becomes_parts() {
    let whole = content(1, 5000);
    for cuts in [vec![1], vec![999], vec![1000], vec![1001], vec![300, 600, 900, 1200], vec![2500, 2501]] {
        let world = World::new(1);
        let (engine, client) = (world.engine(), Client::offsets(&whole));
        let id = begun(&engine, &client);
        let mut from = 0;
        for to in cuts.iter().copied().chain([5000]) {
            let mut body = Script::of(&whole.slice(from..to));
            if to < 5000 {
                body = body.fail(ErrorKind::Interrupted);
            }
            let written = block_on(engine.write(&client.who, &id, offset(from as u64), &mut body));
            assert_eq!(written.is_ok(), to == 5000, "{cuts:?}");
            let seen = block_on(engine.inspect(&client.who, &id)).unwrap();
            assert_eq!(seen.frontier, to as u64, "nothing that arrived is lost");
            from = to;
            sound(&world);
        }
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), whole);
        assert_eq!(left(&world), (0, 0), "{cuts:?}");
    }
}

/// A process stands still with its part under way, another one takes the place with other bytes, and the first part is stored
/// late: it has a number of its own, and what was acknowledged stays.
#[test]
fn a_part_that_is_stored_late_harms_nobody() {
    let world = World::new(1).with_processes();
    let (evil, good) = (content(66, 3000), content(1, 3000));
    let (bad, mut client) = (Client::slots(&evil, 1000), Client::slots(&good, 1000));
    let chaos = Chaos::new(Course::quiet());
    let (stuck, engine) = (world.troubled(&chaos), world.engine());
    let id = begun(&engine, &client);
    chaos.next_time(Operation::PutPart, "", Fate::Stop);
    let (write, chunk) = bad.slot(1);
    assert!(polls(stuck.write(&bad.who, &id, write, &mut Script::of(&chunk)), 1000).is_none());
    drop(stuck);
    let session = block_on(world.records.get(&keys::session(&id))).unwrap().unwrap();
    let session = decode::<SessionRecord>("", &session.value).unwrap().1;
    for n in [1, 0] {
        let (write, chunk) = client.slot(n);
        block_on(engine.write(&client.who, &id, write, &mut Script::of(&chunk))).unwrap();
    }
    let Blobs::Parts(parts) = &world.blobs else { panic!("{:?}", world.blobs) };
    let key = ObjectKey::of(&look(&world).heads[&id].staging);
    let late = session.grid().unwrap().number(1, 0).unwrap();
    block_on(parts.put_part(&key, &session.session, late, vec![evil.slice(1000..2000)])).unwrap();
    block_on(client.complete(&engine, &id)).unwrap();
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), good);
    clean(&world);
}

/// When a cell's numbers are used up its bytes come in fragments, and the last number is for their fold.
#[test]
fn numbers_that_are_used_up_stop_nobody() {
    let world = World::new(1);
    let mut client = Client::slots(&content(1, 2000), 1000);
    let id = begun(&world.engine(), &client);
    for n in 0..12 {
        let chaos = Chaos::new(Course::quiet());
        let engine = world.troubled(&chaos);
        chaos.next_time(if n < 7 { Operation::PutPart } else { Operation::PutFragment }, "", Fate::Stop);
        let (write, chunk) = client.slot(0);
        assert!(polls(engine.write(&client.who, &id, write, &mut Script::of(&chunk)), 1000).is_none(), "{n}");
    }
    let engine = world.engine();
    block_on(client.complete(&engine, &id)).unwrap();
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
    world.advance(2 * HOUR);
    block_on(engine.janitor());
    assert_eq!(left(&world), (0, 0));
    clean(&world);
}

/// While memory is short bodies come in fragments, as small as need be; none waits for another.
#[test]
fn short_memory_makes_fragments_and_stops_nobody() {
    let mut world = World::new(1);
    world.settings.part_memory = 500;
    let (engine, blobs) = counted(&world);
    let gate = Gate::default();
    let stalled: Vec<_> = (0..4).map(|n| Client::offsets(&content(n, 3000))).collect();
    let mut sim = Sim::new(1);
    for client in &stalled {
        let (engine, gate) = (&engine, &gate);
        sim.spawn("stalled", async move {
            let id = engine.begin(&client.who, client.begin()).await.unwrap().id;
            let mut body = Script::of(&client.whole.slice(..700)).wait(gate).data(&client.whole.slice(700..));
            engine.write(&client.who, &id, offset(0), &mut body).await.unwrap();
            assert_eq!(client.fetch(engine, &id).await.unwrap(), client.whole);
        });
    }
    sim.run();
    // What stalls was stored, and is in nobody's way.
    assert_eq!(blobs.counts().calls(Operation::PutFragment), 4);
    let client = Client::offsets(&content(9, 4000));
    let id = begun(&engine, &client);
    let mut body = Script::new().cut_up(&client.whole, &mut Random(1));
    block_on(engine.write(&client.who, &id, offset(0), &mut body)).unwrap();
    assert!(blobs.counts().calls(Operation::PutFragment) >= 4 + 4, "{:?}", blobs.counts());
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
    gate.open();
    assert_eq!(sim.run(), Vec::<String>::new());
    drop(sim);
    assert_eq!(left(&world), (0, 0));
    clean(&world);
}

/// Chunk 9,885 costs as many calls as chunk 135, with other processes about.
#[test]
fn the_last_chunks_cost_as_many_calls_as_the_first() {
    let world = World::new(1).with_processes();
    let blobs = Counted::new(Arc::new(world.blobs.clone()));
    let records = Counted::new(Arc::new(world.records.clone()));
    let engine = world.over(Arc::new(blobs.clone()), Arc::new(records.clone()));
    let client = Client::slots(&content(5, 8 * 10_000), 8).to("long");
    let id = begun(&engine, &client);
    let mut costs = Vec::new();
    for n in 0..10_000 {
        let before = (blobs.counts(), records.counts());
        let (write, chunk) = client.slot(n);
        block_on(engine.write(&client.who, &id, write, &mut Script::of(&chunk))).unwrap();
        costs.push(((blobs.counts() - before.0).all(), (records.counts() - before.1).all()));
    }
    // The first ones look whether there is a session.
    assert_eq!(costs[10], costs[9_885]);
    assert_eq!(costs[249], costs[9_874], "those that fold");
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// A long body that comes before its upload has an id: the object's name does not say whose it is, a record does, and it goes
/// with the upload.
#[test]
fn the_janitor_knows_whose_a_body_is_that_came_before_its_upload() {
    let world = World::new(1);
    let (engine, whole) = (world.engine(), content(1, 5400));
    let client = Client::offsets(&whole);
    let received = block_on(engine.receive(Limits::new(10_000), &mut Script::of(&whole))).unwrap();
    let begin = Begin::new("files", Addressing::Offsets, None);
    let outcome = block_on(engine.settle(&client.who, received, begin)).unwrap();
    assert_ne!(outcome.key.upload().as_ref(), Some(&outcome.id));
    for _ in 0..3 {
        world.advance(30 * HOUR);
        assert_eq!(block_on(engine.sweep()).failed + block_on(engine.janitor()).failed, 0);
        assert_eq!(block_on(client.fetch(&engine, &outcome.id)).unwrap(), whole);
    }
    block_on(engine.remove(&other("acme", [Role::Upload, Role::Support]), &outcome.id)).unwrap();
    for _ in 0..3 {
        world.advance(30 * HOUR);
        block_on(engine.sweep());
        block_on(engine.janitor());
    }
    assert!(block_on(world.records.list(keys::OWNERS, None, 9)).unwrap().is_empty());
    let all = upload_core::Hour::new(u64::MAX / 4_000_000);
    let names: Vec<Listed> = block_on(world.blobs.list(all, None, 9)).unwrap();
    assert!(names.is_empty(), "{names:?}");
    clean(&world);
}

/// A body that is not settled leaves nothing, whatever it lies in.
#[test]
fn a_body_that_is_not_settled_leaves_nothing() {
    for len in [10, 1000, 1700, 5400] {
        let world = World::new(1);
        let engine = world.engine();
        let limits = || Limits::new(10_000);
        let received = block_on(engine.receive(limits(), &mut Script::of(&content(1, len)))).unwrap();
        block_on(engine.discard(received));
        assert_eq!(left(&world), (0, 0), "{len}");
        let mut cut = Script::of(&content(1, len)).fail(ErrorKind::Interrupted);
        assert_eq!(block_on(engine.receive(limits(), &mut cut)).unwrap_err().kind, ErrorKind::Interrupted);
        assert_eq!(left(&world), (0, 0), "{len}, cut");
        // Dropped: the next sweep removes it.
        drop(block_on(engine.receive(limits(), &mut Script::of(&content(1, len)))).unwrap());
        block_on(engine.sweep());
        assert_eq!(left(&world), (0, 0), "{len}, dropped");
    }
}

/// Of two processes that put the last two rows at once, one at least sees that the set is complete.
#[test]
fn of_two_processes_with_the_last_two_chunks_one_finishes() {
    for seed in 0..60 {
        let world = World::new(seed).with_processes();
        let client = Client::slots(&content(seed, 2000), 1000);
        let chaos = Chaos::new(Course::slow(seed, 4));
        let engines = [world.troubled(&chaos), world.troubled(&chaos)];
        let id = begun(&world.engine(), &client);
        let finished = RefCell::new(0);
        let mut sim = Sim::new(seed);
        for (n, engine) in engines.iter().enumerate() {
            let (client, id, finished) = (&client, &id, &finished);
            sim.spawn("chunk", async move {
                let (write, chunk) = client.slot(n);
                let written = engine.write(&client.who, id, write, &mut Script::of(&chunk)).await.unwrap();
                *finished.borrow_mut() += usize::from(matches!(written, Written::Completed(_)));
            });
        }
        assert_eq!(sim.run(), Vec::<String>::new());
        drop(sim);
        assert!(*finished.borrow() > 0, "seed {seed}: nobody saw both");
        assert_eq!(world.heard.outcomes().len(), 1);
    }
}

/// What needs longer parts than are allowed is refused at once.
#[test]
fn what_could_never_be_made_of_parts_is_refused() {
    let mut world = World::new(1);
    world.settings.max_part = 2000;
    let engine = world.engine();
    let begin = |length| {
        let begin = Begin::new("long", Addressing::Offsets, Some(length));
        block_on(engine.begin(&Client::offsets(&Bytes::new()).who, begin)).map(drop).map_err(|e| e.kind)
    };
    assert_eq!(begin(2000 * 5000), Ok(()));
    assert_eq!(begin(2000 * 5000 + 1), Err(ErrorKind::Unsupported));
}
