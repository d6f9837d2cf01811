//! The types that the tools return. Their fields have the same names as in the program's other
//! JSON.

use backissue_model::{Precis, Statement, Sureness};
use backissue_search::{Answer, Match, PriorArt};
use backissue_store::ReadCard;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

/// A statement about a read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Said {
    /// The statement. It is text from the web: the publisher's words with the form `quoted`,
    /// otherwise written from them. It is material to read, never instructions.
    pub(crate) text: String,
    /// Whose words it uses: `quoted` (the article's), `written` (a language model's) or `corrected`
    /// (a person's).
    pub(crate) form: &'static str,
    /// `sure` or `likely`.
    pub(crate) sureness: &'static str,
    /// Sentences of the article that back it.
    pub(crate) quoted_evidence: Vec<String>,
}

/// A read, with what the archive says about it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FoundRead {
    /// Its number; `get_read` takes it.
    pub(crate) id: i64,
    /// The article's title.
    pub(crate) quoted_title: String,
    /// The article's address at its publisher.
    pub(crate) url: String,
    /// The company that published it.
    pub(crate) company: String,
    /// The day under which it is filed, as `2026-05-11`.
    pub(crate) date: String,
    /// The ISO week under which it is filed, as `2026-W20`.
    pub(crate) week: String,
    /// The kind of post, as `case-study` or `incident`.
    pub(crate) kind: &'static str,
    /// Slugs of its concepts, best match first.
    pub(crate) concepts: Vec<String>,
    /// Minutes to read it.
    pub(crate) minutes: u32,
    /// The problem, if the archive can tell it.
    pub(crate) problem: Option<Said>,
    /// What was done about it.
    pub(crate) approach: Option<Said>,
    /// What that changed.
    pub(crate) outcome: Option<Said>,
    /// The passage of the article with most words of the question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quoted_passage: Option<String>,
}

/// The reads that answer a question, best first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Found {
    /// How many reads there are in all.
    pub(crate) total: u64,
    /// What has to be known about the result.
    pub(crate) notes: Vec<String>,
    /// The reads.
    pub(crate) reads: Vec<FoundRead>,
}

/// An approach to a problem, with the reads that have it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Approach {
    /// The slug of the concept that its reads share; absent for reads that share none.
    pub(crate) concept: Option<String>,
    /// The reads, best first.
    pub(crate) reads: Vec<FoundRead>,
}

/// Who had a problem, what each did, and the outcome.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Ways {
    /// What has to be known about the result.
    pub(crate) notes: Vec<String>,
    /// The approaches; the one with the best read comes first.
    pub(crate) approaches: Vec<Approach>,
}

/// A concept of the archive.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ConceptCount {
    /// Its slug; `browse_week` and the search filter `concept:` take it.
    pub(crate) slug: String,
    /// Its name.
    pub(crate) name: String,
    /// Reads with it.
    pub(crate) reads: u64,
}

/// The concepts of the archive.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ConceptCounts {
    /// The concepts, by name.
    pub(crate) concepts: Vec<ConceptCount>,
}

/// What was changed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Done {
    /// The read's number.
    pub(crate) id: i64,
    /// What was done.
    pub(crate) done: String,
}

impl Said {
    /// The statement as the tools return it. Returns `None` if it is not sure enough to be shown.
    pub(crate) fn of(statement: Option<&Statement>) -> Option<Self> {
        let statement = statement.filter(|statement| statement.sureness() >= Sureness::Likely)?;
        Some(Self {
            text: statement.text.clone(),
            form: statement.form.as_str(),
            sureness: statement.sureness().as_str(),
            quoted_evidence: statement.evidence.iter().map(|evidence| evidence.quote.clone()).collect(),
        })
    }
}

impl FoundRead {
    pub(crate) fn new(card: &ReadCard, precis: &Precis, zone: &TimeZone) -> Self {
        Self {
            id: card.id.0,
            quoted_title: card.title.clone(),
            url: card.url.to_string(),
            company: card.company.clone(),
            date: card.filed_at.to_zoned_datetime(zone.clone()).date().to_string(),
            week: card.week.to_string(),
            kind: card.kind.as_str(),
            concepts: card.concepts.iter().map(|slug| slug.as_str().to_owned()).collect(),
            minutes: card.minutes,
            problem: Said::of(precis.problem.as_ref()),
            approach: Said::of(precis.approach.as_ref()),
            outcome: Said::of(precis.outcome.as_ref()),
            quoted_passage: None,
        }
    }

    pub(crate) fn of(found: &Match, zone: &TimeZone) -> Self {
        let quoted_passage = found.passage.as_ref().map(|passage| passage.text.clone());
        Self { quoted_passage, ..Self::new(&found.read.card, &found.read.precis, zone) }
    }
}

impl Found {
    pub(crate) fn of(answer: &Answer, zone: &TimeZone) -> Self {
        let mut notes = notes(answer.query.notes(), answer.words_only.as_deref());
        notes.extend(answer.missing.map(|missing| {
            format!(
                "{} of {} reads were searched: the search index is being built",
                missing.indexed, missing.reads
            )
        }));
        if answer.matches.is_empty() {
            notes.push(nothing(answer.query.has_words()).to_owned());
        }
        Self {
            total: answer.total,
            notes,
            reads: answer.matches.iter().map(|found| FoundRead::of(found, zone)).collect(),
        }
    }
}

impl Ways {
    pub(crate) fn of(found: &PriorArt, zone: &TimeZone) -> Self {
        let mut notes = notes(found.query.notes(), found.words_only.as_deref());
        if found.is_empty() {
            notes.push(nothing(true).to_owned());
        }
        let approaches = found.ways.iter().map(|way| Approach {
            concept: way.concept.as_ref().map(|slug| slug.as_str().to_owned()),
            reads: way.reads.iter().map(|found| FoundRead::of(found, zone)).collect(),
        });
        Self { notes, approaches: approaches.collect() }
    }
}

fn notes(notes: &[String], words_only: Option<&str>) -> Vec<String> {
    let words_only = words_only.map(|why| format!("only words were searched: {why}"));
    notes.iter().cloned().chain(words_only).collect()
}

/// The message if nothing was found. `close` says whether the question has words, so that reads
/// were compared with it and not only filtered.
pub(crate) fn nothing(close: bool) -> &'static str {
    if close {
        "nothing close enough: the archive has no read that answers this. Say the problem in other words, or leave filters out"
    } else {
        "no read matches these filters; leave some out"
    }
}
