//! Months by their names.

use jiff::Timestamp;

use super::forms::moment;

/// The months in Europe's larger languages, lower case; where a language bends a name, each form.
const MONTHS: [&[&str]; 12] = [
    &["january", "januar", "januari", "janvier", "enero", "gennaio", "janeiro", "styczeń", "stycznia"],
    &[
        "february",
        "februar",
        "februari",
        "février",
        "fevrier",
        "febrero",
        "febbraio",
        "fevereiro",
        "luty",
        "lutego",
    ],
    &["march", "märz", "maart", "mrt", "mars", "marzo", "março", "marca", "marzec"],
    &["april", "avril", "abril", "aprile", "kwiecień", "kwietnia"],
    &["may", "mai", "mei", "mayo", "maggio", "maio", "maj", "maja"],
    &["june", "juni", "juin", "junio", "giugno", "junho", "czerwiec", "czerwca"],
    &["july", "juli", "juillet", "julio", "luglio", "julho", "lipiec", "lipca"],
    &["august", "augustus", "août", "aout", "agosto", "sierpień", "sierpnia"],
    &["september", "septembre", "septiembre", "settembre", "setembro", "wrzesień", "września"],
    &["october", "oktober", "octobre", "octubre", "ottobre", "outubro", "październik", "października"],
    &["november", "novembre", "noviembre", "novembro", "listopad", "listopada"],
    &[
        "december",
        "dezember",
        "décembre",
        "decembre",
        "diciembre",
        "dicembre",
        "dezembro",
        "grudzień",
        "grudnia",
    ],
];
/// The same in Russian, by what all their forms begin with.
const RUSSIAN: [&str; 12] =
    ["янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"];

/// The month with this name, or with a name that begins with these three or more letters, in lower
/// case. Returns `None` for `mar.`, a Tuesday in Spanish and French.
pub fn month(word: &str) -> Option<i64> {
    let name = word.trim_end_matches('.');
    if name.chars().count() < 3 || word == "mar." {
        return None;
    }
    let at = MONTHS
        .iter()
        .position(|names| names.iter().any(|full| full.starts_with(name)))
        .or_else(|| RUSSIAN.iter().position(|start| name.starts_with(start)))?;
    i64::try_from(at + 1).ok()
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
            // "de" stands between them in Spanish and Portuguese.
            let day = day(at.checked_sub(2)?).filter(|_| words[at - 1] == "de");
            day.zip(year(at + 2).or_else(|| year(at + 1)))
        })?;
    moment([year, month, day], [0; 3], 0)
}
