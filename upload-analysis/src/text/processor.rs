//! The analysis of text behind the port of upload-core.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};
use upload_core::ports::{ProcessError, Processing, Processor, StoredBytes};

use super::{TextSettings, analyse};
use crate::TextSource;
use crate::thread::Threads;

/// Says what documents are about: what it gives is an [`Analysis`](super::Analysis), an empty object for a document
/// without text.
///
/// Each document is analysed on a thread of its own. A panic ends the analysis and nothing else, unless the program
/// is built with `panic = "abort"`.
#[derive(Debug, Clone)]
pub struct TextAnalysis {
    source: Arc<dyn TextSource>,
    settings: TextSettings,
    threads: Threads,
}

impl TextAnalysis {
    /// The name that what it gives is stored under.
    pub const NAME: &'static str = "content_summary";

    /// Of the documents that `source` reads, so many at once (1 at least); the others wait, holding their text.
    pub fn new(source: Arc<dyn TextSource>, settings: TextSettings, at_once: usize) -> Self {
        Self { source, settings, threads: Threads::new("text-analysis", at_once) }
    }
}

#[async_trait]
impl Processor for TextAnalysis {
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
        let Some(text) = self.source.text(bytes, media_type).await? else {
            return Ok(Value::Object(Map::new()));
        };
        let settings = self.settings.clone();
        let analysis = self.threads.run(move |_| {
            let mut analysis = analyse(&text.content, &settings);
            analysis.partial |= !text.whole;
            analysis
        });
        serde_json::to_value(analysis.await?).map_err(|error| ProcessError::Failed(error.to_string()))
    }
}
