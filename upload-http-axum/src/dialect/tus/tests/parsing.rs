//! What requests ask for, and what is wrong with them.

use http::{HeaderMap, Method, Uri};
use upload_checksum::{Algorithm, Digest, Hasher};
use upload_core::{ErrorKind, UploadId};

use super::super::parse::{self, Check, Concat, New};
use super::{ID, headers, refused};

const MOST: usize = 100;

fn new(list: &[(&str, &str)]) -> Result<New, upload_core::Error> {
    parse::new(&headers(list), MOST)
}

#[test]
fn numbers_are_plain_digits() {
    for (text, number) in [
        ("0", 0),
        ("007", 7),
        ("18446744073709551615", u64::MAX),
        ("00000000000000000000000000018446744073709551615", u64::MAX),
    ] {
        assert_eq!(new(&[("upload-length", text)]).unwrap().length, Some(number));
        assert_eq!(parse::offset(&headers(&[("upload-offset", text)])).unwrap(), number);
    }
    for bad in ["", "+5", "-1", "1.5", "0x10", "1e3", " 1", "1 ", "1,2", "18446744073709551616", "١"] {
        let said = refused(new(&[("upload-length", bad)]));
        assert!(said.starts_with("Upload-Length must be digits") || said.ends_with("is not ASCII"), "{said}");
        assert!(parse::offset(&headers(&[("upload-offset", bad)])).is_err(), "{bad}");
    }
    assert_eq!(refused(parse::offset(&HeaderMap::new())), "the request has no Upload-Offset");
    assert_eq!(
        refused(new(&[("upload-length", "1"), ("upload-length", "1")])),
        "the request has upload-length twice"
    );
    assert!(refused(new(&[("upload-length", &"9".repeat(10_000))])).len() < 150);
}

#[test]
fn a_length_is_told_now_or_later() {
    let length = ("upload-length", "5");
    assert_eq!(new(&[length]).unwrap().length, Some(5));
    assert_eq!(new(&[("upload-defer-length", "1")]).unwrap().length, None);
    assert!(refused(new(&[])).ends_with("got neither"));
    assert!(refused(new(&[length, ("upload-defer-length", "1")])).ends_with("got both"));
    for bad in ["0", "2", "", "true", "01"] {
        assert!(refused(new(&[("upload-defer-length", bad)])).contains("must be 1"));
    }
    // A part's like any other's; a final upload has that of its parts.
    assert_eq!(new(&[length, ("upload-concat", "partial")]).unwrap().concat, Concat::Partial);
    assert!(refused(new(&[("upload-concat", "partial")])).ends_with("got neither"));
    let composed = format!("final;/files/{ID}");
    for told in [length, ("upload-defer-length", "1")] {
        assert!(refused(new(&[told, ("upload-concat", &composed)])).contains("that of its parts"));
    }
}

#[test]
fn parts_are_named_by_the_paths_of_urls() {
    let id = UploadId::parse(ID).unwrap();
    let parts = |text: &str| new(&[("upload-concat", text)]).map(|new| new.concat);
    for (text, n) in [
        (format!("final;/files/{ID}"), 1),
        (format!("final; /files/{ID}"), 1),
        (format!("final;http://a/files/{ID} https://b:1/x/y/files/{ID}  /z/files/{ID}"), 3),
        (format!("final;/files/{ID}?x=/files/y /files/{ID}#z?/"), 2),
        (format!("final;{}", vec![format!("/files/{ID}"); 1000].join(" ")), 1000),
    ] {
        assert_eq!(parts(&text).unwrap(), Concat::Final(vec![id.clone(); n]));
    }
    for bad in ["", "Partial", "partial ", "final", "final:", "x"] {
        assert!(refused(parts(bad)).starts_with("Upload-Concat must be partial"), "{bad:?}");
    }
    assert!(refused(parts("final;")).contains("names no part"));
    for bad in ["final;files/x", "final;http://files", "final;x", "final;http://a/file/x", "final;/"] {
        assert!(refused(parts(bad)).contains("no upload below /files"), "{bad:?}");
    }
    for unknown in ["final;/files/", "final;/files/x", "final;/files/../x?files/", "final;/files/%00"] {
        let error = parts(unknown).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid), "{unknown:?} {error}");
    }
}

#[test]
fn metadata_names_a_file() {
    let metadata = |text: &str| parse::metadata(text);
    for (text, name, media_type) in [
        ("", None, None),
        (" ", None, None),
        ("filename Z3LDtsOfZS5qcGc=", Some("größe.jpg"), None),
        ("name YQ==,filename Yg==", Some("b"), None),
        ("name YQ==,filename", Some("a"), None),
        ("filetype aW1hZ2UvcG5n,type dGV4dC9wbGFpbg==", None, Some("image/png")),
        ("is_confidential, type dGV4dC9wbGFpbg==", None, Some("text/plain")),
        ("type w7w=", None, None),
        ("name /w==", Some("\u{fffd}"), None),
        ("empty ,name YQ==", Some("a"), None),
    ] {
        let got = metadata(text).unwrap();
        assert_eq!((got.file_name.as_deref(), got.media_type.as_deref()), (name, media_type), "{text:?}");
    }
    for (bad, said) in [
        ("a b", "the value of \"a\" in Upload-Metadata must be base64; got \"b\""),
        ("a YQ", "must be base64"),
        ("a  YQ==", "must be base64"),
        ("a YQ== x", "must be base64"),
        ("a YR==", "must be base64"),
        ("a,a", "has the key \"a\" twice"),
        ("a YQ==,", "empty key"),
        (",", "empty key"),
        ("a,,b", "empty key"),
    ] {
        let got = refused(metadata(bad));
        assert!(got.contains(said), "{bad:?}: {got}");
    }
    let long = format!("name {}", "YWFh".repeat(25));
    let e = new(&[("upload-length", "1"), ("upload-metadata", &long)]).unwrap_err();
    assert_eq!((e.kind, e.facts.got, e.facts.expected), (ErrorKind::TooLarge, Some(105), Some(100)));
    assert!(refused(new(&[("upload-length", "1"), ("upload-metadata", "ü")])).ends_with("is not ASCII"));
    assert!(
        refused(new(&[("upload-length", "1"), ("upload-metadata", ""), ("upload-metadata", "")]))
            .contains("twice")
    );
}

#[test]
fn what_began_an_upload_is_kept_as_it_came() {
    let metadata = "filename Z3LDtsOfZS5qcGc=, is_flag,filetype aW1hZ2UvcG5n";
    let new = new(&[("upload-length", "5"), ("upload-metadata", metadata), ("upload-concat", "partial")]);
    let begin = new.unwrap().begin("there");
    assert_eq!((begin.destination.as_str(), begin.length), ("there", Some(5)));
    assert_eq!(begin.file_name.as_deref(), Some("größe.jpg"));
    assert_eq!(begin.declared_type.as_deref(), Some("image/png"));
    assert!(begin.partial && begin.parts.is_empty());
    let kept = super::super::render::kept(&begin.extras).unwrap();
    assert_eq!((kept.metadata.as_deref(), kept.concat.as_deref()), (Some(metadata), Some("partial")));
}

#[test]
fn a_checksum_is_told_before_or_behind() {
    let of = |algorithm| {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(b"123456789");
        hasher.finish()
    };
    for (text, algorithm) in [
        ("sha1 98O8HYCOBHMq32eZZczDTKeuNEE=", Algorithm::Sha1),
        ("md5 JfnnlDI7RTiF9RgfG2JNCw==", Algorithm::Md5),
        ("sha256 FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=", Algorithm::Sha256),
        // Big-endian: 0xe3069283.
        ("crc32c 4waSgw==", Algorithm::Crc32c),
    ] {
        assert_eq!(parse::check(&headers(&[("upload-checksum", text)])).unwrap(), Check::Told(of(algorithm)));
        assert_eq!(parse::trailer(&headers(&[("upload-checksum", text)])).unwrap(), of(algorithm));
    }
    let told = |text: &str| parse::check(&headers(&[("upload-checksum", text)]));
    for bad in ["", "sha1", "sha512 x", "SHA1 98O8HYCOBHMq32eZZczDTKeuNEE=", "crc32 4waSgw=="] {
        let said = refused(told(bad));
        assert!(said.starts_with("Upload-Checksum"), "{said}");
    }
    for bad in
        ["sha1  98O8HYCOBHMq32eZZczDTKeuNEE=", "sha1 98O8HYCOBHMq32eZZczDTKeuNEE", "crc32c 4waSgx==", "md5 !"]
    {
        assert!(refused(told(bad)).contains("in base64 after one space"), "{bad:?}");
    }
    let trailer = |names: &str| parse::check(&headers(&[("trailer", names)]));
    assert_eq!(parse::check(&HeaderMap::new()).unwrap(), Check::None);
    assert_eq!(trailer("x, upload-CHECKSUM").unwrap(), Check::Follows);
    assert_eq!(trailer("x-upload-checksum").unwrap(), Check::None);
    let both = [("trailer", "Upload-Checksum"), ("upload-checksum", "crc32c 4waSgw==")];
    assert!(refused(parse::check(&headers(&both))).ends_with("got both"));
    assert!(refused(parse::trailer(&HeaderMap::new())).contains("did not come"));
    assert!(Digest::from_base64(Algorithm::Crc32c, "4waSgw==").is_ok());
}

#[test]
fn the_host_is_what_the_client_called() {
    let at = |uri: &str, host: Option<&str>| {
        let list: Vec<_> = host.map(|host| ("host", host)).into_iter().collect();
        parse::origin(&uri.parse::<Uri>().unwrap(), &headers(&list))
    };
    for (uri, host, origin) in [
        ("/files", None, None),
        ("/files", Some(""), None),
        ("/files", Some("a.example"), Some("http://a.example")),
        ("/files", Some("127.0.0.1:8080"), Some("http://127.0.0.1:8080")),
        ("/files", Some("[::1]:65535"), Some("http://[::1]:65535")),
        ("/files", Some("[::1]"), Some("http://[::1]")),
        ("/files", Some("under_score"), Some("http://under_score")),
        ("https://b/files", Some("a"), Some("https://b")),
        ("http://b:1/files", None, Some("http://b:1")),
        ("ftp://b/files", None, Some("http://b")),
    ] {
        assert_eq!(at(uri, host).unwrap().as_deref(), origin, "{uri} {host:?}");
    }
    for bad in [
        "a/b", "a b", "u@a", "a:", "a:x", "a:65536", "a:1:2", ":80", "::1", "[::1", "[x]", "[::1]x", "[]",
        "a?b", "a#b", "a\\b", "a,b", "a\"", "ü", "a:+1",
    ] {
        assert!(refused(at("/files", Some(bad))).contains("ost"), "{bad:?}");
    }
    assert!(at("http://user@b/files", None).is_err());
    let twice = headers(&[("host", "a"), ("host", "b")]);
    assert!(parse::origin(&"/files".parse().unwrap(), &twice).is_err());
}

#[test]
fn a_version_is_said_by_all_who_change_something() {
    let speaks = |method: Method, said: &[&str]| {
        let list: Vec<_> = said.iter().map(|version| ("tus-resumable", *version)).collect();
        parse::speaks(&method, &headers(&list))
    };
    for method in [Method::POST, Method::PATCH, Method::DELETE, Method::PUT] {
        assert!(speaks(method.clone(), &["1.0.0"]) && !speaks(method.clone(), &[]));
    }
    for method in [Method::GET, Method::HEAD, Method::POST] {
        for bad in [&["0.2.2"][..], &["1.0"], &[""], &["1.0.0", "2"]] {
            assert!(!speaks(method.clone(), bad), "{method} {bad:?}");
        }
    }
    assert!(speaks(Method::GET, &[]) && speaks(Method::HEAD, &[]) && speaks(Method::OPTIONS, &["x"]));
}

#[test]
fn another_method_may_stand_in_a_header() {
    let method = |over: &[(&str, &str)]| parse::method(&Method::POST, &headers(over));
    assert_eq!(method(&[]).unwrap(), Method::POST);
    assert_eq!(method(&[("x-http-method-override", "PATCH")]).unwrap(), Method::PATCH);
    for bad in ["", "A B", "ü"] {
        refused(method(&[("x-http-method-override", bad)]));
    }
}

#[test]
fn only_bytes_are_bytes() {
    let brings = |list: &[(&str, &str)]| parse::brings_bytes(&headers(list));
    assert!(brings(&[("content-type", "application/offset+octet-stream")]));
    assert!(brings(&[("content-type", "Application/Offset+Octet-Stream; x=y")]));
    for other in ["", "application/octet-stream", "application/x-www-form-urlencoded", "ü"] {
        assert!(!brings(&[("content-type", other)]), "{other:?}");
    }
    assert!(!brings(&[]));
}
