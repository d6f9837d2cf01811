//! Rules for the characters and words of a query's text.

use crate::words::units::units;

/// Maximum words, phrases, exclusions and filters of a query. The rest is ignored, with a note.
pub const MOST_TERMS: usize = 64;

/// Whether a character is a quotation mark, which can delimit a phrase or a value.
pub fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

/// Whether a text is parsed as one word in any context, without quotes.
pub(super) fn needs_no_quotes(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.+#".contains(c);
    text.chars().all(is_plain) && text.starts_with(char::is_alphanumeric)
}

/// Whether a text has a letter or digit, so that it can be found.
pub(crate) fn has_letters(text: &str) -> bool {
    units(text).any(|unit| unit.parts().next().is_some() || unit.whole().is_some())
}

/// Whether a `-` before `rest` excludes it. `--flag` is a word, and so is a number.
pub(super) fn begins_exclusion(rest: &str) -> bool {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let is_number = digits > 0 && !rest[digits..].starts_with(char::is_alphanumeric);
    !is_number
        && rest.starts_with(|c: char| c.is_alphanumeric() || is_quote(c) || c == '.' || c == '_' || c == '/')
}
