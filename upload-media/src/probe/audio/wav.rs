//! WAV (RIFF WAVE).

use super::super::details::Details;
use super::super::error::{Result, unreadable};
use super::super::reader::Reader;

const CHUNKS: &str = "chunks";

/// Formats whose samples have one size: integers, floats, A-law, mu-law.
const PCM: [u16; 4] = [1, 3, 6, 7];
const EXTENSIBLE: u16 = 0xfffe;

struct Format {
    channels: u16,
    rate: u32,
    bytes_per_second: u64,
}

pub(in super::super) fn wav(reader: &mut Reader<'_>) -> Result<Details> {
    let mut details = Details::default();
    let [riff, _size, wave]: [[u8; 4]; 3] =
        [reader.array(CHUNKS)?, reader.array(CHUNKS)?, reader.array(CHUNKS)?];
    if (&riff, &wave) != (b"RIFF", b"WAVE") {
        return unreadable("expected a WAV's header, got something else");
    }
    let mut format = None;
    loop {
        let kind: [u8; 4] = reader.array("chunks before its sound")?;
        let claimed = u64::from(reader.u32_le(CHUNKS)?);
        let left = reader.left();
        match (&kind, &format) {
            (b"data", None) => return unreadable("the sound comes before its format"),
            (b"data", Some(format)) => {
                return Ok(sound(details, format, claimed, left));
            }
            _ => {}
        }
        if claimed > left {
            return unreadable(format!(
                "the chunk {} claims {claimed} bytes, more than the file has",
                kind.escape_ascii()
            ));
        }
        // Chunks begin at even places.
        let behind = reader.at() + claimed + claimed % 2;
        if &kind == b"fmt " {
            let read = self::format(reader, claimed)?;
            details.sample_rate = Some(read.rate);
            details.channels = Some(read.channels.into());
            format = Some(read);
        }
        reader.go(behind);
    }
}

fn format(reader: &mut Reader<'_>, length: u64) -> Result<Format> {
    const FORMAT: &str = "format";
    if length < 16 {
        return unreadable(format!("the format has {length} bytes, expected 16 at least"));
    }
    let (mut tag, channels) = (reader.u16_le(FORMAT)?, reader.u16_le(FORMAT)?);
    let (rate, bytes_per_second) = (reader.u32_le(FORMAT)?, reader.u32_le(FORMAT)?);
    let (block, bits) = (reader.u16_le(FORMAT)?, reader.u16_le(FORMAT)?);
    if tag == EXTENSIBLE && length >= 26 {
        reader.skip(8);
        tag = reader.u16_le(FORMAT)?;
    }
    if channels == 0 || rate == 0 {
        return unreadable(format!("{channels} channels of {rate} samples per second are no sound"));
    }
    let bytes_per_second = if PCM.contains(&tag) {
        let sample = u32::from(bits).div_ceil(8);
        if sample == 0 || u32::from(block) != sample * u32::from(channels) {
            return unreadable(format!(
                "{channels} channels of {bits} bits do not make blocks of {block} bytes"
            ));
        }
        u64::from(rate) * u64::from(block)
    } else {
        u64::from(bytes_per_second)
    };
    Ok(Format { channels, rate, bytes_per_second })
}

/// Who streams a WAV does not know its length yet and claims nothing or the most: what is there counts.
fn sound(mut details: Details, format: &Format, claimed: u64, left: u64) -> Details {
    let streamed = matches!(claimed, 0 | 0x7fff_ffff..);
    let bytes = if streamed { left } else { claimed.min(left) };
    if claimed > left && !streamed {
        details.warn(format!("the sound claims {claimed} bytes and has {left}: the file may have been cut"));
    }
    if format.bytes_per_second == 0 {
        details.warn("the format does not say how fast the sound is");
    } else {
        details.duration = Some(bytes as f64 / format.bytes_per_second as f64);
    }
    details
}
