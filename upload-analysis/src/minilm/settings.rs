//! Where the model is, and what embedding may cost.

use std::path::PathBuf;

use upload_checksum::{Algorithm, Digest, ParseError};

/// The SHA-256 digests that the files of a model must have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelDigests {
    /// Of `config.json`.
    pub config: Digest,
    /// Of `tokenizer.json`.
    pub tokenizer: Digest,
    /// Of `model.safetensors`.
    pub weights: Digest,
}

impl ModelDigests {
    /// From hexadecimal digits, 64 each.
    ///
    /// # Errors
    /// [`ParseError`] says what is wrong with the first that is none.
    pub fn from_hex(config: &str, tokenizer: &str, weights: &str) -> Result<Self, ParseError> {
        let digest = |hex| Digest::from_hex(Algorithm::Sha256, hex);
        Ok(Self { config: digest(config)?, tokenizer: digest(tokenizer)?, weights: digest(weights)? })
    }
}

/// Where the model is, and what embedding one text may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MiniLmSettings {
    /// The directory with `config.json`, `tokenizer.json` and `model.safetensors`.
    pub directory: PathBuf,
    /// What those files must be.
    pub digests: ModelDigests,
    /// Tokens of a chunk, with the two that begin and end it: 256, as the model was trained with. At least 128, at
    /// most as many as the model has positions (512).
    pub max_tokens: usize,
    /// Chunks of a text, 8; 1,024 at most. What comes behind them is not embedded.
    pub max_chunks: usize,
    /// Texts embedded at once, each on a thread of its own: 1. The others wait, holding their text. Products of
    /// matrices use all threads that rayon has (`RAYON_NUM_THREADS`; a core each without it).
    pub at_once: usize,
}

impl MiniLmSettings {
    /// The model in this directory; the rest are public fields.
    pub fn new(directory: impl Into<PathBuf>, digests: ModelDigests) -> Self {
        Self { directory: directory.into(), digests, max_tokens: 256, max_chunks: 8, at_once: 1 }
    }
}
