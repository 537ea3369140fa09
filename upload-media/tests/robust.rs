//! No content makes the sniffer or the probe panic, or change its mind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
#[cfg(feature = "probe")]
use upload_core::ports::{Sniffed, Sniffer};
#[cfg(feature = "probe")]
use upload_media::ContentSniffer;
use upload_media::check;

/// The heads of all good and hostile files.
static HEADS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let media = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media");
    let folders = ["ok", "hostile"].map(|folder| fs::read_dir(media.join(folder)).unwrap());
    let mut files: Vec<_> = folders.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let mut head = fs::read(file).unwrap();
            head.truncate(9000);
            head
        })
        .collect()
});

/// Pieces that mean something, so that random contents get somewhere.
const WORDS: &[&[u8]] = &[
    b"<",
    b">",
    b"!--",
    b"-->",
    b"?",
    b"?>",
    b"xml",
    b"php",
    b"!DOCTYPE",
    b"[",
    b"]",
    b"\"",
    b"svg",
    b"html",
    b"script",
    b"<script",
    b":",
    b" ",
    b"\n",
    b"\0",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\xe2\x82",
    b"\xac",
    b"v 1 2 3",
    b"f 1 2 3",
    b"\\",
    b"#",
    b"PK\x03\x04",
    b"word/",
    b"\xff\xd8\xff",
    b"\xe0\0\x10",
    b"GIF89a",
    b"RIFF",
    b"WAVE",
    b"WEBPVP8",
    b"\0\0\0\x18",
    b"ftyp",
    b"isom",
    b"moov",
    b"mdat",
    b"ID3\x03\0\0",
    b"\xff\xfb\x90\0",
    b"glTF\x02\0\0\0",
    b"%PDF-1.",
    b"MZ",
    b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    b"ustar",
    b"x",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes(content in vec(any::<u8>(), 0..600)) {
        check(&content);
    }

    #[test]
    fn any_words(words in vec(select(WORDS), 0..40)) {
        check(&words.concat());
    }

    #[test]
    fn changed_files(
        file in any::<Index>(), changes in vec((any::<Index>(), any::<u8>()), 0..6), early in any::<bool>(),
        cut in any::<Index>(),
    ) {
        let mut content = file.get(&HEADS).clone();
        for (at, byte) in changes {
            let places = if early { content.len().min(64) } else { content.len() };
            if places > 0 {
                content[at.index(places)] = byte;
            }
        }
        content.truncate(cut.index(content.len() + 1).max(content.len() / 2));
        check(&content);
    }

    #[test]
    fn files_after_each_other(
        first in any::<Index>(), length in 0..200_usize, second in any::<Index>(),
    ) {
        let first = first.get(&HEADS);
        check(&[&first[..length.min(first.len())], second.get(&HEADS).as_slice()].concat());
    }
}

/// The good files, each with what it is.
#[cfg(feature = "probe")]
static FILES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media/ok");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let known = |content: Vec<u8>| match ContentSniffer.sniff(&content, true) {
        Sniffed::Known(known) => (known, content),
        other => panic!("{other:?}"),
    };
    files.into_iter().map(|file| known(fs::read(file).unwrap())).collect()
});

#[cfg(feature = "probe")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn changed_files_are_measured_or_refused(
        file in any::<Index>(), changes in vec((any::<Index>(), any::<u8>()), 0..12), early in any::<bool>(),
        cut in any::<Index>(),
    ) {
        let (known, mut content) = file.get(&FILES).clone();
        for (at, byte) in changes {
            let places = if early { content.len().min(1000) } else { content.len() };
            content[at.index(places)] = byte;
        }
        content.truncate(cut.index(content.len() + 1).max(content.len() / 2));
        upload_media::probe::check(&known, &content);
    }
}
