//! What dialects read from a request besides its body.

use http::header::AsHeaderName;
use http::{HeaderMap, Uri, header};
use upload_core::Error;

/// The Content-Type, as text.
///
/// # Errors
/// `Invalid` if there is none or it is not ASCII.
pub(crate) fn content_type(headers: &HeaderMap) -> Result<&str, Error> {
    let value =
        headers.get(header::CONTENT_TYPE).ok_or_else(|| Error::invalid("the request has no Content-Type"))?;
    value.to_str().map_err(|_| Error::invalid("the Content-Type is not ASCII"))
}

/// The media type of the body in lower case, without parameters, cut to what a message can show.
///
/// # Errors
/// As [`content_type`].
pub(crate) fn media_type(headers: &HeaderMap) -> Result<String, Error> {
    Ok(essence(content_type(headers)?).chars().take(100).collect())
}

/// A media type in lower case without its parameters.
pub(crate) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What a header says that may carry an API key; what is not text is no key that anybody has.
pub(crate) fn credential(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"))
}

/// The API key that a request presents as a bearer's token.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = credential(headers, header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The API key that a request presents: as a bearer's token, or under its own name.
pub(crate) fn api_key(headers: &HeaderMap) -> Option<&str> {
    bearer(headers).or_else(|| credential(headers, "x-api-key"))
}

/// What came, quoted and cut to what a message can show.
pub(crate) fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    let cut = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{cut}")
}

/// Where a router is nested: what the request's path had before the part that the router knows.
pub(crate) fn nested_at(original: &Uri, known: &Uri) -> String {
    original.path().strip_suffix(known.path()).unwrap_or_default().to_owned()
}

/// The parameters of a query, decoded; a `+` is a space.
#[cfg(any(feature = "placeos", feature = "wickson"))]
pub(crate) fn query_pairs(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    let decoded = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(move |(name, value)| (decoded(name), decoded(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_has_no_parameters_and_no_case() {
        let of =
            |value: &str| media_type(&HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]));
        assert_eq!(of("Application/JSON; charset=utf-8").unwrap(), "application/json");
        assert_eq!(of(&"x".repeat(5000)).unwrap().len(), 100);
        assert!(media_type(&HeaderMap::new()).is_err());
    }

    #[test]
    fn a_nested_router_knows_where_it_is() {
        let at = |original: &str, known: &str| nested_at(&original.parse().unwrap(), &known.parse().unwrap());
        assert_eq!(at("/a/b/uploads?x=1", "/uploads?x=1"), "/a/b");
        assert_eq!(at("http://host/uploads", "/uploads"), "");
    }

    #[test]
    fn a_key_is_a_bearers_or_stands_under_its_name() {
        for (list, key) in [
            (&[][..], None),
            (&[("authorization", "Bearer k")], Some("k")),
            (&[("authorization", "bearer  k ")], Some("k")),
            (&[("x-api-key", "k")], Some("k")),
            (&[("authorization", "Bearer b"), ("x-api-key", "k")], Some("b")),
            (&[("authorization", "Basic b"), ("x-api-key", "k")], Some("k")),
            (&[("authorization", "Bearer"), ("x-api-key", "k")], Some("k")),
            (&[("authorization", "Basic b")], None),
            (&[("authorization", "Bearer ")], Some("")),
        ] {
            let named = |(name, value): &(&'static str, &str)| {
                (http::HeaderName::from_static(name), value.parse().unwrap())
            };
            assert_eq!(api_key(&list.iter().map(named).collect()), key, "{list:?}");
        }
    }
}
