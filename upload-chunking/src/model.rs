//! The naive reference model, and [`check`]: run any list of [`Op`]s against the assembly machine and the
//! model at once, and hear where they disagree.
//!
//! The model keeps a file as a map from position to the byte that was written there, plain lists of rows and
//! attempts, and looks through all of them for every question. It decides by itself which requests are to be
//! refused, which shape is to be fixed and where a chunk stands; where bytes go meanwhile is the machine's
//! choice, and the model checks that nobody's byte is ever overwritten.
//!
//! Fuzz it in five lines, with any fuzzer that gives bytes:
//!
//! ```
//! # let data: &[u8] = &[0, 5, 1, 3, 2, 0, 3, 4, 0, 1];
//! use upload_chunking::model::{Op, check};
//! if let Err(disagreement) = check(&Op::decode(data)) {
//!     panic!("{disagreement}");
//! }
//! ```

mod apply;
mod close;
mod learn;
mod naive;
mod op;
mod rules;
mod world;

pub use op::Op;
pub use world::{Disagreement, World, check};

/// The largest upload the model plays with, in bytes: it keeps every one of them.
pub const MOST_BYTES: u64 = 4096;
