//! The bytes of unique content: durable before a head names them, left alone by the janitor, and the end of their upload where they are lost.

use std::{cell::RefCell, sync::Arc};

use upload_core::{ObjectKey, ports::BlobStore, record::Phase};

use crate::support::{
    Chaos, Course, Gate, Sim, World, block_on,
    check::{look, sound},
    content,
    exec::pause,
    goods::{Goods, WAYS, Way, one_holder, tidy},
    world::HOUR,
};

/// A whole body is durable before a head names it: what is committed can be published after a loss of power as well.
#[test]
fn a_whole_body_is_synced_before_a_head_names_it() {
    let world = World::new(1);
    let chaos = Chaos::new(Course::quiet());
    block_on(Goods::new(&content(1, 2500)).bring(&world.troubled(&chaos), Way::Whole)).unwrap();
    let trace = chaos.trace();
    let at = |what: &str| trace.iter().position(|line| line.contains(what)).unwrap();
    let durable = if crate::PARTS { " CompleteParts o/" } else { " Sync s/" };
    let head = trace.iter().position(|line| line.contains(" Put u/") && !line.contains("/x/"));
    assert!(at(durable) < head.unwrap(), "{trace:?}");
}

/// A row of a head that is about to be put is no stray: a janitor between the two leaves it.
#[test]
fn the_janitor_leaves_the_row_of_a_head_that_is_about_to_come() {
    for n in 1..60 {
        let world = World::new(1);
        let chaos = Chaos::new(Course::slow(n, 4));
        let (engine, other) = (world.troubled(&chaos), world.engine());
        let goods = Goods::new(&content(1, 900));
        let answer = RefCell::new(None);
        let mut sim = Sim::new(n);
        sim.spawn("bring", async { *answer.borrow_mut() = Some(goods.bring(&engine, Way::Whole).await) });
        sim.spawn("clean", async {
            for _ in 0..300 {
                pause(1).await;
                assert_eq!(other.janitor().await.failed, 0);
            }
        });
        assert_eq!(sim.run(), Vec::<String>::new());
        drop(sim);
        assert_eq!(answer.into_inner().unwrap().unwrap().length, 900);
        chaos.heal();
        sound(&world);
    }
}

/// A whole body is staged under a name that says nothing of its upload: no janitor takes it, however long that is looked at.
#[test]
fn the_janitor_leaves_what_is_being_settled() {
    let world = World::new(1).with_probe();
    let goods = Goods::new(&content(1, 2500));
    let gate = Gate::default();
    world.probe().wait(Some(&gate));
    let mut settings = world.settings.clone();
    settings.process_time = 100 * HOUR;
    let engine = world
        .builder(Arc::new(world.blobs.clone()), Arc::new(world.records.clone()))
        .settings(settings)
        .build();
    let answer = RefCell::new(None);
    let mut sim = Sim::new(1);
    sim.spawn("bring", async { *answer.borrow_mut() = Some(goods.bring(&engine, Way::Whole).await) });
    assert_eq!(sim.run(), ["bring"]);
    world.advance(3 * HOUR);
    for engine in [&engine, &world.engine()] {
        assert_eq!(block_on(engine.janitor()).failed, 0);
    }
    gate.open();
    assert_eq!(sim.run(), Vec::<String>::new());
    drop(sim);
    answer.into_inner().unwrap().expect("its bytes are there");
    tidy(&world, &engine);
}

/// Bytes that a loss of power took from an upload in Verifying: it ends, and the content may come again.
#[test]
fn what_lost_its_bytes_ends_instead_of_waiting_for_ever() {
    for way in WAYS {
        let world = World::new(1).with_probe();
        let goods = Goods::new(&content(1, 2500));
        let engine = world.engine();
        let gate = Gate::default();
        world.probe().wait(Some(&gate));
        let mut sim = Sim::new(1);
        sim.spawn("bring", async { drop(goods.bring(&engine, way).await) });
        sim.run();
        sim.drop_tasks("bring");
        drop(sim);
        world.probe().wait(None);
        let found = look(&world);
        let head = found.heads.values().next().unwrap();
        assert!(matches!(head.phase, Phase::Verifying { .. }));
        block_on(BlobStore::discard(&world.blobs, &head.staging)).unwrap();
        if crate::PARTS {
            block_on(BlobStore::delete(&world.blobs, &ObjectKey::of(&head.staging))).unwrap();
        }
        let engine = world.engine();
        tidy(&world, &engine);
        assert!(matches!(look(&world).heads[&head.id].phase, Phase::Failed { .. }));
        assert!(look(&world).ledger.is_empty());
        let outcome = block_on(goods.bring(&engine, way)).unwrap();
        assert_eq!(one_holder(&world, &engine, &goods), Some(outcome.id));
    }
}
