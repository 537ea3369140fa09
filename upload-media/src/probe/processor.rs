//! The probe behind the port of upload-core.

use std::sync::Arc;

use async_lock::Semaphore;
use async_trait::async_trait;
use serde_json::Value;
use upload_core::ports::{ProcessError, Processing, Processor, StoredBytes};

use super::{Limits, ProbeError, measure, measures, thread};

/// Measures the details of uploads: what it gives is a [`Details`](super::Details).
///
/// Each upload is probed on a thread of its own, which asks for ranges and ends soon after nobody waits for it any
/// more. A panic in a parser ends the probe and nothing else, unless the program is built with `panic = "abort"`.
#[derive(Debug, Clone)]
pub struct Probe {
    limits: Limits,
    slots: Arc<Semaphore>,
}

impl Probe {
    /// The name that what it gives is stored under.
    pub const NAME: &'static str = "file_details";

    /// A probe within these limits, of so many uploads at once (1 at least); the others wait. Each one needs up to
    /// 64 MiB of memory.
    pub fn new(limits: Limits, at_once: usize) -> Self {
        Self { limits, slots: Arc::new(Semaphore::new(at_once.max(1))) }
    }
}

/// Two at once, within the limits' defaults.
impl Default for Probe {
    fn default() -> Self {
        Self::new(Limits::default(), 2)
    }
}

#[async_trait]
impl Processor for Probe {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn wants(&self, subject: &Processing<'_>) -> bool {
        subject.content_type.is_some_and(measures)
    }

    async fn process(
        &self,
        subject: &Processing<'_>,
        bytes: &dyn StoredBytes,
    ) -> Result<Value, ProcessError> {
        let content_type = subject.content_type.unwrap_or("an unknown type").to_owned();
        let limits = self.limits.clone();
        let slot = self.slots.acquire_arc().await;
        let measured = thread::run(bytes, self.limits.time, move |source| {
            let details = measure(&content_type, source, &limits)?;
            drop(slot);
            Ok(details)
        });
        let details = measured.await.and_then(|details| details)?;
        serde_json::to_value(details).map_err(|error| ProcessError::Failed(error.to_string()))
    }
}

impl From<ProbeError> for ProcessError {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Unreadable(sentence) => Self::Unreadable(sentence),
            // The same again would cost the same.
            ProbeError::TooCostly(sentence) => Self::Unreadable(sentence),
            ProbeError::Unsupported(_) | ProbeError::Failed(_) => Self::Failed(error.to_string()),
        }
    }
}
