//! Names and shapes of the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cors::Allowed;
use crate::store;

/// The dialect's name: among an upload's extras and notes, of its listing, of its claims.
pub(super) const NAME: &str = "placeos";
/// Where the router's paths begin.
pub(super) const BASE: &str = "/api/engine/v2/uploads";
/// The residence whose signatures are of no header, and that begins no session.
pub(super) const AZURE: &str = "AzureStorage";
/// What ids begin with.
pub(super) const ID: &str = "uploads-";

/// The header that carries the API key, and the query's name for it.
pub(super) const KEY: &str = "x-api-key";
pub(super) const QUERY_KEY: &str = "api-key";

/// Most bytes of an upload in one request; a larger one goes in parts.
pub(super) const MOST_DIRECT: u64 = 5_000_000;
/// Most minutes of a link or of a signature.
pub(super) const MOST_MINUTES: u64 = 1440;
/// Minutes of a link, where none are asked for.
pub(super) const LINK_MINUTES: u64 = 60;
/// Most rows of a page, and how many where none are asked for.
pub(super) const MOST_ROWS: usize = 1000;
pub(super) const ROWS: usize = 100;

/// The type of parts, and of files of no declared type.
pub(super) const BINARY: &str = "binary/octet-stream";
/// The type of a manifest.
pub(super) const XML: &str = "application/xml";

/// The note of the store's own id of an upload in parts, and that of the list of parts.
pub(super) const RESUMABLE_ID: u32 = 0;
pub(super) const PART_LIST: u32 = 1;
/// The format of the notes of parts, each under its number.
pub(super) const PART_DATA: &str = "placeos-parts";
/// The notes of parts that were announced in a body, one for each.
pub(super) const ANNOUNCED: &str = "placeos-announced";

/// What pages of other sites may use.
pub(super) const CORS: Allowed = Allowed {
    methods: "GET, HEAD, POST, PUT, PATCH, DELETE",
    headers: store::HEADERS,
    exposed: "accept-ranges, content-disposition, content-length, content-range, etag, last-modified, link, location, \
              retry-after, x-total-count",
};

/// Who may read what is not public.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Permissions {
    #[default]
    None,
    Admin,
    Support,
}

/// What is kept with an upload, as the client gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) file_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file_mime: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file_path: Option<String>,
    pub(super) public: bool,
    pub(super) permissions: Permissions,
    /// Whether it comes in parts.
    pub(super) resumable: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cache_etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cache_modified: Option<String>,
}

/// A part as a client told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartData {
    /// In hex or in base64, as it came.
    pub(super) md5: String,
    pub(super) part: u32,
}

/// What clients told of an upload in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) resumable_id: Option<String>,
    pub(super) part_list: Option<Vec<u32>>,
    pub(super) part_data: BTreeMap<u32, PartData>,
    /// A part whose place was asked for in a body, which the oldest client may tell of in no other way.
    pub(super) announced: Option<PartData>,
}

impl Progress {
    /// Whether anything is known of its parts; that one was announced says nothing yet.
    pub(super) fn has_parts(&self) -> bool {
        !self.part_data.is_empty() || self.part_list.as_ref().is_some_and(|list| !list.is_empty())
    }
}

/// A request that its holder sends exactly so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Signature {
    pub(super) verb: &'static str,
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, String>,
}

/// Where files go.
#[derive(Debug, Serialize)]
pub(super) struct Residence<'a> {
    pub(super) residence: &'a str,
}

/// An upload that begins, or goes on where parts are known.
#[derive(Debug, Serialize)]
pub(super) struct Created<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) signature: Signature,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) part_list: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) part_data: Option<Value>,
    pub(super) upload_id: String,
    pub(super) residence: &'a str,
}

/// The request for a part, or for the end.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) signature: Signature,
    pub(super) upload_id: String,
    /// What the request's body is, where the client does not make it.
    pub(super) body: Option<String>,
}

/// It is done.
#[derive(Debug, Serialize)]
pub(super) struct Done {
    pub(super) ok: bool,
}

/// A row of the list.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) file_name: String,
    pub(super) file_size: u64,
    pub(super) file_path: Option<String>,
    pub(super) object_key: String,
    pub(super) file_md5: String,
    pub(super) public: bool,
    pub(super) permissions: Permissions,
    pub(super) resumable: bool,
    pub(super) resumable_id: Option<String>,
    pub(super) part_list: Vec<u32>,
    pub(super) part_data: Value,
    pub(super) upload_complete: bool,
    pub(super) uploaded_by: String,
    pub(super) tags: Vec<String>,
    /// Seconds since 1970.
    pub(super) created_at: u64,
    pub(super) updated_at: u64,
}

/// An error, and which parameter is to blame.
#[derive(Debug, Serialize)]
pub(super) struct Fault<'a> {
    pub(super) error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parameter: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restriction: Option<&'a str>,
}
