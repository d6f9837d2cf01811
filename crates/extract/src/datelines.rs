//! Recognises lines that have only a date. They are not part of a name or an article.

use backissue_model::dates::month;

/// Names of the days of the week, in full and short.
const WEEKDAYS: &[&str] = &[
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "mon", "tue", "tues",
    "wed", "thu", "thur", "thurs", "fri", "sat", "sun",
];

/// Whether a lower-case text is the name of a day or a month.
pub(crate) fn is_day_or_month(text: &str) -> bool {
    WEEKDAYS.contains(&text) || matches!(text, "today" | "yesterday") || month(text).is_some()
}

/// Whether a lower-case line says a date, perhaps with a time, and nothing else.
pub(crate) fn is_only_a_date(line: &str) -> bool {
    const BESIDE: &[&str] = &[
        "at", "on", "am", "pm", "a", "p", "m", "et", "est", "edt", "pt", "pst", "pdt", "ct", "gmt", "utc",
        "bst", "cet", "ist", "of", "de", "ago", "date", "posted", "published", "updated", "last", "first",
        "hours", "hour", "days", "day", "minutes", "minute", "h", "min", "the", "and", "st", "nd", "rd",
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
