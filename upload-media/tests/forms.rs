//! The many forms of what must be refused, and what must not be taken for it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

use upload_core::ports::{Sniffed, Sniffer};
use upload_media::{ContentSniffer, check, types};

fn is(content: impl AsRef<[u8]>, expected: &str) {
    let content = content.as_ref();
    let shown = content[..content.len().min(80)].escape_ascii();
    assert_eq!(ContentSniffer.sniff(content, true), Sniffed::Known(expected.to_owned()), "{shown}");
    check(content);
}

/// As [`is`], and known before the content has ended.
fn shows(content: impl AsRef<[u8]>, expected: &str) {
    let shown = content.as_ref()[..content.as_ref().len().min(80)].escape_ascii();
    assert_eq!(
        ContentSniffer.sniff(content.as_ref(), false),
        Sniffed::Known(expected.to_owned()),
        "must show early: {shown}"
    );
    is(content, expected);
}

fn unknown(content: impl AsRef<[u8]>) {
    let content = content.as_ref();
    let shown = content[..content.len().min(80)].escape_ascii();
    assert_eq!(ContentSniffer.sniff(content, true), Sniffed::Unknown, "{shown}");
    check(content);
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

#[test]
fn html_hides_in_vain() {
    for page in [
        "<!DOCTYPE html><p>",
        "<!doctype HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\">",
        "<HtMl>",
        "\r\n\t\x0c <html lang=en>",
        "<!-- <svg> --> <!-- --><BODY/>",
        "<?xml version=\"1.0\"?>\n<html xmlns=\"x\">",
        "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a \"]>\"> <!-- ' ]> -->]><h:html xmlns:h='x'>",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<iframe/src=x>",
        "Dear reader,\n<sCrIpT >alert(1)</script>",
        "v 1 2 3\n# <script>\n",
    ] {
        shows(page, types::HTML);
        shows(["\u{feff}", page].concat(), types::HTML);
        shows([&[0xff, 0xfe], utf16(page, u16::to_le_bytes).as_slice()].concat(), types::HTML);
        shows([&[0xfe, 0xff], utf16(page, u16::to_be_bytes).as_slice()].concat(), types::HTML);
    }
    // Latin-1, and a comment without an end, are still markup to a browser.
    shows(b"<p>caf\xe9</p>", types::HTML);
    is("<!-- nothing but a comment", types::HTML);
    is("<!-- a comment -->\nand words", types::HTML);
    is("<!-- ".to_owned() + &"x".repeat(20_000), types::HTML);
    is("<div", types::HTML);
}

#[test]
fn svg_and_xml_hide_in_vain() {
    for picture in [
        "<svg xmlns='x'/>",
        " <SVG>",
        "<svg:svg xmlns:svg='x'>",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><?xml-stylesheet href='x'?><!-- ' --><svg>",
        "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"x\">",
        "<!DOCTYPE s [<!ENTITY x ']>'>]><svg>",
        "<!DOCTYPE s [<!ENTITY x SYSTEM \"file:///x\"> <!ATTLIST svg a '>'>]>\n<svg>&x;</svg>",
    ] {
        shows(picture, types::SVG);
        shows(["\u{feff}", picture].concat(), types::SVG);
        shows([&[0xff, 0xfe], utf16(picture, u16::to_le_bytes).as_slice()].concat(), types::SVG);
    }
    // XML readers find out UTF-16 without a mark.
    shows(utf16("<svg>", u16::to_le_bytes), types::SVG);
    shows(utf16("<?xml version='1.0'?><svg>", u16::to_be_bytes), types::SVG);
    for xml in ["<?xml version=\"1.0\"?><feed>", "<feed xmlns='x'>", "<!DOCTYPE feed><feed>", "<a:b>"] {
        is(xml.replace("a:b", "own:part"), types::XML);
    }
    is("<?xml version='1.0'?> nothing", types::XML);
    is("<!DOCTYPE feed [ never closed", types::XML);
}

#[test]
fn scripts_are_told() {
    for php in [
        "<?php system($_GET['c']);",
        "<?PHP echo",
        "<?= 1 ?>",
        "<? echo 1",
        "<?xml version='1.0'?><?php x",
        "<?",
    ] {
        is(php, types::PHP);
    }
    shows("some words\n<?php system('id');", types::PHP);
    shows("a <?php then <script>", types::PHP);
    shows("MZ begins".to_owned() + &" x".repeat(40) + "<script>", types::HTML);
    shows("a <script> then <?php", types::HTML);
    shows("#!/bin/sh\nrm -rf /", types::SCRIPT);
    shows("\u{feff}#! /usr/bin/env python3\n", types::SCRIPT);
    is("#!", types::SCRIPT);
    shows("@ECHO OFF\r\ndel x", types::BATCH);
    shows("<%@ page %>", types::SERVER_PAGE);
}

#[test]
fn programs_and_archives_are_told() {
    let mut fields = b"MZ\x90\0\x03".to_vec();
    fields.resize(70, 0);
    shows(fields, types::PORTABLE_EXECUTABLE);
    shows(b"\x7fELF\x02\x01\x01\0", types::ELF);
    for magic in [*b"\xfe\xed\xfa\xce", *b"\xcf\xfa\xed\xfe"] {
        shows([&magic[..], &[0; 8]].concat(), types::MACH_O);
    }
    shows(b"\xca\xfe\xba\xbe\0\0\0\x02", types::MACH_O);
    shows(b"\xca\xfe\xba\xbe\0\0\0\x34", types::JAVA_CLASS);
    shows(b"\0asm\x01\0\0\0", types::WASM);
    shows(b"\x1f\x8b\x08\0\0\0\0\0", types::GZIP);
    shows(b"7z\xbc\xaf\x27\x1c\0\x04", types::SEVEN_ZIP);
    shows(b"Rar!\x1a\x07\x01\0", types::RAR);
    shows(b"BZh91AY&SY", types::BZIP2);
    shows(b"\xfd7zXZ\0\0\x04", types::XZ);
    shows(b"\x28\xb5\x2f\xfd\x04\0\0\0", types::ZSTD);
    shows(b"PK\x05\x06\0\0\0\0", types::ZIP);
    shows(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", types::OLE);
    shows(b"CWS\x0a\0\x10\0\0x", types::FLASH);
    is("CWS\nis a name", types::TEXT);
}

/// A file inside a zip, as the first part of the archive has it.
fn entry(name: &str, content: &[u8], told_later: bool) -> Vec<u8> {
    let size = if told_later { 0 } else { content.len() as u32 };
    let mut bytes = b"PK\x03\x04\x14\0".to_vec();
    bytes.extend([if told_later { 8 } else { 0 }, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(size.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend((name.len() as u16).to_le_bytes());
    bytes.extend(3_u16.to_le_bytes());
    bytes.extend(name.as_bytes());
    bytes.extend(b"xyz");
    bytes.extend(content);
    bytes
}

#[test]
fn a_zip_is_a_docx_only_if_its_first_entries_say_so() {
    for told_later in [false, true] {
        let part = |name: &str| entry(name, &[7; 300], told_later);
        let content_types = part("[Content_Types].xml");
        shows([content_types.clone(), part("_rels/.rels"), part("word/other.xml")].concat(), types::DOCX);
        shows([part("word/other.xml"), content_types.clone()].concat(), types::DOCX);
        shows(part("word/document.xml"), types::DOCX);
        is([content_types.clone(), part("xl/workbook.xml")].concat(), types::ZIP);
        is([part("word/notes.txt"), part("word/more.txt")].concat(), types::ZIP);
        is([part("a/word/document.xml"), part("word.txt")].concat(), types::ZIP);
        let far = entry("big", &[7; 9000], told_later);
        is([content_types, far, part("word/document.xml")].concat(), types::ZIP);
    }
    // A package inside an archive does not make the archive one.
    let inner = [entry("[Content_Types].xml", b"x", false), entry("word/document.xml", b"x", false)].concat();
    is(entry("inner.docx", &inner, false), types::ZIP);
    // Known as soon as the rest is out of sight.
    shows(&entry("big", &[7; 9000], false)[..100], types::ZIP);
    is("PK\x03\x04", types::ZIP);
}

#[test]
fn tar_is_told_by_its_name_or_its_sum() {
    let mut block = [0_u8; 1024];
    block[..9].copy_from_slice(b"notes.txt");
    block[100..107].copy_from_slice(b"0000644");
    let mut posix = block;
    posix[257..262].copy_from_slice(b"ustar");
    shows(posix, types::TAR);
    // Without the name, the sum decides: of all bytes, with its own field as blanks.
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    shows(block, types::TAR);
    block[0] = b'm';
    unknown(block);
}

#[test]
fn text_is_clean_and_runs_nothing() {
    is("a", types::TEXT);
    is("caf\u{e9}\r\n\tand\x0cmore", types::TEXT);
    is("\u{feff}marked", types::TEXT);
    is([&[0xfe, 0xff], utf16("marked \u{1f600}", u16::to_be_bytes).as_slice()].concat(), types::TEXT);
    is("1 < 2, <3 and <someone@example.org> wrote", types::TEXT);
    is("<someone@example.org> wrote", types::TEXT);
    is("#![forbid(unsafe_code)]\n", types::TEXT);
    is("GIF89a is a format, BM a company, ID3 a tag, II* a mark", types::TEXT);
    for bad in [
        &b""[..],
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"cut \xe2\x82",
        b"bell \x07",
        b"escape \x1b[0m",
        b"nul \0",
        b"next line \xc2\x85",
        b"\xff\xfeo\0d\0d",
        b"\xff\xfea\0\x3d\xd8",
        b"\xff\xfe\0\0a\0\0\0",
        b"n\0o\0 \0m\0a\0r\0k\0",
        b"<\x003\0",
    ] {
        unknown(bad);
    }
    // A flaw after a script hides nothing, a script after a flaw is none of ours to find.
    shows(b"x <script>\0", types::HTML);
    unknown(b"x \0<script>");
}

#[test]
fn text_is_read_as_far_as_the_limit() {
    // The limit cuts a character in two; so does it in UTF-16.
    let long = "x".to_owned() + &"\u{20ac}".repeat(4000);
    is(&long, types::TEXT);
    let smiles = utf16(&"\u{1f600}".repeat(3000), u16::to_le_bytes);
    is([&[0xff, 0xfe], smiles.as_slice()].concat(), types::TEXT);
    let mut late = long.clone().into_bytes();
    late.push(0);
    is(late, types::TEXT);
    let limit = <dyn Sniffer>::HEAD;
    assert_eq!(ContentSniffer.sniff(&b"x".repeat(limit - 1), false), Sniffed::NeedMore);
    shows(b"x".repeat(limit), types::TEXT);
    let mut broken = b"x".repeat(limit);
    broken[limit - 1] = 0x80;
    unknown(broken);
}

#[test]
fn latin_1_is_text_among_other_letters() {
    is(b"na\xefve caf\xe9", types::TEXT);
    is(b"v 0 0 0\n# caf\xe9\n", types::OBJ);
    shows(b"caf\xe9 <script>alert(1)</script>", types::HTML);
    shows(b"caf\xe9 <?php", types::PHP);
    unknown(b"caf\xe9\x00");
    unknown(b"\x93caf\xe9\x94"); // controls, or quotes of some other encoding
    unknown(b"\xce\xe1\xf3\xd4 abc"); // more of the upper half than words have
    unknown(b"\xff\xfeabc"); // the mark of an encoding that it is not in
    unknown([b"\xef\xbb\xbf".as_slice(), b"caf\xe9"].concat());
    let long = |byte: u8| [vec![byte; 2100], b"x".repeat(20_000)].concat();
    is(&long(0xe9)[100..], types::TEXT);
    unknown(long(0xe9));
    assert_eq!(ContentSniffer.sniff(b"\xe9\xe9\xe9", false), Sniffed::NeedMore);
    // Neither encoding has that any more, whatever comes.
    let broken = [b"caf\xe9\x01".as_slice(), &b"x".repeat(600)].concat();
    assert_eq!(ContentSniffer.sniff(&broken, false), Sniffed::Unknown);
    unknown([broken.as_slice(), b"<script>"].concat());
}

#[test]
fn obj_is_nothing_but_its_statements() {
    is("v 0 0 0\n", types::OBJ);
    is(
        "# by hand\r\n\r\nmtllib a.mtl\no box\nv 1.5 -2e3 .5 1 # w\nvn 0 0 1\nf 1//1 2//2 \\\n3//3\n",
        types::OBJ,
    );
    is("v 1 1 1\n".repeat(2000), types::OBJ);
    is("v ".to_owned() + &"1 ".repeat(20_000), types::OBJ);
    // The limit may cut a statement's name.
    for before in 0..20 {
        is("#".repeat(before) + "\n" + &"v 1 1 1\nusemtl red\n".repeat(1000), types::OBJ);
    }
    for text in [
        "v 0 0\n",
        "o box\n",
        "# v 0 0 0\n",
        "v 0 0 zero\n",
        "v 0 0 0\nhello\n",
        "v 0 0 0\ncsh rm\n",
        "V 0 0 0\n",
    ] {
        is(text, types::TEXT);
    }
}

#[test]
fn old_and_foreign_films_have_their_own_names() {
    let brand = |major: &str, others: &str| {
        let size = 16 + others.len() as u32;
        [&size.to_be_bytes()[..], b"ftyp", major.as_bytes(), &[0; 4], others.as_bytes(), b"\0\0\0\x08free"]
            .concat()
    };
    shows(brand("mp42", ""), types::MP4);
    shows(brand("M4A ", "isommp42"), types::M4A);
    shows(brand("qt  ", "mp42"), types::QUICKTIME);
    shows(brand("zzzz", "yyyyisom"), types::MP4);
    shows(brand("3gp5", "isom"), types::THREE_GPP);
    shows(brand("heic", "mif1"), types::HEIF);
    shows(brand("avif", "mif1"), types::AVIF);
    unknown(brand("zzzz", "yyyy"));
    unknown(brand("isom", "abc"));
    unknown([&brand("isom", "")[..16], b"\0\0\0\x08abcd"].concat());
    shows(b"\0\0\0\x08wide\0\0\0\x10mdat....", types::QUICKTIME);
    shows(b"\0\0\x10\0moov\0\0\0\x6cmvhd....", types::QUICKTIME);
    unknown(b"\0\0\x10\0moov\0\0\0\x6ctrak....");
}

#[test]
fn pictures_and_sounds_need_their_structure() {
    let png = |change: fn(&mut [u8])| {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0crc.".to_vec();
        change(&mut png);
        png
    };
    shows(png(|_| {}), types::PNG);
    unknown(png(|png| png[19] = 0));
    unknown(png(|png| png[20] = 0x80));
    unknown(png(|png| png[24] = 3));
    unknown(png(|png| png[26] = 1));
    unknown(png(|png| png[28] = 2));

    shows(b"GIF89a\x01\0\x01\0\0\0\0!", types::GIF);
    shows(b"GIF87a\x01\0\x01\0\x80\0\0rgbRGB,", types::GIF);
    unknown(b"GIF89a\x01\0\x01\0\0\0\0;");
    unknown(b"GIF89a\0\0\x01\0\0\0\0!");
    unknown(b"GIF88a\x01\0\x01\0\0\0\0!");

    shows(b"\xff\xd8\xff\xfe\0\x04hi\xff\xdb", types::JPEG);
    shows(b"\xff\xd8\xff\xfe\0\x04hi\xff\xff\xdb", types::JPEG); // a fill byte
    shows(b"\xff\xd8\xff\xe1\xff\xff", types::JPEG); // the next segment is out of sight
    unknown(b"\xff\xd8\xff\xfe\0\x04hi<?php");
    unknown(b"\xff\xd8\xff\xfe\0\x01....");
    unknown(b"\xff\xd8\xff\xfe\0\x04hi?\xdb");
    unknown(b"\xff\xd8\xff\xfe\0\0\xff\xdb");
    unknown(b"\xff\xd8\xff\xd9\0\x04hi\xff\xdb");

    shows(b"RIFF....WEBPVP8L....\x2f", types::WEBP);
    shows(b"RIFF....WEBPVP8X\x0a\0\0\0", types::WEBP);
    unknown(b"RIFF\0...WEBPVP8L....\x30");
    unknown(b"RIFF\0...WEBPVP9 ....\x2f");
    shows(b"RIFF....WAVEJUNK\x03\0\0\0....fmt \x10\0\0\0", types::WAV);
    unknown(b"RIFF\0...WAVEdata\x04\0\0\0....fmt \x10\0\0\0");
    unknown(b"RIFF\0...WAVEfmt \x08\0\0\0........");

    // MPEG 1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes a frame.
    let mut frames = vec![0; 421];
    frames[..4].copy_from_slice(b"\xff\xfb\x90\0");
    unknown(&frames);
    frames[417..].copy_from_slice(b"\xff\xfb\xa0\0");
    shows(&frames, types::MP3);
    frames[417..].copy_from_slice(b"\xff\xfb\xa4\0"); // 48 kHz
    unknown(&frames);
    unknown(b"ID3\x03\0\0\0\0\0\x0aTIT2\0\0\0\0\0\0....");
    shows(b"ID3\x03\0\0\0\0\0\x0aTIT2\0\0\0\0\0\0\xff\xfb\x90\0", types::MP3);
    unknown(b"ID3\x03\0\0\0\0\0\x0a<scr\0\0\0\0\0\0\xff\xfb\x90\0");
    unknown(b"ID3\x03\0\0\x80\x7f\x7f\x7fTIT2\0\0");
    unknown(b"ID3\x03\0\0\0\0\0\x8aTIT2\0\0\0\0\0\0\xff\xfb\x90\0");
}

#[test]
fn documents_and_models_need_their_structure() {
    shows("%PDF-1.7\n", types::PDF);
    shows("%PDF-2.0", types::PDF);
    is("%PDF-one.two", types::TEXT);
    is("%PDF-1x7", types::TEXT);
    is(" %PDF-1.7", types::TEXT);
    let glb = |file: u32, chunk: u32, json: &[u8]| {
        [b"glTF\x02\0\0\0", &file.to_le_bytes()[..], &chunk.to_le_bytes(), b"JSON", json].concat()
    };
    shows(glb(24, 4, b"{}  "), types::GLB);
    unknown(glb(24, 5, b"{}  "));
    unknown(glb(19, 0, b"{}  "));
    unknown(glb(24, 4, b"<a> "));
}

#[test]
fn what_is_nothing_known_shows_at_once() {
    assert_eq!(ContentSniffer.sniff(&[0x80; 128], false), Sniffed::Unknown);
    unknown([0x80; 128]);
}
