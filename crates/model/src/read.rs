//! Articles in the archive, and their stages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A read's row number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReadId(pub i64);

impl fmt::Display for ReadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a read has been processed. A stage says what exists; the next step is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// A feed lists it. Its page is to be fetched.
    Discovered,
    /// Its article is stored. Its précis is to be made.
    Extracted,
    /// It has a précis and is shown.
    Annotated,
}

/// The text names no stage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a stage of a read; stages are discovered, extracted, annotated")]
pub struct UnknownStage(String);

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 3] = [Self::Discovered, Self::Extracted, Self::Annotated];

    /// Its identifier in data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discovered => "discovered",
            Self::Extracted => "extracted",
            Self::Annotated => "annotated",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(text: &str) -> Result<Self, UnknownStage> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| UnknownStage(text.to_owned()))
    }
}
