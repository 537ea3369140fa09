//! glTF in its binary container.

use super::head::{Head, Verdict, ensure};
use crate::types;

/// glTF 2.0, section 4.4: 12 bytes about the file, then a JSON chunk that fits.
pub(crate) fn glb(head: &Head<'_>) -> Verdict {
    head.magic(0, b"glTF\x02\0\0\0")?;
    let (file, chunk) = (head.u32_le(8)?, head.u32_le(12)?);
    head.magic(16, b"JSON{")?;
    ensure(file.checked_sub(20).is_some_and(|room| chunk <= room) && chunk > 0)?;
    Ok(types::GLB)
}
