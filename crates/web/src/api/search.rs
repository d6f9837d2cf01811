//! `/api/search`

use std::ops::Range;

use axum::extract::State;
use axum::response::Response;
use backissue_model::Statement;
use backissue_search::{Asked, CANDIDATES, Count, Coverage, Facets, Match, Passage, Ranked, Search};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::api::answer::live;
use crate::api::week::ApiCard;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::question::{PAGE, Question, href};

/// A found read.
#[derive(Serialize)]
pub(super) struct ApiMatch {
    #[serde(flatten)]
    card: ApiCard,
    approach: Option<String>,
    outcome: Option<String>,
    /// The exact quotes of its problem's evidence.
    evidence: Vec<String>,
    score: f32,
    /// `words`, `meaning` or `both`; `filter` if the question has only filters.
    why: &'static str,
    similarity: Option<f32>,
    passage: Option<ApiPassage>,
}

/// A part of an article with words of the question.
#[derive(Serialize, ToSchema)]
#[schema(as = Passage)]
pub(super) struct ApiPassage {
    text: String,
    /// The question's words in the passage: for each the first byte and the byte after the last.
    #[schema(value_type = Vec<Vec<u64>>)]
    highlights: Vec<[usize; 2]>,
}

impl From<Passage> for ApiPassage {
    fn from(passage: Passage) -> Self {
        let highlights = passage.highlights.iter().map(|Range { start, end }| [*start, *end]).collect();
        Self { highlights, text: passage.text }
    }
}

/// Why a read was found; `has_words` says whether the question had words.
pub(super) fn why(ranked: &Ranked, has_words: bool) -> &'static str {
    match (has_words, ranked.by_words, ranked.similarity) {
        (false, ..) => "filter",
        (true, Some(_), Some(_)) => "both",
        (true, Some(_), None) => "words",
        (true, None, _) => "meaning",
    }
}

impl ApiMatch {
    /// A read with the reason; `has_words` says whether the question had words.
    pub(super) fn of(found: Match, has_words: bool) -> Self {
        let Match { read, ranked, passage } = found;
        let text = |statement: Option<Statement>| statement.map(|statement| statement.text);
        let evidence = read.precis.problem.iter().flat_map(|problem| &problem.evidence);
        Self {
            evidence: evidence.map(|evidence| evidence.quote.clone()).collect(),
            card: read.card.into(),
            approach: text(read.precis.approach),
            outcome: text(read.precis.outcome),
            score: ranked.score,
            why: why(&ranked, has_words),
            similarity: ranked.similarity,
            passage: passage.map(ApiPassage::from),
        }
    }
}

impl ApiMatch {
    /// What the visitor may see of it.
    pub(super) fn shown(self, frame: &Frame) -> Self {
        let passage = self.passage.filter(|_| frame.shows_articles);
        Self { card: self.card.shown(frame.shows_articles), passage, ..self }
    }
}

#[derive(Serialize)]
struct Answer {
    query: String,
    total: u64,
    items: Vec<ApiMatch>,
    facets: Value,
    corrections: Vec<Value>,
    notes: Vec<String>,
    /// Whether the meaning was not searched, because an embedding server did not answer.
    words_only: bool,
    /// How much of the archive is in the index, if it is incomplete.
    indexing: Option<Indexing>,
    /// The address of the next page, if there is one.
    next: Option<String>,
}

/// How complete the search index is.
#[derive(Serialize, ToSchema)]
pub(super) struct Indexing {
    /// Reads in the index.
    indexed: u64,
    /// Reads in the archive.
    reads: u64,
}

impl From<Coverage> for Indexing {
    fn from(Coverage { indexed, reads }: Coverage) -> Self {
        Self { indexed, reads }
    }
}

pub(super) async fn search(
    frame: Frame,
    question: Question,
    State(search): State<Search>,
) -> Result<Response, Fault> {
    let limit = question.limit.unwrap_or(PAGE);
    let skip = (question.page - 1) * limit;
    let asked = Asked { text: question.text.clone(), skip, limit, ..Asked::default() };
    let found = search.find(&asked).await?;
    let has_words = found.query.has_words();
    let listed = usize::try_from(found.total).unwrap_or(usize::MAX).min(CANDIDATES);
    let next = (skip + limit < listed).then(|| {
        let page = href("/api/search", &question.text, question.page + 1);
        question.limit.map_or(page.clone(), |limit| format!("{page}&limit={limit}"))
    });
    live(&Answer {
        query: found.query.to_string(),
        total: found.total,
        items: found.matches.into_iter().map(|found| ApiMatch::of(found, has_words).shown(&frame)).collect(),
        facets: facets(&found.facets),
        corrections: found
            .corrections
            .iter()
            .map(|correction| json!({ "typed": correction.typed, "instead": correction.instead }))
            .collect(),
        notes: found.query.notes().to_vec(),
        words_only: found.words_only.is_some(),
        indexing: found.missing.map(Indexing::from),
        next,
    })
}

fn facets(facets: &Facets) -> Value {
    fn listed<T: Serialize>(counts: &[Count<T>]) -> Vec<Value> {
        counts.iter().map(|count| json!({ "value": count.value, "reads": count.reads })).collect()
    }
    json!({
        "companies": listed(&facets.companies), "concepts": listed(&facets.concepts), "kinds": listed(&facets.kinds),
        "forms": listed(&facets.forms), "years": listed(&facets.years),
    })
}
