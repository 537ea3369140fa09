mod answers;
mod any;
mod parsing;

use http::{HeaderMap, HeaderName, HeaderValue};
use upload_core::{Error, ErrorKind};

const ID: &str = "tenant00abcdefghijklmnopqrstuvwxy";

fn headers(list: &[(&str, &str)]) -> HeaderMap {
    let named = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let mut headers = HeaderMap::new();
    list.iter().map(named).for_each(|(name, value)| {
        headers.append(name, value);
    });
    headers
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    error.detail
}
