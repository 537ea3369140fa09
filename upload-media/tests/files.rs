//! Every file of the collection is what its content says, whatever its name says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use upload_core::ports::{Sniffed, Sniffer};
use upload_media::{ContentSniffer, check, types};

const LIMIT: usize = <dyn Sniffer>::HEAD;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/media").join(name)
}

const UNKNOWN: &str = "unknown";

const OK: &[(&str, &str)] = &[
    ("anim.gif", types::GIF),
    ("audio_only.m4a", types::M4A),
    ("box.mtl", types::TEXT),
    ("box.obj", types::OBJ),
    ("cbr_noxing_noid3.mp3", types::MP3),
    ("cbr_xing.mp3", types::MP3),
    ("clip.mov", types::QUICKTIME),
    ("cmyk.jpg", types::JPEG),
    ("encrypted_user_pw.pdf", types::PDF),
    ("exif_rot6_gps.jpg", types::JPEG),
    ("faststart.mp4", types::MP4),
    ("frag.mp4", types::MP4),
    ("gray.jpg", types::JPEG),
    ("gray16.png", types::PNG),
    ("latin1.txt", types::TEXT),
    ("lossy.webp", types::WEBP),
    ("mono8.wav", types::WAV),
    ("ntsc.mp4", types::MP4),
    ("palette.png", types::PNG),
    ("progressive.jpg", types::JPEG),
    ("report.docx", types::DOCX),
    ("rgb.jpg", types::JPEG),
    ("rgb.png", types::PNG),
    ("rgba.png", types::PNG),
    ("rotated.mp4", types::MP4),
    ("scene.glb", types::GLB),
    ("silent.mp4", types::MP4),
    ("stereo.wav", types::WAV),
    ("still.gif", types::GIF),
    ("tail_moov.mp4", types::MP4),
    ("three_pages.pdf", types::PDF),
    ("utf16le_bom.txt", types::TEXT),
    ("utf8.txt", types::TEXT),
    ("vbr.mp3", types::MP3),
];

const HOSTILE: &[(&str, &str)] = &[
    // Not what the name says.
    ("html_named.png", types::HTML),
    ("svg_named.png", types::SVG),
    ("png_named.jpg", types::PNG),
    ("elf_named.mp4", types::ELF),
    ("exe_named.jpg", types::PORTABLE_EXECUTABLE),
    ("pdf_late_header.pdf", types::HTML), // some readers would take it for a PDF, browsers would not
    // Documents that run.
    ("script.svg", types::SVG),
    ("svg_bom_comment.svg", types::SVG), // the root is behind a mark and 3 KB of comment
    ("xxe.svg", types::SVG),
    ("script_launch.pdf", types::PDF), // a PDF all the same
    ("slip_macro.docx", types::DOCX),  // a package all the same
    // A signature and nothing true behind it.
    ("php_named.gif", types::PHP),
    ("gif_js_polyglot.gif", UNKNOWN),
    ("ftyp_only.mp4", UNKNOWN),
    ("box_size7.mp4", UNKNOWN),
    ("chunk_len.png", UNKNOWN),
    ("fmt_huge.wav", UNKNOWN),
    ("json_len_4g.glb", UNKNOWN),
    ("empty.jpg", UNKNOWN),
    ("nul.txt", UNKNOWN),
    ("trunc_24b_anim.gif", UNKNOWN), // ends inside its colours
    ("trunc_24b_rgb.png", UNKNOWN),
    // What they say they are as far as the first bytes tell; the rest is for who reads all of them.
    ("jpeg_zip_polyglot.jpg", types::JPEG),
    ("php_in_jpeg_comment.jpg", types::JPEG),
    ("trunc_24b_rgb.jpg", types::JPEG), // ends inside its second segment
    ("huge_dims.png", types::PNG),
    ("box_4g.mp4", types::MP4),
    ("box_large64.mp4", types::MP4),
    ("child_size0.mp4", types::MP4),
    ("accessor_4g.glb", types::GLB),
    ("node_cycle.glb", types::GLB),
    ("uri_file.glb", types::GLB),
    ("count_lies.pdf", types::PDF),
    ("flate_bomb.pdf", types::PDF),
    ("page_loop.pdf", types::PDF),
    ("dims_65500.jpg", types::JPEG),
    ("id3_256mb.mp3", types::MP3),
    ("bad_index.obj", types::OBJ),
    ("trunc_24b_clip.mov", UNKNOWN),   // ends inside its second box
    ("trunc_24b_lossy.webp", UNKNOWN), // ends inside its first frame's start code
    ("trunc_24b_report.docx", types::ZIP),
    ("trunc_24b_vbr.mp3", UNKNOWN), // ends before its first frame
];

fn sniffed(head: &[u8], end: bool) -> String {
    match ContentSniffer.sniff(head, end) {
        Sniffed::Known(known) => known,
        Sniffed::Unknown => UNKNOWN.to_owned(),
        other => format!("{other:?}"),
    }
}

fn table_holds(name: &str, table: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (file, expected) in table {
        let content = fs::read(folder(name).join(file)).unwrap();
        let got = sniffed(&content, true);
        if got != *expected {
            wrong.push(format!("{file}: expected {expected}, got {got}"));
        }
        // The engine gives the first batch, be it whole or not.
        if content.len() > LIMIT {
            assert_eq!(sniffed(&content[..LIMIT], false), got, "{file}");
            assert_eq!(sniffed(&content, false), got, "{file}");
        }
        check(&content);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let listed: BTreeSet<_> = table.iter().map(|(file, _)| (*file).to_owned()).collect();
    let present: BTreeSet<_> = fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(listed, present, "every file stands in the table");
}

#[test]
fn good_files_are_recognised() {
    table_holds("ok", OK);
}

#[test]
fn hostile_files_are_what_they_are() {
    table_holds("hostile", HOSTILE);
}

/// The type shows as early as the format allows, and never changes afterwards.
#[test]
fn every_beginning_of_every_good_file_says_the_same_or_asks_for_more() {
    for (file, expected) in OK {
        let content = fs::read(folder("ok").join(file)).unwrap();
        let mut known_at = None;
        for length in 0..=content.len().min(LIMIT + 1) {
            let head = &content[..length];
            assert_ne!(sniffed(head, true), "NeedMore", "{file} ended at {length}");
            let got = sniffed(head, false);
            if got == *expected {
                known_at.get_or_insert(length);
            } else {
                assert_eq!(got, "NeedMore", "{file} at {length}");
                assert!(known_at.is_none() && length < LIMIT, "{file} at {length}");
            }
        }
        let most = match *expected {
            types::TEXT | types::OBJ | UNKNOWN => LIMIT, // only the end tells
            types::DOCX => 1800,                         // the fifth entry
            types::GIF => 13 + 3 * 256 + 1,
            types::MP3 => 600, // two frames
            _ => 64,
        };
        assert!(known_at.is_none_or(|at| at <= most), "{file}: known at {known_at:?} only");
        assert!(known_at.is_some() || content.len() < LIMIT, "{file}");
    }
}
