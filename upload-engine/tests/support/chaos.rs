//! Trouble between the engine and its stores, counted over both of them: every call is one *effect*.

use std::sync::{Arc, Mutex};

use upload_core::ports::{StoreError, StoreErrorKind};
use upload_storage::{
    Operation,
    wrapped::{Call, End, Hook, Refused, Wrapped},
};

use super::{Random, exec::pause};

/// What is to happen.
#[derive(Debug, Clone)]
pub struct Course {
    random: Random,
    /// Longest delay before and after a call, in turns.
    delay: u64,
    /// Thousandths of the calls that fail, one way or another.
    failing: u64,
    /// The call with this number is the last that has its effect, and whether its answer still arrives.
    stop: Option<(u64, bool)>,
    calls: u64,
    /// Fates of the next calls of an operation on a name.
    script: Vec<(Operation, String, Fate)>,
    trace: Vec<String>,
}

impl Course {
    pub fn quiet() -> Self {
        Self {
            random: Random(0),
            delay: 0,
            failing: 0,
            stop: None,
            calls: 0,
            script: Vec::new(),
            trace: Vec::new(),
        }
    }

    /// Every call takes up to so many turns on each way.
    pub fn slow(seed: u64, delay: u64) -> Self {
        Self { random: Random(seed), delay, ..Self::quiet() }
    }

    /// So many thousandths of the calls fail, before or after their effect, or end unknown.
    pub fn failing(mut self, thousandths: u64) -> Self {
        self.failing = thousandths;
        self
    }

    /// After the effect of call `k` the process stands still; `answered` says whether the engine still hears of it.
    pub fn stop(mut self, k: u64, answered: bool) -> Self {
        self.stop = Some((k, answered));
        self
    }
}

/// The hook of both stores.
#[derive(Debug, Clone)]
pub struct Chaos(Arc<Mutex<Course>>);

pub type Chaotic<S> = Wrapped<S, Chaos>;

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Well,
    Before,
    Unknown,
    After,
    /// The effect, and no answer ever.
    Stop,
    /// Nothing any more.
    Stopped,
}

impl Chaos {
    pub fn new(course: Course) -> Self {
        Self(Arc::new(Mutex::new(course)))
    }

    pub fn over<S>(&self, store: &S) -> Arc<Chaotic<S>>
    where
        S: Clone,
    {
        Arc::new(Wrapped::with_hook(Arc::new(store.clone()), self.clone()))
    }

    /// What happens to the next call of `operation` on a name that ends so.
    pub fn next_time(&self, operation: Operation, name: impl Into<String>, fate: Fate) {
        self.0.lock().unwrap().script.push((operation, name.into(), fate));
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.0.lock().unwrap().calls
    }

    /// From now on so many thousandths of the calls fail.
    pub fn fail(&self, thousandths: u64) {
        self.0.lock().unwrap().failing = thousandths;
    }

    /// No more trouble.
    pub fn heal(&self) {
        let mut course = self.0.lock().unwrap();
        (course.failing, course.delay, course.stop) = (0, 0, None);
    }

    /// The calls so far, for a failed test to show.
    pub fn trace(&self) -> Vec<String> {
        self.0.lock().unwrap().trace.clone()
    }

    fn next(&self, call: &Call<'_>) -> (Fate, u64, u64) {
        let mut course = self.0.lock().unwrap();
        course.calls += 1;
        let calls = course.calls;
        let scripted =
            course.script.iter().position(|(o, name, _)| *o == call.operation && call.name.ends_with(name));
        let fate = match course.stop {
            _ if scripted.is_some() => course.script.remove(scripted.unwrap_or_default()).2,
            Some((k, answered)) if calls > k || (calls == k && !answered) => {
                if calls == k {
                    Fate::Stop
                } else {
                    Fate::Stopped
                }
            }
            _ => {
                let fails = course.random.below(1000) < course.failing;
                // A failed sync fails the upload, by design; it has a test of its own.
                match course.random.below(3) {
                    _ if !fails || call.operation == Operation::Sync => Fate::Well,
                    0 => Fate::Before,
                    1 => Fate::Unknown,
                    _ => Fate::After,
                }
            }
        };
        let most = course.delay + 1;
        let (before, after) = (course.random.below(most), course.random.below(most));
        if course.trace.len() < 5_000 {
            let line = format!(
                "{calls} {:?} {} at {}+{}: {fate:?}",
                call.operation, call.name, call.position, call.bytes
            );
            course.trace.push(line);
        }
        (fate, before, after)
    }
}

fn trouble(call: &Call<'_>) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, format!("injected at {:?} {}", call.operation, call.name))
}

impl Hook for Chaos {
    type Ticket = (Fate, u64);

    async fn before(&self, call: &Call<'_>) -> Result<Self::Ticket, Refused> {
        let (fate, before, after) = self.next(call);
        pause(before).await;
        match fate {
            Fate::Stopped => std::future::pending().await,
            Fate::Before => Err(Refused::Error(trouble(call))),
            Fate::Unknown => Err(Refused::Unknown(trouble(call))),
            _ => Ok((fate, after)),
        }
    }

    async fn after(&self, call: &Call<'_>, (fate, after): Self::Ticket, _: End) -> Result<(), StoreError> {
        pause(after).await;
        match fate {
            Fate::Stop => std::future::pending().await,
            Fate::After => Err(trouble(call)),
            _ => Ok(()),
        }
    }
}
