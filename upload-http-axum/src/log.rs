//! What the operator is told of requests that failed.

use std::error::Error as _;
use std::fmt::Write as _;

use upload_core::{Error, Fault};

/// Logs an error with its causes, which are never shown outside: loudly if it is not the caller's.
pub(crate) fn failed(error: &Error) {
    let mut causes = String::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(causes, ": {cause}");
        next = cause.source();
    }
    match error.fault() {
        Fault::Caller => tracing::debug!(kind = ?error.kind, "{error}{causes}"),
        fault => tracing::warn!(kind = ?error.kind, ?fault, "{error}{causes}"),
    }
}
