//! What a document says, behind the ports of upload-core: a summary of its own sentences, topics, keywords, language;
//! and vectors of what it means.
//!
//! **What it is.** Two processors of stored uploads. `TextAnalysis` computes from plain text what can be computed
//! without a model of language; `Embeddings` (feature `minilm`) runs the sentence model all-MiniLM-L6-v2 on the
//! processor. Where the text of a document comes from is the application's matter: [`TextSource`]. Here is
//! [`PlainText`] for text files; a reader of PDF or DOCX is a few lines around whatever reads those.
//!
//! **What it is not.** It reads no format but plain text, fetches nothing, writes no sentence of its own, and
//! names no runtime. What cannot be computed honestly is absent, never null and never a guess.
//!
//! ```text
//!   stored bytes ──► TextSource ──► text ──┬──► language ──► words ──┬──► summary       "content_summary"
//!    (upload-core)   (application,         │   (absent: stop here)   └──► topics, keywords
//!                     PlainText)           │
//!                                          └──► tokens ──► chunks ──► model ──► vectors   "vectors"
//! ```
//!
//! ```
//! # #[cfg(feature = "text")] {
//! use upload_analysis::{TextSettings, analyse};
//!
//! let text = "Apple trees need nitrogen. The soil of the orchard is tested for nitrogen every three years, and \
//!             apple trees that bear fruit need more of it than young trees. It was sunny in that year.";
//! let analysis = analyse(text, &TextSettings::default());
//! assert_eq!(analysis.language, Some("en"));
//! assert_eq!(analysis.topics, ["apple trees"]);
//! assert_eq!(analysis.keywords[0], "trees");
//! assert!(analysis.summary.is_some_and(|summary| summary.contains("need more of it than young trees")));
//!
//! // Numbers, noise, an image's name: nothing is said of them.
//! let analysis = analyse("IMG_2041 0.7 0.9 1.3", &TextSettings::default());
//! assert_eq!(serde_json::to_string(&analysis)?, "{}");
//! # }
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # Field by field
//!
//! What a content summary may want, and where it comes from.
//!
//! | field | computed as | absent when |
//! |---|---|---|
//! | `summary` | up to 3 sentences of the document as they stand there, in its order, 600 characters: those whose words are frequent in it, early ones first, none that says the same again | no language (see there), or no whole sentence of 5 to 60 words that is prose and fits |
//! | `summary_kind` | `"extractive"` | there is no `summary` |
//! | `topics` | up to 5 phrases of two or three words, none of them a stop word, that stand in it at least twice; the most frequent and earliest first, as they are written most often | no language, or no such phrase |
//! | `keywords` | up to 10 words that are no stop words and stand in it at least twice, ranked likewise | no language, or no such word |
//! | `language` | letters and stop words of its beginning, middle and end (18 KiB); an ISO 639-1 code | fewer than 4 words, not certain, or (table, list, noise) too few stop words |
//! | `partial` | `true`: all this is about the beginning of the document only (1 MiB) | it is about all of it |
//! | `description` | | always: it would have to be written, which takes a model of language |
//! | `categories` | | always: they need a list of categories that somebody chose, and a trained model |
//! | `emotions` | | always: no honest source without a trained model |
//! | `entities` | | always: likewise |
//! | `quality` | | always: no measure of clarity, completeness or relevance is more than an opinion |
//! | `vectors.combined` | mean of the chunks' vectors, of unit length; 384 numbers | no feature `minilm`, no model configured, or no text |
//! | `vectors.chunks` | up to 8 chunks of 256 tokens, cut behind sentences: a vector of unit length each, as sentence-transformers computes it (mean of the last layer) | likewise (an empty list) |
//! | `vectors.model` | SHA-256 of the weights | no feature `minilm`, or no model configured |
//!
//! All of this is absent for a document that has no text: an image, a scan, an encrypted file.
//!
//! The numbers are defaults: `TextSettings`. Summaries, topics and keywords are made for the 35 languages
//! that put spaces between words and whose stop words are known: Arabic, Bengali, Bulgarian, Catalan, Croatian,
//! Czech, Danish, Dutch, English, Finnish, French, German, Greek, Gujarati, Hebrew, Hindi, Hungarian, Indonesian,
//! Italian, Latvian, Lithuanian, Marathi, Norwegian, Persian, Polish, Portuguese, Romanian, Russian, Slovak,
//! Slovenian, Spanish, Swedish, Turkish, Ukrainian and Urdu. Of Chinese, Japanese, Thai, Korean, Vietnamese and
//! others only the language is said. Words are counted as they are written: no stems, but for English plurals.
//! The model of `minilm` was trained on English; of other languages its vectors say little.
//!
//! # Cost
//!
//! The same text gives the same, always. Text takes time in proportion to its length (1 MiB: a fraction of a second)
//! and of memory some dozens of times that (1 MiB: up to 50 MiB), on a thread of its own; nothing is taken from text but bounded parts of it.
//!
//! | feature | default | what it brings |
//! |---|---|---|
//! | `text` | yes | `TextAnalysis`, `analyse`; a handful of small crates |
//! | `minilm` | no | `Embeddings`, `MiniLm`; about 110 more crates (candle), all of them Rust; no C compiler, no network |
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "minilm")]
mod minilm;
mod plain;
mod source;
#[cfg(feature = "text")]
mod text;
#[cfg(any(feature = "text", feature = "minilm"))]
mod thread;

#[cfg(feature = "minilm")]
pub use minilm::{ChunkVector, Embeddings, MiniLm, MiniLmSettings, ModelDigests, ModelError, Vectors};
pub use plain::PlainText;
pub use source::{Text, TextSource};
#[cfg(feature = "text")]
pub use text::{Analysis, SummaryKind, TextAnalysis, TextSettings, analyse};
