//! What is kept of a file and told of it, and which claim it makes.

use std::collections::BTreeSet;

use http::header;
use serde_json::json;
use upload_core::lifecycle::Claim;
use upload_core::ports::Ids;
use upload_core::{
    ErrorKind, Inspection, Principal, Roles, SignedRequest, Stage, TenantName, Timestamp, UploadId, Verb,
};

use super::super::parse::Blob;
use super::super::render;
use super::super::wire::Kept;
use super::{MD5, SHA256, read, text, with};

const ID: &str = "tenant00abcdefghijklmnopqrstuvwxy";

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
    // What a store signs goes out as it is, and with how it is shown, under the store's name for that.
    for (service, name) in [
        ("amazon", "Content-Disposition"),
        ("google", "Content-Disposition"),
        ("azure", "x-ms-blob-content-disposition"),
    ] {
        let mut signed = SignedRequest::new(Verb::Put, "https://bucket.example/k?s");
        signed.fields = vec![("if-none-match".into(), "*".into())];
        let kept = Kept { service_name: service.into(), ..kept.clone() };
        let upload = render::to_store(signed, &kept);
        assert_eq!(upload.url, "https://bucket.example/k?s");
        let told: BTreeSet<_> = upload.headers.keys().map(String::as_str).collect();
        assert_eq!(told, [name, "If-None-Match"].into());
        // Google signs no type.
        assert_eq!(render::sent_as(&kept).is_none(), service == "google");
    }
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
