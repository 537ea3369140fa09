//! What the headers say of the client and its request.

use http::HeaderMap;
use upload_core::ErrorKind;

use super::super::parse;
use super::headers;

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
        assert_eq!(parse::key(&headers(list)), key, "{list:?}");
    }
    let named = |value: &str| {
        parse::idempotency_key(&headers(&[("idempotency-key", value)])).map(|name| name.map(str::to_owned))
    };
    assert_eq!(parse::idempotency_key(&HeaderMap::new()).unwrap(), None);
    assert_eq!(named("8e03978e-40d5").unwrap().as_deref(), Some("8e03978e-40d5"));
    for bad in ["", "ü", &"n".repeat(256)] {
        assert_eq!(named(bad).unwrap_err().kind, ErrorKind::Invalid);
    }
}
