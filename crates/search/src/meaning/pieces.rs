//! Splits words into the pieces of a vocabulary, like the tokenizer of BERT's uncased models
//! (Devlin et al. 2019, after Wu et al. 2016).
//!
//! Text becomes lower case without accents; punctuation and Chinese characters become separate
//! words. Then each word is split greedily into the longest pieces of the vocabulary.
//!
//! The tests compare with that tokenizer. There is one deliberate difference: a text that contains
//! a special token such as `[MASK]` means the word.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Maximum characters of a word; longer ones are unknown, as in the tokenizer.
const WORD_MAX: usize = 100;

/// The prefix of pieces that continue a word.
const GOES_ON: &str = "##";

/// The piece for a word that the vocabulary cannot spell.
const UNKNOWN: &str = "[UNK]";

/// A vocabulary of word pieces.
#[derive(Debug)]
pub struct Pieces {
    beginning: Numbers,
    going_on: Numbers,
    unknown: u32,
    /// Bytes of the longest piece.
    longest: usize,
}

type Numbers = HashMap<Box<str>, u32, BuildHasherDefault<Fnv>>;

impl Pieces {
    /// The vocabulary with one piece per line, numbered from 0. Returns `None` if `[UNK]` is
    /// missing.
    pub fn new(vocabulary: &str) -> Option<Self> {
        let mut pieces =
            Self { beginning: Numbers::default(), going_on: Numbers::default(), unknown: 0, longest: 0 };
        for (number, piece) in (0..).zip(vocabulary.lines()) {
            match piece.strip_prefix(GOES_ON) {
                Some(rest) if !rest.is_empty() => pieces.going_on.insert(rest.into(), number),
                _ => pieces.beginning.insert(piece.into(), number),
            };
            pieces.longest = pieces.longest.max(piece.len());
        }
        pieces.unknown = *pieces.beginning.get(UNKNOWN)?;
        Some(pieces)
    }

    /// The numbers of a text's pieces, in order. A word without pieces gives the number of `[UNK]`.
    pub fn of(&self, text: &str) -> Vec<u32> {
        let mut numbers = Vec::with_capacity(text.len() / 4);
        self.each(text, |number| numbers.push(number));
        numbers
    }

    /// Calls `tell` with the number of each piece.
    pub(super) fn each(&self, text: &str, mut tell: impl FnMut(u32)) {
        let mut word = String::new();
        if text.is_ascii() {
            for byte in text.bytes() {
                self.take(char::from(byte.to_ascii_lowercase()), &mut word, &mut tell);
            }
        } else {
            let kept = text.chars().filter(|character| !is_dropped(*character));
            let bare = kept.nfd().filter(|c| c.general_category() != GeneralCategory::NonspacingMark);
            for character in bare.flat_map(char::to_lowercase) {
                self.take(character, &mut word, &mut tell);
            }
        }
        self.end(&mut word, &mut tell);
    }

    /// Handles a character. It ends a word, is a whole word itself, or continues the current
    /// word.
    fn take(&self, character: char, word: &mut String, tell: &mut impl FnMut(u32)) {
        if is_dropped(character) {
            return;
        }
        if character.is_whitespace() {
            self.end(word, tell);
        } else if is_alone(character) {
            self.end(word, tell);
            word.push(character);
            self.end(word, tell);
        } else {
            word.push(character);
        }
    }

    /// Splits a completed word into pieces, and clears it.
    fn end(&self, word: &mut String, tell: &mut impl FnMut(u32)) {
        if word.is_empty() {
            return;
        }
        if let Some(number) = self.beginning.get(word.as_str()) {
            tell(*number);
        } else {
            match self.apart(word) {
                Some(numbers) => numbers.into_iter().for_each(tell),
                None => tell(self.unknown),
            }
        }
        word.clear();
    }

    fn apart(&self, word: &str) -> Option<Vec<u32>> {
        if word.len() > WORD_MAX && word.chars().count() > WORD_MAX {
            return None;
        }
        let mut numbers = vec![];
        let (mut rest, mut known) = (word, &self.beginning);
        while !rest.is_empty() {
            let mut end = rest.floor_char_boundary(self.longest);
            let number = loop {
                if let Some(number) = known.get(&rest[..end]) {
                    break *number;
                }
                end = rest.floor_char_boundary(end.checked_sub(1)?);
            };
            numbers.push(number);
            (rest, known) = (&rest[end..], &self.going_on);
        }
        Some(numbers)
    }
}

/// Whether a character is dropped: control and format characters, and unassigned ones.
fn is_dropped(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control() && !matches!(character, '\t' | '\n' | '\r');
    }
    character == '\u{FFFD}'
        || matches!(
            character.general_category(),
            GeneralCategory::Control | GeneralCategory::Format | GeneralCategory::PrivateUse
        )
}

/// Whether a character is always a separate word: punctuation, including all ASCII signs, and
/// Chinese characters.
fn is_alone(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_punctuation();
    }
    is_chinese(character) || character.general_category_group() == GeneralCategoryGroup::Punctuation
}

/// The blocks that the tokenizer treats as Chinese.
fn is_chinese(character: char) -> bool {
    matches!(
        u32::from(character),
        0x4E00..=0x9FFF
            | 0x3400..=0x4DBF
            | 0x20000..=0x2A6DF
            | 0x2A700..=0x2B73F
            | 0x2B740..=0x2B81F
            | 0x2B920..=0x2CEAF
            | 0xF900..=0xFAFF
            | 0x2F800..=0x2FA1F
    )
}

/// The hash FNV-1a (Fowler, Noll, Vo). Pieces are short and the table is constant, so no stronger
/// hash is needed.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        // The table uses the upper bits, which the last characters hardly affect.
        self.0 ^ self.0.rotate_left(32)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces() -> Pieces {
        Pieces::new("[UNK]\nhello\n,\nworld\nun\n##want\n##ed\nrunn\n##ing\n##s\ncafe\n中\n##").unwrap()
    }

    #[test]
    fn longest_piece_is_taken() {
        let pieces = pieces();
        for (text, numbers) in [
            ("Hello, WORLD", vec![1, 2, 3]),
            ("unwanted running", vec![4, 5, 6, 7, 8]),
            ("Café\u{301}s", vec![10, 9]),
            ("hello中hello", vec![1, 11, 1]),
            ("hel\u{200B}lo\u{0}\u{2028}world", vec![1, 3]),
            ("unwantedx hello", vec![0, 1]),
            ("", vec![]),
        ] {
            assert_eq!(pieces.of(text), numbers, "{text}");
        }
        assert_eq!(pieces.of(&format!("un{}", "ed".repeat(49))).len(), 50);
        assert_eq!(pieces.of(&format!("un{}", "ed".repeat(50))), [0]);
        assert!(Pieces::new("hello\nworld").is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_split_into_pieces(text in any::<String>()) {
            pieces().of(&text);
        }
    }
}
