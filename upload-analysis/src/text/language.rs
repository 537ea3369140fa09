//! Which language a text is in, and what is known of it.

use std::borrow::Cow;
use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation as _;
use whatlang::Lang;

use crate::source::beginning;

/// Bytes of the text that its language is told from, at most: a third each of its beginning, middle and end.
const SAMPLE: usize = 18 << 10;

/// Fewer words tell no language.
const FEWEST_WORDS: usize = 4;

/// The share of stop words (in per cent) below which a text is no prose of its language: tables, names, noise.
const PROSE: usize = 8;

/// The share of stop words (in per cent) that tells the language where the letters alone do not.
const PLAINLY_PROSE: usize = 30;

/// Nouns that the list of English stop words has among them, since they say little on a web page of any content.
const ENGLISH_NOUNS: [&str; 38] = [
    "bill",
    "buy",
    "cant",
    "caption",
    "computer",
    "date",
    "detail",
    "face",
    "faces",
    "group",
    "groups",
    "homepage",
    "information",
    "interest",
    "interests",
    "invention",
    "member",
    "members",
    "microsoft",
    "mill",
    "mine",
    "netscape",
    "room",
    "rooms",
    "site",
    "state",
    "states",
    "system",
    "text",
    "web",
    "webpage",
    "website",
    "width",
    "index",
    "problem",
    "problems",
    "research",
    "test",
];

/// What English text has besides.
const ENGLISH_NOISE: [&str; 4] = ["https", "www", "isn", "also"];

/// A language whose words stand apart and whose stop words are known.
#[derive(Debug)]
pub(super) struct Known {
    /// ISO 639-1.
    pub(super) code: &'static str,
    stop_words: HashSet<&'static str>,
    /// Articles and prepositions stand before their word with an apostrophe: `l'acqua`.
    elides: bool,
}

impl Known {
    fn new(code: &'static str) -> Option<Self> {
        let mut stop_words: HashSet<_> = stop_words::lookup(code)?.iter().copied().collect();
        if code == "en" {
            ENGLISH_NOUNS.iter().for_each(|word| {
                stop_words.remove(word);
            });
            stop_words.extend(ENGLISH_NOISE);
        }
        Some(Self { code, stop_words, elides: matches!(code, "fr" | "it" | "ca") })
    }

    /// Whether a word in lower case says nothing about the topic.
    pub(super) fn is_stop_word(&self, word: &str) -> bool {
        self.stop_words.contains(word)
    }

    /// A word as it stands in the text without what is joined to it by an apostrophe.
    pub(super) fn bare<'a>(&self, word: &'a str) -> &'a str {
        let is_apostrophe = |c| matches!(c, '\'' | '’');
        match word.split_once(is_apostrophe) {
            Some((_, bare)) if self.elides => bare,
            Some((bare, "s" | "S")) if self.code == "en" => bare,
            _ => word,
        }
    }

    /// The share of stop words in the sample, in per cent.
    fn share(&self, words: &[String]) -> usize {
        let stop_words = words.iter().filter(|word| self.is_stop_word(self.bare(word))).count();
        stop_words * 100 / words.len().max(1)
    }
}

/// The language a text was found to be in.
#[derive(Debug)]
pub(super) enum Language {
    /// One that summaries and keywords are made for.
    Known(Known),
    /// Another one, by its code: words do not stand apart, or its stop words are not known.
    Other(&'static str),
}

impl Language {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Known(known) => known.code,
            Self::Other(code) => code,
        }
    }
}

/// All of a short text; parts of a long one.
fn sample(text: &str) -> Cow<'_, str> {
    if text.len() <= SAMPLE {
        return text.into();
    }
    let part = SAMPLE / 3;
    let from = |at: usize| {
        let before = beginning(text, at).len();
        beginning(text.get(before..).unwrap_or_default(), part)
    };
    [from(0), from(text.len() / 2), from(text.len() - part)].join("\n").into()
}

/// The language of a text, if that is certain enough to say.
pub(super) fn language(text: &str) -> Option<Language> {
    let sample = sample(text);
    let info = whatlang::detect(&sample)?;
    let lower = |word: &str| word.to_lowercase().replace('’', "'");
    let words: Vec<_> = sample.unicode_words().map(lower).collect();
    if words.len() < FEWEST_WORDS {
        return None;
    }
    let Some(known) = of_apart_words(info.lang()).and_then(Known::new) else {
        return info.is_reliable().then(|| Language::Other(code(info.lang())));
    };
    let least = if info.is_reliable() { PROSE } else { PLAINLY_PROSE };
    (known.share(&words) >= least).then_some(Language::Known(known))
}

/// The ISO 639-1 code of a language whose words stand apart and whose list of stop words is long enough.
/// Not among them: Chinese, Japanese, Thai, Khmer, Burmese (no spaces), Vietnamese (spaces between syllables),
/// Korean (particles are part of the word).
fn of_apart_words(language: Lang) -> Option<&'static str> {
    Some(match language {
        Lang::Ara => "ar",
        Lang::Ben => "bn",
        Lang::Bul => "bg",
        Lang::Cat => "ca",
        Lang::Ces => "cs",
        Lang::Dan => "da",
        Lang::Deu => "de",
        Lang::Ell => "el",
        Lang::Eng => "en",
        Lang::Fin => "fi",
        Lang::Fra => "fr",
        Lang::Guj => "gu",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Hrv => "hr",
        Lang::Hun => "hu",
        Lang::Ind => "id",
        Lang::Ita => "it",
        Lang::Lav => "lv",
        Lang::Lit => "lt",
        Lang::Mar => "mr",
        Lang::Nld => "nl",
        Lang::Nob => "no",
        Lang::Pes => "fa",
        Lang::Pol => "pl",
        Lang::Por => "pt",
        Lang::Ron => "ro",
        Lang::Rus => "ru",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Spa => "es",
        Lang::Swe => "sv",
        Lang::Tur => "tr",
        Lang::Ukr => "uk",
        Lang::Urd => "ur",
        _ => return None,
    })
}

/// The code of a language: ISO 639-1 where it has one, else ISO 639-3.
fn code(language: Lang) -> &'static str {
    of_apart_words(language).unwrap_or(match language {
        Lang::Afr => "af",
        Lang::Aka => "ak",
        Lang::Amh => "am",
        Lang::Aze => "az",
        Lang::Bel => "be",
        Lang::Cmn => "zh",
        Lang::Cym => "cy",
        Lang::Epo => "eo",
        Lang::Est => "et",
        Lang::Hye => "hy",
        Lang::Jav => "jv",
        Lang::Jpn => "ja",
        Lang::Kan => "kn",
        Lang::Kat => "ka",
        Lang::Khm => "km",
        Lang::Kor => "ko",
        Lang::Lat => "la",
        Lang::Mal => "ml",
        Lang::Mkd => "mk",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Ori => "or",
        Lang::Pan => "pa",
        Lang::Sin => "si",
        Lang::Sna => "sn",
        Lang::Srp => "sr",
        Lang::Tam => "ta",
        Lang::Tel => "te",
        Lang::Tgl => "tl",
        Lang::Tha => "th",
        Lang::Tuk => "tk",
        Lang::Uzb => "uz",
        Lang::Vie => "vi",
        Lang::Yid => "yi",
        Lang::Zul => "zu",
        other => other.code(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_a_code_and_those_with_words_apart_a_list() {
        for language in Lang::all() {
            assert_eq!(code(*language).len(), 2, "{language:?}");
            if let Some(code) = of_apart_words(*language) {
                let known = Known::new(code).unwrap_or_else(|| panic!("no stop words of {code}"));
                assert!(known.stop_words.len() >= 70, "{code}: {}", known.stop_words.len());
            }
        }
    }

    #[test]
    fn what_is_joined_to_a_word_is_left_out() {
        let bare = |code, word| Known::new(code).unwrap().bare(word).to_owned();
        assert_eq!(bare("fr", "l’homme"), "homme");
        assert_eq!(bare("en", "Newton's"), "Newton");
        assert_eq!(bare("en", "don't"), "don't");
        assert_eq!(bare("de", "geht's"), "geht's");
    }
}
