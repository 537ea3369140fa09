//! The machine and the model side by side.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::fmt;

use super::MOST_BYTES;
use super::naive::Naive;
use super::op::Op;
use crate::assembly::{Assembly, AttemptId, AttemptState, Close, Key, Limits, Stop};

/// Where machine and model part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disagreement {
    /// Which operation of the list, counted from 0.
    pub step: usize,
    /// The operation.
    pub op: Op,
    /// What was expected and what came.
    pub what: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operation {}, {:?}: {}", self.step, self.op, self.what)
    }
}

impl core::error::Error for Disagreement {}

/// Runs the operations against machine and model, in an upload of 20 bytes by slots unless the first ones
/// begin another.
///
/// # Errors
/// The first [`Disagreement`].
pub fn check(ops: &[Op]) -> Result<(), Disagreement> {
    let mut world = World::slots(20, 8, 8);
    for (step, op) in ops.iter().enumerate() {
        world.apply(op).map_err(|what| Disagreement { step, op: *op, what })?;
    }
    Ok(())
}

/// A machine, and the model of what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub(super) machine: Assembly,
    pub(super) naive: Naive,
}

/// Overflow regions of the model's worlds; small, so that states stay readable.
const ALIGNMENT: u64 = 4;

impl World {
    /// A new upload by slots: its length, most bytes of a chunk, most slots.
    #[must_use]
    pub fn slots(length: u64, chunk: u64, slots: u32) -> Self {
        let length = length.min(MOST_BYTES);
        let limits = Limits { length, chunk: chunk.min(MOST_BYTES), slots, alignment: ALIGNMENT };
        Self { machine: Assembly::slots(length, limits), naive: Naive::new(true, Some(length), limits) }
    }

    /// A new upload by offsets: its length if it is known, and the most bytes it may have.
    #[must_use]
    pub fn offsets(length: Option<u64>, limit: u64) -> Self {
        let limit = limit.min(MOST_BYTES);
        let length = length.map(|length| length.min(limit));
        let limits = Limits { length: limit, chunk: limit, slots: 0, alignment: ALIGNMENT };
        Self { machine: Assembly::offsets(length, limits), naive: Naive::new(false, length, limits) }
    }

    /// The machine.
    #[must_use]
    pub const fn machine(&self) -> &Assembly {
        &self.machine
    }

    /// How many attempts there are that have neither been recorded nor abandoned.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.naive.tries.len()
    }

    /// Lets every owner do all it can without anything new arriving: writes return, bodies end, shapes and
    /// rows are put, what is refused or ended is abandoned. Whether nobody is left then: if somebody is, all
    /// that are left wait for each other.
    #[must_use]
    pub fn settles(&self) -> bool {
        let mut world = self.clone();
        for _ in 0..=4 * self.attempts() {
            let ids: alloc::vec::Vec<_> = world.naive.tries.keys().copied().collect();
            for id in ids {
                world.machine.returned(id);
                match world.machine.close(id) {
                    Ok(Close::NeedShape(shape)) => drop(world.machine.learn_shape(shape)),
                    Ok(Close::Ready { .. }) => drop(world.machine.record(id)),
                    Ok(Close::Wait | Close::Done) => {}
                    Err(_) => world.machine.abandon(id),
                }
            }
        }
        world.naive.tries.keys().all(|&id| world.machine.attempt_state(id) == AttemptState::Gone)
    }

    /// How many requests were told to wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.naive.waiting.len()
    }

    /// The same state with attempts named 0, 1, 2… by age: two worlds that will answer alike are equal then.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        let ids = self.naive.tries.keys().copied().chain(self.naive.waiting.iter().map(|it| it.id));
        let mut names: BTreeMap<AttemptId, AttemptId> = ids.map(|id| (id, id)).collect();
        for (name, id) in (0..).zip(names.values_mut()) {
            *id = AttemptId(name);
        }
        let name = |id: AttemptId| names.get(&id).copied().unwrap_or(id);
        self.machine.rename(names.len() as u64, name);
        let naive = &mut self.naive;
        naive.tries = core::mem::take(&mut naive.tries).into_iter().map(|(id, it)| (name(id), it)).collect();
        naive.waiting.iter_mut().for_each(|it| it.id = name(it.id));
        naive.file.values_mut().for_each(|(id, _)| *id = name(*id));
        self
    }

    /// What must hold after every operation, whatever it was.
    pub(super) fn invariants(&mut self) -> Result<(), String> {
        let (machine, naive) = (&self.machine, &mut self.naive);
        same("rows", machine.rows().collect::<alloc::vec::Vec<_>>(), naive.rows.values().copied().collect())?;
        same("frontier", machine.frontier(), naive.frontier().1)?;
        same("rows_len", machine.rows_len(), naive.rows.len() as u64)?;
        same("received", machine.received(), naive.rows.values().map(|row| row.len).sum())?;
        same("is_complete", machine.is_complete(), naive.is_complete())?;
        same("shape", machine.shape(), naive.shape)?;
        same("length", machine.length(), naive.length)?;
        let flying = naive.tries.values().filter(|it| it.flying.is_some()).count();
        same("writes_outstanding", machine.writes_outstanding(), flying)?;
        let (mut end, mut next) = (0, Key::Slot(0));
        for row in naive.rows.values() {
            if row.start < end || row.start + row.len > naive.length.unwrap_or(u64::MAX) {
                return Err(format!("{row:?} overlaps the row before it, or ends behind the length"));
            }
            if row.at == next && row.start != end {
                return Err(format!("{row:?} leaves a gap before it that nothing can fill"));
            }
            end = row.start + row.len;
            if let Key::Slot(n) = row.at {
                next = Key::Slot(n + 1);
                let last = naive.shape.is_some_and(|shape| shape.total == n + 1);
                same("a last row that does not end at the length", last && Some(end) != naive.length, false)?;
            }
            same("row", machine.row(row.at), Some(*row))?;
            same("row_starting_at", machine.row_starting_at(row.start).map(|it| it.start), Some(row.start))?;
        }
        for (&id, it) in &naive.tries {
            let expected = if naive.slots { it.at.key() } else { Key::Offset(0) };
            same("is_open", machine.is_open(expected), naive.holder(it.at).is_some())?;
            let running = machine.attempt_state(id) == AttemptState::Running;
            same("running", running, !it.stopped)?;
            if running && !machine.is_running(expected) {
                return Err(format!("{id} is running and nobody has its place"));
            }
        }
        Ok(())
    }

    /// Takes over who was told to stop, and checks that it was right to. `by` says which reasons the
    /// operation may have for an attempt.
    pub(super) fn stops(&mut self, by: impl Fn(&Naive, AttemptId, Stop) -> bool) -> Result<(), String> {
        let mut ended = alloc::vec::Vec::new();
        for (&id, it) in self.naive.tries.iter().filter(|(_, it)| !it.stopped) {
            match self.machine.attempt_state(id) {
                AttemptState::Running => {}
                AttemptState::Gone => return Err(format!("{id} is gone")),
                AttemptState::Ended(stop) if it.closing && stop != Stop::AllEnded => {
                    return Err(format!("{id} was ended while it closed: {stop}"));
                }
                AttemptState::Ended(stop) if by(&self.naive, id, stop) => ended.push(id),
                AttemptState::Ended(stop) => return Err(format!("{id} was ended: {stop}")),
            }
        }
        for id in ended {
            if let Some(it) = self.naive.tries.get_mut(&id) {
                it.stopped = true;
            }
        }
        Ok(())
    }
}

pub(super) fn same<T: PartialEq + fmt::Debug>(what: &str, machine: T, model: T) -> Result<(), String> {
    if machine == model {
        Ok(())
    } else {
        Err(format!("{what}: the model says {model:?}, the machine {machine:?}"))
    }
}
