//! Answers to GET and HEAD of a stored object: which status, which headers, which bytes.
//!
//! *What it is*: a pure function, [`plan`], from a request's headers and what is known of the object to the
//! answer's head and the range of bytes to send ([RFC 9110] §13 and §14), safe for content that strangers
//! uploaded. *What it is not*: it reads no object, checks no permission and knows no upload.
//!
//! ```text
//!   method, headers ─┐    preconditions ──> 412 / 304
//!                    ├──> range ──────────> 416 / 206      ──> Plan { status, headers, range }
//!   ObjectInfo ──────┘    type, name ─────> 200
//! ```
//!
//! ```
//! use http::{HeaderMap, Method, StatusCode, header};
//! use upload_http_axum::download::{Disposition, ObjectInfo, plan};
//!
//! let mut object = ObjectInfo::new(1_000);
//! object.content_type = Some("image/png".into());
//! object.file_name = Some("größe.png".into());
//! object.disposition = Disposition::Inline;
//!
//! let mut request = HeaderMap::new();
//! request.insert(header::RANGE, "bytes=-100".parse()?);
//! let plan = plan(&Method::GET, &request, &object);
//! assert_eq!((plan.status, plan.range), (StatusCode::PARTIAL_CONTENT, Some(900..1_000)));
//! assert_eq!(plan.headers[header::CONTENT_RANGE], "bytes 900-999/1000");
//! assert_eq!(
//!     plan.headers[header::CONTENT_DISPOSITION],
//!     "inline; filename=\"gr__e.png\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.png"
//! );
//! # Ok::<(), http::header::InvalidHeaderValue>(())
//! ```
//!
//! [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110

mod condition;
mod content;
mod range;

use std::ops::Range;
use std::time::SystemTime;

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

pub use content::{Disposition, content_disposition};

use condition::{Precondition, Validators};
use range::Requested;

/// What an answer has to know of a stored object. Make it with [`ObjectInfo::new`] and set what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Length in bytes.
    pub length: u64,
    /// Its media type, from its content or, if need be, from the client: it is never trusted here.
    pub content_type: Option<String>,
    /// What changes whenever the bytes do, without quotes: a digest, or the object's key. Sent as a strong ETag;
    /// not sent if it holds anything but visible ASCII without `"`.
    pub etag: Option<String>,
    /// When it was completed; fractions of a second are dropped.
    pub modified: Option<SystemTime>,
    /// The client's name for it, raw.
    pub file_name: Option<String>,
    /// How it would like to be shown.
    pub disposition: Disposition,
}

impl ObjectInfo {
    /// An object of `length` bytes of which nothing else is known; it is sent as an attachment.
    pub fn new(length: u64) -> Self {
        Self {
            length,
            content_type: None,
            etag: None,
            modified: None,
            file_name: None,
            disposition: Disposition::Attachment,
        }
    }
}

/// The head of an answer and what to send after it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// 200, 206, 304, 412 or 416.
    pub status: StatusCode,
    /// The headers; Content-Length is among them where a body follows or, for HEAD, would follow.
    pub headers: HeaderMap,
    /// The bytes of the object to send, maybe an empty range; `None`: no body at all.
    pub range: Option<Range<u64>>,
}

/// Plans the answer to a GET or a HEAD.
///
/// - Preconditions in RFC 9110's order: If-Match, If-Unmodified-Since (412), If-None-Match, If-Modified-Since (304).
/// - One range is answered with 206; a range that cannot be satisfied, and more than one range, with 416; a
///   malformed one, one behind an If-Range that does not hold, and any on HEAD are ignored.
/// - Only types that cannot carry scripts are shown inline; types that browsers execute are sent as
///   `application/octet-stream`. Every answer forbids sniffing and sandboxes what is shown.
/// - `Cache-Control: private, no-cache`: shared caches must not hand one tenant's object to another. A caller who
///   serves public objects may replace it.
pub fn plan(method: &Method, request: &HeaderMap, object: &ObjectInfo) -> Plan {
    let validators = Validators::of(object);
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    validators.write(&mut headers);

    let refused = |status, headers| Plan { status, headers, range: None };
    match validators.check(request) {
        Precondition::Failed => return refused(StatusCode::PRECONDITION_FAILED, headers),
        Precondition::NotModified => return refused(StatusCode::NOT_MODIFIED, headers),
        Precondition::Holds => {}
    }
    let asked = *method == Method::GET && validators.if_range_holds(request);
    let asked = if asked { range::requested(request, object.length) } else { Requested::Whole };
    let (status, range) = match asked {
        Requested::Whole => (StatusCode::OK, 0..object.length),
        Requested::Part(range) => {
            let last = range.end.saturating_sub(1);
            let text = format!("bytes {}-{last}/{}", range.start, object.length);
            put(&mut headers, header::CONTENT_RANGE, &text);
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Requested::Unsatisfiable => {
            put(&mut headers, header::CONTENT_RANGE, &format!("bytes */{}", object.length));
            return refused(StatusCode::RANGE_NOT_SATISFIABLE, headers);
        }
    };
    headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    content::write(object, &mut headers);
    Plan { status, headers, range: (*method != Method::HEAD).then_some(range) }
}

/// Inserts a header whose value was made of ASCII; one that is not would be left out.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
