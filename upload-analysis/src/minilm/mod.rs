//! Vectors of texts: texts that mean similar things have vectors of similar directions.

mod bert;
mod chunks;
mod error;
mod processor;
mod settings;
mod vectors;

use std::fmt;
use std::fs;
use std::sync::Arc;

use candle_core::Device;
use upload_checksum::{Algorithm, Digest, Hasher};
use upload_core::ports::ProcessError;

pub use error::ModelError;
pub use processor::Embeddings;
pub use settings::{MiniLmSettings, ModelDigests};
pub use vectors::{ChunkVector, Vectors};

use crate::thread::{Cancel, Threads};
use bert::{Bert, Config, unit};
use chunks::Chunker;

/// A loaded model. Clones share it.
#[derive(Clone)]
pub struct MiniLm {
    model: Arc<Model>,
    threads: Threads,
}

struct Model {
    /// The SHA-256 of the weights.
    name: String,
    bert: Bert,
    chunker: Chunker,
}

impl MiniLm {
    /// Dimensions of a vector.
    pub const DIMENSIONS: usize = bert::DIMENSIONS;

    /// Reads the model's files and checks their digests. This blocks, a fraction of a second for all-MiniLM-L6-v2;
    /// the model takes as much memory as its file of weights (87 MiB), while it is loaded twice as much.
    ///
    /// # Errors
    /// [`ModelError`]: a file that cannot be read, that is not the configured one, or that is no such model.
    pub fn load(settings: &MiniLmSettings) -> Result<Self, ModelError> {
        let digests = &settings.digests;
        let config = checked(settings, "config.json", &digests.config)?;
        let tokenizer = checked(settings, "tokenizer.json", &digests.tokenizer)?;
        let config: Config = serde_json::from_slice(&config)
            .map_err(|error| ModelError::Unfit(format!("expected a config.json of a model: {error}")))?;
        config.check().map_err(ModelError::Unfit)?;
        let max_tokens = settings.max_tokens.max(128).min(config.max_position_embeddings);
        let chunker =
            Chunker::new(&tokenizer, max_tokens, settings.max_chunks.min(1024)).map_err(ModelError::Unfit)?;
        let weights = checked(settings, "model.safetensors", &digests.weights)?;
        let unfit = |error| ModelError::Unfit(format!("expected the weights of a model: {error}"));
        let weights = candle_core::safetensors::load_buffer(&weights, &Device::Cpu).map_err(unfit)?;
        let bert = Bert::new(weights, &config).map_err(unfit)?;
        let model = Model { name: digests.weights.to_hex(), bert, chunker };
        Ok(Self { model: Arc::new(model), threads: Threads::new("text-embedding", settings.at_once) })
    }

    /// Which model it is: the SHA-256 of its weights in hexadecimal digits.
    pub fn model(&self) -> &str {
        &self.model.name
    }

    /// The vectors of a text, computed on a thread of its own. When this future is dropped, that ends soon.
    ///
    /// # Errors
    /// [`ProcessError::Failed`] if the computation did not work.
    pub async fn embed(&self, text: String) -> Result<Vectors, ProcessError> {
        let model = Arc::clone(&self.model);
        self.threads.run(move |cancel| model.embed(&text, cancel)).await?
    }
}

impl fmt::Debug for MiniLm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MiniLm").field("model", &self.model.name).finish_non_exhaustive()
    }
}

impl Model {
    fn embed(&self, text: &str, cancel: &Cancel) -> Result<Vectors, ProcessError> {
        let failed = |error: &dyn fmt::Display| ProcessError::Failed(format!("no vectors: {error}"));
        let (chunks, whole) = self.chunker.chunks(text).map_err(|error| failed(&error))?;
        let mut vectors = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let vector = self.bert.embed(&chunk.ids, || cancel.is_cancelled());
            let Some(vector) = vector.map_err(|error| failed(&error))? else {
                return Err(failed(&"nobody waits for them any more"));
            };
            vectors.push(ChunkVector { start: chunk.range.start, end: chunk.range.end, vector });
        }
        let combined = (!vectors.is_empty()).then(|| mean(&vectors));
        Ok(Vectors { model: self.name.clone(), combined, chunks: vectors, partial: !whole })
    }
}

/// The direction between all of these.
fn mean(chunks: &[ChunkVector]) -> Vec<f32> {
    let mut sum = vec![0.0; MiniLm::DIMENSIONS];
    for chunk in chunks {
        sum.iter_mut().zip(&chunk.vector).for_each(|(sum, x)| *sum += x);
    }
    unit(sum)
}

/// A file of the model, if it is the configured one.
fn checked(settings: &MiniLmSettings, name: &str, expected: &Digest) -> Result<Vec<u8>, ModelError> {
    let path = settings.directory.join(name);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) => return Err(ModelError::File { path, source }),
    };
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(&bytes);
    let found = hasher.finish();
    if found == *expected {
        return Ok(bytes);
    }
    Err(ModelError::Digest { path, expected: expected.to_hex(), found: found.to_hex() })
}
