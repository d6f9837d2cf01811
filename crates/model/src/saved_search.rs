//! Searches that a reader saves.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::text;
use crate::signs::{in_one_line, misleads};

/// Maximum characters of a saved search's name.
pub const SEARCH_NAME_MAX: usize = 80;
/// Maximum characters of a saved question.
pub const QUESTION_MAX: usize = 500;

/// Why a text cannot be the name or the question of a saved search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedSearchError {
    /// The name is empty.
    #[error("a saved search needs a name with at least one letter or digit")]
    NameEmpty,
    /// The name is too long.
    #[error("the name of a saved search has at most {SEARCH_NAME_MAX} characters. Shorten it")]
    NameTooLong,
    /// The question is empty.
    #[error("there is no question to save. Search for something first")]
    QuestionEmpty,
    /// The question is too long.
    #[error("a saved question has at most {QUESTION_MAX} characters. Shorten it")]
    QuestionTooLong,
}

/// A reader's name for a saved search: one line, words separated by single spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SearchName(String);

text!(SearchName, checked);

/// The question of a saved search: one line in the query language.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SavedQuestion(String);

text!(SavedQuestion, checked);

/// The text on one line, without misleading characters.
fn one_line(
    text: &str,
    most: usize,
    too_long: SavedSearchError,
    empty: SavedSearchError,
) -> Result<String, SavedSearchError> {
    // A text that is far longer is not looked at.
    let line = (text.len() <= 100 * most).then(|| in_one_line(&text.replace(misleads, " ")));
    let line = line.filter(|line| line.chars().count() <= most).ok_or(too_long)?;
    if line.chars().any(char::is_alphanumeric) { Ok(line) } else { Err(empty) }
}

impl FromStr for SearchName {
    type Err = SavedSearchError;

    fn from_str(text: &str) -> Result<Self, SavedSearchError> {
        one_line(text, SEARCH_NAME_MAX, SavedSearchError::NameTooLong, SavedSearchError::NameEmpty).map(Self)
    }
}

impl FromStr for SavedQuestion {
    type Err = SavedSearchError;

    fn from_str(text: &str) -> Result<Self, SavedSearchError> {
        one_line(text, QUESTION_MAX, SavedSearchError::QuestionTooLong, SavedSearchError::QuestionEmpty)
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_questions_are_one_bounded_line() {
        let name = |text: &str| text.parse::<SearchName>().map(|name| name.to_string());
        assert_eq!(name("  retry\tstorms\u{202e} \n").unwrap(), "retry storms");
        assert_eq!(name("é".repeat(80).as_str()).unwrap().chars().count(), 80);
        assert_eq!(name(&"x".repeat(81)), Err(SavedSearchError::NameTooLong));
        assert_eq!(name(&"x".repeat(1 << 20)), Err(SavedSearchError::NameTooLong));
        assert_eq!(name(" -- "), Err(SavedSearchError::NameEmpty));
        let question = |text: &str| text.parse::<SavedQuestion>().map(|question| question.to_string());
        assert_eq!(question("\"retry storm\"\r\n kind:incident").unwrap(), "\"retry storm\" kind:incident");
        assert_eq!(question(&"x ".repeat(251)), Err(SavedSearchError::QuestionTooLong));
        assert_eq!(question("\u{0}"), Err(SavedSearchError::QuestionEmpty));
    }
}
