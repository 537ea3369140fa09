//! A store that fails on purpose, the same way each time.

mod plan;
mod random;

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex},
    task::Poll,
};

use upload_core::ports::StoreError;

use crate::{
    shared::lock,
    wrapped::{Call, End, Hook, Operation, Refused, Wrapped},
};
use plan::Course;
pub use plan::{Fault, Plan};
#[cfg(feature = "conformance")]
pub(crate) use random::Random;

/// A store that fails as its [`Plan`] says: before or after the effect, late, short, *unknown*, or for good.
///
/// The same plan and the same sequence of calls give the same faults; [`trace`](Self::trace) shows them.
///
/// ```
/// use std::sync::Arc;
/// use bytes::Bytes;
/// use upload_core::ports::{Expected, Put, RecordStore};
/// use upload_storage::{Fault, Faulty, Operation, Plan, memory::MemoryRecords};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let plan = Plan::none().script(Operation::Put, 1, Fault::UnknownAfter);
/// let records = Faulty::new(Arc::new(MemoryRecords::new()), plan);
/// let put = records.put("u/1", Bytes::from_static(b"a"), Expected::Absent).await.unwrap();
/// assert!(matches!(put, Put::Unknown(_)));
/// assert!(records.get("u/1").await.unwrap().is_some());
/// assert_eq!(records.trace()[0].to_string(), "1 Put u/1: UnknownAfter");
/// # }).unwrap();
/// ```
pub type Faulty<S> = Wrapped<S, Faults>;

impl<S: ?Sized> Faulty<S> {
    /// `inner` with the faults of `plan`.
    pub fn new(inner: Arc<S>, plan: Plan) -> Self {
        let state = State { course: Course::new(plan), trace: Vec::new() };
        Self::with_hook(inner, Faults { state: Mutex::new(state) })
    }

    /// One fault in the next call of `operation`.
    pub fn fail_next(&self, operation: Operation, fault: Fault) {
        lock(&self.hook().state).course.script_next(operation, fault);
    }

    /// From now on every call fails and does nothing, as if the process had ended.
    pub fn stop(&self) {
        lock(&self.hook().state).course.stopped = true;
    }

    /// No faults from now on.
    pub fn heal(&self) {
        lock(&self.hook().state).course.heal();
    }

    /// The calls so far, the first [`Traced::MOST`] of them.
    pub fn trace(&self) -> Vec<Traced> {
        lock(&self.hook().state).trace.clone()
    }
}

/// One call of a [`Faulty`] store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traced {
    /// Counted from 1 over all operations.
    pub number: u64,
    /// Which.
    pub operation: Operation,
    /// The staging name, object key, record key or prefix.
    pub name: String,
    /// What happened to it.
    pub fault: Option<Fault>,
}

impl Traced {
    /// So many calls are kept.
    pub const MOST: usize = 100_000;
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.number, self.operation, self.name)?;
        self.fault.map_or(Ok(()), |fault| write!(f, ": {fault:?}"))
    }
}

/// The hook of [`Faulty`].
#[derive(Debug)]
pub struct Faults {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    course: Course,
    trace: Vec<Traced>,
}

impl Faults {
    fn next(&self, call: &Call<'_>) -> Option<Fault> {
        let mut state = lock(&self.state);
        let (number, fault) = state.course.next(call.operation);
        if state.trace.len() < Traced::MOST {
            state.trace.push(Traced { number, operation: call.operation, name: call.name.to_owned(), fault });
        }
        fault
    }
}

impl Hook for Faults {
    type Ticket = Option<Fault>;

    async fn before(&self, call: &Call<'_>) -> Result<Self::Ticket, Refused> {
        let fault = self.next(call);
        match fault {
            Some(fault @ (Fault::Before(_) | Fault::Stop)) => Err(Refused::Error(fault.error(call))),
            Some(fault @ Fault::UnknownBefore) => Err(Refused::Unknown(fault.error(call))),
            Some(Fault::Delay(polls)) => {
                yields(polls).await;
                Ok(fault)
            }
            _ => Ok(fault),
        }
    }

    async fn after(&self, call: &Call<'_>, ticket: Self::Ticket, _: End) -> Result<(), StoreError> {
        match ticket {
            Some(fault @ (Fault::After(_) | Fault::UnknownAfter | Fault::Short)) => Err(fault.error(call)),
            Some(Fault::Delay(polls)) => {
                yields(polls).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Lets everybody else go first, `polls` times.
pub(crate) async fn yields(mut polls: u32) {
    poll_fn(|context| match polls.checked_sub(1) {
        None => Poll::Ready(()),
        Some(left) => {
            polls = left;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}
