//! Whole answers, as another program would see them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use std::time::{Duration, UNIX_EPOCH};

use http::header::{self, HeaderName};
use http::{HeaderMap, Method, StatusCode};
use upload_http_axum::download::{Disposition, ObjectInfo, Plan, plan};

fn object() -> ObjectInfo {
    let mut object = ObjectInfo::new(1000);
    object.content_type = Some("image/png".into());
    object.etag = Some("abc".into());
    object.modified = Some(UNIX_EPOCH + Duration::from_secs(784_111_777));
    object.file_name = Some("ü.png".into());
    object.disposition = Disposition::Inline;
    object
}

fn answer(method: Method, list: &[(HeaderName, &str)]) -> Plan {
    let request = list.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
    plan(&method, &request, &object())
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn the_whole_object_with_every_header() {
    let plan = answer(Method::GET, &[]);
    assert_eq!((plan.status, plan.range), (StatusCode::OK, Some(0..1000)));
    for (name, expected) in [
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::ETAG, "\"abc\""),
        (header::LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (header::CONTENT_LENGTH, "1000"),
        (header::CONTENT_TYPE, "image/png"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"_.png\"; filename*=UTF-8''%C3%BC.png"),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; style-src 'unsafe-inline'"),
    ] {
        assert_eq!(text(&plan.headers, name.clone()), expected, "{name}");
    }
    assert_eq!(plan.headers.len(), 9);
}

#[test]
fn head_is_get_without_its_body_and_its_ranges() {
    let head = answer(Method::HEAD, &[(header::RANGE, "bytes=0-1")]);
    assert_eq!((head.status, head.range), (StatusCode::OK, None));
    assert_eq!(head.headers, answer(Method::GET, &[]).headers);
}

#[test]
fn one_range_is_sent_several_are_not() {
    let plan = answer(Method::GET, &[(header::RANGE, "bytes=10-19")]);
    assert_eq!((plan.status, plan.range), (StatusCode::PARTIAL_CONTENT, Some(10..20)));
    assert_eq!(text(&plan.headers, header::CONTENT_RANGE), "bytes 10-19/1000");
    assert_eq!(text(&plan.headers, header::CONTENT_LENGTH), "10");
    assert_eq!(text(&plan.headers, header::CONTENT_TYPE), "image/png");

    for value in ["bytes=0-1,5-6", "bytes=1000-"] {
        let plan = answer(Method::GET, &[(header::RANGE, value)]);
        assert_eq!((plan.status, plan.range), (StatusCode::RANGE_NOT_SATISFIABLE, None));
        assert_eq!(text(&plan.headers, header::CONTENT_RANGE), "bytes */1000");
        assert_eq!(text(&plan.headers, header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert!(!plan.headers.contains_key(header::CONTENT_LENGTH));
    }
    let ignored = answer(Method::GET, &[(header::RANGE, "bytes=x")]);
    assert_eq!((ignored.status, ignored.range), (StatusCode::OK, Some(0..1000)));
}

#[test]
fn a_resumed_download_of_another_state_starts_again() {
    let range = (header::RANGE, "bytes=500-");
    let same = answer(Method::GET, &[range.clone(), (header::IF_RANGE, "\"abc\"")]);
    assert_eq!((same.status, same.range), (StatusCode::PARTIAL_CONTENT, Some(500..1000)));
    let other = answer(Method::GET, &[range, (header::IF_RANGE, "\"old\"")]);
    assert_eq!((other.status, other.range), (StatusCode::OK, Some(0..1000)));
    // Not even an impossible range counts then.
    let other = answer(Method::GET, &[(header::RANGE, "bytes=9999-"), (header::IF_RANGE, "\"old\"")]);
    assert_eq!(other.status, StatusCode::OK);
}

#[test]
fn preconditions_come_before_ranges() {
    let range = (header::RANGE, "bytes=9999-");
    for method in [Method::GET, Method::HEAD] {
        let cached = answer(method.clone(), &[(header::IF_NONE_MATCH, "\"abc\""), range.clone()]);
        assert_eq!((cached.status, cached.range), (StatusCode::NOT_MODIFIED, None));
        assert_eq!(text(&cached.headers, header::ETAG), "\"abc\"");
        assert!(!cached.headers.contains_key(header::CONTENT_TYPE));

        let failed = answer(method, &[(header::IF_MATCH, "\"old\""), range.clone()]);
        assert_eq!((failed.status, failed.range), (StatusCode::PRECONDITION_FAILED, None));
    }
}

#[test]
fn an_empty_object_of_which_nothing_is_known() {
    let plan = plan(&Method::GET, &HeaderMap::new(), &ObjectInfo::new(0));
    assert_eq!((plan.status, plan.range), (StatusCode::OK, Some(0..0)));
    assert_eq!(text(&plan.headers, header::CONTENT_LENGTH), "0");
    assert_eq!(text(&plan.headers, header::CONTENT_TYPE), "application/octet-stream");
    assert_eq!(text(&plan.headers, header::CONTENT_DISPOSITION), "attachment");
    assert!(!plan.headers.contains_key(header::ETAG));
}
