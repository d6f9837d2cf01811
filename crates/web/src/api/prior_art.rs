//! `/api/prior-art`

use axum::extract::State;
use axum::response::Response;
use backissue_model::ConceptSlug;
use backissue_search::Search;
use serde::Serialize;

use crate::api::answer::live;
use crate::api::search::{ApiMatch, Indexing};
use crate::fault::Fault;
use crate::frame::Frame;
use crate::pages::look_up;
use crate::question::Question;

#[derive(Serialize)]
struct Answer {
    query: String,
    ways: Vec<ApiWay>,
    notes: Vec<String>,
    words_only: bool,
    indexing: Option<Indexing>,
}

#[derive(Serialize)]
struct ApiWay {
    concept: Option<ConceptSlug>,
    items: Vec<ApiMatch>,
}

pub(super) async fn prior_art(
    frame: Frame,
    question: Question,
    State(search): State<Search>,
) -> Result<Response, Fault> {
    let found = look_up(&search, &question, None).await?;
    let has_words = found.query.has_words();
    let ways = found.ways.into_iter().map(|way| ApiWay {
        concept: way.concept,
        items: way.reads.into_iter().map(|found| ApiMatch::of(found, has_words).shown(&frame)).collect(),
    });
    live(&Answer {
        ways: ways.collect(),
        query: found.query.to_string(),
        notes: found.query.notes().to_vec(),
        words_only: found.words_only.is_some(),
        indexing: found.missing.map(Indexing::from),
    })
}
