//! WebP (RFC 9649).

use super::super::reader::Reader;
use super::{ColorMode, Details, MAX_EXIF, Result, Size, exif, set_size, unreadable};

const CHUNKS: &str = "chunks";

/// Bits of the extended header.
const ANIMATED: u8 = 0x02;
const ALPHA: u8 = 0x10;

/// What the first chunk of image data says.
struct Frame {
    size: Size,
    alpha: bool,
}

pub(in super::super) fn webp(reader: &mut Reader<'_>) -> Result<Details> {
    let mut details = Details::default();
    let [riff, size, webp] = [reader.array(CHUNKS)?, reader.array(CHUNKS)?, reader.array(CHUNKS)?];
    if (&riff, &webp) != (b"RIFF", b"WEBP") {
        return unreadable("expected a WebP's header, got something else");
    }
    let claimed = u64::from(u32::from_le_bytes(size)) + 8;
    if claimed > reader.length() {
        details.warn("the file is shorter than it says: it may have been cut");
    }
    let end = claimed.min(reader.length());
    let (mut canvas, mut flags, mut frame, mut frames, mut millis, mut exif) =
        (None, 0, None, 0, 0_u64, None);
    while reader.at() + 8 <= end {
        let kind: [u8; 4] = reader.array(CHUNKS)?;
        let length = u64::from(reader.u32_le(CHUNKS)?);
        // Chunks begin at even places.
        let behind = reader.at().saturating_add(length + length % 2);
        match &kind {
            b"VP8X" => {
                let [set, _, _, _, w1, w2, w3, h1, h2, h3] = reader.array("header")?;
                flags = set;
                canvas = Some(Size::new(less_one([w1, w2, w3]), less_one([h1, h2, h3])));
            }
            b"VP8 " if frame.is_none() => frame = Some(lossy(reader)?),
            b"VP8L" if frame.is_none() => frame = Some(lossless(reader)?),
            b"ANMF" => {
                let [_x, _y, _w, _h, duration]: [[u8; 3]; 5] = [
                    reader.array("frame")?,
                    reader.array("frame")?,
                    reader.array("frame")?,
                    reader.array("frame")?,
                    reader.array("frame")?,
                ];
                let [d1, d2, d3] = duration;
                frames += 1;
                millis += u64::from(u32::from_le_bytes([d1, d2, d3, 0]));
            }
            b"EXIF" if length <= MAX_EXIF => {
                let bytes = reader.vec(length, CHUNKS)?;
                exif = exif::parse(bytes.strip_prefix(b"Exif\0\0").unwrap_or(&bytes));
            }
            _ => {}
        }
        reader.go(behind);
    }
    if frame.is_none() && frames == 0 {
        return unreadable("the WebP has no image data");
    }
    let alpha = match (&canvas, &frame) {
        (Some(_), _) => flags & ALPHA != 0,
        (None, frame) => frame.as_ref().is_some_and(|frame| frame.alpha),
    };
    let Some(size) = canvas.or(frame.map(|frame| frame.size)) else {
        return unreadable("the WebP has frames but no header that tells its size");
    };
    set_size(&mut details, size, exif)?;
    details.color_mode = Some(if alpha { ColorMode::Rgba } else { ColorMode::Rgb });
    if flags & ANIMATED != 0 && frames > 1 {
        details.duration = Some(millis as f64 / 1000.0);
    }
    Ok(details)
}

/// Three bytes, least significant first, of a number stored less one.
fn less_one([a, b, c]: [u8; 3]) -> u32 {
    u32::from_le_bytes([a, b, c, 0]) + 1
}

/// RFC 6386, section 9.1: a key frame's start code and 14 bits for each side.
fn lossy(reader: &mut Reader<'_>) -> Result<Frame> {
    let [tag, _, _, s1, s2, s3, w1, w2, h1, h2] = reader.array("frame header")?;
    if tag & 1 != 0 || [s1, s2, s3] != [0x9d, 0x01, 0x2a] {
        return unreadable("expected a key frame in the WebP, got something else");
    }
    let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
    Ok(Frame { size: Size::new(side([w1, w2]), side([h1, h2])), alpha: false })
}

/// RFC 9649, section 3.4: a signature, 14 bits less one for each side, a bit for alpha.
fn lossless(reader: &mut Reader<'_>) -> Result<Frame> {
    let [signature, bits @ ..] = reader.array::<5>("frame header")?;
    if signature != 0x2f {
        return unreadable("expected a lossless frame in the WebP, got something else");
    }
    let bits = u32::from_le_bytes(bits);
    Ok(Frame { size: Size::new((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1), alpha: bits >> 28 & 1 == 1 })
}
