//! The rules of each field.

use serde_json::json;
use upload_core::{Policy, TypeRule};

use super::{MD5, SHA256, ours, read, read_for, with};

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
