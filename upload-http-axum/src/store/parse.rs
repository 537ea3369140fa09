//! From headers and bodies to what the engine takes: pure and synchronous.

use http::{HeaderMap, HeaderName, header};
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};
use upload_checksum::{Algorithm, Digest};

use super::render::Failure;
use super::wire::{Listed, MAX_PARTS};
use crate::request::essence;

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// Checks that a request's headers are those that its grant was made for: a media type, after normalising both, and a
/// digest that is told must be the granted one. `Err` is a sentence.
pub(super) fn as_signed(
    headers: &HeaderMap,
    content_type: Option<&str>,
    digest: Option<&Digest>,
) -> Result<(), String> {
    // Which of two would count?
    if [header::CONTENT_TYPE, CONTENT_MD5].iter().any(|name| headers.get_all(name).iter().count() > 1) {
        return Err("the request has a Content-Type or a Content-MD5 twice".to_owned());
    }
    if let Some(granted) = content_type {
        let got = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if got.map(essence).is_none_or(|got| got != essence(granted)) {
            return Err(format!(
                "the request was signed for Content-Type {granted}; got {}",
                got.map_or_else(|| "none".to_owned(), shown)
            ));
        }
    }
    let told = headers.get(CONTENT_MD5);
    if let Some(told) = told {
        let told = told.to_str().ok().and_then(|text| Digest::from_base64(Algorithm::Md5, text.trim()).ok());
        if told.is_none() || told.as_ref() != digest {
            return Err("the request was signed for another Content-MD5".to_owned());
        }
    }
    Ok(())
}

fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

/// The parts that a `CompleteMultipartUpload` lists, in order.
pub(super) fn manifest(body: &[u8]) -> Result<Vec<Listed>, Failure> {
    let text = std::str::from_utf8(body).map_err(|_| malformed("it is not UTF-8"))?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut manifest = Manifest::default();
    loop {
        match reader.read_event().map_err(|e| malformed(&e.to_string()))? {
            Event::Start(tag) => manifest.open(tag.local_name().as_ref())?,
            Event::End(_) => manifest.close()?,
            Event::Empty(tag) => {
                manifest.open(tag.local_name().as_ref())?;
                manifest.close()?;
            }
            Event::Text(text) => manifest.text(&text.xml10_content())?,
            Event::CData(text) => manifest.text(&text.xml10_content())?,
            Event::GeneralRef(entity) => manifest.text(&resolved(&entity)?)?,
            Event::Decl(_) if manifest.place == Place::Before => {}
            Event::Comment(_) => {}
            Event::Eof => return manifest.end(),
            Event::Decl(_) | Event::DocType(_) | Event::PI(_) => {
                return Err(malformed("declarations and instructions are not taken"));
            }
        }
    }
}

/// The five entities that XML knows by itself, and characters by their number. No others: they would have to be declared.
fn resolved(entity: &BytesRef<'_>) -> Result<String, Failure> {
    let unknown = || malformed("it has an unknown entity");
    match entity.resolve_char_ref() {
        Ok(Some(c)) => Ok(c.to_string()),
        Ok(None) => resolve_predefined_entity(&entity.xml10_content()).map(str::to_owned).ok_or_else(unknown),
        Err(_) => Err(unknown()),
    }
}

/// A manifest as far as it was read.
#[derive(Default)]
struct Manifest {
    place: Place,
    parts: Vec<Listed>,
    number: Option<String>,
    etag: Option<String>,
    /// The text of the element that is open.
    text: String,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    Parts,
    Part,
    Number,
    Etag,
    /// Something of a part that is not needed, such as a checksum.
    Other,
    After,
}

impl Manifest {
    fn open(&mut self, name: &str) -> Result<(), Failure> {
        self.text.clear();
        self.place = match (self.place, name) {
            (Place::Before, "CompleteMultipartUpload") => Place::Parts,
            (Place::Parts, "Part") => Place::Part,
            (Place::Part, "PartNumber") if self.number.is_none() => Place::Number,
            (Place::Part, "ETag") if self.etag.is_none() => Place::Etag,
            (Place::Part, other) if other.starts_with("Checksum") => Place::Other,
            (_, other) => return Err(malformed(&format!("it has an element {} out of place", shown(other)))),
        };
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        if matches!(self.place, Place::Number | Place::Etag) {
            self.text.push_str(text);
        } else if self.place != Place::Other && !text.trim().is_empty() {
            return Err(malformed("it has text out of place"));
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.place = match self.place {
            Place::Number => {
                self.number = Some(std::mem::take(&mut self.text));
                Place::Part
            }
            Place::Etag => {
                self.etag = Some(std::mem::take(&mut self.text));
                Place::Part
            }
            Place::Other => Place::Part,
            Place::Part => {
                self.part()?;
                Place::Parts
            }
            Place::Parts => Place::After,
            Place::Before | Place::After => return Err(malformed("an element is closed that was not open")),
        };
        Ok(())
    }

    fn part(&mut self) -> Result<(), Failure> {
        let number = self.number.take().unwrap_or_default();
        let number = part_number(number.trim())
            .ok_or_else(|| malformed(&format!("PartNumber must be from 1 to {MAX_PARTS}")))?;
        let etag = self.etag.take().ok_or_else(|| malformed("a part has no ETag"))?;
        if let Some(last) = self.parts.last().filter(|last| last.number >= number) {
            return Err(Failure::Order { number, after: last.number });
        }
        let etag = etag.trim().trim_matches('"').to_ascii_lowercase();
        self.parts.push(Listed { number, etag });
        Ok(())
    }

    fn end(self) -> Result<Vec<Listed>, Failure> {
        match self.place {
            Place::After if !self.parts.is_empty() => Ok(self.parts),
            Place::After => Err(malformed("it lists no parts")),
            _ => Err(malformed("it ends before its end")),
        }
    }
}

/// The number of a part, in digits.
pub(crate) fn part_number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.filter(|number| (1..=MAX_PARTS).contains(number))
}

fn malformed(why: &str) -> Failure {
    Failure::Malformed(why.to_owned())
}
