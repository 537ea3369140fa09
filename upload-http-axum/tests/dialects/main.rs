//! The dialects over a socket, each as its page has it. One program: what they share is compiled once.
#![cfg(all(
    feature = "direct-upload",
    feature = "picomes",
    feature = "pixlab",
    feature = "placeos",
    feature = "tus",
    feature = "wickson"
))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

#[path = "support/direct.rs"]
mod direct;
#[path = "support/placeos.rs"]
mod placeos;
#[path = "support/signed.rs"]
mod signed;
mod support;
#[path = "support/tus.rs"]
mod tus;
#[path = "support/wickson.rs"]
mod wickson;

mod across;
mod any_json;
mod detached;
mod direct_errors;
mod direct_flow;
mod direct_put;
mod direct_to_store;
mod faults;
mod picomes_errors;
mod picomes_page;
mod picomes_parallel;
mod pixlab_store;
mod placeos_any;
mod placeos_api;
mod placeos_clients;
mod store_signed;
mod tus_any;
mod tus_checksum;
mod tus_concat;
mod tus_errors;
mod tus_faults;
mod tus_page;
mod wickson_any;
mod wickson_errors;
mod wickson_page;
mod wickson_parallel;
