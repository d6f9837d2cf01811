//! The input of the index for a read.

use backissue_model::{ConceptSlug, Fingerprint, Form, Kind, ReadId, Slug, Week};
use backissue_store::ReadText;
use jiff::Timestamp;

use crate::meaning::Embedding;

/// A read as input of the index.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its row in the archive.
    pub id: ReadId,
    /// Its title.
    pub title: String,
    /// The company behind its blog.
    pub company: String,
    /// The slugs of its sources, the first one first.
    pub sources: Vec<Slug>,
    /// The kind of post.
    pub kind: Kind,
    /// The week under which it is filed.
    pub week: Week,
    /// Its publication date, or the time when it was first seen.
    pub filed_at: Timestamp,
    /// The problem.
    pub problem: Option<String>,
    /// The form of the problem. `None` without a problem.
    pub form: Option<Form>,
    /// How the problem was solved.
    pub approach: Option<String>,
    /// What changed.
    pub outcome: Option<String>,
    /// The page's own description.
    pub description: Option<String>,
    /// Its concepts, best first.
    pub concepts: Vec<ConceptSlug>,
    /// The technologies it names.
    pub technologies: Vec<String>,
    /// The article as plain text, with empty lines between blocks.
    pub text: String,
    /// The fingerprint of the text, so that an answer has an article only once. `None` if the text
    /// is too short.
    pub fingerprint: Option<Fingerprint>,
    /// The précis's confidence in the problem, 0 to 1; 0 without a problem.
    pub confidence: f32,
    /// Its embeddings, at most two, all from one embedder (see [`meanings`]). Empty if
    /// nothing could be embedded.
    pub vectors: Vec<Vec<i8>>,
}

/// Number of words at an article's beginning that represent it.
const BEGINNING: usize = 60;

/// The two texts that represent a read's meaning: its title with its problem, and its title with
/// the article's beginning. Many combinations of problem, approach, description and beginning were
/// tried, with and without title. These two gave the best results, with the built-in embedder and
/// with the model from which it was distilled (docs/BENCHMARKS.md).
pub fn meanings(read: &ReadText) -> [Option<String>; 2] {
    let title = read.card.title.trim_end_matches('.');
    let problem = read.precis.problem.as_ref();
    let problem = problem.map(|problem| meaning_of_problem(&read.card.title, &problem.text));
    let beginning: Vec<&str> = read.text.split_whitespace().take(BEGINNING).collect();
    [problem, Some(format!("{title}. {}", beginning.join(" ")))]
}

/// The text that represents a read's problem.
pub(crate) fn meaning_of_problem(title: &str, problem: &str) -> String {
    format!("{}. {problem}", title.trim_end_matches('.'))
}

/// A read as a document, with the vectors of its two texts.
pub(crate) fn document(read: &ReadText, vectors: [Option<Embedding>; 2]) -> Document {
    let ReadText { card, precis, text, fingerprint, sources } = read;
    let statement =
        |statement: &Option<backissue_model::Statement>| statement.as_ref().map(|s| s.text.clone());
    Document {
        id: ReadId(card.id.0),
        title: card.title.clone(),
        company: card.company.clone(),
        sources: sources.clone(),
        kind: card.kind,
        week: card.week,
        filed_at: card.filed_at,
        problem: statement(&precis.problem),
        form: precis.problem.as_ref().map(|problem| problem.form),
        approach: statement(&precis.approach),
        outcome: statement(&precis.outcome),
        description: card.description.clone(),
        concepts: precis.concepts.clone(),
        technologies: precis.technologies.clone(),
        text: text.clone(),
        fingerprint: *fingerprint,
        confidence: precis.problem.as_ref().map_or(0.0, |problem| problem.confidence),
        vectors: vectors.into_iter().flatten().map(Embedding::into_bytes).collect(),
    }
}
