//! Reads: articles in the archive, and the stages of their processing.

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

/// The number of a thing in an address. `+1` and `01` are no numbers, so that a thing has one
/// address.
pub fn number_in_address(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

/// How far a read has been processed. A stage names what exists already; the next step is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// A feed lists the read. Its page must be fetched next.
    Discovered,
    /// The article is stored. The précis must be made next.
    Extracted,
    /// The read has a précis and is shown.
    Annotated,
}

/// The text is not the name of a stage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a stage of a read; stages are discovered, extracted, annotated")]
pub struct UnknownStage(String);

names! { Stage, UnknownStage: Discovered = "discovered", Extracted = "extracted", Annotated = "annotated" }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_has_one_form() {
        assert_eq!(number_in_address("42"), Some(42));
        for other in ["", "042", "+42", "-0", "42 ", "4.0", "99999999999999999999"] {
            assert_eq!(number_in_address(other), None, "{other}");
        }
    }
}
