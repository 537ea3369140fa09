use bytes::Bytes;
use memchr::memmem::Finder;

use super::error::{MultipartError, shown};
use super::params;

/// The longest boundary that RFC 2046 §5.1.1 allows.
const LONGEST: usize = 70;

/// The delimiter of a form's parts, with a search for it that is prepared once.
#[derive(Clone, Debug)]
pub struct Boundary {
    /// CRLF, two hyphens and the boundary itself.
    delimiter: Bytes,
    finder: Finder<'static>,
}

impl Boundary {
    fn new(text: &[u8]) -> Self {
        let delimiter = [b"\r\n--", text].concat();
        Self { finder: Finder::new(&delimiter).into_owned(), delimiter: delimiter.into() }
    }

    /// The boundary as the Content-Type names it.
    pub fn as_bytes(&self) -> &[u8] {
        self.delimiter.get(4..).unwrap_or_default()
    }

    /// CRLF, `--` and the boundary. CR stands only at its beginning, which the scanner relies on.
    pub(super) fn delimiter(&self) -> &Bytes {
        &self.delimiter
    }

    pub(super) fn finder(&self) -> &Finder<'static> {
        &self.finder
    }
}

/// Reads the boundary out of a request's Content-Type: type in any case, parameter quoted or not, other
/// parameters ignored.
///
/// # Errors
/// Not `multipart/form-data`; the boundary is missing, given twice, longer than 70 characters, or holds a
/// character outside RFC 2046's `bchars`.
///
/// ```
/// let boundary = upload_http_axum::multipart::boundary("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"")?;
/// assert_eq!(boundary.as_bytes(), b"a b");
/// # Ok::<(), upload_http_axum::multipart::MultipartError>(())
/// ```
pub fn boundary(content_type: &str) -> Result<Boundary, MultipartError> {
    let (media_type, mut params) = params::split(content_type.as_bytes());
    if !media_type.eq_ignore_ascii_case(b"multipart/form-data") {
        return Err(MultipartError::NotMultipart { found: shown(content_type) });
    }
    let malformed = |what| MultipartError::MalformedContentType { what };
    let mut found = None;
    while let Some((name, value)) = params.next().map_err(malformed)? {
        if name.eq_ignore_ascii_case(b"boundary") && found.replace(value).is_some() {
            return Err(malformed("boundary is given twice"));
        }
    }
    let text = found.filter(|text| !text.is_empty()).ok_or(MultipartError::BoundaryMissing)?;
    if text.len() > LONGEST {
        return Err(MultipartError::BoundaryTooLong { length: text.len() });
    }
    let legal = |c: &char| c.is_ascii_alphanumeric() || "'()+_,-./:=? ".contains(*c);
    let characters = String::from_utf8_lossy(&text);
    let trailing_space = characters.chars().next_back().filter(|last| *last == ' ');
    if let Some(found) = characters.chars().find(|c| !legal(c)).or(trailing_space) {
        return Err(MultipartError::BoundaryIllegal { found });
    }
    Ok(Boundary::new(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str) -> Result<String, MultipartError> {
        boundary(content_type).map(|found| String::from_utf8(found.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn real_content_types() {
        for (content_type, expected) in [
            ("multipart/form-data; boundary=----FormBoundary", "----FormBoundary"),
            ("multipart/form-data; boundary=----WebKitFormBoundaryAbC123", "----WebKitFormBoundaryAbC123"),
            ("multipart/form-data;boundary=\"----=_Part_5_1.2\"", "----=_Part_5_1.2"),
            ("multipart/form-data; boundary=----=_Part_5_1.2", "----=_Part_5_1.2"),
            ("MULTIPART/FORM-DATA; charset=UTF-8; BOUNDARY=abc; x=\"y;z\"", "abc"),
            ("multipart/form-data; boundary=\"a b\"", "a b"),
            ("multipart/form-data ; boundary= a ", "a"),
            ("multipart/form-data; boundary=0", "0"),
        ] {
            assert_eq!(read(content_type).as_deref(), Ok(expected), "{content_type}");
        }
        let longest = "x".repeat(70);
        assert_eq!(read(&format!("multipart/form-data; boundary={longest}")), Ok(longest));
    }

    #[test]
    fn refusals_say_what_came() {
        let refused = |content_type: &str| read(content_type).unwrap_err().to_string();
        assert_eq!(
            refused("application/json"),
            "expected Content-Type multipart/form-data, got \"application/json\""
        );
        assert!(refused(&"x".repeat(1 << 20)).len() < 200);
        assert_eq!(read("multipart/form-data"), Err(MultipartError::BoundaryMissing));
        assert_eq!(read("multipart/form-data; boundary="), Err(MultipartError::BoundaryMissing));
        assert_eq!(read("multipart/form-data; boundary=\"\""), Err(MultipartError::BoundaryMissing));
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        assert_eq!(read(&long), Err(MultipartError::BoundaryTooLong { length: 71 }));
        for (text, found) in [("a*b", '*'), ("é", 'é'), ("\"a \"", ' '), ("\"a\\\\b\"", '\\'), ("a\rb", '\r')]
        {
            let content_type = format!("multipart/form-data; boundary={text}");
            assert_eq!(read(&content_type), Err(MultipartError::BoundaryIllegal { found }), "{text}");
        }
        assert!(refused("multipart/form-data; boundary=a; boundary=b").contains("twice"));
        assert!(refused("multipart/form-data; boundary=\"a").contains("closing quote"));
    }
}
