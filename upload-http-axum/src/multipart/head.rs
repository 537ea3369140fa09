use std::borrow::Cow;

use super::error::{MultipartError, shown};
use super::params;

/// What a part's head says about it. Nothing in it is verified or cleaned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartHead {
    /// The field's name.
    pub name: Option<String>,
    /// The client's name for the file, raw: it may hold a path, control characters, anything.
    /// `Some` (also of an empty string) tells a file from a field.
    pub file_name: Option<String>,
    /// The part's Content-Type as it came.
    pub content_type: Option<String>,
}

impl PartHead {
    /// Whether the part is a file and not a field: it has a file name, be it empty.
    pub fn is_file(&self) -> bool {
        self.file_name.is_some()
    }
}

/// Reads the head of part number `part`: lines that end in CRLF, up to and with the blank one.
pub(super) fn parse(part: usize, head: &[u8]) -> Result<PartHead, MultipartError> {
    let malformed = |what| MultipartError::MalformedHead { part, what };
    let mut disposition = None;
    let mut content_type = None;
    for line in unfold(head) {
        let (name, value) = params::split_at_byte(&line, b':');
        if name.len() == line.len() {
            return Err(malformed("a line has no colon"));
        }
        let (name, value) = (name.trim_ascii().to_ascii_lowercase(), value.trim_ascii());
        let twice = match name.as_slice() {
            b"content-disposition" => disposition.replace(value.to_vec()).is_some(),
            b"content-type" => content_type.replace(text(value)).is_some(),
            b"content-transfer-encoding" => {
                if ![&b"binary"[..], b"8bit", b"7bit"].iter().any(|plain| value.eq_ignore_ascii_case(plain)) {
                    return Err(MultipartError::TransferEncoding { part, found: shown(&text(value)) });
                }
                false
            }
            _ => false,
        };
        if twice {
            return Err(malformed("Content-Disposition or Content-Type is given twice"));
        }
    }
    let (name, file_name) = match disposition {
        Some(value) => names(&value).map_err(malformed)?,
        None => (None, None),
    };
    Ok(PartHead { name, file_name, content_type })
}

/// The head's lines, each with those that continue it (RFC 5322 folding).
fn unfold(head: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let mut lines: Vec<Cow<'_, [u8]>> = Vec::with_capacity(4);
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        match (line, lines.last_mut()) {
            ([], _) => {}
            ([b' ' | b'\t', ..], Some(before)) => before.to_mut().extend_from_slice(line),
            _ => lines.push(Cow::Borrowed(line)),
        }
    }
    lines
}

type Names = (Option<String>, Option<String>);

/// `name` and `filename` of a Content-Disposition; the extended form (RFC 5987) of either wins.
fn names(disposition: &[u8]) -> Result<Names, &'static str> {
    let (_, mut params) = params::split(disposition);
    let mut slots = [const { None }; 4];
    while let Some((name, value)) = params.next()? {
        let [plain_name, plain_file, extended_name, extended_file] = &mut slots;
        let (slot, decoded) = match name.to_ascii_lowercase().as_slice() {
            b"name" => (plain_name, Some(plain(&value))),
            b"filename" => (plain_file, Some(plain(&value))),
            b"name*" => (extended_name, extended(&value)),
            b"filename*" => (extended_file, extended(&value)),
            _ => continue,
        };
        if slot.replace(decoded).is_some() {
            return Err("a name is given twice");
        }
    }
    let [plain_name, plain_file, extended_name, extended_file] = slots.map(Option::flatten);
    Ok((extended_name.or(plain_name), extended_file.or(plain_file)))
}

/// Bytes as text: UTF-8 where they are, Latin-1 otherwise, so that no name is refused for its encoding.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => latin1(bytes),
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// A plain parameter. Browsers write `"`, CR and LF as `%22`, `%0D` and `%0A` and leave every other `%` alone
/// (HTML, "multipart form data"), so just these three are read back.
fn plain(value: &[u8]) -> String {
    let decoded = percent_decoded(value, |byte| matches!(byte, b'"' | b'\r' | b'\n'));
    text(&decoded.unwrap_or_else(|kept| kept))
}

/// An extended parameter, `charset'language'percent-encoded`. `None` for another charset or a broken value:
/// the plain parameter counts then.
fn extended(value: &[u8]) -> Option<String> {
    let (charset, rest) = params::split_at_byte(value, b'\'');
    let (_, encoded) = params::split_at_byte(rest, b'\'');
    let decoded = percent_decoded(encoded, |_| true).ok()?;
    if charset.eq_ignore_ascii_case(b"utf-8") {
        String::from_utf8(decoded).ok()
    } else if charset.eq_ignore_ascii_case(b"iso-8859-1") {
        Some(latin1(&decoded))
    } else {
        None
    }
}

/// Decodes those `%XX` whose byte is `wanted`; `Err` with the rest kept if a `%` was not followed by two digits.
fn percent_decoded(value: &[u8], wanted: impl Fn(u8) -> bool) -> Result<Vec<u8>, Vec<u8>> {
    let hex = |digit: u8| char::from(digit).to_digit(16);
    let pair = |high, low| u8::try_from(hex(high)? * 16 + hex(low)?).ok();
    let mut decoded = Vec::with_capacity(value.len());
    let mut whole = true;
    let mut rest = value;
    while let [first, behind @ ..] = rest {
        let escape = match rest {
            [b'%', high, low, after @ ..] => pair(*high, *low).map(|byte| (byte, after)),
            _ => None,
        };
        whole &= *first != b'%' || escape.is_some();
        let (byte, after) = escape.filter(|(byte, _)| wanted(*byte)).unwrap_or((*first, behind));
        decoded.push(byte);
        rest = after;
    }
    if whole { Ok(decoded) } else { Err(decoded) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(disposition: &[u8]) -> Result<PartHead, MultipartError> {
        parse(1, &[b"Content-Disposition: ", disposition, b"\r\n\r\n"].concat())
    }

    fn file_name(parameters: &str) -> Option<String> {
        head(format!("form-data; name=file; {parameters}").as_bytes()).unwrap().file_name
    }

    #[test]
    fn names_in_every_spelling() {
        for (parameters, expected) in [
            ("filename=\"a.jpg\"", "a.jpg"),
            ("filename=a.jpg", "a.jpg"),
            ("FileName=my file.jpg", "my file.jpg"),
            ("filename=\"\"", ""),
            ("filename=\"a\\\"b.jpg\"", "a\"b.jpg"),
            ("filename=\"a%22b.jpg\"", "a\"b.jpg"),
            ("filename=\"a%0d%0Ab\"", "a\r\nb"),
            ("filename=\"100%25 %zz %\"", "100%25 %zz %"),
            ("filename=\"C:\\Users\\me\\a.jpg\"", "C:\\Users\\me\\a.jpg"),
            ("filename=\"größe €.jpg\"", "größe €.jpg"),
            ("filename=\"a\0\u{202e}b\"", "a\0\u{202e}b"),
            ("filename*=UTF-8''%e2%82%ac%20rates; filename=plain", "€ rates"),
            ("filename=plain; filename*=utf-8'en'%E2%82%AC", "€"),
            ("filename=plain; filename*=iso-8859-1''%A3", "£"),
            ("filename=plain; filename*=koi8-r''%A3", "plain"),
            ("filename=plain; filename*=UTF-8''%A3", "plain"),
            ("filename=plain; filename*=UTF-8''%A", "plain"),
            ("filename=plain; filename*=nonsense", "plain"),
            ("dummy=\"x; filename=no\"; filename=yes", "yes"),
        ] {
            assert_eq!(file_name(parameters).as_deref(), Some(expected), "{parameters}");
        }
        let latin = head(b"form-data; name=file; filename=\"gr\xf6\xdfe.jpg\"").unwrap();
        assert_eq!(latin.file_name.as_deref(), Some("größe.jpg"));
        let extended = head(b"form-data; name*=utf-8''%C3%A9").unwrap();
        assert_eq!((extended.name.as_deref(), extended.is_file()), (Some("é"), false));
    }

    #[test]
    fn lines_fold_and_unknown_ones_are_ignored() {
        let found = parse(
            1,
            b"X-Other: 1\r\nCONTENT-DISPOSITION : form-data;\r\n\tname=\"file\";\r\n filename=\"a b\"\r\n\
              content-type:image/png\r\nContent-Transfer-Encoding: Binary\r\nContent-Length: 3\r\n\r\n",
        )
        .unwrap();
        let expected = PartHead {
            name: Some("file".into()),
            file_name: Some("a b".into()),
            content_type: Some("image/png".into()),
        };
        assert_eq!(found, expected);
        assert_eq!(parse(1, b"\r\n").unwrap(), PartHead::default());
    }

    #[test]
    fn ambiguous_heads_are_refused() {
        let refused = |head: &[u8]| parse(3, head).unwrap_err().to_string();
        assert_eq!(
            refused(b"Content-Type image/png\r\n\r\n"),
            "the head of part 3 of the form is malformed: a line has no colon"
        );
        assert!(refused(b"Content-Type: a/b\r\ncontent-type: c/d\r\n\r\n").contains("given twice"));
        assert!(
            head(b"form-data; name=a; Name=b").unwrap_err().to_string().contains("a name is given twice")
        );
        assert!(head(b"form-data; filename*=x; filename*=UTF-8''a").is_err());
        assert!(head(b"form-data; name=\"a").is_err());
        assert_eq!(
            refused(b"Content-Transfer-Encoding: base64\r\n\r\n"),
            "part 3 of the form has Content-Transfer-Encoding \"base64\", expected binary"
        );
    }
}
