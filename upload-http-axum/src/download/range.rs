use std::ops::Range;

use http::{HeaderMap, header};

/// What a Range header asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Requested {
    /// Everything: there is no such header, or none that can be read.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Nothing that there is, or more than one range.
    Unsatisfiable,
}

/// Reads the Range header for an object of `length` bytes (RFC 9110 §14.1.2, §14.2).
pub(super) fn requested(request: &HeaderMap, length: u64) -> Requested {
    let mut values = request.get_all(header::RANGE).iter();
    match (values.next().and_then(|value| value.to_str().ok()), values.next()) {
        (Some(value), None) => parse(value, length),
        _ => Requested::Whole,
    }
}

fn parse(value: &str, length: u64) -> Requested {
    let Some((unit, list)) = value.split_once('=') else { return Requested::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Requested::Whole;
    }
    let mut only = None;
    let mut more = false;
    for text in list.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let Some(spec) = spec(text) else { return Requested::Whole };
        more |= only.replace(spec).is_some();
    }
    match only {
        None => Requested::Whole,
        Some(_) if more => Requested::Unsatisfiable,
        Some(spec) => spec.resolve(length),
    }
}

enum Spec {
    /// From the first to the last position, both inclusive; the end of the object if there is no last one.
    From(u64, Option<u64>),
    /// So many bytes at the end.
    Suffix(u64),
}

fn spec(text: &str) -> Option<Spec> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim_end(), last.trim_start());
    match (first.is_empty(), last.is_empty()) {
        (true, _) => Some(Spec::Suffix(number(last)?)),
        (false, true) => Some(Spec::From(number(first)?, None)),
        (false, false) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::From(first, Some(last)))
        }
    }
}

/// Digits only; a number too large for the type is as good as the largest one.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

impl Spec {
    fn resolve(self, length: u64) -> Requested {
        match self {
            Self::From(first, _) if first >= length => Requested::Unsatisfiable,
            Self::From(first, None) => Requested::Part(first..length),
            Self::From(first, Some(last)) => Requested::Part(first..last.saturating_add(1).min(length)),
            Self::Suffix(0) => Requested::Unsatisfiable,
            // Satisfiable by RFC 9110, but a Content-Range cannot name no bytes.
            Self::Suffix(_) if length == 0 => Requested::Whole,
            Self::Suffix(count) => Requested::Part(length.saturating_sub(count)..length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Requested::{Part, Unsatisfiable, Whole};
    use super::*;

    #[test]
    fn single_ranges() {
        for (value, expected) in [
            ("bytes=0-0", Part(0..1)),
            ("bytes=0-99", Part(0..100)),
            ("bytes=10-1000", Part(10..100)),
            ("bytes=10-", Part(10..100)),
            ("bytes=99-", Part(99..100)),
            ("bytes=-1", Part(99..100)),
            ("bytes=-1000", Part(0..100)),
            ("Bytes = 5 - 6 ", Part(5..7)),
            ("bytes=,5-6, ,", Part(5..7)),
            ("bytes=0-99999999999999999999999999", Part(0..100)),
            ("bytes=-99999999999999999999999999", Part(0..100)),
            ("bytes=100-", Unsatisfiable),
            ("bytes=100-200", Unsatisfiable),
            ("bytes=99999999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
        ] {
            assert_eq!(parse(value, 100), expected, "{value}");
        }
        assert_eq!(parse("bytes=0-18446744073709551615", u64::MAX), Part(0..u64::MAX));
    }

    #[test]
    fn several_ranges_are_refused() {
        for value in ["bytes=0-1,2-3", "bytes=0-0, 0-0", "bytes=0-1,-1", "bytes=0-1,500-600"] {
            assert_eq!(parse(value, 100), Unsatisfiable, "{value}");
        }
    }

    #[test]
    fn malformed_ranges_are_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=5",
            "bytes=6-5",
            "bytes=+1-2",
            "items=0-1",
            "bytes=0-1,x",
            "bytes=1--2",
            "bytes=0x1-2",
            "bytes 0-1/100",
            "bytes=-1-2",
            "bytes=٣-",
        ] {
            assert_eq!(parse(value, 100), Whole, "{value}");
        }
    }

    #[test]
    fn an_empty_object_has_no_ranges() {
        assert_eq!(parse("bytes=0-", 0), Unsatisfiable);
        assert_eq!(parse("bytes=-5", 0), Whole);
        assert_eq!(parse("bytes=-0", 0), Unsatisfiable);
    }

    #[test]
    fn two_header_lines_are_malformed() {
        let mut request = HeaderMap::new();
        assert_eq!(requested(&request, 100), Whole);
        request.append(header::RANGE, "bytes=0-0".parse().unwrap());
        assert_eq!(requested(&request, 100), Part(0..1));
        request.append(header::RANGE, "bytes=0-0".parse().unwrap());
        assert_eq!(requested(&request, 100), Whole);
    }
}
