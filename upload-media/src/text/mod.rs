//! Text: what a browser or a server would run, models in text, and plain text.

mod decode;
mod markup;
mod obj;

use crate::head::{Head, No, Verdict, begins, ensure, first};
use crate::types;
use decode::Decoded;

/// Markup, a script that shows in its first characters (the encoding need not be clean for these), or one
/// inside of text.
pub(crate) fn active(head: &Head<'_>) -> Verdict {
    let decoded = Decoded::new(head)?;
    let text = decoded.text.as_bytes();
    first([script(text, head), batch(text, head), markup::root(text, head), embedded(decoded.clean())])
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

/// The first script inside of clean text: the first, not the worst, since more text must not change it.
fn embedded(clean: &str) -> Verdict {
    let at = |(at, _)| clean.as_bytes().get(at..).unwrap_or_default();
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
    clean.match_indices('<').map(at).find_map(script).ok_or(No::NotThis)
}

/// Text in a known encoding, without controls and without a script in it; OBJ if that is what it says.
/// Only the end of the head tells.
pub(crate) fn plain(head: &Head<'_>) -> Verdict {
    let decoded = Decoded::new(head)?;
    let text = decoded.text.as_str();
    ensure(decoded.clean().len() == text.len())?;
    if !head.complete() {
        return Err(head.short());
    }
    ensure(!text.is_empty())?;
    Ok(if obj::is_obj(text, head.ended()) { types::OBJ } else { types::TEXT })
}
