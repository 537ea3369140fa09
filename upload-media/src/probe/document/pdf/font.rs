//! What the codes of a font mean (ISO 32000-2, sections 9.6 to 9.10).

use std::collections::HashMap;

use super::Result;
use super::encoding::{self, Encoding, UNKNOWN};
use super::file::File;
use super::object::{Dictionary, Lexer, Object};

/// More mappings of one font are not read: a code has two bytes at most.
const MAX_MAPPINGS: usize = 1 << 16;
/// A simple font has so many codes.
const SIMPLE: u32 = 256;

/// What one code means: up to three characters, as in a ligature; `\0` is none.
pub(super) type Meaning = [char; 3];

#[derive(Debug, Clone)]
pub(super) struct Font {
    /// Bytes of a code.
    pub(super) width: usize,
    meanings: HashMap<u32, Meaning>,
    /// For codes of one byte that are not among these.
    encoding: Option<Encoding>,
}

impl Font {
    /// `None` if the font does not tell what its codes mean.
    pub(super) fn read(file: &mut File<'_, '_>, font: &Dictionary) -> Result<Option<Self>> {
        let is_wide = font.get(b"Subtype").name() == Some(b"Type0");
        let mut meanings = HashMap::new();
        if !is_wide {
            let encoding = file.follow_dictionary(font.get(b"Encoding"))?;
            differences(encoding.get(b"Differences").each(), &mut meanings);
        }
        if let Object::Reference(number) = font.get(b"ToUnicode")
            && let Some((_, map)) = file.stream(*number)?
        {
            file.reader.work(map.len() as u64)?;
            mapped(&map, &mut meanings);
            file.reader.work(meanings.len() as u64)?;
        }
        if is_wide {
            let font = Self { width: 2, meanings, encoding: None };
            return Ok(Some(font).filter(|font| !font.meanings.is_empty()));
        }
        Ok(Some(Self { width: 1, meanings, encoding: Some(base(file, font)?) }))
    }

    /// What a code means; [`UNKNOWN`] if the font does not tell.
    pub(super) fn meaning(&self, code: u32) -> Meaning {
        let told = || {
            let encoding = self.encoding?;
            u8::try_from(code).ok().map(|code| encoding.character(code))
        };
        let found = self.meanings.get(&code).copied();
        found.unwrap_or_else(|| one(told().unwrap_or(UNKNOWN)))
    }

    /// What it takes to keep it, in mappings.
    pub(super) fn weight(&self) -> usize {
        self.meanings.len() + 16
    }
}

fn one(character: char) -> Meaning {
    [character, '\0', '\0']
}

/// The encoding of a simple font, by its name or that of its base.
fn base(file: &mut File<'_, '_>, font: &Dictionary) -> Result<Encoding> {
    let name = font.get(b"BaseFont").name().unwrap_or_default();
    if name.ends_with(b"Symbol") || name.ends_with(b"ZapfDingbats") {
        return Ok(Encoding::Symbols);
    }
    let encoding = file.follow(font.get(b"Encoding"))?;
    let base = encoding.dictionary().map(|encoding| encoding.get(b"BaseEncoding").name());
    Ok(Encoding::named(base.unwrap_or(encoding.name())))
}

/// What an encoding changes: a number, then names for it and those behind.
fn differences(changes: &[Object], meanings: &mut HashMap<u32, Meaning>) {
    let mut code = 0_u32;
    for change in changes {
        match change {
            Object::Number(number) => code = *number as u32,
            Object::Name(name) => {
                if code < SIMPLE {
                    meanings.insert(code, one(encoding::of_name(name)));
                }
                code = code.saturating_add(1);
            }
            _ => {}
        }
    }
}

/// The codes that a CMap maps to characters (section 9.10.3).
fn mapped(map: &[u8], meanings: &mut HashMap<u32, Meaning>) {
    let mut lexer = Lexer::of_content(map);
    let mut operands: Vec<Object> = Vec::new();
    while let Some(operator) = lexer.operator(&mut operands)
        && meanings.len() < MAX_MAPPINGS
    {
        let mut add = |code: u32, meaning: Meaning| {
            if meanings.len() < MAX_MAPPINGS {
                meanings.insert(code, meaning);
            }
        };
        match operator.as_slice() {
            b"endbfchar" => {
                for pair in operands.chunks_exact(2) {
                    if let [Object::Text(code), Object::Text(to)] = pair {
                        add(number(code), meaning(to));
                    }
                }
            }
            b"endbfrange" => {
                for range in operands.chunks_exact(3) {
                    let [Object::Text(from), Object::Text(until), to] = range else { continue };
                    let from = number(from);
                    let codes = from..=number(until).min(from.saturating_add(0xff));
                    match to {
                        Object::Text(to) => {
                            codes.zip(0..).for_each(|(code, by)| add(code, moved(meaning(to), by)));
                        }
                        Object::Array(each) => {
                            let texts = each.iter().map(|to| match to {
                                Object::Text(to) => meaning(to),
                                _ => one(UNKNOWN),
                            });
                            codes.zip(texts).for_each(|(code, meaning)| add(code, meaning));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// A code's number, most significant byte first.
fn number(code: &[u8]) -> u32 {
    code.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// The first characters of UTF-16.
fn meaning(text: &[u8]) -> Meaning {
    let (units, _) = text.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
    let mut told = one(UNKNOWN);
    for (at, character) in told.iter_mut().zip(char::decode_utf16(units)) {
        *at = character.unwrap_or(UNKNOWN);
    }
    told
}

/// The meaning of a later code of a range: its last character is so many on.
fn moved(mut meaning: Meaning, by: u32) -> Meaning {
    if let Some(last) = meaning.iter_mut().rev().find(|character| **character != '\0') {
        *last = u32::from(*last).checked_add(by).and_then(char::from_u32).unwrap_or(UNKNOWN);
    }
    meaning
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_tell_characters() {
        let map = b"1 begincodespacerange <0000> <ffff> endcodespacerange\n\
            3 beginbfchar <0003> <0020> <0004> <00660069> <0005> <D83DDE00> endbfchar\n\
            2 beginbfrange <0010> <0012> <0041> <0020> <0022> [<0061> 7 <0063>] endbfrange";
        let mut meanings = HashMap::new();
        mapped(map, &mut meanings);
        let told = |code: u32| -> String { meanings[&code].iter().filter(|c| **c != '\0').collect() };
        let all: Vec<String> = [3, 4, 5, 0x10, 0x11, 0x12, 0x20, 0x21, 0x22].map(told).into();
        assert_eq!(all, [" ", "fi", "\u{1f600}", "A", "B", "C", "a", "\u{fffd}", "c"]);
        assert_eq!(meanings.len(), 9);
        let mut none = HashMap::new();
        mapped(b"nothing <00> endbfchar <00> <ffffffff> <0041> endbfrange", &mut none);
        assert_eq!(none.len(), 256, "a range is of one last byte");
    }

    #[test]
    fn differences_change_an_encoding() {
        let Ok(Object::Array(changes)) = Lexer::new(b"[1/space/A 32/B 300/C 4000000000/D/E]").next() else {
            panic!()
        };
        let mut meanings = HashMap::new();
        differences(&changes, &mut meanings);
        let font = Font { width: 1, meanings, encoding: Some(Encoding::WinAnsi) };
        let told: String = [1, 2, 32, 65, 300].map(|code| font.meaning(code)[0]).iter().collect();
        assert_eq!(told, " ABA\u{fffd}");
    }
}
