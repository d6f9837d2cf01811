//! People who use the archive, and their marks on reads.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::names::names;

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

/// A mark on a read, in the order of pages.
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

/// The text names no mark.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a mark; marks are keep, done, hide")]
pub struct UnknownMark(String);
