//! The engine over memory stores, attacked: see each module.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    dead_code,
    unused_imports
)]

/// Which store the tests run over: one that is written in place.
const PARTS: bool = false;

#[path = "../support/mod.rs"]
mod support;

mod apart;
mod attaching;
mod attack;
mod checked;
mod claims;
mod composing;
mod drops;
mod ends;
mod faults;
mod grants;
mod halts;
mod ledger;
mod lists;
mod model;
mod outbox;
mod parts;
mod processing;
mod races;
mod scenarios;
mod signed;
mod signed_model;
mod stops;
mod sweeping;
mod tenants;
mod unique;
mod unique_bytes;
mod unique_races;
mod unique_replaced;
mod unique_stops;
