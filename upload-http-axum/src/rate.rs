//! How often a key may ask: a budget that fills evenly, one for each principal.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use upload_core::{Principal, TenantName};

/// How often one API key may ask. Each process counts for itself, and forgets when it ends.
///
/// ```
/// use upload_http_axum::RateLimit;
///
/// assert_eq!(RateLimit::default().per_minute, 0, "no limit");
/// let twice_a_second = RateLimit::new(120, 10);
/// assert_eq!(twice_a_second.burst, 10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RateLimit {
    /// Requests a minute, spread evenly; 0: no limit (default 0).
    pub per_minute: u32,
    /// Requests that may come at once after a pause, 1 at least (default 10).
    pub burst: u32,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { per_minute: 0, burst: 10 }
    }
}

impl RateLimit {
    /// So many requests a minute, and so many of them at once.
    pub const fn new(per_minute: u32, burst: u32) -> Self {
        Self { per_minute, burst }
    }

    fn quota(self) -> Option<Quota> {
        let every = Duration::from_secs(60).checked_div(self.per_minute)?;
        let burst = NonZeroU32::new(self.burst).unwrap_or(NonZeroU32::MIN);
        Some(Quota::with_period(every)?.allow_burst(burst))
    }
}

/// A principal as it is known here; there are no more of them than there are keys.
type Key = (TenantName, String);

/// Counts the requests of each principal.
pub(crate) struct Limiter(Option<RateLimiter<Key, HashMapStateStore<Key>, Since, NoOpMiddleware<Duration>>>);

impl Limiter {
    /// Nobody has asked yet.
    pub(crate) fn new(limit: RateLimit) -> Self {
        let counted = |quota| RateLimiter::hashmap_with_clock(quota, Since(Instant::now()));
        Self(limit.quota().map(counted))
    }

    /// Counts one request.
    ///
    /// # Errors
    /// How long to wait, for a request that comes too early; it does not count.
    pub(crate) fn check(&self, who: &Principal) -> Result<(), Duration> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        let key = (who.tenant.clone(), who.id.clone());
        limiter.check_key(&key).map_err(|early| early.wait_time_from(limiter.clock().now()))
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Limiter").field(&self.0.as_ref().map(RateLimiter::len)).finish()
    }
}

/// Time since a moment, by tokio's timer.
#[derive(Clone, Debug)]
struct Since(Instant);

impl Clock for Since {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use upload_core::Roles;

    use super::*;

    fn who(tenant: &str, id: &str) -> Principal {
        Principal::new(TenantName::new(tenant).unwrap(), id, Roles::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_evenly_and_each_key_for_itself() {
        let limiter = Limiter::new(RateLimit::new(30, 3));
        let one = who("acme", "a");
        for _ in 0..3 {
            assert_eq!(limiter.check(&one), Ok(()));
        }
        for _ in 0..5 {
            // What is refused does not count.
            assert_eq!(limiter.check(&one), Err(Duration::from_secs(2)));
        }
        for other in [who("acme", "b"), who("other", "a")] {
            assert_eq!(limiter.check(&other), Ok(()));
        }
        tokio::time::advance(Duration::from_millis(1999)).await;
        assert_eq!(limiter.check(&one), Err(Duration::from_millis(1)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(limiter.check(&one), Ok(()));
        assert!(limiter.check(&one).is_err());
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!((0..9).filter(|_| limiter.check(&one).is_ok()).count(), 3);
        assert_eq!(format!("{limiter:?}"), "Limiter(Some(3))");
    }

    #[tokio::test(start_paused = true)]
    async fn numbers_at_their_ends() {
        let limiter = Limiter::new(RateLimit::default());
        assert!((0..10_000).all(|_| limiter.check(&who("acme", "a")).is_ok()));
        let limiter = Limiter::new(RateLimit::new(1, 0));
        assert_eq!(limiter.check(&who("acme", "a")), Ok(()));
        assert_eq!(limiter.check(&who("acme", "a")), Err(Duration::from_secs(60)));
        let limiter = Limiter::new(RateLimit::new(u32::MAX, u32::MAX));
        assert!((0..10_000).all(|_| limiter.check(&who("acme", "a")).is_ok()));
    }
}
