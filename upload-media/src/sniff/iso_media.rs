//! MP4, QuickTime, M4A: files of boxes (ISO/IEC 14496-12).

use super::head::{Head, No, Verdict, ensure};
use crate::types;

/// The longest file type box that is believed, in bytes: over 200 brands.
const MAX_FTYP: u32 = 1024;

/// What may follow the file type.
const TOP_LEVEL: &[&[u8; 4]] = &[
    b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"uuid", b"meta", b"pdin", b"styp", b"sidx",
    b"ssix", b"prft", b"emsg", b"pnot",
];

/// `ftyp`, its brands, and another box behind it: a file type alone is no film.
pub(crate) fn iso_media(head: &Head<'_>) -> Verdict {
    // No text begins with a box's size, so short text need not wait for the rest of one.
    ensure(head.byte(0)? < 0x20)?;
    let first: [u8; 8] = head.array(0)?;
    let [size @ .., a, b, c, d] = first;
    let size = u32::from_be_bytes(size);
    if [a, b, c, d] != *b"ftyp" {
        return old_quicktime(head, size, [a, b, c, d]);
    }
    ensure((16..=MAX_FTYP).contains(&size) && size.is_multiple_of(4))?;
    let size = size as usize;
    let (brands, _) = head.slice(8, size - 8)?.as_chunks::<4>();
    // The second word is a version. The major brand decides, an unknown one leaves it to the others.
    let mut brands = brands.iter().enumerate().filter(|(at, _)| *at != 1).map(|(_, brand)| brand);
    let known = brands.find_map(by_brand).ok_or(No::NotThis)?;
    is_box(head, size, TOP_LEVEL)?;
    Ok(known)
}

fn by_brand(brand: &[u8; 4]) -> Option<&'static str> {
    Some(match brand {
        b"qt  " => types::QUICKTIME,
        b"M4A " | b"M4B " | b"M4P " => types::M4A,
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => types::HEIF,
        b"avif" | b"avis" => types::AVIF,
        [b'3', b'g', b'p' | b'2' | b'e' | b'g', _] => types::THREE_GPP,
        b"isom"
        | b"mp41"
        | b"mp42"
        | b"mp71"
        | b"avc1"
        | b"hvc1"
        | b"hev1"
        | b"av01"
        | b"M4V "
        | b"M4VH"
        | b"M4VP"
        | b"MSNV"
        | b"mmp4"
        | b"dash"
        | b"msdh"
        | b"msix"
        | b"cmfc"
        | b"cmf2"
        | b"f4v "
        | b"XAVC"
        | [b'i', b's', b'o', b'2'..=b'9' | b'a'..=b'c'] => types::MP4,
        _ => return None,
    })
}

/// QuickTime files from before there was a file type begin with one of these.
fn old_quicktime(head: &Head<'_>, size: u32, name: [u8; 4]) -> Verdict {
    match &name {
        b"moov" => {
            ensure(size >= 16)?;
            is_box(head, 8, &[b"mvhd", b"cmov", b"rmra"])?;
        }
        b"wide" | b"free" | b"skip" => {
            ensure((8..=MAX_FTYP).contains(&size))?;
            is_box(head, size as usize, &[b"mdat", b"moov", b"wide", b"free"])?;
        }
        b"mdat" => ensure(size == 1 || size >= 8)?,
        _ => return Err(No::NotThis),
    }
    Ok(types::QUICKTIME)
}

/// A box of one of these kinds at `at`, of a size that can be: 0 reaches the end, 1 has 64 bits behind.
fn is_box(head: &Head<'_>, at: usize, kinds: &[&[u8; 4]]) -> Result<(), No> {
    let size = head.u32_be(at)?;
    ensure(!(2..8).contains(&size))?;
    let kind: [u8; 4] = head.array(at + 4)?;
    ensure(kinds.contains(&&kind))
}
