//! What the headers say of the request.

use http::HeaderMap;
use upload_core::ErrorKind;

use super::super::parse;
use super::headers;

#[test]
fn a_request_has_a_name_of_visible_ascii() {
    let named = |value: &str| {
        parse::idempotency_key(&headers(&[("idempotency-key", value)])).map(|name| name.map(str::to_owned))
    };
    assert_eq!(parse::idempotency_key(&HeaderMap::new()).unwrap(), None);
    assert_eq!(named("8e03978e-40d5").unwrap().as_deref(), Some("8e03978e-40d5"));
    for bad in ["", "ü", &"n".repeat(256)] {
        assert_eq!(named(bad).unwrap_err().kind, ErrorKind::Invalid);
    }
}
