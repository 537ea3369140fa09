//! Claims: one upload of a kind, whoever asks, and for as long as it lives.

use std::cell::RefCell;

use upload_core::{
    ErrorKind, Inspection, Result, Role, Stage, UploadId,
    lifecycle::{Begin, Claim},
    record::Phase,
};
use upload_engine::Engine;

use crate::{
    stops::show,
    support::{
        Chaos, Course, Script, Sim, World, block_on,
        check::{clean, look, sound},
        client::{Client, completed, stored},
        content,
        signed::{begun, kind, put, token},
        world::{HOUR, other, somebody},
    },
};

fn one() -> Client {
    Client::signed(&content(3, 2500), 2500)
}

fn with(client: &Client, change: impl FnOnce(&mut Claim)) -> Begin {
    let mut begin = client.begin();
    change(begin.claim.as_mut().unwrap());
    begin
}

fn begin(engine: &Engine, client: &Client, begin: Begin) -> Result<Inspection> {
    block_on(engine.begin(&client.who, begin))
}

/// Sixteen at once: one upload, in one listing, and nothing left of the others.
#[test]
fn sixteen_begins_at_once_with_one_claim_make_one_upload() {
    for seed in 0..150 {
        let world = World::new(seed);
        let failing = if seed % 3 == 2 { 60 } else { 0 };
        let chaos = Chaos::new(Course::slow(seed, 3).failing(failing));
        let engines = [world.troubled(&chaos), world.troubled(&chaos)];
        let client = one();
        let ids = RefCell::new(Vec::new());
        let mut sim = Sim::new(seed);
        for n in 0..16 {
            // Two processes, where the store lets them.
            let (engine, client, ids) = (&engines[usize::from(failing == 0) * (n % 2)], &client, &ids);
            sim.spawn(format!("client {n}"), async move {
                let id = client.clone().start(engine).await.unwrap();
                ids.borrow_mut().push(id);
            });
        }
        show(&format!("seed {seed}"), &chaos, || {
            assert_eq!(sim.run(), Vec::<String>::new());
            chaos.heal();
            let ids = ids.borrow();
            assert!(ids.len() == 16 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
            let found = look(&world);
            if failing == 0 {
                assert_eq!(found.heads.keys().collect::<Vec<_>>(), [&ids[0]]);
                assert_eq!(found.listed.len(), 1);
            }
            let engine = world.engine();
            block_on(client.clone().complete(&engine, &ids[0])).unwrap();
            for hours in [2, 26, 26] {
                world.advance(hours * HOUR);
                assert_eq!(block_on(engine.sweep()).failed + block_on(engine.janitor()).failed, 0);
                clean(&world);
            }
            let found = sound(&world);
            let left = (found.heads.len(), found.listed.len(), found.claims.len(), found.due.len());
            assert_eq!(left, (1, 1, 0, 0));
        });
    }
}

/// The holder is given with all that is known of it, and counts for the tenant alone.
#[test]
fn a_claim_gives_the_upload_that_has_it() {
    let world = World::new(1);
    let engine = world.engine();
    let client = Client::signed(&content(7, 5 * 1500 - 77), 1500);
    let id = begun(&engine, &client);
    stored(block_on(client.send_part(&engine, &id, 0)));
    for engine in [&engine, &world.engine()] {
        let seen = begin(engine, &client, client.begin()).unwrap();
        assert_eq!((&seen.id, seen.rows, seen.received), (&id, 1, 1500));
        let mut stranger = client.clone();
        stranger.who = somebody("another");
        assert_ne!(begin(engine, &stranger, stranger.begin()).unwrap().id, id);
        for changed in
            [with(&client, |claim| claim.text.push('x')), with(&client, |claim| claim.space = "other".into())]
        {
            assert_ne!(begin(engine, &client, changed).unwrap().id, id);
        }
    }
    assert_eq!(look(&world).heads.len(), 4);
    // What could not be begun is not given either.
    let mut long = client.begin();
    long.length = Some(u64::MAX);
    assert_eq!(kind(begin(&engine, &client, long)), Some(ErrorKind::TooLarge));
    for space in ["", "Wire", "a/b", "seventeen-letters"] {
        let answer = begin(&engine, &client, with(&client, |claim| claim.space = space.into()));
        assert!(answer.is_err(), "{space:?} is no space");
    }
    assert_eq!(look(&world).heads.len(), 4);
}

/// An exclusive upload is not given to others who make the same claim; nor do they get one of their own.
#[test]
fn a_claim_gives_nobody_what_is_anothers() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), one());
    let id = begun(&engine, &client);
    for (roles, answer) in [(Role::Upload, Some(ErrorKind::Forbidden)), (Role::Support, None)] {
        let mut other_key = client.clone();
        other_key.who = other("acme", [roles]);
        // What it claims is the same.
        assert_eq!(kind(begin(&engine, &other_key, client.begin())), answer);
    }
    let found = sound(&world);
    assert_eq!((found.heads.keys().collect::<Vec<_>>(), found.listed.len()), (vec![&id], 1));
}

/// `same` must be the same, or it is a conflict: for as long as the claim counts.
#[test]
fn a_claim_with_other_particulars_is_a_conflict() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), one());
    let same = |text: Option<&str>| with(&client, |claim| claim.same = text.map(str::to_owned));
    let id = begin(&engine, &client, same(Some("these"))).unwrap().id;
    for engine in [&engine, &world.engine()] {
        assert_eq!(begin(engine, &client, same(Some("these"))).unwrap().id, id);
        for other in [None, Some("those"), Some("")] {
            assert_eq!(kind(begin(engine, &client, same(other))), Some(ErrorKind::Conflict), "{other:?}");
        }
    }
    assert_eq!(sound(&world).heads.len(), 1, "nothing is begun on the way to a conflict");
    block_on(engine.cancel(&client.who, &id)).unwrap();
    assert_ne!(begin(&engine, &client, same(Some("those"))).unwrap().id, id);
}

/// What becomes of the first upload, and whether its claim still counts then.
#[test]
fn a_claim_counts_while_its_upload_does() {
    type End = fn(&World, &Engine, &Client, &UploadId);
    let ends: [(&str, End, bool, bool); 6] = [
        // Name, what happens, whether the claim still counts: where completed ones do not count, where they do.
        ("nothing", |_, _, _, _| {}, true, true),
        (
            "cancelled",
            |_, engine, client, id| block_on(engine.cancel(&client.who, id)).unwrap(),
            false,
            false,
        ),
        ("past its deadline", |world, _, _, _| world.advance(24 * HOUR), false, false),
        (
            "expired",
            |world, engine, _, _| {
                world.advance(26 * HOUR);
                assert_eq!(block_on(engine.sweep()).expired, 1);
            },
            false,
            false,
        ),
        (
            "completed",
            |_, engine, client, id| drop(block_on(client.clone().complete(engine, id)).unwrap()),
            false,
            true,
        ),
        (
            "completed and removed",
            |_, engine, client, id| {
                block_on(client.clone().complete(engine, id)).unwrap();
                block_on(engine.remove(&client.who, id)).unwrap();
            },
            false,
            false,
        ),
    ];
    for (name, end, counts, counts_completed) in ends {
        for completed_counts in [false, true] {
            for swept in [false, true] {
                let world = World::new(1);
                let (engine, client) = (world.engine(), one());
                let wanted = || with(&client, |claim| claim.completed_counts = completed_counts);
                let first = begin(&engine, &client, wanted()).unwrap().id;
                end(&world, &engine, &client, &first);
                if swept {
                    block_on(engine.sweep());
                    block_on(engine.janitor());
                }
                let counts = if completed_counts { counts_completed } else { counts };
                let second = begin(&engine, &client, wanted()).unwrap();
                let case = format!("{name}, completed counts: {completed_counts}, swept: {swept}");
                assert_eq!(second.id == first, counts, "{case}");
                if counts {
                    assert_eq!(matches!(second.stage, Stage::Completed(_)), name == "completed");
                } else {
                    assert_eq!(second.stage, Stage::Receiving);
                    // The new one has it now, whatever becomes of the old one.
                    world.advance(3 * HOUR);
                    block_on(engine.sweep());
                    block_on(engine.janitor());
                    assert_eq!(begin(&engine, &client, wanted()).unwrap().id, second.id, "{case}");
                }
                clean(&world);
            }
        }
    }
}

/// One that is being finished is finished, and not replaced.
#[test]
fn a_claim_of_an_upload_that_is_being_finished_is_waited_for() {
    let world = World::new(1);
    let chaos = Chaos::new(Course::quiet());
    let (engine, client) = (world.troubled(&chaos), one());
    let wanted = || with(&client, |claim| claim.completed_counts = true);
    let id = begin(&engine, &client, wanted()).unwrap().id;
    let sent = block_on(token(&engine, &client.who, &id, client.ask_for(0))).unwrap();
    chaos.next_time(crate::support::store::PUBLISH, "", crate::support::chaos::Fate::Before);
    assert!(block_on(put(&engine, &sent, &client.whole)).is_err());
    assert!(matches!(look(&world).heads[&id].phase, Phase::Committing { .. }));
    let seen = begin(&world.engine(), &client, wanted()).unwrap();
    assert_eq!(seen.id, id);
    assert!(matches!(seen.stage, Stage::Completed(_)), "{seen:?}");
    assert_eq!(world.heard.outcomes().len(), 1);
}
