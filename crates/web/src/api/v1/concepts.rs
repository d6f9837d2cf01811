//! `/api/v1/concepts`

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use backissue_model::ConceptSlug;
use backissue_store::Store;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::answer::kept;
use crate::api::v1::request::{Fields, List, Page, Paged, Params, Single};
use crate::api::week::ApiCard;
use crate::fault::Fault;
use crate::pages::STARTS;
use crate::readers::Visitor;
use crate::{App, vocabulary};

/// A concept by name.
#[derive(Serialize, ToSchema)]
pub(super) struct ConceptName {
    slug: String,
    name: String,
    /// What it is, in one line. Null if the vocabulary has it no longer.
    definition: Option<String>,
}

impl ConceptName {
    pub(super) fn of(slug: &ConceptSlug) -> Self {
        Self {
            slug: slug.to_string(),
            name: vocabulary::name(slug),
            definition: vocabulary::concept(slug).map(|concept| concept.definition.clone()),
        }
    }
}

/// A concept with its reads.
#[derive(Serialize, ToSchema)]
struct Concept {
    #[serde(flatten)]
    name: ConceptName,
    /// The slug of the broader concept.
    parent: Option<String>,
    /// Reads with it.
    reads: u64,
    /// The path of its page.
    path: String,
}

impl Concept {
    fn of(slug: &ConceptSlug, reads: u64) -> Self {
        let known = vocabulary::concept(slug);
        Self {
            name: ConceptName::of(slug),
            parent: known.and_then(|concept| concept.parent.as_ref()).map(ToString::to_string),
            reads,
            path: format!("/concept/{slug}"),
        }
    }
}

/// A concept with the concepts around it.
#[derive(Serialize, ToSchema)]
struct WholeConcept {
    #[serde(flatten)]
    concept: Concept,
    /// Other names that articles use for it.
    aliases: Vec<String>,
    /// The concepts above it, the nearest one first.
    above: Vec<ConceptName>,
    /// The concepts directly below it.
    below: Vec<ConceptName>,
    /// The reads whose problem and outcome are most certain.
    start_here: Vec<ApiCard>,
}

/// All concepts of the vocabulary and of reads, by slug.
#[utoipa::path(get, path = "/api/v1/concepts", operation_id = "list_concepts", tag = "Concepts", params(Paged), responses((status = 200, body = List<Concept>)))]
pub(super) async fn list(
    Params(given): Params<Paged>,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let page = Page::of::<Concept>("concepts", &given)?;
    let known = vocabulary::all().iter().map(|concept| (concept.slug.clone(), 0));
    let mut counts: BTreeMap<ConceptSlug, u64> = known.collect();
    counts.extend(store.concepts().await?);
    let concepts = counts.iter().map(|(slug, reads)| Concept::of(slug, *reads)).collect();
    kept(&page.cut(concepts, |concept: &Concept| concept.name.slug.clone())?)
}

/// One concept. Its reads are in `/api/v1/reads?concept=`.
#[utoipa::path(get, path = "/api/v1/concepts/{slug}", operation_id = "get_concept", tag = "Concepts",
    params(("slug" = String, Path, description = "The concept's slug.", example = "caching", min_length = 1), Single),
    responses((status = 200, body = WholeConcept)))]
pub(super) async fn one(
    Path(slug): Path<String>,
    Params(given): Params<Single>,
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let fields = Fields::of::<WholeConcept>(given.fields.as_deref())?;
    let unknown = || Fault::NoSuchConcept(slug.clone());
    let slug: ConceptSlug = slug.parse().map_err(|_| unknown())?;
    let (counts, starts) = tokio::try_join!(app.store.concepts(), app.store.start_with(&slug, STARTS))?;
    let reads = counts.iter().find(|(other, _)| *other == slug).map_or(0, |(_, reads)| *reads);
    let known = vocabulary::concept(&slug);
    if known.is_none() && reads == 0 {
        return Err(unknown());
    }
    let parent = |slug: &ConceptSlug| vocabulary::concept(slug).and_then(|concept| concept.parent.as_ref());
    let below = vocabulary::all().iter().filter(|other| other.parent.as_ref() == Some(&slug));
    let shows_articles = visitor.sees_articles(&app);
    kept(&fields.chosen(&WholeConcept {
        concept: Concept::of(&slug, reads),
        aliases: known.map(|concept| concept.aliases.clone()).unwrap_or_default(),
        above: std::iter::successors(parent(&slug), |slug| parent(slug)).map(ConceptName::of).collect(),
        below: below.map(|concept| ConceptName::of(&concept.slug)).collect(),
        start_here: starts.into_iter().map(|card| ApiCard::from(card).shown(shows_articles)).collect(),
    })?)
}
