//! Keywords and topics: words and phrases of the text that stand in it again and again.
//!
//! A keyword is a word that stands at least twice; a topic is a phrase of two or three words, with nothing between
//! them, that stands at least twice. Both are ranked by how often they stand and how early they begin.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::words::{Entry, Id, Word, Words};

/// What stands once is no topic of the text.
const FEWEST: u64 = 2;

/// Stands for no third word.
const NONE: Id = Id::MAX;

/// Ways of writing one phrase that are counted: spaces and case differ without end in hostile text.
const MOST_WAYS: usize = 16;

/// The keywords, the best first.
pub(super) fn keywords(text: &str, words: &Words, most: usize) -> Vec<String> {
    let ranked = words.entries.iter().zip(0..).filter(|(entry, _)| entry.count >= FEWEST);
    let score = |entry: &Entry| entry.count * words.earliness(entry.first);
    let mut ranked: Vec<_> = ranked.map(|(entry, id): (_, Id)| (Reverse(score(entry)), id)).collect();
    ranked.sort_unstable();
    ranked.truncate(most);
    let chosen: Vec<_> = ranked.into_iter().map(|(_, id)| [id, NONE, NONE]).collect();
    surfaces(text, words, &chosen)
}

/// The topics, the best first. None contains another.
pub(super) fn topics(text: &str, words: &Words, most: usize) -> Vec<String> {
    let mut found = HashMap::<[Id; 3], (u64, usize)>::new();
    for (sentence, own) in words.sentences.iter().map(|sentence| words.of(sentence)).enumerate() {
        for phrase in own.iter().enumerate().flat_map(|(n, _)| phrases(own, n)).map(|(phrase, _)| phrase) {
            // A phrase stands at most as often as each of its words.
            if ids(&phrase).all(|id| words.count(id) >= FEWEST) {
                found.entry(phrase).or_insert((0, sentence)).0 += 1;
            }
        }
    }
    found.retain(|_, (count, _)| *count >= FEWEST);
    // Two words that never stand without their third one are a part of a phrase, and no phrase.
    let threes = found.iter().filter(|(phrase, _)| !phrase.contains(&NONE));
    let parts =
        threes.flat_map(|([a, b, c], (count, _))| [([*a, *b, NONE], *count), ([*b, *c, NONE], *count)]);
    let parts: HashSet<_> = parts.collect();
    let ranked = found.into_iter().filter(|(phrase, (count, _))| !parts.contains(&(*phrase, *count)));
    let score = |phrase: &[Id; 3], count, first| count * ids(phrase).count() as u64 * words.earliness(first);
    let mut ranked: Vec<_> =
        ranked.map(|(phrase, (count, first))| (Reverse(score(&phrase, count, first)), phrase)).collect();
    ranked.sort_unstable();
    let mut chosen = Vec::<[Id; 3]>::new();
    for (_, phrase) in ranked {
        if chosen.len() == most {
            break;
        }
        if !chosen.iter().any(|other| contains(other, &phrase) || contains(&phrase, other)) {
            chosen.push(phrase);
        }
    }
    surfaces(text, words, &chosen)
}

/// The phrases of two and three words that begin at `n`, and where they stand in the text.
fn phrases(own: &[Word], n: usize) -> impl Iterator<Item = ([Id; 3], Range<usize>)> {
    let word = |n: usize| own.get(n);
    let joined = move |n: usize| word(n).filter(|word| word.joined);
    let first = word(n);
    let second = joined(n + 1);
    let third = second.and(joined(n + 2));
    let two = first.zip(second).map(|(a, b)| ([a.id, b.id, NONE], a.range.start..b.range.end));
    let three =
        first.zip(second.zip(third)).map(|(a, (b, c))| ([a.id, b.id, c.id], a.range.start..c.range.end));
    let apart = |(ids, _): &([Id; 3], _)| matches!(ids, [a, b, c] if a != b && b != c && a != c);
    two.into_iter().chain(three).filter(apart)
}

fn ids(phrase: &[Id; 3]) -> impl Iterator<Item = Id> {
    phrase.iter().copied().filter(|id| *id != NONE)
}

/// Whether the words of `part` stand in `phrase`, in a row.
fn contains(phrase: &[Id; 3], part: &[Id; 3]) -> bool {
    let (phrase, part): (Vec<_>, Vec<_>) = (ids(phrase).collect(), ids(part).collect());
    phrase.windows(part.len()).any(|row| row == part)
}

/// How the chosen words and phrases are written most often, of two ways that are as frequent the first one. The
/// beginning of a sentence, where any word has a capital, counts less.
fn surfaces(text: &str, words: &Words, chosen: &[[Id; 3]]) -> Vec<String> {
    let wanted: HashSet<_> = chosen.iter().collect();
    let mut written = HashMap::<[Id; 3], Vec<(&str, u64)>>::new();
    for sentence in &words.sentences {
        let own = words.of(sentence);
        for (n, word) in own.iter().enumerate() {
            let weight = if word.range.start == sentence.range.start { 1 } else { 2 };
            let single = ([word.id, NONE, NONE], word.range.clone());
            for (phrase, range) in std::iter::once(single).chain(phrases(own, n)) {
                if !wanted.contains(&phrase) {
                    continue;
                }
                let surface = text.get(range).unwrap_or_default();
                let ways = written.entry(phrase).or_default();
                if let Some((_, count)) = ways.iter_mut().find(|(way, _)| *way == surface) {
                    *count += weight;
                } else if ways.len() < MOST_WAYS {
                    ways.push((surface, weight));
                }
            }
        }
    }
    let most = |phrase: &[Id; 3]| {
        let ways = written.get(phrase)?;
        let most = ways.iter().rev().max_by_key(|(_, count)| *count)?;
        Some(super::tidy(most.0))
    };
    chosen.iter().filter_map(most).collect()
}
