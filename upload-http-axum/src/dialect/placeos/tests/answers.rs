//! Signatures, and the answers that carry them.

use serde_json::json;
use upload_core::{Access, Extras, Verb};

use super::super::wire::{Created, Signature, Step};
use super::super::{parse, render};
use super::BASE64;

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
fn what_another_dialect_keeps_is_not_this_ones() {
    assert_eq!(render::kept(&Extras::new()), None);
    let odd = Extras::from([("placeos".to_owned(), json!(1))]);
    assert_eq!(render::kept(&odd), None);
}
