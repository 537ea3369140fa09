use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::{FutureExt as _, StreamExt as _};
use http::header;
use upload_chunking::assembly::At;
use upload_core::{Destinations, Error, ErrorKind, Extras, ObjectKey, Outcome, Policy, Timestamp, UploadId};

use super::parse;
use super::render::{self, Failure};
use super::wire::{INDEX, TOTAL};
use crate::auth::AuthError;
use crate::form::Fields;
use crate::multipart::PartHead;

const SHA: &str = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
const ID: &str = "tenant00abcdefghijklmnopqrstuvwxy";

fn text(answer: Response) -> String {
    let frames: Vec<_> = Body::into_data_stream(answer.into_body()).collect().now_or_never().unwrap();
    frames.into_iter().map(|frame| String::from_utf8(frame.unwrap().to_vec()).unwrap()).collect()
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
    error.detail
}

#[test]
fn every_kind_of_error_has_its_row() {
    use ErrorKind as K;
    let golden = |kind| match kind {
        K::Invalid => (400, false),
        K::UnknownDestination => (400, false),
        K::NotFound => (404, false),
        K::Forbidden => (403, false),
        K::TooLarge => (413, false),
        K::TypeRefused => (400, false),
        K::Misplaced => (400, false),
        K::Conflict => (400, false),
        K::Duplicate => (400, false),
        K::Unreadable => (400, false),
        K::ProcessingFailed => (500, false),
        K::DigestMismatch => (400, false),
        K::NotReady => (400, false),
        K::Gone => (404, false),
        K::Interrupted => (400, false),
        K::TimedOut => (408, false),
        K::Busy => (503, true),
        K::StorageUnavailable => (503, true),
        K::StorageFull => (503, true),
        K::Corrupt => (500, false),
        K::Unsupported => (500, false),
        K::Internal => (500, false),
        other => panic!("{other:?} has no row"),
    };
    for kind in ErrorKind::ALL {
        let failure = Failure::Upload(Error::new(*kind, "what happened").with_source("the inside"));
        let answer = render::failure(&failure, Duration::from_millis(1500));
        let retry = answer.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!((answer.status().as_u16(), retry.is_some()), golden(*kind), "{kind:?}");
        assert!(retry.is_none_or(|seconds| seconds == "2"));
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
        let said = if *kind == K::NotFound { "stream not found" } else { "what happened" };
        assert_eq!(text(answer), format!("{{\"error\":\"{said}\"}}"), "{kind:?}");
    }
}

#[test]
fn keys_that_are_nobodys_are_401() {
    for (error, status) in [
        (AuthError::Missing, 401),
        (AuthError::Unknown, 401),
        (AuthError::Unavailable("secret cause".into()), 503),
    ] {
        let answer = render::failure(&Failure::Auth(error), Duration::from_secs(1));
        assert_eq!(answer.status().as_u16(), status);
        let said = text(answer);
        assert!(said.starts_with("{\"error\":\"") && !said.contains("secret"), "{said}");
    }
}

#[test]
fn sizes_are_whole_megabytes_rounded_up() {
    let mega = 1 << 20;
    for (got, limit, said) in [
        (15 * mega, 8 * mega, "file of size 15MB is larger than 8MB"),
        (8 * mega + 1, 8 * mega, "file of size 9MB is larger than 8MB"),
        (14 * mega + 1, 7 * mega + 1, "file of size 15MB is larger than 8MB"),
        (1, 0, "file of size 1MB is larger than 0MB"),
    ] {
        let failure = Failure::Upload(Error::too_large("the upload", got, limit));
        let answer = render::failure(&failure, Duration::ZERO);
        assert_eq!(text(answer), format!("{{\"error\":\"{said}\"}}"));
    }
}

#[test]
fn answers_are_the_pages() {
    let id = UploadId::parse(ID).unwrap();
    let json = |answer| serde_json::to_string(&answer).unwrap();
    assert_eq!(json(render::created(&id)), format!("{{\"streamId\":\"{ID}\"}}"));
    assert_eq!(json(render::stored(&id, 0)), format!("{{\"streamId\":\"{ID}\",\"chunkIndex\":0}}"));
    let destinations = Destinations::new().with("stepVideo", Policy::new(1 << 30).prefix("/api/v1/videos"));
    let body = format!(
        r#"{{"destinationId":"stepVideo","fileName":"a/assembly 1.mp4","fileSize":5,"sha":"{SHA}"}}"#
    );
    let begin = parse::create(body.as_bytes()).unwrap().begin(&destinations, "/media").unwrap();
    assert_eq!((begin.length, begin.expected.len()), (Some(5), 1));
    assert_eq!(begin.file_name.as_deref(), Some("a/assembly 1.mp4"));
    let outcome = outcome(&id, begin.extras);
    let path = format!("/media/api/v1/videos/{ID}-assembly_1.mp4");
    assert_eq!(json(render::completed(&outcome)), format!("{{\"path\":\"{path}\"}}"));
    let both = format!("{{\"streamId\":\"{ID}\",\"path\":\"{path}\"}}");
    assert_eq!(json(render::created_complete(&outcome)), both);
    assert_eq!(parse::named(path.rsplit('/').next().unwrap()).unwrap(), id);
}

fn outcome(id: &UploadId, extras: Extras) -> Outcome {
    let key = ObjectKey::parse(&format!("o/00491234/{ID}-{}", "k".repeat(25))).unwrap();
    let mut outcome = Outcome::new(id.clone(), key, "stepVideo", 5, Timestamp::from_millis(0));
    outcome.extras = extras;
    outcome
}

#[test]
fn prefixes_become_paths() {
    for (configured, path) in
        [("/api/v1/images", "/api/v1/images"), ("files/", "/files"), ("/", ""), ("", ""), ("//a//", "/a")]
    {
        assert_eq!(parse::prefix(configured), path);
    }
}

#[test]
fn a_stream_names_each_missing_and_each_wrong_field() {
    let create = |body: &str| parse::create(body.as_bytes());
    assert_eq!(refused(create("{}")), "missing fields destinationId, fileName, fileSize, sha");
    let with = |name: &str, value: &str| {
        let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&format!(
            r#"{{"destinationId":"a","fileName":"b","fileSize":1,"sha":"{SHA}","more":[1]}}"#
        ))
        .unwrap();
        object.insert(name.into(), serde_json::from_str(value).unwrap());
        create(&serde_json::to_string(&object).unwrap())
    };
    assert!(with("more", "{}").is_ok());
    for name in ["destinationId", "fileName", "fileSize", "sha"] {
        assert_eq!(refused(with(name, "null")), format!("missing field {name}"));
    }
    for name in ["destinationId", "fileName", "sha"] {
        assert_eq!(refused(with(name, "5")), format!("{name} must be a string; got \"5\""));
    }
    for size in ["-1", "1.5", "1e3", "\"7\"", "[]", "18446744073709551616", "1e400000"] {
        if serde_json::from_str::<serde_json::Value>(size).is_ok() {
            let said = refused(with("fileSize", size));
            assert!(said.starts_with("fileSize must be a whole number of bytes, 0 or more; got"), "{said}");
        }
    }
    assert_eq!(with("fileSize", "18446744073709551615").unwrap().length, u64::MAX);
    for sha in ["\"\"", "\"abc\"", &format!("\"{}\"", "g".repeat(64)), &format!("\"{}\"", "ü".repeat(32))] {
        assert!(refused(with("sha", sha)).starts_with("sha must be a SHA-256 as 64 hex digits; got"));
    }
    assert_eq!(
        with("sha", &format!("\"{SHA}\"")).unwrap().sha,
        Some(parse::sha(&SHA.to_lowercase()).unwrap())
    );
    let long = format!("\"{}\"", "n".repeat(1025));
    assert_eq!(refused(with("fileName", &long)), "the file name has 1025 bytes; at most 1024 are allowed");
}

#[test]
fn what_is_no_json_object_is_said() {
    for (body, said) in [
        ("", "the body is not JSON: EOF"),
        ("{", "the body is not JSON: EOF"),
        ("{\"a\":}", "the body is not JSON: expected value"),
        ("\u{feff}{}", "the body is not JSON"),
        ("[1]", "the body must be a JSON object; got \"[1]\""),
        ("null", "the body must be a JSON object; got \"null\""),
        (&"[".repeat(100_000), "the body is not JSON: recursion limit"),
    ] {
        let got = refused(parse::create(body.as_bytes()));
        assert!(got.starts_with(said) && got.len() < 120, "{got}");
    }
}

#[test]
fn a_chunk_has_a_place_or_a_clear_error() {
    let place = |index: &str, total: &str| {
        parse::chunk(&Fields::from([(INDEX, index.to_owned()), (TOTAL, total.to_owned())]))
    };
    assert_eq!(place("0", "5").unwrap(), At::Slot { n: 0, total: 5 });
    assert_eq!(place(" 4 ", "05").unwrap(), At::Slot { n: 4, total: 5 });
    assert_eq!(refused(parse::chunk(&Fields::new())), "missing fields chunkIndex, totalChunks");
    assert_eq!(refused(parse::chunk(&Fields::from([(TOTAL, "1".into())]))), "missing field chunkIndex");
    assert_eq!(refused(place("5", "5")), "chunkIndex must be from 0 to 4 as totalChunks is 5; got 5");
    for bad in ["-1", "+1", "NaN", "", "1.0", "0x1", "4294967296", "99999999999999999999999", "１", "1\n2"] {
        let said = refused(place(bad, "5"));
        assert!(said.starts_with("chunkIndex must be a whole number from 0 to 4294967295; got \""), "{said}");
        let said = refused(place("0", bad));
        assert!(
            said.starts_with("totalChunks must be a whole number from 1 to 4294967295; got \""),
            "{said}"
        );
    }
    assert!(refused(place("0", "0")).ends_with("got \"0\""));
    assert!(refused(place(&"9".repeat(60_000), "5")).len() < 150);
}

#[test]
fn a_form_needs_its_destination_and_its_file() {
    let file = PartHead::default();
    assert_eq!(refused(parse::single(&Fields::new(), &file, 1)), "missing field destinationId");
    let fields = Fields::from([("destinationId", "stepImage".to_owned())]);
    assert_eq!(refused(Err::<(), _>(parse::no_file(&fields, &["destinationId"]))), "missing field file");
    let none = parse::no_file(&Fields::new(), &["destinationId"]);
    assert_eq!(none.detail, "missing fields destinationId, file");
    let begin = parse::single(&fields, &file, 1).unwrap();
    let begin = begin.begin(&Destinations::new().with("stepImage", Policy::new(1)), "").unwrap();
    assert_eq!(begin.file_name, None);
    let path =
        serde_json::to_string(&render::completed(&outcome(&UploadId::parse(ID).unwrap(), begin.extras)));
    assert_eq!(path.unwrap(), format!("{{\"path\":\"/uploads/{ID}-file\"}}"));
}

#[test]
fn a_download_is_found_by_its_id_alone() {
    for segment in [format!("{ID}-x"), format!("{ID}-"), format!("{ID}-a-b-c.jpg")] {
        assert_eq!(parse::named(&segment).unwrap().as_str(), ID);
    }
    for segment in ["", "-", "x", ID, "../etc-passwd", &format!("{}-x", ID.to_uppercase())] {
        assert_eq!(parse::named(segment).unwrap_err().kind, ErrorKind::NotFound, "{segment}");
    }
}
