//! Random holders of tokens, keys and signed ids at once, over good and bad stores: the same invariants hold on the signed
//! path as on any other. The reference only knows what was answered.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use bytes::Bytes;
use proptest::prelude::*;
use upload_core::{Access, Error, ErrorKind, Inspection, Outcome, Stage, UploadId, record::Phase};
use upload_engine::{Engine, Listing, Written};

use crate::{
    model::{End, allowed, body, config, end, settle},
    stops::show,
    support::{
        Chaos, Course, Random, Sim, World, block_on,
        check::{object, sound},
        client::{Client, slot},
        content,
        exec::pause,
        signed::{LIFETIME, ask, manifest, part, put, token, whole},
        tenant,
        world::{HOUR, somebody},
    },
};

/// What one task does.
#[derive(Debug, Clone)]
enum Act {
    /// Asks for leave to send a part (or the whole), then sends it: the client's bytes or others, bound to their digest, to
    /// that of the other's, or to none; at once or when the token may have expired.
    Send {
        n: usize,
        other: bool,
        bound: Bound,
        late: bool,
        end: End,
    },
    /// The same by key.
    Write {
        n: usize,
        other: bool,
    },
    Commit {
        right: bool,
    },
    Finish,
    Cancel {
        by_token: bool,
    },
    Remove,
    Inspect,
    Again,
    List,
    Read {
        by_token: bool,
    },
    Attach,
    Sweep,
    Janitor,
    Jump(u64),
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    Well,
    Badly,
    Not,
}

fn act() -> impl Strategy<Value = Act> {
    let bound = prop_oneof![4 => Just(Bound::Well), 1 => Just(Bound::Badly), 1 => Just(Bound::Not)];
    let rarely = || prop::bool::weighted(0.15);
    prop_oneof![
        14 => (0..4usize, rarely(), bound, rarely(), end(false))
            .prop_map(|(n, other, bound, late, end)| Act::Send { n, other, bound, late, end }),
        3 => (0..4usize, rarely()).prop_map(|(n, other)| Act::Write { n, other }),
        3 => prop::bool::weighted(0.7).prop_map(|right| Act::Commit { right }),
        3 => Just(Act::Finish),
        1 => any::<bool>().prop_map(|by_token| Act::Cancel { by_token }),
        1 => Just(Act::Remove),
        1 => Just(Act::Inspect),
        1 => Just(Act::Again),
        1 => Just(Act::List),
        2 => any::<bool>().prop_map(|by_token| Act::Read { by_token }),
        2 => Just(Act::Attach),
        2 => Just(Act::Sweep),
        1 => Just(Act::Janitor),
        2 => prop_oneof![4 => 1..4u64, 1 => 20..30u64].prop_map(Act::Jump),
    ]
}

/// The upload as the reference sees it.
struct Known {
    id: UploadId,
    client: Client,
    /// By chunk: what the client means, and what somebody else's bytes would be.
    chunks: Vec<[Bytes; 2]>,
    /// Whose bytes were acknowledged, by chunk.
    told: RefCell<BTreeMap<usize, usize>>,
    received: Cell<u64>,
    outcome: RefCell<Option<Outcome>>,
    /// Somebody was told that it is attached; somebody asked for its end.
    attached: Cell<bool>,
    given_up: Cell<bool>,
    /// Requests that begin it again, just now.
    beginning: Cell<u32>,
}

impl Known {
    /// I2, I6: of two byte strings for one place never both are taken.
    fn took(&self, n: usize, whose: usize) {
        let first = *self.told.borrow_mut().entry(n).or_insert(whose);
        assert_eq!(first, whose, "both bytes of part {n} were acknowledged");
    }

    /// I5.
    fn ended(&self, outcome: &Outcome) {
        let mut known = self.outcome.borrow_mut();
        assert_eq!(known.get_or_insert_with(|| outcome.clone()), outcome);
    }

    /// I3.
    fn saw(&self, seen: &Inspection, floor: u64) {
        if let Stage::Receiving | Stage::Finishing | Stage::Completed(_) = seen.stage {
            assert!(seen.received >= floor, "{seen:?} after {floor}");
            self.received.set(self.received.get().max(seen.received));
        }
        if let Stage::Completed(outcome) = &seen.stage {
            self.ended(outcome);
        }
    }

    fn wrote(&self, n: usize, whose: usize, answer: Result<Written, Error>, floor: u64) -> Option<ErrorKind> {
        match answer {
            Ok(written) => {
                self.took(n, whose);
                match written {
                    Written::Stored(seen) => self.saw(&seen, floor),
                    Written::Completed(outcome) => self.ended(&outcome),
                    other => panic!("{other:?}"),
                }
                None
            }
            Err(e) => {
                allowed(&e);
                Some(e.kind)
            }
        }
    }

    /// I1: every byte is one that was acknowledged, or could have been.
    fn agrees(&self, whole: &Bytes) {
        let mut at = 0;
        for (n, chunk) in self.chunks.iter().enumerate() {
            let stored = whole.slice(at..at + chunk[0].len());
            at += chunk[0].len();
            match self.told.borrow().get(&n) {
                Some(whose) => assert_eq!(stored, chunk[*whose], "part {n} was acknowledged"),
                None => assert!(chunk.contains(&stored), "part {n} is nobody's"),
            }
        }
        assert_eq!(at, whole.len());
    }
}

async fn perform(world: &World, engine: &Engine, known: &Known, act: Act, (seed, calm): (u64, bool)) {
    let mut random = Random(seed);
    pause(random.below(60)).await;
    let (who, id) = (&known.client.who, &known.id);
    let floor = known.received.get();
    match act {
        Act::Send { n, other, bound, late, end } => {
            let (n, whose) = (n % known.chunks.len(), usize::from(other));
            let bytes = &known.chunks[n][whose];
            let digest_of = match bound {
                Bound::Badly => &known.chunks[n][1 - whose],
                _ => bytes,
            };
            let in_parts = known.client.in_parts();
            let mut asked = if in_parts { part(n as u32 + 1, digest_of) } else { whole(digest_of) };
            if let Bound::Not = bound {
                asked.digest = None;
            }
            asked.finish = !in_parts && random.below(2) == 0;
            let sent = match token(engine, who, id, asked).await {
                Ok(sent) => sent,
                Err(e) => return allowed(&e),
            };
            let begun = world.clock_now();
            if late {
                pause(random.below(100)).await;
            }
            let Ok(pass) = engine.redeem(&sent) else {
                assert!(world.clock_now() >= begun.plus(LIFETIME), "a good token was refused");
                return;
            };
            let (mut script, _) = body(bytes, end, &mut random);
            let answer = pass.put(Some(bytes.len() as u64), &mut script).await;
            if let (Bound::Badly, Ok(written)) = (bound, &answer) {
                panic!("bytes that are not those of the token were taken: {written:?}");
            }
            known.wrote(n, whose, answer, floor);
        }
        Act::Write { n, other } => {
            let (n, whose) = (n % known.chunks.len(), usize::from(other));
            let write = slot(n as u32, known.chunks.len() as u32);
            let (mut script, _) = body(&known.chunks[n][whose], End::Well, &mut random);
            known.wrote(n, whose, engine.write(who, id, write, &mut script).await, floor);
        }
        Act::Commit { right } => {
            let own: Vec<_> = known.chunks.iter().map(|chunk| chunk[0].clone()).collect();
            let mut manifest = manifest(&own);
            if !right {
                manifest.remove(random.below(manifest.len() as u64) as usize);
            }
            let pass = match token(engine, who, id, ask(Access::CommitParts)).await {
                Ok(token) => engine.redeem(&token),
                Err(e) => return allowed(&e),
            };
            match pass {
                Ok(pass) => match pass.commit_parts(&manifest).await {
                    Ok(()) => assert!(right, "a manifest that lacks a part was taken"),
                    Err(e) => allowed(&e),
                },
                Err(e) => assert_eq!(e.kind, ErrorKind::Forbidden),
            }
        }
        Act::Finish => match engine.finish(who, id).await {
            Ok(outcome) => known.ended(&outcome),
            Err(e) => allowed(&e),
        },
        Act::Cancel { by_token } => {
            known.given_up.set(true);
            let end = match token(engine, who, id, ask(Access::AbortParts)).await {
                Ok(token) if by_token => match engine.redeem(&token) {
                    Ok(pass) => pass.abort_parts().await,
                    Err(e) => Err(e),
                },
                _ => engine.cancel(who, id).await,
            };
            match end {
                Ok(()) => assert!(known.outcome.borrow().is_none(), "a completed upload was cancelled"),
                Err(e) => allowed(&e),
            }
        }
        Act::Remove => {
            known.given_up.set(true);
            let _ = engine.remove(who, id).await.map_err(|e| allowed(&e));
        }
        Act::Inspect => match engine.inspect(who, id).await {
            Ok(seen) => known.saw(&seen, floor),
            Err(e) => allowed(&e),
        },
        Act::Again => {
            known.beginning.set(known.beginning.get() + 1);
            let begun = engine.begin(who, known.client.begin()).await;
            known.beginning.set(known.beginning.get() - 1);
            match begun {
                // Its own, for as long as it counts.
                Ok(seen) if seen.id == *id => known.saw(&seen, floor),
                Ok(seen) => assert_eq!((seen.stage, seen.received), (Stage::Receiving, 0)),
                Err(e) => allowed(&e),
            }
        }
        Act::List => match engine.list(who, Listing::new("wire", 9)).await {
            Ok(page) => {
                let seen = page.uploads.iter().find(|seen| seen.id == *id);
                if let Some(Stage::Completed(outcome)) = seen.map(|seen| &seen.stage) {
                    known.ended(outcome);
                }
            }
            Err(e) => allowed(&e),
        },
        // I4: what can be read is complete.
        Act::Read { by_token } => {
            let reading = match token(engine, who, id, ask(Access::Read)).await {
                Ok(token) if by_token => match engine.redeem(&token) {
                    Ok(pass) => pass.read().await,
                    Err(e) => Err(e),
                },
                Ok(_) => engine.read(Some(who), id).await,
                Err(e) => Err(e),
            };
            match reading {
                Ok(reading) => {
                    known.ended(reading.outcome());
                    // Unless it was removed, and a jump passed the grace.
                    if let Ok(whole) = reading.range(0..reading.outcome().length).await {
                        known.agrees(&whole);
                    }
                }
                Err(e) => allowed(&e),
            }
        }
        Act::Attach => match engine.attach(&tenant(), &engine.signed_id(id).unwrap()).await {
            Ok(outcome) => {
                known.ended(&outcome);
                known.attached.set(true);
            }
            Err(e) => allowed(&e),
        },
        Act::Sweep => assert!(engine.sweep().await.failed == 0 || !calm),
        Act::Janitor => assert!(engine.janitor().await.failed == 0 || !calm),
        Act::Jump(hours) => {
            // No request takes as long as its upload's lifetime.
            while known.beginning.get() > 0 {
                pause(1).await;
            }
            world.advance(hours as u32 * HOUR);
        }
    }
}

/// Afterwards the client goes on: each part with its own bytes, or with those that stand there.
fn go_on(engine: &Engine, known: &Known) {
    let (who, id) = (&known.client.who, &known.id);
    let ended = |kind| matches!(kind, ErrorKind::Gone | ErrorKind::NotFound);
    let mut now = Vec::new();
    for (n, chunk) in known.chunks.iter().enumerate() {
        let mut answer = Some(ErrorKind::Conflict);
        for whose in [0, 1] {
            let in_parts = known.client.in_parts();
            let asked = if in_parts { part(n as u32 + 1, &chunk[whose]) } else { whole(&chunk[whose]) };
            if answer == Some(ErrorKind::Conflict) {
                let written = block_on(token(engine, who, id, asked))
                    .and_then(|token| block_on(put(engine, &token, &chunk[whose])));
                answer = known.wrote(n, whose, written, known.received.get());
                now.truncate(n);
                now.push(chunk[whose].clone());
            }
        }
        match answer {
            None => {}
            Some(kind) if ended(kind) => return,
            Some(kind) => panic!("part {n}: {kind:?}"),
        }
    }
    if known.client.in_parts() {
        let pass = block_on(token(engine, who, id, ask(Access::CommitParts))).unwrap();
        block_on(engine.redeem(&pass).unwrap().commit_parts(&manifest(&now))).unwrap();
    }
    known.ended(&block_on(engine.finish(who, id)).unwrap());
}

fn run(seed: u64, parts: usize, acts: &[Act], (restart, failing): (bool, u64)) {
    let world = World::new(seed);
    let chaos = Chaos::new(Course::slow(seed, 3));
    show("below", &chaos, || at_once(&world, &chaos, (seed, parts, acts), (restart, failing)));
}

fn at_once(
    world: &World,
    chaos: &Chaos,
    (seed, parts, acts): (u64, usize, &[Act]),
    (restart, failing): (bool, u64),
) {
    let engine = world.troubled(chaos);
    let length = 1200 * parts - 500;
    let client = Client::signed(&content(seed, length), 1200).to("kept");
    let others = Client::signed(&content(!seed, length), 1200);
    let chunks = client.chunks.clone().unwrap().into_iter().zip(others.chunks.unwrap());
    let known = Known {
        id: block_on(engine.begin(&client.who, client.begin())).unwrap().id,
        chunks: chunks.map(|(own, other)| [own, other]).collect(),
        client,
        told: RefCell::default(),
        received: Cell::new(0),
        outcome: RefCell::default(),
        attached: Cell::new(false),
        given_up: Cell::new(false),
        beginning: Cell::new(0),
    };
    chaos.fail(failing);
    let mut sim = Sim::new(seed);
    for (i, act) in acts.iter().enumerate() {
        let doing = perform(world, &engine, &known, act.clone(), (seed ^ i as u64, failing == 0));
        sim.spawn(format!("{i} {act:?}"), doing);
    }
    sim.run();
    for wait in [Duration::from_millis(100), world.settings.part_wait] {
        world.advance(wait);
        sim.run();
    }
    sim.drop_tasks("Stall");
    assert_eq!(sim.run(), Vec::<String>::new(), "they wait for ever");
    drop(sim);
    chaos.heal();
    sound(world);
    let engine = if restart { world.engine() } else { engine.clone() };
    go_on(&engine, &known);
    let found = sound(world);
    if let Some(head) = found.heads.get(&known.id).filter(|h| matches!(h.phase, Phase::Completed { .. })) {
        known.agrees(&object(world, head));
        known.ended(head.phase.outcome().unwrap());
    }
    let told = world.heard.outcomes();
    assert!(
        told.iter().all(|outcome| outcome.id != known.id || known.outcome.borrow().as_ref() == Some(outcome))
    );
    // I7, and: what is attached stays, what is not does not.
    for hours in [2, 26, 26, 26] {
        world.advance(hours * HOUR);
        settle(world, &engine);
    }
    let found = sound(world);
    assert!(found.claims.is_empty() && found.due.is_empty());
    let stays = known.attached.get() && !known.given_up.get();
    if stays {
        let reading = block_on(engine.read(Some(&known.client.who), &known.id)).expect("attached data stays");
        known.ended(reading.outcome());
    } else if !known.attached.get() {
        assert!(found.heads.is_empty() && found.objects.is_empty(), "{:?}", found.heads.keys());
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_holders_of_tokens_do_at_once_the_invariants_hold(
        seed in any::<u64>(), parts in 1..5usize,
        acts in prop::collection::vec(act(), 1..16), restart in any::<bool>(), failing in prop_oneof![Just(0), 0..150u64],
    ) {
        run(seed, parts, &acts, (restart, failing));
    }
}
