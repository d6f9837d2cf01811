//! ISO weeks, by which reads are filed.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// An ISO 8601 week such as `2026-W20`: Monday to Sunday. Week 1 contains the year's first
/// Thursday.
///
/// Years run from 1 to 9998, so that the week before and after each week can be written in the same
/// form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Week {
    year: i16,
    number: i8,
}

/// The text or number is not a week.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeekError {
    /// The text is not of the form `YYYY-Www`.
    #[error("`{0}` is not a week; write it as year and ISO week, for example 2026-W20")]
    Form(String),
    /// The year has no such week, or is outside 1 to 9998.
    #[error("there is no week {number} in {year}; ISO weeks run from 1 to 52, in some years to 53")]
    Range {
        /// The requested year.
        year: i16,
        /// The requested week number.
        number: i8,
    },
}

impl Week {
    /// The week of `year` with this ISO number.
    ///
    /// # Errors
    /// [`WeekError::Range`] if the year has no such week.
    pub fn new(year: i16, number: i8) -> Result<Self, WeekError> {
        if !(1..=9998).contains(&year) || ISOWeekDate::new(year, number, Weekday::Monday).is_err() {
            return Err(WeekError::Range { year, number });
        }
        Ok(Self { year, number })
    }

    /// The week of `at` in the time zone `zone`.
    pub fn of(at: Timestamp, zone: &TimeZone) -> Self {
        Self::of_date(at.to_zoned_datetime(zone.clone()).date())
    }

    /// The week of `date`. Dates before year 1 or after 9998 are in the first or last week.
    pub fn of_date(date: Date) -> Self {
        let iso = date.iso_week_date();
        Self::new(iso.year(), iso.week()).unwrap_or(if iso.year() < 1 {
            Self { year: 1, number: 1 }
        } else {
            Self { year: 9998, number: 52 }
        })
    }

    /// The ISO week-based year, which can differ from the calendar year near New Year.
    pub fn year(self) -> i16 {
        self.year
    }

    /// The week's number in its year, 1 to 53.
    pub fn number(self) -> i8 {
        self.number
    }

    /// The week's Monday.
    pub fn monday(self) -> Date {
        ISOWeekDate::new(self.year, self.number, Weekday::Monday)
            .expect("a week is only made where its year has it")
            .date()
    }

    /// The week's Sunday.
    pub fn sunday(self) -> Date {
        self.monday().saturating_add(6.days())
    }

    /// The next week. For the last week, returns it unchanged.
    pub fn next(self) -> Self {
        Self::of_date(self.monday().saturating_add(7.days()))
    }

    /// The previous week. For the first week, returns it unchanged.
    pub fn previous(self) -> Self {
        Self::of_date(self.monday().saturating_sub(7.days()))
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-W{:02}", self.year, self.number)
    }
}

impl FromStr for Week {
    type Err = WeekError;

    fn from_str(text: &str) -> Result<Self, WeekError> {
        let form = || WeekError::Form(text.to_owned());
        let (year, number) = text.split_once("-W").or_else(|| text.split_once("-w")).ok_or_else(form)?;
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if year.len() != 4 || number.len() != 2 || !digits(year) || !digits(number) {
            return Err(form());
        }
        Self::new(year.parse().map_err(|_| form())?, number.parse().map_err(|_| form())?)
    }
}

impl TryFrom<String> for Week {
    type Error = WeekError;

    fn try_from(text: String) -> Result<Self, WeekError> {
        text.parse()
    }
}

impl From<Week> for String {
    fn from(week: Week) -> Self {
        week.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn new_years_day_belongs_to_its_iso_week() {
        for (date, week) in [
            ("2021-01-03", "2020-W53"),
            ("2024-12-30", "2025-W01"),
            ("2026-05-17", "2026-W20"),
            ("2023-01-01", "2022-W52"),
        ] {
            assert_eq!(Week::of_date(date.parse().unwrap()).to_string(), week, "{date}");
        }
    }

    #[test]
    fn time_zone_decides_at_midnight() {
        let sunday_night: Timestamp = "2026-05-17T23:30:00Z".parse().unwrap();
        assert_eq!(Week::of(sunday_night, &TimeZone::UTC).to_string(), "2026-W20");
        assert_eq!(Week::of(sunday_night, &TimeZone::get("Europe/Berlin").unwrap()).to_string(), "2026-W21");
    }

    #[test]
    fn weeks_that_do_not_exist_are_refused() {
        for text in ["2026-20", "2026-W54", "2025-W53", "26-W01", "2026-W00", "", "2026-W1", "+026-W01"] {
            assert!(text.parse::<Week>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn next_and_previous_are_inverse_and_text_round_trips(days in -200_000i32..200_000) {
            let week = Week::of_date(jiff::civil::date(2000, 1, 1).saturating_add(i64::from(days).days()));
            prop_assert_eq!(week.next().previous(), week);
            prop_assert_eq!(week.to_string().parse::<Week>().unwrap(), week);
            prop_assert!(week < week.next());
            prop_assert!(week.to_string() < week.next().to_string());
            prop_assert_eq!(Week::of_date(week.sunday()), week);
        }
    }
}
