//! The words of content streams (ISO 32000-2, sections 8 and 9). An estimate: a word ends at white space, at a gap,
//! and where the text goes on elsewhere.

use std::collections::HashMap;
use std::rc::Rc;

use super::file::File;
use super::font::Font;
use super::object::{Dictionary, Lexer, Object};
use super::{Result, Words};

/// A gap between glyphs that is as wide as a space, in thousandths of the font's size.
const GAP: f64 = -180.0;
/// How deep content may refer to other content.
const MAX_DEPTH: u32 = 4;
/// How many levels of the page tree a page takes its resources from.
const MAX_PARENTS: usize = 32;
/// The content of one page, in streams and in bytes.
const MAX_STREAMS: usize = 1000;
const MAX_CONTENT: usize = 8 << 20;

/// Fonts that are kept, in mappings.
const MAX_FONTS: usize = 200_000;

const NO_CONTENT: &str = "the document has content that cannot be read: not all its words are known";
const NO_CHARACTERS: &str =
    "the document has a font that does not tell its characters: not all its words are known";

struct Content<'a> {
    words: &'a mut Words,
    fonts: HashMap<u32, Option<Rc<Font>>>,
    /// What the fonts weigh.
    weight: usize,
    /// Why not all words are known.
    unknown: Option<&'static str>,
}

/// Reads the words of these pages. Gives a sentence about why not all are known, if so.
pub(super) fn read(
    file: &mut File<'_, '_>,
    pages: &[u32],
    words: &mut Words,
) -> Result<Option<&'static str>> {
    let mut content = Content { words, fonts: HashMap::new(), weight: 0, unknown: None };
    for page in pages {
        content.page(file, *page)?;
        content.words.end_paragraph();
        // Some words are no count, but better than none to read.
        if content.words.is_full() || (content.unknown.is_some() && !content.words.keeps()) {
            break;
        }
    }
    Ok(content.unknown)
}

/// A page's resources: its own, or those of the nearest level above that has some.
fn resources(file: &mut File<'_, '_>, page: &Dictionary) -> Result<Dictionary> {
    let mut level = page.clone();
    for _ in 0..MAX_PARENTS {
        match level.get(b"Resources") {
            Object::Null => level = file.follow_dictionary(level.get(b"Parent"))?,
            found => return file.follow_dictionary(found),
        }
    }
    Ok(Dictionary::default())
}

impl Content<'_> {
    fn page(&mut self, file: &mut File<'_, '_>, page: u32) -> Result<()> {
        let page = file.follow_dictionary(&Object::Reference(page))?;
        let resources = resources(file, &page)?;
        let contents = file.follow(page.get(b"Contents"))?;
        // A stream's dictionary here means that the reference itself is the content.
        let streams = match (&contents, page.get(b"Contents")) {
            (Object::Array(streams), _) => streams.as_slice(),
            (_, reference) => std::slice::from_ref(reference),
        };
        let mut content = Vec::new();
        for stream in streams.iter().take(MAX_STREAMS).filter_map(Object::reference) {
            match file.stream(stream)? {
                Some((_, more)) if content.len() + more.len() <= MAX_CONTENT => {
                    content.extend(more);
                    content.push(b'\n');
                }
                _ => self.unknown = Some(NO_CONTENT),
            }
        }
        self.content(file, &content, &resources, 0)
    }

    fn content(
        &mut self,
        file: &mut File<'_, '_>,
        content: &[u8],
        resources: &Dictionary,
        depth: u32,
    ) -> Result<()> {
        file.reader.work(content.len() as u64)?;
        let mut lexer = Lexer::of_content(content);
        let mut operands: Vec<Object> = Vec::new();
        let mut font: Option<Rc<Font>> = None;
        // How far down the last line stands.
        let mut line = None;
        while let Some(operator) = lexer.operator(&mut operands) {
            match operator.as_slice() {
                b"Tf" => {
                    let name = operands.first().and_then(Object::name).unwrap_or_default();
                    font = self.font(file, resources, name)?;
                }
                b"Tj" => self.show(font.as_deref(), operands.last()),
                b"'" | b"\"" => {
                    self.words.end_line();
                    self.show(font.as_deref(), operands.last());
                }
                b"TJ" => {
                    for part in operands.last().map(Object::each).unwrap_or_default() {
                        match part {
                            Object::Number(gap) if *gap < GAP => self.words.end(),
                            Object::Number(_) => {}
                            text => self.show(font.as_deref(), Some(text)),
                        }
                    }
                }
                b"Td" | b"TD" => match operands.last() {
                    Some(Object::Number(0.0)) => self.words.end(),
                    _ => self.words.end_line(),
                },
                b"Tm" => {
                    let down = operands.last().cloned();
                    if down == line {
                        self.words.end()
                    } else {
                        self.words.end_line()
                    }
                    line = down;
                }
                b"T*" => self.words.end_line(),
                b"ET" => self.words.end(),
                b"Do" if depth < MAX_DEPTH => {
                    let name = operands.last().and_then(Object::name).unwrap_or_default();
                    self.form(file, resources, name, depth)?;
                }
                b"ID" => pass_image(&mut lexer),
                _ => {}
            }
        }
        Ok(())
    }

    /// The font of this name; each one is read once.
    fn font(
        &mut self,
        file: &mut File<'_, '_>,
        resources: &Dictionary,
        name: &[u8],
    ) -> Result<Option<Rc<Font>>> {
        let fonts = file.follow_dictionary(resources.get(b"Font"))?;
        let reference = fonts.get(name);
        let known = reference.reference().and_then(|number| self.fonts.get(&number));
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let dictionary = file.follow_dictionary(reference)?;
        let font = Font::read(file, &dictionary)?.map(Rc::new);
        if let Some(number) = reference.reference() {
            self.weight += font.as_ref().map_or(1, |font| font.weight());
            if self.weight > MAX_FONTS {
                self.fonts.clear();
                self.weight = 0;
            }
            self.fonts.insert(number, font.clone());
        }
        Ok(font)
    }

    fn show(&mut self, font: Option<&Font>, text: Option<&Object>) {
        let Some(Object::Text(codes)) = text else { return };
        let Some(font) = font else {
            self.unknown = Some(NO_CHARACTERS);
            return;
        };
        for code in codes.chunks(font.width) {
            let code = code.iter().fold(0, |code, byte| code << 8 | u32::from(*byte));
            font.meaning(code)
                .into_iter()
                .filter(|character| *character != '\0')
                .for_each(|c| self.words.push(c));
        }
    }

    /// Content that stands by itself and is used in several places.
    fn form(
        &mut self,
        file: &mut File<'_, '_>,
        resources: &Dictionary,
        name: &[u8],
        depth: u32,
    ) -> Result<()> {
        let objects = file.follow_dictionary(resources.get(b"XObject"))?;
        let Some(number) = objects.get(name).reference() else { return Ok(()) };
        let head = file.get(number)?;
        if head.dictionary().and_then(|head| head.get(b"Subtype").name()) != Some(b"Form") {
            return Ok(());
        }
        let Some((dictionary, content)) = file.stream(number)? else { return Ok(()) };
        let own = match dictionary.get(b"Resources") {
            Object::Null => resources.clone(),
            own => file.follow_dictionary(own)?,
        };
        self.content(file, &content, &own, depth + 1)
    }
}

/// Passes the bytes of an image in the content, up to `EI` between white space.
fn pass_image(lexer: &mut Lexer<'_>) {
    let rest = lexer.rest();
    let is_end = |four: &[u8]| match four {
        [before, b'E', b'I', after] => before.is_ascii_whitespace() && after.is_ascii_whitespace(),
        _ => false,
    };
    let end = rest.windows(4).position(is_end).map_or(rest.len(), |at| at + 3);
    lexer.go(lexer.at() + end);
}
