//! Requests that may be made again.

use std::time::Duration;

use upload_core::ports::StoreError;

use super::{Answer, Ask, Provider};

/// Tries in all, and how long it waits after the first; later it waits longer.
const TRIES: u32 = 4;
const WAIT: Duration = Duration::from_millis(100);

impl Provider {
    /// Makes a request that does no harm when it is made twice: again after no answer, and after one that says that it may pass.
    pub(super) async fn ask_again(&self, ask: Ask<'_>) -> Result<Answer, StoreError> {
        let mut tried = 1;
        loop {
            let answered = self.ask(ask.clone()).await;
            let passing =
                answered.as_ref().map_or(true, |answer| answer.status >= 500 || answer.status == 429);
            // 507 says that the store is full, and 501 that it cannot.
            let lasting = answered.as_ref().is_ok_and(|answer| matches!(answer.status, 501 | 507));
            if tried == TRIES || !passing || lasting {
                return answered;
            }
            tokio::time::sleep(WAIT * (1 << tried)).await;
            tried += 1;
        }
    }
}
