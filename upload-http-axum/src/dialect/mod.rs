//! The dialects: one folder each, with `wire` (names and shapes), `parse` (request to command, pure), `render` (outcome or
//! error to answer, pure) and the routes. No dialect knows another.

#[cfg(feature = "direct-upload")]
pub mod direct_upload;
#[cfg(feature = "picomes")]
pub mod picomes;
#[cfg(feature = "pixlab")]
pub mod pixlab;
#[cfg(feature = "placeos")]
pub mod placeos;
#[cfg(feature = "tus")]
pub mod tus;
#[cfg(feature = "wickson")]
pub mod wickson;
