//! A streaming scanner for `multipart/form-data` bodies ([RFC 7578], [RFC 2046 §5.1]).
//!
//! *What it is*: an incremental machine without I/O ([`Scanner`]) that cuts the arriving frames into part heads
//! and slices of part bodies, and an asynchronous reader over it ([`Form`]).
//!
//! *What it is not*: it keeps no file part and copies none of its bytes, writes nothing, and gives no meaning to
//! a field's name. Names come out raw: clean them with [`crate::names`] before they leave the program.
//!
//! ```text
//!            push(frame)                     next_event()
//!   frames ────────────────> Scanner ────────────────────────> Part(head) Data* PartEnd … End
//!                              │
//!     preamble ──> boundary ──> head ──> body ──┐                 Data: slices of the frames themselves
//!                     ^   └─"--"─> epilogue     │
//!                     └─────────────────────────┘
//! ```
//!
//! Lines end in CRLF and nothing else. What cannot be read in one way only (a head with two dispositions, text
//! between a boundary and its line's end) is an error, not a guess: a stored file is never silently shortened.
//!
//! ```
//! use bytes::Bytes;
//! use upload_http_axum::multipart::{Event, Limits, Scanner, boundary};
//!
//! let mut scanner = Scanner::new(boundary("multipart/form-data; boundary=cut")?, Limits::default());
//! scanner.push(Bytes::from_static(b"--cut\r\nContent-Disposition: form-data; name=\"sha\"\r\n\r\nab"));
//! scanner.push(Bytes::from_static(b"cd\r\n--cut--\r\n"));
//!
//! let Event::Part(head) = scanner.next_event()? else { unreachable!() };
//! assert_eq!(head.name.as_deref(), Some("sha"));
//! assert_eq!(scanner.next_event()?, Event::Data(Bytes::from_static(b"ab")));
//! assert_eq!(scanner.next_event()?, Event::Data(Bytes::from_static(b"cd")));
//! assert_eq!(scanner.next_event()?, Event::PartEnd);
//! assert_eq!(scanner.next_event()?, Event::End);
//! scanner.end_of_input()?;
//! # Ok::<(), upload_http_axum::multipart::MultipartError>(())
//! ```
//!
//! [RFC 7578]: https://www.rfc-editor.org/rfc/rfc7578
//! [RFC 2046 §5.1]: https://www.rfc-editor.org/rfc/rfc2046#section-5.1

mod boundary;
mod check;
mod error;
mod form;
mod head;
mod limits;
mod params;
mod scanner;
#[cfg(test)]
mod tests;

pub use boundary::{Boundary, boundary};
pub use check::check;
pub use error::{BodyFault, FaultKind, MultipartError, Place};
pub use form::{Form, PartBody};
pub use head::PartHead;
pub use limits::Limits;
pub use scanner::{Event, Scanner};
