//! Technical details of media, and the words of documents, from hostile bytes.
//!
//! ```text
//!   StoredBytes ─► a thread ─► Reader: cache, budget ─► images ─ films ─ sounds ─ documents ─ models ─► Details
//!   or any Source ─────────────►    │                                     └───────────────────────────► Text
//!                                   └─ a budget is spent: every read fails, and the probe says which one
//! ```
//!
//! [`Probe`] is the port of upload-core over [`measure`]; [`text`](text()) is the same over [`text_of`].
//!
//! ```
//! use bytes::Bytes;
//! use upload_media::probe::{Limits, measure, text_of};
//! use upload_media::types;
//!
//! let mut model = Bytes::from_static(b"v 0 0 0\nv 2 0 0\nv 0 3 0\nusemtl red\nf 1 2 3\n");
//! let details = measure(types::OBJ, &mut model, &Limits::default())?;
//! assert_eq!(
//!     serde_json::to_string(&details)?,
//!     r#"{"dimensions":[2.0,3.0,0.0],"vertex_count":3,"material_count":1}"#
//! );
//!
//! let mut note = Bytes::from_static("\u{feff}Some  words,\r\nand more.".as_bytes());
//! assert_eq!(text_of(types::TEXT, &mut note, &Limits::default())?.text, "Some words,\nand more.");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | type | details | read |
//! |---|---|---|
//! | JPEG, PNG, WebP | `dimensions` as shown, `color_mode`; `duration` of a WebP that moves | segments or chunks up to the image data |
//! | GIF | `dimensions`, `color_mode`; `duration` if it moves | all, through `gif`, without decoding |
//! | MP4, QuickTime, M4A | `duration`, `resolution` as shown, `frame_rate`, `sample_rate`, `channels` | the index, wherever it is |
//! | MP3 | `duration`, `sample_rate`, `channels` | the first frames, through `symphonia` |
//! | WAV | `duration`, `sample_rate`, `channels` | chunks up to the sound |
//! | PDF | `page_count`, `word_count` | the page tree; content for words |
//! | DOCX | `word_count` | the main part, through `zip` and `quick-xml` |
//! | text | `word_count` | all |
//! | GLB | `dimensions`, `vertex_count`, `material_count` | the JSON chunk |
//! | OBJ | `dimensions`, `vertex_count`, `material_count` | all |
//!
//! A file whose structure cannot be what its type demands is [`ProbeError::Unreadable`]. One that can, but of which
//! something cannot be told, lacks that field and has a warning. No image or sound is decoded: a file that is
//! measured may still be broken further on.
mod audio;
mod check;
mod details;
mod document;
mod error;
mod image;
mod iso_media;
mod limits;
mod model;
mod processor;
mod reader;
mod source;
mod text;
mod thread;

pub use check::{FAMILIES, check, check_family};
pub use details::{ColorMode, Details, Dimensions, Size};
pub use error::ProbeError;
pub use limits::Limits;
pub use processor::Probe;
pub use reader::Cost;
pub use source::{Seekable, Source};
pub use text::{Text, has_text, text, text_of};

use crate::types;
use document::Words;
use reader::Reader;

/// The longest sentence about what is wrong with a file, in characters.
const MAX_SENTENCE: usize = 300;

/// How the details of a type are measured, if they are.
fn of_type(content_type: &str) -> Option<fn(&mut Reader<'_>) -> error::Result<Details>> {
    Some(match content_type {
        types::JPEG => image::jpeg,
        types::PNG => image::png,
        types::GIF => image::gif,
        types::WEBP => image::webp,
        types::MP4 | types::QUICKTIME => |reader| iso_media::iso_media(reader, false),
        types::M4A => |reader| iso_media::iso_media(reader, true),
        types::MP3 => audio::mp3,
        types::WAV => audio::wav,
        types::PDF => |reader| document::pdf(reader, &mut Words::default()),
        types::DOCX => |reader| document::docx(reader, &mut Words::default()),
        types::TEXT => |reader| document::text(reader, &mut Words::default()),
        types::GLB => model::glb,
        types::OBJ => model::obj,
        _ => return None,
    })
}

/// Whether [`measure`] knows this type, one of [`types`].
pub fn measures(content_type: &str) -> bool {
    of_type(content_type).is_some()
}

/// Measures what the source holds, which is of this type (one of [`types`]) as far as its first bytes tell.
///
/// # Errors
/// [`ProbeError`], each kind of it.
pub fn measure(content_type: &str, source: &mut dyn Source, limits: &Limits) -> Result<Details, ProbeError> {
    measure_counted(content_type, source, limits).0
}

/// As [`measure`]; says what it cost, too.
pub fn measure_counted(
    content_type: &str,
    source: &mut dyn Source,
    limits: &Limits,
) -> (Result<Details, ProbeError>, Cost) {
    let Some(read) = of_type(content_type) else {
        return (Err(ProbeError::Unsupported(content_type.to_owned())), Cost::default());
    };
    let mut reader = Reader::new(source, limits);
    let result = read(&mut reader);
    (finished(&reader, result), reader.spent())
}

/// What a reader's work comes to.
fn finished<T>(reader: &Reader<'_>, result: error::Result<T>) -> error::Result<T> {
    // A library may have made something else of it, or nothing at all.
    match (reader.stopped(), result) {
        (Some(stop), _) => Err(stop.clone()),
        // Libraries quote what they met, which may be long.
        (None, Err(ProbeError::Unreadable(sentence))) => {
            Err(ProbeError::Unreadable(sentence.chars().take(MAX_SENTENCE).collect()))
        }
        (None, result) => result,
    }
}
