//! Filters of a query: `company:stripe`, `after:2024-05`.

use std::fmt;

use backissue_annotate::Vocabulary;
use backissue_model::{ConceptSlug, Form, Kind, Label, Slug, Week, did_you_mean, meant};
use backissue_store::Mine;
use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::text::{is_quote, needs_no_quotes};

/// A condition on reads. If a query has several filters with the same name, a read must match one
/// of them. But it must match every `is:` filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// `company:` with the company's name or slug. If no company has this name, it matches words of
    /// names.
    Company(String),
    /// `concept:` with slug, name or alias.
    Concept(ConceptSlug),
    /// `tech:` with the technology's name.
    Technology(String),
    /// `kind:` with the kind's name.
    Kind(Kind),
    /// `form:` with the form of the problem.
    Form(Form),
    /// `source:` with the source's slug.
    Source(Slug),
    /// `week:` with a week such as `2026-W20`.
    Week(Week),
    /// `before:` this day, in UTC. `before:2024` means before its first day.
    Before(Date),
    /// `is:` with what the reader did with the read.
    Is(Mine),
    /// `label:` with a label of the reader.
    Label(Label),
    /// `after:` from this day on, in UTC. `after:2024` means from its first day on.
    After(Date),
}

/// The names of filters, for messages.
pub(crate) const NAMES: [&str; 11] =
    ["company", "concept", "tech", "kind", "form", "source", "week", "before", "after", "is", "label"];

/// The result of parsing `name:value`.
pub(crate) enum Reading {
    /// A filter.
    Filter(Filter),
    /// The name is a filter's, but the value is invalid. Holds the valid values.
    NoSuchValue(String),
    /// The name is not a filter's.
    NoSuchFilter,
}

impl Filter {
    /// Parses the filter `name` with a non-empty `value`. Quotation marks delimit a value and are
    /// never part of it.
    pub(crate) fn read(name: &str, value: &str) -> Reading {
        let value = without_quotes(value);
        let value = value.trim();
        let read =
            match name.to_lowercase().as_str() {
                "company" => Ok(Self::Company(value.to_owned())),
                "tech" | "technology" => Ok(Self::Technology(value.to_lowercase())),
                "source" => Ok(Self::Source(Slug::of(value))),
                "concept" => concept(value).map(Self::Concept).ok_or_else(|| {
                    let nearest = Vocabulary::builtin().nearest(value).map(|concept| concept.slug.as_str());
                    format!("is not a concept of the vocabulary{}", meant(nearest))
                }),
                "kind" => kind(value)
                    .map(Self::Kind)
                    .ok_or_else(|| no_such("kind", value, Kind::ALL.map(Kind::as_str))),
                "form" => value
                    .to_lowercase()
                    .parse()
                    .map(Self::Form)
                    .map_err(|_| no_such("form", value, Form::ALL.map(Form::as_str))),
                "week" => value.to_uppercase().parse().map(Self::Week).map_err(|_| {
                    "is not a week; write it as year and ISO week, for example 2026-W20".to_owned()
                }),
                "before" => first_day(value).map(Self::Before).ok_or_else(no_date),
                "after" | "since" => first_day(value).map(Self::After).ok_or_else(no_date),
                "is" => value.to_lowercase().parse().map(Self::Is).map_err(|_| {
                    let names = Mine::ALL.map(Mine::as_str);
                    format!(
                        "is not something you do with reads; write {}{}",
                        names.join(", "),
                        did_you_mean(value, names)
                    )
                }),
                "label" => value.parse().map(Self::Label).map_err(|_| {
                    "is not a label; a label has letters or digits, at most 60 characters, and no comma"
                        .to_owned()
                }),
                _ => return Reading::NoSuchFilter,
            };
        read.map_or_else(Reading::NoSuchValue, Reading::Filter)
    }

    /// Its name, e.g. `company`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Company(_) => "company",
            Self::Concept(_) => "concept",
            Self::Technology(_) => "tech",
            Self::Kind(_) => "kind",
            Self::Form(_) => "form",
            Self::Source(_) => "source",
            Self::Week(_) => "week",
            Self::Before(_) => "before",
            Self::After(_) => "after",
            Self::Is(_) => "is",
            Self::Label(_) => "label",
        }
    }

    /// Whether the filter is about a reader's own data: marks, notes, labels.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::Is(_) | Self::Label(_))
    }

    /// The group of the filter. A read must match one filter of each group. Each `is:` is a group
    /// by itself.
    pub(crate) fn group(&self) -> &'static str {
        match self {
            Self::Is(mine) => mine.as_str(),
            other => other.name(),
        }
    }

    /// Its value as a person types it, without quotes.
    pub fn value(&self) -> String {
        match self {
            Self::Company(text) | Self::Technology(text) => text.clone(),
            Self::Concept(slug) => slug.to_string(),
            Self::Kind(kind) => kind.as_str().to_owned(),
            Self::Form(form) => form.as_str().to_owned(),
            Self::Source(slug) => slug.to_string(),
            Self::Week(week) => week.to_string(),
            Self::Is(mine) => mine.as_str().to_owned(),
            Self::Label(label) => label.to_string(),
            Self::Before(day) | Self::After(day) if day.day() > 1 => day.to_string(),
            Self::Before(day) | Self::After(day) if day.month() > 1 => day.strftime("%Y-%m").to_string(),
            Self::Before(day) | Self::After(day) => day.year().to_string(),
        }
    }
}

impl fmt::Display for Filter {
    /// Writes the filter as a person types it in a query. Parsing this text gives the same filter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value();
        if needs_no_quotes(&value) {
            write!(f, "{}:{value}", self.name())
        } else {
            write!(f, "{}:\"{}\"", self.name(), without_quotes(&value))
        }
    }
}

fn without_quotes(value: &str) -> String {
    value.replace(is_quote, "")
}

/// Says that the value is none of these names.
fn no_such<const N: usize>(noun: &str, value: &str, names: [&'static str; N]) -> String {
    format!("is not a {noun}; {noun}s are {}{}", names.join(", "), did_you_mean(value, names))
}

fn no_date() -> String {
    "is not a date; write a year, a month or a day, for example 2024, 2024-05 or 2024-05-17".to_owned()
}

fn kind(value: &str) -> Option<Kind> {
    value.to_lowercase().replace([' ', '_'], "-").parse().ok()
}

/// A concept by slug, name or alias.
fn concept(value: &str) -> Option<ConceptSlug> {
    Vocabulary::builtin().called(value).map(|concept| concept.slug.clone())
}

/// The first day of a year, a month, a day or a week. Returns `None` for other texts.
pub fn first_day(value: &str) -> Option<Date> {
    if let Ok(week) = value.to_uppercase().parse::<Week>() {
        return Some(week.monday());
    }
    let mut numbers = value.split('-');
    let mut next = |digits: usize| match numbers.next() {
        None => Some(None),
        Some(text)
            if text.len() <= digits && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) =>
        {
            text.parse::<i16>().ok().map(Some)
        }
        Some(_) => None,
    };
    let year = next(4)?.filter(|year| (1000..=9998).contains(year))?;
    let (month, day) = (next(2)?, next(2)?);
    if numbers.next().is_some() {
        return None;
    }
    let small = |number: Option<i16>| i8::try_from(number.unwrap_or(1)).ok();
    Date::new(year, small(month)?, small(day)?).ok()
}

/// The start of a day in UTC, in seconds since 1970.
pub(crate) fn begins(day: Date) -> i64 {
    let days = (day - date(1970, 1, 1)).get_days();
    i64::from(days) * i64::from(24.hours().get_hours()) * 3600
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Option<Filter> {
        match Filter::read(name, value) {
            Reading::Filter(filter) => Some(filter),
            _ => None,
        }
    }

    #[test]
    fn dates_are_years_months_days_or_weeks() {
        for (value, day) in [
            ("2024", Some("2024-01-01")),
            ("2024-05", Some("2024-05-01")),
            ("2024-5-7", Some("2024-05-07")),
            ("2024-05-17", Some("2024-05-17")),
            ("2026-W20", Some("2026-05-11")),
            ("2024-13", None),
            ("2024-02-30", None),
            ("24", None),
            ("2024-05-17-1", None),
            ("yesterday", None),
            ("2024-", None),
        ] {
            let expected = day.map(|day| Filter::After(day.parse().unwrap()));
            assert_eq!(read("after", value), expected, "{value}");
        }
        assert_eq!(begins(date(1970, 1, 2)), 86_400);
        assert_eq!(begins(date(1969, 12, 31)), -86_400);
    }

    #[test]
    fn concepts_and_kinds_match_by_name() {
        assert_eq!(read("concept", "Rate limiting"), read("concept", "rate-limiting"));
        assert!(read("concept", "rate-limiting").is_some());
        assert_eq!(read("kind", "Case study"), Some(Filter::Kind(Kind::CaseStudy)));
        assert_eq!(read("kind", "nonsense"), None);
        assert_eq!(read("form", "Quoted"), Some(Filter::Form(Form::Quoted)));
        assert_eq!(read("form", "nonsense"), None);
        assert_eq!(read("colour", "red"), None);
        assert_eq!(read("is", "Kept"), Some(Filter::Is(Mine::Kept)));
        assert_eq!(read("is", "liked"), None);
        assert_eq!(read("label", "a,b"), None);
    }

    #[test]
    fn filter_round_trips_through_text() {
        for (name, value) in [
            ("company", "New York Times"),
            ("before", "2024-05"),
            ("before", "2024-05-17"),
            ("after", "2024"),
            ("tech", "C++"),
            ("kind", "incident"),
            ("form", "written"),
            ("is", "Unread"),
            ("label", "To  Read"),
        ] {
            let filter = read(name, value).unwrap();
            let (name, value) =
                filter.to_string().split_once(':').map(|(n, v)| (n.to_owned(), v.to_owned())).unwrap();
            assert_eq!(read(&name, value.trim_matches('"')), Some(filter));
        }
    }
}
