//! JSON as the clients of this dialect know it read: by the rules of Python's `json`, which go beyond RFC 8259, and with the
//! places of its errors.
//!
//! Beyond the RFC are `NaN`, `Infinity` and numbers of any size; of two members with one name the last counts. A body that
//! is no UTF-8, has more than [`MAX_DEPTH`] levels, or a whole number of more than [`MAX_DIGITS`] digits cannot be read.

/// Most levels; Python's own limit depends on how much of its stack is used, and lies a little higher.
const MAX_DEPTH: usize = 900;
/// Most digits of a whole number.
pub(super) const MAX_DIGITS: usize = 4300;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// A whole number, as it stands there: digits, maybe with a minus.
    Int(&'a str),
    Float(f64),
    Text(String),
    /// A text with half of a surrogate pair in it, which is no Unicode; it is replaced here.
    Broken(String),
    List(Vec<Json<'a>>),
    Map(Vec<(String, Json<'a>)>),
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is no JSON from here on, counted in characters.
    At(usize),
    /// It is beyond what is read at all.
    Beyond,
}

/// Reads a body that is one value.
pub(super) fn read(body: &[u8]) -> Result<Json<'_>, Unread> {
    let text = std::str::from_utf8(body).map_err(|_| Unread::Beyond)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut scanner = Scanner { text, at: 0 };
    scanner.space();
    let value = scanner.value(0)?;
    scanner.space();
    if scanner.at == text.len() { Ok(value) } else { scanner.fail(scanner.at) }
}

struct Scanner<'a> {
    text: &'a str,
    /// Bytes from the beginning.
    at: usize,
}

impl<'a> Scanner<'a> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn fail<T>(&self, at: usize) -> Result<T, Unread> {
        Err(Unread::At(self.text.get(..at).map_or(0, |before| before.chars().count())))
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte(self.at) {
            self.at += 1;
        }
    }

    /// Goes on behind `byte` if that is next.
    fn take(&mut self, byte: u8) -> bool {
        let next = self.byte(self.at) == Some(byte);
        self.at += usize::from(next);
        next
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, Unread> {
        if depth > MAX_DEPTH {
            return Err(Unread::Beyond);
        }
        match self.byte(self.at) {
            Some(b'"') => self.text(),
            Some(b'{') => self.map(depth),
            Some(b'[') => self.list(depth),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Json<'a>, Unread> {
        let words = [
            ("null", Json::Null),
            ("true", Json::Bool(true)),
            ("false", Json::Bool(false)),
            ("NaN", Json::Float(f64::NAN)),
            ("Infinity", Json::Float(f64::INFINITY)),
            ("-Infinity", Json::Float(f64::NEG_INFINITY)),
        ];
        let rest = self.text.get(self.at..).unwrap_or_default();
        match words.into_iter().find(|(word, _)| rest.starts_with(word)) {
            Some((word, value)) => {
                self.at += word.len();
                Ok(value)
            }
            None => self.number(),
        }
    }

    /// Takes digits, and says how many.
    fn digits(&mut self) -> usize {
        let begin = self.at;
        while self.byte(self.at).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - begin
    }

    fn number(&mut self) -> Result<Json<'a>, Unread> {
        let begin = self.at;
        self.take(b'-');
        let whole = if self.take(b'0') { 1 } else { self.digits() };
        if whole == 0 {
            return self.fail(begin);
        }
        let end_of_whole = self.at;
        if self.take(b'.') && self.digits() == 0 {
            self.at = end_of_whole;
        }
        let end_of_fraction = self.at;
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                self.at = end_of_fraction;
            }
        }
        let number = self.text.get(begin..self.at).unwrap_or_default();
        if self.at > end_of_whole {
            // What is written so is a number to Rust too; what is too large for it is infinite.
            return Ok(Json::Float(number.parse().unwrap_or(f64::NAN)));
        }
        if whole > MAX_DIGITS { Err(Unread::Beyond) } else { Ok(Json::Int(number)) }
    }

    fn list(&mut self, depth: usize) -> Result<Json<'a>, Unread> {
        let mut items = Vec::new();
        self.at += 1;
        self.space();
        if self.take(b']') {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.ends(b']')? {
                return Ok(Json::List(items));
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Json<'a>, Unread> {
        let mut members = Vec::new();
        self.at += 1;
        self.space();
        if self.take(b'}') {
            return Ok(Json::Map(members));
        }
        loop {
            if self.byte(self.at) != Some(b'"') {
                return self.fail(self.at);
            }
            let (name, _) = self.string()?;
            self.space();
            if !self.take(b':') {
                return self.fail(self.at);
            }
            self.space();
            members.push((name, self.value(depth + 1)?));
            if self.ends(b'}')? {
                return Ok(Json::Map(members));
            }
        }
    }

    /// Whether what is listed ends here; if not, the next item begins.
    fn ends(&mut self, with: u8) -> Result<bool, Unread> {
        self.space();
        if self.take(with) {
            return Ok(true);
        }
        if !self.take(b',') {
            return self.fail(self.at);
        }
        self.space();
        Ok(false)
    }

    fn text(&mut self) -> Result<Json<'a>, Unread> {
        let (text, whole) = self.string()?;
        Ok(if whole { Json::Text(text) } else { Json::Broken(text) })
    }

    /// A string, and whether it is Unicode.
    fn string(&mut self) -> Result<(String, bool), Unread> {
        let begin = self.at;
        let (mut text, mut whole) = (String::new(), true);
        let mut from = begin + 1;
        loop {
            let mut next = from;
            let mark = loop {
                match self.byte(next) {
                    Some(mark @ (b'"' | b'\\')) => break mark,
                    Some(0..=0x1f) => return self.fail(next),
                    Some(_) => next += 1,
                    None => return self.fail(begin),
                }
            };
            text.push_str(self.text.get(from..next).unwrap_or_default());
            if mark == b'"' {
                self.at = next + 1;
                return Ok((text, whole));
            }
            from = next + 2;
            let plain = match self.byte(next + 1) {
                None => return self.fail(begin),
                Some(plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
                Some(b'b') => '\u{8}',
                Some(b'f') => '\u{c}',
                Some(b'n') => '\n',
                Some(b'r') => '\r',
                Some(b't') => '\t',
                Some(b'u') => {
                    let (unit, behind) = self.unit(next + 1)?;
                    let (code, behind) = self.pair(unit, behind)?;
                    from = behind;
                    char::from_u32(code).unwrap_or_else(|| {
                        whole = false;
                        char::REPLACEMENT_CHARACTER
                    })
                }
                Some(_) => return self.fail(next),
            };
            text.push(plain);
        }
    }

    /// The four hex digits behind the `u` at this place, and the place behind them. Something must follow them.
    fn unit(&self, u: usize) -> Result<(u32, usize), Unread> {
        let behind = u + 5;
        let digits = self.text.get(u + 1..behind).filter(|_| behind < self.text.len());
        match digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit())) {
            Some(digits) => Ok((u32::from_str_radix(digits, 16).unwrap_or(0), behind)),
            None => self.fail(u),
        }
    }

    /// The character of a unit and of the unit that follows it, if they are a pair.
    fn pair(&self, high: u32, behind: usize) -> Result<(u32, usize), Unread> {
        let escaped = self.byte(behind) == Some(b'\\') && self.byte(behind + 1) == Some(b'u');
        if !(0xd800..0xdc00).contains(&high) || !escaped || behind + 6 >= self.text.len() {
            return Ok((high, behind));
        }
        let (low, behind_both) = self.unit(behind + 1)?;
        Ok(if (0xdc00..0xe000).contains(&low) {
            (0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), behind_both)
        } else {
            (high, behind)
        })
    }
}
