//! Where the text of a document comes from.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use upload_core::ports::{ProcessError, StoredBytes};

/// The plain text of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Text {
    /// Its characters. Paragraphs are lines or have an empty line between them.
    pub content: String,
    /// Whether this is all of it, and not its beginning only.
    pub whole: bool,
}

impl Text {
    /// All of a document's text.
    pub fn whole(content: impl Into<String>) -> Self {
        Self { content: content.into(), whole: true }
    }

    /// The beginning of a document's text: the rest was over some limit.
    pub fn beginning(content: impl Into<String>) -> Self {
        Self { content: content.into(), whole: false }
    }
}

/// Gives the plain text of stored documents. The application wires it to whatever reads its formats.
#[async_trait]
pub trait TextSource: Send + Sync + fmt::Debug {
    /// Whether it reads this media type.
    fn reads(&self, media_type: &str) -> bool;

    /// The text of `bytes`, which are of this media type; `None` if they have none that can be read.
    ///
    /// # Errors
    /// [`ProcessError`]: `Unreadable` if the content is broken, `Failed` if it may work another time.
    async fn text(&self, bytes: &dyn StoredBytes, media_type: &str) -> Result<Option<Text>, ProcessError>;
}

#[async_trait]
impl<T: TextSource + ?Sized> TextSource for Arc<T> {
    fn reads(&self, media_type: &str) -> bool {
        (**self).reads(media_type)
    }

    async fn text(&self, bytes: &dyn StoredBytes, media_type: &str) -> Result<Option<Text>, ProcessError> {
        (**self).text(bytes, media_type).await
    }
}

/// The beginning of `text` of at most so many bytes, cut between characters.
#[cfg(any(feature = "text", feature = "minilm"))]
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    let whole = bytes >= text.len();
    let cut = (bytes.saturating_sub(3)..=bytes).rev().find_map(|end| text.get(..end));
    if whole { text } else { cut.unwrap_or_default() }
}

#[cfg(all(test, feature = "text"))]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_ends_between_characters() {
        let text = "a🙂b";
        assert_eq!([0, 1, 2, 4, 5, 6, 7].map(|n| beginning(text, n)), ["", "a", "a", "a", "a🙂", text, text]);
    }
}
