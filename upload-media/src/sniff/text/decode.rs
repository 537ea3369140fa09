//! From bytes to text.

use crate::sniff::head::{Head, No};

/// The head as text, with U+FFFD for what is no character.
pub(super) struct Decoded {
    pub(super) text: String,
    /// Where the first byte stands that is no character of the encoding.
    flaw: Option<usize>,
    /// Where the first control stands that plain text does not hold.
    control: Option<usize>,
}

impl Decoded {
    /// A byte order mark tells the encoding and is left out; UTF-8 without. UTF-16 without a mark is
    /// only taken for markup, as XML readers do.
    pub(super) fn new(head: &Head<'_>) -> Result<Self, No> {
        if head.bytes().len() < 3 && !head.complete() {
            return Err(No::NeedMore);
        }
        let mut decoded = match head.bytes() {
            [0xef, 0xbb, 0xbf, rest @ ..] => Self::utf8(rest, head.ended()),
            [0xff, 0xfe, rest @ ..] => Self::utf16(rest, head.ended(), u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => Self::utf16(rest, head.ended(), u16::from_be_bytes),
            all @ [b'<', 0, ..] => Self::utf16(all, head.ended(), u16::from_le_bytes).markup_only(),
            all @ [0, b'<', ..] => Self::utf16(all, head.ended(), u16::from_be_bytes).markup_only(),
            all => Self::utf8(all, head.ended()),
        };
        let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c');
        decoded.control = decoded.control.or(decoded.text.find(control));
        Ok(decoded)
    }

    /// Whether it is text from its beginning to its end.
    pub(super) fn is_clean(&self) -> bool {
        self.flaw.is_none() && self.control.is_none()
    }

    /// The text before the first thing that plain text does not hold.
    fn clean(&self) -> &str {
        let end = self.flaw.into_iter().chain(self.control).min();
        end.and_then(|end| self.text.get(..end)).unwrap_or(&self.text)
    }

    /// What a reader would be shown: as far as it may still be plain text. Beyond that nothing changes an answer.
    pub(super) fn shown<'a>(&'a self, head: &Head<'a>) -> &'a [u8] {
        let (clean, latin_1) = (self.clean().as_bytes(), latin_1(head));
        if latin_1.len() > clean.len() { latin_1 } else { clean }
    }

    fn utf8(bytes: &[u8], ended: bool) -> Self {
        let mut decoded = Self { text: String::with_capacity(bytes.len()), flaw: None, control: None };
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            decoded.text.push_str(chunk.valid());
            let is_cut = || std::str::from_utf8(chunk.invalid()).is_err_and(|e| e.error_len().is_none());
            let may_go_on = !ended && chunks.peek().is_none() && is_cut();
            if !chunk.invalid().is_empty() && !may_go_on {
                decoded.push_flaw();
            }
        }
        decoded
    }

    fn utf16(bytes: &[u8], ended: bool, unit: fn([u8; 2]) -> u16) -> Self {
        let mut decoded = Self { text: String::with_capacity(bytes.len()), flaw: None, control: None };
        let (pairs, rest) = bytes.as_chunks::<2>();
        let mut characters = char::decode_utf16(pairs.iter().copied().map(unit)).peekable();
        while let Some(character) = characters.next() {
            match character {
                Ok(character) => decoded.text.push(character),
                // The other half of the last character may still come.
                Err(half) if !ended && characters.peek().is_none() && half.unpaired_surrogate() < 0xdc00 => {}
                Err(_) => decoded.push_flaw(),
            }
        }
        if ended && !rest.is_empty() {
            decoded.push_flaw();
        }
        decoded
    }

    fn push_flaw(&mut self) {
        self.flaw.get_or_insert(self.text.len());
        self.text.push(char::REPLACEMENT_CHARACTER);
    }

    fn markup_only(mut self) -> Self {
        self.control = Some(0);
        self
    }
}

/// The beginning that may be text in Latin-1 or one of its kin: without a mark of another encoding and without
/// controls, of which the upper half has some, too.
fn latin_1<'a>(head: &Head<'a>) -> &'a [u8] {
    let bytes = head.bytes();
    if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0xef, 0xbb, 0xbf, ..]) {
        return &[];
    }
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | b' '..=b'~' | 0xa0..);
    let end = bytes.iter().position(|byte| !is_text(byte)).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or_default()
}

/// Whether the bytes may be text in Latin-1. Only the end tells whether there are too many of the upper half; then
/// it is another encoding, or no text.
pub(super) fn is_latin_1(head: &Head<'_>) -> bool {
    let bytes = head.bytes();
    let upper = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    latin_1(head).len() == bytes.len() && (!head.complete() || upper * 4 <= bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_chosen_once_its_mark_would_have_come() {
        for start in [&b""[..], b"\xef", b"\xef\xbb", b"\xff", b"\xfe", b"<", b"ab"] {
            assert_eq!(Decoded::new(&Head::new(start, false)).err(), Some(No::NeedMore));
            assert!(Decoded::new(&Head::new(start, true)).is_ok());
        }
        assert!(Decoded::new(&Head::new(b"abc", false)).is_ok());
    }
}
