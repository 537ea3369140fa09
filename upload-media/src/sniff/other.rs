//! What is known by its signature alone, so that a refusal can name it.

use super::head::{Head, Verdict, ensure, first};
use crate::types;

const SIGNATURES: &[(&[u8], &str)] = &[
    (b"PK\x05\x06", types::ZIP), // with no entries
    (b"PK\x07\x08", types::ZIP), // in several parts
    (b"\x1f\x8b\x08", types::GZIP),
    (b"7z\xbc\xaf\x27\x1c", types::SEVEN_ZIP),
    (b"Rar!\x1a\x07", types::RAR),
    (b"BZh11AY&SY", types::BZIP2),
    (b"BZh21AY&SY", types::BZIP2),
    (b"BZh31AY&SY", types::BZIP2),
    (b"BZh41AY&SY", types::BZIP2),
    (b"BZh51AY&SY", types::BZIP2),
    (b"BZh61AY&SY", types::BZIP2),
    (b"BZh71AY&SY", types::BZIP2),
    (b"BZh81AY&SY", types::BZIP2),
    (b"BZh91AY&SY", types::BZIP2),
    (b"\xfd7zXZ\0", types::XZ),
    (b"\x28\xb5\x2f\xfd", types::ZSTD),
    (b"\x04\x22\x4d\x18", types::LZ4),
    (b"MSCF\0\0\0\0", types::CABINET),
    (b"!<arch>\n", types::AR),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", types::OLE),
    (b"L\0\0\0\x01\x14\x02\0", types::SHORTCUT),
    (b"%!PS", types::POSTSCRIPT),
    (b"{\\rtf", types::RTF),
    (b"II*\0", types::TIFF),
    (b"MM\0*", types::TIFF),
    (b"OggS\0", types::OGG),
    (b"fLaC\0", types::FLAC),
    (b"\x1a\x45\xdf\xa3", types::MATROSKA),
];

pub(crate) fn signature(head: &Head<'_>) -> Verdict {
    let flash = [b"FWS", b"CWS", b"ZWS"].map(|magic| flash(head, magic));
    let table = SIGNATURES.iter().map(|(magic, known)| head.magic(0, magic).map(|()| *known));
    first(table.chain(flash))
}

/// The letters are followed by a version and a length, both small numbers, which no text has there.
fn flash(head: &Head<'_>, magic: &[u8]) -> Verdict {
    head.magic(0, magic)?;
    ensure((1..=50).contains(&head.byte(3)?) && head.byte(7)? < 9)?;
    Ok(types::FLASH)
}
