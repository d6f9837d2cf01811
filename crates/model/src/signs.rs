//! Characters that are no part of a text and change how the text around them is displayed.

/// Whether a character may mislead a reader or break a document: controls but white space, those
/// that turn the direction of what follows (U+202E and the like), and noncharacters, which XML
/// forbids.
pub fn misleads(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
        || (c.is_control() && !c.is_whitespace())
}

/// The text without control characters but line breaks and tabs.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// The words of the text, separated by single spaces. A control character separates words, too.
pub(crate) fn in_one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misleading_characters_are_known() {
        for c in [
            '\u{202e}',
            '\u{2066}',
            '\u{200f}',
            '\u{fffe}',
            '\u{ffff}',
            '\u{1fffe}',
            '\u{0}',
            '\u{1b}',
            '\u{9b}',
        ] {
            assert!(misleads(c), "{c:?}");
        }
        for c in ['a', '\n', '\t', 'é', 'א', 'ع', '\u{200d}', '🏳', '\u{fffd}', '\u{a0}'] {
            assert!(!misleads(c), "{c:?}");
        }
    }
}
