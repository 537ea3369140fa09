//! Words: counted, and kept if somebody wants to read them.

/// Counts runs of what is no white space, and may keep them as text.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Words {
    pub(super) count: u64,
    inside: bool,
    kept: Option<Kept>,
}

/// What stands between two words, the larger the later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    Nothing,
    Space,
    Line,
    Paragraph,
}

#[derive(Debug, Clone, Default)]
struct Kept {
    text: String,
    limit: usize,
    gap: Gap,
    truncated: bool,
}

impl Words {
    /// Keeps so many bytes of text, too.
    pub(in super::super) fn keeping(limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { kept: Some(Kept { limit, ..Kept::default() }), ..Self::default() }
    }

    /// Whether they are kept, so that some are better than none.
    pub(super) fn keeps(&self) -> bool {
        self.kept.is_some()
    }

    /// Whether nothing of what may come is wanted.
    pub(super) fn is_full(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.truncated)
    }

    /// The text: words with one space, line end or empty line in between; and whether some of it is missing.
    pub(in super::super) fn into_text(self) -> (String, bool) {
        self.kept.map(|kept| (kept.text, kept.truncated)).unwrap_or_default()
    }

    pub(super) fn push(&mut self, character: char) {
        if character.is_whitespace() {
            self.inside = false;
            if let Some(kept) = &mut self.kept {
                kept.space(character);
            }
            return;
        }
        if !self.inside {
            self.inside = true;
            self.count += 1;
        }
        if let Some(kept) = &mut self.kept {
            kept.push(character);
        }
    }

    pub(super) fn push_all(&mut self, text: &str) {
        text.chars().for_each(|character| self.push(character));
    }

    /// What comes next begins another word.
    pub(super) fn end(&mut self) {
        self.gap(Gap::Space);
    }

    /// What comes next begins another line.
    pub(super) fn end_line(&mut self) {
        self.gap(Gap::Line);
    }

    /// What comes next begins another paragraph.
    pub(super) fn end_paragraph(&mut self) {
        self.gap(Gap::Paragraph);
    }

    /// Some of the text cannot be had.
    pub(super) fn truncate(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.truncated = true;
        }
    }

    fn gap(&mut self, gap: Gap) {
        self.inside = false;
        if let Some(kept) = &mut self.kept {
            kept.gap = kept.gap.max(gap);
        }
    }
}

impl Kept {
    /// An empty line ends a paragraph.
    fn space(&mut self, character: char) {
        self.gap = match (character, self.gap) {
            ('\n', Gap::Line | Gap::Paragraph) => Gap::Paragraph,
            ('\n', _) => Gap::Line,
            (_, gap) => gap.max(Gap::Space),
        };
    }

    fn push(&mut self, character: char) {
        // Nothing is known of such a glyph.
        if self.truncated || character == char::REPLACEMENT_CHARACTER {
            return;
        }
        let gap = match std::mem::take(&mut self.gap) {
            _ if self.text.is_empty() => "",
            Gap::Nothing => "",
            Gap::Space => " ",
            Gap::Line => "\n",
            Gap::Paragraph => "\n\n",
        };
        let mut buffer = [0; 4];
        let character = match character {
            '\u{fb00}' => "ff",
            '\u{fb01}' => "fi",
            '\u{fb02}' => "fl",
            '\u{fb03}' => "ffi",
            '\u{fb04}' => "ffl",
            other => other.encode_utf8(&mut buffer),
        };
        if self.text.len() + gap.len() + character.len() > self.limit {
            self.truncated = true;
            return;
        }
        self.text.push_str(gap);
        self.text.push_str(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: u64, text: &str) -> (u64, String, bool) {
        let mut words = Words::keeping(limit);
        words.push_all(text);
        let count = words.count;
        let (text, truncated) = words.into_text();
        (count, text, truncated)
    }

    #[test]
    fn words_are_kept_with_one_gap_in_between() {
        let text = " one\t two \r\nthree\n \n\nfour\u{a0}\u{fb01}ve \u{fffd} ";
        assert_eq!(kept(99, text), (6, "one two\nthree\n\nfour five".to_owned(), false));
        let mut words = Words::keeping(99);
        words.end_paragraph();
        words.push('a');
        words.end();
        words.end_line();
        words.push('b');
        words.end_paragraph();
        words.end_line();
        words.push('c');
        assert_eq!(words.into_text(), ("a\nb\n\nc".to_owned(), false));
    }

    #[test]
    fn text_ends_at_its_limit() {
        assert_eq!(kept(3, "abc "), (1, "abc".to_owned(), false));
        assert_eq!(kept(4, "abc d"), (2, "abc".to_owned(), true));
        assert_eq!(kept(2, "a\u{e9}b"), (1, "a".to_owned(), true));
        assert_eq!(kept(0, "a"), (1, String::new(), true));
        let mut words = Words::default();
        words.push_all("not kept");
        assert_eq!((words.count, words.is_full(), words.into_text()), (2, false, (String::new(), false)));
    }
}
