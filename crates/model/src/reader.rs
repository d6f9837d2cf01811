//! People who use the archive, and their marks on reads.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::names::{names, text};

/// A reader's row number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReaderId(pub i64);

impl ReaderId {
    /// The reader who exists in every archive from the start.
    pub const ONE: Self = Self(1);
}

impl fmt::Display for ReaderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Maximum characters of a reader's name.
pub const READER_NAME_MAX: usize = 64;

/// The name that a reader logs in with: lower case, composed (Unicode NFKC), letters, digits and
/// `.`, `-`, `_`, `@`, `+`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReaderName(String);

text!(ReaderName, checked);

/// Why a text cannot be a reader's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReaderNameError {
    /// It is too long.
    #[error("a name has at most {READER_NAME_MAX} characters. Shorten it")]
    TooLong,
    /// It has no letter or digit.
    #[error("a name needs at least one letter or digit")]
    Empty,
    /// It has another character.
    #[error("a name has only letters, digits and . - _ @ +, without spaces; “{0}” is none of these")]
    Character(char),
}

impl FromStr for ReaderName {
    type Err = ReaderNameError;

    fn from_str(text: &str) -> Result<Self, ReaderNameError> {
        let text = text.trim();
        if text.len() > 8 * READER_NAME_MAX {
            return Err(ReaderNameError::TooLong);
        }
        let name: String = text.to_lowercase().nfkc().flat_map(char::to_lowercase).nfkc().collect();
        if name.chars().count() > READER_NAME_MAX {
            return Err(ReaderNameError::TooLong);
        }
        if let Some(other) = name.chars().find(|c| !c.is_alphanumeric() && !".-_@+".contains(*c)) {
            return Err(ReaderNameError::Character(other));
        }
        if name.contains(char::is_alphanumeric) { Ok(Self(name)) } else { Err(ReaderNameError::Empty) }
    }
}

/// What a reader may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything: follow sources, correct reads, hide reads from everybody, edit digests, invite
    /// readers.
    Operator,
    /// Only what concerns the reader: keep, note, highlight and practise with reads.
    #[default]
    Reader,
}

names! { Role, UnknownRole: Operator = "operator", Reader = "reader" }

/// The text is not the name of a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role; roles are operator and reader")]
pub struct UnknownRole(String);

/// A person who uses the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The row number.
    pub id: ReaderId,
    /// The name.
    pub name: ReaderName,
    /// What the reader may do.
    pub role: Role,
    /// Whether the reader has a password.
    pub has_password: bool,
    /// Whether a person at an OpenID provider is linked with the reader, and logs in there.
    pub has_openid: bool,
    /// Whether opening a read marks it done.
    pub opening_is_done: bool,
    /// When the account was closed. The reader cannot log in, but the data stays. `None` if the
    /// account is open.
    pub closed: Option<Timestamp>,
    /// When the reader's unused invitation expires. `None` if there is none.
    pub invited_until: Option<Timestamp>,
}

/// A reader's marks on one read. The time says when the mark was set; `None` means that it is not
/// set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Marks {
    /// The reader keeps it on the shelf.
    pub kept: Option<Timestamp>,
    /// The reader has read it, or will not read it.
    pub done: Option<Timestamp>,
    /// The reader does not want to see it.
    pub hidden: Option<Timestamp>,
    /// The reader has written a note about it.
    pub noted: bool,
}

/// A mark on a read, in the order in which pages show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Keep it on the shelf.
    Keep,
    /// The reader has read it, or will not read it.
    Done,
    /// Hide it from the reader.
    Hide,
}

impl Mark {
    /// When this mark was set. Returns `None` if it is not set.
    pub fn of(self, marks: &Marks) -> Option<Timestamp> {
        match self {
            Self::Keep => marks.kept,
            Self::Done => marks.done,
            Self::Hide => marks.hidden,
        }
    }
}

names! { Mark, UnknownMark: Keep = "keep", Done = "done", Hide = "hide" }

/// The text is not the name of a mark.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a mark; marks are keep, done, hide")]
pub struct UnknownMark(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_name_however_it_is_typed() {
        for (typed, name) in [
            (" Anna ", "anna"),
            ("ANNA@Example.ORG", "anna@example.org"),
            ("JU\u{308}RGEN", "jürgen"),
            ("ﬁona", "fiona"),
            ("Ａnna", "anna"),
            ("李雷", "李雷"),
            ("o_o-1.2+x", "o_o-1.2+x"),
        ] {
            let parsed: ReaderName = typed.parse().unwrap();
            assert_eq!(parsed.as_str(), name, "{typed}");
            assert_eq!(name.parse::<ReaderName>().unwrap(), parsed, "its own name");
        }
        let of = |text: &str| text.parse::<ReaderName>();
        assert_eq!(of(""), Err(ReaderNameError::Empty));
        assert_eq!(of("-.-"), Err(ReaderNameError::Empty));
        assert_eq!(of("anna b"), Err(ReaderNameError::Character(' ')));
        assert_eq!(of("anna\u{202e}b"), Err(ReaderNameError::Character('\u{202e}')));
        assert_eq!(of("<b>"), Err(ReaderNameError::Character('<')));
        assert_eq!(of(&"a".repeat(65)), Err(ReaderNameError::TooLong));
        assert_eq!(of(&"a".repeat(100_000)), Err(ReaderNameError::TooLong));
    }
}
