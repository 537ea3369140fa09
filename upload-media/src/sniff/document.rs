//! PDF.

use super::head::{Head, Verdict, ensure};
use crate::types;

/// ISO 32000-2, section 7.5.2. Readers also take it later in the file; then other readers take the file
/// for what it begins with, so here it must stand first.
pub(crate) fn pdf(head: &Head<'_>) -> Verdict {
    head.magic(0, b"%PDF-")?;
    let [major, point, minor] = head.array(5)?;
    ensure(matches!(major, b'1' | b'2') && point == b'.' && minor.is_ascii_digit())?;
    Ok(types::PDF)
}
