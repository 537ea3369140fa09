//! EXIF (CIPA DC-008): a TIFF without the image.

/// What is looked for in EXIF.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Exif {
    /// The image is shown turned by a quarter.
    pub(super) turned: bool,
    /// It says where it was taken.
    pub(super) has_position: bool,
}

const ORIENTATION: u16 = 0x0112;
const POSITION: u16 = 0x8825;
const SHORT: u16 = 3;

/// What the first directory says. What is broken says nothing: other readers show such an image as it is stored.
pub(super) fn parse(tiff: &[u8]) -> Option<Exif> {
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let u32_at = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = usize::try_from(u32_at(4)?).ok()?;
    let mut exif = Exif::default();
    for n in 0..usize::from(u16_at(directory)?) {
        let entry = directory.checked_add(2 + 12 * n)?;
        let Some(tag) = u16_at(entry) else { break };
        match tag {
            // 5 to 8 are the ones with a quarter turn.
            ORIENTATION if u16_at(entry + 2) == Some(SHORT) => {
                exif.turned = u16_at(entry + 8).is_some_and(|value| (5..=8).contains(&value));
            }
            POSITION => exif.has_position = true,
            _ => {}
        }
    }
    Some(exif)
}
