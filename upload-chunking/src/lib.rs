//! Where the chunks of an upload go: ranges, plans, and a machine that takes chunks by slot or by offset, in
//! any order, repeated, in parallel, over one file and without a second copy.
//!
//! * [`range`]: [`ByteRange`](range::ByteRange) and [`RangeSet`](range::RangeSet).
//! * [`plan`]: a length cut into chunks of one size; also for clients.
//! * [`parts`]: how many parts there are, told from the number and the size of one.
//! * [`assembly`]: the [`Assembly`](assembly::Assembly) machine.
//! * `model` (feature `model`): a naive reference model, and a `check` that any fuzzer can call.
//!
//! What it is not: it holds no bytes, does no input or output, has no clock and knows no upload, no user and
//! no wire format. `no_std` with `alloc`, no dependencies.
//!
//! ```text
//!                    length                 the limit
//!   ├──── 0 ────┼──── 1 ────┼─ 2 ─┤ · · · · ┊ region 0 │ region 1 │ …
//!   │ recorded  │ in place  │     │         ┊  of 2    │  of 4    │
//!   └───────────┘           ▲               ┊    │
//!               ▲ frontier  └───── moved once, when its place is known
//! ```
//!
//! Two chunks of one upload, the second before the first. Nothing said how large they are, so the second
//! one waits in overflow until its own end tells:
//!
//! ```
//! use upload_chunking::assembly::{Assembly, At, Close, Limits, Opened, Target};
//!
//! let mut machine = Assembly::slots(100, Limits::new(1000, 60, 8));
//! let at = At::Slot { n: 1, total: 2 };
//! let Opened::Write { attempt, .. } = machine.open(at, None)? else { unreachable!("nobody else is here") };
//!
//! // 40 bytes arrive: where do they go?
//! let grant = machine.grant(attempt, 40)?;
//! assert_eq!(grant.pieces[0].target, Target::Overflow);
//! machine.returned(attempt); // … they are written
//!
//! // The body ends. The last of two chunks has 40 of 100 bytes, so the other has 60: store that first.
//! let Close::NeedShape(shape) = machine.close(attempt)? else { unreachable!("the first one to close") };
//! machine.learn_shape(shape)?;
//! let Close::Ready { row, moves: Some(moves) } = machine.close(attempt)? else { unreachable!("alone") };
//! assert_eq!((row.start, row.len), (60, 40));
//! assert_eq!((moves.to, moves.len), (60, 40));
//! machine.record(attempt); // … moved, synced, and the row is put
//!
//! assert_eq!((machine.received(), machine.frontier()), (40, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

pub mod assembly;
pub mod grid;
#[cfg(feature = "model")]
pub mod model;
pub mod parts;
pub mod plan;
pub mod range;
