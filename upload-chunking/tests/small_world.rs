//! Every state of small worlds, and every operation in each of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stderr, missing_docs, unreachable_pub)]

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use upload_chunking::assembly::At;
use upload_chunking::model::{Op, World};

struct Small {
    /// The places that may be asked for.
    places: Vec<At>,
    /// How many bytes arrive at once.
    grants: Vec<u64>,
    /// How many attempts and waiting requests there are at most.
    attempts: usize,
    waiting: usize,
}

impl Small {
    fn ops(&self, world: &World) -> Vec<Op> {
        let mut ops = vec![Op::LearnStored];
        if world.attempts() < self.attempts && world.waiting() < self.waiting.max(1) {
            ops.extend(self.places.iter().map(|&at| Op::Open { at, declared: None }));
            ops.extend((0..world.waiting()).map(Op::Reopen));
        }
        for attempt in 0..world.attempts() {
            ops.extend(self.grants.iter().map(|&len| Op::Grant { attempt, len }));
            ops.extend([Op::Returned(attempt), Op::Close(attempt), Op::PutShape(attempt)]);
            ops.extend([Op::Record(attempt), Op::Abandon(attempt)]);
            if matches!(self.places[0], At::Offset(_)) {
                ops.extend([Op::Extent(attempt), Op::Interrupt]);
            }
        }
        ops
    }

    /// How many states can be reached, and in how many of them the upload is complete.
    fn explore(&self, start: World) -> (usize, usize) {
        let hash = |world: &World| {
            let mut hasher = DefaultHasher::new();
            world.hash(&mut hasher);
            hasher.finish()
        };
        let start = start.canonical();
        let mut seen = HashSet::from([hash(&start)]);
        let mut todo = vec![start];
        let mut complete = 0;
        while let Some(world) = todo.pop() {
            assert!(world.settles(), "attempts that wait for each other: {world:?}");
            complete += usize::from(world.machine().is_complete());
            for op in self.ops(&world) {
                let mut next = world.clone();
                if let Err(what) = next.apply(&op) {
                    panic!("{op:?}: {what}\nin {world:?}");
                }
                // A request more than may wait goes away.
                if next.waiting() > self.waiting {
                    continue;
                }
                let next = next.canonical();
                if seen.insert(hash(&next)) {
                    todo.push(next);
                }
            }
        }
        eprintln!("{} states, {complete} complete", seen.len());
        (seen.len(), complete)
    }
}

fn slots(total: u32, grants: &[u64], attempts: usize) -> Small {
    let places = (0..total).map(|n| At::Slot { n, total }).collect();
    Small { places, grants: grants.to_vec(), attempts, waiting: 1 }
}

#[test]
fn two_slots_of_any_size_two_attempts() {
    let (states, complete) = slots(2, &[1, 2], 2).explore(World::slots(3, 3, 8));
    assert!(states > 1000 && complete > 0, "{states} states, {complete} complete");
}

#[test]
fn three_slots_of_any_size_two_attempts() {
    let (states, complete) = slots(3, &[1], 2).explore(World::slots(4, 4, 8));
    assert!(states > 1000 && complete > 0, "{states} states, {complete} complete");
}

#[test]
fn three_slots_three_attempts() {
    let small = Small { waiting: 0, ..slots(3, &[1], 3) };
    let (states, complete) = small.explore(World::slots(3, 1, 8));
    assert!(states > 1000 && complete > 0, "{states} states, {complete} complete");
}

#[test]
fn five_slots_two_attempts() {
    let (states, complete) = slots(5, &[1], 2).explore(World::slots(5, 1, 8));
    assert!(states > 1000 && complete > 0, "{states} states, {complete} complete");
}

#[test]
fn two_ideas_of_the_total() {
    let mut small = slots(2, &[1], 2);
    small.places.extend((0..3).map(|n| At::Slot { n, total: 3 }));
    let (states, complete) = small.explore(World::slots(3, 2, 8));
    assert!(states > 1000 && complete > 0, "{states} states, {complete} complete");
}

#[test]
fn offsets_up_to_five() {
    let places = (0..=5).map(At::Offset).collect();
    let small = Small { places, grants: vec![1, 2], attempts: 2, waiting: 2 };
    let (states, complete) = small.explore(World::offsets(Some(5), 5));
    assert!(states > 1000 && complete > 0, "{states} states, {complete} complete");
}
