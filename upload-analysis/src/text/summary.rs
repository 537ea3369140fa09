//! Sentences of the document itself that stand for the rest.
//!
//! Words that stand often weigh much; a sentence is worth the mean weight of what it says, and more near the
//! beginning. The best one is taken, what it said weighs next to nothing from then on, and so on: what was said is
//! not said again. (SumBasic, Nenkova and Vanderwende 2005, with a prior for the place.)

use super::sentences::{is_closer, is_terminator};
use super::words::{Sentence, Words};

/// Shorter ones (in words) are fragments, longer ones no summary.
const WORDS: std::ops::RangeInclusive<usize> = 5..=60;

/// A sentence that says less is not worth more for its shortness.
const FEWEST_TOLD: usize = 4;

/// A sentence of the document that could stand in a summary.
struct Candidate {
    /// As it is shown.
    shown: String,
    characters: usize,
    /// The numbers of the words that say something, each once.
    told: Vec<usize>,
    /// For its place in the document.
    prior: f64,
    chosen: bool,
}

/// The summary, if the document has sentences for it.
pub(super) fn summary(
    text: &str,
    words: &Words,
    max_sentences: usize,
    max_characters: usize,
) -> Option<String> {
    let mut candidates: Vec<_> = words
        .sentences
        .iter()
        .filter_map(|sentence| candidate(text, words, sentence, max_characters))
        .collect();
    for (n, candidate) in candidates.iter_mut().enumerate() {
        candidate.prior = 1.0 + 1.0 / (2.0 + n as f64);
    }
    let all = words.words.len().max(1) as f64;
    let mut weights: Vec<_> = words.entries.iter().map(|entry| entry.count as f64 / all).collect();
    let mut left = max_characters;
    let mut said = vec![false; weights.len()];
    for _ in 0..max_sentences {
        let Some(best) = best(&candidates, &weights, &said, left) else { break };
        let Some(candidate) = candidates.get_mut(best) else { break };
        candidate.chosen = true;
        // And a space behind it.
        left = left.saturating_sub(candidate.characters + 1);
        for id in &candidate.told {
            if let Some(weight) = weights.get_mut(*id) {
                *weight *= *weight;
            }
            if let Some(said) = said.get_mut(*id) {
                *said = true;
            }
        }
    }
    let chosen: Vec<_> = candidates.iter().filter(|one| one.chosen).map(|one| one.shown.as_str()).collect();
    (!chosen.is_empty()).then(|| chosen.join(" "))
}

/// The place of the best candidate that is not chosen yet, says something new and fits; the first of equals.
fn best(candidates: &[Candidate], weights: &[f64], said: &[bool], left: usize) -> Option<usize> {
    let mut best = None;
    let mut most = 0.0;
    let is_new = |one: &Candidate| one.told.iter().any(|id| said.get(*id) == Some(&false));
    let may = |one: &Candidate| !one.chosen && one.characters <= left && is_new(one);
    for (n, one) in candidates.iter().enumerate().filter(|(_, one)| may(one)) {
        let weight: f64 = one.told.iter().filter_map(|id| weights.get(*id)).sum();
        let score = one.prior * weight / one.told.len().max(FEWEST_TOLD) as f64;
        if score > most {
            most = score;
            best = Some(n);
        }
    }
    best
}

fn candidate(text: &str, words: &Words, sentence: &Sentence, max_characters: usize) -> Option<Candidate> {
    let source = text.get(sentence.range.clone())?;
    let whole = source.trim_end_matches(is_closer).ends_with(is_terminator);
    let begins = source.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| !c.is_lowercase());
    if !WORDS.contains(&sentence.all) || !whole || !begins {
        return None;
    }
    let shown = super::tidy(source);
    let characters = shown.chars().count();
    let prose = shown.chars().filter(|c| c.is_alphabetic() || *c == ' ').count();
    let mut told: Vec<_> = words.of(sentence).iter().map(|word| word.id as usize).collect();
    told.sort_unstable();
    told.dedup();
    let fits = characters <= max_characters && prose * 4 >= characters * 3 && told.len() >= 2;
    fits.then_some(Candidate { shown, characters, told, prior: 1.0, chosen: false })
}
