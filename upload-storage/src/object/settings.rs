use std::time::Duration;

use super::Profile;

/// How a [`Provider`](super::Provider) talks to its store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProviderSettings {
    /// How long a connection may take to be made. 5 seconds.
    pub connect_time: Duration,
    /// How long one request may take with its answer. 60 seconds; a part must pass within it.
    pub request_time: Duration,
    /// How often a request is tried again after an answer of 5xx or 429, or after a connection that was not made. 3.
    pub retries: usize,
    /// How long after its first try no further one is made. 15 seconds: somebody waits for the answer.
    pub retry_time: Duration,
    /// How long it waits before the first further try; each later one waits longer, up to 2 seconds. 100 milliseconds.
    pub retry_wait: Duration,
    /// The store's peculiarities, where its address does not tell them.
    pub profile: Option<Profile>,
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            connect_time: Duration::from_secs(5),
            request_time: Duration::from_secs(60),
            retries: 3,
            retry_time: Duration::from_secs(15),
            retry_wait: Duration::from_millis(100),
            profile: None,
        }
    }
}

impl ProviderSettings {
    /// For records, whose requests are small: one that takes 10 seconds does not come back.
    pub fn records() -> Self {
        Self { request_time: Duration::from_secs(10), ..Self::default() }
    }

    /// Sets [`profile`](Self::profile).
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }
}

#[cfg(feature = "cloud")]
impl ProviderSettings {
    pub(super) fn retry(&self) -> object_store::RetryConfig {
        object_store::RetryConfig {
            backoff: object_store::BackoffConfig {
                init_backoff: self.retry_wait,
                max_backoff: Duration::from_secs(2),
                base: 2.,
            },
            max_retries: self.retries,
            retry_timeout: self.retry_time,
        }
    }

    pub(super) fn client(&self) -> object_store::ClientOptions {
        object_store::ClientOptions::new()
            .with_connect_timeout(self.connect_time)
            .with_timeout(self.request_time)
    }
}
