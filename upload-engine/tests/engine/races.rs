//! Requests that meet at one place.

use std::cell::RefCell;

use upload_core::{
    ErrorKind, Stage,
    lifecycle::Begin,
    record::{Addressing, Phase},
};
use upload_engine::Written;
use upload_storage::{Operation, memory::MemoryRecords};

use crate::support::{
    Chaos, Course, Gate, Random, Script, Sim, World, block_on,
    chaos::Fate,
    check::{look, sound},
    client::{Client, completed, offset, slot, stored},
    content,
    exec::pause,
    polls,
    world::HOUR,
};

/// Sixteen clients send the chunk that closes the set: one object, one completion, one answer.
#[test]
fn sixteen_finishing_chunks_at_once_make_one_object_and_one_answer() {
    for seed in 0..60 {
        let world = World::new(seed);
        let chaos = Chaos::new(Course::slow(seed, 4));
        let engine = world.troubled(&chaos);
        let client = Client::slots(&content(1, 4100), 1000);
        let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
        for n in [2, 0, 3, 1] {
            let (write, chunk) = client.slot(n);
            stored(block_on(engine.write(&client.who, &id, write, &mut Script::of(&chunk))));
        }
        let answers = RefCell::new(Vec::new());
        let mut sim = Sim::new(seed);
        for n in 0..16 {
            let (engine, client, id, answers) = (&engine, &client, &id, &answers);
            sim.spawn(format!("client {n}"), async move {
                let (write, chunk) = client.slot(4);
                let mut body =
                    Script::new().pause(n % 7).data(&chunk.slice(..50)).pause(n % 3).data(&chunk.slice(50..));
                let answer = engine.write(&client.who, id, write, &mut body).await;
                answers.borrow_mut().push(answer);
            });
        }
        assert_eq!(sim.run(), Vec::<String>::new());
        let outcomes: Vec<_> = answers.take().into_iter().map(completed).collect();
        assert!(outcomes.iter().all(|o| *o == outcomes[0]), "all get the same answer");
        assert_eq!(world.heard.outcomes(), outcomes[..1]);
        assert_eq!(sound(&world).objects.len(), 1);
    }
}

/// Sixteen equal bodies at one offset: each byte counts once; the last one to come is not the loser.
#[test]
fn sixteen_equal_writes_at_one_offset_count_once() {
    for seed in 0..60 {
        let world = World::new(seed);
        let chaos = Chaos::new(Course::slow(seed, 3));
        let engine = world.troubled(&chaos);
        let client = Client::offsets(&content(1, 6000));
        let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
        let (won, total) = (RefCell::new(0), if seed % 2 == 0 { 6000 } else { 5000 });
        let mut sim = Sim::new(seed);
        for n in 0..16 {
            let (engine, client, id, won) = (&engine, &client, &id, &won);
            sim.spawn(format!("client {n}"), async move {
                let mut body = Script::new().pause(n % 5);
                for at in (0..total).step_by(500) {
                    body = body.data(&client.whole.slice(at..at + 500)).pause(n % 3);
                }
                match engine.write(&client.who, id, offset(0), &mut body).await {
                    Ok(_) => *won.borrow_mut() += 1,
                    Err(e) => assert!(matches!(e.kind, ErrorKind::Busy | ErrorKind::Conflict), "{e:?}"),
                }
            });
        }
        assert_eq!(sim.run(), Vec::<String>::new());
        assert!(*won.borrow() > 0);
        assert_eq!(block_on(engine.inspect(&client.who, &id)).unwrap().frontier, total as u64);
        sound(&world);
        assert_eq!(block_on(client.clone().complete(&engine, &id)).unwrap().length, 6000);
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
    }
}

/// A client that stands still locks nobody out, and no clock is needed for that.
#[test]
fn a_newcomer_passes_a_stalled_writer_at_once() {
    for (client, at) in [
        (Client::slots(&content(1, 1500), 1500), slot(0, 1)),
        (Client::offsets(&content(1, 1500)), offset(0)),
    ] {
        let world = World::new(1);
        let engine = world.engine();
        let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
        let done = RefCell::new(None);
        let mut sim = Sim::new(1);
        for stalled in 0..3 {
            let (engine, client, id, at) = (&engine, &client, &id, at.clone());
            sim.spawn(format!("stalled {stalled}"), async move {
                let mut body = Script::of(&client.whole.slice(..900)).stall();
                drop(engine.write(&client.who, id, at, &mut body).await);
            });
        }
        sim.run();
        sim.spawn("newcomer", async {
            *done.borrow_mut() =
                Some(engine.write(&client.who, &id, at, &mut Script::of(&client.whole)).await);
        });
        sim.run();
        completed(done.take().expect("the newcomer waits for nobody"));
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
    }
}

/// Equal bodies at once, by offset, of which one completes the upload: each is stored, or told to ask how far it is.
#[test]
fn equal_extents_at_once_are_never_the_stores_fault() {
    for seed in 0..300 {
        let world = World::new(seed);
        let chaos = Chaos::new(Course::slow(seed, 6));
        let engine = world.troubled(&chaos);
        let client = Client::offsets(&content(1, 5000));
        let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
        let (first, last) = (client.whole.slice(..2000), client.whole.slice(2000..));
        stored(block_on(engine.write(&client.who, &id, offset(0), &mut Script::of(&first))));
        let ends = RefCell::new(Vec::new());
        let mut sim = Sim::new(seed);
        for n in 0..8 {
            let (engine, client, id, last, ends) = (&engine, &client, &id, &last, &ends);
            sim.spawn(format!("writer {n}"), async move {
                let mut random = Random(seed * 8 + n);
                pause(random.below(90)).await;
                let mut body = Script::new().pause(random.below(90)).cut_up(last, &mut random);
                let end = engine.write(&client.who, id, offset(2000), &mut body).await;
                ends.borrow_mut().push(end.map(drop).map_err(|e| e.kind));
            });
        }
        assert!(sim.run().is_empty());
        let ends = ends.take();
        assert!(ends.contains(&Ok(())), "{seed}: {ends:?}");
        let told = |end: &_| matches!(end, Ok(()) | Err(ErrorKind::Busy | ErrorKind::Conflict));
        assert!(ends.iter().all(told), "{seed}: {ends:?}");
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
        sound(&world);
    }
}

/// A cancel while bodies arrive ends them and leaves nothing, whatever they were about to record.
#[test]
fn a_cancel_among_writers_leaves_nothing() {
    for seed in 0..200 {
        let world = World::new(seed);
        let chaos = Chaos::new(Course::slow(seed, 4));
        let engine = world.troubled(&chaos);
        let client = if seed % 2 == 0 {
            Client::slots(&content(1, 5000), 1000)
        } else {
            Client::offsets(&content(1, 5000))
        };
        let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
        let cancelled = RefCell::new(None);
        let mut sim = Sim::new(seed);
        for n in 0..5 {
            let (engine, client, id) = (&engine, &client, &id);
            sim.spawn(format!("writer {n}"), async move {
                let (write, chunk) = match &client.chunks {
                    Some(_) => client.slot(n),
                    None => (offset(0), client.whole.clone()),
                };
                let mut body = Script::new()
                    .pause(n as u64)
                    .data(&chunk.slice(..600))
                    .pause(3)
                    .data(&chunk.slice(600..));
                match engine.write(&client.who, id, write, &mut body).await {
                    Ok(_) => {}
                    Err(e) => assert!(
                        matches!(e.kind, ErrorKind::Gone | ErrorKind::Busy | ErrorKind::Conflict),
                        "{e:?}"
                    ),
                }
            });
        }
        sim.spawn("cancel", async {
            crate::support::exec::pause(seed % 23).await;
            let got = engine.cancel(&client.who, &id).await;
            *cancelled.borrow_mut() = Some(got);
        });
        assert_eq!(sim.run(), Vec::<String>::new(), "seed {seed}");
        let found = sound(&world);
        match cancelled.take().unwrap() {
            Ok(()) => {
                assert!(
                    found.staged.is_empty() && found.objects.is_empty() && found.rows.is_empty(),
                    "seed {seed}"
                );
                assert!(found.beside.is_empty(), "seed {seed}: {:?}", found.beside);
            }
            Err(e) => {
                assert!(matches!(e.kind, ErrorKind::Conflict | ErrorKind::Busy), "{e:?}");
                assert!(matches!(found.heads[&id].phase, Phase::Completed { .. }));
            }
        }
    }
}

/// Bytes that never counted say nothing about the type of those that do.
#[test]
fn a_type_seen_in_bytes_that_were_not_recorded_is_forgotten() {
    let world = World::new(1);
    let chaos = Chaos::new(Course::quiet());
    let engine = world.troubled(&chaos);
    let mut page = b"HTML<script>alert(1)</script>".to_vec();
    page.resize(1200, b' ');
    let mut client = Client::slots(&page.into(), 600).to("pictures");
    client.chunks = Some(vec![client.whole.slice(..4), client.whole.slice(4..)]);
    let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
    let mut picture = b"PNG:".to_vec();
    picture.resize(600, 1);
    // The picture's bytes arrive whole, but its row never comes to be.
    chaos.next_time(Operation::Put, format!("u/{id}/s"), Fate::Before);
    let refused = block_on(engine.write(&client.who, &id, slot(0, 2), &mut Script::of(&picture.into())));
    assert_eq!(refused.unwrap_err().kind, ErrorKind::StorageUnavailable);
    let end = block_on(client.complete(&engine, &id)).unwrap_err();
    assert_eq!(end.kind, ErrorKind::TypeRefused);
    assert!(sound(&world).objects.is_empty(), "nothing of a refused type becomes visible");
}

/// A refused type is the answer, not the trouble that follows from it.
#[test]
fn a_refused_type_is_said_so_by_offset_and_by_slot() {
    let page = bytes::Bytes::from_static(b"HTML<p>hello</p>HTML<p>hello</p>");
    for client in [Client::offsets(&page), Client::slots(&page, 16)] {
        let world = World::new(1);
        let engine = world.engine();
        let mut client = client.to("pictures");
        let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
        assert_eq!(block_on(client.complete(&engine, &id)).unwrap_err().kind, ErrorKind::TypeRefused);
        assert_eq!(block_on(client.complete(&engine, &id)).unwrap_err().kind, ErrorKind::Gone);
        let found = sound(&world);
        assert!(found.staged.is_empty() && found.rows.is_empty() && found.objects.is_empty());
    }
}

/// A length that is fixed while bytes arrive binds those bytes too.
#[test]
fn a_length_fixed_under_a_running_body_holds() {
    // 1,500 bytes are written and not recorded yet when the length comes.
    // In parts the next 500 are one with them.
    let more = if crate::PARTS { 2200 } else { 1800 };
    for (length, fits) in [(1000, false), (more, true), (4000, true)] {
        let world = World::new(1);
        let engine = world.engine();
        let client = Client::offsets(&content(1, 4000));
        let begin = Begin::new("files", Addressing::Offsets, None);
        let id = block_on(engine.begin(&client.who, begin)).unwrap().id;
        let gate = Gate::default();
        let mut sim = Sim::new(1);
        sim.spawn("body", async {
            let whole = &client.whole;
            let frames = Script::of(&whole.slice(..1500)).data(&whole.slice(1500..2000));
            let mut body = frames.wait(&gate).data(&whole.slice(2000..));
            drop(engine.write(&client.who, &id, offset(0), &mut body).await);
        });
        sim.run();
        let fixed = block_on(engine.fix_length(&client.who, &id, length));
        assert_eq!(fixed.map(drop).map_err(|e| e.kind), if fits { Ok(()) } else { Err(ErrorKind::Invalid) });
        gate.open();
        assert_eq!(sim.run(), Vec::<String>::new());
        // Whatever was decided, another process can still read what is stored.
        let length = if fits { length } else { 4000 };
        for engine in [engine.clone(), world.engine()] {
            let seen = block_on(engine.inspect(&client.who, &id)).expect("a readable upload");
            assert!((1500..=length).contains(&seen.frontier), "{seen:?}");
        }
        let mut client = Client::offsets(&client.whole.slice(..length as usize));
        block_on(engine.fix_length(&client.who, &id, length)).unwrap();
        block_on(client.complete(&engine, &id)).unwrap();
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
        sound(&world);
    }
}

/// A request is dropped while its row is put; what comes next, with whatever bytes, cannot harm the row.
#[test]
fn a_row_put_by_a_dropped_request_is_seen_by_the_next() {
    for fate in [Fate::Stop, Fate::After] {
        for waiting in [true, false] {
            let world = World::new(1);
            let chaos = Chaos::new(Course::quiet());
            let engine = world.troubled(&chaos);
            let client = Client::slots(&content(1, 2000), 1000);
            let who = &client.who;
            let id = block_on(engine.begin(who, client.begin())).unwrap().id;
            let row = format!("u/{id}/x/0000000000");
            chaos.next_time(Operation::Put, row.clone(), fate);
            if fate == Fate::After {
                // So that the engine cannot find out at once.
                chaos.next_time(Operation::Get, row, Fate::Before);
            }
            let (write, chunk) = client.slot(0);
            let (others, again) = (content(8, 1000), write.clone());
            let answer = RefCell::new(None);
            let mut sim = Sim::new(1);
            sim.spawn("first", async { drop(engine.write(who, &id, write, &mut Script::of(&chunk)).await) });
            sim.run();
            if !waiting {
                sim.drop_tasks("first");
            }
            sim.spawn("second", async {
                let got = engine.write(who, &id, again, &mut Script::of(&others)).await;
                *answer.borrow_mut() = Some(got);
            });
            sim.run();
            sim.drop_tasks("first");
            assert_eq!(sim.run(), Vec::<String>::new());
            assert_eq!(answer.take().unwrap().unwrap_err().kind, ErrorKind::Conflict);
            sound(&world);
            block_on(client.clone().complete(&engine, &id)).unwrap();
            assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
        }
    }
}

/// A cancel whose request was dropped in the middle is seen by the same process.
#[test]
fn a_cancel_that_was_dropped_after_its_effect_is_seen() {
    let world = World::new(1);
    let chaos = Chaos::new(Course::quiet());
    let engine = world.troubled(&chaos);
    let client = Client::slots(&content(1, 2000), 1000);
    let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
    let (write, chunk) = client.slot(0);
    stored(block_on(engine.write(&client.who, &id, write.clone(), &mut Script::of(&chunk))));
    chaos.next_time(Operation::Put, format!("u/{id}"), Fate::Stop);
    assert!(polls(engine.cancel(&client.who, &id), usize::MAX).is_none());
    let late = block_on(engine.write(&client.who, &id, write, &mut Script::of(&chunk)));
    assert_eq!(late.unwrap_err().kind, ErrorKind::Gone);
    assert_eq!(block_on(engine.inspect(&client.who, &id)).unwrap().stage, Stage::Cancelled);
    world.advance(2 * HOUR);
    block_on(engine.sweep());
    block_on(engine.janitor());
    let found = look(&world);
    assert!(found.staged.is_empty() && found.rows.is_empty() && found.beside.is_empty(), "{found:?}");
}

/// Two processes, one place: the first row wins, and whoever has other bytes hears so.
#[test]
fn of_two_processes_at_one_place_the_first_row_wins() {
    for (same, client) in [
        (true, Client::slots(&content(1, 2000), 1000)),
        (false, Client::slots(&content(1, 2000), 1000)),
        (false, Client::offsets(&content(1, 2000))),
    ] {
        let mut world = World::new(1);
        world.records = MemoryRecords::new().with_shared(true);
        let (one, two) = (world.engine(), world.engine());
        let id = block_on(one.begin(&client.who, client.begin())).unwrap().id;
        let (at, bytes) = match client.chunks {
            Some(_) => client.slot(0),
            None => (offset(0), client.whole.slice(..1000)),
        };
        let other = if same { bytes.clone() } else { content(7, bytes.len()) };
        let (gate, answer) = (Gate::default(), RefCell::new(None));
        let mut sim = Sim::new(1);
        sim.spawn("slower", async {
            let mut body = Script::of(&other.slice(..500)).wait(&gate).data(&other.slice(500..));
            let got = one.write(&client.who, &id, at.clone(), &mut body).await;
            *answer.borrow_mut() = Some(got);
        });
        sim.run();
        stored(block_on(two.write(&client.who, &id, at.clone(), &mut Script::of(&bytes))));
        gate.open();
        assert_eq!(sim.run(), Vec::<String>::new());
        match answer.take().unwrap() {
            Ok(_) => assert!(same),
            Err(e) => assert!(!same && e.kind == ErrorKind::Conflict, "{e:?}"),
        }
        for engine in [&one, &two] {
            assert_eq!(block_on(engine.inspect(&client.who, &id)).unwrap().frontier, 1000);
        }
    }
}
