//! Finds and removes characters that are invisible or change how the text around them is displayed.

/// Whether a character may mislead a reader or break a document: a control character other than
/// white space, one that changes the direction of text (such as U+202E), or a noncharacter, which
/// XML forbids.
pub fn misleads(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
        || (c.is_control() && !c.is_whitespace())
}

/// The text without control characters. Line breaks and tabs stay.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// The words of the text, separated by single spaces.
pub fn collapsed(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The words of the text, separated by single spaces. Control characters separate words, too.
pub fn in_one_line(text: &str) -> String {
    collapsed(&text.replace(char::is_control, " "))
}

/// The letters and digits of a text, in lower case, to compare titles and names.
pub fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misleading_characters_are_known() {
        for c in [
            '\u{202e}', '\u{2066}', '\u{200f}', '\u{fffe}', '\u{ffff}', '\u{1fffe}', '\u{0}', '\u{1b}',
            '\u{9b}',
        ] {
            assert!(misleads(c), "{c:?}");
        }
        for c in ['a', '\n', '\t', 'é', 'א', 'ع', '\u{200d}', '🏳', '\u{fffd}', '\u{a0}'] {
            assert!(!misleads(c), "{c:?}");
        }
    }
}
