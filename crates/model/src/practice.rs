//! Practising with reads: cards, own answers, and how well one knew what the team did.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::names::names;
use crate::{ConceptSlug, Label, NoteText, ReadId};

/// How well a reader knew what the team did, by the reader's own judgement, from the worst to the
/// best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rating {
    /// Not at all.
    Again,
    /// With effort, or in part.
    Hard,
    /// Well.
    Good,
    /// At once.
    Easy,
}

impl Rating {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Again => "Again",
            Self::Hard => "Hard",
            Self::Good => "Good",
            Self::Easy => "Easy",
        }
    }
}

names! { Rating, UnknownRating: Again = "again", Hard = "hard", Good = "good", Easy = "easy" }

/// A text that names no rating.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rating; ratings are again, hard, good, easy")]
pub struct UnknownRating(String);

/// An answer's moment and rating: all that decides when its card is shown next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rated {
    /// When the answer was given.
    pub at: Timestamp,
    /// How well it was known.
    pub rating: Rating,
}

/// Which reads a reader practises with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Deck {
    /// Those on the reader's shelf.
    Shelf,
    /// Those with this label of the reader's.
    Label(Label),
    /// Those with this concept.
    Concept(ConceptSlug),
    /// All of the archive.
    #[default]
    Everything,
}

/// What a reader would have done about a read's problem, before seeing what the team did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardAnswer {
    /// Its number; a later answer has a greater one.
    pub id: i64,
    /// The read.
    pub read: ReadId,
    /// The answer in Markdown; may be empty.
    pub text: NoteText,
    /// When it was given.
    pub at: Timestamp,
    /// How well it was known; `None` until the reader says so.
    pub rating: Option<Rating>,
}
