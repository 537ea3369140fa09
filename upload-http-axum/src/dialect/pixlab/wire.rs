//! Names and shapes of the wire.

use serde::{Deserialize, Serialize};

use crate::cors::Allowed;
use crate::form::{FilePart, Shape};

/// The dialect's name: of an upload's facts.
pub(super) const NAME: &str = "pixlab";

pub(super) const STORE: &str = "/store";

pub(super) const KEY: &str = "key";
pub(super) const COMMENT: &str = "comment";

/// The form of an upload: whatever the file's part is called.
pub(super) const FORM: Shape = Shape { file: FilePart::Any, fields: &[KEY, COMMENT] };

/// Most characters of a comment.
pub(super) const MOST_COMMENT: usize = 1000;

/// What pages of other sites may use.
pub(super) const CORS: Allowed = Allowed {
    methods: "GET, HEAD, POST",
    headers: "authorization, content-type, range, www-authenticate",
    exposed: "accept-ranges, content-length, content-range, etag, retry-after",
};

/// What an upload keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The client's words about the file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) comment: String,
}

/// A success.
#[derive(Debug, Serialize)]
pub(super) struct Stored {
    pub(super) status: u16,
    pub(super) link: String,
    pub(super) id: String,
}

/// A failure.
#[derive(Debug, Serialize)]
pub(super) struct Fault<'a> {
    pub(super) status: u16,
    pub(super) error: &'a str,
}
