//! Races that were lost by simpler designs, replayed.

use std::{cell::RefCell, sync::Arc};

use upload_core::{ErrorKind, Stage};
use upload_storage::{Counted, Operation, Paused, memory::MemoryRecords};

use crate::support::{
    Chaos, Course, Gate, Random, Script, Sim, World, block_on,
    chaos::Fate,
    check::sound,
    client::{Client, completed, offset, slot, stored},
    content, polls,
};

/// A write that stands still in the store outlives its request; nobody writes there, and nothing is published, before
/// it has returned.
#[test]
fn a_writer_paused_inside_its_write_cannot_change_what_another_completes() {
    for dropped in [true, false] {
        let world = World::new(1);
        let blobs = Paused::new(Arc::new(world.blobs.clone()));
        let engine = world.over(Arc::new(blobs.clone()), Arc::new(world.records.clone()));
        let client = Client::slots(&content(1, 3000), 1000);
        let who = &client.who;
        let id = block_on(engine.begin(who, client.begin())).unwrap().id;
        let others = content(2, 1000);
        let end = RefCell::new(None);
        let mut sim = Sim::new(1);
        blobs.pause(1);
        sim.spawn("old", async {
            let answer = engine.write(who, &id, slot(1, 3), &mut Script::of(&others)).await;
            assert_eq!(answer.unwrap_err().kind, ErrorKind::Conflict, "it gets the answer of its place");
        });
        assert_eq!(sim.run(), ["old"]);
        assert_eq!(blobs.held(), 1);
        if dropped {
            sim.drop_tasks("old");
        }
        sim.spawn("new", async {
            for n in [0, 2, 1] {
                let (write, chunk) = client.slot(n);
                *end.borrow_mut() =
                    Some(engine.write(who, &id, write, &mut Script::of(&chunk)).await.unwrap());
            }
        });
        assert!(sim.run().contains(&"new".to_owned()), "the place is not free");
        assert!(world.heard.outcomes().is_empty());
        sim.spawn("disk", async { assert_eq!(blobs.release().await, 1) });
        assert_eq!(sim.run(), Vec::<String>::new());
        completed(Ok(end.take().unwrap()));
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
        sound(&world);
    }
}

/// A late write to a place that the upload turned out not to have still holds its publishing up.
#[test]
fn nothing_is_published_while_any_write_may_still_change_bytes() {
    let world = World::new(1);
    let blobs = Paused::new(Arc::new(world.blobs.clone()));
    let engine = world.over(Arc::new(blobs.clone()), Arc::new(world.records.clone()));
    let client = Client::slots(&content(1, 2000), 1000);
    let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
    let lost = content(2, 600);
    let mut sim = Sim::new(1);
    blobs.pause(1);
    // Chunk 2 of 3, where there are going to be 2.
    sim.spawn("lost", async {
        drop(engine.write(&client.who, &id, slot(2, 3), &mut Script::of(&lost)).await)
    });
    sim.run();
    sim.drop_tasks("lost");
    sim.spawn("client", async { drop(client.clone().complete(&engine, &id).await.unwrap()) });
    assert_eq!(sim.run(), ["client"]);
    assert!(sound(&world).objects.is_empty(), "published under a write");
    sim.spawn("disk", async { assert_eq!(blobs.release().await, 1) });
    assert_eq!(sim.run(), Vec::<String>::new());
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
    assert!(sound(&world).staged.is_empty(), "the late write left something");
}

/// Two bodies for one slot at once: the newer one has it, the older one reads on and is told what the place got.
#[test]
fn of_two_bodies_for_one_slot_the_newer_wins_and_the_older_hears_of_it() {
    for seed in 0..40 {
        for same in [true, false] {
            let world = World::new(seed);
            let chaos = Chaos::new(Course::slow(seed, 3));
            let engine = world.troubled(&chaos);
            let client = Client::slots(&content(1, 4000), 2000);
            let who = &client.who;
            let id = block_on(engine.begin(who, client.begin())).unwrap().id;
            let old = if same { client.slot(0).1 } else { content(9, 2000) };
            let gate = Gate::default();
            let answers = RefCell::new(Vec::new());
            let mut sim = Sim::new(seed);
            sim.spawn("older", async {
                let mut body = Script::of(&old.slice(..1500)).wait(&gate).data(&old.slice(1500..));
                let answer = engine.write(who, &id, slot(0, 2), &mut body).await;
                answers.borrow_mut().push(("older", answer.map(|w| stored(Ok(w)).rows).map_err(|e| e.kind)));
            });
            assert_eq!(sim.run(), ["older"]);
            sim.spawn("newer", async {
                let (write, chunk) = client.slot(0);
                let mut body = Script::of(&chunk.slice(..700)).pause(seed % 5).data(&chunk.slice(700..));
                let answer = engine.write(who, &id, write, &mut body).await;
                answers.borrow_mut().push(("newer", answer.map(|w| stored(Ok(w)).rows).map_err(|e| e.kind)));
            });
            if seed % 2 == 0 {
                assert_eq!(sim.run(), ["older"], "the newer one needs nothing of the older one's client");
            }
            gate.open();
            assert_eq!(sim.run(), Vec::<String>::new());
            let mut answers = answers.take();
            answers.sort_by_key(|(who, _)| *who);
            match (same, &answers[..]) {
                (true, [("newer", Ok(1)), ("older", Ok(1))]) => {}
                (false, [("newer", Ok(1)), ("older", Err(ErrorKind::Conflict))]) => {}
                // Where both had all their bytes, the older one may have been done before.
                (false, [("newer", Err(ErrorKind::Conflict)), ("older", Ok(1))]) if seed % 2 == 1 => continue,
                other => panic!("seed {seed}: {other:?}"),
            }
            block_on(client.clone().complete(&engine, &id)).unwrap();
            assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
            sound(&world);
        }
    }
}

/// Eight chunks at once, 8 at a time, nothing known of their size; odd sizes share blocks of any file system.
#[test]
fn the_first_eight_slots_at_once_with_sizes_unknown_keep_every_byte() {
    for seed in 0..200 {
        let mut world = World::new(seed);
        // Every other time each call looks at the records again, as where several processes share them.
        world.records = MemoryRecords::new().with_shared(seed % 2 == 1);
        let chaos = Chaos::new(Course::slow(seed, 4));
        let engine = world.troubled(&chaos);
        let size = 3 + 2 * Random(seed).below(1200) as usize;
        let client = Client::slots(&content(seed, size * 11 + 1 + (seed as usize % size)), size);
        let total = client.chunks.as_ref().unwrap().len();
        let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
        let outcomes = RefCell::new(Vec::new());
        let mut sim = Sim::new(seed);
        for lane in 0..8 {
            let (client, engine, id, outcomes) = (&client, &engine, &id, &outcomes);
            sim.spawn(format!("lane {lane}"), async move {
                let mut random = Random(seed * 8 + lane as u64);
                for n in (0..total).filter(|n| n % 8 == lane) {
                    let (write, chunk) = client.slot(n);
                    loop {
                        let mut body = Script::new().cut_up(&chunk, &mut random);
                        match engine.write(&client.who, id, write.clone(), &mut body).await {
                            Err(e) if e.kind == ErrorKind::Busy => {}
                            Ok(upload_engine::Written::Completed(outcome)) => {
                                break outcomes.borrow_mut().push(*outcome);
                            }
                            other => break drop(other.unwrap()),
                        }
                    }
                }
            });
        }
        assert_eq!(sim.run(), Vec::<String>::new());
        assert!(!outcomes.borrow().is_empty());
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole, "seed {seed}");
        sound(&world);
    }
}

/// The process stops between publishing and completing; afterwards somebody only looks.
#[test]
fn a_stop_after_publish_is_mended_by_looking() {
    let client = Client::slots(&content(3, 2500), 1000);
    let mut met = false;
    for k in 0..80 {
        let world = World::new(7);
        let chaos = Chaos::new(Course::quiet().stop(k, true));
        let engine = world.troubled(&chaos);
        let id = RefCell::new(None);
        let ended = polls(
            async {
                let begun = engine.begin(&client.who, client.begin()).await.unwrap().id;
                *id.borrow_mut() = Some(begun.clone());
                client.clone().complete(&engine, &begun).await.unwrap();
            },
            usize::MAX,
        );
        let published = chaos.trace().iter().rposition(|call| call.contains(" Publish "));
        if ended.is_none() && published.is_some_and(|p| p < k as usize) {
            met = true;
            drop(engine);
            let (engine, id) = (world.engine(), id.take().unwrap());
            let seen = block_on(engine.inspect(&client.who, &id)).unwrap();
            assert!(matches!(seen.stage, Stage::Completed(_)), "{seen:?}");
            assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
            assert_eq!(world.heard.outcomes().len(), 1);
        }
    }
    assert!(met, "no stop came after the publishing");
}

/// Every head's compare-and-swap may end unknown after it has happened: nobody notices.
#[test]
fn a_head_put_that_ends_unknown_after_success_is_a_success() {
    for nth in 0..4 {
        let world = World::new(nth);
        let chaos = Chaos::new(Course::quiet());
        let engine = world.troubled(&chaos);
        let client = Client::slots(&content(4, 2000), 1000);
        let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
        let fates = (0..4).map(|n| if n == nth { Fate::After } else { Fate::Well });
        fates.for_each(|fate| chaos.next_time(Operation::Put, format!("u/{id}"), fate));
        for n in [1, 0] {
            let (mut write, chunk) = client.slot(n);
            write.finish_when_complete = false;
            stored(block_on(engine.write(&client.who, &id, write, &mut Script::of(&chunk))));
        }
        let outcome = block_on(engine.finish(&client.who, &id)).unwrap();
        assert_eq!(world.heard.outcomes(), [outcome]);
        sound(&world);
    }
}

/// Ten thousand chunks: what the 9,990th costs in calls is what the tenth did.
#[test]
fn the_last_of_ten_thousand_chunks_costs_as_many_calls_as_the_tenth() {
    let world = World::new(1);
    let (blobs, records) =
        (Counted::new(Arc::new(world.blobs.clone())), Counted::new(Arc::new(world.records.clone())));
    let engine = world.over(Arc::new(blobs.clone()), Arc::new(records.clone()));
    let client = Client::slots(&content(5, 8 * 10_000), 8).to("long");
    let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
    let mut costs = Vec::new();
    for n in 0..10_000 {
        let before = (blobs.counts(), records.counts());
        let (write, chunk) = client.slot(n);
        let written = block_on(engine.write(&client.who, &id, write, &mut Script::of(&chunk))).unwrap();
        let cost = (blobs.counts() - before.0, records.counts() - before.1);
        costs.push((cost.0.all(), cost.1.all(), cost.1.bytes(Operation::Put)));
        drop(written);
    }
    assert_eq!(costs[10].0, costs[9_990].0, "calls of the blob store");
    assert_eq!(costs[10].1, costs[9_990].1, "calls of the record store");
    assert!(costs[9_990].2 <= costs[10].2 + 8, "bytes of records: {} and {}", costs[9_990].2, costs[10].2);
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// In order, nothing is read back; out of order, each writer reads at most as much as it wrote.
#[test]
fn digests_read_back_nothing_in_order_and_each_writer_its_share_out_of_order() {
    let jumps = (1..=20).chain([0]).chain(22..40).chain([21]).collect::<Vec<_>>();
    for (order, in_order) in [((0..40).collect(), true), ((0..40).rev().collect(), false), (jumps, false)] {
        let world = World::new(1);
        let blobs = Counted::new(Arc::new(world.blobs.clone()));
        let engine = world.over(Arc::new(blobs.clone()), Arc::new(world.records.clone()));
        let client = Client::slots(&content(6, 40 * 777), 777);
        let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
        for (i, n) in order.iter().enumerate() {
            let before = blobs.counts();
            let (write, chunk) = client.slot(*n);
            block_on(engine.write(&client.who, &id, write, &mut Script::of(&chunk))).unwrap();
            let read = (blobs.counts() - before).bytes(Operation::ReadStaged);
            assert!(i == 39 || read <= chunk.len() as u64, "chunk {n} read {read} bytes back");
        }
        let read = blobs.counts().bytes(Operation::ReadStaged);
        assert!(read <= client.whole.len() as u64 && (!in_order || read == 0), "{read} bytes were read back");
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
    }
}

/// The same by offset, with checkpoints, in several requests: nothing is read back.
#[test]
fn a_stream_by_offset_reads_nothing_back() {
    let world = World::new(1);
    let blobs = Counted::new(Arc::new(world.blobs.clone()));
    let engine = world.over(Arc::new(blobs.clone()), Arc::new(world.records.clone()));
    let client = Client::offsets(&content(6, 20_000));
    let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
    for (from, to) in [(0, 7000), (7000, 7100), (7100, 20_000)] {
        let mut body = Script::new().cut_up(&client.whole.slice(from..to), &mut Random(from as u64));
        block_on(engine.write(&client.who, &id, offset(from as u64), &mut body)).unwrap();
    }
    assert_eq!(blobs.counts().bytes(Operation::ReadStaged), 0);
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// I2: a row says that its bytes are durable, so it is put only after a sync that came after the last of them.
#[test]
fn a_row_is_put_only_after_its_bytes_were_synced() {
    for client in [Client::slots(&content(1, 9000), 1500), Client::offsets(&content(1, 9000))] {
        let world = World::new(1);
        let chaos = Chaos::new(Course::quiet());
        let engine = world.troubled(&chaos);
        let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
        let mut client = client;
        block_on(client.complete(&engine, &id)).unwrap();
        let (mut synced, mut rows) = (true, 0);
        for call in chaos.trace() {
            if call.contains(" Write s/") || call.contains(" Move s/") {
                synced = false;
            } else if call.contains(" Sync s/") {
                synced = true;
            } else if call.contains(" Put u/") && call.contains("/x/") {
                assert!(synced, "{call} before its bytes were durable");
                rows += 1;
            }
        }
        assert!(rows > 0);
    }
}

/// A failed sync is never tried again: the upload fails, and it is the storage's fault.
#[test]
fn a_failed_sync_fails_the_upload_for_good() {
    for client in [Client::slots(&content(1, 3000), 1500), Client::offsets(&content(1, 3000))] {
        let world = World::new(1);
        let chaos = Chaos::new(Course::quiet());
        let engine = world.troubled(&chaos);
        let mut client = client;
        let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
        chaos.next_time(Operation::Sync, "", Fate::Before);
        let end = block_on(client.complete(&engine, &id)).unwrap_err();
        assert_eq!((end.kind, client.budget > 390), (ErrorKind::Gone, true));
        assert!(matches!(block_on(engine.inspect(&client.who, &id)).unwrap().stage, Stage::Failed(_)));
        let syncs = chaos.trace().iter().filter(|call| call.contains(" Sync ")).count();
        let found = sound(&world);
        assert!(syncs == 1 && found.staged.is_empty() && found.rows.is_empty(), "{syncs} {found:?}");
    }
}
