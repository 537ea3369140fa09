use std::ops::Range;

use bytes::Bytes;

use super::boundary::{Boundary, boundary};
use super::error::{MultipartError, Place};
use super::head::{self, PartHead};
use super::limits::Limits;
use super::scanner::{Event, Scanner};

/// What a form consists of, and how it ended. A part that did not end is not among the parts.
pub(super) type Outcome = (Vec<(PartHead, Vec<u8>)>, Result<(), MultipartError>);

/// Holds the scanner against a naive reader of the whole body, in one frame and in many. For fuzzers.
///
/// The first byte chooses the boundary and how the rest, the body, is cut into frames.
///
/// # Panics
/// Where the scanner errs.
///
/// ```
/// upload_http_axum::multipart::check(b"\x05--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--\r\n");
/// ```
pub fn check(data: &[u8]) {
    let Some((seed, body)) = data.split_first() else { return };
    let name = if seed & 0x80 == 0 { "b" } else { "b-'b" };
    let limits =
        Limits { parts: 4, head_bytes: 96, preamble_bytes: 16, epilogue_bytes: 16, ..Limits::default() };
    if let Ok(found) = boundary(&format!("multipart/form-data; boundary={name}")) {
        let expected = model(body, &found, &limits);
        let frame = usize::from(seed & 0x7f) + 1;
        assert_eq!(scan([body], &found, &limits), expected, "in one frame");
        assert_eq!(scan(body.chunks(frame), &found, &limits), expected, "in frames of {frame}");
    }
    if let Ok(found) = boundary(&String::from_utf8_lossy(body)) {
        assert!((1..=70).contains(&found.as_bytes().len()), "a boundary of {:?}", found.as_bytes());
    }
}

/// Runs the scanner over frames, each copied, and proves on the way that it holds back no frame.
pub(super) fn scan<'a>(
    frames: impl IntoIterator<Item = &'a [u8]>,
    boundary: &Boundary,
    limits: &Limits,
) -> Outcome {
    let mut scanner = Scanner::new(boundary.clone(), limits.clone());
    let mut parts = Vec::new();
    let mut open = None;
    for frame in frames {
        let frame = Bytes::copy_from_slice(frame);
        scanner.push(frame.clone());
        loop {
            match scanner.next_event() {
                Ok(Event::Part(head)) => open = Some((head, Vec::new())),
                Ok(Event::Data(data)) => {
                    assert!(!data.is_empty(), "empty data");
                    let body = open.as_mut().map(|(_, body)| body);
                    assert!(body.is_some(), "data outside a part");
                    body.into_iter().for_each(|body: &mut Vec<u8>| body.extend_from_slice(&data));
                }
                Ok(Event::PartEnd) => parts.extend(open.take()),
                Ok(Event::NeedMore | Event::End) => break,
                Err(error) => {
                    assert_eq!(scanner.end_of_input(), Err(error.clone()), "an error has to last");
                    return (parts, Err(error));
                }
            }
        }
        assert!(scanner.held_back() < boundary.as_bytes().len() + 4, "held back {}", scanner.held_back());
        assert!(frame.is_empty() || frame.is_unique(), "a frame is kept");
    }
    (parts, scanner.end_of_input())
}

/// The rules once more, over the whole body and as plainly as possible.
pub(super) fn model(body: &[u8], boundary: &Boundary, limits: &Limits) -> Outcome {
    let mut parts = Vec::new();
    let result = read_form(body, boundary, limits, &mut parts);
    (parts, result)
}

fn read_form(
    body: &[u8],
    boundary: &Boundary,
    limits: &Limits,
    parts: &mut Vec<(PartHead, Vec<u8>)>,
) -> Result<(), MultipartError> {
    // A body begins like a line, as if CRLF stood before it.
    let text = [b"\r\n", body].concat();
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
    let Some(first) = find(&text, 0, &delimiter) else {
        let held = (0..delimiter.len()).rev().find(|length| text.ends_with(slice(&delimiter, 0..*length)));
        within(text.len().saturating_sub(held.unwrap_or(0) + 2), limits.preamble_bytes, |limit| {
            MultipartError::PreambleTooLong { limit }
        })?;
        return Err(MultipartError::Truncated { place: Place::Preamble });
    };
    within(first.saturating_sub(2), limits.preamble_bytes, |limit| MultipartError::PreambleTooLong {
        limit,
    })?;
    let mut at = first + delimiter.len();
    loop {
        let rest = slice(&text, at..text.len());
        if let Some(epilogue) = rest.strip_prefix(b"--") {
            return within(epilogue.len(), limits.epilogue_bytes, |limit| MultipartError::EpilogueTooLong {
                limit,
            });
        }
        let part = parts.len() + 1;
        let too_long = |limit| MultipartError::HeadTooLong { part, limit };
        let padding = rest.iter().take_while(|byte| b" \t".contains(byte)).count();
        within(padding, limits.head_bytes, too_long)?;
        match slice(rest, padding..rest.len()) {
            [b'\r', b'\n', ..] => {}
            [] | [b'\r'] => return Err(MultipartError::Truncated { place: Place::Boundary }),
            [b'-'] if padding == 0 => return Err(MultipartError::Truncated { place: Place::Boundary }),
            [b'\n', ..] => return Err(MultipartError::BareLineFeed),
            [b'-', found, ..] if padding == 0 => return Err(MultipartError::AfterBoundary { found: *found }),
            [b'\r', found, ..] | [found, ..] => return Err(MultipartError::AfterBoundary { found: *found }),
        }
        if parts.len() == limits.parts {
            return Err(MultipartError::TooManyParts { limit: limits.parts });
        }
        let head_start = at + padding + 2;
        let mut line = head_start;
        let data = loop {
            let end = find(&text, line, b"\n").map(|at| at + 1);
            within(padding + end.unwrap_or(text.len()) - head_start, limits.head_bytes, too_long)?;
            let Some(end) = end else { return Err(MultipartError::Truncated { place: Place::Head }) };
            match slice(&text, line..end) {
                b"\r\n" => break end,
                [.., b'\r', b'\n'] => line = end,
                _ => return Err(MultipartError::BareLineFeed),
            }
        };
        let head = head::parse(part, slice(&text, head_start..data))?;
        // The CRLF that ends the head may already be the delimiter's.
        let Some(end) = find(&text, data - 2, &delimiter) else {
            return Err(MultipartError::Truncated { place: Place::Body });
        };
        parts.push((head, slice(&text, data..end.max(data)).to_vec()));
        at = end + delimiter.len();
    }
}

fn slice(text: &[u8], range: Range<usize>) -> &[u8] {
    text.get(range).unwrap_or_default()
}

fn find(text: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let found = slice(text, from..text.len()).windows(what.len()).position(|window| window == what);
    found.map(|at| at + from)
}

fn within(
    found: usize,
    limit: usize,
    error: impl FnOnce(usize) -> MultipartError,
) -> Result<(), MultipartError> {
    if found > limit { Err(error(limit)) } else { Ok(()) }
}
