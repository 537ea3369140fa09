//! What holds for every content.

use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;

use super::{Details, Dimensions, Limits, ProbeError, Seekable, has_text, measure, measure_counted, text_of};
use crate::types;

/// Types whose readers are alike, under the names of the fuzz targets and their corpora.
pub const FAMILIES: [(&str, &[&str]); 5] = [
    ("probe_image", &[types::JPEG, types::PNG, types::GIF, types::WEBP]),
    ("probe_film", &[types::MP4, types::QUICKTIME, types::M4A]),
    ("probe_sound", &[types::MP3, types::WAV]),
    ("probe_document", &[types::PDF, types::DOCX, types::TEXT]),
    ("probe_model", &[types::GLB, types::OBJ]),
];

/// As [`check`], as each type of one of the [`FAMILIES`].
///
/// # Panics
/// As [`check`], and if there is no such family.
pub fn check_family(name: &str, content: &[u8]) {
    let family = FAMILIES.iter().find(|(known, _)| *known == name);
    assert!(family.is_some(), "expected a family of types, got {name}");
    family.iter().flat_map(|(_, types)| *types).for_each(|of| check(of, content));
}

/// Measures any bytes as this type, in several ways, for fuzzers.
///
/// # Panics
/// If it costs more than its limits, fails at something else than its content, gives what cannot be, or says another
/// thing when the bytes come from another source.
pub fn check(content_type: &str, content: &[u8]) {
    // Slow machines say the same.
    let limits = Limits { time: Duration::from_secs(3600), ..Limits::default() };
    let bytes = Bytes::copy_from_slice(content);
    let (result, cost) = measure_counted(content_type, &mut bytes.clone(), &limits);
    let within = cost.bytes <= limits.bytes && cost.reads <= limits.reads && cost.calls <= limits.calls;
    assert!(within, "{content_type}: {cost:?}");
    match &result {
        Ok(details) => check_details(details),
        Err(error) => assert!(is_of_content(error), "{content_type}: {error}"),
    }
    if let Ok(mut seekable) = Seekable::new(Cursor::new(content)) {
        assert_eq!(
            measure(content_type, &mut seekable, &limits),
            result,
            "{content_type} from another source"
        );
    }
    if has_text(content_type) {
        check_text(content_type, &bytes, result.as_ref().ok(), &limits);
    }
    // However little it may cost, it ends with a reason or with fewer details.
    let little = Limits { bytes: 8192, reads: 3, calls: 100, inflated: 100, ..limits };
    if let Err(error) = measure(content_type, &mut bytes.clone(), &little) {
        assert!(is_of_content(&error), "{content_type}, at little cost: {error}");
    }
}

fn check_text(content_type: &str, bytes: &Bytes, details: Option<&Details>, limits: &Limits) {
    let text = text_of(content_type, &mut bytes.clone(), limits);
    assert!(details.is_none() || text.is_ok(), "{content_type} is measured, but not read: {text:?}");
    let Ok(text) = text else { return };
    assert!(text.text.len() as u64 <= limits.text, "{} bytes of text", text.text.len());
    // Words of which no character is known are counted and not read.
    let words = text.text.split_whitespace().count() as u64;
    let counted = details.and_then(|details| details.word_count);
    assert!(counted.is_none_or(|counted| words <= counted), "{words} words read, {counted:?} counted");
    let few = Limits { text: 10, ..limits.clone() };
    if let Ok(start) = text_of(content_type, &mut bytes.clone(), &few) {
        assert!(start.text.len() <= 10 && text.text.starts_with(&start.text), "{start:?} begins {text:?}");
    }
}

fn is_of_content(error: &ProbeError) -> bool {
    matches!(error, ProbeError::Unreadable(_) | ProbeError::TooCostly(_)) && !error.to_string().is_empty()
}

fn check_details(details: &Details) {
    let (pixels, space) = match details.dimensions {
        Some(Dimensions::Pixels(size)) => (Some(size), None),
        Some(Dimensions::Space(sides)) => (None, Some(sides)),
        None => (None, None),
    };
    let numbers = [details.duration, details.frame_rate].into_iter().flatten();
    let mut numbers = numbers.chain(space.into_iter().flatten());
    assert!(numbers.all(|number| number.is_finite() && number >= 0.0), "{details:?}");
    let mut sizes = [details.resolution, pixels].into_iter().flatten();
    assert!(sizes.all(|size| size.width > 0 && size.height > 0), "{details:?}");
    assert!(details.sample_rate != Some(0) && details.channels != Some(0), "{details:?}");
    assert!(details.warnings.iter().all(|warning| warning.len() < 1000), "{details:?}");
}
