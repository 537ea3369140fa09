//! JPEG, PNG, GIF, WebP.

use super::head::{Head, LIMIT, No, Verdict, ensure, first};
use crate::types;

/// ITU T.81, annex B: start of image, then marker segments, each with its length.
pub(crate) fn jpeg(head: &Head<'_>) -> Verdict {
    head.magic(0, &[0xff, 0xd8, 0xff])?;
    ensure(starts_segment(head.byte(3)?))?;
    let length = head.u16_be(4)?;
    // A length counts itself; one below 2 makes the next segment begin in it and fail there.
    let next = 4 + length;
    if next + 2 <= LIMIT {
        head.magic(next, &[0xff])?;
        let marker = head.byte(next + 1)?;
        ensure(starts_segment(marker) || marker == 0xff)?; // 0xff: a fill byte
    }
    Ok(types::JPEG)
}

/// Frames, tables, scans, application data, comments: the markers that have a length.
fn starts_segment(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xc7 | 0xc9..=0xcf | 0xda..=0xdf | 0xe0..=0xef | 0xfe)
}

/// W3C PNG, sections 5.2 and 11.2.2.
pub(crate) fn png(head: &Head<'_>) -> Verdict {
    head.magic(0, b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    for side in [head.u32_be(16)?, head.u32_be(20)?] {
        ensure((1..=0x7fff_ffff).contains(&side))?;
    }
    let [depth, colour, compression, filter, interlace] = head.array(24)?;
    ensure(matches!((colour, depth), (0, 1 | 2 | 4 | 8 | 16) | (3, 1 | 2 | 4 | 8) | (2 | 4 | 6, 8 | 16)))?;
    ensure(compression == 0 && filter == 0 && interlace <= 1)?;
    Ok(types::PNG)
}

/// GIF89a: the screen descriptor, perhaps a colour table, then an image or an extension.
pub(crate) fn gif(head: &Head<'_>) -> Verdict {
    first([head.magic(0, b"GIF87a"), head.magic(0, b"GIF89a")].map(|magic| magic.map(|()| types::GIF)))?;
    let [width @ .., _, _] = head.array::<4>(6)?;
    let [_, _, height @ ..] = head.array::<4>(6)?;
    ensure(width != [0; 2] && height != [0; 2])?;
    let flags = head.byte(10)?;
    let colours = if flags & 0x80 == 0 { 0 } else { 2_usize << (flags & 7) };
    let block = head.byte(13 + 3 * colours)?;
    ensure(matches!(block, b',' | b'!'))?;
    Ok(types::GIF)
}

/// RFC 9649: a RIFF file whose first chunk is one of three.
pub(crate) fn webp(head: &Head<'_>) -> Verdict {
    head.magic(0, b"RIFF")?;
    let _size: [u8; 4] = head.array(4)?;
    head.magic(8, b"WEBPVP8")?;
    match head.byte(15)? {
        b' ' => head.magic(23, &[0x9d, 0x01, 0x2a])?,
        b'L' => head.magic(20, &[0x2f])?,
        b'X' => head.magic(16, &10_u32.to_le_bytes())?,
        _ => return Err(No::NotThis),
    }
    Ok(types::WEBP)
}
