//! A small world for the engine: memory stores, a clock that only tests move, seeded names, and an executor that
//! takes every turn from a seed. Nothing here knows real time, so every failure can be run again.

pub mod body;
pub mod chaos;
pub mod check;
pub mod client;
pub mod exec;
pub mod goods;
pub mod outside;
pub mod signed;
pub mod store;
pub mod told;
pub mod world;

pub use body::{Gate, Script};
pub use chaos::{Chaos, Course};
pub use exec::{Random, Sim, block_on, polls};
pub use world::{World, content, tenant};
