use std::time::Duration;

use upload_core::Handle;

use super::bench::Needs;

/// How a check wants the store opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// For a new check. The store may be empty or not; no other opened one is in use.
    Fresh,
    /// The store that was opened last, and dropped since, after a restart.
    Reopen,
}

/// The legal differences between back ends.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Profile {
    /// Whether it says that other processes may use it at the same time.
    pub shared: bool,
    /// Whether it can be opened again and then holds what was acknowledged.
    pub reopen: bool,
    /// Whether it has a [`Mover`](upload_core::ports::Mover).
    pub mover: bool,
    /// Whether it has a [`Copier`](upload_core::ports::Copier).
    pub copier: bool,
    /// Whether a session is something before its first part is stored: it is then listed.
    pub empty_sessions: bool,
    /// Whether its calls may be polled on plain threads (they need no runtime): races then run in parallel.
    pub threads: bool,
    /// A far position that is written to, in bytes.
    pub far: u64,
    /// Bytes of the largest object that is made.
    pub large: usize,
    /// How long one check, and the wait for a permit, may take before it has failed. Nothing waits this long
    /// unless something is wrong. (A call that spins without ever returning to its executor cannot be ended.)
    pub patience: Duration,
    /// The tenants whose uploads are made, now one's and now another's; if empty, each upload is of a tenant of its own.
    pub tenants: Vec<Handle>,
    /// Only checks whose name contains this.
    pub only: String,
}

impl Profile {
    /// A store of one process that can be opened again, has a mover and a copier, and needs no runtime.
    pub fn new() -> Self {
        Self {
            shared: false,
            reopen: true,
            mover: true,
            copier: true,
            empty_sessions: true,
            threads: true,
            far: 1 << 40,
            large: 8 << 20,
            patience: Duration::from_secs(60),
            tenants: Vec::new(),
            only: String::new(),
        }
    }

    /// Sets [`shared`](Self::shared).
    pub fn shared(mut self, shared: bool) -> Self {
        self.shared = shared;
        self
    }

    /// Sets [`reopen`](Self::reopen).
    pub fn reopen(mut self, reopen: bool) -> Self {
        self.reopen = reopen;
        self
    }

    /// Sets [`mover`](Self::mover).
    pub fn mover(mut self, mover: bool) -> Self {
        self.mover = mover;
        self
    }

    /// Sets [`copier`](Self::copier).
    pub fn copier(mut self, copier: bool) -> Self {
        self.copier = copier;
        self
    }

    /// Sets [`empty_sessions`](Self::empty_sessions).
    pub fn empty_sessions(mut self, empty_sessions: bool) -> Self {
        self.empty_sessions = empty_sessions;
        self
    }

    /// Sets [`threads`](Self::threads).
    pub fn threads(mut self, threads: bool) -> Self {
        self.threads = threads;
        self
    }

    /// Sets [`far`](Self::far), bytes.
    pub fn far(mut self, far: u64) -> Self {
        self.far = far;
        self
    }

    /// Sets [`large`](Self::large), bytes.
    pub fn large(mut self, large: usize) -> Self {
        self.large = large;
        self
    }

    /// Sets [`patience`](Self::patience).
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets [`tenants`](Self::tenants).
    pub fn tenants(mut self, tenants: Vec<Handle>) -> Self {
        self.tenants = tenants;
        self
    }

    /// Runs only checks whose name contains `text`.
    pub fn only(mut self, text: impl Into<String>) -> Self {
        self.only = text.into();
        self
    }

    pub(super) fn wants(&self, check: &str) -> bool {
        check.contains(&self.only)
    }

    pub(super) fn skips(&self, needs: Needs) -> Option<&'static str> {
        let able = match needs {
            Needs::Nothing => true,
            Needs::Reopen => self.reopen,
            Needs::Copier => self.copier,
            Needs::CopierAndReopen => self.copier && self.reopen,
            Needs::Mover => self.mover,
            Needs::MoverAndReopen => self.mover && self.reopen,
            Needs::EmptySessions => self.empty_sessions,
        };
        (!able).then(|| needs.text())
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::new()
    }
}
