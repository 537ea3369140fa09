//! The lifecycle machine: what it refuses changes nothing, and phases move only along the picture.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod elsewhere;
mod outcome;
mod phases;
mod picture;
mod support;
