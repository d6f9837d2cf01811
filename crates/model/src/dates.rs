//! Parses dates as feeds, pages and addresses write them.
//!
//! They should be in the format of RFC 822 or RFC 3339. Many are not: they have zones that no RFC
//! knows, days and months swapped, months in the publisher's language, or missing parts. The known
//! forms are tried in a fixed order, the most exact first, and the first that matches is used. A
//! date without a zone is in UTC. Dates without a year are refused, because this module does not
//! know the current date.

mod forms;
mod words;

use jiff::Timestamp;
use jiff::civil::Date;
use url::Url;

pub use forms::in_words;
pub use words::month;

/// The beginning of year 1.
const FIRST_YEAR: Timestamp = Timestamp::constant(-62_135_596_800, 0);
/// The years in which a date on a page or in an address is plausible.
const LIKELY: std::ops::Range<i16> = 1990..2100;

type Form = fn(&str) -> Option<Timestamp>;

/// Parses the text of a feed's date element. The text is certainly a date, so ambiguous forms are
/// guessed.
pub fn parse(text: &str) -> Option<Timestamp> {
    use forms::{
        asctime, east_asian, epoch, greek, hungarian, iso8601, korean, pieced, rfc822, slashed, w3c,
    };
    const FORMS: [Form; 12] = [
        marked_up, epoch, w3c, rfc822, hungarian, korean, iso8601, asctime, slashed, greek, east_asian,
        pieced,
    ];
    // What days, hours or a zone reach beyond the first year cannot be written again.
    first_of(&FORMS, text).filter(|at| *at >= FIRST_YEAR)
}

/// The moment in a `<time>` element, which some publishers write as text into a date element of a
/// feed.
fn marked_up(text: &str) -> Option<Timestamp> {
    let (_, after) = text.strip_prefix('<')?.split_once("datetime=")?;
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    parse(after[1..].split(quote).next()?)
}

/// Parses a short text of a page as a date between 1990 and 2100. The text may be anything, so
/// ambiguous forms are refused: `03/04/2021` gives `None`.
pub fn on_page(text: &str) -> Option<Timestamp> {
    use forms::{asctime, compact, east_asian, epoch, numeric, rfc822, w3c};
    const FORMS: [Form; 9] =
        [epoch, compact, w3c, rfc822, asctime, in_words, numeric, east_asian, first_word];
    fn first_word(text: &str) -> Option<Timestamp> {
        w3c(text.split_whitespace().next().filter(|word| word.len() >= 10)?)
    }
    let is_likely = |at: &Timestamp| LIKELY.contains(&at.to_zoned_datetime(jiff::tz::TimeZone::UTC).year());
    first_of(&FORMS, text).filter(|at| text.trim().len() >= 6 && is_likely(at))
}

fn first_of(forms: &[Form], text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() || text.len() > 200 {
        return None;
    }
    forms.iter().find_map(|form| form(text))
}

/// What an article's address says about its date of publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlDate {
    /// The day of publication.
    Day(Date),
    /// The month of publication, as its first day.
    Month(Date),
}

impl UrlDate {
    /// The date in an address: `/2019/05/04/`, `/2019-05-04-title`, `/2019/may/04/`,
    /// `/2019/05/title`.
    pub fn of(url: &Url) -> Option<Self> {
        let folders: Vec<&str> = url.path().split('/').filter(|folder| !folder.is_empty()).collect();
        if let Some(day) = folders.iter().find_map(|folder| leading_day(folder)) {
            return Some(Self::Day(day));
        }
        let parts: Vec<&str> =
            url.path().split(['/', '-', '_', '.']).filter(|part| !part.is_empty()).collect();
        let day = |parts: &[&str]| {
            let month_at = number(parts[1], 1..=2).or_else(|| month(&parts[1].to_lowercase()));
            likely_day(number(parts[0], 4..=4)?, month_at?, number(parts[2], 1..=2)?)
        };
        if let Some(day) = parts.windows(3).find_map(day) {
            return Some(Self::Day(day));
        }
        let first = |folders: &[&str]| likely_day(number(folders[0], 4..=4)?, number(folders[1], 1..=2)?, 1);
        folders.windows(2).find_map(first).map(Self::Month)
    }

    /// The best guess at the time of publication. The address's day comes first, at midnight in
    /// UTC. If the address has only a month, it is `lastmod` if that is in the month, else the
    /// month's first day. If the address has no date, it is `lastmod`.
    pub fn guess(url: &Url, lastmod: Option<Timestamp>) -> Option<Timestamp> {
        match Self::of(url) {
            None => lastmod,
            Some(Self::Day(day)) => midnight(day),
            Some(Self::Month(first)) => {
                let in_month = |at: &Timestamp| {
                    at.in_tz("UTC").is_ok_and(|at| (at.year(), at.month()) == (first.year(), first.month()))
                };
                lastmod.filter(in_month).or_else(|| midnight(first))
            }
        }
    }
}

/// The day in an address, as midnight in UTC. Returns `None` if the address has none, or only a
/// month.
pub fn in_address(url: &Url) -> Option<Timestamp> {
    match UrlDate::of(url)? {
        UrlDate::Day(day) => midnight(day),
        UrlDate::Month(_) => None,
    }
}

/// The day that a folder or a title begins with: `2015-03-20-a-title`, `20150320-a-title`.
pub fn leading_day(segment: &str) -> Option<Date> {
    let bytes = segment.as_bytes();
    let part = |from: usize, to: usize| number(segment.get(from..to)?, to - from..=to - from);
    let separator = |at: usize| bytes.get(at).is_some_and(|b| matches!(b, b'-' | b'_' | b'.'));
    if separator(4) && separator(7) && !bytes.get(10).is_some_and(u8::is_ascii_digit) {
        return likely_day(part(0, 4)?, part(5, 7)?, part(8, 10)?);
    }
    if separator(8) { likely_day(part(0, 4)?, part(4, 6)?, part(6, 8)?) } else { None }
}

/// The number that `text` is. Returns `None` if its length is not in `digits`.
fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
    let is_number = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn likely_day(year: i64, month: i64, day: i64) -> Option<Date> {
    let year = i16::try_from(year).ok().filter(|year| LIKELY.contains(year))?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn midnight(day: Date) -> Option<Timestamp> {
    day.at(0, 0, 0, 0).in_tz("UTC").ok().map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_no_rfc_has_are_read() {
        for (text, at) in [
            ("Sun, 19 Mar 2023 20:21:00 America/Los_Angeles", Some("2023-03-20T03:21:00Z")),
            ("Thu, 01 Jul 2021 12:00:00 Europe/Berlin", Some("2021-07-01T10:00:00Z")),
            ("Mon, 11 Jul 2022 01:20:02 CEST", Some("2022-07-10T23:20:02Z")),
            ("Mon, 11 Jul 2022 01:20:02 MEZ", Some("2022-07-11T00:20:02Z")),
            ("Mon, 11 Jul 2022 12:00:00 EET", Some("2022-07-11T10:00:00Z")),
            ("Mon, 11 Jul 2022 12:00:00 MSK", Some("2022-07-11T09:00:00Z")),
            ("Mon, 11 Jul 2022 12:00:00 JST", Some("2022-07-11T03:00:00Z")),
            ("Mon, 11 Jul 2022 12:00:00 IST", Some("2022-07-11T06:30:00Z")),
            ("Mon, 11 Jul 2022 12:00:00 AEDT", Some("2022-07-11T01:00:00Z")),
            ("Mon, 11 Jul 2022 12:00:00 BST", Some("2022-07-11T11:00:00Z")),
            ("Mon, 11 Jul 2022 12:00:00 UTC+8", Some("2022-07-11T04:00:00Z")),
            ("2022-07-11 12:00:00 CEST", Some("2022-07-11T10:00:00Z")),
            ("8/21/2018 9:00:00 AM", Some("2018-08-21T09:00:00Z")),
            ("8/23/2018 6:45:10 PM", Some("2018-08-23T18:45:10Z")),
            ("21 Aug 2018 12:05:00 AM", Some("2018-08-21T00:05:00Z")),
            ("21 Aug 2018 6:45:10 PM", Some("2018-08-21T18:45:10Z")),
            ("2018-08-21 6:45 pm", Some("2018-08-21T18:45:00Z")),
            ("August 21, 2018 6:45pm", Some("2018-08-21T18:45:00Z")),
            ("11-Sep-2019 22:52:30 +5:30", Some("2019-09-11T17:22:30Z")),
            ("Wed, 11 Sep 2019 22:52:30 +5:30", Some("2019-09-11T17:22:30Z")),
            ("Wed, 11 Sep 2019 22:52:30+0530", Some("2019-09-11T17:22:30Z")),
            ("Wed 11th Sep 2019 10:00", Some("2019-09-11T10:00:00Z")),
            ("2018/08/21", Some("2018-08-21T00:00:00Z")),
            ("2018/08/21 10:11:12", Some("2018-08-21T10:11:12Z")),
            ("21.08.2018", Some("2018-08-21T00:00:00Z")),
            ("5. März 2021", Some("2021-03-05T00:00:00Z")),
            ("mardi 5 août 2021 10:00", Some("2021-08-05T10:00:00Z")),
            ("3 de mayo de 2021", Some("2021-05-03T00:00:00Z")),
            ("martedì 7 dicembre 2021", Some("2021-12-07T00:00:00Z")),
            ("1484207400", Some("2017-01-12T07:50:00Z")),
            ("1484207400123", Some("2017-01-12T07:50:00Z")),
            ("2024-03-05 10:00:00 Europe/Berlin", Some("2024-03-05T09:00:00Z")),
            ("2024-03-05 10:00:00.123 +0000 UTC", Some("2024-03-05T10:00:00Z")),
            ("2024-03-05 10:00:00 +0100 CET", Some("2024-03-05T09:00:00Z")),
            ("2024-03-05T10:00:00+01:00[Europe/Berlin]", Some("2024-03-05T09:00:00Z")),
            ("2024-03-05T10:00:00[Europe/Berlin]", Some("2024-03-05T09:00:00Z")),
            ("Tue Mar 05 2024 10:00:00 GMT+0100 (Central European Time)", Some("2024-03-05T09:00:00Z")),
            ("Tue, 05 Mar 2024 10:00:00 +100", Some("2024-03-05T09:00:00Z")),
            ("Tue, 05 Mar 2024 10:00:00 +5:30", Some("2024-03-05T04:30:00Z")),
            ("Tue, 05 Mar 2024 10:00:00 BRT", Some("2024-03-05T13:00:00Z")),
            ("Tue, 03/05/2024 - 10:00", Some("2024-03-05T10:00:00Z")),
            ("Fri, 03/05/2024 - 10:00", Some("2024-05-03T10:00:00Z")),
            ("Mon, 03/05/2024 - 10:00", None),
            (
                "<time datetime=\"2024-03-05T10:00:00Z\">Tue, 03/05/2024 - 10:00</time>",
                Some("2024-03-05T10:00:00Z"),
            ),
            ("05-Mar-24", Some("2024-03-05T00:00:00Z")),
            ("20240305T100000Z", Some("2024-03-05T10:00:00Z")),
            ("20240305100000", Some("2024-03-05T10:00:00Z")),
            ("2024年3月5日", Some("2024-03-05T00:00:00Z")),
            ("2024年03月05日 10:00", Some("2024-03-05T10:00:00Z")),
            ("2024년 3월 5일", Some("2024-03-05T00:00:00Z")),
            ("Di, 05 Mrz 2024 10:00:00 +0100", Some("2024-03-05T09:00:00Z")),
            ("5. března 2024", Some("2024-03-05T00:00:00Z")),
            ("5 Şubat 2024", Some("2024-02-05T00:00:00Z")),
            ("5 березня 2024", Some("2024-03-05T00:00:00Z")),
            ("1709632800.123", Some("2024-03-05T10:00:00Z")),
            ("03/04/2021", None),
            ("yesterday", None),
            ("Mon, 04 Dec 2023 02:10:00 Not/AZone", None),
        ] {
            assert_eq!(parse(text), at.map(|at| at.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn zone_name_with_am_in_it_is_no_half_of_day() {
        assert_eq!(parse("03/04/2021 10:00 Europe/Amsterdam"), None);
        assert!(parse("03/04/2021 10:00 AM").is_some());
        assert!(parse("03/04/2021 10:00am").is_some());
    }

    #[test]
    fn dates_are_read_as_pages_write_them() {
        for (text, at) in [
            ("2020-08-21T09:00:00Z", Some("2020-08-21T09:00:00Z")),
            ("2020-08-21T09:00:00.123+02:00", Some("2020-08-21T07:00:00Z")),
            ("2020-08-21T09:00:00-0700", Some("2020-08-21T16:00:00Z")),
            ("2020-08-21T09:00:00Z (edited)", Some("2020-08-21T09:00:00Z")),
            ("2020-08-21 09:00", Some("2020-08-21T09:00:00Z")),
            ("2020-08-21", Some("2020-08-21T00:00:00Z")),
            ("2020/8/1", Some("2020-08-01T00:00:00Z")),
            ("20200821", Some("2020-08-21T00:00:00Z")),
            ("1598000400", Some("2020-08-21T09:00:00Z")),
            ("Fri, 21 Aug 2020 09:00:00 +0000", Some("2020-08-21T09:00:00Z")),
            ("August 21, 2020", Some("2020-08-21T00:00:00Z")),
            ("Published on Aug 21st, 2020 by Ann", Some("2020-08-21T00:00:00Z")),
            ("21. August 2020", Some("2020-08-21T00:00:00Z")),
            ("21 août 2020", Some("2020-08-21T00:00:00Z")),
            ("21 августа 2020", Some("2020-08-21T00:00:00Z")),
            ("Stand: 21.08.2020", Some("2020-08-21T00:00:00Z")),
            ("3 de mayo de 2021", Some("2021-05-03T00:00:00Z")),
            ("5th of March, 2024", Some("2024-03-05T00:00:00Z")),
            ("2024年3月5日", Some("2024-03-05T00:00:00Z")),
            ("2024. 3. 5.", Some("2024-03-05T00:00:00Z")),
            ("5. 3. 2024", Some("2024-03-05T00:00:00Z")),
            ("3. 4. 12 of 2024", None),
            ("03/04/2021", None),
            ("2020-13-41", None),
            ("1066-10-14", None),
            ("yesterday", None),
            ("market 2020", None),
            ("2020 was hard", None),
            ("in march 12 of us met in 2020", None),
        ] {
            assert_eq!(on_page(text), at.map(|at| at.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn dates_are_read_from_addresses() {
        let guess = |path: &str, lastmod: Option<&str>| {
            let url = Url::parse("https://a.example").unwrap().join(path).unwrap();
            let lastmod = lastmod.map(|at| at.parse().unwrap());
            UrlDate::guess(&url, lastmod).map(|at| at.to_string())
        };
        for (path, lastmod, at) in [
            ("/2019/05/04/x/", Some("2024-01-01T00:00:00Z"), Some("2019-05-04T00:00:00Z")),
            ("/blog/2019-05-04-x", None, Some("2019-05-04T00:00:00Z")),
            ("/blog/20190504-x.html", None, Some("2019-05-04T00:00:00Z")),
            ("/blog/x-2019-05-04", None, Some("2019-05-04T00:00:00Z")),
            ("/2019/May/04/x", None, Some("2019-05-04T00:00:00Z")),
            ("/2019/05/x/", Some("2019-05-09T00:00:00Z"), Some("2019-05-09T00:00:00Z")),
            ("/2019/05/x/", Some("2026-05-09T00:00:00Z"), Some("2019-05-01T00:00:00Z")),
            ("/x/", Some("2026-05-09T00:00:00Z"), Some("2026-05-09T00:00:00Z")),
            ("/blog/2019/title", None, None),
            ("/2019/13/x/", None, None),
            ("/1066/10/14/x", None, None),
        ] {
            assert_eq!(guess(path, lastmod).as_deref(), at, "{path}");
        }
    }
}
