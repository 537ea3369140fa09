use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, header};
use proptest::prelude::*;
use upload_checksum::{Algorithm, Digest};
use upload_core::{Error, ErrorKind, UploadId};

use super::parse;
use super::render::{self, Failure};
use super::wire::Listed;

const ID: &str = "tenant00abcdefghijklmnopqrstuvwxy";
const MD5: &str = "e7298923133b1952df4db312e9823507";

fn text(answer: Response) -> String {
    let frames: Vec<_> = Body::into_data_stream(answer.into_body()).collect().now_or_never().unwrap();
    frames.into_iter().map(|frame| String::from_utf8(frame.unwrap().to_vec()).unwrap()).collect()
}

fn id() -> UploadId {
    UploadId::parse(ID).unwrap()
}

fn error(code: &str, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )
}

#[test]
fn every_kind_of_error_has_its_row() {
    use ErrorKind as K;
    let golden = |kind, read: bool| match kind {
        K::Invalid => (400, "InvalidRequest", false),
        K::UnknownDestination => (400, "InvalidRequest", false),
        K::NotFound if read => (404, "NoSuchKey", false),
        K::NotFound => (404, "NoSuchUpload", false),
        K::Forbidden => (403, "AccessDenied", false),
        K::TooLarge => (400, "EntityTooLarge", false),
        K::TypeRefused => (400, "InvalidRequest", false),
        K::Misplaced => (400, "IncompleteBody", false),
        K::Conflict => (412, "PreconditionFailed", false),
        K::Duplicate => (412, "PreconditionFailed", false),
        K::Unreadable => (400, "InvalidRequest", false),
        K::ProcessingFailed => (500, "InternalError", false),
        K::DigestMismatch => (400, "BadDigest", false),
        K::NotReady => (400, "InvalidPart", false),
        K::Gone if read => (404, "NoSuchKey", false),
        K::Gone => (404, "NoSuchUpload", false),
        K::Interrupted => (400, "IncompleteBody", false),
        K::TimedOut => (400, "RequestTimeout", false),
        K::Busy => (503, "SlowDown", true),
        K::StorageUnavailable => (503, "SlowDown", true),
        K::StorageFull => (503, "SlowDown", true),
        K::Corrupt => (500, "InternalError", false),
        K::Unsupported => (501, "NotImplemented", false),
        K::Internal => (500, "InternalError", false),
        other => panic!("{other:?} has no row"),
    };
    for kind in ErrorKind::ALL {
        for read in [false, true] {
            let error_ = Error::new(*kind, "what <happened> & why").with_source("the inside");
            let answer =
                render::failure(&Failure::Upload { error: error_, read }, Duration::from_millis(1500));
            let retry = answer.headers().get(header::RETRY_AFTER).map(|v| v.to_str().unwrap().to_owned());
            let (status, code, retries) = golden(*kind, read);
            assert_eq!((answer.status().as_u16(), retry.is_some()), (status, retries), "{kind:?}");
            assert!(retry.is_none_or(|seconds| seconds == "2"));
            assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/xml");
            assert_eq!(text(answer), error(code, "what &lt;happened&gt; &amp; why"), "{kind:?}");
        }
    }
}

#[test]
fn what_is_not_an_upload_s_error_has_its_name() {
    let forbidden = || Error::new(ErrorKind::Forbidden, "no");
    let long = Error::new(ErrorKind::Misplaced, "it").with_facts(6, 5);
    let short = Error::new(ErrorKind::Misplaced, "it").with_facts(4, 5);
    let upload = |error| Failure::Upload { error, read: false };
    for (failure, status, code) in [
        (Failure::Token(forbidden()), 403, "AccessDenied"),
        (Failure::Token(Error::new(ErrorKind::Unsupported, "no")), 501, "NotImplemented"),
        (Failure::Signature("other".into()), 403, "SignatureDoesNotMatch"),
        (Failure::Method, 405, "MethodNotAllowed"),
        (Failure::NoLength, 411, "MissingContentLength"),
        (Failure::Malformed("it".into()), 400, "MalformedXML"),
        (Failure::Order { number: 1, after: 2 }, 400, "InvalidPartOrder"),
        (upload(long), 400, "EntityTooLarge"),
        (upload(short), 400, "IncompleteBody"),
    ] {
        let answer = render::failure(&failure, Duration::ZERO);
        assert_eq!(answer.status().as_u16(), status, "{failure:?}");
        assert!(text(answer).contains(&format!("<Code>{code}</Code>")), "{failure:?}");
    }
}

#[test]
fn answers_are_s3_s() {
    let id = id();
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let of = |name: &str, inner: &str| {
        format!("{head}<{name} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inner}</{name}>")
    };
    let place = format!("<Bucket>uploads</Bucket><Key>{ID}</Key>");
    let begun = format!("{place}<UploadId>a&amp;b</UploadId>");
    assert_eq!(text(render::begun(&id, "a&b")), of("InitiateMultipartUploadResult", &begun));
    let none = format!(
        "{place}<UploadId>{ID}</UploadId><PartNumberMarker>0</PartNumberMarker>\
         <NextPartNumberMarker>0</NextPartNumberMarker><MaxParts>10000</MaxParts><IsTruncated>false</IsTruncated>"
    );
    assert_eq!(text(render::parts(&id, &[])), of("ListPartsResult", &none));
    // The tag of two parts is known from S3's own rule: the MD5 of their MD5s.
    let parts = [MD5, "d41d8cd98f00b204e9800998ecf8427e"].map(str::to_owned).into_iter().zip(1..);
    let parts: Vec<_> = parts.map(|(etag, number)| Listed { number, etag }).collect();
    let both =
        [MD5, "d41d8cd98f00b204e9800998ecf8427e"].map(|hex| Digest::from_hex(Algorithm::Md5, hex).unwrap());
    let mut hasher = upload_checksum::Hasher::new(Algorithm::Md5);
    both.iter().for_each(|md5| hasher.update(md5.as_bytes()));
    let inner = format!(
        "<Location>https://a/b?c&amp;d</Location>{place}<ETag>&quot;{}-2&quot;</ETag>",
        hasher.finish().to_hex()
    );
    assert_eq!(
        text(render::committed(&id, "https://a/b?c&d", &parts)),
        of("CompleteMultipartUploadResult", &inner)
    );
    let odd = [Listed { number: 1, etag: format!("{ID}-1") }];
    assert!(text(render::committed(&id, "", &odd)).contains(&format!("<ETag>&quot;{ID}&quot;</ETag>")));
    let stored = render::stored(&render::etag(&id, 3, both.first()));
    assert_eq!(stored.headers()[header::ETAG], format!("\"{MD5}\""));
    assert_eq!(render::etag(&id, 3, None), format!("{ID}-3"));
    assert_eq!(render::done().status().as_u16(), 204);
}

#[test]
fn a_request_is_the_one_that_was_signed() {
    let headers = |list: &[(&'static str, &str)]| -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    };
    let md5 = Digest::from_hex(Algorithm::Md5, MD5).unwrap();
    let sha = Digest::from_hex(Algorithm::Sha256, &"0".repeat(64)).unwrap();
    let typed =
        |value: &str, granted| parse::as_signed(&headers(&[("content-type", value)]), Some(granted), None);
    assert!(typed("Image/PNG; q=1", "image/png").is_ok());
    assert!(typed("image/png", "image/PNG;charset=x").is_ok());
    assert!(typed("image/jpeg", "image/png").unwrap_err().contains("image/png; got image/jpeg"));
    assert!(parse::as_signed(&headers(&[]), Some("image/png"), None).unwrap_err().ends_with("got none"));
    assert!(parse::as_signed(&headers(&[("content-type", "x/y")]), None, Some(&md5)).is_ok());
    for (told, granted, fits) in [
        ("5ymJIxM7GVLfTbMS6YI1Bw==", Some(&md5), true),
        ("5ymJIxM7GVLfTbMS6YI1Bw==", Some(&sha), false),
        ("5ymJIxM7GVLfTbMS6YI1Bw==", None, false),
        ("1B2M2Y8AsgTpgAmY7PhCfg==", Some(&md5), false),
        (MD5, Some(&md5), false),
        ("", Some(&md5), false),
    ] {
        let said = parse::as_signed(&headers(&[("content-md5", told)]), None, granted);
        assert_eq!(said.is_ok(), fits, "{told}");
    }
    let good = "5ymJIxM7GVLfTbMS6YI1Bw==";
    for (name, second) in [("content-md5", good), ("content-md5", ""), ("content-type", "x/y")] {
        let twice = headers(&[("content-md5", good), ("content-type", "x/y"), (name, second)]);
        let said = parse::as_signed(&twice, Some("x/y"), Some(&md5)).unwrap_err();
        assert!(said.ends_with("twice"), "{said}");
    }
}

fn manifest(inner: &str) -> Result<Vec<Listed>, Failure> {
    parse::manifest(format!("<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>").as_bytes())
}

fn part(number: &str, etag: &str) -> String {
    format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
}

#[test]
fn manifests_of_all_clients_are_read() {
    let one = vec![Listed { number: 1, etag: MD5.to_owned() }];
    for etag in [
        format!("\"{MD5}\""),
        MD5.to_owned(),
        MD5.to_uppercase(),
        format!("&quot;{MD5}&quot;"),
        format!("&#34;{MD5}&#x22;"),
        format!("\n  \"{MD5}\"\t"),
        format!("<![CDATA[\"{MD5}\"]]>"),
        format!("{}<!-- c -->{}", &MD5[..16], &MD5[16..]),
    ] {
        assert_eq!(manifest(&part("1", &etag)).unwrap(), one, "{etag}");
    }
    let spaced = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- all --><s3:CompleteMultipartUpload \
         xmlns:s3=\"http://s3.amazonaws.com/doc/2006-03-01/\">\r\n <s3:Part>\n<s3:ETag>{MD5}</s3:ETag>\
         <s3:ChecksumCRC32>AAAAAA==</s3:ChecksumCRC32><s3:ChecksumSHA1/><s3:PartNumber> 1 </s3:PartNumber></s3:Part>\n\
         </s3:CompleteMultipartUpload>\n"
    );
    assert_eq!(parse::manifest(spaced.as_bytes()).unwrap(), one);
    let many: String = (1..=10_000).map(|n| part(&n.to_string(), MD5)).collect();
    let many = manifest(&many).unwrap();
    assert_eq!((many.len(), many.last().map(|part| part.number)), (10_000, Some(10_000)));
}

#[test]
fn hostile_manifests_are_refused() {
    let good = part("1", MD5);
    for inner in [
        "",
        "<Part/>",
        "text",
        "<Part><PartNumber>1</PartNumber></Part>",
        "<Part><ETag>x</ETag></Part>",
        &part("0", MD5),
        &part("10001", MD5),
        &part("-1", MD5),
        &part("1.0", MD5),
        &part("", MD5),
        &part("99999999999999999999", MD5),
        &part("１", MD5),
        "<Part><PartNumber>1</PartNumber><PartNumber>2</PartNumber><ETag>x</ETag></Part>",
        "<Part><PartNumber>1</PartNumber><ETag>x</ETag><ETag>y</ETag></Part>",
        "<Part><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></Part>",
        "<Part><PartNumber><ETag>x</ETag></PartNumber></Part>",
        "<PartNumber>1</PartNumber>",
        "<Part><Other>1</Other></Part>",
        "<part><PartNumber>1</PartNumber><ETag>x</ETag></part>",
        &part("1", "&unknown;"),
        &part("1", "&#xd800;"),
        &part("1", "&#0;"),
        &part("1", "&"),
        &format!("{good}<Part>"),
        &format!("{good}</Part>"),
        &format!("{good}<?pi?>"),
        &format!("{good}]]>"),
        &format!("{good}<"),
        &"<Part>".repeat(100_000),
    ] {
        let said = manifest(inner);
        assert!(matches!(said, Err(Failure::Malformed(_))), "{inner:.80}: {said:?}");
    }
    let whole = format!("<CompleteMultipartUpload>{good}</CompleteMultipartUpload>");
    for body in [
        String::new(),
        "garbage".into(),
        "<CompleteMultipartUpload>".into(),
        format!("<CompleteMultipartUpload>{good}"),
        format!("<CompleteMultipartUpload>{good}</Wrong>"),
        format!("{whole}{whole}"),
        format!("{whole}x"),
        format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{whole}"),
        format!("<?xml version=\"1.0\"?><?xml-stylesheet href=\"a\"?>{whole}"),
        format!("<Other>{good}</Other>"),
        whole.replace("<Part>", "<Part><?xml version=\"1.0\"?>"),
    ] {
        let said = parse::manifest(body.as_bytes());
        assert!(matches!(said, Err(Failure::Malformed(_))), "{body}: {said:?}");
    }
    assert!(matches!(parse::manifest(b"\xff\xfe<\0C\0"), Err(Failure::Malformed(_))));
    for (first, second) in [("2", "1"), ("1", "1"), ("10000", "9999")] {
        let said = manifest(&format!("{}{}", part(first, MD5), part(second, MD5)));
        assert!(matches!(said, Err(Failure::Order { .. })), "{first} {second}: {said:?}");
    }
}

proptest! {
    #[test]
    fn any_manifest_is_read_or_refused(pieces in prop::collection::vec(
        prop::sample::select(vec![
            "<CompleteMultipartUpload>", "</CompleteMultipartUpload>", "<Part>", "</Part>", "<Part/>", "<PartNumber>",
            "</PartNumber>", "<ETag>", "</ETag>", "1", "2", "\"a\"", "&quot;", "&a;", "&#1;", "<!--", "-->", "<![CDATA[", "]]>",
            "<!DOCTYPE", ">", "<?xml?>", " ", "<", "a='", "\u{0}", "ü",
        ]), 0..30)) {
        let _ = parse::manifest(pieces.concat().as_bytes());
    }

    #[test]
    fn any_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse::manifest(&bytes);
    }

    #[test]
    fn what_is_listed_is_read(numbers in prop::collection::btree_set(1u32..=10_000, 1..20), md5 in "[0-9a-f]{32}") {
        let inner: String = numbers.iter().map(|n| part(&n.to_string(), &md5)).collect();
        let read = manifest(&inner).unwrap();
        prop_assert_eq!(read.iter().map(|part| part.number).collect::<Vec<_>>(), numbers.into_iter().collect::<Vec<_>>());
        prop_assert!(read.iter().all(|part| part.etag == md5));
    }
}
