//! Months by their names.

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
