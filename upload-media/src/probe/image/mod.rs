//! Images: their headers, not their pixels.

mod exif;
mod gif;
mod jpeg;
mod png;
mod webp;

pub(super) use self::{gif::gif, jpeg::jpeg, png::png, webp::webp};

use super::details::{ColorMode, Details, Dimensions, Size};
use super::error::{Result, unreadable};
use exif::Exif;

/// The most bytes of EXIF that are looked at: a JPEG cannot hold more in one piece.
const MAX_EXIF: u64 = 64 << 10;

/// Fills in an image's size as it is shown.
fn set_size(details: &mut Details, stored: Size, exif: Option<Exif>) -> Result<()> {
    if stored.width == 0 || stored.height == 0 {
        return unreadable(format!("the image has no area: {stored}"));
    }
    let turned = exif.is_some_and(|exif| exif.turned);
    details.dimensions = Some(Dimensions::Pixels(stored.turned(turned)));
    if exif.is_some_and(|exif| exif.has_position) {
        details.warn("the image says where it was taken");
    }
    Ok(())
}
