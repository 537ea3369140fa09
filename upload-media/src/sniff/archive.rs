//! Zip, the word processing package on it, and tar.

use super::head::{Head, LIMIT, No, Verdict, ensure};
use crate::types;

const ENTRY: &[u8; 4] = b"PK\x03\x04";

/// Parts that only a word processing package has; some writers put them before everything else.
const WORD_PARTS: &[&[u8]] = &[
    b"word/document.xml",
    b"word/styles.xml",
    b"word/settings.xml",
    b"word/numbering.xml",
    b"word/fontTable.xml",
    b"word/_rels/document.xml.rels",
];

/// A zip; a DOCX if the names of the first entries say so.
pub(crate) fn zip(head: &Head<'_>) -> Verdict {
    head.magic(0, ENTRY)?;
    let (mut at, mut has_content_types, mut has_word) = (0, false, false);
    while at < LIMIT {
        let entry = match entry(head, at) {
            Err(No::NotThis) => break,
            entry => entry?,
        };
        has_content_types |= entry.name == b"[Content_Types].xml";
        has_word |= entry.name.starts_with(b"word/");
        if has_content_types && has_word || WORD_PARTS.contains(&entry.name) {
            return Ok(types::DOCX);
        }
        at = match entry.size {
            Some(size) => entry.content.saturating_add(size),
            None => match next_entry(head, entry.content) {
                Err(No::NotThis) => break,
                next => next?,
            },
        };
    }
    Ok(types::ZIP)
}

struct Entry<'a> {
    name: &'a [u8],
    /// Where its content begins.
    content: usize,
    /// How long its content is, if that is told before it.
    size: Option<usize>,
}

/// The entry at `at` (APPNOTE 6.3.10, section 4.3.7).
fn entry<'a>(head: &Head<'a>, at: usize) -> Result<Entry<'a>, No> {
    head.magic(at, ENTRY)?;
    let told_later = head.u16_le(at + 6)? & 8 != 0;
    let size = head.u32_le(at + 18)? as usize;
    let name_length = head.u16_le(at + 26)?;
    let extra_length = head.u16_le(at + 28)?;
    let name = head.slice(at + 30, name_length)?;
    let content = at + 30 + name_length + extra_length;
    Ok(Entry { name, content, size: (!told_later).then_some(size) })
}

/// The first place from `at` where an entry begins: content of unknown length is skipped by its look.
fn next_entry(head: &Head<'_>, at: usize) -> Result<usize, No> {
    let found = head.from(at).windows(ENTRY.len()).position(|window| window == ENTRY);
    found.map(|ahead| at + ahead).ok_or(head.short())
}

/// POSIX.1-1988 and before: a block of 512 bytes about the first file, most of it octal numbers.
pub(crate) fn tar(head: &Head<'_>) -> Verdict {
    ensure(head.byte(0)? != 0)?;
    // The mode. Byte by byte, so that anything else is told as soon as it shows.
    for at in 100..108 {
        ensure(matches!(head.byte(at)?, b'0'..=b'7' | b' ' | 0))?;
    }
    let sum_field: [u8; 8] = head.array(148)?;
    if head.slice(257, 5)? == b"ustar" {
        return Ok(types::TAR);
    }
    let block = head.slice(0, 512)?;
    // The sum counts its own field as blanks.
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let expected = sum(block) - sum(&sum_field) + 8 * u32::from(b' ');
    let digits =
        sum_field.iter().skip_while(|byte| **byte == b' ').take_while(|byte| matches!(byte, b'0'..=b'7'));
    let found = digits.fold(0_u32, |sum, digit| sum << 3 | u32::from(digit - b'0'));
    ensure(found == expected)?;
    Ok(types::TAR)
}
