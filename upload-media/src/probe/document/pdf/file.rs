//! Objects by place and by number.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::filter::{Packed, unpack};
use super::object::{Dictionary, Flaw, Lexer, Object};
use super::xref::{Place, Places};
use super::{Reader, Result};

/// An object is read in pieces from the first to the last of these sizes, in bytes.
const SMALL: u64 = 1 << 10;
const LARGE: u64 = 4 << 20;
/// The largest stream that is unpacked, in bytes, packed and unpacked.
const MAX_STREAM: u64 = 8 << 20;
/// Object streams that are kept unpacked.
const KEPT: usize = 2;
/// Most objects in one object stream.
const MAX_MEMBERS: u64 = 100_000;

pub(super) struct File<'a, 'b> {
    pub(super) reader: &'a mut Reader<'b>,
    pub(super) places: Places,
    /// Encrypted: streams and texts cannot be read, all else can.
    pub(super) encrypted: bool,
    members: VecDeque<(u32, Rc<Members>)>,
}

/// An object that stands by itself.
#[derive(Debug)]
pub(super) struct Indirect {
    pub(super) number: u32,
    pub(super) object: Object,
    /// Where its stream begins, if it has one.
    pub(super) stream: Option<u64>,
}

/// The content of an object stream: objects by number, and where they begin.
#[derive(Debug)]
struct Members {
    content: Vec<u8>,
    starts: HashMap<u32, usize>,
}

impl<'a, 'b> File<'a, 'b> {
    pub(super) fn new(reader: &'a mut Reader<'b>) -> Self {
        Self { reader, places: Places::default(), encrypted: false, members: VecDeque::new() }
    }

    /// As [`new`](Self::new), with known places.
    pub(super) fn with(reader: &'a mut Reader<'b>, places: Places) -> Self {
        Self { places, ..Self::new(reader) }
    }

    /// Reads something at a place with `read`, from as few bytes as it needs.
    fn growing<T>(
        &mut self,
        at: u64,
        read: impl Fn(&mut Lexer<'_>) -> std::result::Result<T, Flaw>,
    ) -> Result<Option<T>> {
        let mut size = SMALL;
        loop {
            self.reader.go(at);
            let there = self.reader.left().min(size);
            let bytes = self.reader.vec(there, "objects")?;
            let mut lexer = Lexer::new(&bytes);
            let found = read(&mut lexer);
            self.reader.work(lexer.at() as u64)?;
            match found {
                Ok(found) => return Ok(Some(found)),
                Err(Flaw::Ends) if there == size && size < LARGE => size *= 4,
                Err(_) => return Ok(None),
            }
        }
    }

    /// The dictionary at a place.
    pub(super) fn dictionary(&mut self, at: u64) -> Result<Option<Dictionary>> {
        let object = self.growing(at, |lexer| lexer.next())?;
        Ok(object.and_then(|object| match object {
            Object::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        }))
    }

    /// The numbered object at a place.
    pub(super) fn indirect(&mut self, at: u64) -> Result<Option<Indirect>> {
        self.growing(at, |lexer| {
            let head = [lexer.next()?, lexer.next()?, lexer.next()?];
            let [Object::Number(number), Object::Number(_), Object::Word(word)] = head else {
                return Err(Flaw::Broken);
            };
            if word != b"obj" {
                return Err(Flaw::Broken);
            }
            let object = lexer.next()?;
            let stream = match (&object, lexer.next()) {
                (Object::Dictionary(_), Ok(Object::Word(word))) if word == b"stream" => {
                    // Behind a line end, which a lone carriage return is not.
                    let length = match lexer.rest() {
                        [b'\r', b'\n', ..] => 2,
                        [b'\n' | b'\r', ..] => 1,
                        [] => return Err(Flaw::Ends),
                        _ => 0,
                    };
                    Some(at + (lexer.at() + length) as u64)
                }
                // At the end of a cut file nothing needs to follow.
                (_, Err(Flaw::Broken) | Ok(_)) => None,
                (Object::Number(_) | Object::Word(_), Err(Flaw::Ends)) => return Err(Flaw::Ends),
                (_, Err(Flaw::Ends)) => None,
            };
            Ok(Indirect { number: number as u32, object, stream })
        })
    }

    /// The unpacked stream at a place, of this packed length. `None` if it cannot be unpacked.
    pub(super) fn unpacked(
        &mut self,
        dictionary: &Dictionary,
        at: u64,
        length: u64,
    ) -> Result<Option<Vec<u8>>> {
        self.reader.go(at);
        if length > MAX_STREAM || length > self.reader.left() {
            return Ok(None);
        }
        let packed = self.reader.vec(length, "streams")?;
        let limit = self.reader.may_inflate().min(MAX_STREAM);
        let unpacked = unpack(dictionary, packed, usize::try_from(limit).unwrap_or(usize::MAX));
        self.reader.has_inflated(match &unpacked {
            Ok(content) => content.len() as u64,
            Err(Packed::TooLarge) => limit,
            Err(Packed::Unknown) => length,
        });
        Ok(unpacked.ok())
    }

    /// The object with a number; `Null` where there is none.
    pub(super) fn get(&mut self, number: u32) -> Result<Object> {
        match self.places.get(number) {
            Some(Place::At(at)) => {
                let found = self.indirect(at)?.filter(|indirect| indirect.number == number);
                Ok(found.map_or(Object::Null, |indirect| indirect.object))
            }
            Some(Place::In(stream)) => self.member(stream, number),
            _ => Ok(Object::Null),
        }
    }

    /// What an object refers to; itself if it is no reference. A reference leads to no other one.
    pub(super) fn follow(&mut self, object: &Object) -> Result<Object> {
        match object {
            Object::Reference(number) => self.get(*number),
            other => Ok(other.clone()),
        }
    }

    /// The dictionary that an object is or refers to, empty otherwise.
    pub(super) fn follow_dictionary(&mut self, object: &Object) -> Result<Dictionary> {
        Ok(match self.follow(object)? {
            Object::Dictionary(dictionary) => dictionary,
            _ => Dictionary::default(),
        })
    }

    /// The unpacked stream with a number, and its dictionary.
    pub(super) fn stream(&mut self, number: u32) -> Result<Option<(Dictionary, Vec<u8>)>> {
        let Some(Place::At(at)) = self.places.get(number).filter(|_| !self.encrypted) else {
            return Ok(None);
        };
        let Some(Indirect { number: found, object: Object::Dictionary(dictionary), stream: Some(start) }) =
            self.indirect(at)?
        else {
            return Ok(None);
        };
        let length = match dictionary.get(b"Length") {
            // Not in an object stream, whose own length may be asked for just now.
            Object::Reference(length) => match self.places.get(*length) {
                Some(Place::At(_)) => self.get(*length)?.integer(),
                _ => None,
            },
            length => length.integer(),
        };
        let Some(length) = length.filter(|_| found == number) else { return Ok(None) };
        Ok(self.unpacked(&dictionary, start, length)?.map(|content| (dictionary, content)))
    }

    /// An object in an object stream (section 7.5.7).
    fn member(&mut self, stream: u32, number: u32) -> Result<Object> {
        let known = self.members.iter().find(|(known, _)| *known == stream).map(|(_, m)| Rc::clone(m));
        let members = match known {
            Some(members) => members,
            None => {
                let members = Rc::new(self.stream(stream)?.map_or(
                    Members { content: Vec::new(), starts: HashMap::new() },
                    |(dictionary, content)| Members::new(&dictionary, content),
                ));
                self.members.truncate(KEPT - 1);
                self.members.push_front((stream, Rc::clone(&members)));
                members
            }
        };
        let start = members.starts.get(&number).copied();
        let bytes = start.and_then(|start| members.content.get(start..)).unwrap_or_default();
        let mut lexer = Lexer::new(bytes);
        let object = lexer.next().unwrap_or(Object::Null);
        self.reader.work(lexer.at() as u64)?;
        Ok(object)
    }
}

impl Members {
    fn new(dictionary: &Dictionary, content: Vec<u8>) -> Self {
        let count = dictionary.get(b"N").integer().unwrap_or(0).min(MAX_MEMBERS);
        let first = dictionary.get(b"First").integer().unwrap_or(u64::MAX);
        let mut starts = HashMap::new();
        let mut lexer = Lexer::of_content(&content);
        for _ in 0..count {
            let (Ok(Object::Number(number)), Ok(Object::Number(start))) = (lexer.next(), lexer.next()) else {
                break;
            };
            let start = usize::try_from(first.saturating_add(start as u64)).unwrap_or(usize::MAX);
            starts.insert(number as u32, start);
        }
        Self { content, starts }
    }
}
