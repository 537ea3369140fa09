//! Programs.

use super::head::{Head, Verdict, ensure, first};
use crate::types;

/// ELF, Windows and DOS, Mach-O, Java, WebAssembly.
pub(crate) fn executable(head: &Head<'_>) -> Verdict {
    let by = |magic: &[u8], known| head.magic(0, magic).map(|()| known);
    first([
        by(b"\x7fELF", types::ELF),
        by(b"\0asm", types::WASM),
        by(b"\xfe\xed\xfa\xce", types::MACH_O),
        by(b"\xfe\xed\xfa\xcf", types::MACH_O),
        by(b"\xce\xfa\xed\xfe", types::MACH_O),
        by(b"\xcf\xfa\xed\xfe", types::MACH_O),
        fat(head),
        dos(head),
    ])
}

/// Programs for several processors and Java classes share a signature. The first count their programs
/// where the second have their version, which begins at 45.
fn fat(head: &Head<'_>) -> Verdict {
    head.magic(0, b"\xca\xfe\xba\xbe")?;
    Ok(if head.u32_be(4)? < 45 { types::MACH_O } else { types::JAVA_CLASS })
}

/// The two letters could begin a text; the rest of the first 64 bytes, numbers and zeros, cannot.
fn dos(head: &Head<'_>) -> Verdict {
    head.magic(0, b"MZ")?;
    let fields = head.bytes().get(2..).unwrap_or_default();
    let fields = fields.get(..62).unwrap_or(fields);
    if fields.iter().any(|byte| matches!(byte, 0..=8 | 14..=31)) {
        return Ok(types::PORTABLE_EXECUTABLE);
    }
    ensure(fields.len() < 62)?;
    Err(head.short())
}

#[cfg(test)]
mod tests {
    use super::super::head::No;
    use super::*;

    #[test]
    fn two_letters_are_no_program() {
        assert_eq!(executable(&Head::new(b"MZ is short for something.", true)), Err(No::NotThis));
        assert_eq!(executable(&Head::new(b"MZ\x90\0", false)), Ok(types::PORTABLE_EXECUTABLE));
    }
}
