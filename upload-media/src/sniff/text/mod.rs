//! Text: what a browser or a server would run, models in text, and plain text.

mod decode;
mod markup;
mod obj;

use crate::sniff::head::{Head, No, Verdict, begins, ensure, first};
use crate::types;
use decode::{Decoded, is_latin_1};

/// Markup, a script that shows in its first characters (the encoding need not be clean for these), or one
/// inside of text.
pub(crate) fn active(head: &Head<'_>) -> Verdict {
    let decoded = Decoded::new(head)?;
    let text = decoded.text.as_bytes();
    first([script(text, head), batch(text, head), markup::root(text, head), embedded(decoded.shown(head))])
}

/// `#!` and an interpreter; `#![` begins a Rust source.
fn script(text: &[u8], head: &Head<'_>) -> Verdict {
    begins(text, b"#!", head.short())?;
    match text.get(2) {
        Some(b'[') => ensure(false)?,
        None if !head.complete() => return Err(head.short()),
        _ => {}
    }
    Ok(types::SCRIPT)
}

fn batch(text: &[u8], head: &Head<'_>) -> Verdict {
    let start: Vec<u8> = text.iter().take(9).map(u8::to_ascii_lowercase).collect();
    begins(&start, b"@echo off", head.short())?;
    Ok(types::BATCH)
}

/// The first script inside of text: the first, not the worst, since more text must not change it.
fn embedded(shown: &[u8]) -> Verdict {
    let script = |rest: &[u8]| {
        let is = |word: &[u8]| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if is(b"<script") {
            Some(types::HTML)
        } else if is(b"<?php") {
            Some(types::PHP)
        } else {
            None
        }
    };
    let starts = shown.iter().enumerate().filter(|(_, byte)| **byte == b'<');
    starts.filter_map(|(at, _)| shown.get(at..)).find_map(script).ok_or(No::NotThis)
}

/// Text in a known encoding, without controls and without a script in it; OBJ if that is what it says.
/// Only the end of the head tells.
pub(crate) fn plain(head: &Head<'_>) -> Verdict {
    let decoded = Decoded::new(head)?;
    let text = decoded.text.as_str();
    ensure(decoded.is_clean() || is_latin_1(head))?;
    if !head.complete() {
        return Err(head.short());
    }
    ensure(!text.is_empty())?;
    Ok(if obj::is_obj(text, head.ended()) { types::OBJ } else { types::TEXT })
}
