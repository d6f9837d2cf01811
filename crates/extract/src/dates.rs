//! Dates as pages write them.
//!
//! Machine forms first (ISO 8601 in its many dialects, RFC 2822), then words in English and a few neighbours. A date without
//! a time is midnight UTC; a time without a zone is UTC. Never a guess between day and month: `03/04/2021` says nothing.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Month names by their first letters, in the languages where three or four letters tell them apart.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen"],
    &["feb", "fév", "fev"],
    &["mar", "mär", "mrt"],
    &["apr", "avr", "abr"],
    &["may", "mai", "mei", "mayo", "mag"],
    &["jun", "juin", "giu"],
    &["jul", "juil", "lug"],
    &["aug", "aoû", "aou", "ago"],
    &["sep", "set"],
    &["oct", "okt", "ott", "out"],
    &["nov"],
    &["dec", "dez", "déc", "dic"],
];

/// The moment that `text` tells, where it tells one between 1990 and 2100.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() < 6 || text.len() > 200 {
        return None;
    }
    machine(text)
        .or_else(|| jiff::fmt::rfc2822::parse(text).ok().map(|z| z.timestamp()))
        .or_else(|| in_words(text))
        .filter(is_likely)
}

fn is_likely(moment: &Timestamp) -> bool {
    // 1990-01-01 and 2100-01-01.
    (631_152_000..4_102_444_800).contains(&moment.as_second())
}

/// Year, month, day in this order, perhaps a time and a zone.
fn machine(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 8 {
        let (year, month, day) = (&text[..4], &text[4..6], &text[6..8]);
        return at_midnight(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    }
    if digits >= 10 && digits == text.len() {
        let number: i64 = text.parse().ok()?;
        return Timestamp::from_second(if digits >= 13 { number / 1000 } else { number }).ok();
    }
    if digits != 4 || !matches!(bytes.get(4), Some(b'-' | b'/' | b'.')) {
        return None;
    }
    let mut rest = &text[5..];
    let month = number(&mut rest)?;
    rest = rest.strip_prefix(['-', '/', '.'])?;
    let day = number(&mut rest)?;
    let year: i16 = text[..4].parse().ok()?;
    let day_of = date_of(year, month, day)?;
    let Some((hour, minute, second, zone)) = time(rest) else { return at(day_of.at(0, 0, 0, 0), 0) };
    at(day_of.at(hour, minute, second, 0), zone)
}

/// A time such as `T10:20:30.5+02:00`, as hour, minute, second and minutes east of UTC.
fn time(text: &str) -> Option<(i8, i8, i8, i32)> {
    let mut rest = text.trim_start_matches(['T', 't', ' ', ',']);
    let hour = number(&mut rest)?;
    rest = rest.strip_prefix(':')?;
    let minute = number(&mut rest)?;
    let mut second = 0;
    if let Some(after) = rest.strip_prefix(':') {
        rest = after;
        second = number(&mut rest)?;
        if let Some(after) = rest.strip_prefix(['.', ',']) {
            rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        }
    }
    let rest = rest.trim();
    let lower = rest.to_ascii_lowercase();
    let hour = if lower.starts_with("pm") && hour < 12 { hour + 12 } else { hour };
    let hour = if lower.starts_with("am") && hour == 12 { 0 } else { hour };
    let sign = match rest.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Some((narrow(hour, 23)?, narrow(minute, 59)?, narrow(second.min(59), 59)?, 0)),
    };
    let digits: String = rest[1..].chars().filter(char::is_ascii_digit).take(4).collect();
    let (hours, minutes) = match digits.len() {
        4 => (digits[..2].parse::<i32>().ok()?, digits[2..].parse::<i32>().ok()?),
        1 | 2 => (digits.parse::<i32>().ok()?, 0),
        _ => return None,
    };
    Some((narrow(hour, 23)?, narrow(minute, 59)?, narrow(second.min(59), 59)?, sign * (hours * 60 + minutes)))
}

fn narrow(number: u32, most: u32) -> Option<i8> {
    (number <= most).then(|| i8::try_from(number).ok()).flatten()
}

/// Takes up to two digits off the front.
fn number(rest: &mut &str) -> Option<u32> {
    let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let value = rest[..digits].parse().ok()?;
    *rest = &rest[digits..];
    Some(value)
}

/// A date with the month in words, anywhere in a short text: `21 August 2020`, `Aug 21st, 2020`, `21. August 2020`.
pub(crate) fn in_words(text: &str) -> Option<Timestamp> {
    let lower = text.to_lowercase();
    let tokens: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|t| !t.is_empty()).take(40).collect();
    let (place, month) = tokens.iter().enumerate().find_map(|(i, t)| Some((i, month(t)?)))?;
    let year_at =
        |i: usize| tokens.get(i).filter(|t| t.len() == 4)?.parse::<i16>().ok().filter(|y| *y > 1989);
    let day_at = |i: usize| {
        let token = tokens.get(i)?;
        let digits = token.bytes().take_while(u8::is_ascii_digit).count();
        let ordinal = matches!(&token[digits..], "" | "st" | "nd" | "rd" | "th" | "er");
        (ordinal && (1..=2).contains(&digits)).then(|| token[..digits].parse::<u32>().ok()).flatten()
    };
    let before = place.checked_sub(1);
    let (day, year) = day_at(place + 1)
        .zip(year_at(place + 2))
        .or_else(|| Some((before.and_then(day_at)?, year_at(place + 1)?)))
        .or_else(|| {
            // "de" stands between in Spanish and Portuguese: 3 de mayo de 2021.
            let day = place.checked_sub(2).and_then(day_at).filter(|_| tokens[place - 1] == "de")?;
            Some((day, year_at(place + 2).or_else(|| year_at(place + 1))?))
        })?;
    at_midnight(year, month, day)
}

fn month(token: &str) -> Option<u32> {
    if token.chars().count() < 3 || token.chars().any(|c| c.is_ascii_digit()) {
        return None;
    }
    const FULL: &[&str] = &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "sept",
        "october",
        "november",
        "december",
        "januar",
        "februar",
        "märz",
        "mai",
        "juni",
        "juli",
        "oktober",
        "dezember",
        "janvier",
        "février",
        "mars",
        "avril",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
        "gennaio",
        "febbraio",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "settembre",
        "ottobre",
        "dicembre",
    ];
    let short = token.chars().count() == 3;
    if !short && !FULL.contains(&token) {
        return None;
    }
    MONTHS
        .iter()
        .position(|names| names.iter().any(|n| token.starts_with(n)))
        .and_then(|i| u32::try_from(i + 1).ok())
}

/// The date in the path of an address: `/2020/08/21/`, `/2020-08-21-title`.
pub(crate) fn in_path(path: &str) -> Option<Timestamp> {
    let parts: Vec<&str> = path.split(['/', '-', '_', '.']).filter(|p| !p.is_empty()).collect();
    parts
        .windows(3)
        .find_map(|w| {
            let numeric = |text: &str| {
                text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten()
            };
            let year = numeric(w[0]).filter(|y| w[0].len() == 4 && (1990..2100).contains(y))?;
            let month = (w[1].len() <= 2).then(|| numeric(w[1])).flatten().or_else(|| month(w[1]))?;
            let day = (w[2].len() <= 2).then(|| numeric(w[2])).flatten()?;
            at_midnight(i16::try_from(year).ok()?, month, day)
        })
        .filter(is_likely)
}

fn date_of(year: i16, month: u32, day: u32) -> Option<jiff::civil::Date> {
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day) && (1..=9999).contains(&year))
        .then(|| jiff::civil::Date::new(year, month, day).ok())
        .flatten()
}

fn at_midnight(year: i16, month: u32, day: u32) -> Option<Timestamp> {
    at(date_of(year, month, day)?.at(0, 0, 0, 0), 0)
}

fn at(when: DateTime, minutes_east: i32) -> Option<Timestamp> {
    let offset = Offset::from_seconds(minutes_east.checked_mul(60)?).ok()?;
    offset.to_timestamp(when).ok()
}

/// Names of the days of the week, in full and short.
const WEEKDAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mon",
    "tue",
    "tues",
    "wed",
    "thu",
    "thur",
    "thurs",
    "fri",
    "sat",
    "sun",
];

/// Whether a lower-case text is the name of a day or a month.
pub(crate) fn is_day_or_month(text: &str) -> bool {
    WEEKDAYS.contains(&text) || matches!(text, "today" | "yesterday") || month(text).is_some()
}

/// Whether a lower-case line says a date, perhaps with a time, and nothing else.
pub(crate) fn is_only_a_date(line: &str) -> bool {
    const BESIDE: &[&str] = &[
        "at",
        "on",
        "am",
        "pm",
        "a",
        "p",
        "m",
        "et",
        "est",
        "edt",
        "pt",
        "pst",
        "pdt",
        "ct",
        "gmt",
        "utc",
        "bst",
        "cet",
        "ist",
        "of",
        "de",
        "ago",
        "date",
        "posted",
        "published",
        "updated",
        "last",
        "first",
        "hours",
        "hour",
        "days",
        "day",
        "minutes",
        "minute",
        "h",
        "min",
        "the",
        "and",
        "st",
        "nd",
        "rd",
        "th",
    ];
    let may_stand = |word: &str| WEEKDAYS.contains(&word) || BESIDE.contains(&word);
    let mut dated = false;
    for token in line.split(|c: char| !c.is_alphanumeric()).filter(|t| !t.is_empty()) {
        let digits = token.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && (digits == token.len() || may_stand(&token[digits..])) {
            dated |= digits == 4 || token.ends_with("st") || token.ends_with("th");
        } else if month(token).is_some() || token == "ago" {
            dated = true;
        } else if !may_stand(token) {
            return false;
        }
    }
    dated && line.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i16, month: u32, day: u32) -> Timestamp {
        at_midnight(year, month, day).unwrap()
    }

    #[test]
    fn dates_are_read_as_pages_write_them() {
        for (text, moment_told) in [
            ("2020-08-21T09:00:00Z", Some("2020-08-21T09:00:00Z")),
            ("2020-08-21T09:00:00.123+02:00", Some("2020-08-21T07:00:00Z")),
            ("2020-08-21T09:00:00-0700", Some("2020-08-21T16:00:00Z")),
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
            ("3 de mayo de 2021", Some("2021-05-03T00:00:00Z")),
            ("03/04/2021", None),
            ("2020-13-41", None),
            ("1066-10-14", None),
            ("yesterday", None),
            ("market 2020", None),
        ] {
            assert_eq!(moment(text), moment_told.map(|m| m.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_path_may_hold_a_date() {
        assert_eq!(in_path("/blog/2020/08/21/title/"), Some(day(2020, 8, 21)));
        assert_eq!(in_path("/2020-08-21-title.html"), Some(day(2020, 8, 21)));
        assert_eq!(in_path("/blog/2020/title"), None);
    }

    #[test]
    fn lines_with_only_a_date_are_told_from_others() {
        for (line, only) in [
            ("august 21, 2020", true),
            ("posted on 21st august 2020 at 10:30 am", true),
            ("3 days ago", true),
            ("in august 2020 we moved", false),
            ("2020 was hard", false),
        ] {
            assert_eq!(is_only_a_date(line), only, "{line}");
        }
    }
}
