use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};
use httpdate::{fmt_http_date, parse_http_date};

use super::{ObjectInfo, put};

/// The first second that an HTTP date cannot name: the year 10000.
const DATES_END: u64 = 253_402_300_800;

/// What tells two states of an object apart.
pub(super) struct Validators {
    /// The strong ETag, in its quotes.
    etag: Option<String>,
    /// Last-Modified, in seconds since 1970.
    modified: Option<u64>,
}

/// What a request's preconditions come to (RFC 9110 §13.2.2).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    Holds,
    Failed,
    NotModified,
}

impl Validators {
    pub(super) fn of(object: &ObjectInfo) -> Self {
        let visible = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
        let etag = object.etag.as_deref().filter(|etag| etag.bytes().all(visible));
        let modified = object.modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self {
            etag: etag.map(|etag| format!("\"{etag}\"")),
            modified: modified.map(|since| since.as_secs()).filter(|seconds| *seconds < DATES_END),
        }
    }

    pub(super) fn write(&self, headers: &mut HeaderMap) {
        if let Some(etag) = &self.etag {
            put(headers, header::ETAG, etag);
        }
        if let Some(seconds) = self.modified {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            put(headers, header::LAST_MODIFIED, &fmt_http_date(time));
        }
    }

    /// Checks the preconditions. A date that cannot be read is no precondition, nor is one where there is no date
    /// to compare with.
    pub(super) fn check(&self, request: &HeaderMap) -> Precondition {
        let date = |name: HeaderName| Some((request.get(name).and_then(seconds)?, self.modified?));
        let held = if request.contains_key(header::IF_MATCH) {
            self.any_matches(request, header::IF_MATCH, Comparison::Strong)
        } else {
            date(header::IF_UNMODIFIED_SINCE).is_none_or(|(since, modified)| modified <= since)
        };
        let unchanged = if request.contains_key(header::IF_NONE_MATCH) {
            self.any_matches(request, header::IF_NONE_MATCH, Comparison::Weak)
        } else {
            date(header::IF_MODIFIED_SINCE).is_some_and(|(since, modified)| modified <= since)
        };
        match (held, unchanged) {
            (false, _) => Precondition::Failed,
            (true, true) => Precondition::NotModified,
            (true, false) => Precondition::Holds,
        }
    }

    /// Whether a Range header counts: without If-Range, or if that names just this state of the object (§13.1.5).
    pub(super) fn if_range_holds(&self, request: &HeaderMap) -> bool {
        let Some(value) = request.get(header::IF_RANGE) else { return true };
        let same_tag = self.etag.as_ref().is_some_and(|etag| value.as_bytes() == etag.as_bytes());
        same_tag || (self.modified.is_some() && seconds(value) == self.modified)
    }

    fn any_matches(&self, request: &HeaderMap, name: HeaderName, comparison: Comparison) -> bool {
        request.get_all(name).iter().any(|value| {
            let value = value.as_bytes().trim_ascii();
            value == b"*"
                || tags(value).any(|(weak, tag)| {
                    let strong_enough = comparison == Comparison::Weak || !weak;
                    strong_enough && self.etag.as_ref().is_some_and(|etag| tag == etag.as_bytes())
                })
        })
    }
}

/// How entity tags are compared (RFC 9110 §8.8.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// The entity tags of a list, each with whether it is weak and in its quotes, up to the first that is malformed.
fn tags(mut list: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    std::iter::from_fn(move || {
        while let [b',' | b' ' | b'\t', rest @ ..] = list {
            list = rest;
        }
        let (weak, tag) = match list.strip_prefix(b"W/") {
            Some(tag) => (true, tag),
            None => (false, list),
        };
        let [b'"', inner @ ..] = tag else { return None };
        let end = inner.iter().position(|byte| *byte == b'"')?;
        let (tag, rest) = tag.split_at_checked(end + 2)?;
        list = rest;
        Some((weak, tag))
    })
}

/// An HTTP date in seconds since 1970.
fn seconds(value: &HeaderValue) -> Option<u64> {
    let time: SystemTime = parse_http_date(value.to_str().ok()?).ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AFTER: &str = "Sunday, 06-Nov-94 08:49:38 GMT";

    fn validators() -> Validators {
        let mut object = ObjectInfo::new(1);
        object.etag = Some("a,b".into());
        object.modified = Some(UNIX_EPOCH + Duration::from_millis(784_111_777_900));
        Validators::of(&object)
    }

    fn request(list: &[(HeaderName, &str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn preconditions_follow_the_order_of_rfc_9110() {
        use Precondition::{Failed, Holds, NotModified};
        use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
        for (list, expected) in [
            (&[][..], Holds),
            (&[(IF_NONE_MATCH, "\"a,b\"")], NotModified),
            (&[(IF_NONE_MATCH, "W/\"a,b\"")], NotModified),
            (&[(IF_NONE_MATCH, "\"x\" , W/\"y\",\"a,b\"")], NotModified),
            (&[(IF_NONE_MATCH, " * ")], NotModified),
            (&[(IF_NONE_MATCH, "\"a\", \"b\"")], Holds),
            (&[(IF_NONE_MATCH, "a,b")], Holds),
            (&[(IF_NONE_MATCH, "\"a,b")], Holds),
            (&[(IF_MODIFIED_SINCE, TIME)], NotModified),
            (&[(IF_MODIFIED_SINCE, AFTER)], NotModified),
            (&[(IF_MODIFIED_SINCE, BEFORE)], Holds),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Holds),
            (&[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, AFTER)], Holds),
            (&[(IF_MATCH, "\"a,b\"")], Holds),
            (&[(IF_MATCH, "*")], Holds),
            (&[(IF_MATCH, "W/\"a,b\"")], Failed),
            (&[(IF_MATCH, "\"x\"")], Failed),
            (&[(IF_UNMODIFIED_SINCE, TIME)], Holds),
            (&[(IF_UNMODIFIED_SINCE, BEFORE)], Failed),
            (&[(IF_UNMODIFIED_SINCE, "x")], Holds),
            (&[(IF_MATCH, "\"a,b\""), (IF_UNMODIFIED_SINCE, BEFORE)], Holds),
            (&[(IF_MATCH, "\"x\""), (IF_NONE_MATCH, "*")], Failed),
            (&[(IF_MATCH, "*"), (IF_NONE_MATCH, "*")], NotModified),
        ] {
            assert_eq!(validators().check(&request(list)), expected, "{list:?}");
        }
    }

    #[test]
    fn if_range_compares_exactly() {
        let holds = |value| validators().if_range_holds(&request(&[(header::IF_RANGE, value)]));
        assert!(holds("\"a,b\"") && holds(TIME));
        assert!(!holds("W/\"a,b\"") && !holds("\"x\"") && !holds(BEFORE) && !holds(AFTER) && !holds(""));
        assert!(validators().if_range_holds(&HeaderMap::new()));
        let unknown = Validators::of(&ObjectInfo::new(1));
        assert!(!unknown.if_range_holds(&request(&[(header::IF_RANGE, "x")])));
    }

    #[test]
    fn validators_are_written_only_where_they_can_be() {
        let mut headers = HeaderMap::new();
        validators().write(&mut headers);
        assert_eq!(headers, request(&[(header::ETAG, "\"a,b\""), (header::LAST_MODIFIED, TIME)]));

        let mut object = ObjectInfo::new(1);
        for (etag, seconds) in [("a\"b", 253_402_300_800_i64), ("a b", -1), ("é", i64::MAX / 2)] {
            let offset = Duration::from_secs(seconds.unsigned_abs());
            object.modified =
                if seconds < 0 { UNIX_EPOCH.checked_sub(offset) } else { UNIX_EPOCH.checked_add(offset) };
            object.etag = Some(etag.into());
            let mut headers = HeaderMap::new();
            Validators::of(&object).write(&mut headers);
            assert!(headers.is_empty(), "{headers:?}");
        }
    }
}
