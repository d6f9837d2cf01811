//! Entries of the concept vocabulary.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::text;

/// A concept's identifier in addresses and data, e.g. `rate-limiting`: 2 to 60 bytes of `a-z`,
/// `0-9` and inner hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConceptSlug(String);

text!(ConceptSlug, checked);

/// The text is not a valid slug of a concept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a concept's name; write 2 to 60 of a-z, 0-9 and inner hyphens, for example rate-limiting"
)]
pub struct ConceptSlugError(String);

impl FromStr for ConceptSlug {
    type Err = ConceptSlugError;

    fn from_str(text: &str) -> Result<Self, ConceptSlugError> {
        let letters = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let whole = (2..=60).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-');
        if letters && whole { Ok(Self(text.to_owned())) } else { Err(ConceptSlugError(text.to_owned())) }
    }
}

/// An entry of the vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concept {
    /// Its identifier in addresses and data.
    pub slug: ConceptSlug,
    /// Its display name, e.g. `Rate limiting`.
    pub name: String,
    /// Other names that articles use for it. Each matches as a whole word or phrase, in any case.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Its definition, in one line.
    pub definition: String,
    /// The broader concept, if there is one.
    #[serde(default)]
    pub parent: Option<ConceptSlug>,
}
