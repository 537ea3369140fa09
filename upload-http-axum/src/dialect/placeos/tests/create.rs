//! What begins an upload.

use serde_json::{Map, Value, json};
use upload_core::Visibility;

use super::super::parse::{self, Query};
use super::super::render;
use super::super::settings::PlaceosSettings;
use super::{BASE64, HEX, bad, missing, object, of};

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
