//! Plain text: one pass, nothing kept.

use std::mem;

use super::super::details::Details;
use super::super::error::{Result, unreadable};
use super::super::reader::Reader;
use super::words::Words;

const TEXT: &str = "text";

#[derive(Debug, Clone, Copy)]
enum Encoding {
    /// Or Latin-1, where it is no UTF-8.
    Utf8,
    Utf16(fn([u8; 2]) -> u16),
}

pub(in super::super) fn text(reader: &mut Reader<'_>, words: &mut Words) -> Result<Details> {
    let mut details = Details::default();
    if !reader.affords_all() && !words.keeps() {
        details.warn("the file is too large to count its words");
        return Ok(details);
    }
    let mark = reader.vec(reader.length().min(3), TEXT)?;
    let (encoding, skipped) = match mark.as_slice() {
        [0xef, 0xbb, 0xbf] => (Encoding::Utf8, 3),
        [0xff, 0xfe, ..] => (Encoding::Utf16(u16::from_le_bytes), 2),
        [0xfe, 0xff, ..] => (Encoding::Utf16(u16::from_be_bytes), 2),
        _ => (Encoding::Utf8, 0),
    };
    reader.go(skipped);
    let mut text = Text { words, rest: Vec::new(), control: false, broken: false };
    loop {
        let bytes = reader.some(TEXT)?;
        let length = bytes.len() as u64;
        // Behind what was left of a character that goes on here.
        let mut block = mem::take(&mut text.rest);
        block.extend_from_slice(bytes);
        let last = length == 0;
        match encoding {
            Encoding::Utf8 => text.utf8(&block, last),
            Encoding::Utf16(unit) => text.utf16(&block, last, unit),
        }
        if text.control {
            return unreadable("the text has control characters in it");
        }
        if last || text.words.is_full() {
            break;
        }
        reader.skip(length);
    }
    if text.broken {
        details.warn(match encoding {
            Encoding::Utf8 => "the text is not UTF-8: it was read as Latin-1",
            Encoding::Utf16(_) => "the text is not all valid UTF-16",
        });
    }
    details.word_count = Some(text.words.count);
    Ok(details)
}

#[derive(Debug)]
struct Text<'a> {
    words: &'a mut Words,
    /// Bytes of a character that is not whole yet.
    rest: Vec<u8>,
    control: bool,
    broken: bool,
}

impl Text<'_> {
    fn push(&mut self, character: char) {
        self.control |= character.is_control() && !character.is_whitespace();
        self.words.push(character);
    }

    fn utf8(&mut self, block: &[u8], last: bool) {
        let mut chunks = block.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            chunk.valid().chars().for_each(|character| self.push(character));
            let invalid = chunk.invalid();
            let is_cut = || std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if !last && chunks.peek().is_none() && is_cut() {
                self.rest = invalid.to_vec();
            } else if !invalid.is_empty() {
                // As Latin-1 every byte is a character.
                self.broken = true;
                invalid.iter().for_each(|byte| self.words.push(char::from(*byte)));
            }
        }
    }

    fn utf16(&mut self, block: &[u8], last: bool, unit: fn([u8; 2]) -> u16) {
        let (pairs, rest) = block.as_chunks::<2>();
        self.rest = rest.to_vec();
        self.broken |= last && !rest.is_empty();
        let mut characters = char::decode_utf16(pairs.iter().copied().map(unit)).peekable();
        while let Some(character) = characters.next() {
            match character {
                Ok(character) => self.push(character),
                Err(half) if !last && characters.peek().is_none() && half.unpaired_surrogate() < 0xdc00 => {
                    let pair = pairs.last().copied().unwrap_or_default();
                    self.rest = [pair.as_slice(), rest].concat();
                }
                Err(_) => {
                    self.broken = true;
                    self.words.push(char::REPLACEMENT_CHARACTER);
                }
            }
        }
    }
}
