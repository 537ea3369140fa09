//! Plain text files.

use async_trait::async_trait;
use upload_core::ports::{ProcessError, StoreError, StoredBytes};

use crate::{Text, TextSource};

/// Bytes asked for at once.
const BLOCK: u64 = 1 << 20;

/// Reads `text/plain`: UTF-8, or UTF-16 with a byte order mark. Anything else has no text.
///
/// At most `limit` bytes are read; of a longer file this is the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainText {
    limit: u64,
}

impl PlainText {
    /// The media type it reads.
    pub const MEDIA_TYPE: &'static str = "text/plain";

    /// Reads at most so many bytes of a file.
    pub fn new(limit: u64) -> Self {
        Self { limit }
    }
}

/// At most 1 MiB of a file.
impl Default for PlainText {
    fn default() -> Self {
        Self::new(1 << 20)
    }
}

#[async_trait]
impl TextSource for PlainText {
    fn reads(&self, media_type: &str) -> bool {
        media_type == Self::MEDIA_TYPE
    }

    async fn text(&self, bytes: &dyn StoredBytes, _: &str) -> Result<Option<Text>, ProcessError> {
        let end = bytes.length().min(self.limit);
        let whole = end == bytes.length();
        let failed = |error: StoreError| ProcessError::Failed(format!("the text could not be read: {error}"));
        let mut read = Vec::new();
        let mut at = 0;
        while at < end {
            let next = end.min(at.saturating_add(BLOCK));
            read.extend_from_slice(&bytes.read(at..next).await.map_err(failed)?);
            at = next;
        }
        Ok(decode(read, whole).map(|content| Text { content, whole }))
    }
}

/// The text of these bytes. A character that is cut off at the end of a beginning is left out; anything else that is
/// no character makes it no text.
fn decode(bytes: Vec<u8>, whole: bool) -> Option<String> {
    match bytes.as_slice() {
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest.to_vec(), whole),
        [0xff, 0xfe, rest @ ..] => utf16(rest, whole, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, whole, u16::from_be_bytes),
        _ => utf8(bytes, whole),
    }
}

fn utf8(bytes: Vec<u8>, whole: bool) -> Option<String> {
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Some(text),
        Err(error) => error,
    };
    let is_cut = !whole && error.utf8_error().error_len().is_none();
    let valid = error.utf8_error().valid_up_to();
    let mut bytes = error.into_bytes();
    bytes.truncate(valid);
    is_cut.then(|| String::from_utf8(bytes).ok()).flatten()
}

fn utf16(bytes: &[u8], whole: bool, unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if whole && !rest.is_empty() {
        return None;
    }
    let mut text = String::with_capacity(bytes.len());
    let mut characters = char::decode_utf16(pairs.iter().copied().map(unit)).peekable();
    while let Some(character) = characters.next() {
        match character {
            Ok(character) => text.push(character),
            Err(half) if !whole && characters.peek().is_none() && half.unpaired_surrogate() < 0xdc00 => {}
            Err(_) => return None,
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_character_is_left_out_of_a_beginning_only() {
        assert_eq!(decode(b"caf\xc3".to_vec(), false).as_deref(), Some("caf"));
        assert_eq!(decode(b"caf\xc3".to_vec(), true), None);
        assert_eq!(decode(b"caf\xe9 au lait".to_vec(), false), None);
        assert_eq!(decode(b"\xff\xfea\0\x3d\xd8".to_vec(), false).as_deref(), Some("a"));
        assert_eq!(decode(b"\xff\xfea\0\x3d\xd8".to_vec(), true), None);
        assert_eq!(decode(b"\xff\xfea\0b".to_vec(), false).as_deref(), Some("a"));
        assert_eq!(decode(b"\xff\xfea\0b".to_vec(), true), None);
    }

    #[test]
    fn a_mark_tells_the_encoding() {
        assert_eq!(decode(b"\xef\xbb\xbfa".to_vec(), true).as_deref(), Some("a"));
        assert_eq!(decode(b"\xff\xfe\x3d\xd8\x42\xde".to_vec(), true).as_deref(), Some("\u{1f642}"));
        assert_eq!(decode(b"\xfe\xff\xd8\x3d\xde\x42".to_vec(), true).as_deref(), Some("\u{1f642}"));
        assert_eq!(decode(Vec::new(), true).as_deref(), Some(""));
    }
}
