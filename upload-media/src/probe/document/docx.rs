//! DOCX (ECMA-376): the words of its main part. It has no pages before somebody lays it out.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;

use quick_xml::events::Event;
use zip::ZipArchive;

use super::super::details::Details;
use super::super::error::{Result, unreadable};
use super::super::reader::Reader;
use super::words::Words;

/// Bytes that opening the archive may read: a directory costs some times its size in memory.
const DIRECTORY: u64 = 2 << 20;
/// More parts are no document.
const MAX_PARTS: usize = 10_000;
/// The longest piece between two tags, in bytes.
const MAX_PIECE: u64 = 1 << 20;
const MAX_DEPTH: u32 = 256;

const RELATIONS: &str = "_rels/.rels";
const MAIN: &str = "word/document.xml";

pub(in super::super) fn docx(reader: &mut Reader<'_>, words: &mut Words) -> Result<Details> {
    let mut details = Details::default();
    let allowed = Rc::new(Cell::new(DIRECTORY));
    let inflatable = reader.may_inflate();
    let counted = Counted { reader, allowed: Rc::clone(&allowed) };
    let mut archive = match ZipArchive::new(counted) {
        Ok(archive) => archive,
        Err(error) => return unreadable(format!("the package cannot be read: {error}")),
    };
    if archive.len() > MAX_PARTS {
        return unreadable(format!("the package has {} parts, more than any document", archive.len()));
    }
    for name in archive.file_names() {
        let Ok(name) = name else { return unreadable("the package has a part whose name cannot be read") };
        if name.ends_with("vbaProject.bin") {
            details.warn("the document has macros");
        }
        if name.starts_with('/') || name.split(['/', '\\']).any(|step| step == "..") {
            details.warn("the package has names that lead out of it");
        }
    }
    allowed.set(u64::MAX);

    let mut inflated = 0;
    let mut main = MAIN.to_owned();
    if archive.index_for_name(RELATIONS).is_some() {
        each_event(&mut archive, RELATIONS, inflatable, &mut inflated, |event| {
            if let Event::Start(element) | Event::Empty(element) = event
                && let Some(target) = main_part(element)
            {
                main = target;
            }
        })?;
    }
    let mut text = Text { words, is_text: false, fallback: 0 };
    let whole = each_event(&mut archive, &main, inflatable, &mut inflated, |event| text.event(event))?;
    if whole {
        details.word_count = Some(words.count);
    } else {
        words.truncate();
        details.warn("the document is too large to read all its words");
    }
    Ok(details)
}

/// The target of a relation to the main part.
fn main_part(element: &quick_xml::events::BytesStart<'_>) -> Option<String> {
    let attribute = |name: &str| {
        let found = element.try_get_attribute(name).ok().flatten()?;
        Some(found.value.into_owned())
    };
    attribute("Type").filter(|kind| kind.ends_with("/officeDocument"))?;
    Some(attribute("Target")?.trim_start_matches('/').to_owned())
}

/// Gives each event of a part to `see`. False if the part is larger than what may still be inflated.
fn each_event(
    archive: &mut ZipArchive<Counted<'_, '_>>,
    name: &str,
    inflatable: u64,
    inflated: &mut u64,
    mut see: impl FnMut(&Event<'_>),
) -> Result<bool> {
    let part = match archive.by_name(name) {
        Ok(part) => part,
        Err(error) => return unreadable(format!("the package's part {name} cannot be read: {error}")),
    };
    let left = inflatable.saturating_sub(*inflated);
    let piece = Rc::new(Cell::new(0));
    let bounded = Bounded { inner: BufReader::new(part), left, piece: Rc::clone(&piece), overrun: false };
    let mut xml = quick_xml::Reader::from_reader(bounded);
    let (mut buffer, mut depth) = (Vec::new(), 0_u32);
    let whole = loop {
        buffer.clear();
        piece.set(0);
        match xml.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break depth == 0,
            Ok(Event::DocType(_)) => {
                return unreadable(format!("the package's part {name} has a document type"));
            }
            Ok(event) => {
                match &event {
                    Event::Start(_) => depth += 1,
                    Event::End(_) => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth > MAX_DEPTH {
                    return unreadable(format!(
                        "the package's part {name} is more than {MAX_DEPTH} elements deep"
                    ));
                }
                see(&event);
            }
            Err(_) if xml.get_ref().overrun => break false,
            Err(error) => {
                return unreadable(format!("the package's part {name} cannot be read: {error}"));
            }
        }
    };
    let overrun = xml.get_ref().overrun;
    *inflated += left - xml.get_ref().left;
    if !whole && !overrun {
        return unreadable(format!("the package's part {name} ends inside of an element"));
    }
    Ok(whole)
}

/// The words of a main part.
#[derive(Debug)]
struct Text<'a> {
    words: &'a mut Words,
    /// Inside of text: between the tags is white space of the markup otherwise.
    is_text: bool,
    /// How deep inside of a second form of what stands before it.
    fallback: u32,
}

impl Text<'_> {
    /// What stands between words.
    fn gap(&mut self, name: &str) {
        match name {
            "p" => self.words.end_paragraph(),
            "br" | "cr" => self.words.end_line(),
            "tab" | "ptab" => self.words.end(),
            _ => {}
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(element) => match element.local_name().into_inner() {
                "Fallback" => self.fallback += 1,
                "t" => self.is_text = true,
                name => self.gap(name),
            },
            Event::Empty(element) => self.gap(element.local_name().into_inner()),
            Event::End(element) => match element.local_name().into_inner() {
                "Fallback" => self.fallback = self.fallback.saturating_sub(1),
                "t" => self.is_text = false,
                "p" => self.words.end_paragraph(),
                _ => {}
            },
            _ if !self.is_text || self.fallback > 0 => {}
            Event::Text(text) => self.words.push_all(text),
            Event::CData(text) => self.words.push_all(text),
            Event::GeneralRef(reference) => {
                // Named ones are no white space.
                let number = reference.resolve_char_ref().ok().flatten();
                let named = || quick_xml::escape::resolve_predefined_entity(reference);
                let named = || named().and_then(|named| named.chars().next());
                self.words.push(number.or_else(named).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => {}
        }
    }
}

/// The file, of which so many bytes may be read until more are allowed.
struct Counted<'a, 'b> {
    reader: &'a mut Reader<'b>,
    allowed: Rc<Cell<u64>>,
}

impl Read for Counted<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(into)?;
        match self.allowed.get().checked_sub(read as u64) {
            Some(left) => self.allowed.set(left),
            None => return Err(io::Error::other("its directory is too large")),
        }
        Ok(read)
    }
}

impl Seek for Counted<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}

/// A part, of which only so much may come, and so much at once.
struct Bounded<R> {
    inner: R,
    left: u64,
    piece: Rc<Cell<u64>>,
    /// More would have come.
    overrun: bool,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.piece.get() > MAX_PIECE {
            return Err(io::Error::other(format!("a piece of it is longer than {MAX_PIECE} bytes")));
        }
        let bytes = self.inner.fill_buf()?;
        if self.left == 0 && !bytes.is_empty() {
            self.overrun = true;
            return Err(io::Error::other("it is too large"));
        }
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes.get(..length).unwrap_or_default())
    }

    fn consume(&mut self, bytes: usize) {
        self.inner.consume(bytes);
        self.left = self.left.saturating_sub(bytes as u64);
        self.piece.set(self.piece.get() + bytes as u64);
    }
}
