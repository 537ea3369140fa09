//! Embeddings behind the port of upload-core.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use upload_core::ports::{ProcessError, Processing, Processor, StoredBytes};

use super::{MiniLm, Vectors};
use crate::TextSource;

/// Gives the vectors of documents: a [`Vectors`], without chunks for a document without text.
#[derive(Debug, Clone)]
pub struct Embeddings {
    source: Arc<dyn TextSource>,
    model: MiniLm,
}

impl Embeddings {
    /// The name that what it gives is stored under.
    pub const NAME: &'static str = "vectors";

    /// Of the documents that `source` reads, by this model.
    pub fn new(source: Arc<dyn TextSource>, model: MiniLm) -> Self {
        Self { source, model }
    }
}

#[async_trait]
impl Processor for Embeddings {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn wants(&self, subject: &Processing<'_>) -> bool {
        subject.content_type.is_some_and(|media_type| self.source.reads(media_type))
    }

    async fn process(
        &self,
        subject: &Processing<'_>,
        bytes: &dyn StoredBytes,
    ) -> Result<Value, ProcessError> {
        let media_type = subject.content_type.unwrap_or_default();
        let vectors = match self.source.text(bytes, media_type).await? {
            Some(text) => {
                let mut vectors = self.model.embed(text.content).await?;
                vectors.partial |= !text.whole;
                vectors
            }
            None => Vectors {
                model: self.model.model().to_owned(),
                combined: None,
                chunks: Vec::new(),
                partial: false,
            },
        };
        serde_json::to_value(vectors).map_err(|error| ProcessError::Failed(error.to_string()))
    }
}
