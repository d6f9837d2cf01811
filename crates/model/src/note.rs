//! What a reader writes about reads: notes and labels. [`crate::Highlight`] is a marked passage.

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::names::text;
use crate::signs::{clean, in_one_line, misleads};

/// Maximum characters of a note.
pub const NOTE_MAX: usize = 100_000;
/// Maximum characters of a label.
pub const LABEL_MAX: usize = 60;

/// The Markdown text of a note, as typed.
///
/// Line breaks are `\n`. Other control characters and trailing white space are removed. An empty
/// text means that there is no note.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct NoteText(String);

text!(NoteText);

/// Why a text cannot be a note, a label, a highlighted passage or a remark on one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WritingError {
    /// The note is too long.
    #[error("a note has at most 100,000 characters; this one has {0}. Shorten it")]
    NoteTooLong(usize),
    /// The label is too long.
    #[error("a label has at most {LABEL_MAX} characters. Shorten it")]
    LabelTooLong,
    /// The label is empty.
    #[error("a label needs at least one letter or digit")]
    LabelEmpty,
    /// The label has a comma.
    #[error("a label cannot have a comma, because commas separate labels. Add them one by one")]
    LabelWithComma,
    /// The passage is empty.
    #[error("a highlight needs a passage of the article. Copy one into the field")]
    QuoteEmpty,
    /// The passage is too long.
    #[error("a highlight has at most 2,000 characters; this one has {0}. Mark a shorter passage")]
    QuoteTooLong(usize),
    /// The remark is too long.
    #[error("a remark has at most 10,000 characters; this one has {0}. Shorten it")]
    RemarkTooLong(usize),
}

impl NoteText {
    /// Makes a note from stored text, without checking its length. Merging two reads joins their
    /// notes, which may exceed the maximum.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// Its length in characters, as [`NOTE_MAX`] counts it.
    pub fn characters(&self) -> usize {
        self.0.chars().count()
    }

    /// Whether there is no note.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for NoteText {
    type Err = WritingError;

    fn from_str(text: &str) -> Result<Self, WritingError> {
        if text.len() > 8 * NOTE_MAX {
            return Err(WritingError::NoteTooLong(text.chars().count()));
        }
        let note = Self::from(text.to_owned());
        let characters = note.characters();
        if characters > NOTE_MAX { Err(WritingError::NoteTooLong(characters)) } else { Ok(note) }
    }
}

impl From<String> for NoteText {
    /// Makes a note of any length, because another archive may have stored a longer one.
    fn from(text: String) -> Self {
        let unified = text.replace("\r\n", "\n").replace('\r', "\n");
        let kept = clean(&unified);
        let kept = kept.trim_end();
        // A note of blank lines is empty. Indentation of the first line is Markdown and stays.
        let kept = kept.trim_start_matches('\n');
        Self(if kept.trim().is_empty() { String::new() } else { kept.to_owned() })
    }
}

/// A note and its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its text.
    pub text: NoteText,
    /// A number that grows with each change. 0 if there never was a note.
    pub version: i64,
    /// When it was first written.
    pub made_at: Option<Timestamp>,
    /// When it was last changed.
    pub changed_at: Option<Timestamp>,
}

/// A reader's own name for a group of reads: lower case, composed (Unicode NFC), no commas, no
/// control characters, none that change the direction of text, words separated by single spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Label(String);

text!(Label, checked);

impl FromStr for Label {
    type Err = WritingError;

    fn from_str(text: &str) -> Result<Self, WritingError> {
        if text.contains(',') {
            return Err(WritingError::LabelWithComma);
        }
        if text.len() > 100 * LABEL_MAX {
            return Err(WritingError::LabelTooLong);
        }
        let spaced =
            in_one_line(&text.chars().filter(|c| c.is_control() || !misleads(*c)).collect::<String>());
        // Once more after lower case, which can decompose a letter.
        let name: String = spaced.nfc().collect::<String>().to_lowercase().nfc().collect();
        if name.chars().count() > LABEL_MAX {
            return Err(WritingError::LabelTooLong);
        }
        if !name.chars().any(char::is_alphanumeric) {
            return Err(WritingError::LabelEmpty);
        }
        Ok(Self(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn note_keeps_all_but_control_characters() {
        let note = |text: &str| text.parse::<NoteText>().map(|note| note.to_string());
        assert_eq!(note("One\r\n\ttwo\0\u{1b}[31m\rthree  \n\n").unwrap(), "One\n\ttwo[31m\nthree");
        assert_eq!(note("\n\n    code").unwrap(), "    code");
        assert_eq!(note(" \n\t\u{7}").unwrap(), "");
        assert!(note(&"é\r\n".repeat(NOTE_MAX / 2)).is_ok());
        assert_eq!(note(&"a".repeat(NOTE_MAX + 1)), Err(WritingError::NoteTooLong(NOTE_MAX + 1)));
        assert!(note(&"a".repeat(1 << 20)).is_err());
    }

    #[test]
    fn labels_are_normalised_and_bounded() {
        let label = |text: &str| text.parse::<Label>().map(|label| label.to_string());
        assert_eq!(label("  To\tRead \u{0}Soon ").unwrap(), "to read soon");
        assert_eq!(label("Größe").unwrap(), "größe");
        assert_eq!(label("in\u{202e}voice\u{2066} \u{200f}x").unwrap(), "invoice x");
        assert_eq!(label("\u{202e}"), Err(WritingError::LabelEmpty));
        assert_eq!(label("Gro\u{308}\u{df}e").unwrap(), "größe", "two spellings, one label");
        assert_eq!(label(&"o\u{308}".repeat(60)).unwrap(), "ö".repeat(60));
        assert_eq!(label("a,b"), Err(WritingError::LabelWithComma));
        assert_eq!(label(" \u{1b} "), Err(WritingError::LabelEmpty));
        assert_eq!(label("--"), Err(WritingError::LabelEmpty));
        assert_eq!(label(&"x".repeat(61)), Err(WritingError::LabelTooLong));
        assert_eq!(label(&"x".repeat(1 << 20)), Err(WritingError::LabelTooLong));
    }
}
