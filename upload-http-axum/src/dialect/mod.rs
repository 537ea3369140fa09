//! The dialects: one folder each, with `wire` (names and shapes), `parse` (request to command, pure), `render` (outcome or
//! error to answer, pure) and the routes. No dialect knows another.

#[cfg(feature = "picomes")]
pub mod picomes;
