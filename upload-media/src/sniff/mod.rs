//! What a content is, from its first bytes: the order of the checks.

mod archive;
mod audio;
mod document;
mod executable;
mod head;
mod image;
mod iso_media;
mod model;
mod other;
mod text;

use upload_core::ports::{Sniffed, Sniffer};

use head::{Head, LIMIT, No, Verdict, first};

/// Finds the content type from the first bytes; see the [crate].
#[derive(Clone, Copy, Debug, Default)]
pub struct ContentSniffer;

impl Sniffer for ContentSniffer {
    fn sniff(&self, head: &[u8], end: bool) -> Sniffed {
        let head = Head::new(head, end);
        match first(CHECKS.iter().map(|check| check(&head))) {
            Ok(known) => Sniffed::Known(known.to_owned()),
            Err(No::NotThis) => Sniffed::Unknown,
            Err(No::NeedMore) => Sniffed::NeedMore,
        }
    }
}

/// Signatures first. A tar begins with a name that may read as text, so it comes before text; markup may
/// be shorter than a tar's first block, so it comes before both.
const CHECKS: &[fn(&Head<'_>) -> Verdict] = &[
    image::jpeg,
    image::png,
    image::gif,
    image::webp,
    iso_media::iso_media,
    audio::wav,
    audio::mp3,
    document::pdf,
    model::glb,
    archive::zip,
    executable::executable,
    other::signature,
    text::active,
    archive::tar,
    text::plain,
];

/// Sniffs any bytes and every kind of beginning of them, for fuzzers.
///
/// # Panics
/// If the sniffer asks for more at the end or beyond its limit, or changes an answer it has given.
pub fn check(content: &[u8]) {
    let sniffer = ContentSniffer;
    let whole = sniffer.sniff(content, true);
    assert_ne!(whole, Sniffed::NeedMore, "the end has come");
    let looked_at = content.len().min(LIMIT);
    // Every short beginning, then 64 longer ones.
    let stride = looked_at / 64 + 1;
    let lengths = (0..looked_at.min(128)).chain((128..looked_at).step_by(stride)).chain([looked_at]);
    let mut answer = Sniffed::NeedMore;
    for length in lengths {
        let beginning = content.get(..length).unwrap_or(content);
        assert_ne!(sniffer.sniff(beginning, true), Sniffed::NeedMore, "the end has come at {length}");
        let next = sniffer.sniff(beginning, false);
        if answer != Sniffed::NeedMore {
            assert_eq!(next, answer, "an answer changed at {length} bytes");
        }
        answer = next;
    }
    if answer != Sniffed::NeedMore {
        assert_eq!(whole, answer, "an answer changed at the end");
    }
    assert!(answer != Sniffed::NeedMore || looked_at < LIMIT, "no more than {LIMIT} bytes may be asked for");
}
