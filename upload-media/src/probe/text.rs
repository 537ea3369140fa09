//! The words of documents, to be read by others.

use upload_core::ports::StoredBytes;

use super::document::{self, Words};
use super::error::{ProbeError, Result};
use super::reader::Reader;
use super::{Details, Limits, Source, finished, thread};
use crate::types;

/// The words of a document in the order in which they stand in its file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Text {
    /// Words with one space, line end or (between paragraphs and pages) empty line in between. Glyphs of a PDF whose
    /// character is not known are left out.
    pub text: String,
    /// Whether there is more in the document than this: it is longer than [`Limits::text`], costs too much to read,
    /// or some of it cannot be read, as [`warnings`](Self::warnings) tell then.
    pub truncated: bool,
    /// What is odd about the document: sentences that may be shown outside.
    pub warnings: Vec<String>,
}

type Read = fn(&mut Reader<'_>, &mut Words) -> Result<Details>;

fn of_type(content_type: &str) -> Option<Read> {
    Some(match content_type {
        types::PDF => document::pdf,
        types::DOCX => document::docx,
        types::TEXT => document::text,
        _ => return None,
    })
}

/// Whether [`text`] knows this type: PDF, DOCX, plain text.
pub fn has_text(content_type: &str) -> bool {
    of_type(content_type).is_some()
}

/// Reads the text of a document of this type (one of [`types`]), on a thread of its own that ends soon after the future
/// is dropped. How many do so at once is up to the caller; each one needs up to 64 MiB of memory.
///
/// # Errors
/// [`ProbeError`], each kind of it.
pub async fn text(bytes: &dyn StoredBytes, content_type: &str, limits: &Limits) -> Result<Text> {
    let (content_type, limits) = (content_type.to_owned(), limits.clone());
    let time = limits.time;
    thread::run(bytes, time, move |source| text_of(&content_type, source, &limits)).await?
}

/// As [`text`], of any source, on the caller's thread.
///
/// # Errors
/// [`ProbeError`], each kind of it.
pub fn text_of(content_type: &str, source: &mut dyn Source, limits: &Limits) -> Result<Text> {
    let Some(read) = of_type(content_type) else {
        return Err(ProbeError::Unsupported(content_type.to_owned()));
    };
    let mut reader = Reader::new(source, limits);
    let mut words = Words::keeping(limits.text);
    let result = read(&mut reader, &mut words);
    let details = finished(&reader, result)?;
    let (text, truncated) = words.into_text();
    Ok(Text { text, truncated, warnings: details.warnings })
}
