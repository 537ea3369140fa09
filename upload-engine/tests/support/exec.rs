//! An executor that takes turns from a seed.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// SplitMix64: the same numbers for the same seed, everywhere.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit` (0 for 0).
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }
}

#[derive(Debug)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn woken() -> (Arc<Woken>, Waker) {
    let flag = Arc::new(Woken(AtomicBool::new(true)));
    (Arc::clone(&flag), Waker::from(flag))
}

struct Task<'a> {
    name: String,
    future: Pin<Box<dyn Future<Output = ()> + 'a>>,
    flag: Arc<Woken>,
    waker: Waker,
}

/// Tasks, polled one at a time in an order drawn from a seed, and only when they were woken: a lost wake-up
/// is a task that stays for ever.
pub struct Sim<'a> {
    random: Random,
    tasks: Vec<Task<'a>>,
}

impl<'a> Sim<'a> {
    pub fn new(seed: u64) -> Self {
        Self { random: Random(seed), tasks: Vec::new() }
    }

    pub fn spawn(&mut self, name: impl Into<String>, future: impl Future<Output = ()> + 'a) {
        let (flag, waker) = woken();
        self.tasks.push(Task { name: name.into(), future: Box::pin(future), flag, waker });
    }

    /// Runs until no task wants its turn; gives the names of those that are left.
    pub fn run(&mut self) -> Vec<String> {
        for turn in 0.. {
            assert!(turn < 2_000_000, "tasks wake each other for ever: {:?}", self.names());
            let ready: Vec<_> =
                (0..self.tasks.len()).filter(|i| self.tasks[*i].flag.0.load(Ordering::SeqCst)).collect();
            if ready.is_empty() {
                break;
            }
            let chosen = ready[self.random.below(ready.len() as u64) as usize];
            let task = &mut self.tasks[chosen];
            task.flag.0.store(false, Ordering::SeqCst);
            if task.future.as_mut().poll(&mut Context::from_waker(&task.waker)).is_ready() {
                drop(self.tasks.swap_remove(chosen));
            }
        }
        self.names()
    }

    /// Drops every task whose name has this in it, as a client's request is dropped.
    pub fn drop_tasks(&mut self, part: &str) {
        self.tasks.retain(|task| !task.name.contains(part));
    }

    fn names(&self) -> Vec<String> {
        self.tasks.iter().map(|task| task.name.clone()).collect()
    }
}

/// Runs one future to its end.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    polls(future, usize::MAX).expect("the future waits for something that never comes")
}

/// Polls a future at most `most` times, each time after it was woken, then drops it.
pub fn polls<T>(future: impl Future<Output = T>, most: usize) -> Option<T> {
    let mut future = pin!(future);
    let (flag, waker) = woken();
    for _ in 0..most {
        if !flag.0.swap(false, Ordering::SeqCst) {
            return None;
        }
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
    }
    None
}

/// Lets everybody else have a turn, so many times.
pub async fn pause(turns: u64) {
    for _ in 0..turns {
        let mut waited = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}
