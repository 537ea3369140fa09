//! WAV and MP3.

use super::head::{Head, LIMIT, No, Verdict, ensure};
use crate::types;

/// RIFF, WAVE and a format chunk of a size that can be, perhaps behind other chunks.
pub(crate) fn wav(head: &Head<'_>) -> Verdict {
    head.magic(0, b"RIFF")?;
    let _size: [u8; 4] = head.array(4)?;
    head.magic(8, b"WAVE")?;
    let mut at = 12;
    loop {
        let id: [u8; 4] = head.array(at)?;
        let size = head.u32_le(at + 4)?;
        if id == *b"fmt " {
            ensure((16..=1024).contains(&size))?;
            return Ok(types::WAV);
        }
        ensure(id.iter().all(|byte| (b' '..=b'~').contains(byte)) && id != *b"data")?;
        ensure((size as usize) < LIMIT)?;
        // Chunks begin at even places.
        at += 8 + (size as usize).next_multiple_of(2);
    }
}

/// An ID3v2 tag with a frame behind it, or two frames in a row that agree.
pub(crate) fn mp3(head: &Head<'_>) -> Verdict {
    if head.byte(0)? == b'I' { tagged(head) } else { bare(head) }
}

/// id3.org, ID3v2.4 section 3.1; versions 2.2 to 2.4.
fn tagged(head: &Head<'_>) -> Verdict {
    head.magic(0, b"ID3")?;
    let [major, minor, flags] = head.array(3)?;
    ensure((2..=4).contains(&major) && minor != 0xff && flags & 0x0f == 0)?;
    let size: [u8; 4] = head.array(6)?;
    ensure(size.iter().all(|byte| byte & 0x80 == 0))?;
    let size = size.iter().fold(0, |size, byte| size << 7 | usize::from(*byte));
    let has_extended_part = flags & 0x40 != 0;
    if !has_extended_part && size >= 10 {
        let name = head.slice(10, if major == 2 { 3 } else { 4 })?;
        let is_name = name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        ensure(is_name || name.iter().all(|byte| *byte == 0))?;
    }
    let footer = if flags & 0x10 == 0 { 0 } else { 10 };
    let sound = 10 + size + footer;
    if sound + 4 <= LIMIT {
        ensure(frame_length(head.array(sound)?).is_some())?;
    }
    Ok(types::MP3)
}

fn bare(head: &Head<'_>) -> Verdict {
    head.magic(0, &[0xff])?;
    ensure(head.byte(1)? & 0xe6 == 0xe2)?; // synchronisation, layer III
    let this: [u8; 4] = head.array(0)?;
    let Some(length) = frame_length(this) else { return Err(No::NotThis) };
    let next: [u8; 4] = head.array(length)?;
    // Version, layer and sampling rate stay the same through a file.
    let fixed = |frame: [u8; 4]| u32::from_be_bytes(frame) & 0xfffe_0c00;
    ensure(frame_length(next).is_some() && fixed(this) == fixed(next))?;
    Ok(types::MP3)
}

/// The length in bytes of the layer III frame that begins so (ISO/IEC 11172-3 section 2.4.2.3, 13818-3).
fn frame_length([sync, kind, rates, _]: [u8; 4]) -> Option<usize> {
    const KBITS_1: [usize; 16] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0];
    const KBITS_2: [usize; 16] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0];
    if sync != 0xff || kind & 0xe6 != 0xe2 {
        return None;
    }
    // Version 1, 2 (half the rate, half the samples) or 2.5 (a quarter of the rate).
    let (table, samples, divisor) = match kind >> 3 & 3 {
        3 => (KBITS_1, 144, 1),
        2 => (KBITS_2, 72, 2),
        0 => (KBITS_2, 72, 4),
        _ => return None,
    };
    let kbits = *table.get(usize::from(rates >> 4)).filter(|kbits| **kbits > 0)?;
    let hertz = [44_100, 48_000, 32_000].get(usize::from(rates >> 2 & 3))? / divisor;
    let padding = usize::from(rates >> 1 & 1);
    Some(samples * kbits * 1000 / hertz + padding)
}
