//! The API page's answers, who may do what, and what is refused: see each module.
#![cfg(all(feature = "picomes", feature = "placeos"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

#[path = "../support/placeos.rs"]
mod placeos;
#[path = "../support/signed.rs"]
mod signed;
#[path = "../support/mod.rs"]
mod support;

mod access;
mod answers;
mod completion;
mod downloads;
mod list;
mod refusals;
