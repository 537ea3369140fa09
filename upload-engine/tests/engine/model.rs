//! Random requests at once, over good and bad stores, against a reference that only knows what clients were told.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use bytes::Bytes;
use proptest::prelude::*;
use upload_core::{Error, ErrorKind, Inspection, Outcome, Remedy, Stage, UploadId, record::Phase};
use upload_engine::{Engine, Write, Written};

use crate::{
    stops::show,
    support::{
        Chaos, Course, Random, Script, Sim, World, block_on,
        check::{clean, object, sound},
        client::{Client, offset, slot},
        content,
        exec::pause,
        world::{HOUR, somebody},
    },
};

/// What one task does, to the upload by slot or to the one by offset.
#[derive(Debug, Clone)]
enum Act {
    /// Send chunk `n`, or other bytes of the same length, or a piece of it as if it were all.
    Chunk {
        n: usize,
        other: bool,
        end: End,
    },
    /// Send bytes from the frontier (or from elsewhere) on.
    Append {
        shift: u64,
        len: usize,
        other: bool,
        end: End,
    },
    Finish(bool),
    Cancel(bool),
    Inspect(bool),
    Halt,
    Read(bool),
    Sweep,
    Janitor,
    Jump(u64),
}

/// How a body ends.
#[derive(Debug, Clone, Copy)]
pub enum End {
    Well,
    /// Broken off after so many thousandths.
    Cut(usize),
    /// Standing still after so many thousandths; dropped in the end.
    Stall(usize),
    /// A shorter body, well ended.
    Short(usize),
}

pub fn end(wild: bool) -> impl Strategy<Value = End> {
    prop_oneof![
        6 => Just(End::Well),
        2 => (0..1000usize).prop_map(End::Cut),
        1 => (0..1000usize).prop_map(End::Stall),
        if wild { 2 } else { 0 } => (0..1000usize).prop_map(End::Short),
    ]
}

fn act(wild: bool) -> impl Strategy<Value = Act> {
    prop_oneof![
        10 => (0..6usize, prop::bool::weighted(0.2), end(wild))
            .prop_map(|(n, other, end)| Act::Chunk { n, other, end }),
        6 => (prop_oneof![5 => Just(0), 1 => 1..4000u64], 1..6000usize, prop::bool::weighted(0.2), end(false))
            .prop_map(|(shift, len, other, end)| Act::Append { shift, len, other, end }),
        2 => any::<bool>().prop_map(Act::Finish),
        1 => prop::bool::weighted(0.3).prop_map(Act::Cancel),
        2 => any::<bool>().prop_map(Act::Inspect),
        1 => Just(Act::Halt),
        1 => any::<bool>().prop_map(Act::Read),
        1 => Just(Act::Sweep),
        1 => Just(Act::Janitor),
        1 => prop_oneof![4 => 1..3u64, 1 => 20..30u64].prop_map(Act::Jump),
    ]
}

/// One upload as the reference sees it.
struct Known {
    id: UploadId,
    /// What the client means, and what somebody else's bytes would be.
    bytes: [Bytes; 2],
    /// Where each chunk stands; empty for offsets.
    chunks: Vec<std::ops::Range<usize>>,
    /// Ranges that were acknowledged, and with whose bytes.
    told: RefCell<Vec<(usize, usize, usize)>>,
    frontier: Cell<u64>,
    received: Cell<u64>,
    outcome: RefCell<Option<Outcome>>,
}

impl Known {
    fn new(id: UploadId, bytes: [Bytes; 2], sizes: &[usize]) -> Self {
        let mut at = 0;
        let chunks = sizes.iter().map(|size| {
            at += size;
            at - size..at
        });
        let chunks = chunks.collect();
        let (told, outcome) = (RefCell::default(), RefCell::default());
        Self { id, bytes, chunks, told, frontier: Cell::new(0), received: Cell::new(0), outcome }
    }

    /// I3: what was once reported stays.
    fn saw(&self, seen: &Inspection, floor: (u64, u64)) {
        if matches!(seen.stage, Stage::Receiving | Stage::Finishing | Stage::Completed(_)) {
            assert!((seen.frontier, seen.received) >= floor, "{seen:?} after {floor:?}");
            self.frontier.set(self.frontier.get().max(seen.frontier));
            self.received.set(self.received.get().max(seen.received));
        }
        if let Stage::Completed(outcome) = &seen.stage {
            self.ended(outcome);
        }
    }

    /// I5: every answer of a completed upload is the same.
    fn ended(&self, outcome: &Outcome) {
        let mut known = self.outcome.borrow_mut();
        assert_eq!(known.get_or_insert_with(|| outcome.clone()), outcome);
    }

    fn wrote(
        &self,
        from: usize,
        to: usize,
        other: bool,
        answer: Result<Written, Error>,
        floor: (u64, u64),
    ) -> bool {
        match answer {
            Ok(written) => {
                if to > from {
                    self.told.borrow_mut().push((from, to, usize::from(other)));
                }
                match written {
                    Written::Stored(seen) => self.saw(&seen, floor),
                    Written::Completed(outcome) => self.ended(&outcome),
                    other => panic!("{other:?}"),
                }
                true
            }
            Err(e) => {
                allowed(&e);
                false
            }
        }
    }

    /// I2, I6: whatever was acknowledged is what is stored.
    fn agrees(&self, whole: &Bytes) {
        for (from, to, whose) in self.told.borrow().iter() {
            assert_eq!(
                whole.slice(*from..*to),
                self.bytes[*whose].slice(*from..*to),
                "{from}..{to} was acknowledged"
            );
        }
    }
}

/// Nothing a client does is our fault, nor damages what is stored.
pub fn allowed(e: &Error) {
    assert!(!matches!(e.kind, ErrorKind::Internal | ErrorKind::Corrupt), "{e:?}");
}

pub fn body(bytes: &Bytes, end: End, random: &mut Random) -> (Script, usize) {
    let share = |per: usize| bytes.len() * per / 1000;
    match end {
        End::Well => (Script::new().cut_up(bytes, random), bytes.len()),
        End::Cut(per) => {
            (Script::new().cut_up(&bytes.slice(..share(per)), random).fail(ErrorKind::Interrupted), 0)
        }
        End::Stall(per) => (Script::new().cut_up(&bytes.slice(..share(per)), random).stall(), 0),
        End::Short(per) => (Script::new().cut_up(&bytes.slice(..share(per)), random), share(per)),
    }
}

/// Does one act.
async fn perform(
    world: &World,
    engine: &Engine,
    (slots, offsets): (&Known, &Known),
    act: Act,
    (seed, calm): (u64, bool),
) {
    let who = somebody("acme");
    let mut random = Random(seed);
    pause(random.below(40)).await;
    let of = |by_slot: bool| if by_slot { slots } else { offsets };
    match act {
        Act::Chunk { n, other, end } => {
            let n = n % slots.chunks.len();
            let range = slots.chunks[n].clone();
            let (mut script, len) =
                body(&slots.bytes[usize::from(other)].slice(range.clone()), end, &mut random);
            let floor = (slots.frontier.get(), slots.received.get());
            let mut write = slot(n as u32, slots.chunks.len() as u32);
            write.finish_when_complete = random.below(4) > 0;
            let answer = engine.write(&who, &slots.id, write, &mut script).await;
            let to = range.start + len;
            // A short chunk's place is known only when all before it are: the rows say whose bytes are there.
            let exact = to == range.end;
            slots.wrote(range.start, if exact { to } else { range.start }, other, answer, floor);
        }
        Act::Append { shift, len, other, end } => {
            let at = (offsets.frontier.get() + shift) as usize;
            let whole = &offsets.bytes[usize::from(other)];
            let at = at.min(whole.len());
            let to = (at + len).min(whole.len());
            let (mut script, _) = body(&whole.slice(at..to), end, &mut random);
            let floor = (offsets.frontier.get(), offsets.received.get());
            let answer = engine.write(&who, &offsets.id, offset(at as u64), &mut script).await;
            offsets.wrote(at, to, other, answer, floor);
        }
        Act::Finish(by_slot) => match engine.finish(&who, &of(by_slot).id).await {
            Ok(outcome) => of(by_slot).ended(&outcome),
            Err(e) => allowed(&e),
        },
        Act::Cancel(by_slot) => match engine.cancel(&who, &of(by_slot).id).await {
            Ok(()) => assert!(of(by_slot).outcome.borrow().is_none(), "a completed upload was cancelled"),
            Err(e) => allowed(&e),
        },
        Act::Inspect(by_slot) => {
            let known = of(by_slot);
            let floor = (known.frontier.get(), known.received.get());
            match engine.inspect(&who, &known.id).await {
                Ok(seen) => known.saw(&seen, floor),
                Err(e) => allowed(&e),
            }
        }
        Act::Halt => match engine.halt(&who, &offsets.id).await {
            Ok(seen) => offsets.saw(&seen, (0, 0)),
            Err(e) => allowed(&e),
        },
        Act::Read(by_slot) => match engine.read(Some(&who), &of(by_slot).id).await {
            Ok(reading) => of(by_slot).ended(reading.outcome()),
            Err(e) => assert!(matches!(e.kind, ErrorKind::NotFound | ErrorKind::StorageUnavailable), "{e:?}"),
        },
        // Nothing a client does makes a sweep fail.
        Act::Sweep => assert!(engine.sweep().await.failed == 0 || !calm),
        Act::Janitor => assert!(engine.janitor().await.failed == 0 || !calm),
        Act::Jump(hours) => world.advance(hours as u32 * HOUR),
    }
}

/// Afterwards the client goes on: each chunk with its own bytes, or whatever already stands there.
fn go_on(engine: &Engine, known: &Known, wild: bool) -> Option<Outcome> {
    let who = somebody("acme");
    let mut budget = 60;
    let mut ask = |write: Write, bytes: Bytes| {
        budget -= 1;
        assert!(budget > 0, "a bounded number of requests");
        block_on(engine.write(&who, &known.id, write, &mut Script::of(&bytes)))
    };
    let total = known.chunks.len() as u32;
    for (n, range) in known.chunks.iter().enumerate() {
        let mut answer = ask(slot(n as u32, total), known.bytes[0].slice(range.clone()));
        if answer.as_ref().is_err_and(|e| e.kind == ErrorKind::Conflict) {
            answer = ask(slot(n as u32, total), known.bytes[1].slice(range.clone()));
        }
        match answer {
            Ok(Written::Completed(outcome)) => return Some(*outcome),
            Ok(_) => {}
            Err(e) if wild || matches!(e.kind, ErrorKind::Gone | ErrorKind::NotFound) => return None,
            Err(e) => panic!("chunk {n}: {e:?}"),
        }
    }
    if known.chunks.is_empty() {
        let Ok(seen) = block_on(engine.inspect(&who, &known.id)) else { return None };
        if seen.stage == Stage::Receiving {
            let rest = known.bytes[0].slice(seen.frontier as usize..);
            match ask(offset(seen.frontier), rest) {
                Ok(_) => {}
                Err(e) if matches!(e.kind, ErrorKind::Gone | ErrorKind::NotFound) => return None,
                Err(e) => panic!("{e:?}"),
            }
        }
    }
    match block_on(engine.finish(&who, &known.id)) {
        Ok(outcome) => Some(outcome),
        Err(e) if wild || matches!(e.kind, ErrorKind::Gone | ErrorKind::NotFound) => None,
        Err(e) => panic!("{e:?}"),
    }
}

pub fn settle(world: &World, engine: &Engine) {
    assert_eq!(block_on(engine.sweep()).failed, 0);
    assert_eq!(block_on(engine.janitor()).failed, 0);
    clean(world);
}

fn run(seed: u64, sizes: &[usize], acts: &[Act], wild: bool, (restart, failing): (bool, u64)) {
    let world = World::new(seed);
    // The two uploads begin well; then come the faults.
    let chaos = Chaos::new(Course::slow(seed, 3));
    show("below", &chaos, || at_once(&world, &chaos, (seed, sizes, acts), wild, (restart, failing)));
}

fn at_once(
    world: &World,
    chaos: &Chaos,
    (seed, sizes, acts): (u64, &[usize], &[Act]),
    wild: bool,
    (restart, failing): (bool, u64),
) {
    let engine = world.troubled(chaos);
    let who = somebody("acme");
    let length: usize = sizes.iter().sum();
    let two = |salt: u64, len: usize| [content(seed ^ salt, len), content(!seed ^ salt, len)];
    let by_slot = Client::slots(&content(0, length), length);
    let by_offset = Client::offsets(&content(0, 9_000));
    let slots = Known::new(block_on(engine.begin(&who, by_slot.begin())).unwrap().id, two(1, length), sizes);
    let offsets = Known::new(block_on(engine.begin(&who, by_offset.begin())).unwrap().id, two(2, 9_000), &[]);
    chaos.fail(failing);
    let mut sim = Sim::new(seed);
    for (i, act) in acts.iter().enumerate() {
        let name = format!("{i} {act:?}");
        sim.spawn(
            name,
            perform(world, &engine, (&slots, &offsets), act.clone(), (seed ^ i as u64, failing == 0)),
        );
    }
    sim.run();
    // What waits for more of its body hands over what it has; then only stalled bodies are left, and who waits for them.
    world.advance(Duration::from_millis(100));
    sim.run();
    sim.drop_tasks("Stall");
    assert_eq!(sim.run(), Vec::<String>::new(), "they wait for ever");
    chaos.heal();
    sound(world);
    let engine = if restart { world.engine() } else { engine.clone() };
    for known in [&slots, &offsets] {
        let outcome = go_on(&engine, known, wild);
        let found = sound(world);
        if let Some(head) = found.heads.get(&known.id).filter(|h| matches!(h.phase, Phase::Completed { .. }))
        {
            let whole = object(world, head);
            known.agrees(&whole);
            if let Some(outcome) = outcome {
                known.ended(&outcome);
            }
            if !wild {
                let one_of_two = (0..whole.len()).all(|i| known.bytes.iter().any(|b| b[i] == whole[i]));
                assert!(one_of_two, "bytes of nobody");
            }
        }
    }
    // I7, and: what is completed stays.
    for hours in [2, 26, 26] {
        world.advance(hours * HOUR);
        settle(world, &engine);
    }
    for known in [&slots, &offsets] {
        if known.outcome.borrow().is_some() {
            let reading = block_on(engine.read(Some(&who), &known.id)).expect("completed data stays");
            known.ended(reading.outcome());
        }
    }
}

/// Runs; `PROPTEST_CASES` asks for more.
pub fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(3000);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    /// Chunks of one size.
    #[test]
    fn whatever_clients_do_at_once_the_invariants_hold(
        seed in any::<u64>(), chunk in 1..2500usize, last in 1..2500usize, total in 1..6usize,
        acts in prop::collection::vec(act(false), 1..14), restart in any::<bool>(), failing in prop_oneof![Just(0), 0..150u64],
    ) {
        let mut sizes = vec![chunk; total];
        sizes[total - 1] = last.min(chunk);
        run(seed, &sizes, &acts, false, (restart, failing));
    }

    /// Chunks of any sizes, also shorter than meant: it may end refused, never damaged.
    #[test]
    fn whatever_sizes_chunks_have_the_invariants_hold(
        seed in any::<u64>(), sizes in prop::collection::vec(1..2500usize, 1..6),
        acts in prop::collection::vec(act(true), 1..14), restart in any::<bool>(), failing in prop_oneof![Just(0), 0..150u64],
    ) {
        run(seed, &sizes, &acts, true, (restart, failing));
    }
}
