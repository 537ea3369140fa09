//! What an application puts beside the engine: one that looks into uploads, and one that takes notices.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_trait::async_trait;
use upload_checksum::Fingerprint;
use upload_core::{
    Outcome, UploadId,
    ports::{Events, ProcessError, Processing, Processor, StoredBytes},
};

use super::Gate;

/// Looks at all bytes of every upload, in pieces. What begins with `BAD` is unreadable to it.
#[derive(Debug, Default)]
pub struct Probe {
    looks: AtomicU64,
    failing: AtomicU64,
    refusing: AtomicU64,
    pub panics: AtomicBool,
    /// Bytes of what it gives besides.
    pub padding: AtomicU64,
    gate: Mutex<Option<Gate>>,
}

impl Probe {
    /// How often it has looked.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::SeqCst)
    }

    /// The next so many looks fail.
    pub fn fail(&self, times: u64) {
        self.failing.store(times, Ordering::SeqCst);
    }

    /// The next so many looks find something damaged.
    pub fn refuse(&self, times: u64) {
        self.refusing.store(times, Ordering::SeqCst);
    }

    /// Looks wait at this gate from now on.
    pub fn wait(&self, gate: Option<&Gate>) {
        *self.gate.lock().unwrap() = gate.cloned();
    }

    /// What it finds in these bytes.
    pub fn finds(&self, bytes: &[u8]) -> serde_json::Value {
        let padding = "x".repeat(self.padding.load(Ordering::SeqCst) as usize);
        serde_json::json!({"print": Fingerprint::of(bytes).to_string(), "padding": padding})
    }
}

fn one_less(counter: &AtomicU64) -> bool {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
}

#[async_trait]
impl Processor for Probe {
    fn name(&self) -> &str {
        "probe"
    }

    fn wants(&self, _: &Processing<'_>) -> bool {
        true
    }

    async fn process(
        &self,
        _: &Processing<'_>,
        bytes: &dyn StoredBytes,
    ) -> Result<serde_json::Value, ProcessError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics.load(Ordering::SeqCst), "the probe is made to panic");
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        if one_less(&self.failing) {
            return Err(ProcessError::Failed("not this time".into()));
        }
        let mut all = Vec::new();
        while (all.len() as u64) < bytes.length() {
            let from = all.len() as u64;
            let to = bytes.length().min(from + 1700);
            let piece = bytes.read(from..to).await.map_err(|e| ProcessError::Failed(e.to_string()))?;
            all.extend_from_slice(&piece);
        }
        if all.starts_with(b"BAD") || one_less(&self.refusing) {
            return Err(ProcessError::Unreadable("damaged at its beginning".into()));
        }
        Ok(self.finds(&all))
    }
}

/// Takes notices.
#[derive(Debug, Default)]
pub struct Receiver {
    taken: Mutex<Vec<Outcome>>,
    failing: AtomicU64,
    gate: Mutex<Option<Gate>>,
}

impl Receiver {
    /// What it took, in order.
    pub fn taken(&self) -> Vec<Outcome> {
        self.taken.lock().unwrap().clone()
    }

    pub fn times(&self, id: &UploadId) -> usize {
        self.taken().iter().filter(|outcome| outcome.id == *id).count()
    }

    /// The next so many deliveries fail.
    pub fn fail(&self, times: u64) {
        self.failing.store(times, Ordering::SeqCst);
    }

    /// Deliveries wait at this gate from now on.
    pub fn wait(&self, gate: Option<&Gate>) {
        *self.gate.lock().unwrap() = gate.cloned();
    }
}

#[async_trait]
impl Events for Receiver {
    fn keeps(&self) -> bool {
        true
    }

    async fn deliver(&self, outcome: &Outcome) -> Result<(), String> {
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        super::exec::pause(1).await;
        if one_less(&self.failing) {
            return Err("not this time".into());
        }
        self.taken.lock().unwrap().push(outcome.clone());
        Ok(())
    }
}
