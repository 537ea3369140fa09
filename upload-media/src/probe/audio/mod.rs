//! Sounds.

mod mp3;
mod wav;

pub(super) use self::{mp3::mp3, wav::wav};
