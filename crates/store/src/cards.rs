//! The types of lists and pages.

use std::fmt;
use std::str::FromStr;

use backissue_model::{
    Article, ConceptSlug, Correction, Form, Kind, Precis, ReadId, ReaderId, Slug, SourceId, Week,
};
use jiff::Timestamp;
use url::Url;

use crate::asking::Refused;

/// A read in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadCard {
    /// Its row.
    pub id: ReadId,
    /// Its title as a slug.
    pub slug: Slug,
    /// Its title, or its address if it has none.
    pub title: String,
    /// The article's address.
    pub url: Url,
    /// The first source that named it.
    pub source: SourceId,
    /// That source's slug.
    pub source_slug: Slug,
    /// That source's title.
    pub source_title: String,
    /// The company behind that source.
    pub company: String,
    /// Its author.
    pub author: Option<String>,
    /// Its publication date, if known. It may be in the future.
    pub published: Option<Timestamp>,
    /// When the archive first saw it.
    pub first_seen: Timestamp,
    /// The time under which it is filed: its publication date, or the time when it was first seen
    /// if the date is unknown or in the future.
    pub filed_at: Timestamp,
    /// When what the archive says of it last changed: it was corrected, or annotated again.
    pub revised_at: Option<Timestamp>,
    /// The week under which it is filed.
    pub week: Week,
    /// The kind of post.
    pub kind: Kind,
    /// The problem, if it is likely enough to show.
    pub problem: Option<String>,
    /// Whether the problem is sure enough to be shown above the title.
    pub problem_leads: bool,
    /// Whose words the problem uses.
    pub problem_form: Form,
    /// The page's own description as plain text, at most 300 characters.
    pub description: Option<String>,
    /// Minutes to read it.
    pub minutes: u32,
    /// Its concepts, best first.
    pub concepts: Vec<ConceptSlug>,
}

impl ReadCard {
    /// The sureness of its problem in words for people: "problem: sure", "problem: likely". `None`
    /// if it has no problem.
    pub fn level(&self) -> Option<&'static str> {
        self.problem.as_ref().map(|_| match (self.problem_form, self.problem_leads) {
            (Form::Corrected, _) => "problem: corrected by a person",
            (_, true) => "problem: sure",
            (_, false) => "problem: likely",
        })
    }
}

/// A complete read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadPage {
    /// Its fields in lists.
    pub card: ReadCard,
    /// Its article.
    pub article: Article,
    /// Its précis.
    pub precis: Precis,
    /// Fields that a language model wrote for it and the checks refused.
    pub refused: Vec<Refused>,
    /// The fields that a person corrected.
    pub corrected: Vec<Corrected>,
    /// The sources that name it, the first one first.
    pub places: Vec<Place>,
    /// When its page was fetched.
    pub fetched_at: Timestamp,
    /// The last date of change that a source gave.
    pub updated: Option<Timestamp>,
    /// When a limit removed the article's HTML ([`Store::prune`](crate::Store::prune)). Its text
    /// stays.
    pub html_gone_at: Option<Timestamp>,
}

/// A corrected field of a read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Corrected {
    /// What a person says.
    #[serde(flatten)]
    pub correction: Correction,
    /// When the person corrected it.
    pub at: Timestamp,
    /// The program's own value, in the same form. Empty if it has none.
    pub said: String,
}

/// A read as lists show it, with its précis.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadSummary {
    /// The fields that lists show.
    pub card: ReadCard,
    /// Its précis.
    pub precis: Precis,
}

impl From<ReadPage> for ReadSummary {
    fn from(ReadPage { card, precis, .. }: ReadPage) -> Self {
        Self { card, precis }
    }
}

/// A source that names a read.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The source's slug.
    pub source_slug: Slug,
    /// The source's title.
    pub source_title: String,
    /// The address in that source.
    pub url: Url,
}

/// Which reads a list contains; all conditions apply. A page filtered by source and concept costs
/// up to the number of reads of the smaller of the two. A page filtered by week and something else
/// costs up to the number of reads of the week. One filtered by form and something else costs up to
/// the number of reads with the form, or with the other, whichever are fewer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadFilter {
    /// Only of this week.
    pub week: Option<Week>,
    /// Only those that this source names.
    pub source: Option<SourceId>,
    /// Only those with this concept.
    pub concept: Option<ConceptSlug>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only those whose problem has this form.
    pub form: Option<Form>,
    /// Only those that match this reader's marks and notes. A page of unread reads also costs the
    /// reads of the list that are not unread. Without a week, other pages cost all that the reader
    /// kept, finished, noted or hid.
    pub mine: Option<(ReaderId, Mine)>,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Reads with a problem before those without, newest first in each group.
    #[default]
    ProblemsFirst,
    /// Newest first.
    Newest,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Where the next page starts. `None` at the end.
    pub next: Option<Cursor>,
}

/// A position in a list, after one of its reads. Its text has only letters, digits and `-`. The
/// format may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) has_problem: bool,
    pub(crate) filed_at: i64,
    pub(crate) id: i64,
}

/// The text is not a cursor of this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` marks no place in a list; go back to the list's beginning")]
pub struct CursorError(pub(crate) String);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The sign is in the lowest bit, so that the cursor contains no minus.
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
    /// Number of reads.
    pub reads: u64,
    /// Number of reads with a problem.
    pub problems: u64,
}

/// Values by which a list can be filtered, with counts, most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// Sources: slug, title, reads.
    pub sources: Vec<(Slug, String, u64)>,
    /// Concepts with their reads.
    pub concepts: Vec<(ConceptSlug, u64)>,
    /// Kinds with their reads.
    pub kinds: Vec<(Kind, u64)>,
    /// Forms of the problem with their reads.
    pub forms: Vec<(Form, u64)>,
}

/// A selection of reads by the reader's marks and notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mine {
    /// Reads that are neither done nor hidden.
    Unread,
    /// Kept reads.
    Kept,
    /// Done reads.
    Done,
    /// Reads with a note.
    Noted,
    /// Hidden reads.
    Hidden,
}

/// A condition on the read `r`: the reader `$1` does not hide it.
pub(crate) const NOT_HIDDEN: &str = "NOT EXISTS (SELECT 1 FROM mark h WHERE h.reader_id = $1 AND h.read_id = r.id AND h.hidden_at IS NOT NULL)";

impl Mine {
    /// The table `x` with a row of each reader for each of these reads, and the condition on the
    /// row. `None` for [`Mine::Unread`], which is what no row says.
    pub(crate) fn told_by(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Unread => None,
            Self::Kept => Some(("mark", "x.kept_at IS NOT NULL")),
            Self::Done => Some(("mark", "x.done_at IS NOT NULL")),
            Self::Noted => Some(("note", "x.text <> ''")),
            Self::Hidden => Some(("mark", "x.hidden_at IS NOT NULL")),
        }
    }

    /// A condition on the read whose id is in `column`, with the reader's id at `$parameter`.
    pub(crate) fn condition(self, column: &str, parameter: usize) -> String {
        let of = |table: &str, and: &str| {
            format!(
                "EXISTS (SELECT 1 FROM {table} x WHERE x.reader_id = ${parameter} AND x.read_id = {column} AND {and})"
            )
        };
        match self.told_by() {
            Some((table, and)) => of(table, and),
            None => format!("NOT {}", of("mark", "(x.done_at IS NOT NULL OR x.hidden_at IS NOT NULL)")),
        }
    }
}

/// The text is not the name of a [`Mine`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not something you do with reads; write unread, kept, done, noted or hidden")]
pub struct UnknownMine(String);

backissue_model::names! {
    Mine, UnknownMine:
    Unread = "unread", Kept = "kept", Done = "done", Noted = "noted", Hidden = "hidden",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_round_trips_through_text() {
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
    fn foreign_cursor_is_refused() {
        for text in ["", "p", "p1", "x1-2", "p1-", "p-1", "p+1-2", "pzz-1", "p1-ffffffffffffffff", "é1-2"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
