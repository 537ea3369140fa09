//! The outbox: each completion is told at least once, the same each time, and not again when it was taken.

use std::{cell::RefCell, time::Duration};

use upload_core::{
    Outcome, UploadId,
    ports::{Expected, RecordStore as _},
    record::{Phase, keys},
};
use upload_engine::{Delivered, Engine};
use upload_storage::Operation;

use crate::{
    stops::show,
    support::{
        Chaos, Course, Gate, Sim, World, block_on,
        chaos::Fate,
        check::{clean, look, sound},
        client::Client,
        content,
        exec::pause,
        goods::{Goods, WAYS, Way},
        polls,
        signed::begun,
        world::{ATTACH_WITHIN, HOUR, somebody},
    },
};

const SECOND: Duration = Duration::from_secs(1);

fn complete(engine: &Engine) -> Outcome {
    let client = Client::slots(&content(3, 2500), 1200);
    let id = begun(engine, &client);
    block_on(client.clone().complete(engine, &id)).unwrap()
}

fn deliver(engine: &Engine) -> (u64, u64, u64, u64) {
    let Delivered { taken, failed, waiting, dropped, .. } = block_on(engine.deliver()).unwrap();
    (taken, failed, waiting, dropped)
}

/// Whatever passes after the delivery, it is not told again, and nothing is left of it.
fn never_again(world: &World, engine: &Engine, ids: &[&UploadId]) {
    for hours in [0, 1, 5, 2, 26, 26] {
        world.advance(hours * HOUR);
        for engine in [engine, &world.engine()] {
            assert_eq!(block_on(engine.sweep()).failed + block_on(engine.janitor()).failed, 0);
            assert_eq!(deliver(engine), (0, 0, 0, 0), "after {hours} hours");
        }
        clean(world);
    }
    for id in ids {
        assert_eq!(world.receiver().times(id), 1);
    }
    let found = sound(world);
    assert!(found.outbox.is_empty() && found.beside.is_empty() && found.due.is_empty(), "{found:?}");
}

/// On every way, also where it waits to be attached.
#[test]
fn each_completion_is_delivered_and_not_again() {
    for (attached, minutes) in [(None, 0), (None, 40), (Some(false), 0), (Some(true), 0), (Some(true), 40)] {
        let world = World::new(1).with_receiver();
        // Then it is due in one more hour than otherwise.
        world.advance(Duration::from_secs(60 * minutes));
        let engine = world.engine();
        let mut outcomes = Vec::new();
        if let Some(attach) = attached {
            let client = Client::signed(&content(3, 2500), 2500).to("kept");
            let id = begun(&engine, &client);
            outcomes.push(block_on(client.clone().complete(&engine, &id)).unwrap());
            if attach {
                block_on(engine.attach(&client.who.tenant, &engine.signed_id(&id).unwrap())).unwrap();
            }
        } else {
            outcomes.push(complete(&engine));
            for (n, way) in WAYS.into_iter().enumerate() {
                outcomes.push(block_on(Goods::new(&content(n as u64, 900)).bring(&engine, way)).unwrap());
            }
        }
        assert!(world.receiver().taken().is_empty(), "not before it is asked for");
        assert_eq!(look(&world).outbox.len(), outcomes.len());
        assert_eq!(deliver(&engine), (outcomes.len() as u64, 0, 0, 0));
        for outcome in &outcomes {
            assert!(world.receiver().taken().contains(outcome), "as it was answered");
        }
        assert_eq!(deliver(&engine), (0, 0, 0, 0));
        never_again(&world, &engine, &outcomes.iter().map(|outcome| &outcome.id).collect::<Vec<_>>());
    }
}

/// Attached late, after the time of replay: still told once. (Where it may wait longer than that.)
#[test]
fn it_is_not_told_again_when_its_time_to_be_attached_comes() {
    for delivered in [true, false] {
        let mut world = World::new(1).with_receiver();
        world.settings.replay = 2 * HOUR;
        let engine = world.engine();
        let client = Client::signed(&content(3, 2500), 2500).to("kept");
        let id = begun(&engine, &client);
        block_on(client.clone().complete(&engine, &id)).unwrap();
        if delivered {
            assert_eq!(deliver(&engine), (1, 0, 0, 0));
        }
        world.advance(3 * HOUR);
        block_on(engine.sweep());
        block_on(engine.attach(&client.who.tenant, &engine.signed_id(&id).unwrap())).unwrap();
        if !delivered {
            assert_eq!(deliver(&engine), (1, 0, 0, 0), "the time of replay does not end it");
        }
        world.advance(ATTACH_WITHIN);
        block_on(engine.sweep());
        never_again(&world, &engine, &[&id]);
    }
}

/// What is not taken comes again: after 1 s, 2 s, 4 s and so on, at last after an hour; then, after its lifetime, never.
#[test]
fn a_notice_comes_again_later_and_later_until_it_is_given_up() {
    for restart in [false, true] {
        let world = World::new(1).with_receiver();
        let mut engine = world.engine();
        let outcome = complete(&engine);
        world.receiver().fail(u64::MAX);
        let begun = world.clock_now();
        let mut wait = SECOND;
        let mut times = 0u32;
        loop {
            let late = world.clock_now() >= outcome.committed.plus(world.settings.notice_lifetime);
            if restart {
                engine = world.engine();
            }
            let end = deliver(&engine);
            times += 1;
            if late {
                assert_eq!(end, (0, 0, 0, 1));
                break;
            }
            assert_eq!(end, (0, 1, 0, 0));
            assert_eq!(look(&world).outbox[0].attempts, times);
            world.advance(wait - Duration::from_millis(1));
            assert_eq!(deliver(&engine), (0, 0, 1, 0), "attempt {times}");
            world.advance(Duration::from_millis(1));
            wait = (wait * 2).min(HOUR);
            // The sweep goes by meanwhile.
            block_on(engine.sweep());
        }
        assert!(world.clock_now() > begun && (170..190).contains(&times), "{times} attempts");
        assert!(look(&world).outbox.is_empty());
        world.receiver().fail(0);
        for hours in [0, 2, 26, 26] {
            world.advance(hours * HOUR);
            assert_eq!(block_on(engine.sweep()).failed + block_on(engine.janitor()).failed, 0);
            assert_eq!(deliver(&engine), (0, 0, 0, 0));
        }
        assert!(world.receiver().taken().is_empty() && sound(&world).beside.is_empty());
    }
}

/// Taken at last, long after the time of replay: nothing is left of it then, and it is not told again.
#[test]
fn what_is_taken_late_leaves_nothing() {
    let world = World::new(1).with_receiver();
    let engine = world.engine();
    let outcome = complete(&engine);
    let other = complete(&engine);
    world.receiver().fail(2);
    assert_eq!(deliver(&engine), (0, 2, 0, 0));
    world.advance(26 * HOUR);
    block_on(engine.sweep());
    let client = Client::slots(&content(3, 2500), 1200);
    block_on(engine.remove(&client.who, &other.id)).unwrap();
    world.advance(3 * HOUR);
    assert_eq!(deliver(&engine), (2, 0, 0, 0));
    world.advance(2 * HOUR);
    never_again(&world, &engine, &[&outcome.id, &other.id]);
}

/// A receiver that does not answer is given so long and no longer, and the others do not wait for it.
#[test]
fn a_delivery_has_its_time() {
    let world = World::new(1).with_receiver();
    let engine = world.engine();
    complete(&engine);
    world.receiver().wait(Some(&Gate::default()));
    let end = RefCell::new(None);
    let mut sim = Sim::new(1);
    sim.spawn("deliver", async { *end.borrow_mut() = Some(engine.deliver().await.unwrap()) });
    assert_eq!(sim.run(), ["deliver"]);
    world.advance(world.settings.notice_time - Duration::from_millis(1));
    assert_eq!(sim.run(), ["deliver"]);
    world.advance(Duration::from_millis(1));
    assert_eq!(sim.run(), Vec::<String>::new());
    drop(sim);
    assert_eq!(end.into_inner().unwrap().failed, 1);
    world.receiver().wait(None);
    world.advance(2 * SECOND);
    assert_eq!(deliver(&engine), (1, 0, 0, 0));
}

/// Eight at once, and more than a page of them.
#[test]
fn many_notices_are_delivered_in_one_pass() {
    let world = World::new(1).with_receiver();
    let engine = world.engine();
    let outcomes: Vec<_> =
        (0..40).map(|n| block_on(Goods::new(&content(n, 400)).bring(&engine, Way::Whole)).unwrap()).collect();
    world.receiver().fail(5);
    assert_eq!(deliver(&engine), (35, 5, 0, 0));
    world.advance(SECOND);
    assert_eq!(deliver(&engine), (5, 0, 0, 0));
    never_again(&world, &engine, &outcomes.iter().map(|outcome| &outcome.id).collect::<Vec<_>>());
}

/// A notice that cannot be read is reported, and the others are not kept waiting by it.
#[test]
fn a_damaged_notice_stops_no_other() {
    let world = World::new(1).with_receiver();
    let engine = world.engine();
    complete(&engine);
    let put = world.records.put("n/0", bytes::Bytes::from_static(b"{}"), Expected::Absent);
    block_on(put).unwrap();
    assert_eq!(deliver(&engine), (1, 1, 0, 0));
}

/// Stopped after every effect of the completion and of the delivery: told at least once, the same, and an upload that was never
/// completed is never told of.
#[test]
fn a_stop_after_every_effect_tells_at_least_once_and_nothing_else() {
    for way in WAYS {
        for (answered, removed) in [(true, false), (false, false), (true, true)] {
            for k in 0.. {
                let world = World::new(k).with_receiver();
                let chaos = Chaos::new(Course::quiet().stop(k, answered));
                let engine = world.troubled(&chaos);
                let goods = Goods::new(&content(1, 900));
                let ended = polls(
                    async {
                        let outcome = goods.bring(&engine, way).await.unwrap();
                        engine.deliver().await.unwrap();
                        outcome
                    },
                    usize::MAX,
                );
                drop(engine);
                let case = format!("{way:?} stopped after {k} (answered: {answered}, removed: {removed})");
                show(&case, &chaos, || {
                    let engine = world.engine();
                    if removed {
                        // Completed, and removed before anybody came by.
                        for (id, head) in look(&world).heads {
                            if matches!(head.phase, Phase::Completed { .. }) {
                                block_on(engine.remove(&somebody("acme"), &id)).unwrap();
                            }
                        }
                    }
                    block_on(engine.sweep());
                    block_on(engine.deliver()).unwrap();
                    world.advance(2 * HOUR);
                    assert_eq!(block_on(engine.sweep()).failed + block_on(engine.janitor()).failed, 0);
                    block_on(engine.deliver()).unwrap();
                    let taken = world.receiver().taken();
                    assert!(taken.windows(2).all(|two| two[0] == two[1]), "the same each time");
                    assert!(taken.len() <= 2);
                    let found = sound(&world);
                    let completed = found
                        .heads
                        .values()
                        .filter(|head| matches!(head.phase, Phase::Completed { .. } | Phase::Removed { .. }));
                    let completed: Vec<_> = completed.map(|head| &head.id).collect();
                    assert_eq!(
                        completed,
                        taken.iter().map(|outcome| &outcome.id).take(1).collect::<Vec<_>>()
                    );
                    let times = taken.len();
                    for hours in [2, 26, 26] {
                        world.advance(hours * HOUR);
                        assert_eq!(block_on(engine.sweep()).failed + block_on(engine.janitor()).failed, 0);
                        assert_eq!(deliver(&engine), (0, 0, 0, 0));
                        clean(&world);
                    }
                    assert_eq!(world.receiver().taken().len(), times);
                    let found = sound(&world);
                    assert!(
                        found.outbox.is_empty() && found.beside.is_empty() && found.due.is_empty(),
                        "{found:?}"
                    );
                });
                if ended.is_some() {
                    assert!(k > 12, "{case}: too short");
                    break;
                }
            }
        }
    }
}

/// Between the mark and the removal of the notice: it was taken, and is not told again.
#[test]
fn a_stop_between_mark_and_removal_tells_nobody_again() {
    let world = World::new(1).with_receiver();
    let chaos = Chaos::new(Course::quiet());
    let engine = world.troubled(&chaos);
    let outcome = complete(&engine);
    chaos.next_time(Operation::DeleteRecord, keys::notice(&outcome.id), Fate::Before);
    assert!(block_on(engine.deliver()).is_err());
    assert_eq!((look(&world).outbox.len(), world.receiver().times(&outcome.id)), (1, 1));
    let engine = world.engine();
    assert_eq!(deliver(&engine), (0, 0, 0, 0));
    never_again(&world, &engine, &[&outcome.id]);
}

/// Two processes that deliver, sweep and complete at once, on slow stores: at least once each, and in the end nothing is left.
#[test]
fn two_processes_deliver_at_least_once() {
    for seed in 0..60 {
        let world = World::new(seed).with_receiver().with_processes();
        let chaos = Chaos::new(Course::slow(seed, 3));
        let engines = [world.troubled(&chaos), world.troubled(&chaos)];
        world.receiver().fail(seed % 5);
        let outcomes = RefCell::new(Vec::new());
        let mut sim = Sim::new(seed);
        for engine in &engines {
            sim.spawn("deliver", async {
                for n in 0..6 {
                    pause(n * 40).await;
                    engine.deliver().await.unwrap();
                    assert_eq!(engine.sweep().await.failed, 0);
                }
            });
        }
        for n in 0..6 {
            let (engine, outcomes) = (&engines[n % 2], &outcomes);
            sim.spawn(format!("bring {n}"), async move {
                let outcome = Goods::new(&content(n as u64, 900)).bring(engine, WAYS[n % 3]).await.unwrap();
                outcomes.borrow_mut().push(outcome);
            });
        }
        show(&format!("seed {seed}"), &chaos, || {
            assert_eq!(sim.run(), Vec::<String>::new());
            chaos.heal();
            world.advance(SECOND);
            deliver(&engines[0]);
            world.advance(4 * SECOND);
            deliver(&engines[1]);
            let taken = world.receiver().taken();
            for outcome in outcomes.borrow().iter() {
                assert!((1..=2).contains(&world.receiver().times(&outcome.id)), "{}", outcome.id);
                assert!(taken.contains(outcome));
            }
            world.advance(2 * HOUR);
            for engine in &engines {
                assert_eq!(block_on(engine.sweep()).failed + block_on(engine.janitor()).failed, 0);
                assert_eq!(deliver(engine), (0, 0, 0, 0));
            }
            assert_eq!(world.receiver().taken().len(), taken.len());
        });
    }
}

/// Whoever waits for notices hears of each, also of one that was put before it began to wait.
#[test]
fn whoever_waits_hears_of_notices() {
    let world = World::new(1).with_receiver();
    let engine = world.engine();
    complete(&engine);
    assert!(polls(engine.undelivered(), usize::MAX).is_some(), "one that was put before");
    assert_eq!(deliver(&engine), (1, 0, 0, 0));
    assert!(polls(engine.undelivered(), usize::MAX).is_none(), "there is none");
    let mut sim = Sim::new(1);
    sim.spawn("wait", engine.undelivered());
    assert_eq!(sim.run(), ["wait"]);
    complete(&engine);
    assert_eq!(sim.run(), Vec::<String>::new());
}
