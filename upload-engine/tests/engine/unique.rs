//! Content that is there once, by what it is: of many that bring it one is completed, and a replacement leaves no gap.

use std::{cell::RefCell, sync::Arc};

use bytes::Bytes;
use upload_core::{
    Charge, Error, ErrorKind, ObjectKey, Outcome, Remedy, Result, Stage, UploadId,
    lifecycle::{Begin, Unique},
    ports::BlobStore,
    record::{Addressing, Phase},
};
use upload_engine::{Engine, Limits, Written};

use crate::{
    stops::show,
    support::{
        Chaos, Course, Gate, Random, Script, Sim, World, block_on,
        check::{Found, accounts, clean, look, sound},
        client::{offset, slot},
        content,
        exec::pause,
        polls,
        signed::kind,
        world::{HOUR, somebody},
    },
};

/// How somebody brings content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Whole,
    Slots,
    Offsets,
}

pub const WAYS: [Way; 3] = [Way::Whole, Way::Slots, Way::Offsets];

/// What is brought.
#[derive(Debug, Clone)]
pub struct Goods {
    pub bytes: Bytes,
    pub replace: bool,
    pub amount: u64,
}

impl Goods {
    pub fn new(bytes: &Bytes) -> Self {
        Self { bytes: bytes.clone(), replace: false, amount: 7 }
    }

    pub fn replacing(mut self) -> Self {
        self.replace = true;
        self
    }

    fn begin(&self, way: Way) -> Begin {
        let addressing = if way == Way::Slots { Addressing::Slots } else { Addressing::Offsets };
        let mut begin = Begin::new("files", addressing, Some(self.bytes.len() as u64));
        let mut unique = Unique::new("wire", "album 1");
        unique.replace = self.replace;
        begin.unique = Some(unique);
        begin.charges = vec![Charge::new("storing", self.amount)];
        begin
    }

    /// From the first request to the outcome; once, without trying again.
    pub async fn bring(&self, engine: &Engine, way: Way) -> Result<Outcome> {
        let who = somebody("acme");
        if way == Way::Whole {
            let policy = &engine.destinations().get("files")?.policy;
            let received = engine.receive(Limits::single(policy), &mut Script::of(&self.bytes)).await?;
            return engine.settle(&who, received, self.begin(way)).await;
        }
        let id = engine.begin(&who, self.begin(way)).await?.id;
        let half = self.bytes.len().div_ceil(2);
        let writes = match way {
            Way::Slots => [slot(0, 2), slot(1, 2)],
            _ => [offset(0), offset(half as u64)],
        };
        let halves = [self.bytes.slice(..half), self.bytes.slice(half..)];
        let mut end = None;
        for (write, bytes) in writes.into_iter().zip(halves) {
            end = match engine.write(&who, &id, write, &mut Script::of(&bytes)).await {
                Ok(Written::Completed(outcome)) => Some(Ok(*outcome)),
                Ok(_) => None,
                Err(e) => Some(Err(e)),
            };
        }
        // Chunks are sent; whoever is told to try again finishes again.
        let mut end = end.unwrap_or_else(not_taken);
        for _ in 0..40 {
            match end {
                Err(e) if e.kind.remedy() == Remedy::Retry => {
                    pause(3).await;
                    end = engine.finish(&who, &id).await;
                }
                other => return other,
            }
        }
        end
    }

    /// The same, and whole bodies are sent again.
    pub async fn insist(&self, engine: &Engine, way: Way) -> Result<Outcome> {
        for _ in 0..40 {
            match self.bring(engine, way).await {
                Err(e) if way == Way::Whole && e.kind.remedy() == Remedy::Retry => pause(3).await,
                other => return other,
            }
        }
        panic!("it is told to try again for ever")
    }
}

fn not_taken() -> Result<Outcome> {
    Err(Error::new(ErrorKind::Busy, "a chunk was not taken"))
}

/// A sweep and a janitor pass two hours later, as after any trouble.
pub fn tidy(world: &World, engine: &Engine) -> Found {
    world.advance(2 * HOUR);
    assert_eq!(block_on(engine.sweep()).failed, 0);
    assert_eq!(block_on(engine.janitor()).failed, 0);
    clean(world);
    accounts(world)
}

/// The completed uploads that have content of which there may be one.
fn standing(found: &Found) -> Vec<UploadId> {
    let completed = found
        .heads
        .values()
        .filter(|head| matches!(head.phase, Phase::Completed { .. }) && head.unique.is_some());
    completed.map(|head| head.id.clone()).collect()
}

/// If any upload stands, it is one, it has the claim for good, and its content is a duplicate; if none does, nobody is told of
/// a duplicate.
fn one_holder(world: &World, engine: &Engine, goods: &Goods) -> Option<UploadId> {
    let found = look(world);
    let standing = standing(&found);
    assert!(standing.len() <= 1, "{} of one content stand", standing.len());
    for (key, claim) in &found.claims {
        assert_eq!(Some(&claim.id), standing.first(), "{key}");
        assert_eq!(claim.replaces, None, "{key}");
    }
    assert_eq!(found.claims.len(), standing.len());
    let again = Goods { replace: false, ..goods.clone() };
    for way in WAYS {
        let answer = block_on(again.insist(engine, way));
        match standing.first() {
            Some(id) => {
                assert_eq!(kind(answer), Some(ErrorKind::Duplicate), "{way:?}");
                let reading = block_on(engine.read(Some(&somebody("acme")), id)).unwrap();
                let length = reading.outcome().length;
                assert_eq!(block_on(reading.range(0..length)).unwrap(), goods.bytes);
            }
            None => {
                let outcome = answer.expect("a duplicate of nothing");
                block_on(engine.remove(&somebody("acme"), &outcome.id)).unwrap();
            }
        }
    }
    standing.into_iter().next()
}

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

/// What comes after the stop or the drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A sweep and a janitor pass.
    Tidy,
    /// First somebody replaces what is there.
    Replace,
    /// First somebody removes whatever is complete.
    Remove,
}

fn aftermath(world: &World, engine: &Engine, goods: &Goods, next: Next, told: Option<&Outcome>, old: bool) {
    let who = somebody("acme");
    sound(world);
    match next {
        Next::Tidy => {}
        Next::Replace => {
            for way in WAYS {
                drop(block_on(goods.clone().replacing().insist(engine, way)).expect("a replacement"));
            }
        }
        Next::Remove => {
            for id in standing(&look(world)) {
                block_on(engine.remove(&who, &id)).unwrap();
            }
        }
    }
    let found = tidy(world, engine);
    let holder = one_holder(world, engine, goods);
    match next {
        Next::Tidy => {
            if let Some(told) = told {
                assert_eq!(holder.as_ref(), Some(&told.id), "what was told complete stands");
            }
            assert!(holder.is_some() || !old, "the old one is gone and none is there");
        }
        Next::Replace => assert!(holder.is_some()),
        Next::Remove => {}
    }
    if let Some(told) = told {
        assert!(found.ledger.contains_key(&told.id), "what was told complete costs");
    }
    for hours in [26, 26] {
        world.advance(hours * HOUR);
        tidy(world, engine);
    }
    let found = sound(world);
    assert!(found.staged.is_empty() && found.rows.is_empty() && found.beside.is_empty(), "{found:?}");
    assert!(found.due.is_empty(), "{:?}", found.due);
}

/// The first of its content, or one that replaces another; stopped after every effect, also where another process is at hand
/// that has seen all of it.
#[test]
fn a_stop_after_every_effect_leaves_one_holder_and_its_charge() {
    for (way, replace, next) in WAYS.into_iter().flat_map(|way| {
        [false, true].into_iter().flat_map(move |replace| {
            [Next::Tidy, Next::Replace, Next::Remove].map(move |next| (way, replace, next))
        })
    }) {
        for (answered, elsewhere) in [(true, false), (false, false), (true, true)] {
            for k in 0.. {
                let mut world = World::new(k).with_probe();
                if elsewhere {
                    world = world.with_processes();
                }
                let goods = Goods::new(&content(1, 2500));
                let other = world.engine();
                if replace {
                    block_on(goods.bring(&other, Way::Whole)).unwrap();
                }
                let goods = Goods { replace, ..goods };
                let chaos = Chaos::new(Course::quiet().stop(k, answered));
                let engine = world.troubled(&chaos);
                let ended = polls(goods.bring(&engine, way), usize::MAX);
                drop(engine);
                let case = format!(
                    "{way:?}, replacing: {replace}, then {next:?}, stopped after {k} (answered: {answered}, elsewhere: {elsewhere})"
                );
                let engine = if elsewhere { other } else { world.engine() };
                let told = ended.as_ref().and_then(|end| end.as_ref().ok());
                show(&case, &chaos, || aftermath(&world, &engine, &goods, next, told, replace));
                if let Some(end) = ended {
                    end.unwrap_or_else(|e| panic!("{case}: {e:?}"));
                    assert!(k > 12, "{case}: too short to say anything");
                    break;
                }
            }
        }
    }
}

/// Dropped at every await; the same process goes on.
#[test]
fn a_drop_at_every_await_leaves_one_holder_and_its_charge() {
    for way in WAYS {
        for (replace, next) in
            [(false, Next::Tidy), (true, Next::Tidy), (true, Next::Replace), (true, Next::Remove)]
        {
            for seed in 0..2 {
                for n in 1.. {
                    let world = World::new(seed).with_probe();
                    let goods = Goods::new(&content(1, 2500));
                    let chaos = Chaos::new(Course::slow(seed, 2));
                    let engine = world.troubled(&chaos);
                    if replace {
                        block_on(goods.bring(&engine, Way::Slots)).unwrap();
                    }
                    let goods = Goods { replace, ..goods };
                    let ended = polls(goods.bring(&engine, way), n);
                    chaos.heal();
                    let case =
                        format!("{way:?}, replacing: {replace}, then {next:?}, seed {seed}, dropped at {n}");
                    let told = ended.as_ref().and_then(|end| end.as_ref().ok());
                    show(&case, &chaos, || aftermath(&world, &engine, &goods, next, told, replace));
                    if let Some(end) = ended {
                        end.unwrap_or_else(|e| panic!("{case}: {e:?}"));
                        break;
                    }
                }
            }
        }
    }
}

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
