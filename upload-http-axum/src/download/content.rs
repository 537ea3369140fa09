use std::fmt::Write as _;

use http::{HeaderMap, HeaderValue, header};

use super::{ObjectInfo, put};
use crate::names::display_file_name;

/// How a browser should treat a download.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// Saved as a file.
    #[default]
    Attachment,
    /// Shown, if its type allows that.
    Inline,
}

/// What is sent for an unknown type and instead of a dangerous one.
const BINARY: &str = "application/octet-stream";

/// The types that may be shown inline: images and documents that run no script in the site's name.
const INLINE: &[&str] = &[
    "application/pdf",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/vnd.adobe.photoshop",
    "image/vnd.microsoft.icon",
    "image/webp",
    "image/x-icon",
    "image/x-ms-bmp",
];

/// Types that browsers or their plug-ins execute, or that carry what they execute, besides all of XML.
const ACTIVE: &[&str] = &[
    "application/ecmascript",
    "application/javascript",
    "application/postscript",
    "application/vnd.adobe.flash.movie",
    "application/x-javascript",
    "application/x-mimearchive",
    "application/x-shockwave-flash",
    "image/svg",
    "message/rfc822",
    "text/cache-manifest",
    "text/ecmascript",
    "text/html",
    "text/javascript",
    "text/xsl",
];

/// Nothing may be loaded or run by what is shown.
const POLICY: HeaderValue =
    HeaderValue::from_static("sandbox; default-src 'none'; style-src 'unsafe-inline'");
/// Browsers refuse to show PDF in a sandbox, and their viewers are plug-ins of the page's own origin.
const PDF_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; object-src 'self'; style-src 'unsafe-inline'");

/// Writes type, disposition and policy of an answer that carries the object.
pub(super) fn write(object: &ObjectInfo, headers: &mut HeaderMap) {
    let media_type = object.content_type.as_deref().and_then(MediaType::parse);
    let media_type = media_type.filter(|media_type| !media_type.is_active());
    let inline = object.disposition == Disposition::Inline
        && media_type.as_ref().is_some_and(|media_type| INLINE.contains(&media_type.essence.as_str()));
    let disposition = if inline { Disposition::Inline } else { Disposition::Attachment };
    let pdf = inline && media_type.as_ref().is_some_and(|media_type| media_type.essence == "application/pdf");
    let text = media_type.map_or_else(|| BINARY.to_owned(), MediaType::into_text);
    put(headers, header::CONTENT_TYPE, &text);
    put(headers, header::CONTENT_DISPOSITION, &content_disposition(disposition, object.file_name.as_deref()));
    headers.insert(header::CONTENT_SECURITY_POLICY, if pdf { PDF_POLICY } else { POLICY });
}

/// A Content-Disposition (RFC 6266): the cleaned name in ASCII for old clients, in UTF-8 for all others.
///
/// ```
/// use upload_http_axum::download::{Disposition, content_disposition};
///
/// let value = content_disposition(Disposition::Attachment, Some("100% \"ü\".txt"));
/// assert_eq!(value, "attachment; filename=\"100_ ___.txt\"; filename*=UTF-8''100%25%20%22%C3%BC%22.txt");
/// assert_eq!(content_disposition(Disposition::Inline, None), "inline");
/// ```
pub fn content_disposition(disposition: Disposition, file_name: Option<&str>) -> String {
    let mut value = match disposition {
        Disposition::Attachment => "attachment",
        Disposition::Inline => "inline",
    }
    .to_owned();
    let Some(raw) = file_name else { return value };
    let name = display_file_name(raw);
    // Some clients decode `%` in the plain form, some take quotes and backslashes amiss.
    let plain = |c: char| (c == ' ' || c.is_ascii_graphic()) && !matches!(c, '"' | '\\' | '%');
    value.push_str("; filename=\"");
    value.extend(name.chars().map(|c| if plain(c) { c } else { '_' }));
    value.push_str("\"; filename*=UTF-8''");
    for byte in name.bytes() {
        // attr-char of RFC 5987.
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

/// A media type as it may go out: lower case, and of its parameters only a text's charset.
struct MediaType {
    essence: String,
    charset: Option<String>,
}

impl MediaType {
    /// `None` for what is not one media type; a browser would read `image/png, text/html` as the latter.
    fn parse(value: &str) -> Option<Self> {
        let mut pieces = value.split(';').map(str::trim);
        let essence = pieces.next()?.to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        if !token(kind) || !token(subtype) || essence.len() > 127 {
            return None;
        }
        let charset = pieces
            .filter_map(|piece| piece.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case("charset"))
            .map(|(_, charset)| charset.trim_matches('"').to_ascii_lowercase())
            .filter(|charset| kind == "text" && token(charset) && charset.len() <= 40);
        Some(Self { charset, essence })
    }

    fn is_active(&self) -> bool {
        let essence = self.essence.as_str();
        let xml = essence.ends_with("+xml") || essence.ends_with("/xml") || essence.contains("/xml-");
        xml || essence.starts_with("multipart/") || ACTIVE.contains(&essence)
    }

    fn into_text(self) -> String {
        match self.charset {
            Some(charset) => format!("{}; charset={charset}", self.essence),
            None => self.essence,
        }
    }
}

/// A token of RFC 9110 §5.6.2.
fn token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(content_type: &str) -> (String, String, String) {
        let mut object = ObjectInfo::new(1);
        object.content_type = Some(content_type.into());
        object.disposition = Disposition::Inline;
        let mut headers = HeaderMap::new();
        write(&object, &mut headers);
        let text = |name| headers[name].to_str().unwrap().to_owned();
        (text(header::CONTENT_TYPE), text(header::CONTENT_DISPOSITION), text(header::CONTENT_SECURITY_POLICY))
    }

    #[test]
    fn only_the_allowed_types_are_inline() {
        for allowed in INLINE {
            let (content_type, disposition, _) = sent(&allowed.to_ascii_uppercase());
            assert_eq!((content_type.as_str(), disposition.as_str()), (*allowed, "inline"));
        }
        for kept in
            ["video/mp4", "text/plain; charset=utf-8", "application/zip", "application/json", "image/jxl"]
        {
            assert_eq!((sent(kept).0.as_str(), sent(kept).1.as_str()), (kept, "attachment"));
        }
        let attachment = {
            let mut object = ObjectInfo::new(1);
            object.content_type = Some("image/png".into());
            let mut headers = HeaderMap::new();
            write(&object, &mut headers);
            headers[header::CONTENT_DISPOSITION].clone()
        };
        assert_eq!(attachment, "attachment");
    }

    #[test]
    fn active_types_are_sent_as_bytes() {
        let more = [
            "Text/HTML; charset=utf-8",
            "image/svg+xml",
            "application/xhtml+xml",
            "application/mathml+xml",
            "text/xml",
            "application/xml-dtd",
            "multipart/related",
            "image/png, text/html",
            "image/png\r\nX: y",
            "image",
            "image/",
            "",
        ];
        for dangerous in ACTIVE.iter().copied().chain(more) {
            let (content_type, disposition, policy) = sent(dangerous);
            assert_eq!((content_type.as_str(), disposition.as_str()), (BINARY, "attachment"), "{dangerous}");
            assert!(policy.starts_with("sandbox; default-src 'none'"), "{policy}");
        }
    }

    #[test]
    fn only_pdf_escapes_the_sandbox() {
        assert!(!sent("application/pdf").2.contains("sandbox"));
        assert!(sent("application/pdf").2.contains("default-src 'none'"));
        assert!(sent("image/png").2.contains("sandbox"));
    }

    #[test]
    fn parameters_do_not_pass_but_a_charset_of_text() {
        assert_eq!(sent("text/csv; header=x; Charset=\"UTF-8\"").0, "text/csv; charset=utf-8");
        assert_eq!(sent("text/csv; charset=a b").0, "text/csv");
        assert_eq!(sent("image/png; charset=utf-8").0, "image/png");
    }

    #[test]
    fn names_cannot_break_out_of_their_header() {
        let value =
            content_disposition(Disposition::Attachment, Some("a\"; x=\r\nSet-Cookie: b\\..\u{202e}é"));
        assert_eq!(
            value,
            "attachment; filename=\"a_; x=Set-Cookie: b_.._\"; \
             filename*=UTF-8''a%22%3B%20x%3DSet-Cookie%3A%20b_..%C3%A9"
        );
        assert!(HeaderValue::from_str(&value).is_ok());
    }
}
