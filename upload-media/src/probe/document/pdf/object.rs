//! Objects (ISO 32000-2, section 7.3) and the lexer that reads them.

/// How deep arrays and dictionaries may lie in each other.
const MAX_DEPTH: u32 = 64;
/// How many parts one object may have: an object costs some times its size in memory.
const MAX_PARTS: u32 = 200_000;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Object {
    Null,
    /// Integers are exact up to 2^53.
    Number(f64),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Array(Vec<Object>),
    Dictionary(Dictionary),
    /// The object with this number.
    Reference(u32),
    /// Anything else: `true`, an operator.
    Word(Vec<u8>),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Dictionary(Vec<(Vec<u8>, Object)>);

/// Why there is no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The bytes end inside of it.
    Ends,
    /// It is none, or too deep or too large.
    Broken,
}

impl Object {
    pub(super) fn integer(&self) -> Option<u64> {
        match self {
            Self::Number(number) if *number >= 0.0 && *number < 9e15 => Some(*number as u64),
            _ => None,
        }
    }

    pub(super) fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn dictionary(&self) -> Option<&Dictionary> {
        match self {
            Self::Dictionary(dictionary) => Some(dictionary),
            _ => None,
        }
    }

    pub(super) fn reference(&self) -> Option<u32> {
        match self {
            Self::Reference(number) => Some(*number),
            _ => None,
        }
    }

    /// The entries of an array; of anything else itself.
    pub(super) fn each(&self) -> &[Self] {
        match self {
            Self::Array(entries) => entries,
            Self::Null => &[],
            other => std::slice::from_ref(other),
        }
    }
}

impl Dictionary {
    /// The value of a key, `Null` if there is none.
    pub(super) fn get(&self, key: &[u8]) -> &Object {
        self.0.iter().find(|(name, _)| name == key).map_or(&Object::Null, |(_, value)| value)
    }
}

/// Reads objects from bytes.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    parts: u32,
    /// Whether `1 0 R` is a reference; in content it is three operands.
    references: bool,
}

fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, parts: 0, references: true }
    }

    /// For a content stream, which has no references.
    pub(super) fn of_content(bytes: &'a [u8]) -> Self {
        Self { references: false, ..Self::new(bytes) }
    }

    /// Where the next byte is.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn go(&mut self, at: usize) {
        self.at = at;
    }

    /// The next object or word. Each call goes on by a byte at least, or ends.
    pub(super) fn next(&mut self) -> Result<Object, Flaw> {
        self.parts = 0;
        self.object(0)
    }

    /// The next word, and the objects before it. Of too many only the last ones are there.
    pub(super) fn operator(&mut self, operands: &mut Vec<Object>) -> Option<Vec<u8>> {
        operands.clear();
        let mut parts = 0;
        loop {
            match self.next().ok()? {
                Object::Word(operator) => return Some(operator),
                operand => operands.push(operand),
            }
            parts += self.parts;
            if parts > MAX_PARTS {
                operands.clear();
                parts = 0;
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Passes white space and comments.
    fn pass_space(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let line = self.rest().iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                self.at = line.map_or(self.bytes.len(), |line| self.at + line);
            } else if is_space(byte) {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    fn object(&mut self, depth: u32) -> Result<Object, Flaw> {
        self.pass_space();
        self.parts += 1;
        if depth > MAX_DEPTH || self.parts > MAX_PARTS {
            return Err(Flaw::Broken);
        }
        let byte = self.peek().ok_or(Flaw::Ends)?;
        match byte {
            b'/' => {
                self.at += 1;
                Ok(Object::Name(self.name()))
            }
            b'(' => self.literal().map(Object::Text),
            b'<' if self.bytes.get(self.at + 1) == Some(&b'<') => {
                self.at += 2;
                self.dictionary(depth).map(Object::Dictionary)
            }
            b'<' => self.hexadecimal().map(Object::Text),
            b'[' => {
                self.at += 1;
                self.array(depth).map(Object::Array)
            }
            b')' | b'>' | b']' | b'{' | b'}' => {
                self.at += 1;
                Ok(Object::Word(vec![byte]))
            }
            _ => Ok(self.word()),
        }
    }

    fn regular(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !is_regular(*byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// A number, a reference, or some word.
    fn word(&mut self) -> Object {
        let word = self.regular();
        let number = std::str::from_utf8(word)
            .ok()
            .filter(|_| word.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.')));
        let Some(number) = number.and_then(|number| number.parse::<f64>().ok()) else {
            return Object::Word(word.to_vec());
        };
        if self.references && word.iter().all(u8::is_ascii_digit) {
            let mut ahead = self.clone();
            ahead.pass_space();
            let generation = ahead.regular();
            ahead.pass_space();
            if !generation.is_empty()
                && generation.iter().all(u8::is_ascii_digit)
                && ahead.regular() == b"R"
                && let Some(number) = Object::Number(number).integer().and_then(|n| u32::try_from(n).ok())
            {
                self.at = ahead.at;
                return Object::Reference(number);
            }
        }
        Object::Number(number)
    }

    fn name(&mut self) -> Vec<u8> {
        let raw = self.regular();
        let mut name = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let [byte, behind @ ..] = rest {
            rest = behind;
            // A hash and two digits stand for a byte.
            let escaped = match rest {
                [high, low, ..] if *byte == b'#' => digit(*high).zip(digit(*low)),
                _ => None,
            };
            if let Some((high, low)) = escaped {
                name.push(high << 4 | low);
                rest = rest.get(2..).unwrap_or_default();
            } else {
                name.push(*byte);
            }
        }
        name
    }

    fn array(&mut self, depth: u32) -> Result<Vec<Object>, Flaw> {
        let mut entries = Vec::new();
        loop {
            match self.object(depth + 1)? {
                Object::Word(word) if word == b"]" => return Ok(entries),
                Object::Word(word) if is_end(&word) => return Err(Flaw::Broken),
                entry => entries.push(entry),
            }
        }
    }

    fn dictionary(&mut self, depth: u32) -> Result<Dictionary, Flaw> {
        let mut entries = Vec::new();
        loop {
            match self.object(depth + 1)? {
                Object::Name(name) => match self.object(depth + 1)? {
                    Object::Word(word) if is_end(&word) => return Err(Flaw::Broken),
                    value => entries.push((name, value)),
                },
                Object::Word(word) if word == b">" => {
                    match self.peek() {
                        Some(b'>') => self.at += 1,
                        Some(_) => return Err(Flaw::Broken),
                        None => return Err(Flaw::Ends),
                    }
                    return Ok(Dictionary(entries));
                }
                _ => return Err(Flaw::Broken),
            }
        }
    }

    /// A text in parentheses, with others inside of it.
    fn literal(&mut self) -> Result<Vec<u8>, Flaw> {
        let (mut text, mut depth) = (Vec::new(), 0_u32);
        let mut bytes = self.rest().iter().copied().enumerate();
        while let Some((n, byte)) = bytes.next() {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at += n + 1;
                return Ok(text);
            }
            match byte {
                b'(' if n == 0 => {}
                b'\\' => match bytes.next().ok_or(Flaw::Ends)?.1 {
                    b'n' => text.push(b'\n'),
                    b'r' => text.push(b'\r'),
                    b't' => text.push(b'\t'),
                    b'b' => text.push(8),
                    b'f' => text.push(12),
                    // The line goes on.
                    b'\n' => {}
                    b'\r' => {
                        let mut ahead = bytes.clone();
                        if ahead.next().is_some_and(|(_, next)| next == b'\n') {
                            bytes = ahead;
                        }
                    }
                    first @ b'0'..=b'7' => {
                        let mut code = u32::from(first - b'0');
                        for _ in 0..2 {
                            let mut ahead = bytes.clone();
                            let Some((_, next @ b'0'..=b'7')) = ahead.next() else { break };
                            code = code << 3 | u32::from(next - b'0');
                            bytes = ahead;
                        }
                        text.push(code as u8);
                    }
                    other => text.push(other),
                },
                _ => text.push(byte),
            }
        }
        Err(Flaw::Ends)
    }

    fn hexadecimal(&mut self) -> Result<Vec<u8>, Flaw> {
        let rest = self.rest().get(1..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'>').ok_or(Flaw::Ends)?;
        self.at += length + 2;
        let digits = rest.iter().take(length).copied().filter(|byte| !is_space(*byte));
        let digits: Vec<u8> = digits.map(|byte| digit(byte).ok_or(Flaw::Broken)).collect::<Result<_, _>>()?;
        // A last digit without a second one is followed by 0.
        Ok(digits
            .chunks(2)
            .map(|pair| {
                pair.iter().fold(0, |n, digit| n << 4 | digit) << (if pair.len() == 1 { 4 } else { 0 })
            })
            .collect())
    }
}

/// Words that end an object: no value is one.
fn is_end(word: &[u8]) -> bool {
    matches!(word, b"endobj" | b"stream" | b"endstream" | b"obj" | b">" | b"]")
}

pub(super) fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Object, Flaw> {
        Lexer::new(text.as_bytes()).next()
    }

    #[test]
    fn objects_are_read() {
        let Ok(Object::Dictionary(all)) =
            one("<</A 12 0 R/B[1 -2.5 true(a(b)\\)\\101\\n\\\r\nB\\\nC\\r\\0551)]/C<48 65 7>/D#41/E>>")
        else {
            panic!()
        };
        assert_eq!(all.get(b"A"), &Object::Reference(12));
        let entries = all.get(b"B").each();
        assert_eq!(entries[..2], [Object::Number(1.0), Object::Number(-2.5)]);
        assert_eq!(entries[3], Object::Text(b"a(b))A\nBC\r-1".to_vec()));
        assert_eq!(all.get(b"C"), &Object::Text(b"Hep".to_vec()));
        assert_eq!(all.get(b"DA"), &Object::Name(b"E".to_vec()), "names may be escaped");
        assert_eq!(all.get(b"Z"), &Object::Null);
        let mut content = Lexer::of_content(b"1 0 R % not one\n/F1");
        assert_eq!(content.next(), Ok(Object::Number(1.0)));
        assert_eq!(content.next(), Ok(Object::Number(0.0)));
        assert_eq!(content.next(), Ok(Object::Word(b"R".to_vec())));
        assert_eq!(content.next(), Ok(Object::Name(b"F1".to_vec())));
        assert_eq!(content.next(), Err(Flaw::Ends));
    }

    #[test]
    fn what_is_cut_or_broken_is_told_apart() {
        for cut in ["", "[1", "<</A", "<</A 1", "(a", "<41", "<</A 1>", "(a\\"] {
            assert_eq!(one(cut), Err(Flaw::Ends), "{cut}");
        }
        for broken in ["<<1>>", "<</A>>", "<</A endobj", "[1 endobj", "<4x>", "<</A 1>x"] {
            assert_eq!(one(broken), Err(Flaw::Broken), "{broken}");
        }
        assert_eq!(one(&"[".repeat(1000)), Err(Flaw::Broken), "too deep");
        assert_eq!(one(&"[".repeat(10)), Err(Flaw::Ends));
        assert_eq!(one(&["[", &"0 ".repeat(300_000)].concat()), Err(Flaw::Broken), "too large");
    }
}
