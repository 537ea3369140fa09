use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, header};
use serde_json::{Value, json};
use upload_checksum::{Algorithm, Digest, Hasher};
use upload_core::{
    Charge, Error, ErrorKind, ObjectKey, Outcome, Policy, TenantName, Timestamp, TypeRule, UploadId,
};
use upload_engine::OsIds;

use super::parse::{self, Wishes};
use super::render::{self, Completed, Failure};
use super::wire::{COLLECTION_ID, Cents, FORCE_OVERWRITE, Family, INCLUDE_VECTORS, Kept, NAME};
use super::{WicksonSettings, policy};
use crate::auth::AuthError;
use crate::form::Fields;
use crate::multipart::PartHead;

const ID: &str = "tenant00abcdefghijklmnopqrstuvwxy";

fn body(answer: Response) -> Value {
    let frames: Vec<_> = Body::into_data_stream(answer.into_body()).collect().now_or_never().unwrap();
    let bytes: Vec<u8> = frames.into_iter().flat_map(|frame| frame.unwrap().to_vec()).collect();
    serde_json::from_slice(&bytes).unwrap()
}

fn acme() -> TenantName {
    TenantName::new("acme").unwrap()
}

fn sha256(content: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(content);
    hasher.finish()
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
        K::Invalid => (400, "INVALID_PARAMETER"),
        K::UnknownDestination => (500, "PROCESSING_ERROR"),
        K::NotFound => (400, "INVALID_PARAMETER"),
        K::Forbidden => (403, "INSUFFICIENT_PERMISSIONS"),
        K::TooLarge => (400, "FILE_SIZE_EXCEEDED"),
        K::TypeRefused => (400, "UNSUPPORTED_FILE_TYPE"),
        K::Misplaced => (400, "INVALID_PARAMETER"),
        K::Conflict => (400, "INVALID_PARAMETER"),
        K::Duplicate => (409, "DUPLICATE_FILE"),
        K::Unreadable => (500, "PROCESSING_ERROR"),
        K::ProcessingFailed => (500, "PROCESSING_ERROR"),
        K::DigestMismatch => (400, "INVALID_PARAMETER"),
        K::NotReady => (400, "INVALID_PARAMETER"),
        K::Gone => (400, "INVALID_PARAMETER"),
        K::Interrupted => (400, "INVALID_PARAMETER"),
        K::TimedOut => (400, "INVALID_PARAMETER"),
        K::Busy => (503, "SERVICE_UNAVAILABLE"),
        K::StorageUnavailable => (503, "SERVICE_UNAVAILABLE"),
        K::StorageFull => (503, "SERVICE_UNAVAILABLE"),
        K::Corrupt => (500, "PROCESSING_ERROR"),
        K::Unsupported => (500, "PROCESSING_ERROR"),
        K::Internal => (500, "PROCESSING_ERROR"),
        other => panic!("{other:?} has no row"),
    };
    for kind in ErrorKind::ALL {
        let failure = Failure::Upload(Error::new(*kind, "what happened").with_source("the inside"));
        let answer = render::failure(&failure, "req_1", Duration::from_millis(1500));
        let (status, code) = golden(*kind);
        assert_eq!(answer.status().as_u16(), status, "{kind:?}");
        let later = answer.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(later.as_deref(), (status == 503).then_some("2"), "{kind:?}");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
        let body = body(answer);
        let details = json!({"specific": "what happened", "request_id": "req_1"});
        assert_eq!(body["error"], json!({"code": code, "details": details}), "{kind:?}");
        assert_eq!((body["success"].as_bool(), body.as_object().unwrap().len()), (Some(false), 3));
        assert!(body["message"].as_str().is_some_and(|text| text.len() > 10));
    }
}

#[test]
fn what_is_no_error_of_the_engine_has_its_row_too() {
    let wait = Duration::from_millis(59_001);
    for (failure, status, code, later) in [
        (Failure::Auth(AuthError::Missing), 401, "INVALID_API_KEY", None),
        (Failure::Auth(AuthError::Unknown), 401, "INVALID_API_KEY", None),
        (Failure::Auth(AuthError::Unavailable("secret cause".into())), 503, "SERVICE_UNAVAILABLE", Some("1")),
        (Failure::Limited(wait), 429, "RATE_LIMIT_EXCEEDED", Some("60")),
        (Failure::MissingFile("none".into()), 400, "MISSING_FILE", None),
    ] {
        let answer = render::failure(&failure, "req_1", Duration::from_secs(1));
        assert_eq!(answer.status().as_u16(), status);
        let told = answer.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(told.as_deref(), later);
        let body = body(answer);
        assert_eq!(body["error"]["code"], code);
        assert!(!body.to_string().contains("secret"), "{body}");
    }
}

#[test]
fn booleans_are_four_words_in_any_case() {
    let flags = |text: &str| {
        let fields = Fields::from([(FORCE_OVERWRITE, text.to_owned())]);
        parse::wishes(&fields, false).map(|wishes| wishes.overwrite)
    };
    for (text, value) in [
        ("true", true),
        ("TRUE", true),
        ("True", true),
        ("1", true),
        ("false", false),
        ("fAlse", false),
        ("0", false),
    ] {
        assert_eq!(flags(text).unwrap(), value, "{text}");
    }
    for bad in ["", " true", "true\n", "yes", "no", "on", "2", "01", "t", "null", "trüe"] {
        let said = refused(flags(bad));
        assert!(said.starts_with("force_overwrite must be true, false, 1 or 0; got \""), "{said}");
    }
    assert!(refused(flags(&"x".repeat(60_000))).len() < 120);
}

#[test]
fn vectors_are_wanted_by_field_or_query() {
    let both = |field: Option<&str>, query: Option<&str>| {
        let fields: Fields = field.map(|text| (INCLUDE_VECTORS, text.to_owned())).into_iter().collect();
        parse::wishes(&fields, parse::query(query)?).map(|wishes| wishes.vectors)
    };
    for (field, query, wanted) in [
        (None, None, false),
        (None, Some(""), false),
        (None, Some("include_vectors=true"), true),
        (None, Some("a=1&&include%5Fvectors=%54RUE&b"), true),
        (Some("1"), None, true),
        (Some("false"), Some("include_vectors=1"), true),
        (Some("true"), Some("include_vectors=0"), true),
        (Some("0"), Some("include_vectors=false"), false),
        (None, Some("force_overwrite=maybe&include_vector=x"), false),
    ] {
        assert_eq!(both(field, query).unwrap(), wanted, "{field:?} {query:?}");
    }
    for query in ["include_vectors", "include_vectors=", "include_vectors=yes", "include_vectors=+true"] {
        assert!(refused(both(None, Some(query))).starts_with("include_vectors must be"), "{query}");
    }
    let twice = refused(both(None, Some("include_vectors=1&include_vectors=1")));
    assert_eq!(twice, "the query has more than one include_vectors");
    assert!(refused(both(Some("no"), Some("include_vectors=1"))).starts_with("include_vectors must be"));
}

#[test]
fn collections_have_plain_names() {
    let named = |name: &str| {
        parse::wishes(&Fields::from([(COLLECTION_ID, name.to_owned())]), false)
            .map(|wishes| wishes.collection)
    };
    assert_eq!(parse::wishes(&Fields::new(), false).unwrap().collection, "default");
    for good in ["a", "my_collection", "A.b-c_9", "..", &"x".repeat(128)] {
        assert_eq!(named(good).unwrap(), good);
    }
    for bad in ["", " ", "a b", "a/b", "ü", "a\0", &"x".repeat(129)] {
        let said = refused(named(bad));
        assert!(said.starts_with("collection_id must be 1 to 128 of") && said.len() < 160, "{said}");
    }
}

#[test]
fn a_file_has_a_name() {
    let mut head = PartHead::default();
    let missing = |head: &PartHead| match parse::file_name(head) {
        Err(Failure::MissingFile(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(missing(&head).contains("no filename"));
    head.file_name = Some(String::new());
    assert!(missing(&head).contains("empty filename"));
    head.file_name = Some("n".repeat(1025));
    let Err(Failure::Upload(error)) = parse::file_name(&head) else { panic!("a long name") };
    assert_eq!(refused(Err::<(), _>(error)), "the file name has 1025 bytes; at most 1024 are allowed");
    head.file_name = Some("../größe.pdf".into());
    assert_eq!(parse::file_name(&head).unwrap(), "../größe.pdf");
}

#[test]
fn what_is_no_form_has_no_file() {
    for (value, said) in [
        (None, "has no Content-Type"),
        (Some("application/json; charset=utf-8"), "is \"application/json\""),
        (Some("application/x-www-form-urlencoded"), "is \"application/x-www-form-urlencoded\""),
    ] {
        let headers =
            HeaderMap::from_iter(value.map(|value: &str| (header::CONTENT_TYPE, value.parse().unwrap())));
        let Err(Failure::MissingFile(text)) = parse::is_form(&headers) else { panic!("{value:?}") };
        assert!(text.ends_with(said), "{text}");
    }
    let form = HeaderMap::from_iter([(header::CONTENT_TYPE, "Multipart/Form-Data".parse().unwrap())]);
    assert!(parse::is_form(&form).is_ok());
}

#[test]
fn an_id_is_of_tenant_collection_and_content() {
    let id = |tenant: &str, collection: &str, family, content: &[u8]| {
        let tenant = TenantName::new(tenant).unwrap();
        parse::kept(&tenant, collection, family, &sha256(content)).media_id
    };
    // As Python's `uuid5(uuid5(NAMESPACE_URL, "tenant:acme"), "research/" + sha256(b"abc").hexdigest())` makes it.
    let one = id("acme", "research", Family::Document, b"abc");
    assert_eq!(one, "doc_eda29dbf-e025-53f3-8bf4-43d4af93360a");
    assert_eq!(one, id("acme", "research", Family::Document, b"abc"));
    for other in [
        id("other", "research", Family::Document, b"abc"),
        id("acme", "default", Family::Document, b"abc"),
        id("acme", "research", Family::Document, b"abd"),
    ] {
        assert_ne!(one, other);
    }
    for (content_type, prefix, name) in [
        (Some("application/pdf"), "doc_", "document"),
        (Some("text/plain"), "doc_", "document"),
        (Some("image/gif"), "img_", "image"),
        (Some("audio/wav"), "aud_", "audio"),
        (Some("video/quicktime"), "vid_", "video"),
        (Some("model/obj"), "mod_", "model"),
        (None, "doc_", "document"),
    ] {
        let family = parse::family(content_type);
        let kept = parse::kept(&acme(), "a", family, &sha256(b""));
        assert!(kept.media_id.starts_with(prefix), "{kept:?}");
        assert_eq!(kept.media_type, name);
    }
}

#[test]
fn money_is_exact() {
    for (cents, text) in [
        (0, "0.00"),
        (4, "0.04"),
        (10, "0.10"),
        (99_999_999, "999999.99"),
        (100_000_000, "1000000.00"),
        (-4, "-0.04"),
        (-104, "-1.04"),
        (i128::from(u64::MAX), "184467440737095516.15"),
        (i128::MIN, "-1701411834604692317316873037158841057.28"),
    ] {
        assert_eq!(Cents(cents).to_string(), text);
        assert_eq!(serde_json::to_string(&Cents(cents)).unwrap(), text);
    }
    assert_eq!(render::left(0, u64::MAX), Cents(-i128::from(u64::MAX)));
    let short = render::short(Cents(3), Cents(4));
    assert_eq!(short.kind, ErrorKind::Forbidden);
    assert_eq!(short.detail, "insufficient balance: an upload costs 0.04, and 0.03 are left");
}

#[test]
fn charges_are_what_the_settings_say() {
    let mut settings = WicksonSettings::default();
    assert_eq!(settings.charges(), [Charge::new("processing", 3), Charge::new("database operation", 1)]);
    settings.processing_cost = 0;
    assert_eq!(settings.charges(), [Charge::new("database operation", 1)]);
    settings.operation_cost = 0;
    assert!(settings.charges().is_empty());
    let read: WicksonSettings =
        serde_json::from_value(json!({"balance": 7, "rate_limit": {"per_minute": 60}})).unwrap();
    assert_eq!((read.balance, read.rate_limit.per_minute, read.rate_limit.burst), (7, 60, 10));
    assert!(serde_json::from_value::<WicksonSettings>(json!({"ballance": 7})).is_err());
}

#[test]
fn the_policy_is_the_pages() {
    let Policy { types, max_length, max_single, keep_content, refuse_unreadable, .. } = policy();
    assert_eq!(
        (max_length, max_single, keep_content, refuse_unreadable),
        (500 << 20, 500 << 20, false, true)
    );
    let TypeRule::Only(types) = types else { panic!("{types:?}") };
    assert_eq!(types.len(), 12);
}

#[test]
fn a_command_says_what_is_there_once_and_what_it_costs() {
    let settings = WicksonSettings::default();
    let kept = parse::kept(&acme(), "c", Family::Image, &sha256(b"x"));
    let wishes = Wishes { collection: "c".into(), overwrite: true, vectors: false };
    let begin = parse::begin(&settings, &wishes, "a.png", &kept);
    let unique = begin.unique.unwrap();
    assert_eq!((unique.space.as_str(), unique.scope.as_str(), unique.replace), (NAME, "c", true));
    assert_eq!(begin.file_name.as_deref(), Some("a.png"));
    assert_eq!(Charge::sum(&begin.charges), 4);
    assert_eq!(serde_json::from_value::<Kept>(begin.extras[NAME].clone()).unwrap(), kept);
}

#[test]
fn request_ids_are_random() {
    let ids: Vec<_> = (0..50).map(|_| render::request_id(&OsIds::default())).collect();
    for (n, id) in ids.iter().enumerate() {
        let random = id.strip_prefix("req_").unwrap();
        assert!(random.len() == 20 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        assert!(!ids[n + 1..].contains(id));
    }
}

fn outcome(details: Value) -> Outcome {
    let id = UploadId::parse(ID).unwrap();
    let key = ObjectKey::parse(&format!("o/00491234/{ID}-{}", "k".repeat(25))).unwrap();
    let mut outcome = Outcome::new(id, key, "wickson", 538_064, Timestamp::from_millis(1_741_495_674_783));
    outcome.digests.insert(sha256(b"apples"));
    outcome.content_type = Some("application/pdf".into());
    outcome.file_name = Some("fertilizing_apple_trees.pdf".into());
    outcome.charges = WicksonSettings::default().charges();
    outcome.details = serde_json::from_value(details).unwrap();
    outcome
}

fn answer(outcome: &Outcome, vectors: bool) -> Value {
    let wishes = Wishes { collection: "default".into(), overwrite: false, vectors };
    let family = parse::family(outcome.content_type.as_deref());
    let answer = render::completed(Completed {
        tenant: &acme(),
        outcome,
        kept: parse::kept(&acme(), "default", family, &sha256(b"apples")),
        wishes: &wishes,
        request_id: "req_67890".into(),
        started: Timestamp::from_millis(1_741_495_672_241),
        ended: Timestamp::from_millis(1_741_495_674_784),
        left: Cents(99_999_996),
    });
    serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap()
}

#[test]
fn a_success_is_the_pages() {
    let summary = json!({"summary": "This document", "topics": ["Soil"], "entities": {"people": ["A"]}});
    let vectors = json!({"combined": [0.123, -0.456]});
    let outcome = outcome(json!({
        "file_details": {"page_count": 23, "word_count": null, "warnings": ["odd"], "filename": "no", "path": "/x"},
        "content_summary": summary,
        "vectors": vectors,
    }));
    let got = answer(&outcome, true);
    let media_id = parse::kept(&acme(), "default", Family::Document, &sha256(b"apples")).media_id;
    let job_id = got["data"]["processing_info"]["job_id"].as_str().unwrap();
    assert_eq!(job_id, "job_b19abb9c-0ede-5385-a790-362d569bb18d");
    let expected = json!({
        "success": true,
        "message": "Media processed successfully",
        "data": {
            "media_id": media_id,
            "media_type": "document",
            "status": "completed",
            "processing_info": {
                "started_at": "2025-03-09T04:47:52.241000",
                "completed_at": "2025-03-09T04:47:54.784000",
                "job_id": job_id,
            },
            "content_summary": summary,
            "file_details": {
                "filename": "fertilizing_apple_trees.pdf",
                "size_bytes": 538_064,
                "checksum": sha256(b"apples").to_hex(),
                "media_type": "document",
                "page_count": 23,
            },
            "storage_info": {
                "collection": "default",
                "vectors_stored": 1,
                "stored_at": "2025-03-09T04:47:54.783000",
            },
            "balance_info": {"previous_balance": 1_000_000.00, "cost": 0.04, "new_balance": 999_999.96},
            "vectors": vectors,
        },
        "metadata": {
            "cost": 0.04,
            "collection": "default",
            "request_id": "req_67890",
            "processing_time_ms": 2543,
        },
        "timestamp": "2025-03-09T04:47:54.784000",
    });
    assert_eq!(got, expected);
}

#[test]
fn what_was_not_found_is_absent() {
    let got = answer(&outcome(json!({})), true);
    assert_eq!(got["data"]["content_summary"], json!({}));
    assert_eq!(got["data"]["file_details"].as_object().unwrap().len(), 4);
    assert_eq!(got["data"]["storage_info"]["vectors_stored"], 0);
    assert!(got["data"].get("vectors").is_none());
    // What a processor gives that is no object is nothing, too.
    let odd = json!({"file_details": [1], "content_summary": "text", "vectors": [0.5], "other": {"x": 1}});
    let got_odd = answer(&outcome(odd), true);
    assert_eq!(got_odd, got);
    let nulls = json!({"content_summary": {"summary": null}, "vectors": {"combined": null}});
    assert_eq!(answer(&outcome(nulls), true), got);
}

#[test]
fn vectors_are_counted_and_shown_to_those_who_ask() {
    for (vectors, stored) in [
        (json!({"combined": [0.5]}), 1),
        (json!({"combined": [0.5], "summary": [0.25, 1.0]}), 2),
        (json!({"combined": [0.5], "all": [[0.5], [0.25], [1.0]]}), 4),
        // One for each chunk of a text; the others are made of them.
        (json!({"model": "m", "combined": [0.5], "chunks": [{"vector": [0.5]}, {"vector": [0.25]}]}), 2),
        (json!({"combined": []}), 0),
    ] {
        let outcome = outcome(json!({"vectors": vectors}));
        for wanted in [false, true] {
            let got = answer(&outcome, wanted);
            assert_eq!(got["data"]["storage_info"]["vectors_stored"], stored, "{vectors}");
            assert_eq!(got["data"].get("vectors"), wanted.then_some(&vectors));
        }
    }
}

#[test]
fn a_file_that_is_too_large_is_told_its_whole_size() {
    let error = || Error::too_large("the file", 100, 50);
    assert_eq!(
        render::file_too_large(error(), Some(700)).detail,
        "the file has 700 bytes; at most 50 are allowed"
    );
    assert_eq!(
        render::file_too_large(error(), None).detail,
        "the file has 100 bytes; at most 50 are allowed"
    );
    let other = render::file_too_large(Error::new(ErrorKind::TypeRefused, "odd"), Some(700));
    assert_eq!((other.kind, other.detail.as_str()), (ErrorKind::TypeRefused, "odd"));
}
