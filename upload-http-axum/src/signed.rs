//! Requests that the store has signed, as clients are told them.

use upload_core::SignedRequest;

/// The headers that go with a request, named as the pages of the APIs name them.
pub(crate) fn headers(request: &SignedRequest) -> impl Iterator<Item = (String, String)> + '_ {
    request.fields.iter().map(|(name, value)| (told(name), value.clone()))
}

/// `content-md5` is `Content-MD5`; what a provider has made up stays as it is.
fn told(name: &str) -> String {
    if name.starts_with("x-") {
        return name.to_owned();
    }
    let words = name.split('-').map(|word| match word {
        "md5" => "MD5".to_owned(),
        word => {
            let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            format!("{}{rest}", first.to_ascii_uppercase())
        }
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_named_as_on_the_pages() {
        for (name, as_told) in [
            ("content-md5", "Content-MD5"),
            ("content-type", "Content-Type"),
            ("if-none-match", "If-None-Match"),
            ("x-amz-checksum-sha256", "x-amz-checksum-sha256"),
            ("", ""),
            ("ü-é", "ü-é"),
        ] {
            assert_eq!(told(name), as_told);
        }
    }
}
