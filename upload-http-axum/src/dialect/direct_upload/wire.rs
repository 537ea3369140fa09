//! Names and shapes of the wire.

use http::HeaderName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::cors::Allowed;

/// The dialect's name: of an upload's facts, and of its claims.
pub(super) const NAME: &str = "direct-upload";

/// Where a record is made; below it lie its state and, with our own store, its bytes.
pub(super) const CREATE: &str = "/api/v1/upload/direct";
/// Where a record's state is read.
pub(super) const STATE: &str = "/api/v1/upload/direct/{signed_id}";
/// Where our own store takes the bytes.
pub(super) const DISK: &str = "/api/v1/upload/direct/disk/{token}";
/// [`DISK`] before its token.
pub(super) const DISK_BASE: &str = "/api/v1/upload/direct/disk/";

/// Names of stores whose requests are told in their own way.
pub(super) const AZURE: &str = "azure";
pub(super) const GOOGLE: &str = "google";

pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

pub(super) const BODY: &str = "body";
pub(super) const BLOB: &str = "blob";
pub(super) const FILENAME: &str = "filename";
pub(super) const CONTENT_TYPE: &str = "content_type";
pub(super) const BYTE_SIZE: &str = "byte_size";
pub(super) const CHECKSUM: &str = "checksum";
pub(super) const METADATA: &str = "metadata";

/// What a client may not say about a file's metadata: whether the server has looked into it.
pub(super) const OURS: [&str; 3] = ["analyzed", "composed", "identified"];

/// What pages of other sites may use: on the POST, on the PUT, and what is exposed of the answers.
pub(super) const CORS: Allowed = Allowed {
    methods: "POST, PUT, GET, HEAD",
    headers: "accept, authorization, content-disposition, content-md5, content-type, idempotency-key, \
              x-amz-checksum-sha256, x-api-key, x-csrf-token, x-requested-with",
    exposed: "content-length, content-type, retry-after, www-authenticate",
};

/// What the upload keeps, so that its record is the same whatever the configuration becomes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) id: u64,
    pub(super) key: String,
    pub(super) filename: String,
    pub(super) content_type: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) metadata: Map<String, Value>,
    pub(super) service_name: String,
    /// As it came.
    pub(super) checksum: String,
}

/// The record of a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Record {
    pub(super) id: u64,
    pub(super) key: String,
    pub(super) filename: String,
    pub(super) content_type: String,
    pub(super) metadata: Map<String, Value>,
    pub(super) service_name: String,
    pub(super) byte_size: u64,
    pub(super) checksum: String,
    pub(super) created_at: String,
    pub(super) signed_id: String,
}

/// The answer to a POST: never without its request.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Created {
    #[serde(flatten)]
    pub(super) record: Record,
    pub(super) direct_upload: DirectUpload,
}

/// The request that carries the bytes; a client sends exactly that.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct DirectUpload {
    pub(super) url: String,
    pub(super) headers: Map<String, Value>,
}

/// How far an upload is.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct State {
    pub(super) state: &'static str,
    #[serde(flatten)]
    pub(super) record: Record,
    /// Where a stored file is read for a while, by whoever may read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
}

/// What is wrong with one place of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    pub(super) loc: Vec<Step>,
    pub(super) msg: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ctx: Option<AtLeast>,
}

/// A step on the way to a place of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Step {
    Name(&'static str),
    /// Characters from the beginning.
    Offset(usize),
}

/// The bound that a number is below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct AtLeast {
    pub(super) ge: u8,
}

/// The error of a body that is not as it must be.
#[derive(Debug, Serialize)]
pub(super) struct Faults<'a> {
    pub(super) detail: &'a [Fault],
}

/// Every other error.
#[derive(Debug, Serialize)]
pub(super) struct Problem<'a> {
    pub(super) detail: Option<&'a str>,
    pub(super) error: Option<&'a str>,
    pub(super) error_code: Option<&'a str>,
}
