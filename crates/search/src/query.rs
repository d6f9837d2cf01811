//! What a person asks for: words, phrases, filters, and what is to be left out.
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
//! Reading a query never fails. What is not understood is searched as the words it is made of, and a note says so. This module
//! must not know the index.

mod filter;
mod read;

pub(crate) use filter::begins as filter_begins;
pub use filter::{Filter, first_day};

use std::fmt;

use crate::words::units::units;

/// Most words, phrases, exclusions and filters of a query; the rest is left aside, with a note.
pub const MOST_TERMS: usize = 64;
/// Words that say nothing of what a question is about. They count only where nothing else is asked for.
const STOP_WORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by",
    "can", "could", "did", "do", "does", "doing", "don", "for", "from", "get", "had", "has", "have", "how",
    "i", "if", "in", "into", "is", "it", "its", "me", "my", "no", "not", "of", "on", "or", "our", "out",
    "should", "so", "some", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "to", "up", "us", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will",
    "with", "would", "you", "your",
];

/// A query, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pieces: Vec<Piece>,
    notes: Vec<String>,
    open_ended: bool,
}

/// One piece of a query, in the order in which it was typed.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    /// A word that is welcome.
    Word(String),
    /// Words that must stand side by side.
    Phrase(String),
    /// A word or phrase that must not be there.
    Without(String),
    /// A filter, and whether what it lets through is to be left out instead.
    Filter(Filter, Sense),
}

/// What a filter does with what it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// Only these.
    Only,
    /// All but these.
    Without,
}

impl Query {
    /// Reads what a person typed. Any text is a query.
    pub fn parse(text: &str) -> Self {
        read::read(text)
    }

    /// A query of words alone, whatever signs are in `text`: what reads like this one?
    pub fn of_words(text: &str) -> Self {
        let words = text.split_whitespace().filter(|word| has_letters(word)).take(MOST_TERMS);
        Self { pieces: words.map(|word| Piece::Word(word.to_owned())).collect(), ..Self::default() }
    }

    /// Its plain language: words and phrases as typed, without filters, quotes and exclusions.
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

    /// The same question narrowed by one filter more.
    #[must_use]
    pub fn with(mut self, filter: Filter) -> Self {
        self.pieces.push(Piece::Filter(filter, Sense::Only));
        self
    }

    /// The same question without the filters that `is_meant` picks.
    #[must_use]
    pub fn without(mut self, is_meant: impl Fn(&Filter, Sense) -> bool) -> Self {
        self.pieces
            .retain(|piece| !matches!(piece, Piece::Filter(filter, sense) if is_meant(filter, *sense)));
        self
    }

    /// What was not understood and how it was taken instead, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Adds a note.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether words or phrases are asked for; where not, there are only filters and exclusions, and nothing is ranked.
    pub fn has_words(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Word(_) | Piece::Phrase(_)))
    }

    /// The words that are welcome; stop words only where there is nothing else.
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

    /// Words that follow one another with at most two stop words between them, in lower case, and how far the second is behind
    /// the first.
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

    /// The words and phrases that must not be there.
    pub(crate) fn excluded(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Without(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The phrases that must be there.
    pub(crate) fn phrases(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Phrase(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The word that is still being typed: the last one, where nothing stands behind it.
    pub(crate) fn unfinished(&self) -> Option<&str> {
        match self.pieces.last() {
            Some(Piece::Word(word)) if self.open_ended => Some(word),
            _ => None,
        }
    }
}

impl fmt::Display for Query {
    /// As it is typed; reading it gives the same question.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, piece) in self.pieces.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            match piece {
                Piece::Word(text) => f.write_str(text)?,
                Piece::Phrase(text) => write!(f, "\"{text}\"")?,
                Piece::Without(text) if needs_no_quotes(text) && read::begins_exclusion(text) => {
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

/// Whether a word says nothing of what a question is about.
pub(crate) fn is_stop_word(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let stem = bare.split(['\'', '’']).next().unwrap_or(bare);
    STOP_WORDS.binary_search(&stem.to_lowercase().as_str()).is_ok() && bare.len() + 2 >= word.len()
}

/// Whether a sign holds words together that are one phrase or one value.
fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

/// Whether a text is read as one word, whatever stands before it.
fn needs_no_quotes(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.+#".contains(c);
    text.chars().all(is_plain) && text.starts_with(char::is_alphanumeric)
}

/// Whether there is anything in a text that could be found.
pub(crate) fn has_letters(text: &str) -> bool {
    units(text).any(|unit| unit.parts().next().is_some() || unit.whole().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_are_in_order_and_only_words() {
        assert!(STOP_WORDS.is_sorted());
        for (word, stops) in
            [("How", true), ("we're", true), ("the,", true), ("cache", false), ("it's", true)]
        {
            assert_eq!(is_stop_word(word), stops, "{word}");
        }
    }

    #[test]
    fn a_question_of_stop_words_alone_is_searched() {
        assert_eq!(Query::parse("how do we stop the queue").wanted(), ["stop", "queue"]);
        assert_eq!(Query::parse("who are you").wanted(), ["who", "are", "you"]);
    }

    #[test]
    fn neighbours_are_counted_over_stop_words() {
        let pairs = Query::parse("drain of the queue -x slow foo::bar").neighbours();
        let expected = [("drain", 3, "queue"), ("slow", 1, "foo"), ("foo", 1, "bar")];
        assert_eq!(pairs, expected.map(|(a, distance, b)| (a.to_owned(), distance, b.to_owned())));
    }

    #[test]
    fn a_question_is_written_as_it_is_read() {
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
    fn a_question_can_be_narrowed_and_widened_again() {
        let kind = |name: &str| Query::parse(&format!("kind:{name}")).filters().next().unwrap().0.clone();
        let query = Query::parse("slow queue company:x").with(kind("incident"));
        assert_eq!(query.to_string(), "slow queue company:x kind:incident");
        let wider = query.without(|filter, _| filter.name() == "company");
        assert_eq!(wider.to_string(), "slow queue kind:incident");
    }

    #[test]
    fn only_a_word_with_nothing_behind_it_is_unfinished() {
        assert_eq!(Query::parse("slow quer").unfinished(), Some("quer"));
        assert_eq!(Query::parse("slow quer ").unfinished(), None);
        assert_eq!(Query::parse("slow \"quer\"").unfinished(), None);
        assert_eq!(Query::parse("slow company:x").unfinished(), None);
    }
}
