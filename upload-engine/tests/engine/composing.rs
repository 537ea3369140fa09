//! Uploads that are composed of others.

use std::sync::Arc;

use bytes::Bytes;
use upload_checksum::{Algorithm, Hasher};
use upload_core::{
    Access, ErrorKind, Outcome, Principal, Result, Stage, UploadId,
    lifecycle::{Begin, MAX_PARTS},
    record::Addressing,
};
use upload_engine::{Engine, Written};
use upload_storage::{Counted, Operation};

use crate::{
    stops::show,
    support::{
        Chaos, Course, Script, Sim, World, block_on,
        chaos::Fate,
        check::{clean, look, sound},
        client::offset,
        content, polls,
        signed::{ask, kind},
        world::{HOUR, MAX_LENGTH, somebody},
    },
};

/// A partial upload of so many bytes, not sent yet.
fn part(engine: &Engine, who: &Principal, length: u64) -> UploadId {
    let mut begin = Begin::new("files", Addressing::Offsets, Some(length));
    begin.partial = true;
    block_on(engine.begin(who, begin)).unwrap().id
}

/// Sends all of it.
fn send(engine: &Engine, who: &Principal, id: &UploadId, bytes: &Bytes) {
    let written = block_on(engine.write(who, id, offset(0), &mut Script::of(bytes)));
    if bytes.is_empty() {
        block_on(engine.finish(who, id)).unwrap();
    } else {
        assert!(matches!(written, Ok(Written::Completed(_))), "{written:?}");
    }
}

fn sent(engine: &Engine, who: &Principal, bytes: &Bytes) -> UploadId {
    let id = part(engine, who, bytes.len() as u64);
    send(engine, who, &id, bytes);
    id
}

fn composition(destination: &str, parts: &[UploadId]) -> Begin {
    let mut begin = Begin::new(destination, Addressing::Offsets, None);
    begin.parts = parts.to_vec();
    begin
}

fn composed(engine: &Engine, who: &Principal, parts: &[UploadId]) -> Result<Outcome> {
    let id = block_on(engine.begin(who, composition("files", parts)))?.id;
    block_on(engine.finish(who, &id))
}

fn read(engine: &Engine, who: &Principal, outcome: &Outcome) -> Bytes {
    let reading = block_on(engine.read(Some(who), &outcome.id)).unwrap();
    block_on(reading.range(0..outcome.length)).unwrap()
}

fn days_pass(world: &World) {
    for hours in [2, 26, 26, 26] {
        world.advance(hours * HOUR);
        assert_eq!(block_on(world.engine().sweep()).failed, 0);
        assert_eq!(block_on(world.engine().janitor()).failed, 0);
        clean(world);
    }
}

/// Also with parts of no bytes, of fewer than the store takes, and with the same one twice; and long after they have gone.
#[test]
fn a_composition_is_its_parts_one_after_the_other() {
    for lens in [&[0, 1, 700, 2500, 900][..], &[5000], &[0], &[3, 4], &[1300, 1300, 1300]] {
        let world = World::new(1);
        let (engine, who) = (world.engine(), somebody("acme"));
        let bytes: Vec<_> = (0..).zip(lens).map(|(n, len)| content(n, *len)).collect();
        let mut parts: Vec<_> = bytes.iter().map(|bytes| sent(&engine, &who, bytes)).collect();
        parts.push(parts[lens.len() / 2].clone());
        let whole = [bytes.concat(), bytes[lens.len() / 2].to_vec()].concat();
        let outcome = composed(&engine, &who, &parts).unwrap();
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(&whole);
        assert_eq!(outcome.digests.get(Algorithm::Sha256), Some(&hasher.finish()));
        assert!(read(&engine, &who, &outcome) == whole, "{lens:?}");
        assert_eq!(world.heard.outcomes(), std::slice::from_ref(&outcome), "nobody is told of parts");
        // Once more of the same parts.
        let again = composed(&world.engine(), &who, &parts).unwrap();
        assert!(read(&engine, &who, &again) == whole);
        block_on(engine.remove(&who, &parts[0])).unwrap();
        sound(&world);
        days_pass(&world);
        let engine = world.engine();
        for outcome in [&outcome, &again] {
            assert!(read(&engine, &who, outcome) == whole, "{lens:?}");
            let expires = block_on(engine.inspect(&who, &outcome.id)).unwrap().expires;
            assert_eq!(expires, None, "what is complete stays");
        }
        let found = look(&world);
        assert_eq!(found.heads.len(), 2, "parts go a while after they were completed");
        assert_eq!(found.objects.len(), 2);
    }
}

/// It may be begun before its parts are complete: whoever looks after that finds it complete, or the sweep does.
#[test]
fn a_composition_waits_for_its_parts() {
    for swept in [false, true] {
        let world = World::new(1);
        let (engine, who) = (world.engine(), somebody("acme"));
        let bytes = [content(1, 2000), content(2, 900)];
        let parts = [part(&engine, &who, 2000), sent(&engine, &who, &bytes[1])];
        let begun = block_on(engine.begin(&who, composition("files", &parts))).unwrap();
        assert!(begun.composed && !begun.partial && begun.length.is_none());
        assert_eq!(kind(block_on(engine.finish(&who, &begun.id))), Some(ErrorKind::NotReady));
        let seen = block_on(engine.inspect(&who, &begun.id)).unwrap();
        assert!(matches!(seen.stage, Stage::Receiving) && seen.expires == Some(seen.deadline));
        send(&engine, &who, &parts[0], &bytes[0]);
        if swept {
            world.advance(2 * HOUR);
            let done = block_on(world.engine().sweep());
            assert_eq!((done.finished, done.failed), (1, 0), "{done:?}");
        }
        let stage = block_on(engine.inspect(&who, &begun.id)).unwrap().stage;
        let Stage::Completed(outcome) = stage else { panic!("{stage:?}") };
        assert!(read(&engine, &who, &outcome) == bytes.concat());
        days_pass(&world);
    }
    // One whose parts never come goes.
    let world = World::new(1);
    let (engine, who) = (world.engine(), somebody("acme"));
    let parts = [part(&engine, &who, 2000)];
    let id = block_on(engine.begin(&who, composition("files", &parts))).unwrap().id;
    world.advance(25 * HOUR);
    assert_eq!(block_on(engine.sweep()).expired, 2);
    assert!(matches!(block_on(engine.inspect(&who, &id)).unwrap().stage, Stage::Expired));
    days_pass(&world);
}

#[test]
fn what_can_be_no_composition_is_refused() {
    let world = World::new(1);
    let (engine, who) = (world.engine(), somebody("acme"));
    let stranger = somebody("other");
    let bytes = content(1, 2000);
    let good = sent(&engine, &who, &bytes);
    let refused =
        |who: &Principal, parts: &[UploadId]| kind(block_on(engine.begin(who, composition("files", parts))));
    let theirs = sent(&engine, &stranger, &bytes);
    assert_eq!(refused(&who, &[good.clone(), theirs]), Some(ErrorKind::NotFound));
    let none = UploadId::parse(&good.to_string().replace(|c: char| c.is_ascii_digit(), "0"));
    assert_eq!(refused(&who, &[none.unwrap()]), Some(ErrorKind::NotFound));
    let ordinary = Begin::new("files", Addressing::Offsets, Some(2000));
    let ordinary = block_on(engine.begin(&who, ordinary)).unwrap().id;
    assert_eq!(refused(&who, &[ordinary]), Some(ErrorKind::Misplaced));
    let cancelled = part(&engine, &who, 10);
    block_on(engine.cancel(&who, &cancelled)).unwrap();
    assert_eq!(refused(&who, &[cancelled]), Some(ErrorKind::Gone));
    assert_eq!(refused(&who, &vec![good.clone(); MAX_PARTS + 1]), Some(ErrorKind::TooLarge));
    assert_eq!(refused(&who, &vec![good.clone(); 132]), Some(ErrorKind::TooLarge), "more bytes than may be");
    let mut both = composition("files", std::slice::from_ref(&good));
    both.partial = true;
    assert_eq!(kind(block_on(engine.begin(&who, both))), Some(ErrorKind::Invalid));
    // No bytes come for it, and nobody reads a part.
    let id = block_on(engine.begin(&who, composition("files", std::slice::from_ref(&good)))).unwrap().id;
    let written = block_on(engine.write(&who, &id, offset(0), &mut Script::of(&bytes)));
    assert_eq!(kind(written), Some(ErrorKind::Misplaced));
    assert_eq!(kind(block_on(engine.read(Some(&who), &good))), Some(ErrorKind::NotFound));
    assert_eq!(kind(block_on(engine.grant(&who, &good, ask(Access::Read)))), Some(ErrorKind::NotFound));
    sound(&world);
}

/// Parts of unknown length may turn out too long, and parts may go before they were needed: then it can never be complete.
#[test]
fn a_composition_that_can_never_be_complete_fails() {
    let world = World::new(1);
    let (engine, who) = (world.engine(), somebody("acme"));
    let mut begin = Begin::new("files", Addressing::Offsets, None);
    begin.partial = true;
    let long = block_on(engine.begin(&who, begin)).unwrap().id;
    let id = block_on(engine.begin(&who, composition("files", &[long.clone(), long.clone()]))).unwrap().id;
    let bytes = content(1, MAX_LENGTH as usize / 2 + 1);
    block_on(engine.write(&who, &long, offset(0), &mut Script::of(&bytes))).unwrap();
    block_on(engine.fix_length(&who, &long, bytes.len() as u64)).unwrap();
    block_on(engine.finish(&who, &long)).unwrap();
    assert_eq!(kind(block_on(engine.finish(&who, &id))), Some(ErrorKind::TooLarge));
    assert!(matches!(block_on(engine.inspect(&who, &id)).unwrap().stage, Stage::Failed(_)));
    for early in [true, false] {
        let waits = part(&engine, &who, 10);
        let goes = sent(&engine, &who, &content(3, 10));
        let id =
            block_on(engine.begin(&who, composition("files", &[waits.clone(), goes.clone()]))).unwrap().id;
        block_on(engine.remove(&who, if early { &waits } else { &goes })).unwrap();
        if !early {
            send(&engine, &who, &waits, &content(2, 10));
        }
        assert_eq!(kind(block_on(engine.finish(&who, &id))), Some(ErrorKind::Gone));
        assert_eq!(kind(block_on(engine.finish(&who, &id))), Some(ErrorKind::Gone));
    }
    days_pass(&world);
}

/// The type is the whole's: parts have any, and are seen by nobody.
#[test]
fn the_type_of_a_composition_is_that_of_the_whole() {
    for (first, good) in [(&b"PNG:...."[..], true), (b"HTML....", false)] {
        let world = World::new(1);
        let (engine, who) = (world.engine(), somebody("acme"));
        let picture = |bytes: &[u8]| {
            let bytes = Bytes::from(bytes.to_vec());
            let mut begin = Begin::new("pictures", Addressing::Offsets, Some(bytes.len() as u64));
            begin.partial = true;
            let id = block_on(engine.begin(&who, begin)).unwrap().id;
            send(&engine, &who, &id, &bytes);
            id
        };
        // The first eight bytes are those of two parts.
        let parts = [picture(&first[..5]), picture(&[&first[5..], &content(1, 3000)].concat())];
        let id = block_on(engine.begin(&who, composition("pictures", &parts))).unwrap().id;
        let ended = block_on(engine.finish(&who, &id));
        if good {
            assert_eq!(ended.unwrap().content_type.as_deref(), Some("image/png"));
        } else {
            assert_eq!(kind(ended), Some(ErrorKind::TypeRefused));
            assert_eq!(kind(block_on(engine.read(Some(&who), &id))), Some(ErrorKind::NotFound));
        }
        days_pass(&world);
    }
}

#[test]
fn a_stop_after_every_effect_of_composing_is_made_good() {
    for answered in [true, false] {
        for k in 0.. {
            let world = World::new(k);
            let who = somebody("acme");
            let bytes = [content(1, 2000), content(2, 3), content(3, 1500)];
            let parts: Vec<_> = bytes.iter().map(|bytes| sent(&world.engine(), &who, bytes)).collect();
            let begun = block_on(world.engine().begin(&who, composition("files", &parts))).unwrap();
            let chaos = Chaos::new(Course::quiet().stop(k, answered));
            let ended = polls(world.troubled(&chaos).finish(&who, &begun.id), usize::MAX);
            show(&format!("stopped after {k} ({answered})"), &chaos, || {
                sound(&world);
                // Nobody who asks for it does anything but ask; or nobody comes back at all.
                if k % 2 == 0 {
                    block_on(world.engine().inspect(&who, &begun.id)).unwrap();
                }
                days_pass(&world);
                let stage = block_on(world.engine().inspect(&who, &begun.id)).unwrap().stage;
                let Stage::Completed(outcome) = stage else { panic!("{stage:?}") };
                assert!(read(&world.engine(), &who, &outcome) == bytes.concat());
                assert_eq!(look(&world).objects.len(), 1);
            });
            if ended.is_some() {
                assert!(k > 5);
                break;
            }
        }
    }
}

/// What was copied is not copied again, once that was recorded.
#[test]
fn a_composition_goes_on_where_it_was() {
    if crate::PARTS {
        // What is recorded there are the parts, one by one; the stops above go on from each of them.
        return;
    }
    let world = World::new(1);
    let who = somebody("acme");
    let parts = [sent(&world.engine(), &who, &content(1, 5000))];
    let id = block_on(world.engine().begin(&who, composition("files", &parts))).unwrap().id;
    let chaos = Chaos::new(Course::quiet());
    (0..6).for_each(|_| chaos.next_time(Operation::Copy, "", Fate::Well));
    chaos.next_time(Operation::Copy, "", Fate::Stop);
    assert!(polls(world.troubled(&chaos).finish(&who, &id), usize::MAX).is_none());
    let blobs = Counted::new(Arc::new(world.blobs.clone()));
    let engine = world.over(Arc::new(blobs.clone()), Arc::new(world.records.clone()));
    block_on(engine.finish(&who, &id)).unwrap();
    // Steps of 600 bytes, recorded after 1,800 and 3,600.
    assert_eq!(blobs.counts().bytes(Operation::Copy), 1400);
}

/// Two processes compose at once, with all their calls in any order and some of them failing.
#[test]
fn two_processes_that_compose_at_once_agree() {
    if !crate::PARTS {
        // A store that is written in place is one process's.
        return;
    }
    for seed in 0..100 {
        let world = World::new(seed).with_processes();
        let who = somebody("acme");
        let bytes = [content(1, 2000), content(2, 300), content(3, 1500)];
        let parts: Vec<_> = bytes.iter().map(|bytes| sent(&world.engine(), &who, bytes)).collect();
        let id = block_on(world.engine().begin(&who, composition("files", &parts))).unwrap().id;
        let chaos = Chaos::new(Course::slow(seed, 4).failing(if seed % 2 == 0 { 100 } else { 0 }));
        let (a, b) = (world.troubled(&chaos), world.troubled(&chaos));
        let mut sim = Sim::new(seed);
        for engine in [&a, &b] {
            sim.spawn("composer", async {
                for _ in 0..50 {
                    if engine.finish(&who, &id).await.is_ok() {
                        return;
                    }
                }
            });
        }
        assert!(sim.run().is_empty());
        drop(sim);
        chaos.heal();
        let outcome = block_on(world.engine().finish(&who, &id)).unwrap();
        assert!(read(&world.engine(), &who, &outcome) == bytes.concat(), "seed {seed}");
        days_pass(&world);
    }
}
