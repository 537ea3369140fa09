use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::{FutureExt as _, StreamExt as _};
use http::header;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use upload_core::record::IndexRecord;
use upload_core::{
    Access, Error, ErrorKind, Extras, Inspection, Stage, Timestamp, UploadId, Verb, Visibility,
};

use super::parse::{self, Listing, Next, Query};
use super::render::{self, Failure};
use super::settings::PlaceosSettings;
use super::wire::{Created, Kept, PartData, Progress, Signature, Step};
use crate::auth::AuthError;

const ID: &str = "tenant00abcdefghijklmnopqrstuvwxy";
const HEX: &str = "e7298923133b1952df4db312e9823507";
const BASE64: &str = "5ymJIxM7GVLfTbMS6YI1Bw==";

fn text(answer: Response) -> String {
    let frames: Vec<_> = Body::into_data_stream(answer.into_body()).collect().now_or_never().unwrap();
    frames.into_iter().map(|frame| String::from_utf8(frame.unwrap().to_vec()).unwrap()).collect()
}

fn object(value: Value) -> Map<String, Value> {
    parse::object(value.to_string().as_bytes()).unwrap()
}

/// Status and body of a failure.
fn said(failure: &Failure) -> (u16, String) {
    let answer = render::failure(failure, "uploads-x", Duration::ZERO);
    (answer.status().as_u16(), text(answer))
}

fn of<T: std::fmt::Debug>(result: Result<T, Failure>) -> (u16, String) {
    said(&result.unwrap_err())
}

fn bad(parameter: &str, restriction: &str) -> (u16, String) {
    let error = format!("invalid value for parameter '{parameter}'");
    (
        400,
        format!("{{\"error\":\"{error}\",\"parameter\":\"{parameter}\",\"restriction\":\"{restriction}\"}}"),
    )
}

fn missing(parameter: &str, restriction: &str) -> (u16, String) {
    let error = format!("missing required parameter '{parameter}'");
    (
        422,
        format!("{{\"error\":\"{error}\",\"parameter\":\"{parameter}\",\"restriction\":\"{restriction}\"}}"),
    )
}

#[test]
fn every_kind_of_error_has_its_row() {
    use ErrorKind as K;
    let plain = Some("what \\\"happened\\\"");
    let golden = |kind| match kind {
        K::Invalid => (400, plain, false),
        K::UnknownDestination => (500, Some("the destination of uploads is not configured"), false),
        K::NotFound => (404, Some("Invalid upload id: uploads-\\\"x"), false),
        K::Forbidden => (403, None, false),
        K::TooLarge => (413, plain, false),
        K::TypeRefused => (400, plain, false),
        K::Misplaced => (400, plain, false),
        K::Conflict => (409, plain, false),
        K::Duplicate => (409, plain, false),
        K::Unreadable => (400, plain, false),
        K::ProcessingFailed => (500, plain, false),
        K::DigestMismatch => (409, plain, false),
        K::NotReady => (409, plain, false),
        K::Gone => (404, Some("Invalid upload id: uploads-\\\"x"), false),
        K::Interrupted => (400, plain, false),
        K::TimedOut => (408, plain, false),
        K::Busy => (503, plain, true),
        K::StorageUnavailable => (503, plain, true),
        K::StorageFull => (503, plain, true),
        K::Corrupt => (500, plain, false),
        K::Unsupported => (500, plain, false),
        K::Internal => (500, plain, false),
        other => panic!("{other:?} has no row"),
    };
    for kind in ErrorKind::ALL {
        let error = Error::new(*kind, "what \"happened\"").with_source("the inside");
        let answer = render::failure(&Failure::Upload(error), "uploads-\"x", Duration::from_millis(1500));
        let retry = answer.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        let (status, error, retries) = golden(*kind);
        assert_eq!((answer.status().as_u16(), retry.is_some()), (status, retries), "{kind:?}");
        assert!(retry.is_none_or(|seconds| seconds == "2"));
        assert_eq!(answer.headers().contains_key(header::CONTENT_TYPE), error.is_some(), "{kind:?}");
        let expected = error.map(|error| format!("{{\"error\":\"{error}\"}}")).unwrap_or_default();
        assert_eq!(text(answer), expected, "{kind:?}");
    }
}

#[test]
fn other_failures_are_the_pages() {
    for (failure, status, body) in [
        (Failure::Auth(AuthError::Missing), 401, "{\"error\":\"an API key is required\"}"),
        (Failure::Auth(AuthError::Unknown), 401, "{\"error\":\"the API key is not known\"}"),
        (
            Failure::Auth(AuthError::Unavailable("secret".into())),
            503,
            "{\"error\":\"API keys cannot be checked now\"}",
        ),
        (Failure::direct(), 400, "{\"error\":\"upload is not resumable\"}"),
        (Failure::not_begun(), 400, "{\"error\":\"upload is not resumable, no part available\"}"),
        (
            Failure::MediaType("text/plain".into()),
            415,
            "{\"error\":\"unsupported content type \\\"text/plain\\\"; application/json is accepted\"}",
        ),
        (
            Failure::Incomplete { has: 5, length: 7 },
            409,
            "{\"error\":\"the upload is not complete: its parts in the store have 5 of 7 bytes\"}",
        ),
    ] {
        assert_eq!(said(&failure), (status, body.to_owned()), "{failure:?}");
    }
}

fn page_body() -> Value {
    json!({"file_size": "7065473", "file_name": "file_name.ext", "permissions": "none", "public": true, "file_id": BASE64})
}

fn with(name: &str, value: Value) -> Map<String, Value> {
    let mut body = object(page_body());
    body.insert(name.to_owned(), value);
    body
}

#[test]
fn the_pages_body_begins_an_upload_in_parts() {
    let settings = PlaceosSettings::default();
    let new = parse::create(&object(page_body()), &settings).unwrap();
    assert_eq!((new.length, new.digest, new.minutes), (7_065_473, None, 0));
    let begin = new.begin(&settings, "me");
    assert_eq!((begin.destination.as_str(), begin.length), ("placeos", Some(7_065_473)));
    assert_eq!(begin.file_name.as_deref(), Some("file_name.ext"));
    assert!(begin.exclusive && begin.holder_commits && begin.expected.is_empty());
    assert_eq!((begin.visibility, begin.declared_type.as_deref()), (Some(Visibility::Tenant), None));
    let claim = begin.claim.unwrap();
    assert_eq!(claim.text, format!("[\"me\",\"file_name.ext\",7065473,\"{BASE64}\"]"));
    assert_eq!((claim.space.as_str(), claim.completed_counts, claim.same), ("placeos", false, None));
    assert_eq!(begin.extras["placeos"]["file_id"], BASE64);
    assert_eq!(render::kept(&begin.extras), Some(new.kept));
}

#[test]
fn the_size_decides_how_it_comes() {
    let settings = PlaceosSettings::default();
    for (size, resumable) in
        [(json!(0), false), (json!(5_000_000), false), (json!("5000000"), false), (json!(5_000_001), true)]
    {
        let new = parse::create(&with("file_size", size.clone()), &settings).unwrap();
        assert_eq!((new.kept.resumable, new.digest.is_none()), (resumable, resumable), "{size}");
        assert_eq!(new.begin(&settings, "me").holder_commits, resumable);
    }
    // The look-up key of an upload in parts is any text; the MD5 of a small file is one.
    assert!(parse::create(&with("file_id", json!("anything")), &settings).is_ok());
    let small = |file_id: &str| {
        let mut body = with("file_size", json!(7));
        body.insert("file_id".into(), json!(file_id));
        parse::create(&body, &settings)
    };
    assert_eq!(small(BASE64).unwrap().digest, small(HEX).unwrap().digest);
    assert_eq!(small(HEX).unwrap().kept.file_id, HEX);
    for wrong in ["anything", "", "5ymJIxM7GVLfTbMS6YI1Bw", &HEX[1..]] {
        assert_eq!(of(small(wrong)), bad("file_id", "MD5 in base64"), "{wrong}");
    }
}

#[test]
fn each_missing_and_each_wrong_parameter_is_named() {
    let settings = PlaceosSettings::default();
    let create = |body: &Map<String, Value>| parse::create(body, &settings);
    for (name, restriction) in [("file_name", "String"), ("file_size", "Int64"), ("file_id", "String")] {
        let mut body = object(page_body());
        body.remove(name);
        assert_eq!(of(create(&body)), missing(name, restriction));
        assert_eq!(of(create(&with(name, Value::Null))), missing(name, restriction));
        assert_eq!(of(create(&with(name, json!([])))), bad(name, restriction));
    }
    for size in [
        json!(-1),
        json!(1.5),
        json!("x"),
        json!("-1"),
        json!(""),
        json!(u64::MAX),
        json!("9".repeat(30)),
        json!(true),
    ] {
        assert_eq!(of(create(&with("file_size", size.clone()))), bad("file_size", "Int64"), "{size}");
    }
    for (name, value, restriction) in [
        ("file_name", json!(""), "String"),
        ("file_name", json!("a/"), "String"),
        ("file_name", json!("n".repeat(1025)), "String"),
        ("file_mime", json!("a\nb"), "String"),
        ("file_mime", json!("ü"), "String"),
        ("file_mime", json!(7), "String"),
        ("permissions", json!("root"), "none, admin or support"),
        ("permissions", json!(1), "none, admin or support"),
        ("public", json!("yes"), "Bool"),
        ("expires", json!(-5), "Int32"),
        ("expires", json!("soon"), "Int32"),
        ("tags", json!("a"), "Array(String)"),
        ("tags", json!([1]), "Array(String)"),
        ("tags", json!(["x".repeat(4093)]), "Array(String)"),
        ("tags", json!(vec![""; 1025]), "Array(String)"),
        ("file_path", json!(1), "String"),
        ("file_id", json!("x".repeat(1025)), "String"),
        ("cache_etag", json!({}), "String"),
    ] {
        assert_eq!(of(create(&with(name, value.clone()))), bad(name, restriction), "{name} {value}");
    }
    for (name, value) in [
        ("permissions", Value::Null),
        ("public", Value::Null),
        ("tags", Value::Null),
        ("file_mime", json!("")),
        ("parameters", json!({"any": ["thing"]})),
        ("cache_modified", json!("2025-11-26T02:00:20Z")),
    ] {
        assert!(create(&with(name, value)).is_ok(), "{name}");
    }
    assert_eq!(create(&with("expires", json!(30))).unwrap().minutes, 30);
    assert_eq!(create(&with("expires", json!("999999999999999999999"))).unwrap().minutes, 1440);
}

#[test]
fn permissions_say_who_may_read() {
    let settings = PlaceosSettings::default();
    for (public, permissions, visibility) in [
        (true, "none", Visibility::Tenant),
        (true, "admin", Visibility::Tenant),
        (false, "none", Visibility::Tenant),
        (false, "support", Visibility::Support),
        (false, "admin", Visibility::Admin),
        (false, "Admin", Visibility::Admin),
    ] {
        let mut body = with("public", json!(public));
        body.insert("permissions".into(), json!(permissions));
        let begin = parse::create(&body, &settings).unwrap().begin(&settings, "me");
        assert_eq!(begin.visibility, Some(visibility), "{public} {permissions}");
    }
    let bare = object(json!({"file_name": "a", "file_size": 1, "file_id": BASE64}));
    let kept = parse::create(&bare, &settings).unwrap().kept;
    assert!(kept.public, "public by default");
}

#[test]
fn names_are_cut_and_cleaned() {
    for (raw, clean) in [
        ("file_name.ext", "file_name.ext"),
        ("/etc/passwd", "passwd"),
        ("C:\\a\\b c.png", "b_c.png"),
        ("a\"<b>\r\n.gif", "a__b___.gif"),
        ("größe 1.pdf", "größe_1.pdf"),
        ("a..", "a.."),
    ] {
        assert_eq!(parse::clean_name(raw).unwrap(), clean);
    }
    for no_name in ["", ".", "..", "a/..", "/"] {
        assert_eq!(of(parse::clean_name(no_name)), bad("file_name", "String"), "{no_name}");
    }
}

#[test]
fn what_the_settings_refuse_is_rejected_as_the_public_server_does() {
    let settings = PlaceosSettings {
        extensions: vec!["png".into(), ".MP4".into()],
        types: vec!["image/png".into(), "video/mp4".into()],
        refused_names: vec!["secret".into(), "..".into()],
        ..PlaceosSettings::default()
    };
    let rejected = |error: &str, parameter: &str, restriction: &str| {
        (
            400,
            format!(
                "{{\"error\":\"{error}\",\"parameter\":\"{parameter}\",\"restriction\":\"{restriction}\"}}"
            ),
        )
    };
    let create = |name: &str, mime: &str| {
        let mut body = with("file_name", json!(name));
        body.insert("file_mime".into(), json!(mime));
        parse::create(&body, &settings)
    };
    for (name, mime) in [("a.PNG", "IMAGE/PNG"), ("a.mp4", ""), ("without", "video/mp4"), ("dir.x/a.png", "")]
    {
        assert!(create(name, mime).is_ok(), "{name} {mime}");
    }
    let extension = rejected("File extension not allowed", "file_name", "png,.MP4");
    assert_eq!(of(create("a.exe", "image/png")), extension);
    assert_eq!(of(create("a.png.exe", "")), extension);
    assert_eq!(
        of(create("a.png", "text/html")),
        rejected("File mimetype not allowed", "file_mime", "image/png,video/mp4")
    );
    let words = rejected("filename contains unsupported characters or words", "file_name", "secret,..");
    assert_eq!(of(create("my-Secret.png", "")), words);
    assert_eq!(of(create("../a.png", "")), words);
    let asked = |query: &str| parse::asked(&Query::new(Some(query)), &settings);
    assert!(asked("file_name=a.png&file_size=12&file_mime=image%2Fpng&permissions=none&public=true").is_ok());
    assert_eq!(of(asked("file_name=a.exe&file_size=12")), extension);
    assert_eq!(of(asked("file_size=12")), missing("file_name", "String"));
    assert_eq!(of(asked("file_name=a.png")), missing("file_size", "Int64"));
    assert_eq!(of(asked("file_name=a.png&file_size=x")), bad("file_size", "Int64"));
}

#[test]
fn digests_survive_every_way_of_writing_them_into_a_query() {
    let digest = "Ay7Is29L+zk1e5/V1V7cww==";
    let part = Next::Part(2, parse::md5(digest).unwrap());
    for written in [
        digest.to_owned(),
        digest.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"),
        digest.replace('+', "%20"),
        // Twice escaped, as the oldest client does.
        digest.replace('+', "%252B").replace('/', "%252F").replace('=', "%253D"),
        parse::md5(digest).unwrap().to_hex(),
    ] {
        let query = Query::new(Some(&format!("part=2&file_id={written}&file_mime=x")));
        assert_eq!(parse::patch(&query, &Map::new()).unwrap(), part, "{written}");
        assert_eq!(parse::edit(&query).unwrap(), part, "{written}");
    }
}

#[test]
fn a_key_in_a_query_is_unescaped_once() {
    for (written, key) in [("a%2Bb", "a+b"), ("a+b", "a+b"), ("a%2541", "a%41"), ("", "")] {
        let query = Query::new(Some(&format!("x=1&api-key={written}&api-key=second")));
        assert_eq!(query.plain("api-key").as_deref(), Some(key), "{written}");
    }
    assert_eq!(Query::new(None).plain("api-key"), None);
}

#[test]
fn a_patch_is_read_by_its_rules_in_their_order() {
    let patch = |query: &str, body: Value| parse::patch(&Query::new(Some(query)), &object(body));
    let md5 = parse::md5(BASE64).unwrap();
    let asked = format!("part=3&file_id={BASE64}");
    let first = json!({"resumable_id": "r", "file_id": BASE64, "part": 1});
    assert_eq!(
        patch(&asked, json!({"part_update": true, "part": 1, "file_id": HEX})).unwrap(),
        Next::Part(3, md5)
    );
    assert_eq!(patch("", json!({"part_update": true, "part": 1, "file_id": HEX})).unwrap(), Next::Nothing);
    assert_eq!(patch("", first.clone()).unwrap(), Next::Part(1, md5));
    assert_eq!(patch("part=3", first).unwrap(), Next::Part(1, md5));
    assert_eq!(patch("", json!({"part": "1", "file_id": HEX})).unwrap(), Next::Part(1, md5));
    for (query, body) in [
        ("", json!({})),
        ("", json!({"part_list": [1], "part_data": []})),
        ("part=3", json!({})),
        (&format!("file_id={BASE64}"), json!({})),
        ("", json!({"part": 1})),
        ("", json!({"file_id": BASE64})),
        ("", json!({"part_update": false})),
    ] {
        assert_eq!(patch(query, body.clone()).unwrap(), Next::Finish, "{query} {body}");
    }
    for part in ["0", "10001", "-1", "1.5", "finish", "", "x"] {
        let query = format!("part={part}&file_id={BASE64}");
        assert_eq!(of(patch(&query, json!({}))), bad("part", "a number from 1 to 10000"), "{part}");
    }
    assert_eq!(of(patch("part=1&file_id=x", json!({}))), bad("file_id", "MD5 in base64"));
    assert_eq!(of(patch("", json!({"part": 1, "file_id": 5}))), bad("file_id", "String"));

    let edit = |query: &str| parse::edit(&Query::new(Some(query)));
    assert_eq!(edit("part=finish").unwrap(), Next::Finish);
    assert_eq!(edit("part=%20finish").unwrap(), Next::Finish);
    assert_eq!(of(edit("")), missing("part", "String"));
    assert_eq!(of(edit("part=1")), missing("file_id", "String"));
    assert_eq!(of(edit(&format!("part=0&file_id={BASE64}"))), bad("part", "a number from 1 to 10000"));
}

#[test]
fn progress_comes_as_an_array_or_as_an_object_and_stays_as_it_came() {
    let told = |part: u32, md5: &str| (part, PartData { md5: md5.to_owned(), part });
    let array = json!({"resumable_id": "r", "part_list": [1, "2"], "part_data": [
        {"md5": format!("  {BASE64}\n"), "part": 1, "md5_hex": HEX}, {"md5": HEX, "part": 2}, {"md5": "", "part": 3}, {"part": 4}]});
    let read = parse::progress(&object(array)).unwrap();
    let expected = Progress {
        resumable_id: Some("r".into()),
        part_list: Some(vec![1, 2]),
        part_data: [told(1, BASE64), told(2, HEX)].into(),
        announced: None,
    };
    assert_eq!(read, expected);
    let keyed = json!({"part_data": {"1": {"md5": BASE64, "part": 1}, "2": {"md5": HEX}, "x": {"md5": HEX, "part": 3}}});
    let read = parse::progress(&object(keyed)).unwrap();
    assert_eq!(read.part_data, [told(1, BASE64), told(2, HEX), told(3, HEX)].into());
    assert_eq!((read.resumable_id, read.part_list), (None, None));
    assert_eq!(parse::progress(&Map::new()).unwrap(), Progress::default());
    assert_eq!(
        parse::progress(&object(json!({"resumable_id": "", "part_list": null, "part_data": null}))).unwrap(),
        Progress::default()
    );
    let announced = json!({"resumable_id": "r", "file_id": BASE64, "part": 1});
    let announced = parse::progress(&object(announced)).unwrap();
    assert_eq!((announced.announced, announced.part_data.len()), (Some(told(1, HEX).1), 0));
    for (name, value, restriction) in [
        ("resumable_id", json!(1), "String"),
        ("resumable_id", json!("x".repeat(1025)), "String"),
        ("part_list", json!("1"), "Array(Int32)"),
        ("part_list", json!([0]), "Array(Int32)"),
        ("part_list", json!([1.5]), "Array(Int32)"),
        ("part_list", json!([null]), "Array(Int32)"),
        ("part_list", json!(vec![1; 10_001]), "Array(Int32)"),
        ("part_data", json!(1), "Array(PartInfo)"),
        ("part_data", json!([1]), "Array(PartInfo)"),
        ("part_data", json!([{"md5": HEX}]), "Array(PartInfo)"),
        ("part_data", json!([{"md5": "x", "part": 1}]), "Array(PartInfo)"),
        ("part_data", json!({"1": {"md5": 5}}), "Array(PartInfo)"),
        ("part_data", json!({"0": {"md5": HEX}}), "Array(PartInfo)"),
        ("part_data", json!([{"md5": HEX, "part": 4_294_967_297_u64}]), "Array(PartInfo)"),
    ] {
        let said = of(parse::progress(&object(json!({name: value.clone()}))));
        assert_eq!(said, bad(name, restriction), "{name} {value}");
    }
    for (body, progress) in [
        (json!({}), false),
        (json!({"other": 1}), false),
        (json!({"part_update": true}), true),
        (json!({"part_list": []}), true),
        (json!({"resumable_id": "x"}), true),
        (json!({"part_list": null, "part_update": false}), false),
    ] {
        assert_eq!(parse::tells_progress(&object(body.clone())), progress, "{body}");
    }
    let out = |as_array| render::part_data(&expected, as_array).to_string();
    assert_eq!(
        out(false),
        format!("{{\"1\":{{\"md5\":\"{BASE64}\",\"part\":1}},\"2\":{{\"md5\":\"{HEX}\",\"part\":2}}}}")
    );
    assert_eq!(out(true), format!("[{{\"md5\":\"{BASE64}\",\"part\":1}},{{\"md5\":\"{HEX}\",\"part\":2}}]"));
}

#[test]
fn bodies_are_objects_or_nothing() {
    for nothing in ["", " \r\n", "null", "{}"] {
        assert_eq!(parse::object(nothing.as_bytes()).unwrap(), Map::new());
    }
    for (body, error) in [
        ("[]", "the body must be a JSON object"),
        ("5", "the body must be a JSON object"),
        ("{", "the body is not JSON: EOF while parsing an object at line 1 column 1"),
        (&"[".repeat(100_000), "the body is not JSON: recursion limit exceeded at line 1 column 128"),
    ] {
        assert_eq!(of(parse::object(body.as_bytes())), (400, format!("{{\"error\":\"{error}\"}}")));
    }
    assert_eq!(of(parse::object(b"\xff")).0, 400);
}

#[test]
fn an_id_is_read_with_its_beginning_only() {
    let id = UploadId::parse(ID).unwrap();
    assert_eq!(parse::id(&render::id(&id)), Some(id));
    for wrong in
        ["", ID, "uploads-", "uploads-JUea_g-EeY", &format!("uploads-{ID}x"), &format!("Uploads-{ID}")]
    {
        assert_eq!(parse::id(wrong), None, "{wrong}");
    }
}

#[test]
fn signatures_are_the_tables() {
    let md5 = parse::md5(BASE64).unwrap();
    let headers = |access, declared, digest| render::headers_of(render::type_of(access, declared), digest);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let (binary, sum) = (pair("Content-Type", "binary/octet-stream"), pair("Content-MD5", BASE64));
    assert_eq!(
        headers(Access::Put, Some("video/mp4"), Some(&md5)),
        [pair("Content-Type", "video/mp4"), sum.clone()]
    );
    assert_eq!(headers(Access::Put, None, Some(&md5)), [binary.clone(), sum.clone()]);
    assert_eq!(headers(Access::Part(1), Some("video/mp4"), Some(&md5)), [binary, sum]);
    assert_eq!(
        headers(Access::CommitParts, Some("video/mp4"), None),
        [pair("Content-Type", "application/xml")]
    );
    for access in [Access::BeginParts, Access::ListParts, Access::Read] {
        assert_eq!(headers(access, Some("video/mp4"), None), []);
    }
    for (access, verb) in [
        (Access::Put, "PUT"),
        (Access::BeginParts, "POST"),
        (Access::Part(7), "PUT"),
        (Access::ListParts, "GET"),
        (Access::CommitParts, "POST"),
        (Access::AbortParts, "DELETE"),
        (Access::Read, "GET"),
    ] {
        assert_eq!(render::verb_of(access), verb);
    }
    for (given, verb) in
        [(Verb::Get, "GET"), (Verb::Put, "PUT"), (Verb::Post, "POST"), (Verb::Delete, "DELETE")]
    {
        assert_eq!(render::verb(given), verb);
    }
}

#[test]
fn answers_are_the_pages() {
    let signature =
        || Signature { verb: "PUT", url: "u".into(), headers: [("A".to_owned(), "b".to_owned())].into() };
    let mut created = Created {
        kind: "chunked_upload",
        signature: signature(),
        part_list: None,
        part_data: None,
        upload_id: "uploads-x".into(),
        residence: "AmazonS3",
    };
    let sign = r#""signature":{"verb":"PUT","url":"u","headers":{"A":"b"}}"#;
    let json = |value: &Created<'_>| serde_json::to_string(value).unwrap();
    assert_eq!(
        json(&created),
        format!(r#"{{"type":"chunked_upload",{sign},"upload_id":"uploads-x","residence":"AmazonS3"}}"#)
    );
    (created.kind, created.part_list, created.part_data) = ("parts", Some(vec![1]), Some(json!({})));
    assert_eq!(
        json(&created),
        format!(
            r#"{{"type":"parts",{sign},"part_list":[1],"part_data":{{}},"upload_id":"uploads-x","residence":"AmazonS3"}}"#
        )
    );
    let step =
        Step { kind: "part_upload", signature: signature(), upload_id: "uploads-x".into(), body: None };
    assert_eq!(
        serde_json::to_string(&step).unwrap(),
        format!(r#"{{"type":"part_upload",{sign},"upload_id":"uploads-x","body":null}}"#)
    );
}

#[test]
fn the_list_has_rows_and_says_where_it_goes_on() {
    let mut seen =
        Inspection::new(UploadId::parse(ID).unwrap(), Stage::Receiving, Timestamp::from_millis(9_000));
    (seen.length, seen.file_name, seen.owner) = (Some(7), Some("a.mp4".into()), "me".into());
    (seen.created, seen.updated) = (Timestamp::from_millis(1_700), Timestamp::from_millis(2_900));
    let kept = Kept { file_id: BASE64.into(), public: true, tags: vec!["x".into()], ..Kept::default() };
    let row = render::row(&seen, kept, Progress::default(), false);
    let expected = format!(
        "{{\"id\":\"uploads-{ID}\",\"file_name\":\"a.mp4\",\"file_size\":7,\"file_path\":null,\"object_key\":\"{ID}.mp4\",\
         \"file_md5\":\"{BASE64}\",\"public\":true,\"permissions\":\"none\",\"resumable\":false,\"resumable_id\":null,\
         \"part_list\":[],\"part_data\":{{}},\"upload_complete\":false,\"uploaded_by\":\"me\",\"tags\":[\"x\"],\
         \"created_at\":1,\"updated_at\":2}}"
    );
    assert_eq!(serde_json::to_string(&row).unwrap(), expected);

    let listing = |query: &str| parse::list(&Query::new(Some(query))).unwrap();
    let rows = [row];
    let answer = render::page(&rows, 5, &listing("limit=1&offset=2&file_search=a%26&tags=x,y"), "/up/");
    assert_eq!(answer.headers()["x-total-count"], "5");
    assert_eq!(answer.headers()[header::CONTENT_RANGE], "items 2-2/5");
    assert_eq!(
        answer.headers()[header::LINK],
        "</up/?offset=3&limit=1&file_search=a%26&tags=x%2Cy>; rel=\"next\""
    );
    let last = render::page(&rows, 5, &listing("limit=1&offset=4"), "/up");
    assert_eq!(
        (last.headers().get(header::LINK), &last.headers()[header::CONTENT_RANGE]),
        (None, &"items 4-4/5".parse().unwrap())
    );
    let none = render::page(&[], 0, &listing(""), "/up");
    assert_eq!(
        (none.headers().get(header::CONTENT_RANGE), &none.headers()["x-total-count"]),
        (None, &"0".parse().unwrap())
    );
    assert_eq!(text(none), "[]");
}

#[test]
fn a_listing_is_chosen_by_name_and_tags() {
    let list = |query: &str| parse::list(&Query::new(Some(query)));
    let all = Listing { search: None, tags: vec![], limit: 100, offset: 0 };
    assert_eq!(list("").unwrap(), all);
    assert_eq!(list("file_search=&tags=&limit=&other=1").unwrap(), all);
    assert_eq!(
        list("limit=99999999999999999999&offset=7").unwrap(),
        Listing { limit: 1000, offset: 7, ..all }
    );
    for (query, name) in [("limit=-1", "limit"), ("limit=x", "limit"), ("offset=1.5", "offset")] {
        assert_eq!(of(list(query)), bad(name, "Int32"));
    }
    let mut record = IndexRecord::new("placeos", "me");
    (record.file_name, record.facts) = (Some("Report 1.pdf".into()), json!({"tags": ["a", "b"]}));
    for (query, wanted) in [
        ("", true),
        ("file_search=ort+1", true),
        ("file_search=xyz", false),
        ("tags=a", true),
        ("tags=a,b", true),
        ("tags=a,%20b", true),
        ("tags=a,c", false),
        ("file_search=Rep&tags=c", false),
    ] {
        assert_eq!(list(query).unwrap().wants(&record), wanted, "{query}");
    }
    let link = |query: &str| parse::link(&Query::new(Some(query)));
    assert_eq!((link("").unwrap(), link("expiry=5").unwrap(), link("expiry=99999").unwrap()), (60, 5, 1440));
    for query in ["expiry=0", "expiry=-1", "expiry=x"] {
        assert_eq!(of(link(query)), bad("expiry", "Int32"), "{query}");
    }
}

#[test]
fn what_another_dialect_keeps_is_not_this_ones() {
    assert_eq!(render::kept(&Extras::new()), None);
    let odd = Extras::from([("placeos".to_owned(), json!(1))]);
    assert_eq!(render::kept(&odd), None);
}

#[test]
fn settings_are_data() {
    let read = |value: Value| serde_json::from_value::<PlaceosSettings>(value);
    assert_eq!(read(json!({})).unwrap(), PlaceosSettings::default());
    assert!(read(json!({"destinations": "x"})).is_err());
    let settings = read(json!({"destination": "x", "part_data_as_array": true})).unwrap();
    assert!(settings.part_data_as_array && settings.residence == "AmazonS3");
}

/// Any JSON, with the names that are known more often than others.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "file_name",
        "file_size",
        "file_id",
        "file_mime",
        "part",
        "md5",
        "part_list",
        "part_data",
        "part_update",
        "resumable_id",
        "tags",
        "public",
        "permissions",
        "expires",
        "1",
        "0",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!(BASE64)),
        Just(json!("7")),
    ];
    leaf.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused_as_the_clients_fault(value in any_json(), query in "\\PC{0,40}") {
        let settings = PlaceosSettings::default();
        let query = Query::new(Some(&query));
        let mut failures = Vec::new();
        match parse::object(value.to_string().as_bytes()) {
            Err(failure) => failures.push(failure),
            Ok(object) => {
                failures.extend(parse::create(&object, &settings).map(|new| drop(new.begin(&settings, "me"))).err());
                failures.extend(parse::patch(&query, &object).err());
                failures.extend(parse::progress(&object).err());
                let _ = parse::tells_progress(&object);
            }
        }
        failures.extend(parse::list(&query).err());
        failures.extend(parse::link(&query).err());
        failures.extend(parse::edit(&query).err());
        failures.extend(parse::asked(&query, &settings).err());
        for failure in failures {
            let (status, _) = said(&failure);
            prop_assert!(status == 400 || status == 422, "{:?}", failure);
        }
    }
}
