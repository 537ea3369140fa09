use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// Splits a value such as `form-data; name="a"; filename=b` at its first `;`.
pub(super) fn split(value: &[u8]) -> (&[u8], Params<'_>) {
    let (first, rest) = split_at_byte(value, b';');
    (first.trim_ascii(), Params { rest })
}

/// The parameters of a Content-Type or Content-Disposition value, as bytes, in order.
///
/// In quotes a backslash escapes only `"` and `\`: old browsers send `C:\dir\file` unescaped.
pub(super) struct Params<'a> {
    rest: &'a [u8],
}

/// A parameter's name as it came and its value without quotes and escapes.
type Param<'a> = (&'a [u8], Cow<'a, [u8]>);

impl<'a> Params<'a> {
    /// The next parameter, or what is wrong with it.
    pub(super) fn next(&mut self) -> Result<Option<Param<'a>>, &'static str> {
        while let [b';' | b' ' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let end = memchr2(b'=', b';', self.rest).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let [b'=', rest @ ..] = rest else {
            return Err("a parameter has no value");
        };
        let rest = rest.trim_ascii_start();
        let value = match rest {
            [b'"', quoted @ ..] => self.quoted(quoted)?,
            _ => {
                let (value, rest) = split_at_byte(rest, b';');
                self.rest = rest;
                Cow::Borrowed(value.trim_ascii())
            }
        };
        Ok(Some((name.trim_ascii(), value)))
    }

    /// Reads a value behind its opening quote.
    fn quoted(&mut self, mut rest: &'a [u8]) -> Result<Cow<'a, [u8]>, &'static str> {
        let mut value: Cow<'a, [u8]> = Cow::Borrowed(&[]);
        loop {
            let Some(end) = memchr2(b'"', b'\\', rest) else {
                return Err("a quoted value has no closing quote");
            };
            let (plain, tail) = rest.split_at(end);
            if value.is_empty() {
                value = Cow::Borrowed(plain);
            } else {
                value.to_mut().extend_from_slice(plain);
            }
            rest = match tail {
                [b'\\', escaped @ (b'"' | b'\\'), tail @ ..] => {
                    value.to_mut().push(*escaped);
                    tail
                }
                [b'\\', tail @ ..] => {
                    value.to_mut().push(b'\\');
                    tail
                }
                [_, tail @ ..] => {
                    let (between, next) = split_at_byte(tail, b';');
                    if !between.trim_ascii().is_empty() {
                        return Err("text stands behind a closing quote");
                    }
                    self.rest = next;
                    return Ok(value);
                }
                [] => return Err("a quoted value has no closing quote"),
            };
        }
    }
}

/// What stands before the first `byte` and what stands behind it.
pub(super) fn split_at_byte(text: &[u8], byte: u8) -> (&[u8], &[u8]) {
    match memchr(byte, text).and_then(|at| text.split_at_checked(at)) {
        Some((before, [_, behind @ ..])) => (before, behind),
        _ => (text, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(value: &[u8]) -> Result<Vec<(String, String)>, &'static str> {
        let (_, mut params) = split(value);
        let mut list = Vec::new();
        while let Some((name, value)) = params.next()? {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            list.push((text(name), text(&value)));
        }
        Ok(list)
    }

    fn one(value: &[u8]) -> String {
        let mut list = all(value).unwrap();
        assert_eq!(list.len(), 1, "{list:?}");
        list.remove(0).1
    }

    #[test]
    fn values_are_read_quoted_and_unquoted() {
        assert_eq!(one(b"x; a=b"), "b");
        assert_eq!(one(b"x;a = b c "), "b c");
        assert_eq!(one(b"x; a=\"b;c=\\\"d\\\"\" ; "), "b;c=\"d\"");
        assert_eq!(one(b"x; a=\"\""), "");
        assert_eq!(one(b"x; a=\"C:\\dir\\f.jpg\""), "C:\\dir\\f.jpg");
        assert_eq!(one(b"x; a=\"C:\\\\dir\\\\f.jpg\""), "C:\\dir\\f.jpg");
        assert_eq!(one(b"x; a=\"\\q\""), "\\q");
        let two = all(b"x;; A=1;b=\"2\";").unwrap();
        assert_eq!(two, [("A".into(), "1".into()), ("b".into(), "2".into())]);
        assert_eq!(split(b" form-data ; a=b").0, b"form-data");
    }

    #[test]
    fn broken_values_are_named() {
        assert_eq!(all(b"x; a"), Err("a parameter has no value"));
        assert_eq!(all(b"x; a; b=c"), Err("a parameter has no value"));
        assert_eq!(all(b"x; a=\"b"), Err("a quoted value has no closing quote"));
        assert_eq!(all(b"x; a=\"b\\\""), Err("a quoted value has no closing quote"));
        assert_eq!(all(b"x; a=\"b\"c\""), Err("text stands behind a closing quote"));
    }
}
