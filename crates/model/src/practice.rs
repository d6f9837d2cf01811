//! Practising with reads: cards, answers, and ratings of the answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::names::names;
use crate::{ConceptSlug, Label, NoteText, ReadId};

/// A reader's own judgement of how well the answer matched what the team did, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rating {
    /// The reader did not know it.
    Again,
    /// The reader knew it with effort, or in part.
    Hard,
    /// The reader knew it well.
    Good,
    /// The reader knew it at once.
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

/// The text is not the name of a rating.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rating; ratings are again, hard, good, easy")]
pub struct UnknownRating(String);

/// The time and rating of an answer. They decide when the card is shown next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rated {
    /// When the answer was given.
    pub at: Timestamp,
    /// The rating.
    pub rating: Rating,
}

/// The reads that a reader practises with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Deck {
    /// The reads on the reader's shelf.
    Shelf,
    /// The reads with this label of the reader.
    Label(Label),
    /// The reads with this concept.
    Concept(ConceptSlug),
    /// All reads of the archive.
    #[default]
    Everything,
}

/// A reader's answer on a card: what the reader would do about a read's problem, written before
/// seeing what the team did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardAnswer {
    /// The answer's row number. A later answer has a greater one.
    pub id: i64,
    /// The read.
    pub read: ReadId,
    /// The answer in Markdown; may be empty.
    pub text: NoteText,
    /// When it was given.
    pub at: Timestamp,
    /// The rating. `None` until the reader has chosen one.
    pub rating: Option<Rating>,
}
