//! The same over a store that keeps unfinished uploads as parts and fragments.
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

/// Which store the tests run over: one of parts.
const PARTS: bool = true;

#[path = "../support/mod.rs"]
mod support;

#[path = "../engine/apart.rs"]
mod apart;
#[path = "../engine/attaching.rs"]
mod attaching;
#[path = "../engine/checked.rs"]
mod checked;
#[path = "../engine/claims.rs"]
mod claims;
#[path = "../engine/composing.rs"]
mod composing;
mod direct;
mod direct_ends;
#[path = "../engine/drops.rs"]
mod drops;
#[path = "../engine/ends.rs"]
mod ends;
#[path = "../engine/faults.rs"]
mod faults;
#[path = "../engine/grants.rs"]
mod grants;
#[path = "../engine/halts.rs"]
mod halts;
#[path = "../engine/ledger.rs"]
mod ledger;
#[path = "../engine/lists.rs"]
mod lists;
#[path = "../engine/model.rs"]
mod model;
mod only;
#[path = "../engine/outbox.rs"]
mod outbox;
#[path = "../engine/parts.rs"]
mod parts;
#[path = "../engine/processing.rs"]
mod processing;
#[path = "../engine/races.rs"]
mod races;
#[path = "../engine/scenarios.rs"]
mod scenarios;
mod sender;
#[path = "../engine/signed.rs"]
mod signed;
#[path = "../engine/signed_model.rs"]
mod signed_model;
#[path = "../engine/stops.rs"]
mod stops;
#[path = "../engine/sweeping.rs"]
mod sweeping;
#[path = "../engine/tenants.rs"]
mod tenants;
#[path = "../engine/unique.rs"]
mod unique;
#[path = "../engine/unique_bytes.rs"]
mod unique_bytes;
#[path = "../engine/unique_races.rs"]
mod unique_races;
#[path = "../engine/unique_replaced.rs"]
mod unique_replaced;
#[path = "../engine/unique_stops.rs"]
mod unique_stops;
