//! What several tests share, and the benchmarks with them.
#![allow(dead_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use upload_core::ports::{Sniffed, Sniffer};
use upload_media::{ContentSniffer, types};

/// The types that are measured.
pub const EVERY_TYPE: [&str; 14] = [
    types::JPEG,
    types::PNG,
    types::GIF,
    types::WEBP,
    types::MP4,
    types::QUICKTIME,
    types::M4A,
    types::MP3,
    types::WAV,
    types::PDF,
    types::DOCX,
    types::TEXT,
    types::GLB,
    types::OBJ,
];

/// A folder of the collection: `ok` or `hostile`.
pub fn folder(name: &str) -> PathBuf {
    // The same from the folder of the benchmarks.
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../upload-media/tests/media").join(name)
}

pub fn names(name: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(name)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

pub fn read(name: &str, file: &str) -> Bytes {
    fs::read(folder(name).join(file)).unwrap().into()
}

/// What a whole content is, by its first bytes.
pub fn sniffed(content: &[u8]) -> Option<String> {
    match ContentSniffer.sniff(content, true) {
        Sniffed::Known(known) => Some(known),
        _ => None,
    }
}
