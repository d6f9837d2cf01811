//! `/api/v1/search`, `/api/v1/prior-art`, `/api/v1/reads/{id}/similar`

use axum::extract::{Path, State};
use axum::response::Response;
use backissue_model::ConceptSlug;
use backissue_search::{Asked, CANDIDATES, Correction, Count, Match, PRIOR_ART_MAX, Query};
use backissue_store::ReadSummary;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::answer::kept;
use crate::api::names::one_of;
use crate::api::search::{ApiPassage, Indexing, why};
use crate::api::v1::request::{Fields, List, Page, Paged, Params, limit};
use crate::api::v1::shapes::Read;
use crate::fault::Fault;
use crate::freshness::kept_if;
use crate::read_address::read_id;
use crate::readers::Visitor;
use crate::{App, question, vocabulary};

/// Most characters of a question. As many of four bytes are the search's own limit.
const QUESTION_MAX: usize = 500;

/// A read that answers a question.
#[derive(Serialize, ToSchema)]
pub(super) struct FoundRead {
    #[serde(flatten)]
    read: Read,
    /// How well it answers; comparable within one answer only.
    score: f32,
    /// Why it was found: by its `words`, by its `meaning`, by `both`, or by a `filter` alone.
    #[schema(schema_with = reasons)]
    why: &'static str,
    /// The similarity in meaning, -1 to 1. Null if it is too low to count.
    similarity: Option<f32>,
    /// The passage of the article with most words of the question.
    passage: Option<ApiPassage>,
}

fn reasons() -> utoipa::openapi::schema::Object {
    one_of(["words", "meaning", "both", "filter"])
}

impl FoundRead {
    fn of(found: Match, has_words: bool, shows_articles: bool) -> Self {
        let Match { read, ranked, passage } = found;
        Self {
            read: Read::of(ReadSummary { card: read.card, precis: read.precis }, shows_articles),
            score: ranked.score,
            why: why(&ranked, has_words),
            similarity: ranked.similarity,
            passage: passage.filter(|_| shows_articles).map(ApiPassage::from),
        }
    }
}

/// The reads that answer a question, best first.
#[derive(Serialize, ToSchema)]
struct FoundReads {
    /// The question as it was understood.
    query: String,
    /// Reads on all pages. A question in words finds at most 200.
    total: u64,
    #[schema(value_type = Vec<FoundRead>)]
    items: Vec<Value>,
    /// The cursor of the next page. Null at the end.
    next: Option<String>,
    facets: Counts,
    /// Words that are in no read, and what was searched instead.
    corrections: Vec<Typed>,
    /// What has to be known about the question.
    notes: Vec<String>,
    /// Why the meaning was not searched, if an embedding server did not answer.
    words_only: Option<String>,
    /// How much of the archive is in the index, while it is built.
    indexing: Option<Indexing>,
}

/// Counts over the reads that answer a question.
#[derive(Serialize, ToSchema)]
struct Counts {
    companies: Vec<ValueCount>,
    concepts: Vec<ValueCount>,
    kinds: Vec<ValueCount>,
    forms: Vec<ValueCount>,
    years: Vec<ValueCount>,
}

/// A value with its reads.
#[derive(Serialize, ToSchema)]
struct ValueCount {
    value: String,
    reads: u64,
}

fn counts<T: ToString>(counts: &[Count<T>]) -> Vec<ValueCount> {
    counts.iter().map(|count| ValueCount { value: count.value.to_string(), reads: count.reads }).collect()
}

/// A word that is in no read.
#[derive(Serialize, ToSchema)]
struct Typed {
    typed: String,
    /// What was searched instead.
    instead: Vec<String>,
}

impl From<&Correction> for Typed {
    fn from(correction: &Correction) -> Self {
        Self { typed: correction.typed.clone(), instead: correction.instead.clone() }
    }
}

/// The parameters of a search.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Searched {
    /// The problem in words, with filters such as `company:`, `concept:`, `kind:`, `form:`,
    /// `week:`, `before:`, `"a phrase"`, `-without`; for readers also `is:` and `label:`. With
    /// filters alone, the newest reads come first.
    #[param(max_length = 500, example = "one customer slows everyone")]
    q: Option<String>,
    /// Most reads to return; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next` of the page before, for the same question.
    cursor: Option<String>,
    /// Only these fields of each read, separated by commas.
    fields: Option<String>,
}

/// The parameters of prior art.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ArtSearched {
    /// The problem in a sentence.
    #[param(max_length = 500, example = "cache stampede after a deploy")]
    q: String,
    /// Most reads to return; 15 if left out.
    #[param(minimum = 1, maximum = 30)]
    limit: Option<u32>,
}

/// The text of a question, as this visitor may ask it.
fn question(typed: &str, shows_articles: bool) -> Result<String, Fault> {
    if typed.chars().count() > QUESTION_MAX {
        return Err(Fault::BadAddress(format!("“q” has at most {QUESTION_MAX} characters; shorten it")));
    }
    Ok(question::allowed(typed, shows_articles))
}

/// Reads that answer a question, best first.
#[utoipa::path(get, path = "/api/v1/search", operation_id = "search_reads", tag = "Search", params(Searched), responses((status = 200, body = FoundReads)))]
pub(super) async fn search(
    Params(given): Params<Searched>,
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let shows_articles = visitor.sees_articles(&app);
    let text = question(given.q.as_deref().unwrap_or_default(), shows_articles)?;
    let limit = given.limit.or(Some(20));
    let page = Page::of::<FoundRead>(
        format!("search {text}"),
        &Paged { limit, cursor: given.cursor, fields: given.fields },
    )?;
    let skip = page.after.as_deref().map_or(Ok(0), str::parse::<usize>).map_err(|_| Fault::ForeignCursor)?;
    if skip > CANDIDATES {
        return Err(Fault::ForeignCursor);
    }
    let size = page.limit as usize;
    let asked = Asked { text, skip, limit: size, reader: visitor.reader, ..Asked::default() };
    let is_empty = asked.text.trim().is_empty();
    let found = app.search.find(&asked).await?;
    let mut notes = found.query.notes().to_vec();
    if is_empty {
        notes.push("There is no question; say the problem in “q”.".to_owned());
    }
    let listed = usize::try_from(found.total).unwrap_or(usize::MAX).min(CANDIDATES);
    let next = (skip + size < listed).then(|| (skip + size).to_string());
    let (has_words, is_whole) = (found.query.has_words(), found.is_whole());
    let items =
        found.matches.into_iter().map(|read| FoundRead::of(read, has_words, shows_articles)).collect();
    let List { items, next } = page.list(items, next)?;
    let answer = FoundReads {
        query: found.query.to_string(),
        total: found.total,
        items,
        next,
        facets: Counts {
            companies: counts(&found.facets.companies),
            concepts: counts(&found.facets.concepts),
            kinds: counts(&found.facets.kinds),
            forms: counts(&found.facets.forms),
            years: counts(&found.facets.years),
        },
        corrections: found.corrections.iter().map(Typed::from).collect(),
        notes,
        words_only: found.words_only,
        indexing: found.missing.map(Indexing::from),
    };
    Ok(kept_if(is_whole, kept(&answer)?))
}

/// Who had a problem, what each did, and the outcome.
#[derive(Serialize, ToSchema)]
struct PriorArt {
    /// The question as it was understood.
    query: String,
    /// The approaches; the one with the best read comes first. Empty if nothing is close enough.
    approaches: Vec<Approach>,
    /// What has to be known about the question.
    notes: Vec<String>,
    /// Why the meaning was not searched, if an embedding server did not answer.
    words_only: Option<String>,
    /// How much of the archive is in the index, while it is built.
    indexing: Option<Indexing>,
}

/// Reads with the same approach.
#[derive(Serialize, ToSchema)]
struct Approach {
    /// The concept that its reads share. Null for reads that share none.
    #[schema(value_type = Option<String>)]
    concept: Option<ConceptSlug>,
    /// The concept's name.
    name: Option<String>,
    /// The reads, best first.
    reads: Vec<FoundRead>,
}

/// Who had a problem, what each did, and the outcome, grouped by approach.
#[utoipa::path(get, path = "/api/v1/prior-art", operation_id = "find_prior_art", tag = "Search", params(ArtSearched), responses((status = 200, body = PriorArt)))]
pub(super) async fn prior_art(
    Params(given): Params<ArtSearched>,
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let most = limit(given.limit, 15, PRIOR_ART_MAX as u32)? as usize;
    let shows_articles = visitor.sees_articles(&app);
    let text = question(&given.q, shows_articles)?;
    if text.trim().is_empty() {
        let notes = vec!["There is no question; say the problem in “q”.".to_owned()];
        let query = Query::parse("").to_string();
        return kept(&PriorArt { query, approaches: Vec::new(), notes, words_only: None, indexing: None });
    }
    let found = app.search.prior_art(&text, most, visitor.reader).await?;
    let (has_words, is_whole) = (found.query.has_words(), found.is_whole());
    let approaches = found.ways.into_iter().map(|way| Approach {
        name: way.concept.as_ref().map(vocabulary::name),
        concept: way.concept,
        reads: way.reads.into_iter().map(|read| FoundRead::of(read, has_words, shows_articles)).collect(),
    });
    let answer = PriorArt {
        approaches: approaches.collect(),
        query: found.query.to_string(),
        notes: found.query.notes().to_vec(),
        words_only: found.words_only,
        indexing: found.missing.map(Indexing::from),
    };
    Ok(kept_if(is_whole, kept(&answer)?))
}

/// The parameters of similar reads.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SimilarTo {
    /// Most reads to return; 5 if left out.
    #[param(minimum = 1, maximum = 50)]
    limit: Option<u32>,
    /// Only these fields of each read, separated by commas.
    fields: Option<String>,
}

/// Other reads with the same problem, other companies first. There is one page.
#[utoipa::path(get, path = "/api/v1/reads/{id}/similar", operation_id = "find_similar", tag = "Search",
    params(("id" = i64, Path, description = "The read's number.", minimum = 1), SimilarTo), responses((status = 200, body = List<FoundRead>)))]
pub(super) async fn similar(
    Path(id): Path<String>,
    Params(given): Params<SimilarTo>,
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let most = limit(given.limit, 5, 50)?;
    let fields = Fields::of::<FoundRead>(given.fields.as_deref())?;
    let card = app.store.card(read_id(&id)?).await?.ok_or(Fault::NoSuchRead)?;
    let shows_articles = visitor.sees_articles(&app);
    let found = app.search.others_with(card.id, most as usize).await?;
    let items = found.into_iter().map(|found| fields.chosen(&FoundRead::of(found, true, shows_articles)));
    kept(&List { items: items.collect::<Result<Vec<_>, _>>()?, next: None })
}
