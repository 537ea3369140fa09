//! Names and shapes of the wire.

use serde::{Deserialize, Serialize};

use crate::cors::Allowed;
use crate::form::{FilePart, Shape};

/// The dialect's name among an upload's extras.
pub(super) const NAME: &str = "picomes";

/// The header that carries the API key.
pub(super) const KEY: &str = "x-pico-api-org";

pub(super) const DESTINATION: &str = "destinationId";
pub(super) const FILE: &str = "file";
pub(super) const FILE_NAME: &str = "fileName";
pub(super) const FILE_SIZE: &str = "fileSize";
pub(super) const SHA: &str = "sha";
pub(super) const INDEX: &str = "chunkIndex";
pub(super) const TOTAL: &str = "totalChunks";

/// The form of an upload in one request.
pub(super) const SINGLE: Shape = Shape { file: FilePart::Named(FILE), fields: &[DESTINATION, SHA] };
/// The form of a chunk.
pub(super) const CHUNK: Shape = Shape { file: FilePart::Named(FILE), fields: &[INDEX, TOTAL] };

/// What pages of other sites may use.
pub(super) const CORS: Allowed = Allowed {
    methods: "POST, PATCH, GET, HEAD",
    headers: "content-type, x-pico-api-org, range, if-match, if-none-match, if-range, if-modified-since, if-unmodified-since",
    exposed: "accept-ranges, content-disposition, content-length, content-range, etag, last-modified, retry-after",
};

/// Where a finished upload is read: `<base>/<id>-<name>`. Kept with the upload, so that every answer is the same
/// whatever the configuration becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The destination's prefix, below where the router was nested.
    pub(super) base: String,
    /// The client's file name, cleaned.
    pub(super) name: String,
}

/// Every successful answer.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chunk_index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
}

/// Every error.
#[derive(Debug, Serialize)]
pub(super) struct Fault<'a> {
    pub(super) error: &'a str,
}
