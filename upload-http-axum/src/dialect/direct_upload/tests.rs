use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, header};
use proptest::prelude::*;
use serde_json::json;
use upload_checksum::Digest;
use upload_core::lifecycle::Claim;
use upload_core::ports::Ids;
use upload_core::{
    Error, ErrorKind, Inspection, Policy, Principal, Roles, SignedRequest, Stage, TenantName, Timestamp,
    TypeRule, UploadId, Verb,
};

use super::DirectUploadSettings;
use super::parse::{self, Blob, Refusal};
use super::render::{self, Failure};
use super::wire::Faults;
use crate::auth::AuthError;

/// What FastAPI 0.165 with pydantic 2.14 answers to these bodies: their sizes, or their faults. Where it fails itself, as
/// what it would show is no JSON, it is what pydantic found.
const MEASURED: &str = include_str!("tests/measured.json");

const MD5: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";
const SHA256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const ID: &str = "tenant00abcdefghijklmnopqrstuvwxy";

fn text(answer: Response) -> String {
    let frames: Vec<_> = Body::into_data_stream(answer.into_body()).collect().now_or_never().unwrap();
    frames.into_iter().map(|frame| String::from_utf8(frame.unwrap().to_vec()).unwrap()).collect()
}

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    list.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect()
}

fn read_for(body: &[u8], policy: &Policy) -> Result<Blob, Refusal> {
    parse::blob(&headers(&[("content-type", "application/json")]), body, policy)
}

fn read(body: &str) -> Result<Blob, Refusal> {
    read_for(body.as_bytes(), &Policy::new(u64::MAX))
}

/// The faults of a body, as JSON.
fn faults(read: Result<Blob, Refusal>) -> String {
    match read {
        Err(Refusal::Faults(faults)) => serde_json::to_string(&Faults { detail: &faults }).unwrap(),
        other => panic!("{other:?} has no faults"),
    }
}

/// A good body with one field of another value.
fn with(name: &str, value: serde_json::Value) -> String {
    let mut blob = json!({"filename": "a", "content_type": "text/plain", "byte_size": 1, "checksum": MD5});
    blob[name] = value;
    json!({"blob": blob}).to_string()
}

/// The one sentence of a rule of ours about this field.
fn ours(name: &str, read: Result<Blob, Refusal>) -> String {
    let said = faults(read);
    let before = format!(r#"{{"detail":[{{"loc":["body","blob","{name}"],"msg":"Value error, "#);
    let rest = said.strip_prefix(&before).unwrap_or_else(|| panic!("{said}"));
    rest.strip_suffix(r#"","type":"value_error"}]}"#).unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[test]
fn bodies_are_read_as_measured() {
    let mut rows = 0;
    for line in MEASURED.lines().filter(|line| line.len() > 1) {
        let line = line.trim_end_matches(',');
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let body = row["body"].as_str().unwrap();
        match row["size"].as_str().map(str::parse::<u64>) {
            Some(Ok(size)) => assert_eq!(read(body).unwrap().byte_size, size, "{body}"),
            Some(Err(_)) => assert!(ours("byte_size", read(body)).contains("at most"), "{body}"),
            None => {
                let (_, detail) = line.split_once(r#","detail":"#).unwrap();
                assert_eq!(faults(read(body)), format!(r#"{{"detail":{detail}"#), "{body}");
            }
        }
        rows += 1;
    }
    assert_eq!(rows, 250);
}

#[test]
fn numbers_and_bodies_have_limits() {
    let sized = |size: String| read(&with("byte_size", json!(0)).replace(":0", &format!(":{size}")));
    assert!(ours("byte_size", sized("9".repeat(4300))).contains("at most"));
    assert_eq!(sized("9".repeat(4301)), Err(Refusal::Unreadable));
    assert!(ours("byte_size", sized(format!("\"{}\"", "9".repeat(4300)))).contains("at most"));
    assert!(faults(sized(format!("\"{}\"", "9".repeat(4301)))).contains("int_parsing_size"));
    assert_eq!(sized(format!("\"{}1\"", "0".repeat(5000))).unwrap().byte_size, 1);
    // Read amiss by pydantic; no number.
    for size in ["0-1", "0__1", "+0-1"] {
        assert!(faults(sized(format!("{size:?}"))).contains("int_parsing"), "{size}");
    }
    assert_eq!(read(&"[".repeat(60_000)), Err(Refusal::Unreadable));
    assert_eq!(read(&format!("{}{}", "[".repeat(60_000), "]".repeat(60_000))), Err(Refusal::Unreadable));
    assert!(faults(read(&"[".repeat(500))).contains("[\"body\",500]"));
    let policy = Policy::new(u64::MAX);
    assert_eq!(read_for(b"\xff", &policy), Err(Refusal::Unreadable));
    assert_eq!(read_for(b"{\"blob\":\"\xff\"}", &policy), Err(Refusal::Unreadable));
    let with_mark = [b"\xef\xbb\xbf", with("byte_size", json!(3)).as_bytes()].concat();
    assert_eq!(read_for(&with_mark, &policy).unwrap().byte_size, 3);
    // Half a character is no text.
    let half = with("filename", json!("x")).replace("\"x\"", r#""\ud800""#);
    assert!(faults(read(&half)).contains("string_unicode"));
}

#[test]
fn only_what_is_said_to_be_json_is_read() {
    let good = with("byte_size", json!(1));
    let read = |kind: Option<&str>, body: &str| {
        let headers = kind.map(|kind| headers(&[("content-type", kind)])).unwrap_or_default();
        parse::blob(&headers, body.as_bytes(), &Policy::new(1))
    };
    for kind in [
        "application/json",
        "APPLICATION/JSON; charset=utf-8",
        "application/vnd.api+json",
        "application/+json",
    ] {
        assert!(read(Some(kind), &good).is_ok(), "{kind}");
    }
    for kind in [None, Some("text/plain"), Some("text/json"), Some("json"), Some("application/json+x")] {
        let said = faults(read(kind, &good));
        assert!(said.contains(r#"["body"]"#) && said.contains("model_attributes_type"), "{said}");
        assert!(faults(read(kind, "")).contains(r#""type":"missing""#));
    }
}

#[test]
fn every_fault_is_told_in_the_order_of_the_fields() {
    let policy = Policy::new(10).accept(TypeRule::only(["image/png"]));
    let body = r#"{"blob":{"checksum":"x","byte_size":11,"content_type":"image/gif","filename":3,
        "metadata":{"a":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}}}"#;
    let said: serde_json::Value = serde_json::from_str(&faults(read_for(body.as_bytes(), &policy))).unwrap();
    let told: Vec<_> = said["detail"].as_array().unwrap().iter().map(|one| one["loc"][2].clone()).collect();
    assert_eq!(told, ["filename", "content_type", "byte_size", "checksum", "metadata"]);
}

#[test]
fn checksums_are_strict_and_kept_as_they_came() {
    for (checksum, algorithm) in [
        (MD5.to_owned(), "md5"),
        (format!("md5:{MD5}"), "md5"),
        (SHA256.to_owned(), "sha-256"),
        (format!("sha256:{SHA256}"), "sha-256"),
    ] {
        let blob = read(&with("checksum", json!(checksum))).unwrap();
        assert_eq!((blob.checksum.as_str(), blob.digest.algorithm().name()), (checksum.as_str(), algorithm));
    }
    for bad in [
        String::new(),
        "d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        MD5.trim_end_matches('=').to_owned(),
        MD5.replace("fg==", "fh=="),
        MD5.replace('1', "_"),
        format!(" {MD5}"),
        format!("{MD5}\n"),
        format!("MD5:{MD5}"),
        format!("sha1:{MD5}"),
        format!("sha256:{MD5}"),
        format!("md5:{SHA256}"),
        format!("md5:md5:{MD5}"),
        SHA256.replace('+', "-"),
        SHA256.replace("U=", "V="),
        "ü".repeat(12),
        "A".repeat(60_000),
    ] {
        let said = ours("checksum", read(&with("checksum", json!(bad))));
        assert!(said.starts_with("expected the Base64 of an MD5") && said.len() < 300, "{said}");
    }
}

#[test]
fn types_sizes_and_names_have_rules_of_their_own() {
    for good in ["image/png", "Image/PNG", "text/plain; charset=\"utf-8\"", "application/vnd.a.b+json"] {
        assert_eq!(read(&with("content_type", json!(good))).unwrap().content_type, good);
    }
    for bad in ["", "png", "/", "image/", "image/png\r\nx: y", "image/p ng", "ü/x", "a/b;\u{7f}"] {
        assert!(ours("content_type", read(&with("content_type", json!(bad)))).contains("no media type"));
    }
    let long = format!("a/{}", "b".repeat(254));
    assert!(ours("content_type", read(&with("content_type", json!(long)))).len() < 100);
    let images = Policy::new(10).accept(TypeRule::only(["image/png"]));
    let typed = |kind| read_for(with("content_type", json!(kind)).as_bytes(), &images);
    assert!(typed("IMAGE/png; a=b").is_ok());
    assert!(ours("content_type", typed("image/gif")).contains("accepts image/png"));
    let sized = |size| read_for(with("byte_size", json!(size)).as_bytes(), &Policy::new(10));
    assert!(sized(10).is_ok() && sized(0).is_ok());
    assert_eq!(ours("byte_size", sized(11)), "a file may have at most 10 bytes");
    let named = |name: &str| read(&with("filename", json!(name)));
    assert!(named("").is_ok() && named("a/b\0\u{202e}").is_ok() && named(&"n".repeat(1024)).is_ok());
    assert!(ours("filename", named(&"n".repeat(1025))).contains("1024"));
}

#[test]
fn metadata_is_the_clients_but_for_what_only_the_server_knows() {
    let kept =
        |metadata| serde_json::Value::Object(read(&with("metadata", metadata)).unwrap().metadata).to_string();
    let mixed = json!({"analyzed": true, "identified": 1, "composed": {}, "mine": [1, "a", null]});
    assert_eq!(kept(mixed), r#"{"mine":[1,"a",null]}"#);
    for nothing in [json!(null), json!("x"), json!([1]), json!(5), json!({})] {
        assert_eq!(kept(nothing), "{}");
    }
    let body = with("metadata", json!("M"));
    let odd = body.replace("\"M\"", r#"{"a":NaN,"b":1e999,"c":99999999999999999999,"d":"\ud800","e":-5}"#);
    let kept = serde_json::Value::Object(read(&odd).unwrap().metadata).to_string();
    assert_eq!(kept, "{\"a\":null,\"b\":null,\"c\":1e+20,\"d\":\"\u{fffd}\",\"e\":-5}");
    let deep = |levels: usize| {
        body.replace("\"M\"", &format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels)))
    };
    assert!(read(&deep(16)).is_ok());
    assert!(ours("metadata", read(&deep(17))).contains("16 levels"));
    assert!(ours("metadata", read(&deep(600))).contains("16 levels"));
    assert!(ours("metadata", read(&with("metadata", json!({"a": "x".repeat(17_000)})))).contains("bytes"));
}

#[derive(Debug)]
struct Ones;

impl Ids for Ones {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(37);
    }
}

fn inspection(blob: &Blob) -> Inspection {
    let id = UploadId::parse(ID).unwrap();
    let mut inspection = Inspection::new(id, Stage::Receiving, Timestamp::from_millis(0));
    inspection.created = Timestamp::from_millis(1_700_000_123_045);
    inspection.length = Some(blob.byte_size);
    let who = Principal::new(TenantName::new("acme").unwrap(), "me", Roles::default());
    inspection.extras = blob.begin(&who, "direct", None, &render::kept(blob, "local", &Ones)).extras;
    inspection
}

#[test]
fn a_record_is_the_pages() {
    let blob = read(&with("filename", json!("größe 1.txt"))).unwrap();
    let inspection = inspection(&blob);
    let kept = render::kept_of(&inspection).unwrap();
    assert_eq!(kept, render::kept(&blob, "local", &Ones));
    let upload = render::to_us("https://files.example/t".into(), &kept, &blob.digest);
    let record = render::record(kept.clone(), &inspection, "signed".into());
    let answer = render::created(record, upload);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
    let disposition = r#"inline; filename=\"gr__e 1.txt\"; filename*=UTF-8''gr%C3%B6%C3%9Fe%201.txt"#;
    let parts = [
        r#"{"id":1448216350762277,"key":"1111111111111111111111111111","filename":"größe 1.txt","#,
        r#""content_type":"text/plain","metadata":{},"service_name":"local","byte_size":1,"#,
        &format!(r#""checksum":"{MD5}","created_at":"2023-11-14T22:15:23.045Z","signed_id":"signed","#),
        r#""direct_upload":{"url":"https://files.example/t","headers":{"#,
        &format!(r#""Content-Disposition":"{disposition}","Content-MD5":"{MD5}","#),
        r#""Content-Type":"text/plain"}}}"#,
    ];
    assert_eq!(text(answer), parts.concat());
    // Never a SHA-256 under Content-MD5.
    let sha = read(&with("checksum", json!(SHA256))).unwrap();
    let upload = render::to_us("u".into(), &kept, &sha.digest);
    assert_eq!(upload.headers.keys().collect::<Vec<_>>(), ["Content-Disposition", "Content-Type"]);
    // What a store signs goes out as it is.
    let mut signed = SignedRequest::new(Verb::Put, "https://bucket.example/k?s");
    signed.fields = vec![("If-None-Match".into(), "*".into())];
    let upload = serde_json::to_string(&render::to_store(signed)).unwrap();
    assert_eq!(upload, r#"{"url":"https://bucket.example/k?s","headers":{"If-None-Match":"*"}}"#);
    // An upload of another dialect is none of ours.
    let other = Inspection::new(UploadId::parse(ID).unwrap(), Stage::Receiving, Timestamp::from_millis(0));
    assert_eq!(render::kept_of(&other).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn ids_are_numbers_that_javascript_can_count_to() {
    #[derive(Debug)]
    struct Bytes(u8);
    impl Ids for Bytes {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }
    let blob = read(&with("byte_size", json!(1))).unwrap();
    assert_eq!(render::kept(&blob, "local", &Bytes(0)).id, 1);
    let kept = render::kept(&blob, "local", &Bytes(251));
    assert!(kept.id < 1 << 53);
    assert!(kept.key.len() == 28 && kept.key.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()));
}

#[test]
fn the_same_request_makes_the_same_claim_and_no_other_does() {
    let who = |id: &str| Principal::new(TenantName::new("acme").unwrap(), id, Roles::default());
    let claim = |who: &Principal, body: &str, named: Option<&str>| -> Claim {
        let blob = read(body).unwrap();
        blob.begin(who, "direct", named, &render::kept(&blob, "local", &Ones)).claim.unwrap()
    };
    let me = who("me");
    let plain = with("filename", json!("a"));
    let first = claim(&me, &plain, None);
    assert_eq!(first, claim(&me, &plain, None));
    assert_eq!((first.completed_counts, &first.same), (false, &None));
    let others = [
        claim(&who("you"), &plain, None),
        claim(&me, &with("filename", json!("b")), None),
        claim(&me, &with("content_type", json!("text/html")), None),
        claim(&me, &with("byte_size", json!(2)), None),
        claim(&me, &with("checksum", json!(SHA256)), None),
        claim(&me, &with("checksum", json!(format!("md5:{MD5}"))), None),
        claim(&me, &plain, Some("mine")),
        claim(&who("you"), &plain, Some("mine")),
    ];
    for (n, other) in others.iter().enumerate() {
        assert_ne!(first.text, other.text);
        assert!(others.iter().skip(n + 1).all(|next| next.text != other.text));
    }
    // A stored file is found again by its SHA-256, not by its MD5.
    assert!(claim(&me, &with("checksum", json!(SHA256)), None).completed_counts);
    // A name that the client gave to its request goes with that request only.
    let named = claim(&me, &plain, Some("mine"));
    let other = claim(&me, &with("filename", json!("b")), Some("mine"));
    assert_eq!((&named.text, named.completed_counts), (&other.text, true));
    assert!(named.same.is_some() && named.same != other.same);
}

#[test]
fn every_kind_of_error_has_its_row() {
    use ErrorKind as K;
    // On POST and GET; on PUT; whether it can be tried again.
    let golden = |kind| match kind {
        K::Invalid => (400, "invalid", 422, "invalid", false),
        K::UnknownDestination => (500, "misconfigured", 500, "misconfigured", false),
        K::NotFound => (404, "not_found", 404, "", false),
        K::Forbidden => (403, "forbidden", 404, "", false),
        K::TooLarge => (413, "too_large", 422, "size_mismatch", false),
        K::TypeRefused => (422, "type_refused", 422, "type_refused", false),
        K::Misplaced => (422, "size_mismatch", 422, "size_mismatch", false),
        K::Conflict => (409, "conflict", 422, "conflict", false),
        K::Duplicate => (409, "duplicate", 422, "duplicate", false),
        K::Unreadable => (422, "unreadable", 422, "unreadable", false),
        K::ProcessingFailed => (500, "processing_failed", 500, "processing_failed", false),
        K::DigestMismatch => (422, "checksum_mismatch", 422, "checksum_mismatch", false),
        K::NotReady => (409, "not_ready", 422, "not_ready", false),
        K::Gone => (404, "gone", 404, "", false),
        K::Interrupted => (400, "interrupted", 422, "interrupted", false),
        K::TimedOut => (408, "timed_out", 408, "timed_out", false),
        K::Busy => (503, "busy", 503, "busy", true),
        K::StorageUnavailable => (502, "storage_unavailable", 502, "storage_unavailable", true),
        K::StorageFull => (502, "storage_full", 502, "storage_full", true),
        K::Corrupt => (500, "corrupt", 500, "corrupt", false),
        K::Unsupported => (500, "unsupported", 500, "unsupported", false),
        K::Internal => (500, "internal", 500, "internal", false),
        other => panic!("{other:?} has no row"),
    };
    let wait = Duration::from_millis(1500);
    for kind in ErrorKind::ALL {
        let (status, code, put_status, put_code, again) = golden(*kind);
        let error = || Error::new(*kind, "what happened").with_source("the inside");
        let answers = [
            (render::failure(&Failure::Upload(error()), wait), status, code),
            (render::put_failure(&error(), wait), put_status, put_code),
        ];
        for (answer, status, code) in answers {
            assert_eq!(answer.status().as_u16(), status, "{kind:?}");
            let retry =
                answer.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(retry.as_deref(), again.then_some("2"), "{kind:?}");
            let reason = answer.status().canonical_reason().unwrap();
            let said = format!(r#"{{"detail":"what happened","error":"{reason}","error_code":"{code}"}}"#);
            assert_eq!(text(answer), if code.is_empty() { String::new() } else { said }, "{kind:?}");
        }
    }
}

#[test]
fn keys_that_are_nobodys_are_401() {
    for (error, status, code) in [
        (AuthError::Missing, 401, "unauthorized"),
        (AuthError::Unknown, 401, "unauthorized"),
        (AuthError::Unavailable("secret cause".into()), 503, "busy"),
    ] {
        let answer = render::failure(&Failure::Auth(error), Duration::from_secs(1));
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.headers().contains_key(header::WWW_AUTHENTICATE), status == 401);
        let said = text(answer);
        assert!(said.contains(&format!(r#""error_code":"{code}""#)) && !said.contains("secret"), "{said}");
    }
    let unreadable = text(render::failure(&Failure::Unreadable, Duration::ZERO));
    assert!(
        unreadable.starts_with(r#"{"detail":"There was an error parsing the body","error":"Bad Request""#)
    );
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

#[test]
fn settings_have_their_defaults_and_nothing_else() {
    let settings: DirectUploadSettings = serde_json::from_str("{}").unwrap();
    assert_eq!(settings, DirectUploadSettings::default());
    let told = (settings.destination.as_str(), settings.service_name.as_str(), settings.signature_seconds);
    assert_eq!(told, ("direct", "local", 300));
    assert!(serde_json::from_str::<DirectUploadSettings>(r#"{"seconds":1}"#).is_err());
}

/// Any JSON, and what is nearly JSON.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|yes| yes.to_string()),
        any::<i128>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        prop_oneof![Just("NaN"), Just("-Infinity"), Just("1e999"), Just("\"\\ud800\""), Just("\"1_0.0\"")]
            .prop_map(str::to_owned),
        ".{0,12}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        Just(format!("{MD5:?}")),
    ];
    let name = prop_oneof![
        prop_oneof![
            Just("filename"),
            Just("content_type"),
            Just("byte_size"),
            Just("checksum"),
            Just("metadata")
        ]
        .prop_map(str::to_owned),
        "[a-z]{0,3}",
    ];
    let value = leaf.prop_recursive(4, 40, 6, move |inner| {
        let member = (name.clone(), inner.clone()).prop_map(|(name, value)| format!("{name:?}:{value}"));
        prop_oneof![
            proptest::collection::vec(inner, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    });
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        value.clone().prop_map(String::into_bytes),
        value.clone().prop_map(|value| format!("{{\"blob\":{value}}}").into_bytes()),
        (value, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(value, at, byte)| {
            let mut body = format!("{{\"blob\":{value}}}").into_bytes();
            let at = at.index(body.len());
            body[at] = byte;
            body
        }),
    ]
}

proptest! {
    #[test]
    fn any_body_is_a_file_or_a_clear_error(body in any_body()) {
        match read_for(&body, &Policy::new(1 << 40)) {
            Ok(blob) => {
                prop_assert!(blob.byte_size <= 1 << 40);
                let base64 = blob.checksum.rsplit(':').next().unwrap();
                prop_assert_eq!(Digest::from_base64(blob.digest.algorithm(), base64).unwrap(), blob.digest);
            }
            Err(refusal) => {
                let answer = render::failure(&Failure::from(refusal), Duration::ZERO);
                prop_assert!(matches!(answer.status().as_u16(), 400 | 422));
                let said: serde_json::Value = serde_json::from_str(&text(answer)).unwrap();
                prop_assert!(said["detail"].is_string() || !said["detail"].as_array().unwrap().is_empty());
            }
        }
    }
}
