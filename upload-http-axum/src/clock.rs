//! The engine's clock on tokio's timer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use upload_core::{Timestamp, ports::Clock};

/// The system's time of day, and tokio's timer to wait with. Needs a tokio runtime with time enabled.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TokioClock;

impl TokioClock {
    /// The clock.
    pub fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        // A system clock before 1970 counts as 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(0).plus(since)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sleeping_takes_its_time() {
        let before = tokio::time::Instant::now();
        TokioClock::new().sleep(Duration::from_secs(7)).await;
        assert!(before.elapsed() >= Duration::from_secs(7));
        assert!(TokioClock::new().now() > Timestamp::from_millis(1_700_000_000_000));
    }
}
