//! Files made here, since they would be large or are small changes of good ones.
#![allow(dead_code)]

use std::io::Write;

use flate2::write::{DeflateEncoder, ZlibEncoder};
use flate2::{Compression, Crc};

pub fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A zip of these files.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let packed = deflated(content);
        let mut crc = Crc::new();
        crc.update(content);
        let at = archive.len() as u32;
        let mut about = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0x21];
        for number in [crc.sum(), packed.len() as u32, content.len() as u32] {
            about.extend(number.to_le_bytes());
        }
        about.extend((name.len() as u16).to_le_bytes());
        about.extend([0, 0]);
        archive.extend(b"PK\x03\x04");
        archive.extend(&about);
        archive.extend(name.as_bytes());
        archive.extend(packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&about);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let at = archive.len() as u32;
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    let count = (files.len() as u16).to_le_bytes();
    archive.extend([count, count].concat());
    archive.extend((directory.len() as u32).to_le_bytes());
    archive.extend(at.to_le_bytes());
    archive.extend([0, 0]);
    archive
}

const TYPES: &[u8] = b"<Types/>";

/// A DOCX with this as its main part.
pub fn docx(main: &str) -> Vec<u8> {
    zip(&[("[Content_Types].xml", TYPES), ("word/document.xml", main.as_bytes())])
}

/// A DOCX of paragraphs.
pub fn docx_of(body: &str) -> Vec<u8> {
    docx(&format!("<w:document xmlns:w='x'><w:body>{body}</w:body></w:document>"))
}

/// The objects of a PDF, from number 1 on, and where each one begins.
fn numbered(objects: &[impl AsRef<[u8]>]) -> (Vec<u8>, Vec<usize>) {
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (n, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n", n + 1).into_bytes());
        file.extend(object.as_ref());
        file.extend(b"\nendobj\n");
    }
    (file, offsets)
}

/// A PDF of these objects, from number 1 on, the first one its catalog.
pub fn pdf(objects: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let (mut file, offsets) = numbered(objects);
    let table = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes());
    for offset in offsets {
        file.extend(format!("{offset:010} 00000 n \n").into_bytes());
    }
    let size = objects.len() + 1;
    file.extend(format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n").into_bytes());
    file
}

/// As `pdf`, with an index that is a stream; `members` are further numbers, each with the object stream it is in.
pub fn pdf_with(objects: &[impl AsRef<[u8]>], members: &[(u32, u32)]) -> Vec<u8> {
    let (mut file, offsets) = numbered(objects);
    let table = file.len();
    let (mut entries, mut index) = (Vec::new(), format!("1 {}", objects.len()));
    for offset in offsets {
        entries.push(1);
        entries.extend((offset as u32).to_be_bytes());
    }
    for (number, stream) in members {
        entries.push(2);
        entries.extend(stream.to_be_bytes());
        index += &format!(" {number} 1");
    }
    let number = objects.len() + 1;
    let index = stream(&format!("/Type/XRef/Size 9/W[1 4 0]/Index[{index}]/Root 1 0 R"), &entries);
    file.extend(format!("{number} 0 obj\n").into_bytes());
    file.extend(index);
    file.extend(format!("\nendobj\nstartxref\n{table}\n%%EOF\n").into_bytes());
    file
}

pub fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("<<{dictionary}/Length {}>>stream\n", content.len());
    [head.as_bytes(), content, b"\nendstream"].concat()
}

pub fn glb(json: &str, binary: &[u8]) -> Vec<u8> {
    let json = json.to_owned() + &" ".repeat(json.len().next_multiple_of(4) - json.len());
    let mut file = b"glTF\x02\0\0\0".to_vec();
    let length = 20 + json.len() + if binary.is_empty() { 0 } else { 8 + binary.len() };
    file.extend((length as u32).to_le_bytes());
    file.extend((json.len() as u32).to_le_bytes());
    file.extend(b"JSON");
    file.extend(json.into_bytes());
    if !binary.is_empty() {
        file.extend((binary.len() as u32).to_le_bytes());
        file.extend(b"BIN\0");
        file.extend(binary);
    }
    file
}

pub fn mp4_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes(), kind.as_slice(), content].concat()
}

/// `content` with `bytes` at `by` behind the first `mark`.
pub fn patched(content: &[u8], mark: &[u8], by: usize, bytes: &[u8]) -> Vec<u8> {
    let at = content.windows(mark.len()).position(|window| window == mark).unwrap() + mark.len() + by;
    let mut content = content.to_vec();
    content[at..at + bytes.len()].copy_from_slice(bytes);
    content
}
