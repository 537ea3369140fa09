//! What answers say.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::{FutureExt as _, StreamExt as _};
use http::header;
use upload_checksum::{Algorithm, Hasher};
use upload_core::{Error, ErrorKind, Inspection, ObjectKey, Outcome, Stage, Timestamp, UploadId};

use super::super::render::{self, Failure};
use super::super::wire::Kept;
use super::ID;
use crate::auth::AuthError;

fn text(answer: Response) -> String {
    let frames: Vec<_> = Body::into_data_stream(answer.into_body()).collect().now_or_never().unwrap();
    frames.into_iter().map(|frame| String::from_utf8(frame.unwrap().to_vec()).unwrap()).collect()
}

/// The headers of an answer, in order of their names.
fn head(answer: &Response) -> Vec<(&str, &str)> {
    let mut head: Vec<_> =
        answer.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    head.sort_unstable();
    head
}

#[test]
fn every_kind_of_error_has_its_row() {
    use ErrorKind as K;
    // The status, whether it is to be sent again just so, and whether clients do try again.
    let golden = |kind| match kind {
        K::Invalid => (400, false, false),
        K::UnknownDestination => (500, false, true),
        K::NotFound => (404, false, false),
        K::Forbidden => (403, false, false),
        K::TooLarge => (413, false, false),
        K::TypeRefused => (422, false, false),
        K::Misplaced => (400, false, false),
        K::Conflict => (409, false, true),
        K::Duplicate => (422, false, false),
        K::Unreadable => (422, false, false),
        K::ProcessingFailed => (500, false, true),
        K::DigestMismatch => (460, false, false),
        K::NotReady => (409, false, true),
        K::Gone => (410, false, false),
        K::Interrupted => (409, false, true),
        K::TimedOut => (409, false, true),
        K::Busy => (423, true, true),
        K::StorageUnavailable => (503, true, true),
        K::StorageFull => (507, true, true),
        K::Corrupt => (500, false, true),
        K::Unsupported => (422, false, false),
        K::Internal => (500, false, true),
        other => panic!("{other:?} has no row"),
    };
    for kind in ErrorKind::ALL {
        let failure = Failure::Upload(Error::new(*kind, "what happened").with_source("the inside"));
        let answer = render::failure(&failure, Duration::from_millis(1500));
        let retry = answer.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        // As clients of the protocol decide.
        let again = matches!(status, 409 | 423) || status >= 500;
        assert_eq!((status, retry.is_some(), again), golden(*kind), "{kind:?}");
        assert!(retry.is_none_or(|seconds| seconds == "2"));
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
        assert_eq!(text(answer), "what happened\n");
    }
}

#[test]
fn other_failures_have_theirs() {
    for (failure, status, more, said) in [
        (AuthError::Missing.into(), 401, ("www-authenticate", "Bearer"), "an API key is required\n"),
        (AuthError::Unknown.into(), 401, ("www-authenticate", "Bearer"), "the API key is not known\n"),
        (
            AuthError::Unavailable("secret cause".into()).into(),
            503,
            ("retry-after", "1"),
            "API keys cannot be checked now\n",
        ),
        (Failure::Version, 412, ("tus-version", "1.0.0"), "expected Tus-Resumable: 1.0.0\n"),
        (
            Failure::Method("OPTIONS, POST"),
            405,
            ("allow", "OPTIONS, POST"),
            "this path takes the methods OPTIONS, POST\n",
        ),
        (
            Failure::MediaType("text/plain".into()),
            415,
            ("content-type", "text/plain; charset=utf-8"),
            "expected Content-Type application/offset+octet-stream, got \"text/plain\"\n",
        ),
    ] {
        let answer = render::failure(&failure, Duration::from_secs(1));
        assert_eq!(answer.status().as_u16(), status);
        assert!(head(&answer).contains(&more), "{:?}", head(&answer));
        assert_eq!(text(answer), said);
    }
}

#[test]
fn of_bodies_and_of_lengths_some_kinds_mean_something_else() {
    let body = |kind| render::of_body(Error::new(kind, "")).kind;
    let length = |kind| render::of_length(Error::new(kind, "")).kind;
    for kind in ErrorKind::ALL {
        assert_eq!(
            body(*kind),
            match kind {
                ErrorKind::Misplaced => ErrorKind::TooLarge,
                ErrorKind::Busy => ErrorKind::Conflict,
                kind => *kind,
            }
        );
        assert_eq!(length(*kind), if *kind == ErrorKind::Conflict { ErrorKind::Invalid } else { *kind });
    }
}

const AT: Timestamp = Timestamp::from_millis(1_741_495_674_784);
const DATE: &str = "Sun, 09 Mar 2025 04:47:54 GMT";

#[test]
fn answers_are_the_pages() {
    let answer = render::created("http://a/files/x", Some(7), Some(AT));
    assert_eq!(answer.status(), 201);
    assert_eq!(
        head(&answer),
        [("location", "http://a/files/x"), ("upload-expires", DATE), ("upload-offset", "7")]
    );
    assert_eq!(head(&render::created("/files/x", None, None)), [("location", "/files/x")]);
    let answer = render::stored(u64::MAX, None);
    assert_eq!(
        (answer.status().as_u16(), head(&answer)),
        (204, vec![("upload-offset", "18446744073709551615")])
    );
    assert_eq!(head(&render::stored(0, Some(AT))), [("upload-expires", DATE), ("upload-offset", "0")]);
    let answer = render::options(Some(5));
    assert_eq!(answer.status(), 204);
    assert_eq!(
        head(&answer),
        [
            ("tus-checksum-algorithm", "sha1,sha256,md5,crc32c"),
            (
                "tus-extension",
                "creation,creation-with-upload,creation-defer-length,expiration,checksum,checksum-trailer,\
                 termination,concatenation,concatenation-unfinished"
            ),
            ("tus-max-size", "5"),
            ("tus-version", "1.0.0"),
        ]
    );
    assert!(!render::options(None).headers().contains_key("tus-max-size"));
}

fn completed(digest: bool) -> Stage {
    let id = UploadId::parse(ID).unwrap();
    let key = ObjectKey::parse(&format!("o/00491234/{ID}-{}", "k".repeat(25))).unwrap();
    let mut outcome = Outcome::new(id, key, "tus", 9, Timestamp::from_millis(0));
    if digest {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(b"123456789");
        outcome.digests.insert(hasher.finish());
    }
    Stage::Completed(Box::new(outcome))
}

fn seen(stage: Stage, length: Option<u64>, frontier: u64) -> Inspection {
    let mut seen = Inspection::new(UploadId::parse(ID).unwrap(), stage, AT);
    (seen.length, seen.frontier) = (length, frontier);
    seen
}

#[test]
fn a_state_has_an_offset_but_for_an_unfinished_final_upload() {
    let kept = Kept { metadata: Some("a YQ==".into()), concat: Some("partial".into()) };
    let state = |seen: &Inspection, kept: &Kept, link| {
        let answer = render::state(seen, kept, link);
        assert_eq!(answer.status(), 200);
        head(&answer).into_iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>()
    };
    let mut receiving = seen(Stage::Receiving, Some(9), 4);
    receiving.expires = Some(AT);
    assert_eq!(
        state(&receiving, &kept, None),
        [
            "upload-concat: partial",
            &format!("upload-expires: {DATE}"),
            "upload-length: 9",
            "upload-metadata: a YQ==",
            "upload-offset: 4"
        ]
    );
    let none = Kept::default();
    let deferred = seen(Stage::Receiving, None, 4);
    assert_eq!(state(&deferred, &none, None), ["upload-defer-length: 1", "upload-offset: 4"]);
    let mut waiting = seen(Stage::Receiving, None, 0);
    waiting.composed = true;
    assert_eq!(state(&waiting, &none, None), Vec::<String>::new());
    let mut complete = seen(completed(true), Some(9), 9);
    complete.composed = true;
    assert_eq!(
        state(&complete, &none, Some("http://a/store/t")),
        [
            "content-location: http://a/store/t",
            "repr-digest: sha-256=:FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=:",
            "upload-length: 9",
            "upload-offset: 9"
        ]
    );
    let bare = state(&seen(completed(false), Some(9), 9), &none, None);
    assert_eq!(bare, ["upload-length: 9", "upload-offset: 9"]);
}

#[test]
fn what_is_gone_says_why() {
    let later = AT.plus(Duration::from_millis(1));
    let why = |stage: Stage, expires: Option<Timestamp>, now| {
        let mut seen = seen(stage, None, 0);
        seen.expires = expires;
        render::gone(&seen, now).map(|error| {
            assert_eq!(error.kind, ErrorKind::Gone);
            error.detail
        })
    };
    assert_eq!(why(Stage::Receiving, Some(later), AT), None);
    assert_eq!(why(completed(false), None, later), None);
    // What is being finished will be complete.
    assert_eq!(why(Stage::Finishing, Some(AT), later), None);
    for stage in [Stage::Receiving, completed(false)] {
        assert_eq!(why(stage, Some(AT), AT).unwrap(), "the upload has expired");
    }
    for (stage, text) in [
        (Stage::Expired, "the upload has expired"),
        (Stage::Cancelled, "the upload was removed"),
        (Stage::Removed, "the upload was removed"),
        (Stage::Failed("of this".into()), "the upload has failed: of this"),
    ] {
        assert_eq!(why(stage, None, AT).unwrap(), text);
    }
}

#[test]
fn what_did_not_begin_here_is_not_here() {
    let mut extras = upload_core::Extras::new();
    assert_eq!(render::kept(&extras).unwrap_err().kind, ErrorKind::NotFound);
    extras.insert("picomes".into(), serde_json::json!({}));
    assert_eq!(render::kept(&extras).unwrap_err().kind, ErrorKind::NotFound);
    extras.insert("tus".into(), serde_json::json!({"metadata": ""}));
    assert_eq!(render::kept(&extras).unwrap(), Kept { metadata: Some(String::new()), concat: None });
}
