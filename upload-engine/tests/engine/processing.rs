//! Processing: what is found in complete bytes joins the outcome, before it is one; what cannot be read or does not work ends
//! as the policy says.

use std::{cell::RefCell, sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use upload_core::{
    Charge, ErrorKind, Extras, Outcome, Result, Stage, UploadId,
    lifecycle::{Begin, MAX_EXTRAS},
    record::{Addressing, Phase},
};
use upload_engine::{Engine, Limits};

use crate::{
    stops::show,
    support::{
        Chaos, Course, Gate, Script, Sim, World, block_on,
        check::{clean, look, sound},
        client::Client,
        content, polls,
        signed::{begun, kind},
        world::{HOUR, somebody},
    },
};

const LEN: usize = 3 * 1500 - 77;

/// Every way to a complete upload that has a head from its beginning.
fn clients(bytes: &Bytes, destination: &str) -> [(&'static str, Client); 4] {
    [
        ("offsets", Client::offsets(bytes)),
        ("slots", Client::slots(bytes, 1500)),
        ("the whole by token", Client::signed(bytes, bytes.len())),
        ("parts by token", Client::signed(bytes, 1500)),
    ]
    .map(|(name, client)| (name, client.to(destination)))
}

async fn settle(engine: &Engine, bytes: &Bytes, destination: &str) -> Result<Outcome> {
    let received = engine.receive(Limits::new(1 << 20), &mut Script::of(bytes)).await?;
    let begin = Begin::new(destination, Addressing::Offsets, None);
    engine.settle(&somebody("acme"), received, begin).await
}

fn found(world: &World, bytes: &[u8]) -> Extras {
    [("probe".to_owned(), world.probe().finds(bytes))].into()
}

/// Everything is there and was not finished.
fn full(engine: &Engine, client: &Client) -> UploadId {
    let id = begun(engine, client);
    for n in 0..client.chunks.as_ref().unwrap().len() {
        let (mut write, chunk) = client.slot(n);
        write.finish_when_complete = false;
        block_on(engine.write(&client.who, &id, write, &mut Script::of(&chunk))).unwrap();
    }
    id
}

fn attempts(world: &World, id: &UploadId) -> Option<u32> {
    match look(world).heads[id].phase {
        Phase::Verifying { attempts, .. } => Some(attempts),
        _ => None,
    }
}

/// On every way the outcome has what was found, in every answer, and nobody looks twice.
#[test]
fn what_is_found_joins_the_outcome_on_every_way() {
    for restart in [false, true] {
        let world = World::new(1).with_probe();
        let bytes = content(1, LEN);
        let mut looks = 0;
        for (name, client) in clients(&bytes, "files") {
            let mut engine = world.engine();
            let id = begun(&engine, &client);
            let outcome = block_on(client.clone().complete(&engine, &id)).unwrap();
            assert_eq!(outcome.details, found(&world, &bytes), "{name}");
            looks += 1;
            if restart {
                engine = world.engine();
            }
            assert_eq!(block_on(engine.finish(&client.who, &id)).unwrap(), outcome, "{name}");
            let seen = block_on(engine.inspect(&client.who, &id)).unwrap().stage;
            assert_eq!(seen, Stage::Completed(Box::new(outcome.clone())));
            assert_eq!(block_on(engine.read(Some(&client.who), &id)).unwrap().outcome(), &outcome);
            block_on(engine.sweep());
            assert_eq!(world.probe().looks(), looks, "{name}");
        }
        for bytes in [&bytes, &Bytes::new()] {
            let outcome = block_on(settle(&world.engine(), bytes, "files")).unwrap();
            assert_eq!(outcome.details, found(&world, bytes));
        }
        clean(&world);
    }
}

/// I4, I9: damaged content ends the upload where that is the policy, and is kept without details where it is not.
#[test]
fn unreadable_content_is_refused_or_kept_as_the_policy_says() {
    let bytes: Bytes = [b"BAD", &content(1, LEN)[..]].concat().into();
    for (destination, refused) in [("files", true), ("lenient", false)] {
        let world = World::new(1).with_probe();
        let engine = world.engine();
        for (name, client) in clients(&bytes, destination) {
            let id = begun(&engine, &client);
            let answer = block_on(client.clone().complete(&engine, &id));
            if refused {
                let e = answer.unwrap_err();
                assert_eq!(
                    (e.kind, e.detail.as_str()),
                    (ErrorKind::Unreadable, "damaged at its beginning"),
                    "{name}"
                );
                let looks = world.probe().looks();
                assert_eq!(kind(block_on(engine.finish(&client.who, &id))), Some(ErrorKind::Gone));
                assert_eq!(world.probe().looks(), looks, "nobody looks at it again");
            } else {
                assert_eq!(answer.unwrap().details, Extras::new(), "{name}");
            }
        }
        let settled = block_on(settle(&engine, &bytes, destination));
        assert_eq!(kind(settled), refused.then_some(ErrorKind::Unreadable));
        let found = sound(&world);
        assert_eq!(found.objects.len(), if refused { 0 } else { 5 });
        assert!(found.staged.is_empty());
        world.advance(2 * HOUR);
        assert_eq!(block_on(engine.sweep()).failed + block_on(engine.janitor()).failed, 0);
        clean(&world);
    }
}

/// What does not work is tried again by whoever comes, so often as the policy says, also over restarts; then it has failed.
#[test]
fn processing_is_tried_again_so_often_and_no_more() {
    for restart in [false, true] {
        for mends in [Some(1), Some(4), None] {
            let world = World::new(1).with_probe();
            let client = Client::slots(&content(1, LEN), 1500);
            let id = full(&world.engine(), &client);
            world.probe().fail(mends.unwrap_or(u64::MAX));
            let mut engine = world.engine();
            for n in 1..=5u32 {
                if restart {
                    engine = world.engine();
                }
                let mended = mends.is_some_and(|mends| u64::from(n) > mends);
                match n % 3 {
                    1 => {
                        let answer = kind(block_on(engine.finish(&client.who, &id)));
                        assert_eq!(answer, (!mended).then_some(ErrorKind::ProcessingFailed), "{n}");
                    }
                    2 => {
                        let stage = block_on(engine.inspect(&client.who, &id)).unwrap().stage;
                        assert_eq!(matches!(stage, Stage::Completed(_)), mended, "{n}");
                        assert!(mended || matches!(stage, Stage::Finishing | Stage::Failed(_)), "{stage:?}");
                    }
                    _ => assert_eq!(block_on(engine.sweep()).failed, u64::from(!mended)),
                }
                assert_eq!(
                    world.probe().looks(),
                    mends.map_or(u64::from(n), |mends| (mends + 1).min(n.into()))
                );
                if !mended {
                    assert_eq!(attempts(&world, &id), (n < 5).then_some(n), "durably counted");
                }
            }
            let phase = look(&world).heads[&id].phase.clone();
            if mends.is_some() {
                assert!(matches!(phase, Phase::Completed { .. }));
                assert_eq!(phase.outcome().unwrap().details, found(&world, &client.whole));
            } else {
                assert!(matches!(phase, Phase::Failed { .. }));
                assert!(look(&world).staged.is_empty() && look(&world).rows.is_empty(), "cleared");
                let e = block_on(engine.finish(&client.who, &id)).unwrap_err();
                assert_eq!(e.kind, ErrorKind::Gone);
                assert!(e.detail.contains("5 attempts"), "{e}");
                assert_eq!(world.probe().looks(), 5);
            }
            world.advance(2 * HOUR);
            assert_eq!(block_on(engine.sweep()).failed, 0);
            clean(&world);
        }
    }
}

/// A body without a head is sent again; nothing is kept of it.
#[test]
fn of_a_whole_body_that_could_not_be_processed_nothing_is_kept() {
    let world = World::new(1).with_probe();
    let engine = world.engine();
    world.probe().fail(1);
    let bytes = content(1, LEN);
    assert_eq!(kind(block_on(settle(&engine, &bytes, "files"))), Some(ErrorKind::ProcessingFailed));
    let found = sound(&world);
    assert!(found.heads.is_empty() && found.staged.is_empty() && found.objects.is_empty());
    block_on(settle(&engine, &bytes, "files")).unwrap();
}

/// One that does not end in its time has failed; the request does not wait for it, and others are not in its way.
#[test]
fn processing_has_a_deadline() {
    let world = World::new(1).with_probe();
    let engine = world.engine();
    let client = Client::slots(&content(1, LEN), 1500);
    let id = full(&engine, &client);
    world.probe().wait(Some(&Gate::default()));
    let answer = RefCell::new(None);
    let mut sim = Sim::new(1);
    sim.spawn("finish", async { *answer.borrow_mut() = Some(engine.finish(&client.who, &id).await) });
    assert_eq!(sim.run(), ["finish"]);
    world.advance(world.settings.process_time - Duration::from_millis(1));
    assert_eq!(sim.run(), ["finish"]);
    world.advance(Duration::from_millis(1));
    assert_eq!(sim.run(), Vec::<String>::new());
    drop(sim);
    let e = answer.into_inner().unwrap().unwrap_err();
    assert_eq!(e.kind, ErrorKind::ProcessingFailed);
    assert!(!e.detail.contains("longer"), "the inside stays inside: {e}");
    assert_eq!(attempts(&world, &id), Some(1));
    world.probe().wait(None);
    block_on(engine.finish(&client.who, &id)).unwrap();
}

/// More than a record takes is no detail; as much as is allowed fits beside all else that may be long.
#[test]
fn details_have_a_limit_that_fits_a_record() {
    let world = World::new(1).with_probe().with_receiver();
    let engine = world.engine();
    let bytes = content(1, LEN);
    world.probe().padding.store(0, Ordering::SeqCst);
    let bare = world.probe().finds(&bytes).to_string().len();
    let room = (world.settings.max_details - bare) as u64;
    let mut begin = Begin::new("files", Addressing::Offsets, None);
    begin.extras = [("wire".to_owned(), "x".repeat(MAX_EXTRAS - 20).into())].into();
    begin.charges = vec![Charge::new("y".repeat(MAX_EXTRAS - 40), 1)];
    begin.file_name = Some("\u{1}".repeat(1024));
    let settle = |padding: u64| {
        world.probe().padding.store(padding, Ordering::SeqCst);
        let received = block_on(engine.receive(Limits::new(1 << 20), &mut Script::of(&bytes))).unwrap();
        block_on(engine.settle(&somebody("acme"), received, begin.clone()))
    };
    assert_eq!(kind(settle(room + 1)), Some(ErrorKind::ProcessingFailed));
    let outcome = settle(room).unwrap();
    assert_eq!(outcome.details, found(&world, &bytes));
    assert_eq!(look(&world).outbox[0].outcome, outcome);
    begin.charges = vec![Charge::new("y".repeat(MAX_EXTRAS), 1)];
    assert_eq!(kind(block_on(engine.begin(&somebody("acme"), begin))), Some(ErrorKind::TooLarge));
}

/// A processor that panics has failed, and is counted; a sweep goes on to the next upload.
#[test]
fn a_panicking_processor_is_a_failed_attempt() {
    let world = World::new(1).with_probe();
    let engine = world.engine();
    let client = Client::slots(&content(1, LEN), 1500);
    let ids = [full(&engine, &client), full(&engine, &client)];
    world.probe().panics.store(true, Ordering::SeqCst);
    for id in &ids {
        assert_eq!(kind(block_on(engine.finish(&client.who, id))), Some(ErrorKind::ProcessingFailed));
    }
    for n in 2..5 {
        assert_eq!(block_on(engine.sweep()).failed, 2);
        assert!(ids.iter().all(|id| attempts(&world, id) == Some(n)));
    }
    assert_eq!(block_on(engine.sweep()).failed, 0, "that was often enough");
    assert!(ids.iter().all(|id| matches!(look(&world).heads[id].phase, Phase::Failed { .. })));
    assert_eq!(kind(block_on(settle(&engine, &client.whole, "files"))), Some(ErrorKind::ProcessingFailed));
    world.probe().panics.store(false, Ordering::SeqCst);
    block_on(settle(&engine, &client.whole, "files")).unwrap();
    world.advance(2 * HOUR);
    block_on(engine.sweep());
    block_on(engine.janitor());
    clean(&world);
}

/// I5: a stop after any effect, or a drop at any await: the outcome is the same, and one.
#[test]
fn wherever_it_stops_the_outcome_is_the_same() {
    let bytes = content(1, LEN);
    for destination in ["files", "results"] {
        for (name, client) in clients(&bytes, destination) {
            for how in 0..3 {
                for k in 1.. {
                    let world = World::new(1).with_probe();
                    let id = begun(&world.engine(), &client);
                    let (course, polled) = match how {
                        0 => (Course::quiet().stop(k, true), usize::MAX),
                        1 => (Course::quiet().stop(k, false), usize::MAX),
                        _ => (Course::slow(k, 2), k as usize),
                    };
                    let chaos = Chaos::new(course);
                    let mut engine = world.troubled(&chaos);
                    let ended = polls(client.clone().complete(&engine, &id), polled);
                    chaos.heal();
                    if how < 2 {
                        engine = world.engine();
                    }
                    show(&format!("{name} to {destination}, {how} at {k}"), &chaos, || {
                        let outcome = block_on(client.clone().complete(&engine, &id)).unwrap();
                        assert_eq!(outcome.details, found(&world, &bytes));
                        assert_eq!(outcome.content_removed, destination == "results");
                        if let Some(told) = &ended {
                            assert_eq!(told.as_ref().unwrap(), &outcome);
                        }
                        for hours in [0, 2, 26, 26] {
                            world.advance(hours * HOUR);
                            assert_eq!(
                                block_on(engine.sweep()).failed + block_on(engine.janitor()).failed,
                                0
                            );
                            // What a stop left in a store of parts has its grace.
                            if !crate::PARTS || hours > 0 {
                                clean(&world);
                            }
                        }
                        assert_eq!(block_on(engine.finish(&client.who, &id)).unwrap(), outcome);
                        let found = sound(&world);
                        let left =
                            (found.heads.len(), found.objects.len(), found.staged.len(), found.beside.len());
                        assert_eq!(left, (1, usize::from(destination == "files"), 0, 0));
                        // At most once more than it was stopped.
                        assert!(world.probe().looks() <= 2, "{} looks", world.probe().looks());
                    });
                    if ended.is_some() {
                        break;
                    }
                }
            }
        }
    }
}

/// Where only results are kept: nothing lies in the store from the completion on, and the record stays for ever.
#[test]
fn content_that_is_not_kept_is_gone_and_its_outcome_stays() {
    let bytes = content(1, LEN);
    let world = World::new(1).with_probe();
    let engine = world.engine();
    let mut all = Vec::new();
    for (name, client) in clients(&bytes, "results") {
        let id = begun(&engine, &client);
        let outcome = block_on(client.clone().complete(&engine, &id)).unwrap();
        assert!(outcome.content_removed && outcome.details == found(&world, &bytes), "{name}");
        all.push(outcome);
    }
    all.push(block_on(settle(&engine, &bytes, "results")).unwrap());
    let who = somebody("acme");
    for hours in [0, 2, 26, 1000] {
        world.advance(hours * HOUR);
        for engine in [&engine, &world.engine()] {
            if hours > 0 {
                assert_eq!(block_on(engine.sweep()).failed + block_on(engine.janitor()).failed, 0);
            }
            let found = sound(&world);
            assert!(found.objects.is_empty() && found.staged.is_empty());
            for outcome in &all {
                assert_eq!(kind(block_on(engine.read(Some(&who), &outcome.id))), Some(ErrorKind::Gone));
                let seen = block_on(engine.inspect(&who, &outcome.id)).unwrap().stage;
                assert_eq!(seen, Stage::Completed(Box::new(outcome.clone())));
                assert_eq!(&block_on(engine.finish(&who, &outcome.id)).unwrap(), outcome);
            }
        }
    }
    clean(&world);
    for outcome in &all {
        block_on(engine.remove(&who, &outcome.id)).unwrap();
    }
    for hours in [2, 26] {
        world.advance(hours * HOUR);
        assert_eq!(block_on(engine.sweep()).failed, 0);
    }
    assert!(sound(&world).heads.is_empty());
}
