//! The words of a text, counted.

use std::collections::HashMap;
use std::mem;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::language::Known;

/// The number of a word: its place among those of the text.
pub(super) type Id = u32;

/// Longer ones (in bytes) are no words: keys, encoded data.
const LONGEST: usize = 60;

/// A word that says something about the topic, where it stands.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) range: Range<usize>,
    pub(super) id: Id,
    /// Whether it stands right behind the one before it: nothing but a space or a hyphen between them.
    pub(super) joined: bool,
}

/// What is known of a word that says something.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// In lower case.
    pub(super) word: String,
    /// How often it stands in the text; not at all if another form of it stands for both.
    pub(super) count: u64,
    /// The first sentence that has it.
    pub(super) first: usize,
}

/// A sentence and its words.
#[derive(Debug)]
pub(super) struct Sentence {
    pub(super) range: Range<usize>,
    /// Those of [`Words::words`] that are its own.
    pub(super) own: Range<usize>,
    /// All its words, also those that say nothing.
    pub(super) all: usize,
}

/// The words of a text that say something about its topic.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) entries: Vec<Entry>,
    pub(super) words: Vec<Word>,
    pub(super) sentences: Vec<Sentence>,
}

impl Words {
    pub(super) fn new(text: &str, sentences: Vec<Range<usize>>, language: &Known) -> Self {
        let mut all = Self::default();
        let mut ids = HashMap::<String, Id>::new();
        let mut lower = String::new();
        for (n, range) in sentences.into_iter().enumerate() {
            let own = all.words.len();
            let mut count = 0;
            let mut end = None;
            for (at, word) in text.get(range.clone()).unwrap_or_default().unicode_word_indices() {
                count += 1;
                let start = range.start + at;
                let (start, word) = bare(language, start, word);
                let joined = end.is_some_and(|end| joins(text.get(end..start).unwrap_or_default()));
                end = None;
                lower.clear();
                lower.extend(
                    word.chars().flat_map(char::to_lowercase).map(|c| if c == '’' { '\'' } else { c }),
                );
                if !says_something(word) || language.is_stop_word(&lower) {
                    continue;
                }
                let Some(id) = all.id(&mut ids, &lower, n) else { continue };
                all.words.push(Word { range: start..start + word.len(), id, joined });
                end = Some(start + word.len());
            }
            all.sentences.push(Sentence { range, own: own..all.words.len(), all: count });
        }
        if language.code == "en" {
            all.join_plurals(&ids);
        }
        all
    }

    /// Makes a regular plural and its singular one word.
    fn join_plurals(&mut self, ids: &HashMap<String, Id>) {
        let singular =
            |word: &str| ids.get(word.strip_suffix('s').filter(|rest| !rest.ends_with('s'))?).copied();
        let singulars: Vec<_> = self.entries.iter().map(|entry| singular(&entry.word)).collect();
        for (plural, singular) in singulars.iter().enumerate() {
            let Some(singular) = singular else { continue };
            let (count, first) = self
                .entries
                .get_mut(plural)
                .map_or((0, 0), |entry| (mem::take(&mut entry.count), entry.first));
            if let Some(entry) = self.entries.get_mut(*singular as usize) {
                entry.count += count;
                entry.first = entry.first.min(first);
            }
        }
        for word in &mut self.words {
            word.id = singulars.get(word.id as usize).copied().flatten().unwrap_or(word.id);
        }
    }

    /// The number of a word, counting it.
    fn id(&mut self, ids: &mut HashMap<String, Id>, lower: &str, sentence: usize) -> Option<Id> {
        if let Some(id) = ids.get(lower) {
            self.entries.get_mut(*id as usize)?.count += 1;
            return Some(*id);
        }
        let id = Id::try_from(self.entries.len()).ok()?;
        ids.insert(lower.to_owned(), id);
        self.entries.push(Entry { word: lower.to_owned(), count: 1, first: sentence });
        Some(id)
    }

    pub(super) fn count(&self, id: Id) -> u64 {
        self.entries.get(id as usize).map_or(0, |entry| entry.count)
    }

    /// Those of a sentence.
    pub(super) fn of(&self, sentence: &Sentence) -> &[Word] {
        self.words.get(sentence.own.clone()).unwrap_or_default()
    }

    /// Lower for what comes later in the text: from `2 × sentences` down to `sentences`.
    pub(super) fn earliness(&self, sentence: usize) -> u64 {
        let sentences = self.sentences.len() as u64;
        (2 * sentences).saturating_sub(sentence as u64)
    }
}

/// A word without what is joined to it by an apostrophe, and where it begins.
fn bare<'a>(language: &Known, start: usize, word: &'a str) -> (usize, &'a str) {
    let bare = language.bare(word);
    let start = if word.starts_with(bare) { start } else { start + word.len() - bare.len() };
    (start, bare)
}

fn joins(between: &str) -> bool {
    between == "-" || (!between.is_empty() && between.chars().all(char::is_whitespace))
}

/// Whether it can be a keyword at all: letters, enough of them, and no digits first.
fn says_something(word: &str) -> bool {
    let fewest = if word.is_ascii() { 3 } else { 2 };
    word.len() <= LONGEST
        && word.chars().next().is_some_and(char::is_alphabetic)
        && !word.contains(['.', '_', ':'])
        && word.chars().filter(|c| c.is_alphabetic()).take(fewest).count() == fewest
}
