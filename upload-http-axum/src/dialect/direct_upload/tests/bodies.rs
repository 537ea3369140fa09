//! Which bodies are read, and what is wrong with the others.

use serde_json::json;
use upload_core::{Policy, TypeRule};

use super::super::parse::{self, Refusal};
use super::{faults, headers, ours, read, read_for, with};

/// What FastAPI 0.165 with pydantic 2.14 answers to these bodies: their sizes, or their faults. Where it fails itself, as
/// what it would show is no JSON, it is what pydantic found.
const MEASURED: &str = include_str!("measured.json");

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
