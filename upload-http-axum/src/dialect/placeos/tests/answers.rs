//! Signatures, and the answers that carry them.

use std::time::Duration;

use serde_json::json;
use upload_checksum::Digest;
use upload_core::{Access, Ask, Extras, SignedRequest, Verb};

use super::super::render::Asked;
use super::super::wire::{BINARY, Created, Signature, Step};
use super::super::{parse, render};
use super::BASE64;

/// What is asked for an access, as the handlers ask it.
fn asked(access: Access, declared: Option<&str>, digest: Option<Digest>) -> Asked {
    let mut ask = Ask::new(access, Duration::from_secs(300));
    ask.content_type = render::type_of(access, declared).map(str::to_owned);
    ask.digest = digest;
    Asked::of(&ask)
}

fn pairs(signature: &Signature) -> Vec<(&str, &str)> {
    signature.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn signatures_are_the_tables() {
    let md5 = parse::md5(BASE64).unwrap();
    let video = Some("video/mp4");
    for (access, declared, digest, verb, headers) in [
        (Access::Put, video, Some(md5), "PUT", vec![("Content-MD5", BASE64), ("Content-Type", "video/mp4")]),
        (Access::Put, None, Some(md5), "PUT", vec![("Content-MD5", BASE64), ("Content-Type", BINARY)]),
        (Access::Part(7), video, Some(md5), "PUT", vec![("Content-MD5", BASE64), ("Content-Type", BINARY)]),
        (Access::CommitParts, video, None, "POST", vec![("Content-Type", "application/xml")]),
        (Access::BeginParts, video, None, "POST", vec![]),
        (Access::ListParts, video, None, "GET", vec![]),
        (Access::AbortParts, video, None, "DELETE", vec![]),
        (Access::Read, video, None, "GET", vec![]),
    ] {
        let signature = asked(access, declared, digest).to_us("u".into());
        assert_eq!((signature.verb, pairs(&signature)), (verb, headers), "{access:?}");
        assert_eq!(signature.url, "u");
    }
}

/// What Azure has not signed is told as its page shows it; what others have signed is told as it is.
#[test]
fn signatures_of_stores_are_the_tables() {
    let md5 = parse::md5(BASE64).unwrap();
    let signed = |verb, fields: &[(&str, &str)]| {
        let mut request = SignedRequest::new(verb, "https://store.example/k?s");
        request.fields = fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        request
    };
    for (given, verb) in
        [(Verb::Get, "GET"), (Verb::Put, "PUT"), (Verb::Post, "POST"), (Verb::Delete, "DELETE")]
    {
        let told =
            asked(Access::Put, None, None).to_store(signed(given, &[("content-md5", "x")]), "AmazonS3");
        assert_eq!((told.verb, pairs(&told)), (verb, vec![("Content-MD5", "x")]));
    }
    let blob = [("x-ms-blob-type", "BlockBlob"), ("content-type", "video/mp4")];
    let put =
        asked(Access::Put, Some("video/mp4"), Some(md5)).to_store(signed(Verb::Put, &blob), "AzureStorage");
    assert_eq!(
        pairs(&put),
        [
            ("Content-Type", "video/mp4"),
            ("x-ms-blob-content-md5", BASE64),
            ("x-ms-blob-content-type", "video/mp4"),
            ("x-ms-blob-type", "BlockBlob"),
        ]
    );
    for access in [Access::Part(1), Access::CommitParts] {
        let told = asked(access, Some("video/mp4"), None).to_store(signed(Verb::Put, &[]), "AzureStorage");
        assert_eq!(pairs(&told), [("Content-Type", BINARY)], "{access:?}");
    }
    let list = asked(Access::ListParts, None, None).to_store(signed(Verb::Get, &[]), "AzureStorage");
    assert_eq!(pairs(&list), []);
    for (declared, told) in [(Some("video/mp4"), "video/mp4"), (None, BINARY)] {
        let begin = asked(Access::BeginParts, declared, None).to_nowhere(declared, BASE64);
        assert_eq!((begin.verb, begin.url.as_str()), ("PUT", ""));
        assert_eq!(
            pairs(&begin),
            [("Content-Type", told), ("x-ms-blob-content-md5", BASE64), ("x-ms-blob-content-type", told)]
        );
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
