//! The good files: their details are what they were made with.
#![cfg(feature = "probe")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{names, read, sniffed};
use upload_media::probe::{Limits, measure, measure_counted, measures};
use upload_media::types;

/// Seconds; encoders put some samples before and behind.
const TOLERANCE: f64 = 0.06;

/// What each file was made with.
fn truth() -> Vec<(&'static str, Value)> {
    let film = |resolution: &str, duration: f64, frame_rate: f64| {
        json!({"resolution": resolution, "duration": duration, "frame_rate": frame_rate,
            "sample_rate": 44100, "channels": 2})
    };
    let sound = |duration: f64, sample_rate: u32, channels: u32| json!({"duration": duration, "sample_rate": sample_rate, "channels": channels});
    let image =
        |dimensions: &str, color_mode: &str| json!({"dimensions": dimensions, "color_mode": color_mode});
    let with = |mut details: Value, more: Value| {
        details.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        details
    };
    let warns = |details: Value, warning: &str| with(details, json!({"warnings": [warning]}));
    vec![
        ("anim.gif", with(image("120x90", "P"), json!({"duration": 1.2}))),
        ("audio_only.m4a", sound(2.0, 44100, 2)),
        ("box.mtl", json!({"word_count": 12})),
        ("box.obj", json!({"vertex_count": 8, "material_count": 2, "dimensions": [2.0, 3.0, 4.0]})),
        ("cbr_noxing_noid3.mp3", sound(3.0, 22050, 1)),
        ("cbr_xing.mp3", sound(3.0, 44100, 2)),
        ("clip.mov", with(film("192x108", 1.5, 24.0), json!({"sample_rate": 48000, "channels": 1}))),
        ("cmyk.jpg", image("90x70", "CMYK")),
        (
            "encrypted_user_pw.pdf",
            warns(json!({"page_count": 2}), "the document is encrypted: its words cannot be read"),
        ),
        ("exif_rot6_gps.jpg", warns(image("80x120", "RGB"), "the image says where it was taken")),
        ("faststart.mp4", film("160x120", 2.0, 25.0)),
        ("frag.mp4", film("160x120", 2.0, 25.0)),
        ("gray.jpg", image("100x60", "L")),
        ("gray16.png", image("50x30", "L")),
        ("latin1.txt", warns(json!({"word_count": 40}), "the text is not UTF-8: it was read as Latin-1")),
        ("lossy.webp", image("80x50", "RGB")),
        ("mono8.wav", sound(2.0, 8000, 1)),
        ("ntsc.mp4", film("176x144", 1.001, 30000.0 / 1001.0)),
        ("palette.png", image("64x40", "P")),
        ("progressive.jpg", image("320x200", "RGB")),
        ("report.docx", json!({"word_count": 79})),
        ("rgb.jpg", image("640x480", "RGB")),
        ("rgb.png", image("64x64", "RGB")),
        ("rgba.png", image("300x200", "RGBA")),
        ("rotated.mp4", film("120x160", 2.0, 25.0)),
        ("scene.glb", json!({"vertex_count": 50, "material_count": 2, "dimensions": [6.5, 3.0, 4.0]})),
        ("silent.mp4", json!({"resolution": "160x120", "duration": 2.0, "frame_rate": 25.0})),
        ("stereo.wav", sound(1.5, 8000, 2)),
        ("still.gif", image("120x90", "P")),
        ("tail_moov.mp4", film("160x120", 2.0, 25.0)),
        ("three_pages.pdf", json!({"page_count": 3, "word_count": 123})),
        ("utf16le_bom.txt", json!({"word_count": 40})),
        ("utf8.txt", json!({"word_count": 40})),
        ("vbr.mp3", sound(3.0, 44100, 1)),
    ]
}

/// Equal, but for the tolerance of durations and what a sum of floats may lose.
fn agrees(key: &str, is: &Value, wanted: &Value) -> bool {
    let close = |is: &Value, wanted: &Value, by: f64| match (is.as_f64(), wanted.as_f64()) {
        (Some(is), Some(wanted)) => (is - wanted).abs() <= by,
        _ => is == wanted,
    };
    match (key, is, wanted) {
        ("duration", ..) => close(is, wanted, TOLERANCE),
        (_, Value::Array(is), Value::Array(wanted)) => {
            is.len() == wanted.len() && is.iter().zip(wanted).all(|(is, wanted)| close(is, wanted, 1e-5))
        }
        ("frame_rate", ..) => close(is, wanted, 1e-6),
        _ => is == wanted,
    }
}

#[test]
fn details_are_what_the_files_were_made_with() {
    let mut wrong = Vec::new();
    for (file, wanted) in truth() {
        let content = read("ok", file);
        let content_type = sniffed(&content).expect(file);
        let details = measure(&content_type, &mut content.clone(), &Limits::default());
        let details = serde_json::to_value(details.expect(file)).unwrap();
        let (is, wanted) = (details.as_object().unwrap(), wanted.as_object().unwrap());
        let same_keys = is.keys().eq(wanted.keys());
        if !same_keys || !wanted.iter().all(|(key, value)| agrees(key, &is[key], value)) {
            wrong.push(format!("{file}: expected {wanted:?}, got {is:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let listed: BTreeSet<_> = truth().into_iter().map(|(file, _)| file.to_owned()).collect();
    assert_eq!(listed, names("ok"), "every file stands in the table");
}

/// Run it with `--nocapture` for the table.
#[test]
fn details_cost_few_bytes() {
    println!("{:<24} {:>8} {:>8} {:>6} {:>6}", "file", "length", "bytes", "reads", "calls");
    for file in names("ok") {
        let content = read("ok", &file);
        let content_type = sniffed(&content).unwrap();
        let (_, cost) = measure_counted(&content_type, &mut content.clone(), &Limits::default());
        println!("{file:<24} {:>8} {:>8} {:>6} {:>6}", content.len(), cost.bytes, cost.reads, cost.calls);
        // Nothing is fetched twice, and what need not be read is left out.
        assert!(cost.bytes <= content.len() as u64, "{file}: {cost:?}");
        if content.len() > 40_000 {
            assert!(cost.bytes <= 16 << 10, "{file}: {cost:?}");
        }
        assert!(cost.reads <= 5, "{file}: {cost:?}");
    }
}

#[test]
fn only_types_with_details_are_measured() {
    assert!(measures(types::PDF) && !measures(types::HTML));
    let error = measure(types::ZIP, &mut read("ok", "box.mtl"), &Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "no details are measured of application/zip");
}
