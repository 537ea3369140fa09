//! Unique content on stores that fail and among all who may come in between: nobody waits for ever, and what is told is so.

use std::cell::RefCell;

use upload_core::{ErrorKind, Remedy, Stage};

use crate::{
    stops::show,
    support::{
        Chaos, Course, Gate, Random, Sim, World,
        check::look,
        content,
        exec::pause,
        goods::{Goods, WAYS, Way, one_holder, standing, tidy},
        world::somebody,
    },
};

/// Stores that fail before, after and unknown: whoever tries again ends, and what is told is so.
#[test]
fn on_bad_stores_there_is_one_holder_as_well() {
    for seed in 0..150 {
        let mut world = World::new(seed).with_probe();
        let processes = 1 + seed as usize % 2;
        if processes == 2 {
            world = world.with_processes();
        }
        let chaos = Chaos::new(Course::slow(seed, 2).failing(20 + seed % 80));
        let engines: Vec<_> = (0..processes).map(|_| world.troubled(&chaos)).collect();
        let goods = Goods::new(&content(seed, 2500));
        let outcomes = RefCell::new(Vec::new());
        let mut sim = Sim::new(seed);
        for n in 0..6 {
            let goods = Goods { replace: n % 3 == 2, ..goods.clone() };
            let (engine, outcomes) = (&engines[n % processes], &outcomes);
            sim.spawn(format!("{n}"), async move {
                // Other errors than these are not theirs to mend; they give up.
                match goods.bring(engine, WAYS[n % 3]).await {
                    Ok(outcome) => outcomes.borrow_mut().push((goods.replace, outcome)),
                    Err(e) => assert!(!matches!(e.kind, ErrorKind::Internal | ErrorKind::Corrupt), "{e:?}"),
                }
            });
        }
        show(&format!("seed {seed}"), &chaos, || {
            assert_eq!(sim.run(), Vec::<String>::new());
            chaos.heal();
            let found = tidy(&world, &engines[0]);
            for (_, outcome) in outcomes.borrow().iter() {
                assert!(found.ledger.contains_key(&outcome.id), "told complete, and no charge");
            }
            one_holder(&world, &engines[0], &goods);
        });
    }
}

/// Replacers, those who look, those who give up, sweeps and janitors, all at once: nobody waits for ever.
#[test]
fn nobody_waits_for_ever() {
    for seed in 0..150 {
        let mut world = World::new(seed).with_probe();
        if seed % 3 == 0 {
            world = world.with_processes();
        }
        let chaos = Chaos::new(Course::slow(seed, 4));
        let engines = [world.troubled(&chaos), world.troubled(&chaos)];
        let of = |n: usize| if seed % 3 == 0 { &engines[n % 2] } else { &engines[0] };
        let goods = Goods::new(&content(seed, 1500));
        let mut random = Random(seed);
        let who = somebody("acme");
        let who = &who;
        let mut sim = Sim::new(seed);
        world.probe().fail(seed % 4);
        for n in 0..20 {
            let (engine, world, late) = (of(n), &world, random.below(60));
            let goods = Goods { replace: n % 4 != 3, ..goods.clone() };
            match n % 5 {
                0..3 => sim.spawn(format!("bring {n}"), async move {
                    pause(late).await;
                    if let Err(e) = goods.bring(engine, WAYS[n % 3]).await {
                        let fine = [ErrorKind::Duplicate, ErrorKind::Gone, ErrorKind::NotFound];
                        let kind = e.kind;
                        assert!(fine.contains(&kind) || kind.remedy() == Remedy::Retry, "{e:?}");
                    }
                }),
                3 => sim.spawn(format!("look {n}"), async move {
                    for _ in 0..4 {
                        pause(late).await;
                        for id in look(world).heads.into_keys() {
                            match engine.inspect(who, &id).await {
                                Err(e) => assert_eq!(e.kind, ErrorKind::NotFound, "{e:?}"),
                                Ok(seen) if n == 3 && matches!(seen.stage, Stage::Finishing) => {
                                    drop(engine.cancel(who, &id).await);
                                }
                                Ok(_) => {}
                            }
                        }
                    }
                }),
                _ => sim.spawn(format!("keep {n}"), async move {
                    for _ in 0..3 {
                        pause(late).await;
                        engine.sweep().await;
                        engine.janitor().await;
                    }
                }),
            }
        }
        show(&format!("seed {seed}"), &chaos, || {
            assert_eq!(sim.run(), Vec::<String>::new());
            chaos.heal();
            world.probe().fail(0);
            tidy(&world, &engines[0]);
            one_holder(&world, &engines[0], &goods);
        });
    }
}

/// One whose processing did not work, and which a sweep elsewhere then finishes: it is told so.
#[test]
fn whoever_is_finished_by_another_is_told_its_outcome() {
    let mut ends = [0, 0];
    for seed in 0..200 {
        let world = World::new(seed).with_probe().with_processes();
        let chaos = Chaos::new(Course::slow(seed, 6));
        let engines = [world.troubled(&chaos), world.troubled(&chaos)];
        let goods = Goods::new(&content(seed, 40));
        let answer = RefCell::new(None);
        let gate = Gate::default();
        world.probe().wait(Some(&gate));
        // Both look; the first to end has failed.
        world.probe().fail(1);
        let mut sim = Sim::new(seed);
        sim.spawn("bring", async { *answer.borrow_mut() = Some(goods.bring(&engines[0], Way::Whole).await) });
        assert_eq!(sim.run(), ["bring"]);
        sim.spawn("sweep", async {
            engines[1].sweep().await;
        });
        assert_eq!(sim.run().len(), 2);
        gate.open();
        show(&format!("seed {seed}"), &chaos, || {
            assert_eq!(sim.run(), Vec::<String>::new());
            chaos.heal();
            let answer = answer.borrow_mut().take().unwrap();
            let told: Vec<_> = answer.iter().map(|outcome| outcome.id.clone()).collect();
            assert_eq!(told, standing(&look(&world)), "{answer:?}");
            ends[told.len()] += 1;
        });
    }
    assert!(ends.iter().all(|n| *n > 5), "one end never comes: {ends:?}");
}
