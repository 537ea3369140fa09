//! What a request to the store is for, by its method and target.

/// A kind of request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Kind {
    /// Whether it serves the records, not the bytes.
    pub(crate) record: bool,
    pub(crate) method: String,
    pub(crate) what: &'static str,
}

impl Kind {
    /// Of a request in the style that has the bucket in its path.
    pub(crate) fn of(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let name = path.trim_start_matches('/').split_once('/').map_or("", |(_, name)| name);
        let asks =
            |word: &str| query.split('&').any(|pair| pair.split('=').next().is_some_and(|name| name == word));
        let lists = |prefix: &str| query.contains(&format!("prefix={prefix}"));
        let (record, what) = match method {
            _ if asks("uploadId") && asks("partNumber") => (false, "part"),
            "POST" if asks("uploadId") => (false, "completion"),
            "POST" if asks("uploads") => (false, "session"),
            "POST" if asks("delete") => (false, "removal of up to 1,000"),
            "GET" if asks("uploads") || asks("uploadId") => (false, "listing of sessions or parts"),
            "GET" if name.is_empty() => {
                (lists("r%2F") || lists("r/"), if asks("list-type") { "listing" } else { "of the bucket" })
            }
            _ => of_object(name),
        };
        Self { record, method: method.to_owned(), what }
    }
}

/// Whether an object is a record, and what of.
fn of_object(name: &str) -> (bool, &'static str) {
    if let Some(key) = name.strip_prefix("r/") {
        // Slashes of keys are written so.
        let segments: Vec<&str> = key.split("-_").collect();
        let what = match segments.as_slice() {
            ["u", _] => "head",
            ["u", _, "x", ..] => "row",
            ["u", _, "a", ..] => "number of a part",
            ["u", _, "f", ..] => "fold",
            ["u", _, "s"] => "shape",
            ["u", _, "p"] => "session's record",
            ["u", _, "h"] => "state of the digest",
            ["u", _, "e", ..] => "note",
            ["due", ..] => "due key",
            ["t" | "th", ..] => "tenant",
            ["c", ..] => "claim",
            ["i", ..] => "entry of a listing",
            ["k", ..] => "owner of an object",
            _ => "other record",
        };
        return (true, what);
    }
    // As @tus/s3-store names what it keeps beside its parts.
    if name.ends_with(".info") {
        return (true, "information");
    }
    let what = match name.split('/').next() {
        Some("o") => "object",
        Some("s") => "fragment",
        _ if name.ends_with(".part") => "part that is too short",
        _ => "object",
    };
    (false, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let of = |method, target| {
            let kind = Kind::of(method, target);
            (kind.record, kind.what)
        };
        assert_eq!(of("PUT", "/b/o/1/x?partNumber=1&uploadId=2"), (false, "part"));
        assert_eq!(of("POST", "/b/o/1/x?uploads="), (false, "session"));
        assert_eq!(of("POST", "/b/o/1/x?uploads"), (false, "session"));
        assert_eq!(of("POST", "/b/o/1/x?uploadId=2"), (false, "completion"));
        assert_eq!(of("HEAD", "/b/o/1/x"), (false, "object"));
        assert_eq!(of("GET", "/b/s/1/x/0-1"), (false, "fragment"));
        assert_eq!(of("GET", "/b?list-type=2&prefix=r%2Fu-_4k"), (true, "listing"));
        assert_eq!(of("GET", "/b?list-type=2&prefix=o%2F"), (false, "listing"));
        assert_eq!(of("PUT", "/b/r/u-_4k2j"), (true, "head"));
        assert_eq!(of("PUT", "/b/r/u-_4k2j-_x-_0000000001"), (true, "row"));
        assert_eq!(of("GET", "/b/r/due-_1-_2"), (true, "due key"));
        assert_eq!(of("PUT", "/b/0f3.info?x-id=PutObject"), (true, "information"));
    }
}
