//! What several test targets share.
#![allow(dead_code, reason = "no target uses all of it")]

pub mod client;
pub mod gcs;
