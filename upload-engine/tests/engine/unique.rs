//! Content that is there once, by what it is: of many that bring it one is completed.

use std::{cell::RefCell, sync::Arc};

use bytes::Bytes;
use upload_core::{ErrorKind, lifecycle::Unique};
use upload_engine::Limits;

use crate::{
    stops::show,
    support::{
        Chaos, Course, Script, Sim, World, block_on,
        check::{look, sound},
        content,
        goods::{Goods, WAYS, Way, one_holder, standing, tidy},
        signed::kind,
        world::{HOUR, somebody},
    },
};

/// Thirty-two at once, in every way, in one process and in two: one is completed and pays, 31 hear that it is there.
#[test]
fn of_thirty_two_with_the_same_content_one_is_completed() {
    for seed in 0..60 {
        let processes = 1 + seed % 2;
        let mut world = World::new(seed).with_probe();
        if processes == 2 {
            world = world.with_processes();
        }
        let chaos = Chaos::new(Course::slow(seed, 3));
        let engines: Vec<_> = (0..processes).map(|_| world.troubled(&chaos)).collect();
        let goods = Goods::new(&content(seed, 2500));
        let answers = RefCell::new(Vec::new());
        let mut sim = Sim::new(seed);
        for n in 0..32 {
            let way = if seed % 4 < 2 { Way::Whole } else { WAYS[n % 3] };
            let (engine, goods, answers) = (&engines[n % processes as usize], &goods, &answers);
            sim.spawn(format!("{n} {way:?}"), async move {
                let answer = goods.insist(engine, way).await;
                answers.borrow_mut().push(answer);
            });
        }
        show(&format!("seed {seed}"), &chaos, || {
            assert_eq!(sim.run(), Vec::<String>::new(), "they wait for each other");
            chaos.heal();
            let answers = answers.borrow();
            let outcomes: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
            let others = answers.iter().filter_map(|answer| answer.as_ref().err());
            assert!(others.clone().all(|e| e.kind == ErrorKind::Duplicate), "{answers:?}");
            assert_eq!((outcomes.len(), others.count()), (1, 31));
            let found = tidy(&world, &engines[0]);
            assert_eq!(found.ledger.len(), 1);
            assert_eq!(one_holder(&world, &engines[0], &goods).as_ref(), Some(&outcomes[0].id));
            for hours in [26, 26] {
                world.advance(hours * HOUR);
                tidy(&world, &engines[0]);
            }
            let found = sound(&world);
            let left = (
                found.heads.len(),
                found.rows.len(),
                found.staged.len(),
                found.objects.len(),
                found.due.len(),
            );
            assert_eq!(left, (1, 0, 0, 1, 0), "of the others nothing is left");
        });
    }
}

/// Other content, another scope, space or tenant: another matter.
#[test]
fn content_is_unique_within_its_tenant_space_and_scope() {
    let world = World::new(1);
    let engine = world.engine();
    let goods = Goods::new(&content(1, 2500));
    let settle = |who: &str, change: &dyn Fn(&mut Unique), bytes: &Bytes| {
        let mut begin = Goods::new(bytes).begin(Way::Whole);
        change(begin.unique.as_mut().unwrap());
        let received = block_on(engine.receive(Limits::new(4000), &mut Script::of(bytes))).unwrap();
        block_on(engine.settle(&somebody(who), received, begin))
    };
    settle("acme", &|_| {}, &goods.bytes).unwrap();
    assert_eq!(kind(settle("acme", &|_| {}, &goods.bytes)), Some(ErrorKind::Duplicate));
    settle("acme", &|_| {}, &content(2, 2500)).unwrap();
    settle("acme", &|unique| unique.scope.push('x'), &goods.bytes).unwrap();
    settle("acme", &|unique| unique.space = "other".into(), &goods.bytes).unwrap();
    settle("another", &|_| {}, &goods.bytes).unwrap();
    for space in ["", "Wire", "a/b", "seventeen-letters"] {
        assert!(settle("acme", &|unique| unique.space = space.into(), &goods.bytes).is_err(), "{space:?}");
    }
    let found = tidy(&world, &engine);
    assert_eq!((standing(&found).len(), found.ledger.len(), found.staged.len()), (5, 5, 0));
}

/// What was given up is not there.
#[test]
fn content_of_an_upload_that_ended_may_come_again() {
    for way in WAYS {
        let world = World::new(1);
        let engine = world.engine();
        let goods = Goods::new(&content(1, 2500));
        let first = block_on(goods.bring(&engine, way)).unwrap();
        assert_eq!(kind(block_on(goods.bring(&engine, way))), Some(ErrorKind::Duplicate));
        block_on(engine.remove(&somebody("acme"), &first.id)).unwrap();
        let second = block_on(goods.bring(&world.engine(), way)).unwrap();
        assert_ne!(first.id, second.id);
        assert_eq!(tidy(&world, &engine).ledger.len(), 2);
        assert_eq!(one_holder(&world, &engine, &goods), Some(second.id));
    }
}

/// Where no SHA-256 is known content cannot be unique, and that is said when it begins.
#[test]
fn unique_content_needs_its_sha_256() {
    let world = World::new(1);
    let mut policy = upload_core::Policy::new(4000);
    policy.digests = Vec::new();
    let engine = world
        .builder(Arc::new(world.blobs.clone()), Arc::new(world.records.clone()))
        .destinations(upload_core::Destinations::new().with("files", policy))
        .build();
    let goods = Goods::new(&content(1, 2500));
    for way in WAYS {
        assert_eq!(kind(block_on(goods.bring(&engine, way))), Some(ErrorKind::Unsupported));
    }
    assert!(look(&world).heads.is_empty());
}
