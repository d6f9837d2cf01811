//! Compares the figures of two texts: numbers with units, so that "1.5M" equals "1.5 million" and
//! "40 ms" differs from "40 s".

use crate::asking::words::has_words;

/// A number in a comparable form, and its unit, if that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Figure {
    /// The text of the number, for messages.
    pub written: String,
    number: String,
    unit: Option<&'static str>,
    /// Whether the text goes on with another figure, which may bring the unit: "9 to 12 s".
    is_open: bool,
    /// Whether a word such as "about" says that the number is not exact.
    is_about: bool,
    /// The word before it in lower case, which may be a name: "JUnit 5".
    before: String,
}

/// Words before a figure that is not exact.
const ABOUT: &[&str] = &[
    "about", "around", "some", "roughly", "approximately", "nearly", "almost", "over", "above", "under",
    "below", "than", "least", "most", "upwards", "close", "up",
];

/// Maximum relative difference between a figure that is not exact and the evidence.
const ABOUT_FAR: f64 = 0.1;
/// Maximum relative difference between a figure with fewer decimals and the evidence.
const ROUNDED_FAR: f64 = 0.02;

/// Number words that are equal to digits.
const NUMBER_WORDS: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];

/// Words between two figures of one unit.
const BETWEEN: &[&str] = &["to", "and", "or", "then", "vs", "vs.", "versus"];

/// The figures of `text` in order.
pub(super) fn figures(text: &str) -> Vec<Figure> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || matches!(c, '/' | '–' | '—' | '~' | '(' | ')')).collect();
    let mut found: Vec<Figure> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let first = found.len();
        let mut pieces = word.split('-').peekable();
        while let Some(piece) = pieces.next() {
            // In "3-4 minutes" only the last is certainly minutes.
            let next =
                if pieces.peek().is_some() { "to" } else { words.get(at + 1).copied().unwrap_or_default() };
            figures_in(piece, next, &mut found);
        }
        let before = |back: usize| {
            let word = at.checked_sub(back).map_or("", |at| words[at]);
            word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
        };
        // "Up to 40" and "upwards of 40" too.
        let hedge = if matches!(&*before(1), "to" | "of") { before(2) } else { before(1) };
        let is_about = ABOUT.contains(&&*hedge);
        for figure in &mut found[first..] {
            *figure = Figure { is_about, before: before(1), ..std::mem::take(figure) };
        }
    }
    found
}

/// The figures of one word; `next` is the word after it, which may be the unit.
fn figures_in(word: &str, next: &str, found: &mut Vec<Figure>) {
    let bare = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    // "p99" and "S3" are names.
    if !bare.starts_with(|c: char| c.is_ascii_digit()) {
        return;
    }
    let mut rest = bare;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        rest = &rest[start..];
        let length = number_length(rest);
        let (number, after) = rest.split_at(length);
        let suffix_length =
            after.find(|c: char| !(c.is_alphabetic() || matches!(c, '%' | '×'))).unwrap_or(after.len());
        let (suffix, after) = after.split_at(suffix_length);
        let follows =
            suffix.is_empty() && after.chars().all(|c| !c.is_alphanumeric() && !matches!(c, '.' | ',' | ';'));
        let unit = if follows {
            next.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '%' | '×'))
        } else {
            suffix
        };
        found.push(Figure {
            is_open: follows && BETWEEN.contains(&next),
            ..Figure::of(number, unit, !follows)
        });
        rest = after;
    }
}

/// How many bytes of `text` are one number: digits with points, commas and colons between digits.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    while digit(end) || (matches!(bytes.get(end), Some(b'.' | b',' | b':')) && digit(end + 1)) {
        end += 1;
    }
    end
}

impl Figure {
    fn of(number: &str, unit: &str, attached: bool) -> Self {
        let written = match (attached, unit_of(unit).is_some()) {
            (true, _) => format!("{number}{unit}"),
            (false, true) => format!("{number} {unit}"),
            (false, false) => number.to_owned(),
        };
        let plain = plain_number(number);
        match scale_of(unit, attached) {
            Some(scale) => {
                let scaled = plain
                    .parse::<f64>()
                    .map_or(plain, |value| plain_number(&format!("{:.6}", value * scale)));
                Self { written, number: scaled, ..Self::default() }
            }
            None => Self { written, number: plain, unit: unit_of(unit), ..Self::default() },
        }
    }

    /// Whether this figure is `exact` in fewer digits ("63 MB" for 63.31 MB), or an approximation
    /// of it ("about 40%" for 39.6%).
    fn rounds(&self, exact: &Self) -> bool {
        let (Ok(said), Ok(value)) = (self.number.parse::<f64>(), exact.number.parse::<f64>()) else {
            return false;
        };
        let lacks_decimals =
            decimals(&self.number) < decimals(&exact.number) && (self.unit.is_some() || self.is_open);
        let far = if self.is_about {
            ABOUT_FAR
        } else if lacks_decimals {
            ROUNDED_FAR
        } else {
            return false;
        };
        (said - value).abs() <= far * value.abs()
    }
}

fn decimals(number: &str) -> usize {
    number.split_once('.').map_or(0, |(_, decimals)| decimals.len())
}

/// The number without commas between thousands and without trailing zeros.
fn plain_number(number: &str) -> String {
    let joined = number.replace(',', "");
    if joined.matches('.').count() != 1 || joined.contains(':') {
        return joined;
    }
    joined.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The factor of a unit, such as 1,000 for "k". Returns `None` for other words. "5 m" and "5 b" are
/// ambiguous, so "M" and "B" count only as capitals directly after the number, which `attached`
/// says.
fn scale_of(unit: &str, attached: bool) -> Option<f64> {
    Some(match unit {
        "k" | "K" if attached => 1e3,
        "M" if attached => 1e6,
        "B" if attached => 1e9,
        _ => match unit.to_lowercase().as_str() {
            "thousand" => 1e3,
            "million" | "mn" => 1e6,
            "billion" | "bn" => 1e9,
            "trillion" => 1e12,
            _ => return None,
        },
    })
}

fn unit_of(unit: &str) -> Option<&'static str> {
    Some(match unit.to_lowercase().as_str() {
        "%" | "percent" | "pct" | "per" => "%",
        "ns" | "nanosecond" | "nanoseconds" => "ns",
        "us" | "µs" | "μs" | "microsecond" | "microseconds" => "us",
        "ms" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "min",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        "week" | "weeks" => "week",
        "month" | "months" => "month",
        "year" | "years" => "year",
        "x" | "×" | "times" | "fold" => "x",
        "kb" | "kib" | "kilobyte" | "kilobytes" => "kB",
        "mb" | "mib" | "megabyte" | "megabytes" => "MB",
        "gb" | "gib" | "gigabyte" | "gigabytes" => "GB",
        "tb" | "tib" | "terabyte" | "terabytes" => "TB",
        "pb" | "pib" | "petabyte" | "petabytes" => "PB",
        _ => return None,
    })
}

/// Whether a word is a unit that must be equal when figures are compared.
pub(super) fn is_unit(word: &str) -> bool {
    unit_of(word).is_some()
}

/// The figures of `statement` that do not occur in `evidence`. Amounts in words, such as "half",
/// are left to the second reading.
pub(super) fn unbacked(statement: &str, evidence: &str) -> Vec<String> {
    let mut known = figures(evidence);
    known.extend(in_words(evidence));
    let lower = evidence.to_lowercase();
    let backed = |figure: &Figure| {
        let stands = known.iter().any(|other| {
            // In "from 40 to 20 ms" both are milliseconds.
            let shared = other.is_open && known.iter().any(|k| k.unit == figure.unit);
            (other.number == figure.number || figure.rounds(other))
                && (figure.unit.is_none() || other.unit == figure.unit || shared)
        });
        // "JUnit5" and "v5.8" are names.
        let is_in_name = || {
            [&*figure.before, "v"]
                .iter()
                .any(|name| !name.is_empty() && has_words(&lower, &format!("{name}{}", figure.number)))
        };
        stands || is_in_name()
    };
    figures(statement).into_iter().filter(|figure| !backed(figure)).map(|figure| figure.written).collect()
}

/// The figures of `text` that are written as words: "three seconds".
fn in_words(text: &str) -> Vec<Figure> {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric() && c != '%').filter(|word| !word.is_empty()).collect();
    let number = |word: &str| NUMBER_WORDS.iter().position(|name| word.eq_ignore_ascii_case(name));
    let figure = |(at, word): (usize, &&str)| {
        let next = words.get(at + 1).copied().unwrap_or_default();
        Some(Figure {
            is_open: BETWEEN.contains(&next),
            ..Figure::of(&number(word)?.to_string(), next, false)
        })
    };
    words.iter().enumerate().filter_map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_backed_by_the_same_number_of_the_same_thing() {
        for (statement, evidence) in [
            ("It fell from 40 to 20 ms.", "from 40ms to 20ms"),
            ("It took 40 ms.", "It went from 40 to 20 ms."),
            ("1.5 million reads", "1.5M reads"),
            ("1,500,000 reads", "1.5 million reads"),
            ("5k requests", "5,000 requests"),
            ("fell by 40 percent", "a 40% drop"),
            ("ten times", "10x faster"),
            ("a 10x speed-up", "10 times as fast"),
            ("three nodes", "3 nodes"),
            ("It doubled.", "which doubles"),
            ("hundreds of containers", "hundreds of containers"),
            ("on 24/7 duty at 10:30", "24/7 since 10:30"),
            ("version 1.2.3", "1.2.3 came out"),
            ("99.9%", "99.90 %"),
            ("the p99 of S3", "nothing"),
            ("3 million reads", "3M of them"),
            ("It took 3-4 minutes.", "3 to 4 minutes"),
            ("the two tools", "the tools"),
            ("It took 3 s.", "It took three seconds."),
            ("7 nodes", "seven nodes"),
            ("It halved.", "It fell."),
            ("about 40% of them", "39.6 % of them"),
            ("some 150 MB", "146 MB"),
            ("more than 1.5 million reads", "1,532,411 reads"),
            ("upwards of 150 tests", "161 tests"),
            ("from about 149 to 63 MB", "149.31MB and 63.31MB"),
            ("JUnit 5 tests", "tests with JUnit5"),
            ("Node.js 8.3.0", "Node.js v8.3.0"),
        ] {
            assert!(unbacked(statement, evidence).is_empty(), "{statement} / {evidence}");
        }
    }

    #[test]
    fn a_figure_that_is_not_there_is_named() {
        for (statement, evidence, wrong) in [
            ("It fell by 41%.", "It fell by 40%.", "41%"),
            ("It took 40 s.", "It took 40 ms.", "40 s"),
            ("1.5B reads", "1.5M reads", "1.5B"),
            ("30 nodes", "3 nodes", "30"),
            ("7 nodes", "three nodes", "7"),
            ("It took 3 s.", "3 nodes for 9 s", "3 s"),
            ("in 2027", "in 2026", "2027"),
            ("a sub-10ms answer", "an answer", "10ms"),
            ("about 40% of them", "31% of them", "40%"),
            ("40% of them", "38% of them", "40%"),
            ("in 2020", "in 2019.5", "2020"),
            ("Python 5 tests", "tests with JUnit5", "5"),
        ] {
            assert_eq!(unbacked(statement, evidence), [wrong], "{statement}");
        }
    }
}
