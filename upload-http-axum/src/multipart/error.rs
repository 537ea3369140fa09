use std::error::Error;
use std::fmt;

use thiserror::Error;

/// Why a body is not the form it should be. The texts are meant for the client.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MultipartError {
    /// The Content-Type is another one.
    #[error("expected Content-Type multipart/form-data, got {found}")]
    NotMultipart {
        /// What came, shortened.
        found: String,
    },
    /// The Content-Type cannot be read.
    #[error("the Content-Type multipart/form-data is malformed: {what}")]
    MalformedContentType {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The Content-Type has no `boundary`, or an empty one.
    #[error("the Content-Type multipart/form-data has no boundary parameter")]
    BoundaryMissing,
    /// The boundary has more than the 70 characters that RFC 2046 allows.
    #[error("the boundary has {length} characters, at most 70 are allowed")]
    BoundaryTooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The boundary holds a character that RFC 2046 does not allow, or ends in a space.
    #[error(
        "the boundary holds {found:?}; letters, digits and '()+_,-./:=? are allowed, and inner spaces in quotes"
    )]
    BoundaryIllegal {
        /// The first such character.
        found: char,
    },
    /// More bytes before the first boundary than the limit.
    #[error("no boundary within the first {limit} bytes of the form")]
    PreambleTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// More bytes after the closing boundary than the limit.
    #[error("more than {limit} bytes follow the form's closing boundary")]
    EpilogueTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// More parts than the limit.
    #[error("the form has more than {limit} parts")]
    TooManyParts {
        /// The limit.
        limit: usize,
    },
    /// A part's head is longer than the limit: an overlong name, or a body where a blank line is missing.
    #[error("the head of part {part} of the form is longer than {limit} bytes")]
    HeadTooLong {
        /// Which part, the first is 1.
        part: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A field that is read into memory is longer than the limit.
    #[error("the form field {name} is longer than {limit} bytes")]
    FieldTooLong {
        /// The field's name, quoted and shortened.
        name: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// All fields that are read into memory are together longer than the limit.
    #[error("the form's fields are together longer than {limit} bytes")]
    FieldsTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A field that should be text is not UTF-8.
    #[error("the form field {name} is not UTF-8 text")]
    NotText {
        /// The field's name, quoted and shortened.
        name: String,
    },
    /// A line feed without its carriage return.
    #[error("a line of the form ends in LF, expected CRLF")]
    BareLineFeed,
    /// Something else than a line's end or `--` stands behind a boundary.
    #[error("expected CRLF or -- after the boundary, got byte {found:#04x}")]
    AfterBoundary {
        /// The byte that came.
        found: u8,
    },
    /// A part's head cannot be read, or can be read in two ways.
    #[error("the head of part {part} of the form is malformed: {what}")]
    MalformedHead {
        /// Which part, the first is 1.
        part: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A part is encoded for mail; storing it as it came would store other bytes than the client's file.
    #[error("part {part} of the form has Content-Transfer-Encoding {found}, expected binary")]
    TransferEncoding {
        /// Which part, the first is 1.
        part: usize,
        /// What came, quoted and shortened.
        found: String,
    },
    /// The body ended before the closing boundary.
    #[error("the form ends {place}, expected the closing boundary")]
    Truncated {
        /// Where it ended.
        place: Place,
    },
}

impl MultipartError {
    /// What kind of fault this is.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::PreambleTooLong { .. }
            | Self::EpilogueTooLong { .. }
            | Self::TooManyParts { .. }
            | Self::HeadTooLong { .. }
            | Self::FieldTooLong { .. }
            | Self::FieldsTooLong { .. } => FaultKind::Limit,
            Self::Truncated { .. } => FaultKind::Truncated,
            _ => FaultKind::Malformed,
        }
    }
}

/// Where in a form something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// Before the first boundary.
    Preamble,
    /// In or right after a boundary's line.
    Boundary,
    /// In a part's head.
    Head,
    /// In a part's body.
    Body,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preamble => "before its first boundary",
            Self::Boundary => "in a boundary's line",
            Self::Head => "in the head of a part",
            Self::Body => "in the body of a part",
        })
    }
}

/// Whose fault it is that a form could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The connection was cut, timed out or broke its framing; the same form may be sent again.
    Cut,
    /// The request ended well, but in the middle of the form.
    Truncated,
    /// The form breaks the rules of its format.
    Malformed,
    /// The form is larger than a limit.
    Limit,
}

/// A fault while reading a body: in the transport, or in the form it carries.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BodyFault {
    /// The stream of frames failed.
    #[error("the request's body was cut: {0}")]
    Cut(#[source] Box<dyn Error + Send + Sync>),
    /// The frames came, but they are not an acceptable form.
    #[error(transparent)]
    Form(#[from] MultipartError),
}

impl BodyFault {
    /// What kind of fault this is.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Cut(_) => FaultKind::Cut,
            Self::Form(error) => error.kind(),
        }
    }
}

/// `text` in quotes, escaped and cut after 64 characters, so that a hostile value makes no long message.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}
