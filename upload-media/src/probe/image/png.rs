//! PNG (W3C PNG, third edition): chunks up to the first image data.

use super::super::reader::Reader;
use super::{ColorMode, Details, MAX_EXIF, Result, Size, exif, set_size, unreadable};

const CHUNKS: &str = "chunks";
const END: &[u8; 12] = b"\0\0\0\0IEND\xae\x42\x60\x82";

pub(in super::super) fn png(reader: &mut Reader<'_>) -> Result<Details> {
    let mut details = Details::default();
    if &reader.array(CHUNKS)? != b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" {
        return unreadable("expected a PNG's signature and header, got something else");
    }
    let size = Size::new(reader.u32_be("header")?, reader.u32_be("header")?);
    let [_depth, colour] = reader.array("header")?;
    details.color_mode = Some(match colour {
        0 => ColorMode::Grey,
        2 => ColorMode::Rgb,
        3 => ColorMode::Palette,
        4 => ColorMode::GreyAlpha,
        6 => ColorMode::Rgba,
        _ => return unreadable(format!("a PNG has no colour type {colour}")),
    });
    reader.go(8 + 25);
    let mut exif = None;
    loop {
        let length = u64::from(reader.u32_be(CHUNKS)?);
        let kind: [u8; 4] = reader.array(CHUNKS)?;
        let behind = reader.at().saturating_add(length + 4);
        match &kind {
            b"IDAT" => break,
            b"IEND" => return unreadable("the image has no data"),
            b"eXIf" if length <= MAX_EXIF => exif = exif::parse(&reader.vec(length, CHUNKS)?),
            _ => {}
        }
        if behind > reader.length() {
            return unreadable(format!(
                "the chunk {} claims {length} bytes, more than the file has",
                kind.escape_ascii()
            ));
        }
        reader.go(behind);
    }
    set_size(&mut details, size, exif)?;
    let end = reader.length().saturating_sub(END.len() as u64);
    reader.go(end);
    if reader.vec(reader.left(), CHUNKS)? != END {
        details.warn(
            "the file does not end with the image's end: it may have been cut, or has something behind",
        );
    }
    Ok(details)
}
