//! What the handlers do: [`app`] has what all requests have in common, the others a method each.

pub(super) mod app;
mod append;
mod create;
mod look;
