//! From bytes to text.

use crate::head::{Head, No};

/// The head as text, with U+FFFD for what is no character.
pub(super) struct Decoded {
    pub(super) text: String,
    /// Where the first thing stands that plain text does not hold: a byte that is no character, a control.
    flaw: Option<usize>,
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
        let control =
            decoded.text.find(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c'));
        decoded.flaw = [decoded.flaw, control].into_iter().flatten().min();
        Ok(decoded)
    }

    /// The text before the first flaw.
    pub(super) fn clean(&self) -> &str {
        self.flaw.and_then(|flaw| self.text.get(..flaw)).unwrap_or(&self.text)
    }

    fn utf8(bytes: &[u8], ended: bool) -> Self {
        let mut decoded = Self { text: String::with_capacity(bytes.len()), flaw: None };
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
        let mut decoded = Self { text: String::with_capacity(bytes.len()), flaw: None };
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
        self.flaw = Some(0);
        self
    }
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
