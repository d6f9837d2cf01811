//! What pages ask for and what they are given.

use std::fmt;
use std::str::FromStr;

use backissue_model::{Article, ConceptSlug, Form, Kind, Precis, ReadId, ReaderId, Slug, SourceId, Week};
use jiff::Timestamp;
use url::Url;

use crate::marks::Mine;

/// A read as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadCard {
    /// Its row.
    pub id: ReadId,
    /// Its title as the last part of an address.
    pub slug: Slug,
    /// Its title; its address where neither article nor entry has one.
    pub title: String,
    /// The article's address.
    pub url: Url,
    /// The source on which it turned up first.
    pub source: SourceId,
    /// That source's name in addresses.
    pub source_slug: Slug,
    /// That source's title.
    pub source_title: String,
    /// Whose blog that is.
    pub company: String,
    /// Who wrote it.
    pub author: Option<String>,
    /// When it was published, as far as anybody said; may lie in the future where a blog says so.
    pub published: Option<Timestamp>,
    /// When the archive first saw it.
    pub first_seen: Timestamp,
    /// The moment it is filed at: its publication, or when it was first seen where that is unknown or lies in the future.
    pub filed_at: Timestamp,
    /// The week it is filed under.
    pub week: Week,
    /// What sort of post it is.
    pub kind: Kind,
    /// The problem, if it is likely enough to be shown.
    pub problem: Option<String>,
    /// Whether the problem is sure enough to stand over the title.
    pub problem_leads: bool,
    /// How the problem's words came about.
    pub problem_form: Form,
    /// How the page describes itself, plain text of at most 300 characters.
    pub description: Option<String>,
    /// Minutes it takes to read.
    pub minutes: u32,
    /// Its concepts, best first.
    pub concepts: Vec<ConceptSlug>,
}

/// A read with all there is of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadPage {
    /// What lists show of it.
    pub card: ReadCard,
    /// Its article.
    pub article: Article,
    /// What the archive says of it.
    pub precis: Precis,
    /// The sources on which it turned up, the first one first.
    pub places: Vec<Place>,
    /// When its page was fetched.
    pub fetched_at: Timestamp,
    /// When a source last said that it was changed.
    pub updated: Option<Timestamp>,
}

/// A read as lists show it, with what the archive says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadSummary {
    /// What lists show of it.
    pub card: ReadCard,
    /// What the archive says of it.
    pub precis: Precis,
}

impl From<ReadPage> for ReadSummary {
    fn from(ReadPage { card, precis, .. }: ReadPage) -> Self {
        Self { card, precis }
    }
}

/// A source on which a read turned up.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The source's name in addresses.
    pub source_slug: Slug,
    /// The source's title.
    pub source_title: String,
    /// The address under which that source named the read.
    pub url: Url,
}

/// Which reads a list holds; all conditions apply at once. A page of those with a source and a concept costs up to the number
/// of reads that the smaller of the two has; one of a week and anything else, up to the week's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadFilter {
    /// Only of this week.
    pub week: Option<Week>,
    /// Only those that turned up on this source.
    pub source: Option<SourceId>,
    /// Only those with this concept.
    pub concept: Option<ConceptSlug>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only those with which this reader did this. Passes over the other reads of the list one by one.
    pub mine: Option<(ReaderId, Mine)>,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Reads with a problem before those without, newest first among each.
    #[default]
    ProblemsFirst,
    /// Newest first.
    Newest,
}

/// A stretch of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Where the next stretch begins; none at the end.
    pub next: Option<Cursor>,
}

/// A place in a list, after one of its reads. Its text is made of letters, digits and `-` only; what it means may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) has_problem: bool,
    pub(crate) filed_at: i64,
    pub(crate) id: i64,
}

/// A text that is no cursor of this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` marks no place in a list; go back to the list's beginning")]
pub struct CursorError(pub(crate) String);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The sign is folded into the lowest bit, so that no cursor has a minus of its own.
        let folded = (self.filed_at << 1) ^ (self.filed_at >> 63);
        write!(f, "{}{:x}-{:x}", if self.has_problem { 'p' } else { 'n' }, folded, self.id)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let parse = || {
            let (has_problem, rest) =
                text.strip_prefix('p').map(|r| (true, r)).or(text.strip_prefix('n').map(|r| (false, r)))?;
            let (filed, id) = rest.split_once('-')?;
            let hex = |s: &str| u64::from_str_radix(s, 16).ok().filter(|_| !s.starts_with('+'));
            let folded = hex(filed)?;
            let filed_at = (folded >> 1) as i64 ^ -((folded & 1) as i64);
            Some(Self { has_problem, filed_at, id: i64::try_from(hex(id)?).ok()? })
        };
        parse().ok_or_else(|| CursorError(text.to_owned()))
    }
}

/// A week that has reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekCount {
    /// The week.
    pub week: Week,
    /// Its reads.
    pub reads: u64,
    /// Those of them that have a problem.
    pub problems: u64,
}

/// How a list could be narrowed: what its reads have, with counts, the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// Sources: name in addresses, title, reads.
    pub sources: Vec<(Slug, String, u64)>,
    /// Concepts with their reads.
    pub concepts: Vec<(ConceptSlug, u64)>,
    /// Kinds with their reads.
    pub kinds: Vec<(Kind, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_an_address() {
        for filed_at in [0, 1, -1, 1_700_000_000_000, i64::MIN, i64::MAX] {
            for has_problem in [true, false] {
                let cursor = Cursor { has_problem, filed_at, id: 42 };
                let text = cursor.to_string();
                assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{text}");
                assert_eq!(text.parse(), Ok(cursor));
            }
        }
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        for text in ["", "p", "p1", "x1-2", "p1-", "p-1", "p+1-2", "pzz-1", "p1-ffffffffffffffff", "é1-2"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
