//! The ledger: what uploads cost is the sum over what was completed, whenever and by whomever it is asked.

use std::{cell::RefCell, time::Duration};

use proptest::prelude::*;
use upload_core::{
    Charge, Outcome,
    lifecycle::Begin,
    ports::RecordStore,
    record::{Addressing, BalanceRecord, Phase, decode},
};
use upload_engine::{Engine, Limits};

use crate::{
    stops::show,
    support::{
        Chaos, Course, Random, Script, Sim, World, block_on,
        check::{accounts, look},
        client::{Client, slot},
        content,
        exec::pause,
        goods::{Goods, WAYS, tidy},
        polls,
        world::{HOUR, somebody},
    },
};

async fn settle(engine: &Engine, who: &str, seed: u64, charges: Vec<Charge>) -> Outcome {
    let bytes = content(seed, 300);
    let received = engine.receive(Limits::new(4000), &mut Script::of(&bytes)).await.unwrap();
    let mut begin = Begin::new("files", Addressing::Offsets, None);
    begin.charges = charges;
    engine.settle(&somebody(who), received, begin).await.unwrap()
}

fn spent(engine: &Engine, who: &str) -> u64 {
    block_on(engine.spent(&somebody(who))).unwrap()
}

/// What the ledger should come to, from what the stores say of uploads.
fn owed(world: &World) -> u64 {
    let heads = look(world).heads;
    let completed =
        heads.values().filter(|head| matches!(head.phase, Phase::Completed { .. } | Phase::Removed { .. }));
    completed.map(|head| Charge::sum(&head.charges)).sum()
}

fn saved(world: &World) -> Vec<BalanceRecord> {
    let found = block_on(world.records.list("b/", None, 100)).unwrap();
    found.iter().map(|(key, stored)| decode::<BalanceRecord>(key, &stored.value).unwrap().1).collect()
}

/// Each tenant pays for what is its own, in every process, and what costs nothing is not entered.
#[test]
fn each_tenant_pays_for_its_own() {
    let world = World::new(1);
    let engine = world.engine();
    assert_eq!(spent(&engine, "acme"), 0);
    let two = vec![Charge::new("storing", 5), Charge::new("looking", 7)];
    let outcome = block_on(settle(&engine, "acme", 1, two.clone()));
    assert_eq!(outcome.charges, two);
    assert_eq!(spent(&engine, "acme"), 12);
    block_on(settle(&engine, "another", 1, vec![Charge::new("storing", 100)]));
    block_on(settle(&engine, "acme", 2, Vec::new()));
    for way in WAYS {
        block_on(Goods::new(&content(way as u64, 900)).bring(&engine, way)).unwrap();
    }
    for engine in [&engine, &world.engine()] {
        assert_eq!((spent(engine, "acme"), spent(engine, "another"), spent(engine, "nobody")), (33, 100, 0));
    }
    assert_eq!(accounts(&world).ledger.len(), 5);
    // What is removed has cost what it cost; what was given up costs nothing.
    block_on(engine.remove(&somebody("acme"), &outcome.id)).unwrap();
    let mut begin = Begin::new("files", Addressing::Slots, Some(100));
    begin.charges = vec![Charge::new("storing", 1000)];
    let id = block_on(engine.begin(&somebody("acme"), begin)).unwrap().id;
    block_on(engine.cancel(&somebody("acme"), &id)).unwrap();
    world.advance(50 * HOUR);
    block_on(engine.sweep());
    block_on(engine.janitor());
    for engine in [&engine, &world.engine()] {
        assert_eq!((spent(engine, "acme"), spent(engine, "another")), (33, 100));
    }
    // Too much for a number is the most there is.
    block_on(settle(&engine, "acme", 9, vec![Charge::new("storing", u64::MAX)]));
    assert_eq!((spent(&engine, "acme"), spent(&world.engine(), "acme")), (u64::MAX, u64::MAX));
}

/// What another process enters is seen after its time, what this one enters at once.
#[test]
fn the_entries_of_another_process_are_seen_in_time() {
    let world = World::new(1).with_processes();
    let [one, two] = [world.engine(), world.engine()];
    block_on(settle(&one, "acme", 0, vec![Charge::new("storing", 1)]));
    assert_eq!((spent(&one, "acme"), spent(&two, "acme")), (1, 1));
    block_on(settle(&one, "acme", 1, vec![Charge::new("storing", 5)]));
    assert_eq!((spent(&one, "acme"), spent(&two, "acme")), (6, 1));
    world.advance(world.settings.sum_time - Duration::from_millis(1));
    assert_eq!(spent(&two, "acme"), 1);
    world.advance(Duration::from_millis(1));
    assert_eq!((spent(&one, "acme"), spent(&two, "acme")), (6, 6));
}

/// A saved sum is a cache: with it and without it the sum is the same, and old entries are not listed again.
#[test]
fn a_saved_sum_saves_reading_and_changes_nothing() {
    let world = World::new(1);
    let engine = world.engine();
    for n in 0..30 {
        block_on(settle(&engine, ["acme", "another"][n % 2], n as u64, vec![Charge::new("storing", 1 << n)]));
        world.advance(HOUR / 4);
    }
    let whole = ((1u64 << 30) / 3, (1u64 << 31) / 3);
    assert_eq!((spent(&engine, "acme"), spent(&engine, "another")), whole);
    assert!(saved(&world).is_empty());
    block_on(engine.sweep());
    assert_eq!(block_on(engine.janitor()).failed, 0);
    assert_eq!(saved(&world).len(), 2, "each tenant's");
    let calls = |saves: bool| {
        let chaos = Chaos::new(Course::quiet());
        let engine = world.troubled(&chaos);
        assert_eq!((spent(&engine, "acme"), spent(&engine, "another")), whole, "saved: {saves}");
        chaos.calls()
    };
    let few = calls(true);
    for (key, stored) in block_on(world.records.list("b/", None, 100)).unwrap() {
        block_on(world.records.delete(&key, &stored.version)).unwrap();
    }
    assert!(few < calls(false));
}

/// Who asks while entries are put hears of each that was told before, of none that is not begun, and of all in the end.
#[test]
fn whoever_asks_at_any_time_hears_a_true_sum() {
    for seed in 0..150 {
        let world = World::new(seed);
        let chaos = Chaos::new(Course::slow(seed, 4));
        let engine = world.troubled(&chaos);
        let (told, begun) = (RefCell::new(0u64), RefCell::new(0u64));
        let mut sim = Sim::new(seed);
        let mut random = Random(seed);
        for n in 0..8u64 {
            let (engine, told, begun, late) = (&engine, &told, &begun, random.below(60));
            sim.spawn(format!("settle {n}"), async move {
                pause(late).await;
                *begun.borrow_mut() += 1 << n;
                settle(engine, "acme", n, vec![Charge::new("storing", 1 << n)]).await;
                *told.borrow_mut() += 1 << n;
            });
        }
        for n in 0..6 {
            let (engine, told, begun, late) = (&engine, &told, &begun, random.below(20));
            let world = &world;
            sim.spawn(format!("ask {n}"), async move {
                for _ in 0..5 {
                    pause(late).await;
                    if n == 0 {
                        world.advance(world.settings.sum_time);
                    }
                    let least = *told.borrow();
                    let sum = engine.spent(&somebody("acme")).await.unwrap();
                    let most = *begun.borrow();
                    assert!(sum & least == least && sum & !most == 0, "{least:b} <= {sum:b} <= {most:b}");
                }
            });
        }
        show(&format!("seed {seed}"), &chaos, || {
            assert_eq!(sim.run(), Vec::<String>::new());
            chaos.heal();
            assert_eq!(spent(&engine, "acme"), 255);
        });
    }
}

/// Asking and entering, dropped at every await: nobody waits for what was dropped, and the sum is right.
#[test]
fn a_drop_at_every_await_leaves_a_true_sum() {
    for seed in 0..4 {
        for n in 1.. {
            let world = World::new(seed);
            let chaos = Chaos::new(Course::slow(seed, 3));
            let engine = world.troubled(&chaos);
            block_on(settle(&engine, "acme", 1, vec![Charge::new("storing", 1)]));
            let both = async {
                futures_util::future::join3(
                    settle(&engine, "acme", 2, vec![Charge::new("storing", 2)]),
                    engine.spent(&somebody("acme")),
                    settle(&engine, "acme", 3, vec![Charge::new("storing", 4)]),
                )
                .await
            };
            let ended = polls(both, n).is_some();
            chaos.heal();
            show(&format!("seed {seed}, dropped at {n}"), &chaos, || {
                // What was completed and not entered is entered by the sweep; all of it counts at once.
                let before = spent(&engine, "acme");
                assert_eq!(owed(&world) & before, before);
                block_on(engine.sweep());
                assert_eq!(spent(&engine, "acme"), owed(&world));
                accounts(&world);
            });
            if ended {
                break;
            }
        }
    }
}

/// An entry that comes late, because whoever committed was stopped before it: no sum is saved past it.
#[test]
fn no_sum_is_saved_past_an_entry_that_is_still_to_come() {
    for way in WAYS {
        for answered in [true, false] {
            for k in 0.. {
                let world = World::new(k);
                block_on(settle(&world.engine(), "acme", 1, vec![Charge::new("storing", 1)]));
                // So that it is no due key of this one that keeps sums from being saved.
                world.advance(26 * HOUR);
                block_on(world.engine().sweep());
                let chaos = Chaos::new(Course::quiet().stop(k, answered));
                let engine = world.troubled(&chaos);
                let goods = Goods::new(&content(k, 900));
                let ended = polls(goods.bring(&engine, way), usize::MAX);
                drop(engine);
                show(&format!("{way:?} stopped after {k} (answered: {answered})"), &chaos, || {
                    let engine = world.engine();
                    for _ in 0..3 {
                        world.advance(3 * HOUR);
                        assert_eq!(block_on(engine.janitor()).failed, 0);
                    }
                    assert_eq!(saved(&world).len(), 1);
                    assert_eq!(block_on(engine.sweep()).failed, 0);
                    for engine in [&engine, &world.engine()] {
                        assert_eq!(spent(engine, "acme"), owed(&world));
                    }
                    tidy(&world, &engine);
                    assert_eq!(spent(&world.engine(), "acme"), owed(&world));
                });
                if ended.is_some() {
                    break;
                }
            }
        }
    }
}

/// A sweep that comes between the due key and the closing does not take the key: or the entry could come too late.
#[test]
fn a_sweep_while_a_set_is_closed_leaves_it_due() {
    let mut late = 0;
    for seed in 0..40 {
        for n in 1.. {
            let world = World::new(seed);
            block_on(settle(&world.engine(), "acme", 1, vec![Charge::new("storing", 1)]));
            world.advance(26 * HOUR);
            block_on(world.engine().sweep());
            let engine = world.engine();
            let client = Client::slots(&content(3, 2000), 1000);
            let mut begin = client.begin();
            begin.charges = vec![Charge::new("storing", 2)];
            let id = block_on(engine.begin(&client.who, begin)).unwrap().id;
            for n in 0..2 {
                let (mut write, chunk) = client.slot(n);
                write.finish_when_complete = false;
                block_on(engine.write(&client.who, &id, write, &mut Script::of(&chunk))).unwrap();
            }
            let chaos = Chaos::new(Course::slow(seed, 8));
            let engine = world.troubled(&chaos);
            let sweep = async {
                // Finishing begins with looking at the records.
                pause(seed * 3).await;
                engine.sweep().await
            };
            let both = async { futures_util::future::join(engine.finish(&client.who, &id), sweep).await };
            let ended = polls(both, n).is_some();
            drop(engine);
            let engine = world.engine();
            let found = look(&world);
            let closed = !matches!(found.heads[&id].phase, Phase::Receiving);
            late += usize::from(closed && !found.ledger.contains_key(&id));
            show(&format!("seed {seed}, stopped at poll {n}"), &chaos, || {
                world.advance(2 * HOUR);
                assert_eq!(block_on(engine.janitor()).failed, 0);
                assert_eq!(block_on(engine.sweep()).failed, 0);
                if closed {
                    assert!(look(&world).ledger.contains_key(&id), "it waits for its deadline");
                }
                world.advance(26 * HOUR);
                assert_eq!(block_on(engine.janitor()).failed, 0);
                assert_eq!(block_on(engine.sweep()).failed, 0);
                assert_eq!(spent(&world.engine(), "acme"), owed(&world));
            });
            if ended {
                break;
            }
        }
    }
    assert!(late > 20, "it was never between: {late}");
}

/// What happens to the ledger.
#[derive(Debug, Clone)]
enum Act {
    /// An upload, dropped after so many polls.
    Upload {
        way: usize,
        amount: u64,
        polled: usize,
    },
    /// Asked by one of the processes.
    Ask(usize),
    Sweep(usize),
    Janitor(usize),
    Jump(u64),
    Restart(usize),
    Remove,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..3usize, 1..1000u64, prop_oneof![Just(usize::MAX), 1..200usize])
            .prop_map(|(way, amount, polled)| Act::Upload { way, amount, polled }),
        4 => (0..2usize).prop_map(Act::Ask),
        2 => (0..2usize).prop_map(Act::Sweep),
        3 => (0..2usize).prop_map(Act::Janitor),
        4 => prop_oneof![Just(1), 10..200u64].prop_map(Act::Jump),
        1 => (0..2usize).prop_map(Act::Restart),
        1 => Just(Act::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Uploads that end anywhere, processes that end anywhere, sums that are saved at any time: in the end the sum is that of the
    /// outcomes, and no answer on the way was more than that, or less than what was told an hour before.
    #[test]
    fn the_sum_is_that_of_the_completed_uploads(seed in any::<u64>(), acts in prop::collection::vec(act(), 1..40)) {
        let world = World::new(seed).with_processes();
        let chaos = Chaos::new(Course::slow(seed, 1));
        let mut engines = [world.troubled(&chaos), world.troubled(&chaos)];
        let mut random = Random(seed);
        let mut told = 0;
        for (n, act) in acts.iter().enumerate() {
            match act {
                Act::Upload { way, amount, polled } => {
                    let mut goods = Goods::new(&content(seed ^ n as u64, 500));
                    goods.amount = *amount;
                    let engine = &engines[random.below(2) as usize];
                    if let Some(end) = polls(goods.bring(engine, WAYS[*way]), *polled) {
                        end.unwrap();
                        told += amount;
                    }
                }
                Act::Ask(n) => {
                    let sum = spent(&engines[*n], "acme");
                    prop_assert!(sum <= owed(&world));
                    world.advance(world.settings.sum_time);
                    let sum = spent(&engines[*n], "acme");
                    prop_assert!(told <= sum && sum <= owed(&world), "{told} <= {sum} <= {}", owed(&world));
                }
                Act::Sweep(n) => prop_assert_eq!(block_on(engines[*n].sweep()).failed, 0),
                Act::Janitor(n) => prop_assert_eq!(block_on(engines[*n].janitor()).failed, 0),
                Act::Jump(minutes) => world.advance(Duration::from_secs(60 * minutes)),
                Act::Restart(n) => engines[*n] = world.troubled(&chaos),
                Act::Remove => {
                    let found = look(&world);
                    let completed = found.heads.values().find(|head| matches!(head.phase, Phase::Completed { .. }));
                    if let Some(head) = completed {
                        block_on(engines[0].remove(&somebody("acme"), &head.id)).unwrap();
                    }
                }
            }
            // Heads of what was removed go in their time; what they cost was owed nevertheless.
            if matches!(act, Act::Sweep(_)) {
                prop_assume!(world.clock_now().millis() < 1_700_000_123_456 + 24 * 3_600_000);
            }
        }
        prop_assert_eq!(block_on(engines[0].sweep()).failed, 0);
        accounts(&world);
        world.advance(world.settings.sum_time);
        for engine in [&engines[0], &engines[1], &world.engine()] {
            prop_assert_eq!(spent(engine, "acme"), owed(&world));
        }
    }
}
