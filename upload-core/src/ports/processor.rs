//! The port to what looks into a whole upload before it is committed: probing, analysis, checks.

use std::{fmt, ops::Range};

use async_trait::async_trait;
use bytes::Bytes;

use super::StoreError;

/// The bytes of an upload whose set is complete. They change no more.
#[async_trait]
pub trait StoredBytes: Send + Sync + fmt::Debug {
    /// How many there are.
    fn length(&self) -> u64;

    /// Those of `range`: exactly its length, or an error. Ranges of at most a few MiB are asked for.
    async fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError>;
}

/// What is known of an upload that is to be processed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Processing<'a> {
    /// The destination's name.
    pub destination: &'a str,
    /// The type found in the content, if it was recognised.
    pub content_type: Option<&'a str>,
    /// The client's name for the file, as it came.
    pub file_name: Option<&'a str>,
}

impl<'a> Processing<'a> {
    /// An upload to this destination; the rest are public fields.
    pub fn new(destination: &'a str) -> Self {
        Self { destination, content_type: None, file_name: None }
    }
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The content cannot be what it seems to be; the same again would end the same. The sentence may be shown outside.
    #[error("{0}")]
    Unreadable(String),
    /// It did not work this time: storage, time, memory. The text is for logs.
    #[error("{0}")]
    Failed(String),
}

/// Looks into uploads. What it gives joins the outcome under its name, once; it may be asked again after a stop, and must give
/// the same then.
#[async_trait]
pub trait Processor: Send + Sync + fmt::Debug {
    /// Its name, stable: what it gave is stored under it.
    fn name(&self) -> &str;

    /// Whether it looks at such an upload.
    fn wants(&self, subject: &Processing<'_>) -> bool;

    /// Looks at it.
    ///
    /// # Errors
    /// [`ProcessError`]; what becomes of the upload then is the destination's policy.
    async fn process(
        &self,
        subject: &Processing<'_>,
        bytes: &dyn StoredBytes,
    ) -> Result<serde_json::Value, ProcessError>;
}
