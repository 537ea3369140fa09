//! Wavefront OBJ: one pass over its lines, of which none is kept.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::super::details::{Details, Dimensions};
use super::super::error::{Result, unreadable};
use super::super::reader::Reader;
use super::bounds::Bounds;

/// The longest line that is looked at, in bytes. Longer faces are passed over.
const MAX_LINE: usize = 8 << 10;
/// More names of materials are not counted.
const MAX_MATERIALS: usize = 100_000;

#[derive(Debug)]
struct Model {
    lines: u64,
    vertices: u64,
    bounds: Bounds,
    /// Hashes of the names.
    materials: HashSet<u64>,
    /// The highest vertex that a face has, and the line.
    highest: (u64, u64),
}

pub(in super::super) fn obj(reader: &mut Reader<'_>) -> Result<Details> {
    let mut details = Details::default();
    if !reader.affords_all() {
        details.warn("the file is too large to count its vertices");
        return Ok(details);
    }
    let mut model =
        Model { lines: 1, vertices: 0, bounds: Bounds::NOTHING, materials: HashSet::new(), highest: (0, 0) };
    let mut line = Line::default();
    loop {
        let bytes = reader.some("lines")?;
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len() as u64;
        for byte in bytes {
            if *byte == b'\n' {
                if !line.goes_on() {
                    model.line(&line)?;
                    line.clear();
                }
                model.lines += 1;
            } else {
                line.push(*byte);
            }
        }
        reader.skip(length);
    }
    model.line(&line)?;
    model.tell(details)
}

/// A line as far as it is looked at.
#[derive(Debug, Default)]
struct Line {
    bytes: Vec<u8>,
    cut: bool,
}

impl Line {
    fn push(&mut self, byte: u8) {
        if self.bytes.len() < MAX_LINE {
            self.bytes.push(byte);
        } else {
            self.cut = true;
        }
    }

    /// Whether a backslash at its end joins the next line to it.
    fn goes_on(&mut self) -> bool {
        if self.bytes.last() == Some(&b'\r') {
            self.bytes.pop();
        }
        let goes_on = !self.cut && self.bytes.last() == Some(&b'\\');
        if goes_on {
            self.bytes.pop();
            self.push(b' ');
        }
        goes_on
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.cut = false;
    }
}

impl Model {
    fn line(&mut self, line: &Line) -> Result<()> {
        let n = self.lines;
        if line.bytes.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()) {
            return unreadable(format!("line {n} is no text"));
        }
        let words = line.bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let mut words = words.take_while(|word| !word.starts_with(b"#"));
        match words.next().unwrap_or_default() {
            b"v" if line.cut => {
                return unreadable(format!("line {n}, a vertex, is longer than {MAX_LINE} bytes"));
            }
            b"v" => {
                let mut number =
                    || text(words.next()?).parse::<f64>().ok().filter(|number| number.is_finite());
                let (Some(x), Some(y), Some(z)) = (number(), number(), number()) else {
                    return unreadable(format!("line {n}, a vertex, does not have three finite numbers"));
                };
                self.vertices += 1;
                self.bounds.add([x, y, z]);
            }
            b"f" if !line.cut => {
                for word in words {
                    self.corner(text(word).split('/').next().unwrap_or_default(), n)?;
                }
            }
            b"usemtl" if self.materials.len() < MAX_MATERIALS => {
                let mut hasher = DefaultHasher::new();
                words.collect::<Vec<_>>().hash(&mut hasher);
                self.materials.insert(hasher.finish());
            }
            _ => {}
        }
        Ok(())
    }

    /// A face's corner: a vertex by number from 1 on, or backwards from the last one with -1.
    fn corner(&mut self, word: &str, n: u64) -> Result<()> {
        match word.parse::<i64>() {
            Ok(back @ ..=-1) if back.unsigned_abs() <= self.vertices => {}
            // It may come later.
            Ok(number @ 1..) => self.highest = self.highest.max((number.unsigned_abs(), n)),
            _ => return unreadable(format!("line {n}, a face, has a corner that is no vertex")),
        }
        Ok(())
    }

    fn tell(self, mut details: Details) -> Result<Details> {
        let (highest, n) = self.highest;
        if highest > self.vertices {
            return unreadable(format!("line {n}, a face, has vertex {highest} of {}", self.vertices));
        }
        if self.vertices == 0 {
            return unreadable("the model has no vertices");
        }
        details.vertex_count = Some(self.vertices);
        details.dimensions = self.bounds.extent().map(Dimensions::Space);
        if self.materials.len() < MAX_MATERIALS {
            details.material_count = Some(self.materials.len() as u64);
        } else {
            details.warn("the model has too many materials to count them");
        }
        Ok(details)
    }
}

/// Names may be in any encoding; only numbers are read as text.
fn text(word: &[u8]) -> &str {
    std::str::from_utf8(word).unwrap_or("\u{fffd}")
}
