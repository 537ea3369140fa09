use std::fmt::Write as _;

/// Text in which everything but `A-Z a-z 0-9 - . _ ~` and what `keep` has is written as `%XX`.
pub(super) fn encoded(text: &str, keep: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let character = char::from(byte);
        if byte.is_ascii_alphanumeric() || "-._~".contains(character) || keep.contains(character) {
            out.push(character);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// `name=value&…`, encoded, in this order.
#[cfg(any(feature = "s3", feature = "azure", test))]
pub(super) fn joined(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| format!("{}={}", encoded(name, ""), encoded(value, ""));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// How a browser is told to save what it gets (RFC 6266): in ASCII for old ones, and in full.
pub(super) fn disposition(file_name: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() && !"\"\\%;".contains(c) || c == ' ' { c } else { '_' };
    let ascii: String = file_name.chars().map(plain).collect();
    // The attr-char of RFC 8187 is what `encoded` keeps, and some more.
    format!(
        "attachment; filename=\"{ascii}\"; filename*=UTF-8''{}",
        encoded(file_name, "").replace('~', "%7E")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_for_their_place() {
        assert_eq!(encoded("a/b c+ü~", "/"), "a/b%20c%2B%C3%BC~");
        assert_eq!(joined(&[("a b".into(), "1&2".into()), ("c".into(), String::new())]), "a%20b=1%262&c=");
        assert_eq!(
            disposition("Grüße \"x\".pdf"),
            "attachment; filename=\"Gr__e _x_.pdf\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%22x%22.pdf"
        );
    }
}
