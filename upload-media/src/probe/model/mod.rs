//! Models.

mod bounds;
mod glb;
mod gltf;
mod obj;

pub(super) use self::{glb::glb, obj::obj};
