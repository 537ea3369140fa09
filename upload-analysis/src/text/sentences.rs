//! Where sentences end.
//!
//! ```text
//!   lines ──► pieces (wrapped lines joined; headings, list items and paragraphs apart) ──► sentences
//! ```

use std::ops::Range;

/// Lines of more characters than this were not wrapped by hand: each is a paragraph.
const LONG_LINE: usize = 200;

/// Words that a full stop belongs to, in lower case and without it.
const ABBREVIATIONS: [&str; 48] = [
    "abb", "abs", "al", "approx", "art", "bzw", "ca", "cf", "chap", "co", "corp", "dept", "dr", "ed", "eds",
    "eq", "est", "etc", "evtl", "ex", "fig", "figs", "ggf", "hr", "inc", "jr", "lt", "ltd", "mme", "mr",
    "mrs", "ms", "mt", "nr", "op", "p", "pp", "prof", "sec", "sr", "sra", "st", "tab", "usw", "vgl", "vol",
    "vs", "zzgl",
];

/// What ends a sentence, in scripts that put spaces between words.
pub(super) fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '؟' | '۔' | '।' | '॥' | '։' | '።')
}

/// What may close behind the end of a sentence.
pub(super) fn is_closer(c: char) -> bool {
    matches!(c, '"' | '\'' | ')' | ']' | '»' | '«' | '”' | '’' | '“')
}

/// The sentences, headings and list items of a text, in order: none is empty, none overlaps another.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut block: Vec<Line> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive(['\n', '\u{c}', '\u{2029}']) {
        at += line.len();
        let trimmed = line.trim();
        let told = without_mark(trimmed);
        if !told.is_empty() {
            let end = at - (line.len() - line.trim_end().len());
            let characters = trimmed.chars().count();
            block.push(Line { range: end - told.len()..end, characters, item: told.len() < trimmed.len() });
        }
        if trimmed.is_empty() || line.ends_with(['\u{c}', '\u{2029}']) {
            pieces(text, &block, &mut found);
            block.clear();
        }
    }
    pieces(text, &block, &mut found);
    found
}

struct Line {
    range: Range<usize>,
    characters: usize,
    /// Begins with the mark of a list.
    item: bool,
}

/// A line without the mark of a list item.
fn without_mark(line: &str) -> &str {
    let Some((mark, told)) = line.split_once(char::is_whitespace) else { return line };
    let number = mark.trim_end_matches(['.', ')']);
    let is_number =
        number.len() < mark.len() && number.len() <= 3 && number.chars().all(|c| c.is_ascii_digit());
    let is_mark =
        matches!(mark, "-" | "*" | "+" | "•" | "–" | "—" | "·" | "◦" | "▪" | "‣" | "#" | "##" | "###");
    if is_mark || is_number { told.trim_start() } else { line }
}

/// Splits lines that no empty line parts into pieces, and those into sentences.
fn pieces(text: &str, lines: &[Line], found: &mut Vec<Range<usize>>) {
    let mut piece: Option<Range<usize>> = None;
    let mut before = 0;
    for (n, line) in lines.iter().enumerate() {
        let start = piece.map_or(line.range.start, |piece: Range<usize>| piece.start);
        let next = lines.get(n + 1);
        // A line is as wide as those beside it, but for a heading, the last of a paragraph, and what is no prose.
        let width = before.max(next.map_or(0, |next| next.characters));
        let ends = line.characters > LONG_LINE || line.characters * 5 < width * 3;
        before = line.characters;
        if ends || next.is_none_or(|next| next.item) {
            split(text, start..line.range.end, found);
            piece = None;
        } else {
            piece = Some(start..line.range.end);
        }
    }
}

/// Splits a piece behind what ends a sentence.
fn split(text: &str, piece: Range<usize>, found: &mut Vec<Range<usize>>) {
    let offset = piece.start;
    let Some(piece) = text.get(piece) else { return };
    let mut start = 0;
    let mut characters = piece.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if !is_terminator(c) {
            continue;
        }
        let mut end = at + c.len_utf8();
        while let Some((at, c)) = characters.next_if(|(_, c)| is_terminator(*c) || is_closer(*c)) {
            end = at + c.len_utf8();
        }
        let mut spaced = false;
        while characters.next_if(|(_, c)| c.is_whitespace()).is_some() {
            spaced = true;
        }
        let next = characters.peek();
        let goes_on = next.is_some_and(|(_, c)| !spaced || c.is_lowercase());
        let may_belong = c == '.' && end == at + 1 && next.is_some();
        let belongs = may_belong && is_abbreviation(piece, start, at);
        if !goes_on && !belongs {
            found.push(offset + start..offset + end);
            start = next.map_or(piece.len(), |(at, _)| *at);
        }
    }
    if start < piece.len() {
        found.push(offset + start..offset + piece.len());
    }
}

/// Whether the full stop at `stop` belongs to the word before it. The sentence begins at `start`.
fn is_abbreviation(piece: &str, start: usize, stop: usize) -> bool {
    let before = piece.get(start..stop).unwrap_or_default();
    // The longest one known has six letters.
    let tail = before.char_indices().rev().take(8).last().map_or(0, |(at, _)| at);
    let tail = before.get(tail..).unwrap_or_default();
    let is_edge = |c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '\'' | '’' | '-' | '/');
    let word = tail.rsplit(is_edge).next().unwrap_or_default();
    let is_letter = |part: &str| part.chars().count() == 1 && part.chars().all(char::is_alphabetic);
    let is_number =
        word.len() == before.len() && !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
    // Initials, "e.g", "z.B", the number of a heading.
    (!word.is_empty() && word.split('.').all(is_letter))
        || is_number
        || ABBREVIATIONS.binary_search(&word.to_lowercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_up(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        assert_eq!(
            split_up(
                "Dr. J. Smith et al. paid $3.50 (see e.g. Fig. 2). Why?! \"Because.\" 7 apples… were left."
            ),
            [
                "Dr. J. Smith et al. paid $3.50 (see e.g. Fig. 2).",
                "Why?!",
                "\"Because.\"",
                "7 apples… were left."
            ]
        );
        assert_eq!(split_up("यह एक है। वह दो है।"), ["यह एक है।", "वह दो है।"]);
        assert!(ABBREVIATIONS.is_sorted());
    }

    #[test]
    fn wrapped_lines_are_joined_and_headings_are_not() {
        let text = "Growing apples\nThe soil of an orchard is sampled in spring, before\nanything grows. Roots \
                    need air\r\n\r\nCosts\n- land\n- water and\n  labour\n2. The second item\n";
        assert_eq!(
            split_up(text),
            [
                "Growing apples",
                "The soil of an orchard is sampled in spring, before\nanything grows.",
                "Roots need air",
                "Costs",
                "land",
                "water and\n  labour",
                "The second item",
            ]
        );
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(split_up(" \n\u{c}\t\r\n"), Vec::<&str>::new());
        assert_eq!(split_up("..."), ["..."]);
    }
}
