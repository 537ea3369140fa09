//! The analysis as a processor of stored bytes.
#![cfg(feature = "text")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_executor::block_on;
use serde_json::json;
use upload_analysis::{PlainText, Text, TextAnalysis, TextSettings, TextSource};
use upload_core::ports::{ProcessError, Processing, Processor, StoreError, StoredBytes};

const TEXT: &str =
    "The salt of the northern market was sold for silver. In winter the northern market is closed.";

/// Bytes in memory, or a store that does not answer.
#[derive(Debug)]
struct Memory(Option<Bytes>);

#[async_trait]
impl StoredBytes for Memory {
    fn length(&self) -> u64 {
        self.0.as_ref().map_or(10, |bytes| bytes.len() as u64)
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        assert!(range.end - range.start <= 1 << 20);
        let all = self.0.as_ref().ok_or_else(|| StoreError::unavailable("no answer"))?;
        Ok(all.slice(range.start as usize..range.end as usize))
    }
}

fn stored(bytes: impl Into<Bytes>) -> Memory {
    Memory(Some(bytes.into()))
}

fn subject(content_type: Option<&str>) -> Processing<'_> {
    let mut subject = Processing::new("documents");
    subject.content_type = content_type;
    subject
}

fn analysis(limit: u64) -> TextAnalysis {
    TextAnalysis::new(Arc::new(PlainText::new(limit)), TextSettings::default(), 1)
}

fn process(analysis: &TextAnalysis, bytes: &Memory) -> Result<serde_json::Value, ProcessError> {
    block_on(analysis.process(&subject(Some("text/plain")), bytes))
}

#[test]
fn it_wants_what_its_source_reads() {
    let analysis = analysis(100);
    assert_eq!(analysis.name(), "content_summary");
    assert!(analysis.wants(&subject(Some("text/plain"))));
    assert!(!analysis.wants(&subject(Some("image/png"))) && !analysis.wants(&subject(None)));
}

#[test]
fn a_text_file_is_told_about() {
    let said = process(&analysis(1 << 20), &stored(TEXT)).unwrap();
    assert_eq!(said["language"], "en");
    assert_eq!(said["summary_kind"], "extractive");
    assert_eq!(said["topics"], json!(["northern market"]));
    assert!(said.get("partial").is_none() && said.get("categories").is_none());
}

#[test]
fn a_longer_file_is_told_about_by_its_beginning() {
    let limit = 3 << 19;
    let said = process(&analysis(limit), &stored(TEXT.repeat(20_000) + "Ä")).unwrap();
    assert_eq!(said["partial"], true);
    let said = process(&analysis(1000), &stored(TEXT.repeat(20))).unwrap();
    assert_eq!(said["partial"], true, "the source has a bound of its own");
    let said = process(&analysis(limit), &stored(TEXT.repeat(12_000))).unwrap();
    assert_eq!(said["partial"], true, "the analysis has a bound of its own");
}

#[test]
fn utf_16_is_read_by_its_mark() {
    let units = std::iter::once(0xfeff).chain(TEXT.encode_utf16());
    let little: Vec<u8> = units.clone().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
    let plain = process(&analysis(1 << 20), &stored(TEXT)).unwrap();
    for bytes in [little, big] {
        assert_eq!(process(&analysis(1 << 20), &stored(bytes)).unwrap(), plain);
    }
}

#[test]
fn what_has_no_text_gives_an_empty_object() {
    for bytes in [&b""[..], b"\xff\xff\xff", b"caf\xe9 and the salt of the market"] {
        assert_eq!(process(&analysis(1 << 20), &stored(bytes)).unwrap(), json!({}));
    }
}

#[test]
fn a_store_that_fails_is_asked_another_time() {
    let failed = process(&analysis(1 << 20), &Memory(None));
    assert!(matches!(failed, Err(ProcessError::Failed(why)) if why.contains("no answer")));
}

/// A source as an application would wire one.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl TextSource for Broken {
    fn reads(&self, media_type: &str) -> bool {
        media_type == "application/pdf"
    }

    async fn text(&self, _: &dyn StoredBytes, _: &str) -> Result<Option<Text>, ProcessError> {
        Err(ProcessError::Unreadable("the file has no pages".to_owned()))
    }
}

#[test]
fn what_its_source_says_of_a_broken_file_is_passed_on() {
    let analysis = TextAnalysis::new(Arc::new(Broken), TextSettings::default(), 1);
    let said = block_on(analysis.process(&subject(Some("application/pdf")), &stored("x")));
    assert_eq!(said, Err(ProcessError::Unreadable("the file has no pages".to_owned())));
}
