//! Names and shapes of the wire: those of Amazon S3.

use crate::cors::Allowed;

/// Where the endpoints are, below where the router is nested.
pub(super) const PATH: &str = "/store";

/// The one bucket that all uploads seem to lie in.
pub(super) const BUCKET: &str = "uploads";

/// Most parts of an upload, and the largest number of one.
pub(crate) const MAX_PARTS: u32 = 10_000;

/// What pages of other sites may use. Clients send what the signed request of any residence names.
pub(super) const CORS: Allowed = Allowed {
    methods: "GET, HEAD, POST, PUT, DELETE",
    headers: HEADERS,
    exposed: "accept-ranges, content-disposition, content-length, content-range, etag, last-modified, retry-after",
};

/// Request headers of signed requests and of downloads, each named literally.
pub(crate) const HEADERS: &str = "authorization, cache-control, content-disposition, content-md5, content-type, if-match, \
    if-modified-since, if-none-match, if-range, if-unmodified-since, range, x-amz-acl, x-amz-checksum-crc32, \
    x-amz-checksum-crc32c, x-amz-checksum-crc64nvme, x-amz-checksum-sha1, x-amz-checksum-sha256, x-amz-content-sha256, \
    x-amz-date, x-amz-sdk-checksum-algorithm, x-amz-security-token, x-api-key, x-ms-blob-cache-control, \
    x-ms-blob-content-disposition, x-ms-blob-content-md5, x-ms-blob-content-type, x-ms-blob-type, x-ms-date, x-ms-version, \
    x-requested-with";

/// An error as S3 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) status: u16,
    pub(super) name: &'static str,
}

impl Code {
    pub(super) const fn new(status: u16, name: &'static str) -> Self {
        Self { status, name }
    }
}

/// One part of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) number: u32,
    /// Without its quotes, hex in lower case.
    pub(super) etag: String,
}
