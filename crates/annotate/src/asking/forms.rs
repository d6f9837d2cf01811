//! Other forms of names: abbreviations and full names, countries and their adjectives, months and
//! days, one word and several.
//!
//! This module must not decide what a text says.

use crate::asking::words::pieces;

/// Abbreviations of two letters, and how the words of the full form begin.
pub(super) const SHORT: &[(&str, &[&str])] = &[
    ("ai", &["artificial intelligence"]),
    ("ca", &["certificate authorit", "certification authorit"]),
    ("cd", &["continuous deliver", "continuous deploy"]),
    ("ci", &["continuous integrat"]),
    ("db", &["database"]),
    ("dc", &["data cent", "datacent"]),
    ("gc", &["garbage collect"]),
    ("lb", &["load balanc", "load-balanc"]),
    ("ml", &["machine learn", "machine-learn"]),
    ("os", &["operating system"]),
    ("pr", &["pull request", "pull-request"]),
    ("qa", &["quality assurance"]),
    ("ui", &["user interface"]),
    ("vm", &["virtual machine"]),
];

/// Adjectives of countries, with the names of the countries.
pub(super) const COUNTRIES: &[(&str, &[&str])] = &[
    ("American", &["US", "USA", "America", "United States"]),
    ("Australian", &["Australia"]),
    ("Brazilian", &["Brazil"]),
    ("British", &["UK", "Britain", "United Kingdom"]),
    ("Canadian", &["Canada"]),
    ("Chinese", &["China"]),
    ("Dutch", &["Netherlands", "Holland"]),
    ("European", &["EU", "Europe"]),
    ("French", &["France"]),
    ("German", &["Germany"]),
    ("Indian", &["India"]),
    ("Irish", &["Ireland"]),
    ("Italian", &["Italy"]),
    ("Japanese", &["Japan"]),
    ("Norwegian", &["Norway"]),
    ("Polish", &["Poland"]),
    ("Spanish", &["Spain"]),
    ("Swedish", &["Sweden"]),
    ("Swiss", &["Switzerland"]),
];

pub(super) const MONTHS: [&str; 12] = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
];

pub(super) const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Whether a word is a month or a day of the week.
pub(super) fn is_of_the_calendar(word: &str) -> bool {
    MONTHS.iter().chain(&DAYS).any(|known| known.eq_ignore_ascii_case(word))
}

/// The parts of names such as "LiveData" and "mTLS", in lower case.
pub(super) fn humps(text: &str) -> impl Iterator<Item = String> {
    let has_hump = |word: &&str| word.chars().skip(1).any(char::is_uppercase);
    text.split_whitespace().flat_map(pieces).filter(has_hump).flat_map(|word| {
        let mut spaced = String::new();
        let mut after_small = false;
        for c in word.chars() {
            if after_small && c.is_uppercase() {
                spaced.push(' ');
            }
            after_small = c.is_lowercase();
            spaced.extend(c.to_lowercase());
        }
        let parts: Vec<String> = spaced.split(' ').map(str::to_owned).collect();
        parts.into_iter().filter(|part| part.len() >= 3)
    })
}

/// The name with a space before its number: "junit 5" for "junit5".
pub(super) fn with_space(name: &str) -> Option<String> {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (letters.len() >= 3 && letters.len() < name.len())
        .then(|| format!("{letters} {}", &name[letters.len()..]))
}
