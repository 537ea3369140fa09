//! Names and shapes of the wire.

use http::HeaderName;
use serde::{Deserialize, Serialize};
use upload_checksum::Algorithm;

use crate::cors::Allowed;

/// The dialect's name among an upload's extras.
pub(super) const NAME: &str = "tus";
/// The version of the protocol, and all that are spoken.
pub(super) const VERSION: &str = "1.0.0";

/// What is spoken besides the core.
pub(super) const EXTENSIONS: &str = "creation,creation-with-upload,creation-defer-length,expiration,checksum,\
    checksum-trailer,termination,concatenation,concatenation-unfinished";

/// The checksums of a body, by the names that they have here.
pub(super) const ALGORITHMS: [(&str, Algorithm); 4] = [
    ("sha1", Algorithm::Sha1),
    ("sha256", Algorithm::Sha256),
    ("md5", Algorithm::Md5),
    ("crc32c", Algorithm::Crc32c),
];

/// What bytes are sent as.
pub(super) const BYTES: &str = "application/offset+octet-stream";

/// Where another checksum came out than was told.
pub(super) const CHECKSUM_MISMATCH: u16 = 460;

pub(super) const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub(super) const EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
pub(super) const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub(super) const CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
pub(super) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
pub(super) const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const CONCAT: HeaderName = HeaderName::from_static("upload-concat");
pub(super) const CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
pub(super) const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub(super) const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");
/// The digest of the whole (RFC 9530).
pub(super) const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// What pages of other sites may use.
pub(super) const CORS: Allowed = Allowed {
    methods: "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
    headers: "authorization, content-type, if-match, if-modified-since, if-none-match, if-range, if-unmodified-since, range, \
              tus-resumable, upload-checksum, upload-concat, upload-defer-length, upload-length, upload-metadata, upload-offset, \
              x-api-key, x-http-method-override, x-request-id, x-requested-with",
    exposed: "Upload-Offset, Location, Upload-Length, Upload-Metadata, Upload-Concat, Upload-Defer-Length, Upload-Expires, \
              Tus-Version, Tus-Resumable, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Repr-Digest, Content-Location, \
              Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Last-Modified, Retry-After",
};

/// What is kept of the request that began an upload, byte for byte. An upload without it did not begin here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Its `Upload-Metadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<String>,
    /// Its `Upload-Concat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) concat: Option<String>,
}
