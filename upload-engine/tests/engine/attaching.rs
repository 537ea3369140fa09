//! Signed ids, attaching, and removing what is complete.

use std::{cell::RefCell, time::Duration};

use upload_core::{ErrorKind, Outcome, Role, Stage, TenantName, UploadId, record::Phase};
use upload_engine::Engine;

use crate::support::{
    Chaos, Course, Sim, World, block_on,
    check::{clean, look, sound},
    client::{Client, stored},
    content,
    exec::pause,
    signed::{begun, kind},
    tenant,
    world::{ATTACH_WITHIN, HOUR, other, somebody},
};

fn kept() -> Client {
    Client::signed(&content(3, 2500), 2500).to("kept")
}

fn complete(engine: &Engine, client: &Client) -> (UploadId, Outcome, String) {
    let id = begun(engine, client);
    let outcome = block_on(client.clone().complete(engine, &id)).unwrap();
    let signed_id = engine.signed_id(&id).unwrap();
    (id, outcome, signed_id)
}

/// A signed id names its upload to the application, whatever its stage and for ever; nothing else does.
#[test]
fn a_signed_id_names_its_upload_for_ever() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), kept());
    let id = begun(&engine, &client);
    let signed_id = engine.signed_id(&id).unwrap();
    assert!(signed_id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)));
    assert_eq!(engine.identify(&signed_id).unwrap(), id);
    assert_eq!(block_on(engine.resolve(&tenant(), &signed_id)).unwrap().stage, Stage::Receiving);
    assert_eq!(kind(block_on(engine.attach(&tenant(), &signed_id))), Some(ErrorKind::NotReady));
    let outcome = block_on(client.clone().complete(&engine, &id)).unwrap();
    let seen = block_on(engine.resolve(&tenant(), &signed_id)).unwrap();
    assert_eq!((seen.stage, seen.attached), (Stage::Completed(Box::new(outcome.clone())), None));
    assert_eq!(block_on(engine.attach(&tenant(), &signed_id)).unwrap(), outcome);
    let strange = TenantName::new("strange").unwrap();
    for known in [false, true] {
        if known {
            block_on(engine.begin(&somebody("strange"), Client::offsets(&content(9, 5)).begin())).unwrap();
        }
        assert_eq!(kind(block_on(engine.attach(&strange, &signed_id))), Some(ErrorKind::NotFound));
        assert_eq!(kind(block_on(engine.resolve(&strange, &signed_id))), Some(ErrorKind::NotFound));
    }
    world.advance(1000 * 24 * HOUR);
    let engine = world.engine();
    block_on(engine.sweep());
    assert_eq!(block_on(engine.attach(&tenant(), &signed_id)).unwrap(), outcome);
    for n in 0..signed_id.len() {
        let mut changed = signed_id.clone().into_bytes();
        changed[n] = if changed[n] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(kind(engine.identify(&changed)), Some(ErrorKind::NotFound), "byte {n}");
        assert_eq!(kind(block_on(engine.attach(&tenant(), &changed))), Some(ErrorKind::NotFound));
    }
    // A good name of what is not there.
    let lost = UploadId::parse(&"z".repeat(UploadId::LEN)).unwrap();
    let lost = engine.signed_id(&lost).unwrap();
    assert_eq!(kind(block_on(engine.resolve(&tenant(), &lost))), Some(ErrorKind::NotFound));
    assert_eq!(kind(block_on(engine.attach(&tenant(), &lost))), Some(ErrorKind::NotFound));
}

/// What is never attached goes in its time, and not before; who reads it then reads it to its end.
#[test]
fn what_is_never_attached_is_removed_after_its_time() {
    for restart in [false, true] {
        let world = World::new(1);
        let (mut engine, client) = (world.engine(), kept());
        let (id, outcome, signed_id) = complete(&engine, &client);
        let reading = block_on(engine.read(Some(&client.who), &id)).unwrap();
        let step = |engine: &mut Engine, by: Duration| {
            world.advance(by);
            if restart {
                *engine = world.engine();
            }
            assert_eq!(block_on(engine.sweep()).failed + block_on(engine.janitor()).failed, 0);
        };
        for _ in 0..ATTACH_WITHIN.as_secs() / 3600 {
            assert_eq!(block_on(engine.read(Some(&client.who), &id)).unwrap().outcome(), &outcome);
            step(&mut engine, HOUR);
        }
        assert_eq!(kind(block_on(engine.read(Some(&client.who), &id))), Some(ErrorKind::NotFound));
        assert_eq!(block_on(engine.resolve(&tenant(), &signed_id)).unwrap().stage, Stage::Removed);
        assert_eq!(kind(block_on(engine.attach(&tenant(), &signed_id))), Some(ErrorKind::Gone));
        assert_eq!(kind(block_on(engine.finish(&client.who, &id))), Some(ErrorKind::Gone));
        // The grace is for those who are reading.
        assert_eq!(block_on(reading.range(0..2500)).unwrap(), client.whole);
        step(&mut engine, world.settings.grace - Duration::from_secs(1));
        assert_eq!(block_on(reading.range(0..2500)).unwrap(), client.whole);
        step(&mut engine, HOUR);
        assert!(block_on(reading.range(0..2500)).is_err());
        let found = sound(&world);
        assert!(found.objects.is_empty() && found.listed.is_empty() && found.claims.is_empty());
        clean(&world);
        // The tombstone tells the same for its time.
        assert_eq!(block_on(engine.resolve(&tenant(), &signed_id)).unwrap().stage, Stage::Removed);
        step(&mut engine, 26 * HOUR);
        assert_eq!(kind(block_on(engine.resolve(&tenant(), &signed_id))), Some(ErrorKind::NotFound));
        let found = sound(&world);
        assert!(found.heads.is_empty() && found.due.is_empty());
    }
}

/// Attached in time, or where nobody demands it: it stays.
#[test]
fn what_is_attached_stays_for_ever() {
    for destination in ["kept", "files"] {
        let world = World::new(1);
        let (engine, client) = (world.engine(), kept().to(destination));
        let (id, outcome, signed_id) = complete(&engine, &client);
        world.advance(ATTACH_WITHIN - Duration::from_secs(1));
        block_on(engine.sweep());
        let first = world.clock_now();
        if destination == "kept" {
            assert_eq!(block_on(engine.attach(&tenant(), &signed_id)).unwrap(), outcome);
            world.advance(Duration::from_secs(60));
            assert_eq!(block_on(world.engine().attach(&tenant(), &signed_id)).unwrap(), outcome);
            assert_eq!(
                block_on(engine.resolve(&tenant(), &signed_id)).unwrap().attached,
                Some(first),
                "the first time"
            );
        }
        for _ in 0..5 {
            world.advance(26 * HOUR);
            for engine in [&engine, &world.engine()] {
                block_on(engine.sweep());
                block_on(engine.janitor());
            }
            clean(&world);
            assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
        }
        assert!(sound(&world).due.is_empty());
    }
}

/// Attaching as the sweep comes: it is kept, or it is gone, and whoever asked heard which.
#[test]
fn of_attaching_and_sweeping_exactly_one_wins() {
    let mut wins = [0, 0];
    for seed in 0..300 {
        let world = World::new(seed);
        let chaos = Chaos::new(Course::slow(seed, 4));
        let client = kept();
        let (id, outcome, signed_id) = complete(&world.engine(), &client);
        world.advance(ATTACH_WITHIN);
        // In one process, or in two with the same stores.
        let sweeper = world.troubled(&chaos);
        let attacher = if seed % 2 == 0 { sweeper.clone() } else { world.troubled(&chaos) };
        let heard = RefCell::new(None);
        let mut sim = Sim::new(seed);
        let (late, answer) = (seed % 40, &heard);
        sim.spawn("sweep", async { assert_eq!(sweeper.sweep().await.failed, 0) });
        sim.spawn("attach", async {
            pause(late).await;
            *answer.borrow_mut() = Some(attacher.attach(&tenant(), &signed_id).await);
        });
        assert_eq!(sim.run(), Vec::<String>::new());
        drop(sim);
        chaos.heal();
        let phase = look(&world).heads[&id].phase.clone();
        match heard.into_inner().unwrap() {
            Ok(kept) => {
                assert_eq!(kept, outcome);
                assert!(matches!(phase, Phase::Completed { .. }), "attached, and removed: {phase:?}");
                wins[0] += 1;
            }
            Err(e) => {
                assert_eq!(e.kind, ErrorKind::Gone, "{e}");
                assert!(matches!(phase, Phase::Removed { .. }), "{phase:?}");
                wins[1] += 1;
            }
        }
        let engine = world.engine();
        for _ in 0..3 {
            world.advance(26 * HOUR);
            block_on(engine.sweep());
            block_on(engine.janitor());
            clean(&world);
        }
        let left = sound(&world);
        assert_eq!(left.objects.len(), left.heads.len());
    }
    assert!(wins.iter().all(|n| *n > 20), "one never wins: {wins:?}");
}

/// Removed: nobody reads it from then on, its bytes go after the grace, and again is fine.
#[test]
fn a_completed_upload_that_is_removed_is_gone_at_once_and_its_bytes_after_the_grace() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), kept().to("files"));
    let (id, _, signed_id) = complete(&engine, &client);
    block_on(engine.attach(&tenant(), &signed_id)).unwrap();
    let reading = block_on(engine.read(Some(&client.who), &id)).unwrap();
    block_on(engine.remove(&client.who, &id)).unwrap();
    let first = look(&world).heads[&id].clone();
    for engine in [&engine, &world.engine()] {
        block_on(engine.remove(&client.who, &id)).unwrap();
        assert_eq!(look(&world).heads[&id], first, "again is fine, and changes nothing");
        assert_eq!(kind(block_on(engine.read(Some(&client.who), &id))), Some(ErrorKind::NotFound));
        assert_eq!(block_on(engine.inspect(&client.who, &id)).unwrap().stage, Stage::Removed);
        for answer in [
            kind(block_on(engine.cancel(&client.who, &id))),
            kind(block_on(engine.finish(&client.who, &id))),
            kind(block_on(engine.attach(&tenant(), &signed_id))),
            kind(block_on(client.send_part(engine, &id, 0))),
            kind(block_on(engine.note(&client.who, &id, "wire", 1, 7.into()))),
        ] {
            assert_eq!(answer, Some(ErrorKind::Gone));
        }
        let found = sound(&world);
        assert!(found.rows.is_empty() && found.listed.is_empty() && found.claims.is_empty());
        // Neither of them takes it from its readers.
        block_on(engine.sweep());
        block_on(engine.janitor());
        assert_eq!(block_on(reading.range(0..2500)).unwrap(), client.whole);
    }
    world.advance(2 * HOUR);
    assert_eq!(block_on(engine.sweep()).failed + block_on(engine.janitor()).failed, 0);
    assert!(sound(&world).objects.is_empty() && block_on(reading.range(0..9)).is_err());
    world.advance(26 * HOUR);
    block_on(engine.sweep());
    let found = sound(&world);
    assert!(found.heads.is_empty() && found.due.is_empty());
    assert_eq!(kind(block_on(engine.remove(&client.who, &id))), Some(ErrorKind::NotFound));
}

/// The janitor, which knows names by the hour, leaves what readers still have: also across the turn of an hour.
#[test]
fn the_janitor_leaves_what_readers_of_a_removed_upload_have() {
    let world = World::new(1);
    let (engine, client) = (world.engine(), kept().to("files"));
    let (id, ..) = complete(&engine, &client);
    let (other_id, ..) = {
        let mut second = kept().to("files");
        second.who = other("acme", [Role::Upload, Role::Read]);
        complete(&engine, &second)
    };
    world.advance(10 * HOUR);
    let reading = block_on(engine.read(Some(&client.who), &id)).unwrap();
    block_on(engine.remove(&client.who, &id)).unwrap();
    let minute = Duration::from_secs(60);
    for n in 0..10 {
        assert_eq!(block_on(reading.range(0..2500)).unwrap(), client.whole, "after {n} minutes");
        for engine in [&engine, &world.engine()] {
            assert_eq!(block_on(engine.janitor()).failed, 0);
        }
        world.advance(minute);
    }
    world.advance(minute);
    block_on(engine.janitor());
    assert!(block_on(reading.range(0..9)).is_err(), "then it may");
    assert!(block_on(engine.read(Some(&client.who), &other_id)).is_ok());
    clean(&world);
}

/// Removing what is not complete is giving it up; who may do either is who may write.
#[test]
fn removing_an_unfinished_upload_gives_it_up() {
    let world = World::new(1);
    let engine = world.engine();
    let client = Client::signed(&content(7, 5 * 1500 - 77), 1500);
    let id = begun(&engine, &client);
    stored(block_on(client.send_part(&engine, &id, 0)));
    let (stranger, you, reader) =
        (somebody("other"), other("acme", [Role::Upload, Role::Read]), other("acme", [Role::Read]));
    for (who, answer) in
        [(&stranger, ErrorKind::NotFound), (&you, ErrorKind::Forbidden), (&reader, ErrorKind::Forbidden)]
    {
        assert_eq!(kind(block_on(engine.remove(who, &id))), Some(answer));
    }
    block_on(engine.remove(&other("acme", [Role::Support]), &id)).unwrap();
    for engine in [&engine, &world.engine()] {
        block_on(engine.remove(&client.who, &id)).unwrap();
        assert_eq!(block_on(engine.inspect(&client.who, &id)).unwrap().stage, Stage::Cancelled);
    }
    let found = sound(&world);
    assert!(found.staged.is_empty() && found.rows.is_empty() && found.listed.is_empty());
    clean(&world);
    // One that has ended otherwise is gone.
    let expired = begun(&engine, &client);
    world.advance(26 * HOUR);
    block_on(engine.sweep());
    assert_eq!(kind(block_on(engine.remove(&client.who, &expired))), Some(ErrorKind::Gone));
}

/// Removing while it is being finished: removed or busy, and never both complete and gone.
#[test]
fn removing_among_finishers_removes_it_or_says_busy() {
    for seed in 0..200 {
        let world = World::new(seed);
        let chaos = Chaos::new(Course::slow(seed, 4));
        let (engine, client) = (world.troubled(&chaos), kept().to("files"));
        let id = begun(&engine, &client);
        let answer = RefCell::new(None);
        let mut sim = Sim::new(seed);
        sim.spawn("put", async {
            if let Err(e) = client.send_part(&engine, &id, 0).await {
                assert_eq!(e.kind, ErrorKind::Gone, "{e}");
            }
        });
        sim.spawn("remove", async {
            pause(seed % 50).await;
            *answer.borrow_mut() = Some(engine.remove(&client.who, &id).await);
        });
        assert_eq!(sim.run(), Vec::<String>::new());
        drop(sim);
        chaos.heal();
        let stage = block_on(engine.inspect(&client.who, &id)).unwrap().stage;
        match answer.into_inner().unwrap() {
            Ok(()) => assert!(matches!(stage, Stage::Removed | Stage::Cancelled), "{stage:?}"),
            Err(e) => {
                assert_eq!(e.kind, ErrorKind::Busy, "{e}");
                assert!(matches!(stage, Stage::Completed(_)), "{stage:?}");
            }
        }
        world.advance(2 * HOUR);
        block_on(engine.sweep());
        block_on(engine.janitor());
        clean(&world);
    }
}
