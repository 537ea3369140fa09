//! Content sniffing, technical details of media and the words of documents, behind the ports of upload-core.
//!
//! **What it is.** [`ContentSniffer`] tells from the first bytes of a content (8 KiB at most) what it is:
//! the media types a destination may want, and by name the types it should refuse. A signature alone
//! proves little, so every type has a check of its structure as well. [`probe`] (a feature, on by default) measures
//! what a whole upload is: pages, words, pixels, seconds, vertices.
//!
//! **What it is not.** It never looks at a file's name or its declared type, decodes no image and no sound, and does
//! not prove that a file is whole: a file may be a valid image and carry an archive behind it.
//!
//! ```text
//!   first bytes ──► image? ── media? ── document? ── model? ── archive, executable? ── markup? ── text?
//!                      │                                                                            │
//!                      ▼  the first check that does not say "not this" decides                      ▼
//!                   Known(type)  |  NeedMore (fewer than 8 KiB, and no end yet)  |              Unknown
//! ```
//!
//! An answer never changes when more bytes come: `NeedMore` may become anything, the others stay.
//!
//! ```
//! use upload_core::ports::{Sniffed, Sniffer};
//! use upload_media::{ContentSniffer, types};
//!
//! let page = b"  <!-- a picture, says its name --> <HTML>";
//! assert_eq!(ContentSniffer.sniff(page, false), Sniffed::Known(types::HTML.to_owned()));
//! assert_eq!(ContentSniffer.sniff(b"\x89PNG", false), Sniffed::NeedMore);
//! assert_eq!(ContentSniffer.sniff(b"\x89PNG", true), Sniffed::Unknown);
//! ```
//!
//! | wanted | recognised by |
//! |---|---|
//! | JPEG | start of image, a marker, its length, the next marker |
//! | PNG | signature and a valid IHDR |
//! | GIF | version, a screen with an area, then an image or an extension |
//! | WebP | RIFF, WEBP and the start of its first chunk |
//! | MP4, QuickTime, M4A | `ftyp` with a known brand and another known box behind it |
//! | MP3 | an ID3v2 tag, or two frames in a row that agree |
//! | WAV | RIFF, WAVE and a format chunk |
//! | PDF | `%PDF-` and a version, at the very start |
//! | DOCX | a zip whose first entries are a word processing package |
//! | GLB | version 2 and a JSON chunk that fits |
//! | OBJ | text of nothing but OBJ statements, with a vertex |
//! | text | UTF-8, UTF-16 with a byte order mark or Latin-1, no controls, no script in it |
//!
//! | feature | adds |
//! |---|---|
//! | `probe`, on by default | [`probe`]; without it upload-core is the only dependency |
//!
//! Named so that they can be refused: HTML, SVG, XML, PHP and other scripts, executables, archives.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "probe")]
pub mod probe;
mod sniff;
pub mod types;

pub use sniff::{ContentSniffer, check};
