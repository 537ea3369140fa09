//! Which markup a text is, behind white space, comments, declarations.

use crate::sniff::head::{Head, No, Verdict, begins};
use crate::types;

/// Elements that tell HTML, also without a root: a browser runs a fragment as well as a page.
const HTML_ELEMENTS: &[&str] = &[
    "html",
    "head",
    "body",
    "title",
    "meta",
    "link",
    "base",
    "style",
    "script",
    "noscript",
    "template",
    "iframe",
    "frame",
    "frameset",
    "object",
    "embed",
    "applet",
    "form",
    "input",
    "button",
    "select",
    "textarea",
    "div",
    "span",
    "p",
    "a",
    "b",
    "i",
    "u",
    "em",
    "strong",
    "font",
    "center",
    "marquee",
    "br",
    "hr",
    "pre",
    "xmp",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "table",
    "tr",
    "td",
    "ul",
    "ol",
    "li",
    "dl",
    "img",
    "image",
    "video",
    "audio",
    "source",
    "track",
    "canvas",
    "map",
    "area",
    "details",
    "dialog",
    "section",
    "article",
    "main",
    "nav",
    "header",
    "footer",
    "aside",
    "math",
    "isindex",
    "bgsound",
    "plaintext",
    "listing",
];

/// The type of the markup that begins the text.
pub(super) fn root(text: &[u8], head: &Head<'_>) -> Verdict {
    let mut rest = text;
    // What it is if it has no root within the head.
    let mut otherwise = Err(No::NotThis);
    let undecided = |otherwise: Verdict| if head.complete() { otherwise } else { Err(No::NeedMore) };
    loop {
        rest = rest.trim_ascii_start();
        let (first, second) = (rest.first(), rest.get(1));
        match (first, second) {
            (None, _) | (Some(b'<'), None) => return undecided(otherwise),
            (Some(b'<'), Some(b'!')) => match declaration(rest, head) {
                Ok((Declaration::Root(known), _)) => return Ok(known),
                Ok((Declaration::Says(known), behind)) => {
                    otherwise = otherwise.or(Ok(known));
                    match behind {
                        Some(behind) => rest = behind,
                        None => return undecided(otherwise),
                    }
                }
                Err(No::NotThis) => return otherwise,
                Err(No::NeedMore) => return Err(No::NeedMore),
            },
            (Some(b'<'), Some(b'?')) => {
                match rest.get(2) {
                    None => return undecided(Ok(types::PHP)),
                    Some(byte) if byte.is_ascii_whitespace() || *byte == b'=' => return Ok(types::PHP),
                    Some(_) => {}
                }
                let target: Vec<u8> = rest.iter().skip(2).take(3).map(u8::to_ascii_lowercase).collect();
                match begins(&target, b"php", head.short()) {
                    Err(No::NotThis) => {}
                    php => return php.map(|()| types::PHP),
                }
                otherwise = otherwise.or(Ok(types::XML));
                match after(rest, b"?>") {
                    Some(behind) => rest = behind,
                    None => return undecided(otherwise),
                }
            }
            (Some(b'<'), Some(b'%')) => return Ok(types::SERVER_PAGE),
            (Some(b'<'), Some(_)) => {
                return element(rest, head).or_else(|no| match no {
                    No::NotThis => otherwise,
                    No::NeedMore => Err(no),
                });
            }
            (Some(_), _) => return otherwise,
        }
    }
}

enum Declaration {
    /// The root is this.
    Root(&'static str),
    /// It looks like this, and a root may follow.
    Says(&'static str),
}

/// A comment or a document type at the start of `text`, and what is behind it, if its end is there.
fn declaration<'a>(text: &'a [u8], head: &Head<'_>) -> Result<(Declaration, Option<&'a [u8]>), No> {
    match begins(text, b"<!--", head.short()) {
        // HTML, since a browser goes by a comment alone.
        Ok(()) => {
            return Ok((Declaration::Says(types::HTML), after(text.get(4..).unwrap_or_default(), b"-->")));
        }
        Err(No::NeedMore) => return Err(No::NeedMore),
        Err(No::NotThis) => {}
    }
    let start: Vec<u8> = text.iter().take(9).map(u8::to_ascii_lowercase).collect();
    begins(&start, b"<!doctype", head.short())?;
    let behind = text.get(9..).unwrap_or_default();
    let name = behind.trim_ascii_start();
    let length = name.iter().position(|byte| !is_name(*byte));
    if length.is_none() && !head.complete() {
        return Err(No::NeedMore);
    }
    let name = name.get(..length.unwrap_or(name.len())).unwrap_or_default();
    Ok(match by_name(name) {
        Some(known) => (Declaration::Root(known), None),
        None => (Declaration::Says(types::XML), after_doctype(behind)),
    })
}

/// What is behind a document type: its `>` outside of quotes, comments and the part in brackets.
fn after_doctype(mut text: &[u8]) -> Option<&[u8]> {
    let mut depth = 0_u32;
    loop {
        let (&byte, rest) = text.split_first()?;
        text = match byte {
            b'"' | b'\'' => after(rest, &[byte])?,
            b'<' if rest.starts_with(b"!--") => after(rest, b"-->")?,
            b'>' if depth == 0 => return Some(rest),
            b'[' => {
                depth += 1;
                rest
            }
            b']' => {
                depth = depth.saturating_sub(1);
                rest
            }
            _ => rest,
        };
    }
}

/// The type that an element at the start of `text` tells.
fn element(text: &[u8], head: &Head<'_>) -> Verdict {
    let name = text.get(1..).unwrap_or_default();
    let length = name.iter().position(|byte| !is_name(*byte));
    if length.is_none() && !head.complete() {
        return Err(No::NeedMore);
    }
    let (name, behind) = name.split_at_checked(length.unwrap_or(name.len())).unwrap_or_default();
    let is_element =
        name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | 0x80..))
            && behind.first().is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'));
    if is_element { Ok(by_name(name).unwrap_or(types::XML)) } else { Err(No::NotThis) }
}

/// What a root's name tells: with or without a prefix, in any case.
fn by_name(name: &[u8]) -> Option<&'static str> {
    let name = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
    if name.eq_ignore_ascii_case(b"svg") {
        Some(types::SVG)
    } else if HTML_ELEMENTS.iter().any(|element| name.eq_ignore_ascii_case(element.as_bytes())) {
        Some(types::HTML)
    } else {
        None
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-' | b'.' | 0x80..)
}

/// What is behind the first `mark`.
fn after<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(mark.len()).position(|window| window == mark)?;
    text.get(at + mark.len()..)
}
