//! Content that replaces its like: the old one stands until the new one does.

use std::cell::RefCell;

use upload_core::{ErrorKind, UploadId, record::Phase};

use crate::{
    stops::show,
    support::{
        Chaos, Course, Gate, Sim, World, block_on,
        check::{look, sound},
        content,
        goods::{Goods, WAYS, Way, one_holder, standing, tidy},
        signed::kind,
        world::somebody,
    },
};

/// Thirty-two replacers at once: each is completed, one stands in the end, and who read an old one reads it to its end.
#[test]
fn replacers_are_completed_one_after_the_other_and_one_stands() {
    for seed in 0..40 {
        let mut world = World::new(seed);
        let processes = 1 + seed as usize % 2;
        if processes == 2 {
            world = world.with_processes();
        }
        let chaos = Chaos::new(Course::slow(seed, 3));
        let engines: Vec<_> = (0..processes).map(|_| world.troubled(&chaos)).collect();
        let goods = Goods::new(&content(seed, 2500)).replacing();
        let who = somebody("acme");
        let old = block_on(goods.bring(&world.engine(), Way::Whole)).unwrap();
        let reading = block_on(engines[0].read(Some(&who), &old.id)).unwrap();
        let outcomes = RefCell::new(vec![old]);
        let mut sim = Sim::new(seed);
        for n in 0..31 {
            let way = WAYS[(n + seed as usize) % 3];
            let (engine, goods, outcomes) = (&engines[n % processes], &goods, &outcomes);
            sim.spawn(format!("{n} {way:?}"), async move {
                let outcome =
                    goods.insist(engine, way).await.unwrap_or_else(|e| panic!("{way:?} {n}: {e:?}"));
                outcomes.borrow_mut().push(outcome);
            });
        }
        show(&format!("seed {seed}"), &chaos, || {
            assert_eq!(sim.run(), Vec::<String>::new(), "they wait for each other");
            chaos.heal();
            let outcomes = outcomes.borrow();
            assert_eq!(outcomes.len(), 32);
            let found = sound(&world);
            assert_eq!(standing(&found).len(), 1, "at once, without a sweep");
            assert_eq!(block_on(reading.range(0..2500)).unwrap(), goods.bytes, "the grace");
            let removed = |id: &UploadId| matches!(found.heads[id].phase, Phase::Removed { .. });
            assert_eq!(outcomes.iter().filter(|outcome| removed(&outcome.id)).count(), 31);
            let found = tidy(&world, &engines[0]);
            assert_eq!((found.ledger.len(), found.objects.len()), (32, 1));
            assert!(block_on(reading.range(0..9)).is_err(), "then it is gone");
            assert_eq!(one_holder(&world, &engines[0], &goods), Some(standing(&found)[0].clone()));
        });
    }
}

/// A replacer that comes to nothing leaves everything as it was.
#[test]
fn a_replacer_that_fails_leaves_the_old_one_standing() {
    for way in WAYS {
        for end in ["unreadable", "cancelled", "stopped"] {
            let world = World::new(1).with_probe();
            let engine = world.engine();
            let goods = Goods::new(&content(1, 2500)).replacing();
            let old = block_on(goods.bring(&engine, way)).unwrap();
            let who = somebody("acme");
            match end {
                "unreadable" => {
                    world.probe().refuse(1);
                    assert_eq!(kind(block_on(goods.bring(&engine, way))), Some(ErrorKind::Unreadable));
                }
                _ => {
                    // While it is looked at it has the claim.
                    let gate = Gate::default();
                    world.probe().wait(Some(&gate));
                    let mut sim = Sim::new(1);
                    sim.spawn("replacer", async { drop(goods.bring(&engine, way).await) });
                    assert_eq!(sim.run(), ["replacer"]);
                    let found = look(&world);
                    assert_eq!(found.claims[0].1.replaces.as_ref(), Some(&old.id));
                    let new = found.claims[0].1.id.clone();
                    assert!(block_on(engine.read(Some(&who), &old.id)).is_ok(), "it is there until then");
                    if end == "cancelled" {
                        block_on(engine.cancel(&who, &new)).unwrap();
                        gate.open();
                        sim.run();
                    } else {
                        sim.drop_tasks("replacer");
                        block_on(engine.cancel(&who, &new)).unwrap();
                        gate.open();
                    }
                    world.probe().wait(None);
                }
            }
            let found = look(&world);
            assert_eq!(standing(&found), std::slice::from_ref(&old.id), "{way:?} {end}");
            assert_eq!(
                (&found.claims[0].1.id, &found.claims[0].1.replaces),
                (&old.id, &None),
                "{way:?} {end}"
            );
            assert_eq!(tidy(&world, &engine).ledger.len(), 1);
            assert_eq!(one_holder(&world, &engine, &goods), Some(old.id));
            // And can still be replaced.
            let newer = block_on(goods.bring(&engine, way)).unwrap();
            tidy(&world, &engine);
            assert_eq!(one_holder(&world, &engine, &goods), Some(newer.id));
        }
    }
}
