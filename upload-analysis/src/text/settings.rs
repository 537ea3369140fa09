//! What an analysis of text may cost and give.

/// What an analysis looks at, and the most it gives. More than the upper bounds below counts as the bound.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextSettings {
    /// Bytes of text that are looked at, from its beginning: 1 MiB; 64 MiB at most. Time and memory grow with it.
    pub max_text: usize,
    /// Sentences of a summary: 3; 32 at most.
    pub max_sentences: usize,
    /// Characters (Unicode scalar values) of a summary: 600.
    pub max_summary: usize,
    /// Topics: 5; 100 at most.
    pub max_topics: usize,
    /// Keywords: 10; 100 at most.
    pub max_keywords: usize,
}

impl Default for TextSettings {
    fn default() -> Self {
        Self { max_text: 1 << 20, max_sentences: 3, max_summary: 600, max_topics: 5, max_keywords: 10 }
    }
}

impl TextSettings {
    /// These within the upper bounds.
    pub(super) fn bounded(&self) -> Self {
        Self {
            max_text: self.max_text.min(64 << 20),
            max_sentences: self.max_sentences.min(32),
            max_summary: self.max_summary,
            max_topics: self.max_topics.min(100),
            max_keywords: self.max_keywords.min(100),
        }
    }
}
