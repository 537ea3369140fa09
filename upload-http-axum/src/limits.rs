//! Limits for bodies that arrive before it is known what they are.

use upload_checksum::Algorithm;
use upload_core::{Destinations, Error, ErrorKind};
use upload_engine::Limits;

/// Limits for a body of at most `most` bytes that may go to any of these destinations.
pub(crate) fn unknown(destinations: &Destinations, most: u64) -> Limits {
    let digests = destinations.iter().flat_map(|to| to.policy.digests.iter().copied());
    digests.fold(Limits::new(most), with)
}

/// The limits with one more digest, which may have to hold.
pub(crate) fn with(mut limits: Limits, digest: Algorithm) -> Limits {
    if !limits.digests.contains(&digest) {
        limits.digests.push(digest);
    }
    limits
}

/// Names the file's whole length, in bytes, where more is known of it than had arrived when it was refused.
pub(crate) fn sized(error: Error, likely: Option<u64>) -> Error {
    match (error.kind, error.facts.got, error.facts.expected) {
        (ErrorKind::TooLarge, Some(got), Some(limit)) => {
            error.with_facts(got.max(likely.unwrap_or(0)), limit)
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use upload_core::Policy;

    #[test]
    fn every_digest_that_may_be_asked_for_is_computed_once() {
        let mut policy = Policy::new(1);
        policy.digests = vec![Algorithm::Md5, Algorithm::Sha256];
        let destinations = Destinations::new().with("a", policy.clone()).with("b", policy);
        let limits = unknown(&destinations, 7);
        assert_eq!(limits.max_length, 7);
        assert_eq!(limits.digests, [Algorithm::Sha256, Algorithm::Md5]);
    }

    #[test]
    fn a_likely_length_never_makes_an_error_smaller() {
        let sized = |likely| sized(Error::too_large("it", 10, 5), likely).facts.got;
        assert_eq!((sized(None), sized(Some(3)), sized(Some(30))), (Some(10), Some(10), Some(30)));
    }
}
