use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use upload_core::{Error, ErrorKind, ObjectKey, Outcome, Timestamp, UploadId};

use super::render::{self, Failure};
use super::{PixlabSettings, parse};
use crate::auth::AuthError;
use crate::form::Fields;

const ID: &str = "tenant00abcdefghijklmnopqrstuvwxy";

fn text(answer: Response) -> (u16, Option<String>, String) {
    let status = answer.status().as_u16();
    let later = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let frames: Vec<_> = Body::into_data_stream(answer.into_body()).collect().now_or_never().unwrap();
    let body = frames.into_iter().map(|frame| String::from_utf8(frame.unwrap().to_vec()).unwrap()).collect();
    (status, later, body)
}

#[test]
fn every_kind_of_error_has_its_row() {
    use ErrorKind as K;
    for kind in ErrorKind::ALL {
        let (status, busy) = match kind {
            K::Invalid | K::Misplaced | K::Conflict | K::Duplicate | K::DigestMismatch => (400, false),
            K::NotReady | K::Interrupted | K::TimedOut => (400, false),
            K::Forbidden => (403, false),
            K::NotFound | K::Gone => (404, false),
            K::TooLarge => (413, false),
            K::TypeRefused | K::Unreadable => (415, false),
            K::Busy | K::StorageUnavailable | K::StorageFull => (503, true),
            K::UnknownDestination | K::ProcessingFailed | K::Corrupt | K::Unsupported | K::Internal => {
                (500, false)
            }
            other => panic!("no row for {other:?}"),
        };
        let failure = Failure::Upload(Error::new(*kind, "why \"so\""));
        let said = if *kind == K::NotFound { "there is nothing at this link" } else { "why \\\"so\\\"" };
        let expected = format!("{{\"status\":{status},\"error\":\"{said}\"}}");
        let later = busy.then(|| "3".to_owned());
        assert_eq!(
            text(render::failure(&failure, Duration::from_millis(2001))),
            (status, later, expected),
            "{kind:?}"
        );
    }
}

#[test]
fn keys_and_rates_have_their_rows() {
    let row = |failure| text(render::failure(&failure, Duration::from_secs(9)));
    let is = |status: u16, error: &str| format!("{{\"status\":{status},\"error\":\"{error}\"}}");
    let missing = row(Failure::Auth(AuthError::Missing));
    assert_eq!(missing, (401, None, is(401, "the request has no API key")));
    let unknown = row(Failure::Auth(AuthError::Unknown));
    assert_eq!(unknown, (403, None, is(403, "the API key is not known")));
    let later = row(Failure::Auth(AuthError::Unavailable("x".into())));
    assert_eq!(later, (503, Some("9".into()), is(503, "API keys cannot be checked now")));
    let limited = row(Failure::Limited(Duration::from_millis(1200)));
    assert_eq!(limited, (429, Some("2".into()), is(429, "too many requests; try again in 1.2 seconds")));
}

#[test]
fn a_key_stands_in_either_header() {
    let key = |list: &[(&'static str, &str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        parse::key(&headers).map(str::to_owned)
    };
    assert_eq!(key(&[]), None);
    assert_eq!(key(&[("www-authenticate", " k1 ")]).as_deref(), Some("k1"));
    assert_eq!(key(&[("www-authenticate", "Bearer k1")]).as_deref(), Some("k1"));
    assert_eq!(key(&[("authorization", "bearer  k1")]).as_deref(), Some("k1"));
    assert_eq!(key(&[("authorization", "k1")]).as_deref(), Some("k1"));
    assert_eq!(key(&[("authorization", "Bearer k2"), ("www-authenticate", "k1")]).as_deref(), Some("k1"));
}

#[test]
fn a_comment_has_so_many_characters() {
    let comment = |text: &str| parse::comment(&Fields::from([("comment", text.to_owned())]));
    assert_eq!(parse::comment(&Fields::new()).unwrap(), "");
    assert_eq!(comment(&"ü".repeat(1000)).unwrap().chars().count(), 1000);
    let long = comment(&"ü".repeat(1001)).unwrap_err();
    assert_eq!(
        (long.kind, long.detail.as_str()),
        (ErrorKind::Invalid, "the comment has 1001 characters; at most 1000 are allowed")
    );
    let begin = parse::begin(&PixlabSettings::default(), "a.png".into(), "so".into());
    assert_eq!(begin.extras["pixlab"], serde_json::json!({"comment": "so"}));
}

#[test]
fn a_link_names_its_upload_whatever_it_ends_with() {
    let id = UploadId::parse(ID).unwrap();
    for segment in [ID.to_owned(), format!("{ID}.png"), format!("{ID}.a.b")] {
        assert_eq!(parse::named(&segment).unwrap(), id);
    }
    for segment in ["", ".png", "x.png", &format!("{ID}x")] {
        assert!(parse::named(segment).is_err(), "{segment}");
    }
    let key = ObjectKey::parse(&format!("o/00491234/{ID}-{}", "k".repeat(25)));
    let mut outcome = Outcome::new(id, key.unwrap(), "pixlab", 1, Timestamp::from_millis(0));
    for (found, ending) in
        [(Some("image/png"), ".png"), (Some("video/quicktime"), ".mov"), (Some("a/b"), ""), (None, "")]
    {
        outcome.content_type = found.map(str::to_owned);
        let stored = serde_json::to_value(render::stored(&outcome, "https://x/up/pixlab")).unwrap();
        let link = format!("https://x/up/pixlab/{ID}{ending}");
        assert_eq!(stored, serde_json::json!({"status": 200, "link": link, "id": ID}));
    }
}
