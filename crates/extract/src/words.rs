//! Counts an article's words and computes its fingerprint.

use backissue_model::Fingerprint;

/// Minimum words of a text with a fingerprint.
///
/// A cookie notice or paywall has about 50 to 120 words, the same on all pages of a site. If such a
/// text had a fingerprint, all reads whose page shows it would be merged into one.
const ENOUGH_TO_TELL: usize = 150;

/// Number of words in a text.
///
/// A word is a run of characters between white space with a letter or digit in it. Chinese,
/// Japanese, Thai and similar scripts have no spaces. There two characters count as a word, because
/// readers take about 500 characters per minute instead of 238 words.
pub(crate) fn count(text: &str) -> u32 {
    let (mut words, mut unspaced) = (0_u32, 0_u32);
    for run in text.split_whitespace() {
        let mut spaced = false;
        for c in run.chars() {
            if is_unspaced(c) {
                unspaced = unspaced.saturating_add(1);
            } else {
                spaced |= c.is_alphanumeric();
            }
        }
        words = words.saturating_add(u32::from(spaced));
    }
    words.saturating_add(unspaced.div_ceil(2))
}

fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF | 0x20000..=0x2FA1F)
}

/// The fingerprint of a text: xxh3-128 of its words in lower case, with only letters and digits.
/// Returns `None` if the text is too short.
pub(crate) fn fingerprint(text: &str) -> Option<Fingerprint> {
    let mut plain = String::with_capacity(text.len());
    let mut words = 0;
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        plain.extend(word.chars().flat_map(char::to_lowercase));
        plain.push(' ');
        words += 1;
    }
    let enough = words >= ENOUGH_TO_TELL || count(text) >= ENOUGH_TO_TELL as u32;
    enough.then(|| Fingerprint(xxhash_rust::xxh3::xxh3_128(plain.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_with_and_without_spaces() {
        for (text, words) in [
            ("", 0),
            ("one two – three", 3),
            ("don't re-use x+y", 3),
            ("数据库很慢", 3),
            ("用 Rust 写的数据库", 4),
        ] {
            assert_eq!(count(text), words, "{text}");
        }
    }

    #[test]
    fn fingerprint_ignores_case_punctuation_and_space() {
        let text = "The queue was full, and the workers were idle. ".repeat(20);
        let other = text.to_uppercase().replace(", ", " –\n");
        assert_eq!(fingerprint(&text), fingerprint(&other));
        assert!(fingerprint(&text).is_some());
        assert_ne!(fingerprint(&text), fingerprint(&text.replace("idle", "busy")));
        assert_eq!(fingerprint("too short to tell"), None);
        let wall = "We and our partners store cookies on your device to show you advertisements. ".repeat(10);
        assert_eq!(fingerprint(&wall), None);
    }
}
