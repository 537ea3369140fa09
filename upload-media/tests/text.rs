//! The text of documents: whole, in order, and no more than wanted.
#![cfg(feature = "probe")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

#[path = "support/make.rs"]
mod make;
mod support;

use bytes::Bytes;
use make::{docx, docx_of, pdf, stream};
use support::read;
use upload_media::probe::{Limits, ProbeError, Text, has_text, text_of};
use upload_media::types;

fn text(content_type: &str, content: impl Into<Bytes>) -> Text {
    text_of(content_type, &mut content.into(), &Limits::default()).unwrap()
}

fn whole(content_type: &str, content: impl Into<Bytes>) -> String {
    let text = text(content_type, content);
    assert!(!text.truncated && text.warnings.is_empty(), "{text:?}");
    text.text
}

/// A page with this content and this font.
fn page(content: &str, font: &str) -> Vec<u8> {
    pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[3 0 R]/Resources<</Font<</F 5 0 R>>/XObject<</X 7 0 R>>>>>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>".to_vec(),
        stream("", content.as_bytes()),
        format!("<</Type/Font{font}>>").into_bytes(),
        stream("", b"1 beginbfrange <0001> <001a> <0061> endbfrange 1 beginbfchar <0020> <0020> endbfchar"),
        stream("/Subtype/Form", b"/F 1 Tf (in a form) Tj /X Do"),
    ])
}

const SIMPLE: &str = "/Subtype/Type1/Encoding/WinAnsiEncoding";

#[test]
fn the_good_documents_are_read_in_order() {
    let guide = |page: u32| {
        format!(
            "Page {page} of the orchard guide\nApple trees need nitrogen early in spring.\n\
             Soil acidity decides how much phosphorus a tree can take up.\n\
             A leaf analysis every third year shows hidden shortages.\nMulch keeps the roots cool and holds water."
        )
    };
    assert_eq!(whole(types::PDF, read("ok", "three_pages.pdf")), [1, 2, 3].map(guide).join("\n\n"));
    let report = whole(types::DOCX, read("ok", "report.docx"));
    assert_eq!(report.split_whitespace().count(), 79);
    let paragraphs: Vec<_> = report.split("\n\n").collect();
    assert!(paragraphs.len() > 3 && paragraphs.iter().all(|paragraph| !paragraph.is_empty()), "{report}");
    let [utf8, utf16, latin_1] =
        ["utf8.txt", "utf16le_bom.txt", "latin1.txt"].map(|file| text(types::TEXT, read("ok", file)));
    assert_eq!(utf8.text, utf16.text);
    assert_eq!(utf8.text, std::str::from_utf8(&read("ok", "utf8.txt")).unwrap().trim());
    assert_eq!(latin_1.text, utf8.text.replace('\u{2014}', "-"));
    assert_eq!(latin_1.warnings, ["the text is not UTF-8: it was read as Latin-1"]);
}

#[test]
fn encrypted_documents_have_no_text_to_read() {
    let text = text(types::PDF, read("ok", "encrypted_user_pw.pdf"));
    assert_eq!((text.text.as_str(), text.truncated), ("", true));
    assert_eq!(text.warnings, ["the document is encrypted: its words cannot be read"]);
}

#[test]
fn glyphs_of_a_pdf_become_characters() {
    let simple = |content: &str| whole(types::PDF, page(content, SIMPLE));
    assert_eq!(
        simple("BT /F 1 Tf (na\\357ve \\223caf\\351\\224) Tj ET"),
        "na\u{ef}ve \u{201c}caf\u{e9}\u{201d}"
    );
    assert_eq!(simple("BT /F 1 Tf [(ker) -20 (ned) -300 (gap)] TJ ET"), "kerned gap");
    assert_eq!(
        simple("/F 1 Tf 1 0 0 1 9 700 Tm (a) Tj 1 0 0 1 20 700 Tm (b) Tj 1 0 0 1 9 600 Tm (c) Tj"),
        "a b\nc"
    );
    assert_eq!(simple("/F 1 Tf (a) Tj 9 0 Td (b) Tj 0 -9 Td (c) Tj T* (d) Tj (e) '"), "a b\nc\nd\ne");
    assert_eq!(simple("/F 1 Tf (a) Tj BI /W 1 ID (no) Tj \n EI (b) Tj"), "ab");
    assert_eq!(simple("/X Do"), "in a formin a formin a formin a form", "a form that holds itself ends");
    let named = "/Subtype/Type1/Encoding<</Differences[97/fi/ccaron/g77]>>";
    assert_eq!(whole(types::PDF, page("/F 1 Tf (abcd`) Tj", named)), "fi\u{10d}d\u{2018}");
    let wide = "/Subtype/Type0/ToUnicode 6 0 R";
    assert_eq!(whole(types::PDF, page("/F 1 Tf <00010002 0020 0003> Tj", wide)), "ab c");
}

/// Objects in a stream, an index that is a stream, two filters on one stream.
#[test]
fn packed_documents_are_read() {
    let file = include_bytes!("../../fuzz/corpus/probe_document/pdf_packed");
    assert_eq!(whole(types::PDF, file.as_slice()), "nfi\u{ef}ve\ngfi pab formformformform\n\u{20ac}");
}

#[test]
fn a_font_that_tells_nothing_hides_only_its_own_words() {
    let text = text(types::PDF, page("/F 1 Tf (secret) Tj", "/Subtype/Type0"));
    assert_eq!((text.text.as_str(), text.truncated), ("", true));
    assert!(text.warnings[0].contains("does not tell its characters"), "{text:?}");
}

#[test]
fn paragraphs_of_a_package_stay_apart() {
    let body = "<w:p><w:r><w:t>spl</w:t></w:r><w:r><w:t>it &amp; &#x41;&lt;</w:t></w:r></w:p>\
        <w:p><w:r><w:t>one</w:t><w:tab/><w:t>two</w:t><w:br/><w:t>three</w:t></w:r></w:p><w:p/>\
        <mc:Fallback><w:p><w:t>again</w:t></w:p></mc:Fallback><w:instrText>PAGE</w:instrText>";
    assert_eq!(whole(types::DOCX, docx_of(body)), "split & A<\n\none two\nthree");
    let unknown = docx("<a><p><t>x &unknown; y</t></p></a>");
    assert_eq!(whole(types::DOCX, unknown), "x y");
}

#[test]
fn text_ends_at_its_limit() {
    let mut limits = Limits::default();
    limits.text = 12;
    let long = |content_type: &str, content: Vec<u8>| {
        let text = text_of(content_type, &mut Bytes::from(content), &limits).unwrap();
        assert!(text.truncated, "{content_type}");
        text.text
    };
    assert_eq!(long(types::TEXT, b"one two three four".to_vec()), "one two thre");
    assert_eq!(long(types::DOCX, docx_of(&"<p><t>word</t></p>".repeat(9))), "word\n\nword");
    assert_eq!(long(types::PDF, page("/F 1 Tf (one two three four) Tj", SIMPLE)), "one two thre");
    // What is not wanted is not read, and what is too large to be counted can be read in part.
    let large = b"words ".repeat(1 << 18);
    let (mut bytes, mut limits) = (Bytes::from(large), Limits::default());
    limits.bytes = 1 << 17;
    limits.text = 1 << 16;
    let text = text_of(types::TEXT, &mut bytes, &limits).unwrap();
    assert!(text.truncated && text.text.len() <= 1 << 16 && text.text.len() > 65_000);
}

#[test]
fn only_documents_have_text() {
    assert!(has_text(types::PDF) && has_text(types::DOCX) && has_text(types::TEXT) && !has_text(types::OBJ));
    let error = text_of(types::OBJ, &mut Bytes::new(), &Limits::default()).unwrap_err();
    assert_eq!(error, ProbeError::Unsupported(types::OBJ.to_owned()));
    let broken = text_of(types::DOCX, &mut Bytes::from_static(b"PK"), &Limits::default()).unwrap_err();
    assert!(matches!(broken, ProbeError::Unreadable(_)), "{broken:?}");
}
