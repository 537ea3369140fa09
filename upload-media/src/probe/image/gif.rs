//! GIF: its frames, through the `gif` crate, without decoding them.

use std::num::NonZeroU64;

use gif::{DecodeOptions, MemoryLimit};

use super::super::reader::Reader;
use super::{ColorMode, Details, Result, Size, set_size, unreadable};

/// Palettes and comments that the decoder may keep, in bytes.
const MEMORY: u64 = 1 << 20;

pub(in super::super) fn gif(reader: &mut Reader<'_>) -> Result<Details> {
    let mut details = Details { color_mode: Some(ColorMode::Palette), ..Details::default() };
    let affords_all = reader.affords_all();
    let mut options = DecodeOptions::new();
    options.skip_frame_decoding(true);
    if let Some(bytes) = NonZeroU64::new(MEMORY) {
        options.set_memory_limit(MemoryLimit::Bytes(bytes));
    }
    let mut decoder = match options.read_info(&mut *reader) {
        Ok(decoder) => decoder,
        Err(error) => return unreadable(format!("the GIF cannot be read: {error}")),
    };
    set_size(&mut details, Size::new(decoder.width().into(), decoder.height().into()), None)?;
    let (mut frames, mut hundredths) = (0_u64, 0_u64);
    // One frame proves it an image, all of them tell how long it moves.
    while frames == 0 || affords_all {
        match decoder.next_frame_info() {
            Ok(Some(frame)) => {
                frames += 1;
                hundredths += u64::from(frame.delay);
            }
            Ok(None) if frames == 0 => return unreadable("the GIF has no frame"),
            Ok(None) => break,
            Err(error) if frames == 0 => return unreadable(format!("the GIF cannot be read: {error}")),
            Err(error) => {
                details.warn(format!("after {frames} frames the GIF cannot be read: {error}"));
                break;
            }
        }
    }
    if !affords_all {
        details.warn("the file is too large to count its frames");
    } else if frames > 1 {
        details.duration = Some(hundredths as f64 / 100.0);
    }
    Ok(details)
}
