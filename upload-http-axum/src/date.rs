//! Moments as text, in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use upload_core::Timestamp;

/// The last moment that a date with four digits for its year can name.
const LAST: u64 = 253_402_300_799_999;

/// RFC 3339, with milliseconds: `2025-03-09T04:47:54.784Z`.
#[cfg(feature = "direct-upload")]
pub(crate) fn rfc3339_millis(time: Timestamp) -> String {
    humantime::format_rfc3339_millis(named(time)).to_string()
}

/// ISO 8601 with the digits of microseconds and without a zone: `2025-03-09T04:47:54.784000`.
#[cfg(feature = "wickson")]
pub(crate) fn iso_micros(time: Timestamp) -> String {
    let text = humantime::format_rfc3339_micros(named(time)).to_string();
    text.trim_end_matches('Z').to_owned()
}

/// As HTTP's own dates are: `Sun, 09 Mar 2025 04:47:54 GMT`.
#[cfg(feature = "tus")]
pub(crate) fn imf_fixdate(time: Timestamp) -> String {
    httpdate::fmt_http_date(named(time))
}

fn named(time: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(time.millis().min(LAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "direct-upload")]
    fn milliseconds_with_a_zone() {
        let at = |millis| rfc3339_millis(Timestamp::from_millis(millis));
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(u64::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    #[cfg(feature = "wickson")]
    fn microseconds_without_a_zone() {
        let at = |millis| iso_micros(Timestamp::from_millis(millis));
        assert_eq!(at(1_741_495_674_784), "2025-03-09T04:47:54.784000");
        assert_eq!(at(951_782_400_000), "2000-02-29T00:00:00.000000");
        assert_eq!(at(u64::MAX), "9999-12-31T23:59:59.999000");
    }

    #[test]
    #[cfg(feature = "tus")]
    fn seconds_as_http_has_them() {
        let at = |millis| imf_fixdate(Timestamp::from_millis(millis));
        assert_eq!(at(1_741_495_674_784), "Sun, 09 Mar 2025 04:47:54 GMT");
        assert_eq!(at(u64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
