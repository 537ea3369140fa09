use upload_core::Timestamp;

/// A moment, UTC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    year: u64,
    month: u64,
    day: u64,
    second: u64,
}

impl Moment {
    /// Days to dates by the civil calendar, whose years begin in March so that the leap day is the last.
    pub(super) fn of(time: Timestamp) -> Self {
        let (days, second) = (time.seconds() / 86_400, time.seconds() % 86_400);
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        Self { year, month, day: day_of_year - (153 * march_month + 2) / 5 + 1, second }
    }

    /// `20261121`.
    #[cfg(any(feature = "s3", test))]
    pub(super) fn day(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }

    /// `20261121T100000Z`.
    #[cfg(any(feature = "s3", test))]
    pub(super) fn basic(self) -> String {
        let (hour, minute, second) = self.clock();
        format!("{}T{hour:02}{minute:02}{second:02}Z", self.day())
    }

    /// `2026-11-21T10:00:00Z`.
    #[cfg(any(feature = "azure", test))]
    pub(super) fn extended(self) -> String {
        let (hour, minute, second) = self.clock();
        let date = format!("{:04}-{:02}-{:02}", self.year, self.month, self.day);
        format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
    }

    fn clock(self) -> (u64, u64, u64) {
        (self.second / 3600, self.second / 60 % 60, self.second % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            let moment = Moment::of(Timestamp::from_millis(seconds * 1000));
            assert_eq!(moment.extended(), text);
            assert_eq!(moment.basic(), text.replace(['-', ':'], ""));
        }
    }
}
