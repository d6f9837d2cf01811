//! The known forms of a date, with one function per form.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};

use super::words::month;

/// Hours east of Greenwich of a zone name in lower case.
fn zone_hours(name: &str) -> Option<i64> {
    Some(match name {
        "ut" | "gmt" | "z" | "utc" | "wet" => 0,
        "adt" | "brt" | "art" => -3,
        "ast" | "at" | "edt" => -4,
        "est" | "et" | "cdt" => -5,
        "cst" | "ct" | "mdt" => -6,
        "mst" | "mt" | "pdt" => -7,
        "pst" | "pt" => -8,
        "a" => -1,
        "n" | "met" | "cet" | "mez" | "bst" | "west" | "wat" => 1,
        "mest" | "cest" | "mesz" | "eet" | "sast" | "cat" => 2,
        "eest" | "msk" | "idt" | "trt" | "eat" => 3,
        "pkt" => 5,
        "wib" | "ict" => 7,
        "hkt" | "sgt" | "awst" | "myt" | "pht" | "wita" => 8,
        "jst" | "kst" | "wit" => 9,
        "aest" => 10,
        "aedt" => 11,
        "nzst" => 12,
        "nzdt" => 13,
        "akdt" => -8,
        "akst" => -9,
        "hst" => -10,
        "m" => -12,
        "y" => 12,
        _ => return None,
    })
}

/// Minutes east of Greenwich of a zone name in lower case.
fn zone_minutes(name: &str) -> Option<i64> {
    match name {
        "ist" => Some(5 * 60 + 30),
        "acst" => Some(9 * 60 + 30),
        "acdt" => Some(10 * 60 + 30),
        _ => zone_hours(name).map(|hours| hours * 60),
    }
}

/// The number of the English month that `name` starts with, in lower case.
fn month_number(name: &str) -> Option<i64> {
    let start = name.get(..3)?;
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    MONTHS.iter().position(|month| *month == start).map(|at| at as i64 + 1)
}

/// An integer with optional sign and surrounding white space.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits_only = !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|b| b.is_ascii_digit());
    digits_only.then(|| text.parse().ok()).flatten()
}

/// A number. Drops its fraction.
fn whole_part(text: &str) -> Option<i64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    fraction.bytes().all(|b| b.is_ascii_digit()).then(|| number(whole)).flatten()
}

/// The moment of a date and time of day, in a zone this number of minutes east of Greenwich.
/// Returns `None` if the calendar has no such moment.
pub(super) fn moment(date: [i64; 3], time: [i64; 3], minutes_east: i64) -> Option<Timestamp> {
    let small = |n: i64| i8::try_from(n).ok();
    let year = i16::try_from(date[0]).ok().filter(|year| (1..=9999).contains(year))?;
    let civil = DateTime::new(
        year,
        small(date[1])?,
        small(date[2])?,
        small(time[0])?,
        small(time[1])?,
        small(time[2])?,
        0,
    )
    .ok()?;
    let shift = SignedDuration::from_secs(minutes_east.checked_mul(60)?);
    let utc = civil.checked_sub(shift).ok()?;
    jiff::tz::TimeZone::UTC.to_timestamp(utc).ok()
}

/// Minutes east of Greenwich of `+hh`, `+hhmm`, `+hh:mm`, `+h`, `+hmm` or `+h:mm`.
fn offset_minutes(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    // "+530" and "+5:30" have one digit of hours.
    let digits = text.bytes().skip(1).take_while(u8::is_ascii_digit).count();
    let hours_end = if digits == 1 || digits == 3 && text.len() == 4 { 2 } else { 3 };
    let hours = number(text.get(1..hours_end)?)?;
    let rest = text.get(hours_end..)?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let minutes = if rest.is_empty() { 0 } else { number(rest)? };
    (hours.abs() < 100 && minutes.abs() < 1000).then_some(sign * (hours * 60 + minutes))
}

/// The W3C's profile of ISO 8601 and the form that SQL servers print: `2004-01-05T10:20:30-05:00`,
/// `2004-01-05 10:20:30 EST`, `2004-01`, `2004`.
pub(super) fn w3c(text: &str) -> Option<Timestamp> {
    let lower = text.to_lowercase();
    let (date, rest) = match lower.split_once('t') {
        Some((date, rest)) if !date.contains(' ') => (date, rest),
        _ => lower.split_once(char::is_whitespace).unwrap_or((&lower, "00:00:00z")),
    };
    if date.split('-').next()?.len() != 4 {
        return None;
    }
    let mut parts = date.splitn(3, '-');
    let mut part = || parts.next().map_or(Some(1), number);
    let date = [part()?, part()?, part()?];
    let rest = rest.trim();
    let clock_ends = rest.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(clock_ends);
    let minutes_east = match zone.trim() {
        "" => 0,
        // A name may follow: "+0100 CET", "+01:00[Europe/Berlin]".
        zone if zone.starts_with(['+', '-']) => {
            offset_minutes(zone.split([' ', '[']).next().unwrap_or(zone))?
        }
        zone if zone.bytes().all(|b| b.is_ascii_alphabetic()) => {
            zone_minutes(zone).or_else(|| (!is_half_of_day(zone)).then_some(0))?
        }
        _ => return None,
    };
    let mut parts = clock.splitn(3, ':');
    let mut part = || parts.next().map_or(Some(0), whole_part);
    moment(date, [part()?, part()?, part()?], minutes_east)
}

/// RFC 822 and similar forms: `Thu, 1 Jan 04 19:48:21 EST`, `January 5, 2004`.
pub(super) fn rfc822(text: &str) -> Option<Timestamp> {
    let lower = text.to_lowercase();
    let mut parts: Vec<&str> = lower.split_whitespace().collect();
    if parts.len() < 5 {
        parts.extend(["00:00:00", "0000"]);
    }
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    if parts[0].get(..3).is_some_and(|start| DAYS.contains(&start)) {
        parts.remove(0);
    }
    if parts.len() < 5 {
        return None;
    }
    let (day, month) = match (number(parts[0]), month_number(parts[0])) {
        (Some(day), _) => (day, month_number(parts[1])?),
        (None, Some(month)) => (number(parts[1].trim_end_matches(','))?, month),
        (None, None) => return None,
    };
    let mut year = number(parts[2])?;
    if parts[2].len() <= 2 {
        year += if year < 90 { 2000 } else { 1900 };
    }
    let mut clock = parts[3].split(':');
    let mut part = || clock.next().map_or(Some(0), number);
    let time = [part()?, part()?, part()?];
    moment([year, month, day], time, rfc822_zone(parts[4])?)
}

/// Whether a word is AM or PM.
fn is_half_of_day(word: &str) -> bool {
    matches!(word, "am" | "pm" | "a.m." | "p.m.")
}

/// Minutes east of Greenwich of an RFC 822 zone. Unknown names count as UTC. Returns `None` if the
/// text cannot be a zone.
fn rfc822_zone(zone: &str) -> Option<i64> {
    if is_half_of_day(zone) || zone.contains('/') && !zone.starts_with("etc/") {
        return None;
    }
    let zone = zone.strip_prefix("etc/").unwrap_or(zone);
    let zone = zone.strip_prefix("gmt").filter(|rest| !rest.is_empty()).unwrap_or(zone);
    if zone.starts_with(['+', '-']) {
        return offset_minutes(zone);
    }
    let zone = zone.strip_prefix("utc").filter(|rest| rest.starts_with(['+', '-'])).unwrap_or(zone);
    if zone.starts_with(['+', '-']) {
        return offset_minutes(zone);
    }
    Some(zone_minutes(zone).unwrap_or(0))
}

/// A number of seconds or milliseconds since 1970, of a day between 1990 and 2032. Seconds may have
/// a fraction.
pub(super) fn epoch(text: &str) -> Option<Timestamp> {
    let is_fraction = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    let text = text.split_once('.').filter(|(_, rest)| is_fraction(rest)).map_or(text, |(whole, _)| whole);
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i64 = text.parse().ok()?;
    let seconds = if text.len() >= 12 { number / 1000 } else { number };
    (631_152_000..1_980_000_000).contains(&seconds).then(|| Timestamp::from_second(seconds).ok()).flatten()
}

/// A date whose words come in any order: `8/21/2018 6:45:10 PM`, `11-Sep-2019 22:52:30 +5:30`, `5.
/// März 2021`, `Mon, 04 Dec 2023 02:10:00 Asia/Kolkata`. Returns `None` if it is unclear which
/// number is the day and which the month.
pub(super) fn pieced(text: &str) -> Option<Timestamp> {
    let mut lower = text.to_lowercase().replace(['[', ']'], " ");
    if lower.get(10..11) == Some("t") && date_in_a_word(&lower[..10], false).is_some() {
        lower.replace_range(10..11, " ");
    }
    let (mut date, mut numbers, mut month_told) = (None, Vec::new(), None);
    let weekday = lower.split(|c: char| !c.is_alphabetic()).find_map(weekday);
    let (mut clock, mut afternoon, mut minutes_east, mut zone) = (None, None, None, None);
    // "10:00 AM" and "10:00am", but not the "am" of "Europe/Amsterdam".
    let twelve_hours = lower
        .split(|c: char| c.is_whitespace() || c == ',')
        .any(|word| is_half_of_day(word.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':')));
    for word in lower.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()) {
        if is_half_of_day(word) {
            afternoon = Some(word.starts_with('p'));
        } else if clock.is_none() && word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit()) {
            let ends = word.find(|c: char| !c.is_ascii_digit() && !":.".contains(c)).unwrap_or(word.len());
            let (time, rest) = word.split_at(ends);
            let mut parts = time.splitn(3, ':');
            let mut part = || parts.next().map_or(Some(0), whole_part);
            clock = Some([part()?, part()?, part()?]);
            if is_half_of_day(rest) {
                afternoon = Some(rest.starts_with('p'));
            } else if !rest.is_empty() {
                minutes_east = Some(any_offset(rest)?);
            }
        } else if let Some(offset) = any_offset(word).filter(|_| clock.is_some()) {
            minutes_east = Some(offset);
        } else if word.contains('/') && word.starts_with(char::is_alphabetic) {
            zone = Some(jiff::tz::TimeZoneDatabase::bundled().get(word).ok()?);
        } else if let Some(day) =
            date_in_a_word(word, twelve_hours).or_else(|| day_on_weekday(word, weekday?))
        {
            date = Some(day);
        } else if let Some(number) = number(ordinal(word)) {
            numbers.push((number, ordinal(word).len()));
        } else if month_told.is_none() {
            month_told = month(word);
        }
    }
    let date = date.or_else(|| {
        let year = numbers.iter().find(|(_, length)| *length == 4)?.0;
        let day = numbers.iter().find(|(_, length)| *length <= 2)?.0;
        Some([year, month_told?, day])
    })?;
    let mut clock = clock.unwrap_or([0; 3]);
    match afternoon {
        Some(true) if clock[0] < 12 => clock[0] += 12,
        Some(false) if clock[0] == 12 => clock[0] = 0,
        _ => {}
    }
    let at = moment(date, clock, minutes_east.unwrap_or(0))?;
    match zone {
        Some(zone) => {
            let civil = jiff::tz::TimeZone::UTC.to_datetime(at);
            zone.to_timestamp(civil).ok()
        }
        None => Some(at),
    }
}

/// A date in numbers, such as `2018/08/21`, inside any other words. Returns `None` if no word is a
/// whole date.
pub(super) fn numeric(text: &str) -> Option<Timestamp> {
    let text = closed_up(&text.to_lowercase());
    let mut words = text.split(|c: char| c.is_whitespace() || c == ',');
    words.any(|word| date_in_a_word(word, true).is_some()).then(|| pieced(&text)).flatten()
}

/// Removes the spaces between three numbers with dots: `5. 3. 2024` becomes `5.3.2024`.
fn closed_up(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_number = |word: &str| number(word.trim_end_matches('.')).is_some();
    let at = words.windows(3).position(|three| {
        three[..2].iter().all(|word| word.ends_with('.')) && three.iter().all(|word| is_number(word))
    });
    let Some(at) = at else { return text.to_owned() };
    let date = words[at..at + 3].concat();
    [&words[..at], &[date.trim_end_matches('.')][..], &words[at + 3..]].concat().join(" ")
}

/// A day in eight digits: `20200821`.
pub(super) fn compact(text: &str) -> Option<Timestamp> {
    let digits = text.get(..8).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    if text[8..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    moment([number(&digits[..4])?, number(&digits[4..6])?, number(&digits[6..])?], [0; 3], 0)
}

/// The number in an ordinal: `11th`, `5.` and `1er` become `11`, `5` and `1`.
fn ordinal(word: &str) -> &str {
    ["st", "nd", "rd", "th", "er", "."].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word)
}

/// Minutes east of Greenwich of `+5:30`, `+0530`, `utc+8`, `gmt-03:00`, `cest`.
fn any_offset(word: &str) -> Option<i64> {
    let bare = word.trim_matches(['(', ')']);
    let bare = bare.strip_prefix("utc").or_else(|| bare.strip_prefix("gmt")).filter(|b| !b.is_empty());
    let bare = bare.unwrap_or(word.trim_matches(['(', ')']));
    let Some(digits) = bare.strip_prefix(['+', '-']) else { return zone_minutes(bare) };
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (number(hours)?, number(minutes)?),
        None if digits.len() <= 2 => (number(digits)?, 0),
        None if digits.len() <= 4 => (number(digits)? / 100, number(digits)? % 100),
        None => return None,
    };
    let sign = if bare.starts_with('-') { -1 } else { 1 };
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// A date in one word: `2018/08/21`, `21.08.2018`, `11-sep-2019`, `8/21/2018`.
fn date_in_a_word(word: &str, american: bool) -> Option<[i64; 3]> {
    let sign = word.chars().find(|c| matches!(c, '/' | '.' | '-'))?;
    let parts: Vec<&str> = word.split(sign).collect();
    let [first, second, third] = parts[..] else { return None };
    if first.len() == 4 {
        return Some([number(first)?, number(second)?, number(third)?]);
    }
    if let Some(month) = month(second) {
        let year = number(third).filter(|_| matches!(third.len(), 2 | 4))?;
        return Some([if third.len() == 2 { 2000 + year } else { year }, month, number(first)?]);
    }
    let year = number(third).filter(|_| third.len() == 4)?;
    let first = number(first)?;
    let second = number(second)?;
    if sign == '.' || first > 12 {
        Some([year, second, first])
    } else if second > 12 || american && sign == '/' || first == second {
        Some([year, first, second])
    } else {
        None
    }
}

/// The number of a weekday by its English name or abbreviation, Monday first.
fn weekday(word: &str) -> Option<i8> {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let at = DAYS.iter().position(|day| word.len() >= 3 && day.starts_with(word))?;
    i8::try_from(at + 1).ok()
}

/// A date in a word whose day and month could be swapped, such as `Tue, 03/05/2024`. The weekday
/// decides; returns `None` if it does not.
fn day_on_weekday(word: &str, weekday: i8) -> Option<[i64; 3]> {
    let parts: Vec<i64> = word.split('/').map(number).collect::<Option<_>>()?;
    let [first, second, year @ 1000..=9999] = parts[..] else { return None };
    let fits = |&[year, month, day]: &[i64; 3]| {
        let small = |n: i64| i8::try_from(n).ok();
        let date = || Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok();
        date().is_some_and(|date| date.weekday().to_monday_one_offset() == weekday)
    };
    let mut fitting = [[year, first, second], [year, second, first]].into_iter().filter(fits);
    fitting.next().filter(|_| fitting.next().is_none())
}

/// Dates with East Asian units: `2024年3月5日 10:00`, `2024년 3월 5일`.
pub(super) fn east_asian(text: &str) -> Option<Timestamp> {
    let text = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let mut pieces = Pieces(text);
    let mut part = |digits: usize, signs: [&str; 2]| {
        let number = pieces.digits(1, digits)?;
        pieces.0 = signs.iter().find_map(|sign| pieces.0.strip_prefix(sign))?.trim_start();
        Some(number)
    };
    let date = [part(4, ["年", "년"])?, part(2, ["月", "월"])?, part(2, ["日", "일"])?];
    let clock = pieces.0.split_whitespace().find(|word| word.contains(':')).unwrap_or("0");
    let mut clock = clock.splitn(3, ':').map(number);
    let mut part = || clock.next().unwrap_or(Some(0));
    let time = [part()?, part()?, part()?];
    (date[0] > 999).then(|| moment(date, time, 0)).flatten()
}

/// The form of C's `asctime`, `Thu Jan 5 10:20:30 2004`, optionally with a zone before the year.
pub(super) fn asctime(text: &str) -> Option<Timestamp> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let (clock, zone, year) = match parts[..] {
        [_, _, _, clock, year] => (clock, "+0000", year),
        [_, _, _, clock, zone, year] => (clock, zone, year),
        _ => return None,
    };
    rfc822(&format!("{} {} {} {year} {clock} {zone}", parts[0], parts[2], parts[1]))
}

/// A cursor that parses fixed formats, one part at a time.
struct Pieces<'a>(&'a str);

impl<'a> Pieces<'a> {
    /// Parses `least` to `most` digits, as many as possible.
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let length = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if length < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        if digits.is_empty() { Some(0) } else { digits.parse().ok() }
    }

    /// Parses exactly `text`.
    fn literal(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    /// Skips `text` if it comes next.
    fn optional(&mut self, text: &str) {
        self.0 = self.0.strip_prefix(text).unwrap_or(self.0);
    }

    /// Parses white space of at least one character.
    fn space(&mut self) -> Option<()> {
        let rest = self.0.trim_start();
        let moved = rest.len() < self.0.len();
        self.0 = rest;
        moved.then_some(())
    }
}

/// Parses a year, a month and a day at the start.
type DateForm = fn(&mut Pieces<'_>) -> Option<[i64; 3]>;

/// A date in other forms of ISO 8601: `20040105`, `2004-005`, `040105`. Ignores the text after the
/// date.
pub(super) fn iso8601(text: &str) -> Option<Timestamp> {
    // A zone by its name in brackets.
    if text.contains('[') || text.split_whitespace().any(|word| is_half_of_day(&word.to_lowercase())) {
        return None;
    }
    const DATES: [DateForm; 5] = [
        |p| {
            let year = p.digits(4, 4)?;
            p.optional("-");
            let month = p.digits(2, 2).filter(|m| *m < 20)?;
            p.optional("-");
            Some([year, month, p.digits(2, 2).filter(|d| *d < 40)?])
        },
        |p| {
            let year = p.digits(4, 4)?;
            p.literal("-")?;
            Some([year, p.digits(2, 2).filter(|m| *m < 20)?, 1])
        },
        |p| {
            let year = p.digits(4, 4)?;
            p.optional("-");
            Some([year, 1, p.digits(3, 3).filter(|d| *d < 400)?])
        },
        |p| {
            let year = 2000 + p.digits(2, 2)?;
            p.optional("-");
            let month = p.digits(2, 2).filter(|m| *m < 20)?;
            p.optional("-");
            Some([year, month, p.digits(2, 2).filter(|d| *d < 40)?])
        },
        |p| {
            let year = 2000 + p.digits(2, 2)?;
            p.optional("-");
            Some([year, 1, p.digits(3, 3).filter(|d| *d < 400)?])
        },
    ];
    let (date, rest) = DATES.iter().find_map(|form| {
        let mut pieces = Pieces(text);
        Some((form(&mut pieces)?, pieces.0))
    })?;
    let time = iso8601_time(rest).or_else(|| basic_time(rest));
    // Another form may understand the time of day.
    if time.is_none() && rest.starts_with(' ') && rest.contains(':') {
        return None;
    }
    let (time, minutes_east) = time.unwrap_or(([0; 3], 0));
    normalised(date, time, minutes_east)
}

/// A time of day without colons: `T102030Z`, `T1020+01:00`, `102030`.
fn basic_time(text: &str) -> Option<([i64; 3], i64)> {
    let mut pieces = Pieces(text);
    pieces.optional("T");
    let time = [pieces.digits(2, 2)?, pieces.digits(2, 2)?, pieces.digits(0, 2)?];
    let zone = pieces.0.trim();
    let minutes_east = match zone {
        "" | "Z" => 0,
        _ => offset_minutes(zone)?,
    };
    Some((time, minutes_east))
}

fn iso8601_time(text: &str) -> Option<([i64; 3], i64)> {
    let mut pieces = Pieces(text);
    pieces.optional("T");
    let hour = pieces.digits(2, 2)?;
    pieces.literal(":")?;
    let minute = pieces.digits(2, 2)?;
    let mut after = Pieces(pieces.0);
    let second = match after.literal(":").and_then(|()| after.digits(2, 2)) {
        Some(second) => {
            pieces = after;
            second
        }
        None => 0,
    };
    let mut after = Pieces(pieces.0);
    if after.literal(".").and_then(|()| after.digits(1, 9)).is_some() {
        pieces = after;
        pieces.0 = pieces.0.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    let zone_ends = pieces.0.bytes().take(6).take_while(|b| b"+-:0123456789".contains(b)).count();
    Some(([hour, minute, second], offset_minutes(&pieces.0[..zone_ends]).unwrap_or(0)))
}

/// The moment as [`moment`] computes it, but days and hours may overflow: the 31st of June is the
/// 1st of July and 24:00 is the next day, as in C's `mktime`.
fn normalised(date: [i64; 3], time: [i64; 3], minutes_east: i64) -> Option<Timestamp> {
    let months = date[0] * 12 + date[1] - 1;
    let first = moment([months.div_euclid(12), months.rem_euclid(12) + 1, 1], [0; 3], 0)?;
    let seconds = (date[2] - 1) * 86_400 + time[0] * 3600 + time[1] * 60 + time[2] - minutes_east * 60;
    first.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// `Fri, 2006/09/15 08:19:53 EDT`, the form of a version control system's feeds.
pub(super) fn slashed(text: &str) -> Option<Timestamp> {
    let (_, rest) = text.split_once(", ")?;
    let mut pieces = Pieces(rest);
    let year = pieces.digits(1, 4)?;
    pieces.literal("/")?;
    let month = pieces.digits(1, 2)?;
    pieces.literal("/")?;
    let day = pieces.digits(2, 2)?;
    pieces.space()?;
    let hour = pieces.digits(1, 2)?;
    pieces.literal(":")?;
    let minute = pieces.digits(2, 2)?;
    pieces.literal(":")?;
    let second = pieces.digits(2, 2)?;
    moment([year, month, day], [hour, minute, second], rfc822_zone(&pieces.0.trim().to_lowercase())?)
}

/// `2004-július-13T9:15-05:00`.
pub(super) fn hungarian(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "január", "februári", "március", "április", "máujus", "június", "július", "augusztus", "szeptember",
        "október", "november", "december",
    ];
    let mut pieces = Pieces(text);
    let year = pieces.digits(4, 4)?;
    pieces.literal("-")?;
    let (name, rest) = pieces.0.split_once('-')?;
    let month = MONTHS.iter().position(|month| *month == name || (name == "május" && *month == "máujus"))?;
    pieces.0 = rest;
    let day = pieces.digits(1, 2)?;
    pieces.literal("T")?;
    let hour = pieces.digits(1, 2)?;
    pieces.literal(":")?;
    let minute = pieces.digits(2, 2)?;
    moment([year, month as i64 + 1, day], [hour, minute, 0], offset_minutes(pieces.0)?)
}

/// `Κυρ, 11 Ιούλ 2004 12:00:00 EST`.
pub(super) fn greek(text: &str) -> Option<Timestamp> {
    const MONTHS: [&[&str]; 12] = [
        &["Ιαν"],
        &["Φεβ"],
        &["Μάώ", "Μαώ", "Μάρ", "Μαρ"],
        &["Απρ"],
        &["Μάι", "Μαϊ", "Μαι"],
        &["Ιούν", "Ιον", "Ιουν"],
        &["Ιούλ", "Ιολ", "Ιουλ"],
        &["Αύγ", "Αυγ"],
        &["Σεπ"],
        &["Οκτ"],
        &["Νοέ", "Νοε"],
        &["Δεκ"],
    ];
    let (_, rest) = text.split_once(',')?;
    let parts: Vec<&str> = rest.split_whitespace().collect();
    let [day, month, year, clock, zone] = parts[..] else { return None };
    let month = MONTHS.iter().position(|spellings| spellings.contains(&month))?;
    let mut clock = clock.split(':').map(number);
    let mut part = || clock.next().flatten();
    let time = [part()?, part()?, part()?];
    moment([number(year)?, month as i64 + 1, number(day)?], time, rfc822_zone(&zone.to_lowercase())?)
}

/// `2004년 05월 28일 01:31:15` and `2004-05-25 오후 11:23:17`, both in Korea's time.
pub(super) fn korean(text: &str) -> Option<Timestamp> {
    const KOREA: i64 = 9 * 60;
    let mut pieces = Pieces(text);
    let year = pieces.digits(4, 4)?;
    let dashed = pieces.literal("-").is_some();
    let after = |pieces: &mut Pieces<'_>, sign: &str| {
        if dashed { Some(()) } else { pieces.literal(sign).and_then(|()| pieces.space()) }
    };
    after(&mut pieces, "년")?;
    let month = pieces.digits(2, 2)?;
    after(&mut pieces, "월")?;
    if dashed {
        pieces.literal("-")?;
    }
    let day = pieces.digits(2, 2)?;
    after(&mut pieces, "일")?;
    let mut afternoon = 0;
    if dashed {
        pieces.space()?;
        if pieces.literal("오후").is_some() {
            afternoon = 12;
        } else {
            pieces.literal("오전")?;
        }
        pieces.space()?;
    }
    let hour = pieces.digits(1, 2)?;
    pieces.literal(":")?;
    let minute = pieces.digits(1, 2)?;
    pieces.literal(":")?;
    let second = pieces.digits(1, 2)?;
    moment([year, month, day], [hour + afternoon, minute, second], KOREA)
}

/// A day with the month in words, anywhere in a short text: `21 August 2020`, `Aug 21st, 2020`,
/// `3 de mayo de 2021`.
pub fn in_words(text: &str) -> Option<Timestamp> {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).take(40).collect();
    let (at, month) = words.iter().enumerate().find_map(|(at, word)| Some((at, month(word)?)))?;
    let year = |at: usize| words.get(at).filter(|w| w.len() == 4)?.parse::<i64>().ok().filter(|y| *y > 1989);
    let day = |at: usize| {
        let word = words.get(at)?;
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let is_ordinal = matches!(&word[digits..], "" | "st" | "nd" | "rd" | "th" | "er");
        (is_ordinal && (1..=2).contains(&digits)).then(|| word[..digits].parse::<i64>().ok()).flatten()
    };
    let (day, year) = day(at + 1)
        .zip(year(at + 2))
        .or_else(|| day(at.checked_sub(1)?).zip(year(at + 1)))
        .or_else(|| {
            // "5th of March" and, in Spanish and Portuguese, "5 de marzo".
            let day = day(at.checked_sub(2)?).filter(|_| matches!(words[at - 1], "de" | "of"));
            day.zip(year(at + 2).or_else(|| year(at + 1)))
        })?;
    moment([year, month, day], [0; 3], 0)
}
