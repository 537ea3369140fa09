//! A text in chunks of tokens.

use std::ops::Range;

use tokenizers::Tokenizer;

use crate::source::beginning;

/// Bytes of text that are turned into tokens at once.
const BLOCK: usize = 4 << 10;

/// Tokens of a chunk of the text, with those that begin and end it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) ids: Vec<u32>,
    /// Where it stands in the text, in bytes.
    pub(super) range: Range<usize>,
}

/// How texts are cut.
#[derive(Debug)]
pub(super) struct Chunker {
    tokenizer: Tokenizer,
    /// What begins and ends a chunk.
    ends: (u32, u32),
    /// Tokens of a chunk between those.
    most: usize,
    chunks: usize,
}

/// A token of the text.
#[derive(Debug, Clone)]
struct Token {
    id: u32,
    range: Range<usize>,
    /// Begins a word: a chunk may begin with it.
    word: bool,
}

impl Chunker {
    /// With the tokeniser of a `tokenizer.json`; chunks of at most so many tokens, at most so many chunks.
    pub(super) fn new(json: &[u8], max_tokens: usize, max_chunks: usize) -> Result<Self, String> {
        let told = |error| format!("expected a tokenizer.json: {error}");
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(told)?;
        tokenizer.with_truncation(None).map_err(told)?;
        tokenizer.with_padding(None);
        let id =
            |token: &str| tokenizer.token_to_id(token).ok_or_else(|| format!("expected a token {token}"));
        let ends = (id("[CLS]")?, id("[SEP]")?);
        Ok(Self { tokenizer, ends, most: max_tokens.saturating_sub(2).max(1), chunks: max_chunks })
    }

    /// The chunks of a text, and whether they are all of it. Each ends behind a sentence if one ends in its second
    /// half, else between words.
    pub(super) fn chunks(&self, text: &str) -> Result<(Vec<Chunk>, bool), String> {
        let mut chunks = Vec::new();
        let mut tokens: Vec<Token> = Vec::new();
        let mut at = 0;
        while at < text.len() || !tokens.is_empty() {
            while tokens.len() <= self.most && at < text.len() {
                at = self.tokens(text, at, &mut tokens)?;
            }
            if tokens.is_empty() {
                break;
            }
            if chunks.len() == self.chunks {
                return Ok((chunks, false));
            }
            let rest = tokens.split_off(self.cut(text, &tokens));
            chunks.extend(self.chunk(&tokens));
            tokens = rest;
        }
        Ok((chunks, true))
    }

    /// Appends the tokens of the block that begins at `start`; gives where the next one begins.
    fn tokens(&self, text: &str, start: usize, tokens: &mut Vec<Token>) -> Result<usize, String> {
        let rest = text.get(start..).unwrap_or_default();
        let block = beginning(rest, BLOCK);
        let between = block.rfind(char::is_whitespace).filter(|at| block.len() < rest.len() && *at > 0);
        let block = between.and_then(|at| block.get(..at)).unwrap_or(block);
        let encoding = self.tokenizer.encode(block, false).map_err(|error| error.to_string())?;
        let mut before = None;
        let words = encoding.get_ids().iter().zip(encoding.get_offsets()).zip(encoding.get_word_ids());
        for ((id, (from, to)), word) in words {
            let range = start + from..start + to;
            tokens.push(Token { id: *id, range, word: word.is_none() || before != Some(*word) });
            before = Some(*word);
        }
        Ok(start + block.len())
    }

    /// How many of these tokens the next chunk takes: at least one.
    fn cut(&self, text: &str, tokens: &[Token]) -> usize {
        if tokens.len() <= self.most {
            return tokens.len();
        }
        let may_cut = |at: &usize| tokens.get(*at).is_some_and(|token| token.word);
        let ends = |at: &usize| {
            let (before, next) = (at.checked_sub(1).and_then(|at| tokens.get(at)), tokens.get(*at));
            let Some((before, next)) = before.zip(next) else { return false };
            let told = text.get(before.range.clone()).unwrap_or_default();
            told.ends_with(['.', '!', '?', '…', '。', '！', '？']) && before.range.end < next.range.start
        };
        let half = (self.most / 2 + 1..=self.most).rev().filter(may_cut).find(ends);
        half.or_else(|| (1..=self.most).rev().find(may_cut)).unwrap_or(self.most)
    }

    fn chunk(&self, tokens: &[Token]) -> Option<Chunk> {
        let (first, last) = (tokens.first()?, tokens.last()?);
        let ids = tokens.iter().map(|token| token.id);
        let ids = std::iter::once(self.ends.0).chain(ids).chain([self.ends.1]).collect();
        Some(Chunk { ids, range: first.range.start..last.range.end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tokeniser of the same kind as the model's, with few words.
    fn chunker(max_tokens: usize, max_chunks: usize) -> Chunker {
        let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "salt", "##s", "and", "silver", ".", "the"];
        let vocabulary: serde_json::Map<_, _> =
            words.into_iter().zip(0..).map(|(word, id): (_, u32)| (word.to_owned(), id.into())).collect();
        let json = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
            "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": null, "lowercase": true},
            "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": null, "decoder": null,
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": vocabulary},
        });
        Chunker::new(json.to_string().as_bytes(), max_tokens, max_chunks).unwrap()
    }

    fn texts<'a>(text: &'a str, chunks: &[Chunk]) -> Vec<&'a str> {
        chunks.iter().map(|chunk| &text[chunk.range.clone()]).collect()
    }

    #[test]
    fn a_short_text_is_one_chunk() {
        let (chunks, whole) = chunker(10, 3).chunks(" Salts AND silver.\n").unwrap();
        assert_eq!(chunks, [Chunk { ids: vec![2, 4, 5, 6, 7, 8, 3], range: 1..18 }]);
        assert!(whole);
    }

    #[test]
    fn chunks_end_behind_sentences_else_between_words() {
        let text = "The salt. The salts and the silver. Silver and salts and salts and";
        let (chunks, whole) = chunker(10, 9).chunks(text).unwrap();
        let expected = ["The salt. The salts and the", "silver. Silver and salts and", "salts and"];
        assert_eq!(texts(text, &chunks), expected);
        assert!(whole);
        let (chunks, _) = chunker(15, 9).chunks(text).unwrap();
        assert_eq!(
            texts(text, &chunks),
            ["The salt. The salts and the silver.", "Silver and salts and salts and"]
        );
    }

    #[test]
    fn there_are_no_more_chunks_than_allowed() {
        let text = "salt ".repeat(10_000);
        let (chunks, whole) = chunker(12, 3).chunks(&text).unwrap();
        assert_eq!((chunks.len(), whole), (3, false));
        assert!(chunks.iter().all(|chunk| chunk.ids.len() == 12));
        assert_eq!(chunker(12, 3).chunks(" \n ".repeat(10_000).as_str()).unwrap(), (vec![], true));
        let exact = "salt ".repeat(30);
        assert!(chunker(12, 3).chunks(&exact).unwrap().1);
        assert_eq!(chunker(12, 0).chunks("salt").unwrap(), (vec![], false));
        assert_eq!(chunker(12, 0).chunks("").unwrap(), (vec![], true));
    }

    #[test]
    fn a_text_without_spaces_ends_too() {
        for text in ["a".repeat(100_000), "苹".repeat(20_000), "\u{301}".repeat(20_000), ".".repeat(50_000)]
        {
            let (chunks, _) = chunker(128, 1000).chunks(&text).unwrap();
            assert!(chunks.iter().all(|chunk| chunk.ids.len() <= 128));
        }
    }
}
