use upload_core::ports::{StoreError, StoreErrorKind};

use super::random::Random;
use crate::wrapped::{Call, Operation};

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// It fails and has done nothing.
    Before(StoreErrorKind),
    /// It has done everything and yet fails; a put or delete of a record ends *unknown*.
    After(StoreErrorKind),
    /// Puts and deletes of records only: it ends *unknown* and has done nothing.
    UnknownBefore,
    /// Puts and deletes of records only: it ends *unknown* and has done everything.
    UnknownAfter,
    /// Reads only: less came back than was asked for, which a store must turn into an error (`Corrupt`).
    Short,
    /// It waits for so many polls before it reaches the store, and as many before it returns.
    Delay(u32),
    /// The process "ends" here: this call and every later one fail and do nothing.
    Stop,
}

impl Fault {
    /// Whether the fault makes sense for the operation.
    fn fits(self, operation: Operation) -> bool {
        use Operation::{DeleteRecord, Get, ListRecords, Put, Read, ReadFragment, ReadStaged};
        match self {
            Self::UnknownBefore | Self::UnknownAfter => matches!(operation, Put | DeleteRecord),
            Self::Short => matches!(operation, Read | ReadStaged | ReadFragment | Get | ListRecords),
            _ => true,
        }
    }

    /// The error that shows it.
    pub(super) fn error(self, call: &Call<'_>) -> StoreError {
        let kind = match self {
            Self::Before(kind) | Self::After(kind) => kind,
            Self::Short => StoreErrorKind::Corrupt,
            _ => StoreErrorKind::Unavailable,
        };
        StoreError::new(kind, format!("injected fault {self:?} in {:?} of {:?}", call.operation, call.name))
    }
}

/// Which faults happen when: at random from a seed, at scripted calls, or both (a script wins).
///
/// Rates are in thousandths of the calls that the fault fits.
///
/// ```
/// use upload_core::ports::StoreErrorKind::Unavailable;
/// use upload_storage::{Fault, Operation, Plan};
///
/// let storm = Plan::seeded(42).rate(Fault::Before(Unavailable), 50).rate(Fault::Delay(3), 200);
/// let third_sync_fails = Plan::none().script(Operation::Sync, 3, Fault::Before(Unavailable));
/// let power_cut = Plan::none().stop_after(17);
/// # let _ = (storm, third_sync_fails, power_cut);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Plan {
    seed: u64,
    rates: Vec<(Fault, u16)>,
    script: Vec<(Operation, u64, Fault)>,
    stop_after: Option<u64>,
}

impl Plan {
    /// No faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// No faults yet; those of [`rate`](Self::rate) follow this seed.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// `fault` in `thousandths` of the calls it fits. [`Fault::Delay`] gives the longest delay.
    pub fn rate(mut self, fault: Fault, thousandths: u16) -> Self {
        self.rates.push((fault, thousandths));
        self
    }

    /// `fault` in the `nth` call of `operation`, the first being 1.
    pub fn script(mut self, operation: Operation, nth: u64, fault: Fault) -> Self {
        self.script.push((operation, nth, fault));
        self
    }

    /// Every call after the first `calls` of all operations fails and does nothing.
    pub fn stop_after(mut self, calls: u64) -> Self {
        self.stop_after = Some(calls);
        self
    }
}

/// A plan on its way.
#[derive(Debug)]
pub(super) struct Course {
    plan: Plan,
    random: Random,
    /// Calls so far, of all operations and of each.
    all: u64,
    each: [u64; Operation::ALL.len()],
    pub(super) stopped: bool,
}

impl Course {
    pub(super) fn new(plan: Plan) -> Self {
        let random = Random::new(plan.seed);
        Self { plan, random, all: 0, each: [0; Operation::ALL.len()], stopped: false }
    }

    /// The number of the call and what happens to it.
    pub(super) fn next(&mut self, operation: Operation) -> (u64, Option<Fault>) {
        self.all += 1;
        let nth = self.count(operation);
        let drawn = self.draw(operation);
        if self.stopped || self.plan.stop_after.is_some_and(|calls| self.all > calls) {
            self.stopped = true;
            return (self.all, Some(Fault::Stop));
        }
        let script = &self.plan.script;
        let scripted =
            script.iter().find(|(at, n, _)| *at == operation && *n == nth).map(|(.., fault)| *fault);
        let fault = scripted.or(drawn);
        self.stopped = fault == Some(Fault::Stop);
        (self.all, fault)
    }

    /// One fault in the next call of `operation`.
    pub(super) fn script_next(&mut self, operation: Operation, fault: Fault) {
        let nth = self.each.get(operation as usize).copied().unwrap_or(0) + 1;
        self.plan.script.insert(0, (operation, nth, fault));
    }

    /// No faults from now on.
    pub(super) fn heal(&mut self) {
        self.stopped = false;
        self.plan = Plan { seed: self.plan.seed, ..Plan::none() };
    }

    fn count(&mut self, operation: Operation) -> u64 {
        self.each.get_mut(operation as usize).map_or(0, |count| {
            *count += 1;
            *count
        })
    }

    /// Draws for every rate, whatever the operation: a fault more or less does not shift those after it.
    fn draw(&mut self, operation: Operation) -> Option<Fault> {
        let mut drawn = None;
        for (fault, thousandths) in &self.plan.rates {
            let hit = self.random.below(1000) < u64::from(*thousandths);
            let polls = self.random.next();
            if hit && drawn.is_none() && fault.fits(operation) {
                drawn = Some(match fault {
                    Fault::Delay(most) => {
                        let polls = polls.checked_rem(u64::from(*most)).map_or(0, |p| p + 1);
                        Fault::Delay(u32::try_from(polls).unwrap_or(*most))
                    }
                    fault => *fault,
                });
            }
        }
        drawn
    }
}
