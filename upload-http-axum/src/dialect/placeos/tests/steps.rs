//! Ids, queries and bodies of the requests that follow.

use serde_json::{Map, Value, json};
use upload_core::UploadId;

use super::super::parse::{self, Next, Query};
use super::super::render;
use super::super::wire::{PartData, Progress};
use super::{BASE64, HEX, ID, bad, missing, object, of};

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
fn a_key_in_a_query_is_unescaped_once() {
    for (written, key) in [("a%2Bb", "a+b"), ("a+b", "a+b"), ("a%2541", "a%41"), ("", "")] {
        let query = Query::new(Some(&format!("x=1&api-key={written}&api-key=second")));
        assert_eq!(query.plain("api-key").as_deref(), Some(key), "{written}");
    }
    assert_eq!(Query::new(None).plain("api-key"), None);
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
