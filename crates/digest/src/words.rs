//! Dates, counts and kinds in words for people, as plain text.

use backissue_model::{ConceptSlug, Kind, Week};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::{Totals, concept_name};

/// A count with its noun: `1 read`, `1,436 reads`. The plural has an `s`.
pub fn count(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(n), if n == 1 { "" } else { "s" })
}

/// A duration: `40 min`, `2 h 40 min`, `3 h`.
pub fn minutes(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, rest) => format!("{rest} min"),
        (hours, 0) => format!("{} h", number(hours)),
        (hours, rest) => format!("{} h {rest} min", number(hours)),
    }
}

/// A number with a comma after every three digits.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A date in the time zone `zone`: `12 May 2026`.
pub fn date(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).date().strftime("%-d %B %Y").to_string()
}

/// The days of a week: `11–17 May 2026`, `27 April – 3 May 2026`, `29 December 2025 – 4 January
/// 2026`.
pub fn span(week: Week) -> String {
    let (from, to) = (week.monday(), week.sunday());
    let write = |date: Date, form: &str| date.strftime(form).to_string();
    let end = write(to, "%-d %B %Y");
    if from.year() != to.year() {
        format!("{} – {end}", write(from, "%-d %B %Y"))
    } else if from.month() != to.month() {
        format!("{} – {end}", write(from, "%-d %B"))
    } else {
        format!("{}–{end}", from.day())
    }
}

/// The name of a kind of post in a list.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Other => "Post",
        known => known.name(),
    }
}

/// A sentence with the counts of a digest.
pub fn tally(totals: Totals) -> String {
    let Totals { reads, problems, companies, .. } = totals;
    if reads == 0 {
        return "No reads.".to_owned();
    }
    let companies = match companies {
        1 => "one company".to_owned(),
        n => format!("{} companies", number(n as u64)),
    };
    let first = match totals.first {
        n if n == 0 || n == reads => String::new(),
        1 => format!(", {} for the first", minutes(totals.minutes_first)),
        n => format!(", {} for the first {n}", minutes(totals.minutes_first)),
    };
    format!(
        "{} from {companies}, {} with a problem: {} to read{first}.",
        count(reads as u64, "read"),
        number(problems as u64),
        minutes(totals.minutes),
    )
}

/// The heading of a week: `Week 20 of 2026: 11–17 May 2026`.
pub fn heading(week: Week) -> String {
    format!("Week {} of {}: {}", week.number(), week.year(), span(week))
}

/// The sentence about the answered searches: `Answers “retry storms” and “slow queues”.`
pub fn answers(searches: &[String]) -> String {
    let quoted: Vec<String> = searches.iter().map(|name| format!("“{name}”")).collect();
    match quoted.split_last() {
        Some((last, [])) => format!("Answers {last}."),
        Some((last, before)) => format!("Answers {} and {last}.", before.join(", ")),
        None => String::new(),
    }
}

/// The sentence about the reads that were left out.
pub fn left_out(reads: usize) -> String {
    match reads {
        1 => "One more read is in the archive".to_owned(),
        n => format!("{} more reads are in the archive", number(n as u64)),
    }
}

/// The names of concepts, joined.
pub fn concepts(slugs: &[ConceptSlug]) -> String {
    slugs.iter().map(concept_name).collect::<Vec<_>>().join(", ")
}

/// The paragraphs of a text that a person typed, each as its lines.
pub fn paragraphs(typed: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = typed.lines().map(str::trim).collect();
    let parts = lines.split(|line| line.is_empty()).filter(|part| !part.is_empty());
    parts.map(<[&str]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_and_inflected() {
        assert_eq!(count(1, "read"), "1 read");
        assert_eq!(count(0, "read"), "0 reads");
        assert_eq!([7, 1000, 1436, 1_234_567].map(number), ["7", "1,000", "1,436", "1,234,567"]);
    }

    #[test]
    fn typed_text_has_paragraphs_and_lines() {
        let typed = " one\r\ntwo \r\n\r\n \n\nthree\n \nfour\n";
        assert_eq!(paragraphs(typed), [vec!["one", "two"], vec!["three"], vec!["four"]]);
        assert!(paragraphs(" \n").is_empty());
    }

    #[test]
    fn a_week_says_no_month_or_year_twice() {
        for (week, words) in [
            ("2026-W20", "11–17 May 2026"),
            ("2026-W18", "27 April – 3 May 2026"),
            ("2026-W01", "29 December 2025 – 4 January 2026"),
        ] {
            assert_eq!(span(week.parse().unwrap()), words);
        }
    }
}
