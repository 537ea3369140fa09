//! What the programs of this crate share: a client that costs next to nothing, servers as processes of their own, and what
//! the kernel says that they cost. It measures nothing by itself.
//!
//! ```text
//!   bench ──┐                        ┌──> upload-server
//!   tus   ──┼──> client, process ────┼──> bare-server
//!   cloud ──┘    (this library)      └──> @tus/server, put_multipart
//! ```
//!
//! Everything here panics where a measurement could not go on.
//!
//! ```
//! assert_eq!(upload_benches::figures::median([3.0, 1.0, 2.0]), 2.0);
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr)]

pub mod args;
pub mod client;
pub mod content;
pub mod figures;
pub mod node;
pub mod process;
pub mod queues;
pub mod resume;
pub mod server;
