//! JPEG (ITU T.81, annex B): segments up to the first scan.

use super::super::reader::Reader;
use super::{ColorMode, Details, Exif, MAX_EXIF, Result, Size, exif, set_size, unreadable};

const MARKERS: &str = "segments";

/// How far from the end its marker is looked for.
const TAIL: u64 = 4 << 10;

pub(in super::super) fn jpeg(reader: &mut Reader<'_>) -> Result<Details> {
    let mut details = Details::default();
    let (mut frame, mut exif) = (None, None);
    if reader.array(MARKERS)? != [0xff, 0xd8] {
        return unreadable("expected a JPEG's start of image, got something else");
    }
    loop {
        match marker(reader)? {
            0x01 | 0xd0..=0xd7 => {} // these have no length
            0xd8 => return unreadable("a second image starts before the first has a frame"),
            0xd9 => return unreadable("the image ends before its first scan"),
            // Frames; the others of this range are tables.
            kind @ 0xc0..=0xcf if !matches!(kind, 0xc4 | 0xc8 | 0xcc) => {
                let end = segment(reader)?;
                let [_precision, h1, h2, w1, w2, components] = reader.array("frame header")?;
                let size =
                    Size::new(u16::from_be_bytes([w1, w2]).into(), u16::from_be_bytes([h1, h2]).into());
                if frame.replace((size, components)).is_some() {
                    details.warn("the image has more than one frame");
                }
                reader.go(end);
            }
            0xe1 => {
                let end = segment(reader)?;
                if exif.is_none() {
                    exif = application(reader, end)?;
                }
                reader.go(end);
            }
            0xda => break,
            _ => {
                let end = segment(reader)?;
                reader.go(end);
            }
        }
    }
    let Some((size, components)) = frame else {
        return unreadable("the image has a scan but no frame header before it");
    };
    if size.height == 0 {
        // Then it stands behind the first scan.
        details.warn("the frame header leaves the image's height open");
    } else {
        set_size(&mut details, size, exif)?;
    }
    details.color_mode = match components {
        1 => Some(ColorMode::Grey),
        3 => Some(ColorMode::Rgb),
        4 => Some(ColorMode::Cmyk), // also as YCCK
        _ => {
            details.warn(format!("the image has {components} colour channels"));
            None
        }
    };
    if !has_end(reader)? {
        details.warn("the image has no end: the file may have been cut");
    }
    Ok(details)
}

/// The next marker; it may be filled up with 0xff.
fn marker(reader: &mut Reader<'_>) -> Result<u8> {
    let at = reader.at();
    if reader.u8(MARKERS)? != 0xff {
        return unreadable(format!("expected a segment at byte {at}, got something else"));
    }
    loop {
        match reader.u8(MARKERS)? {
            0xff => {}
            0 => return unreadable(format!("expected a segment at byte {at}, got something else")),
            marker => return Ok(marker),
        }
    }
}

/// Where the segment ends whose length comes next.
fn segment(reader: &mut Reader<'_>) -> Result<u64> {
    let end = reader.at() + u64::from(reader.u16_be(MARKERS)?);
    if end < reader.at() {
        return unreadable("a segment is shorter than its own length");
    }
    Ok(end)
}

/// The EXIF of an application segment that ends at `end`.
fn application(reader: &mut Reader<'_>, end: u64) -> Result<Option<Exif>> {
    let bytes = reader.vec((end - reader.at()).min(MAX_EXIF), MARKERS)?;
    Ok(bytes.strip_prefix(b"Exif\0\0").and_then(exif::parse))
}

fn has_end(reader: &mut Reader<'_>) -> Result<bool> {
    let length = reader.length().min(TAIL);
    reader.go(reader.length() - length);
    Ok(reader.vec(length, "end")?.windows(2).any(|pair| pair == [0xff, 0xd9]))
}
