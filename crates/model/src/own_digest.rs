//! What a reader wants of the weekly digest by mail.

use jiff::civil::Weekday;

use crate::names::names;

/// How many reads can come first in a reader's own digest.
pub const OWN_DIGEST_MOST: u32 = 30;

/// The part of a week that a reader gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DigestPart {
    /// All reads.
    #[default]
    Everything,
    /// Reads with one of the reader's concepts.
    Concepts,
    /// Answers to one of the reader's saved searches.
    Search,
}

names! { DigestPart, UnknownPart: Everything = "everything", Concepts = "concepts", Search = "search" }

/// The text names no part of a week.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a part of a week; parts are everything, concepts, search")]
pub struct UnknownPart(String);

/// What a reader chose: which reads, how many of them first, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestChoice {
    /// The reads.
    pub part: DigestPart,
    /// The saved search of [`DigestPart::Search`]. `None` if it was removed.
    pub search: Option<i64>,
    /// How many come first, from 1 to [`OWN_DIGEST_MOST`].
    pub most: u32,
    /// The day.
    pub weekday: Weekday,
    /// The full hour on that day, from 0 to 23.
    pub hour: i8,
    /// The time zone of the hour, by its name in the IANA database.
    pub time_zone: String,
}
