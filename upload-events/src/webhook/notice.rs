//! A notice as JSON.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    time::{Duration, SystemTime},
};

use serde::Serialize;
use upload_core::{Charge, Extras, Outcome, Timestamp};

#[derive(Serialize)]
struct Notice<'a> {
    id: &'a str,
    kind: &'static str,
    upload: Upload<'a>,
}

#[derive(Serialize)]
struct Upload<'a> {
    id: &'a str,
    destination: &'a str,
    length: u64,
    digests: BTreeMap<String, String>,
    content_type: Option<&'a str>,
    file_name: Option<&'a str>,
    committed: String,
    content_removed: bool,
    charges: &'a [Charge],
    extras: &'a Extras,
    details: &'a Extras,
}

/// The body: everything that the outcome tells but where its bytes lie.
pub(super) fn body(outcome: &Outcome) -> Result<String, String> {
    let id = outcome.id.as_str();
    let digests = outcome.digests.iter().map(|one| (one.algorithm().to_string(), one.to_hex())).collect();
    let upload = Upload {
        id,
        destination: &outcome.destination,
        length: outcome.length,
        digests,
        content_type: outcome.content_type.as_deref(),
        file_name: outcome.file_name.as_deref(),
        committed: rfc3339(outcome.committed)?,
        content_removed: outcome.content_removed,
        charges: &outcome.charges,
        extras: &outcome.extras,
        details: &outcome.details,
    };
    serde_json::to_string(&Notice { id, kind: "upload.completed", upload })
        .map_err(|e| format!("the notice cannot be written: {e}"))
}

fn rfc3339(time: Timestamp) -> Result<String, String> {
    let mut text = String::new();
    let written = SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_millis(time.millis()))
        .and_then(|time| write!(text, "{}", humantime::format_rfc3339_millis(time)).ok());
    written.map(|()| text).ok_or_else(|| format!("{} ms is no time that can be written", time.millis()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::stream::tests::outcome;

    #[test]
    fn it_has_these_fields_and_no_others() {
        let mut one = outcome(3141);
        one.digests.insert("md5:d41d8cd98f00b204e9800998ecf8427e".parse().unwrap());
        one.content_type = Some("image/jpeg".to_owned());
        one.file_name = Some("\u{e4}\"\n.jpg".to_owned());
        one.committed = Timestamp::from_millis(1_795_284_000_042);
        one.charges = vec![Charge::new("upload", 5)];
        one.extras.insert("a".to_owned(), json!({ "b": 1 }));
        one.details.insert("c".to_owned(), json!([2]));
        let id = one.id.as_str().to_owned();
        let body = body(&one).unwrap();
        assert!(!body.contains(one.key.as_str()), "{body}");
        let expected = json!({ "id": id, "kind": "upload.completed", "upload": {
            "id": id, "destination": "photos", "length": 3141,
            "digests": { "md5": "d41d8cd98f00b204e9800998ecf8427e" },
            "content_type": "image/jpeg", "file_name": "\u{e4}\"\n.jpg",
            "committed": "2026-11-21T18:00:00.042Z", "content_removed": false,
            "charges": [{ "what": "upload", "amount": 5 }], "extras": { "a": { "b": 1 } }, "details": { "c": [2] },
        } });
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
    }

    #[test]
    fn what_is_not_known_is_null_and_a_time_beyond_all_calendars_is_a_refusal() {
        let mut one = outcome(0);
        let json: Value = serde_json::from_str(&body(&one).unwrap()).unwrap();
        assert_eq!(
            (&json["upload"]["content_type"], &json["upload"]["file_name"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(json["upload"]["committed"], "1970-01-01T00:00:00.000Z");
        for millis in [u64::MAX, 253_402_300_800_000] {
            one.committed = Timestamp::from_millis(millis);
            assert!(body(&one).unwrap_err().contains("no time"));
        }
    }
}
