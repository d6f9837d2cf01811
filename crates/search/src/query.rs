//! Queries: words, phrases, filters, and exclusions.
//!
//! ```
//! use backissue_search::Query;
//!
//! let query = Query::parse("noisy neighbour \"rate limiter\" company:stripe -kind:tutorial after:2024 12:30");
//! assert_eq!(query.words(), "noisy neighbour rate limiter 12:30");
//! assert_eq!(query.filters().count(), 3);
//! assert!(query.notes().is_empty());
//! ```
//!
//! Parsing never fails. Text that is no valid filter is searched as words, and a note says so. This
//! module does not know the index.

mod filter;
mod read;
mod text;

pub(crate) use filter::begins as filter_begins;
pub use filter::{Filter, first_day};
pub use text::{MOST_TERMS, is_quote};

use std::fmt;

use backissue_model::ReadId;
use backissue_store::Among;

use crate::words::units::units;
use text::{begins_exclusion, has_letters, needs_no_quotes};

/// Words that say nothing about a question's topic. They are used only if the question has no other
/// words.
const STOP_WORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by",
    "can", "could", "did", "do", "does", "doing", "don", "for", "from", "get", "had", "has", "have", "how",
    "i", "if", "in", "into", "is", "it", "its", "me", "my", "no", "not", "of", "on", "or", "our", "out",
    "should", "so", "some", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "to", "up", "us", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will",
    "with", "would", "you", "your",
];

/// A parsed query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pieces: Vec<Piece>,
    notes: Vec<String>,
    open_ended: bool,
    /// For each filter on a reader's data the reads that match it.
    own: Vec<(Filter, Among)>,
    /// The reads to which the search is limited. `None` if it is not limited.
    only: Option<Vec<ReadId>>,
}

/// A part of a query, in order of typing.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    /// An optional word.
    Word(String),
    /// A required phrase.
    Phrase(String),
    /// An excluded word or phrase.
    Without(String),
    /// A filter, and whether it requires or excludes.
    Filter(Filter, Sense),
}

/// Whether a filter requires or excludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// Only matching reads are found.
    Only,
    /// Matching reads are not found.
    Without,
}

impl Query {
    /// A query of words only, whatever signs are in `text`. Used to find similar reads.
    pub fn of_words(text: &str) -> Self {
        let words = text.split_whitespace().filter(|word| has_letters(word)).take(MOST_TERMS);
        Self { pieces: words.map(|word| Piece::Word(word.to_owned())).collect(), ..Self::default() }
    }

    /// Its words and phrases as typed, without filters, quotes and exclusions.
    pub fn words(&self) -> String {
        let said = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Word(text) | Piece::Phrase(text) => Some(text.as_str()),
            _ => None,
        });
        said.collect::<Vec<_>>().join(" ")
    }

    /// Its filters in order.
    pub fn filters(&self) -> impl Iterator<Item = (&Filter, Sense)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Filter(filter, sense) => Some((filter, *sense)),
            _ => None,
        })
    }

    /// The query with one more filter.
    #[must_use]
    pub fn with(mut self, filter: Filter) -> Self {
        self.pieces.push(Piece::Filter(filter, Sense::Only));
        self
    }

    /// The query without the filters that `is_meant` selects.
    #[must_use]
    pub fn without(mut self, is_meant: impl Fn(&Filter, Sense) -> bool) -> Self {
        self.pieces
            .retain(|piece| !matches!(piece, Piece::Filter(filter, sense) if is_meant(filter, *sense)));
        self
    }

    /// Limits the query to these reads.
    #[must_use]
    pub(crate) fn among(mut self, reads: Vec<ReadId>) -> Self {
        self.only = Some(reads);
        self
    }

    /// The reads to which the search is limited. Returns `None` if it is not limited.
    pub(crate) fn only(&self) -> Option<&[ReadId]> {
        self.only.as_deref()
    }

    /// Sets the reads that match a filter on a reader's data, which is not in the index.
    pub(crate) fn resolve(&mut self, filter: Filter, reads: Among) {
        self.own.push((filter, reads));
    }

    /// The reads that match a filter on a reader's data. Returns `None` before [`Self::resolve`].
    pub(crate) fn resolved(&self, filter: &Filter) -> Option<&Among> {
        self.own.iter().find(|(of, _)| of == filter).map(|(_, reads)| reads)
    }

    /// Notes on the parts that were not understood, and how they are searched instead. One sentence
    /// each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Adds a note.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Whether the query is empty.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether the query has words or phrases. A query that has only filters and exclusions has no
    /// ranking.
    pub fn has_words(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Word(_) | Piece::Phrase(_)))
    }

    /// The optional words. Leaves out stop words, unless there are no other words.
    pub(crate) fn wanted(&self) -> Vec<&str> {
        let words = || {
            self.pieces.iter().filter_map(|piece| match piece {
                Piece::Word(text) => Some(text.as_str()),
                _ => None,
            })
        };
        let telling: Vec<&str> = words().filter(|word| !is_stop_word(word)).collect();
        let has_phrase = self.pieces.iter().any(|piece| matches!(piece, Piece::Phrase(_)));
        if telling.is_empty() && !has_phrase { words().collect() } else { telling }
    }

    /// Pairs of words with at most two stop words between them, in lower case, and the distance
    /// from the first to the second.
    pub(crate) fn neighbours(&self) -> Vec<(String, usize, String)> {
        let mut pairs = Vec::new();
        for run in self.pieces.split(|piece| !matches!(piece, Piece::Word(_))) {
            let words = run.iter().filter_map(|piece| match piece {
                Piece::Word(text) => Some(text),
                _ => None,
            });
            let parts = words.flat_map(|word| units(word)).flat_map(|unit| unit.parts().take(MOST_TERMS));
            let parts: Vec<String> = parts.map(|(_, part)| part.to_lowercase()).collect();
            let telling: Vec<usize> = (0..parts.len()).filter(|at| !is_stop_word(&parts[*at])).collect();
            let near = telling.windows(2).filter(|pair| pair[1] - pair[0] <= 3);
            pairs
                .extend(near.map(|pair| (parts[pair[0]].clone(), pair[1] - pair[0], parts[pair[1]].clone())));
        }
        pairs
    }

    /// The excluded words and phrases.
    pub(crate) fn excluded(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Without(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The required phrases.
    pub(crate) fn phrases(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Phrase(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The word that is still being typed: the last one, if nothing follows it.
    pub(crate) fn unfinished(&self) -> Option<&str> {
        match self.pieces.last() {
            Some(Piece::Word(word)) if self.open_ended => Some(word),
            _ => None,
        }
    }
}

impl fmt::Display for Query {
    /// Writes the query as a person types it. Parsing this text gives the same query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, piece) in self.pieces.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            match piece {
                Piece::Word(text) => f.write_str(text)?,
                Piece::Phrase(text) => write!(f, "\"{text}\"")?,
                Piece::Without(text) if needs_no_quotes(text) && begins_exclusion(text) => {
                    write!(f, "-{text}")?;
                }
                Piece::Without(text) => write!(f, "-\"{text}\"")?,
                Piece::Filter(filter, Sense::Only) => write!(f, "{filter}")?,
                Piece::Filter(filter, Sense::Without) => write!(f, "-{filter}")?,
            }
        }
        Ok(())
    }
}

/// Whether a word says nothing about a question's topic.
pub(crate) fn is_stop_word(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let stem = bare.split(['\'', '’']).next().unwrap_or(bare);
    STOP_WORDS.binary_search(&stem.to_lowercase().as_str()).is_ok() && bare.len() + 2 >= word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_are_sorted_words() {
        assert!(STOP_WORDS.is_sorted());
        for (word, stops) in
            [("How", true), ("we're", true), ("the,", true), ("cache", false), ("it's", true)]
        {
            assert_eq!(is_stop_word(word), stops, "{word}");
        }
    }

    #[test]
    fn question_with_only_stop_words_is_searched() {
        assert_eq!(Query::parse("how do we stop the queue").wanted(), ["stop", "queue"]);
        assert_eq!(Query::parse("who are you").wanted(), ["who", "are", "you"]);
    }

    #[test]
    fn stop_words_may_separate_neighbours() {
        let pairs = Query::parse("drain of the queue -x slow foo::bar").neighbours();
        let expected = [("drain", 3, "queue"), ("slow", 1, "foo"), ("foo", 1, "bar")];
        assert_eq!(pairs, expected.map(|(a, distance, b)| (a.to_owned(), distance, b.to_owned())));
    }

    #[test]
    fn query_round_trips_through_text() {
        for text in [
            "noisy neighbour \"rate limiter\" company:\"New York Times\" -kind:tutorial after:2024 12:30",
            "queue -\"dead letter\" -kafka foo:bar std::sync O(n log n) -5 --flag",
            "company:stripe",
            "company:a\"b cache",
            "\"company:stripe cache",
            "degrees -\"5\"",
            "queue -a\"b -\"kind:incident\"",
            "week:\"company:stripe\"",
            "\"rate\nlimiter\" O(n\nlog n)",
        ] {
            let query = Query::parse(text);
            assert_eq!(Query::parse(&query.to_string()).pieces, query.pieces, "{text} became {query}");
        }
    }

    #[test]
    fn filters_can_be_added_and_removed() {
        let kind = |name: &str| Query::parse(&format!("kind:{name}")).filters().next().unwrap().0.clone();
        let query = Query::parse("slow queue company:x").with(kind("incident"));
        assert_eq!(query.to_string(), "slow queue company:x kind:incident");
        let wider = query.without(|filter, _| filter.name() == "company");
        assert_eq!(wider.to_string(), "slow queue kind:incident");
    }

    #[test]
    fn only_a_last_word_is_unfinished() {
        assert_eq!(Query::parse("slow quer").unfinished(), Some("quer"));
        assert_eq!(Query::parse("slow quer ").unfinished(), None);
        assert_eq!(Query::parse("slow \"quer\"").unfinished(), None);
        assert_eq!(Query::parse("slow company:x").unfinished(), None);
    }
}
