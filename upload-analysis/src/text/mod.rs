//! What plain text says.

mod keywords;
mod language;
mod processor;
mod sentences;
mod settings;
mod summary;
mod words;

use serde::Serialize;

pub use processor::TextAnalysis;
pub use settings::TextSettings;

use crate::source::beginning;
use language::Language;
use words::Words;

/// How a summary was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SummaryKind {
    /// Of sentences of the document itself, each as it stands there.
    Extractive,
}

/// What a text says. A field that could not be computed is absent, also in its serialised form.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Analysis {
    /// Sentences of the document, in its order, with a space between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// There when [`Analysis::summary`] is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_kind: Option<SummaryKind>,
    /// Phrases of the document, the most important first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// Words of the document, the most important first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// ISO 639-1 code of the language that most of the text is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<&'static str>,
    /// Whether all this is about the beginning of the document only, since the rest was over the limit.
    #[serde(skip_serializing_if = "is_false")]
    pub partial: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

/// What `text` says. The same text gives the same, always; it takes time in proportion to the text, and of memory a
/// multiple of it.
pub fn analyse(text: &str, settings: &TextSettings) -> Analysis {
    let settings = settings.bounded();
    let looked_at = beginning(text, settings.max_text);
    let partial = looked_at.len() < text.len();
    let text = looked_at;
    let mut analysis = Analysis { partial, ..Analysis::default() };
    let Some(language) = language::language(text) else { return analysis };
    analysis.language = Some(language.code());
    let Language::Known(language) = language else { return analysis };
    let words = Words::new(text, sentences::sentences(text), &language);
    analysis.summary = summary::summary(text, &words, settings.max_sentences, settings.max_summary);
    analysis.summary_kind = analysis.summary.as_ref().map(|_| SummaryKind::Extractive);
    analysis.topics = keywords::topics(text, &words, settings.max_topics);
    analysis.keywords = keywords::keywords(text, &words, settings.max_keywords);
    analysis
}

/// A part of the document as it is shown: on one line, without controls and marks that turn the direction of writing.
fn tidy(part: &str) -> String {
    let is_hidden = |c: char| {
        (c.is_control() && !c.is_whitespace())
            || matches!(c, '\u{ad}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let mut tidy = String::with_capacity(part.len());
    for word in part.split_whitespace() {
        let before = tidy.len();
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.extend(word.chars().filter(|c| !is_hidden(*c)));
        if tidy.ends_with(' ') {
            tidy.truncate(before);
        }
    }
    tidy
}
