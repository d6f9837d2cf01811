//! Months by their names.

/// The names of the months in lower case, in Europe's larger languages, with all inflected forms.
const MONTHS: [&[&str]; 12] = [
    &[
        "january", "januar", "januari", "janvier", "enero", "gennaio", "janeiro", "styczeń", "stycznia",
        "leden", "ledna", "ocak", "ianuarie", "január",
    ],
    &[
        "february", "februar", "februari", "février", "fevrier", "febrero", "febbraio", "fevereiro", "luty",
        "lutego", "únor", "února", "şubat", "februarie", "február",
    ],
    &[
        "march", "märz", "mrz", "maart", "mrt", "mars", "marzo", "março", "marca", "marzec", "marts",
        "březen", "března", "mart", "martie", "március",
    ],
    &[
        "april", "avril", "abril", "aprile", "kwiecień", "kwietnia", "duben", "dubna", "nisan", "aprilie",
        "április",
    ],
    &["may", "mai", "mei", "mayo", "maggio", "maio", "maj", "maja", "květen", "května", "mayıs", "május"],
    &[
        "june", "juni", "juin", "junio", "giugno", "junho", "czerwiec", "czerwca", "června", "haziran",
        "iunie", "június",
    ],
    &[
        "july", "juli", "juillet", "julio", "luglio", "julho", "lipiec", "lipca", "červenec", "července",
        "temmuz", "iulie", "július",
    ],
    &[
        "august", "augustus", "augusti", "août", "aout", "agosto", "sierpień", "sierpnia", "srpen", "srpna",
        "ağustos", "augusztus",
    ],
    &[
        "september", "septembre", "septiembre", "settembre", "setembro", "wrzesień", "września", "září",
        "eylül", "septembrie", "szeptember",
    ],
    &[
        "october", "oktober", "octobre", "octubre", "ottobre", "outubro", "październik", "października",
        "říjen", "října", "ekim", "octombrie", "október",
    ],
    &[
        "november", "novembre", "noviembre", "novembro", "listopad", "listopada", "listopadu", "kasım",
        "noiembrie",
    ],
    &[
        "december", "dezember", "desember", "décembre", "decembre", "diciembre", "dicembre", "dezembro",
        "grudzień", "grudnia", "prosinec", "prosince", "aralık", "decembrie",
    ],
];
/// The beginnings of Russian and Ukrainian month names, which all their inflected forms share.
const CYRILLIC: [&[&str]; 12] = [
    &["янв", "січ"],
    &["фев", "лют"],
    &["мар", "бер"],
    &["апр", "квіт"],
    &["мая", "трав"],
    &["июн", "черв"],
    &["июл", "лип"],
    &["авг", "серп"],
    &["сен", "верес"],
    &["окт", "жовт"],
    &["ноя", "листоп"],
    &["дек", "груд"],
];

/// The number of the month with this name in lower case, or with a name that starts with it. An
/// abbreviation needs at least three letters. Returns `None` for `mar.`, which is also Tuesday in
/// Spanish and French.
pub fn month(word: &str) -> Option<i64> {
    let name = word.trim_end_matches('.');
    if name.chars().count() < 3 || word == "mar." {
        return None;
    }
    let at = MONTHS
        .iter()
        .position(|names| names.iter().any(|full| full.starts_with(name)))
        .or_else(|| CYRILLIC.iter().position(|starts| starts.iter().any(|start| name.starts_with(start))))?;
    i64::try_from(at + 1).ok()
}
