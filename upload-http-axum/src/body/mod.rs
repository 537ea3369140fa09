//! Request bodies: time-outs, stopping, the end of a connection, and what is done with a rest that nobody reads.
//!
//! ```text
//!   connection ──> guard (time-outs, stop) ──> Frames (errors of the engine's kind, a limit) ──> Form ──> engine
//!                    │
//!                    └─ dropped before its end: the rest is read and thrown away, within limits
//! ```
//!
//! # Answers that come before the end of the body
//! A server that closes a connection on which unread bytes arrive resets it, and the reset can destroy the answer before
//! the client has read it: browsers then show a network error instead of, say, the 413. So the guard goes on reading
//! in a task of its own, up to [`linger_bytes`](crate::HttpSettings::linger_bytes) and
//! [`linger_time`](crate::HttpSettings::linger_time). The answer itself is sent at once; only what follows is dropped.
//!
//! Measured over loopback on Linux, 64 MiB sent to a route that refuses them by their announced length:
//!
//! | the client | lingering off, or over after 1 or 16 MiB | the default |
//! |---|---|---|
//! | writes everything, then reads | its write fails in 20 of 20 runs | 0 of 20 fail, and the connection goes on |
//! | writes 1 MiB every 10 ms, then reads | its write fails in 5 of 5 runs | 0 of 5 fail |
//!
//! In all runs the answer could still be read after the failed write, which not every client tries and not every system
//! allows. So the default is long: whoever sends more than 1 GiB, or for more than 30 s, after a refusal is cut off.
//!
//! A client that asked `Expect: 100-continue` and was answered before it sent anything gets no linger: it has not begun.

mod frames;
mod guard;

pub(crate) use frames::{Counter, Frames, Limit, PartFrames, Room, fault};
pub(crate) use guard::guard;
