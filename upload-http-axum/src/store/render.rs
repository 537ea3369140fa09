//! From outcomes and errors to answers: pure and synchronous.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use quick_xml::escape::escape;
use upload_checksum::{Algorithm, Digest, Hasher};
use upload_core::{Error, ErrorKind, UploadId};
use upload_engine::PartInfo;

use super::wire::{BUCKET, Code, Listed, MAX_PARTS};
use crate::answer;

/// Why a request is not answered with success.
#[derive(Debug)]
pub(super) enum Failure {
    /// The token lets nobody do this.
    Token(Error),
    /// The request is not the one that was signed.
    Signature(String),
    /// The path does not take the method.
    Method,
    /// The request does not tell how long it is.
    NoLength,
    /// A manifest that cannot be read.
    Malformed(String),
    /// A manifest whose parts are not in order.
    Order { number: u32, after: u32 },
    /// It could not be done; whether the grant was for reading.
    Upload { error: Error, read: bool },
}

/// The name of each kind of error.
pub(super) fn code(kind: ErrorKind, read: bool) -> Code {
    use ErrorKind as K;
    match kind {
        K::Invalid | K::UnknownDestination | K::TypeRefused | K::Unreadable => {
            Code::new(400, "InvalidRequest")
        }
        K::NotFound | K::Gone if read => Code::new(404, "NoSuchKey"),
        K::NotFound | K::Gone => Code::new(404, "NoSuchUpload"),
        K::Forbidden => Code::new(403, "AccessDenied"),
        K::TooLarge => Code::new(400, "EntityTooLarge"),
        K::Misplaced | K::Interrupted => Code::new(400, "IncompleteBody"),
        K::Conflict | K::Duplicate => Code::new(412, "PreconditionFailed"),
        K::DigestMismatch => Code::new(400, "BadDigest"),
        K::NotReady => Code::new(400, "InvalidPart"),
        K::TimedOut => Code::new(400, "RequestTimeout"),
        K::Busy | K::StorageUnavailable | K::StorageFull => Code::new(503, "SlowDown"),
        K::Unsupported => Code::new(501, "NotImplemented"),
        // `ProcessingFailed`, `Corrupt`, `Internal`, and what may come.
        _ => Code::new(500, "InternalError"),
    }
}

/// The answer to a request that failed; `retry_after` goes with what may be tried again.
pub(super) fn failure(failure: &Failure, retry_after: Duration) -> Response {
    let (code, text) = match failure {
        Failure::Token(error) if error.kind == ErrorKind::Forbidden => {
            (Code::new(403, "AccessDenied"), error.detail.clone())
        }
        Failure::Token(error) => (code(error.kind, false), error.detail.clone()),
        Failure::Signature(text) => (Code::new(403, "SignatureDoesNotMatch"), text.clone()),
        Failure::Method => {
            (Code::new(405, "MethodNotAllowed"), "this resource does not take this method".to_owned())
        }
        Failure::NoLength => {
            (Code::new(411, "MissingContentLength"), "a part needs a Content-Length".to_owned())
        }
        Failure::Malformed(why) => {
            (Code::new(400, "MalformedXML"), format!("the manifest cannot be read: {why}"))
        }
        Failure::Order { number, after } => (
            Code::new(400, "InvalidPartOrder"),
            format!("the manifest lists part {number} after part {after}"),
        ),
        Failure::Upload { error, read } => (of(error, *read), error.detail.clone()),
    };
    let mut answer = xml(
        code.status,
        &format!("<Error><Code>{}</Code><Message>{}</Message></Error>", code.name, escape(text)),
    );
    answer::retry_after(&mut answer, retry_after);
    answer
}

/// The name of an error; a body of the wrong size is too long or too short.
fn of(error: &Error, read: bool) -> Code {
    match (error.kind, error.facts.got, error.facts.expected) {
        (ErrorKind::Misplaced, Some(got), Some(expected)) if got > expected => {
            code(ErrorKind::TooLarge, read)
        }
        (kind, ..) => code(kind, read),
    }
}

/// Bytes that are stored.
pub(super) fn stored(etag: &str) -> Response {
    let mut answer = answer::empty(StatusCode::OK);
    if let Ok(value) = HeaderValue::from_str(&format!("\"{etag}\"")) {
        answer.headers_mut().insert(header::ETAG, value);
    }
    answer
}

/// What tells stored bytes apart: the MD5 in hex, or without one their place, where nothing is stored twice.
pub(super) fn etag(id: &UploadId, number: u32, digest: Option<&Digest>) -> String {
    match digest.filter(|digest| digest.algorithm() == Algorithm::Md5) {
        Some(digest) => digest.to_hex(),
        None => format!("{id}-{number}"),
    }
}

/// A session for parts that has begun.
pub(super) fn begun(id: &UploadId, session: &str) -> Response {
    result("InitiateMultipartUploadResult", &format!("{}{}", place(id), upload_id(session)))
}

/// The parts that are stored.
pub(super) fn parts(id: &UploadId, parts: &[PartInfo]) -> Response {
    let last = parts.last().map_or(0, |part| part.number);
    let mut inner = format!(
        "{}{}<PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>{last}</NextPartNumberMarker>\
         <MaxParts>{MAX_PARTS}</MaxParts><IsTruncated>false</IsTruncated>",
        place(id),
        upload_id(id.as_str())
    );
    for PartInfo { number, length, digest, .. } in parts {
        let etag = etag(id, *number, digest.as_ref());
        // Writing to a String cannot fail.
        let _ = write!(
            inner,
            "<Part><PartNumber>{number}</PartNumber><ETag>&quot;{etag}&quot;</ETag><Size>{length}</Size></Part>"
        );
    }
    result("ListPartsResult", &inner)
}

/// Parts that were committed.
pub(super) fn committed(id: &UploadId, location: &str, parts: &[Listed]) -> Response {
    let etag = whole_etag(parts).unwrap_or_else(|| id.to_string());
    let inner =
        format!("<Location>{}</Location>{}<ETag>&quot;{etag}&quot;</ETag>", escape(location), place(id));
    result("CompleteMultipartUploadResult", &inner)
}

/// S3's tag of a whole in parts: the MD5 of the parts' MD5s, and their count.
fn whole_etag(parts: &[Listed]) -> Option<String> {
    let mut hasher = Hasher::new(Algorithm::Md5);
    for part in parts {
        hasher.update(Digest::from_hex(Algorithm::Md5, &part.etag).ok()?.as_bytes());
    }
    Some(format!("{}-{}", hasher.finish().to_hex(), parts.len()))
}

/// It is done, and there is nothing to say.
pub(super) fn done() -> Response {
    answer::empty(StatusCode::NO_CONTENT)
}

fn place(id: &UploadId) -> String {
    format!("<Bucket>{BUCKET}</Bucket><Key>{id}</Key>")
}

fn upload_id(session: &str) -> String {
    format!("<UploadId>{}</UploadId>", escape(session))
}

fn result(name: &str, inner: &str) -> Response {
    xml(200, &format!("<{name} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inner}</{name}>"))
}

fn xml(status: u16, root: &str) -> Response {
    let mut answer = Response::new(Body::from(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{root}")));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
