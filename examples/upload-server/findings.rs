//! What is found out about content before an upload is complete, for the destinations that want it.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use upload_analysis::{Text, TextAnalysis, TextSettings, TextSource};
use upload_core::ports::{ProcessError, Processing, Processor, StoredBytes};
use upload_media::probe::{self, Limits, Probe};

use crate::config::Config;
use crate::destination::Finding;

/// Uploads that are looked into at once, by each that looks.
const AT_ONCE: usize = 2;

/// All that look into uploads.
pub(crate) fn processors(config: &Config) -> Result<Vec<Arc<dyn Processor>>, Box<dyn Error>> {
    let summary = TextAnalysis::new(Arc::new(Documents), TextSettings::default(), AT_ONCE);
    let all: [(Finding, Option<Arc<dyn Processor>>); 3] = [
        (Finding::FileDetails, Some(Arc::new(Probe::new(Limits::default(), AT_ONCE)))),
        (Finding::ContentSummary, Some(Arc::new(summary))),
        (Finding::Vectors, embeddings(config)?),
    ];
    let only = |(finding, inner): (Finding, Option<Arc<dyn Processor>>)| {
        let destinations = config.finding(finding);
        inner.map(|inner| Arc::new(Only { destinations, inner }) as Arc<dyn Processor>)
    };
    Ok(all.into_iter().filter_map(only).collect())
}

#[cfg(feature = "minilm")]
fn embeddings(config: &Config) -> Result<Option<Arc<dyn Processor>>, Box<dyn Error>> {
    use upload_analysis::{Embeddings, MiniLm, MiniLmSettings, ModelDigests};
    let Some(model) = &config.minilm else { return Ok(None) };
    let digests = ModelDigests::from_hex(&model.config, &model.tokenizer, &model.weights)?;
    let model = MiniLm::load(&MiniLmSettings::new(&model.directory, digests))?;
    Ok(Some(Arc::new(Embeddings::new(Arc::new(Documents), model))))
}

#[cfg(not(feature = "minilm"))]
fn embeddings(_: &Config) -> Result<Option<Arc<dyn Processor>>, Box<dyn Error>> {
    Ok(None)
}

/// One that looks into uploads to these destinations only.
#[derive(Debug)]
struct Only {
    destinations: BTreeSet<String>,
    inner: Arc<dyn Processor>,
}

#[async_trait]
impl Processor for Only {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn wants(&self, subject: &Processing<'_>) -> bool {
        self.destinations.contains(subject.destination) && self.inner.wants(subject)
    }

    async fn process(
        &self,
        subject: &Processing<'_>,
        bytes: &dyn StoredBytes,
    ) -> Result<Value, ProcessError> {
        self.inner.process(subject, bytes).await
    }
}

/// The text of documents, as the probe reads it.
#[derive(Debug)]
struct Documents;

#[async_trait]
impl TextSource for Documents {
    fn reads(&self, media_type: &str) -> bool {
        probe::has_text(media_type)
    }

    async fn text(&self, bytes: &dyn StoredBytes, media_type: &str) -> Result<Option<Text>, ProcessError> {
        let text = probe::text(bytes, media_type, &Limits::default()).await?;
        let found = if text.truncated { Text::beginning(text.text) } else { Text::whole(text.text) };
        Ok(Some(found).filter(|text| !text.content.is_empty()))
    }
}
