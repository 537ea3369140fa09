//! The bytes of a complete set, wherever they lie before there is an outcome.

use std::ops::Range;

use bytes::Bytes;
use upload_core::{ObjectKey, StagingName, ports::StoreError};

use crate::{engine::Engine, write::cut};

/// Where they lie.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// In place, under this name.
    Staged(StagingName),
    /// In an object that nobody was told of.
    Object(ObjectKey),
    /// They have not been stored yet.
    Memory(Vec<Bytes>),
}

impl Engine {
    /// Reads some of them: exactly as many as asked for, or an error.
    pub(crate) async fn read_content(
        &self,
        content: &Content,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        match content {
            Content::Staged(staging) => self.blobs().read_staged(staging, range).await,
            Content::Object(key) => self.blobs().read(key, range).await,
            Content::Memory(bytes) => {
                let found = cut(bytes, range.start, range.end.saturating_sub(range.start));
                Ok(match found.as_slice() {
                    [one] => one.clone(),
                    many => many.concat().into(),
                })
            }
        }
    }
}
