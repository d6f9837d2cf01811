//! Articles in the archive, and their stages.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::names;

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

names! { Stage, UnknownStage: Discovered = "discovered", Extracted = "extracted", Annotated = "annotated" }
