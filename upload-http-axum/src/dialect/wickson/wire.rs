//! Names and shapes of the wire.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::cors::Allowed;
use crate::form::{FilePart, Shape};

/// The dialect's name: of an upload's facts, and of the space in which content is there only once.
pub(super) const NAME: &str = "wickson";

pub(super) const MEDIA: &str = "/v1/media";
/// The header that carries the API key.
pub(super) const KEY: &str = "x-api-key";

pub(super) const FILE: &str = "file";
pub(super) const FORCE_OVERWRITE: &str = "force_overwrite";
pub(super) const COLLECTION_ID: &str = "collection_id";
pub(super) const INCLUDE_VECTORS: &str = "include_vectors";

/// The form of an upload.
pub(super) const FORM: Shape =
    Shape { file: FilePart::Named(FILE), fields: &[FORCE_OVERWRITE, COLLECTION_ID, INCLUDE_VECTORS] };

/// The collection of what names none.
pub(super) const DEFAULT_COLLECTION: &str = "default";
/// Most characters of a collection's name.
pub(super) const MOST_COLLECTION: usize = 128;

/// The processors whose findings the answer shows, by name.
pub(super) const FILE_DETAILS: &str = "file_details";
pub(super) const CONTENT_SUMMARY: &str = "content_summary";
pub(super) const VECTORS: &str = "vectors";
/// Within vectors: one for each chunk.
pub(super) const CHUNKS: &str = "chunks";

/// What of the findings about a file is told; nothing else has a place in the answer.
pub(super) const MEASURED: [&str; 11] = [
    "channels",
    "color_mode",
    "dimensions",
    "duration",
    "frame_rate",
    "material_count",
    "page_count",
    "resolution",
    "sample_rate",
    "vertex_count",
    "word_count",
];

/// What pages of other sites may use.
pub(super) const CORS: Allowed =
    Allowed { methods: "POST", headers: "content-type, x-api-key", exposed: "content-length, retry-after" };

/// Kinds of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Document,
    Image,
    Audio,
    Video,
    Model,
}

impl Family {
    /// Its name in answers.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Model => "model",
        }
    }

    /// What ids of its members begin with.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Document => "doc",
            Self::Image => "img",
            Self::Audio => "aud",
            Self::Video => "vid",
            Self::Model => "mod",
        }
    }
}

/// What an upload keeps, for those who hear of it elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) media_id: String,
    pub(super) media_type: String,
    pub(super) collection: String,
}

/// An amount of money; it goes out as a decimal number with two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cents(pub(super) i128);

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, all) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(f, "{sign}{}.{:02}", all / 100, all % 100)
    }
}

impl Serialize for Cents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // As written: a float would not keep the places.
        RawValue::from_string(self.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// A success.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) success: bool,
    pub(super) message: &'static str,
    pub(super) data: Data,
    pub(super) metadata: Metadata,
    pub(super) timestamp: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Data {
    pub(super) media_id: String,
    pub(super) media_type: String,
    pub(super) status: &'static str,
    pub(super) processing_info: ProcessingInfo,
    pub(super) content_summary: Map<String, Value>,
    pub(super) file_details: FileDetails,
    pub(super) storage_info: StorageInfo,
    pub(super) balance_info: BalanceInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vectors: Option<Map<String, Value>>,
}

#[derive(Debug, Serialize)]
pub(super) struct ProcessingInfo {
    pub(super) started_at: String,
    pub(super) completed_at: String,
    pub(super) job_id: String,
}

#[derive(Debug, Serialize)]
pub(super) struct FileDetails {
    pub(super) filename: String,
    pub(super) size_bytes: u64,
    pub(super) checksum: String,
    pub(super) media_type: String,
    /// Only of [`MEASURED`].
    #[serde(flatten)]
    pub(super) measured: Map<String, Value>,
}

#[derive(Debug, Serialize)]
pub(super) struct StorageInfo {
    pub(super) collection: String,
    pub(super) vectors_stored: usize,
    pub(super) stored_at: String,
}

#[derive(Debug, Serialize)]
pub(super) struct BalanceInfo {
    pub(super) previous_balance: Cents,
    pub(super) cost: Cents,
    pub(super) new_balance: Cents,
}

#[derive(Debug, Serialize)]
pub(super) struct Metadata {
    pub(super) cost: Cents,
    pub(super) collection: String,
    pub(super) request_id: String,
    pub(super) processing_time_ms: u64,
}

/// Every error.
#[derive(Debug, Serialize)]
pub(super) struct Fault<'a> {
    pub(super) success: bool,
    pub(super) message: &'a str,
    pub(super) error: Code<'a>,
}

#[derive(Debug, Serialize)]
pub(super) struct Code<'a> {
    pub(super) code: &'a str,
    pub(super) details: Details<'a>,
}

#[derive(Debug, Serialize)]
pub(super) struct Details<'a> {
    pub(super) specific: &'a str,
    pub(super) request_id: &'a str,
}
