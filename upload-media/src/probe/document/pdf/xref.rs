//! Where each object is (ISO 32000-2, sections 7.5.4 to 7.5.8).

use std::collections::{HashMap, HashSet};

use super::file::{File, Indirect};
use super::object::{Dictionary, Lexer, Object};
use super::{Reader, Result, unreadable};

/// More objects are not kept.
const MAX_OBJECTS: usize = 400_000;
/// More changes behind each other are not followed.
const MAX_SECTIONS: usize = 1024;
/// How far from the end the start is looked for, in bytes.
const TAIL: u64 = 2 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It was removed.
    Free,
    /// At this byte.
    At(u64),
    /// In this object stream.
    In(u32),
}

/// All places, and the trailer.
#[derive(Debug, Default)]
pub(super) struct Places {
    places: HashMap<u32, Place>,
    pub(super) trailer: Dictionary,
}

impl Places {
    pub(super) fn get(&self, number: u32) -> Option<Place> {
        self.places.get(&number).copied().filter(|place| *place != Place::Free)
    }

    /// The newest section is read first, so the first place counts.
    fn add(&mut self, number: u64, place: Place) -> Result<()> {
        let Ok(number) = u32::try_from(number) else { return Ok(()) };
        if self.places.len() >= MAX_OBJECTS {
            return unreadable(format!("the document has more than {MAX_OBJECTS} objects"));
        }
        self.places.entry(number).or_insert(place);
        Ok(())
    }

    fn add_trailer(&mut self, trailer: Dictionary) {
        if self.trailer == Dictionary::default() {
            self.trailer = trailer;
        }
    }

    /// Follows the sections from the end of the file. `None` if they do not lead to objects.
    pub(super) fn read(file: &mut File<'_, '_>) -> Result<Option<Self>> {
        let Some(mut next) = start(file.reader)? else { return Ok(None) };
        let mut places = Self::default();
        let mut seen = HashSet::new();
        let mut hybrid = None;
        loop {
            if !seen.insert(next) || seen.len() > MAX_SECTIONS {
                return Ok(Some(places).filter(|places| !places.places.is_empty()));
            }
            let Some(trailer) = places.section(file, next)? else { return Ok(None) };
            let previous = trailer.get(b"Prev").integer();
            if hybrid.is_none() {
                // A second form of what the table has, for objects in streams.
                hybrid = trailer.get(b"XRefStm").integer();
                if let Some(stream) = hybrid {
                    places.section(file, stream)?;
                }
            }
            places.add_trailer(trailer);
            match previous {
                Some(previous) => next = previous,
                None => return Ok(Some(places).filter(|places| !places.places.is_empty())),
            }
        }
    }

    fn section(&mut self, file: &mut File<'_, '_>, at: u64) -> Result<Option<Dictionary>> {
        file.reader.go(at);
        let beginning = file.reader.left().min(64);
        let beginning = file.reader.vec(beginning, "cross-reference")?;
        let spaces = beginning.len() - beginning.trim_ascii_start().len();
        if beginning.trim_ascii_start().starts_with(b"xref") {
            self.table(file, at + spaces as u64 + 4)
        } else {
            self.stream(file, at)
        }
    }

    /// Lines of 20 bytes each, in runs that begin with their first number and their count.
    fn table(&mut self, file: &mut File<'_, '_>, mut at: u64) -> Result<Option<Dictionary>> {
        const TABLE: &str = "cross-reference table";
        loop {
            file.reader.go(at);
            let beginning = file.reader.left().min(64);
            let beginning = file.reader.vec(beginning, TABLE)?;
            let mut lexer = Lexer::of_content(&beginning);
            let (first, count) = match (lexer.next(), lexer.next()) {
                (Ok(Object::Word(word)), _) if word == b"trailer" => {
                    let within =
                        Lexer::new(&beginning).rest().windows(7).position(|seven| seven == b"trailer");
                    return file.dictionary(at + within.unwrap_or(0) as u64 + 7);
                }
                (Ok(Object::Number(first)), Ok(Object::Number(count))) => (first as u64, count as u64),
                _ => return Ok(None),
            };
            let spaces = lexer.rest().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            at += (lexer.at() + spaces) as u64;
            file.reader.go(at);
            for number in first..first.saturating_add(count) {
                let line: [u8; 20] = file.reader.array(TABLE)?;
                let Some(place) = line_place(&line) else { return Ok(None) };
                self.add(number, place)?;
            }
            at = file.reader.at();
        }
    }

    /// Numbers of one to three fields, packed.
    fn stream(&mut self, file: &mut File<'_, '_>, at: u64) -> Result<Option<Dictionary>> {
        let Some(Indirect { object: Object::Dictionary(trailer), stream: Some(stream), .. }) =
            file.indirect(at)?
        else {
            return Ok(None);
        };
        let widths: Vec<usize> =
            trailer.get(b"W").each().iter().map(|width| width.integer().unwrap_or(99) as usize).collect();
        let [kind, second, third] = widths[..] else { return Ok(None) };
        if [kind, second, third].iter().any(|width| *width > 8) || kind + second + third == 0 {
            return Ok(None);
        }
        // The length stands here itself: nothing is known of other objects yet.
        let Some(length) = trailer.get(b"Length").integer() else { return Ok(None) };
        let Some(content) = file.unpacked(&trailer, stream, length)? else { return Ok(None) };
        let size = [Object::Number(0.0), trailer.get(b"Size").clone()];
        let index = match trailer.get(b"Index") {
            Object::Array(index) => index.as_slice(),
            _ => &size,
        };
        let mut entries = content.chunks_exact(kind + second + third);
        for run in index.chunks_exact(2) {
            let [Some(first), Some(count)] = [run.first(), run.last()].map(|n| n.and_then(Object::integer))
            else {
                return Ok(None);
            };
            for (number, entry) in (first..first.saturating_add(count)).zip(&mut entries) {
                let (kind_field, fields) = entry.split_at_checked(kind).unwrap_or_default();
                let (second_field, _) = fields.split_at_checked(second).unwrap_or_default();
                let value = number_of(second_field);
                let place = match if kind == 0 { 1 } else { number_of(kind_field) } {
                    0 => Place::Free,
                    1 => Place::At(value),
                    2 => Place::In(u32::try_from(value).unwrap_or(u32::MAX)),
                    _ => continue,
                };
                self.add(number, place)?;
            }
        }
        Ok(Some(trailer))
    }

    /// Finds objects by their look: the last of each number counts. For files that were cut or changed by hand.
    pub(super) fn rebuild(file: &mut File<'_, '_>) -> Result<Self> {
        let mut places = Self::default();
        let mut block = Vec::new();
        let mut start = 0;
        file.reader.go(0);
        loop {
            let bytes = file.reader.some("objects")?;
            let (length, last) = (bytes.len(), bytes.is_empty());
            block.extend_from_slice(bytes);
            file.reader.skip(length as u64);
            // What may go on in the next block is looked at again there.
            let until = if last { block.len() } else { block.len().saturating_sub(32) };
            for at in 0..until {
                let here = block.get(at..).unwrap_or_default();
                if here.starts_with(b" obj")
                    && let Some((number, from)) = number_before(&block, at)
                {
                    if places.places.len() >= MAX_OBJECTS {
                        return unreadable(format!("the document has more than {MAX_OBJECTS} objects"));
                    }
                    places.places.insert(number, Place::At(start + from as u64));
                } else if here.starts_with(b"trailer") {
                    let position = file.reader.at();
                    if let Some(trailer) = file.dictionary(start + at as u64 + 7)?
                        && *trailer.get(b"Root") != Object::Null
                    {
                        places.trailer = trailer;
                    }
                    file.reader.go(position);
                }
            }
            if last {
                return Ok(places);
            }
            // Some bytes before are kept: the numbers stand before the word.
            let kept = until.saturating_sub(32);
            start += kept as u64;
            block.drain(..kept);
        }
    }
}

/// The number that `startxref` names.
fn start(reader: &mut Reader<'_>) -> Result<Option<u64>> {
    let length = reader.length().min(TAIL);
    reader.go(reader.length() - length);
    let tail = reader.vec(length, "end")?;
    let Some(at) = tail.windows(9).rposition(|nine| nine == b"startxref") else { return Ok(None) };
    let number = Lexer::of_content(tail.get(at + 9..).unwrap_or_default()).next();
    Ok(number.ok().and_then(|number| number.integer()).filter(|at| *at < reader.length()))
}

/// `nnnnnnnnnn ggggg n` and two bytes of line end.
fn line_place(line: &[u8; 20]) -> Option<Place> {
    let (offset, rest) = line.split_at_checked(10)?;
    let offset = std::str::from_utf8(offset).ok()?.parse().ok()?;
    match rest.get(7)? {
        b'n' => Some(Place::At(offset)),
        b'f' => Some(Place::Free),
        _ => None,
    }
}

/// Most significant byte first.
fn number_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The object's number of `12 0 obj`, when ` obj` stands at `at`, and where it begins.
fn number_before(block: &[u8], at: usize) -> Option<(u32, usize)> {
    let before = block.get(..at)?;
    let digits = |bytes: &[u8]| bytes.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let generation = digits(before);
    let rest = before.get(..at - generation)?;
    let spaces = rest.len() - rest.trim_ascii_end().len();
    let rest = rest.get(..rest.len() - spaces)?;
    let length = digits(rest);
    if generation == 0 || spaces == 0 || length == 0 {
        return None;
    }
    let number = rest.get(rest.len() - length..)?;
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, rest.len() - length))
}
