//! People who use the archive, and their marks on reads.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A reader's row number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReaderId(pub i64);

impl ReaderId {
    /// The reader of an archive with a single reader.
    pub const ONE: Self = Self(1);
}

impl fmt::Display for ReaderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A reader's marks on one read, each with the time it was set.
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

/// A mark on a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Keep it on the shelf.
    Keep,
    /// Read, or not to be read.
    Done,
    /// Hide it.
    Hide,
}

impl Mark {
    /// All marks, in the order of pages.
    pub const ALL: [Self; 3] = [Self::Keep, Self::Done, Self::Hide];

    /// Its identifier in data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Done => "done",
            Self::Hide => "hide",
        }
    }

    /// When this mark was set. Returns `None` if it is not set.
    pub fn of(self, marks: &Marks) -> Option<Timestamp> {
        match self {
            Self::Keep => marks.kept,
            Self::Done => marks.done,
            Self::Hide => marks.hidden,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no mark.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a mark; marks are keep, done, hide")]
pub struct UnknownMark(String);

impl FromStr for Mark {
    type Err = UnknownMark;

    fn from_str(text: &str) -> Result<Self, UnknownMark> {
        Self::ALL.into_iter().find(|mark| mark.as_str() == text).ok_or_else(|| UnknownMark(text.to_owned()))
    }
}
