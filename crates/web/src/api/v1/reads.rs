//! `/api/v1/reads`

use std::collections::HashMap;

use axum::extract::{Path, State};
use axum::response::Response;
use backissue_model::{Form, Kind};
use backissue_store::{Corrected, Cursor, Mine, Order, Place, ReadCard, ReadFilter, ReadPage, Refused};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::answer::kept;
use crate::api::names::{form, kinds, one_of};
use crate::api::v1::concepts::ConceptName;
use crate::api::v1::request::{Fields, List, Page, Paged, Params, Single, week};
use crate::api::v1::shapes::Read;
use crate::fault::Fault;
use crate::narrowing::Narrowing;
use crate::parts::reads::href;
use crate::read_address::read_id;
use crate::readers::Visitor;
use crate::{App, vocabulary, words};

/// What narrows a list of reads.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Narrow {
    /// Only of this ISO week.
    #[param(pattern = r"^[0-9]{4}-W[0-9]{2}$", example = "2026-W20")]
    week: Option<String>,
    /// Only those that this source names, by its slug.
    #[param(min_length = 1)]
    source: Option<String>,
    /// Only those with this concept, by its slug or name.
    #[param(min_length = 1)]
    concept: Option<String>,
    /// Only of this kind.
    #[param(schema_with = kinds)]
    kind: Option<Kind>,
    /// Only those whose problem has this form.
    #[param(schema_with = form)]
    form: Option<Form>,
}

/// The parameters of a list of reads, with what narrows it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Narrowed {
    #[serde(flatten)]
    #[param(ignore)]
    narrow: Narrow,
    /// Only those with which the reader did this. It needs a reader.
    #[param(schema_with = shows)]
    show: Option<String>,
    /// `newest` first, or `problems-first`: reads with a problem before those without. Left out:
    /// `newest`.
    #[param(inline)]
    order: Option<Sorted>,
    /// Most reads to return; 50 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next` of the page before, from the same list with the same filters.
    cursor: Option<String>,
    /// Only these fields of each read, separated by commas.
    fields: Option<String>,
}

fn shows() -> utoipa::openapi::schema::Object {
    one_of(Mine::ALL.map(Mine::as_str))
}

/// The order of a list of reads.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Sorted {
    #[default]
    Newest,
    ProblemsFirst,
}

impl Narrow {
    async fn filter(&self, app: &App) -> Result<ReadFilter, Fault> {
        let week = self.week.as_deref().map(week).transpose()?;
        let given = [("source", &self.source), ("concept", &self.concept)];
        if let Some((name, _)) =
            given.iter().find(|(_, value)| value.as_ref().is_some_and(|v| v.trim().is_empty()))
        {
            return Err(Fault::BadAddress(format!("“{name}” is empty; leave it out, or name one")));
        }
        let given = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        let narrowing =
            Narrowing { kind: self.kind, form: self.form, ..Narrowing::of(&HashMap::from_iter(given))? };
        Ok(ReadFilter { week, ..narrowing.looked_up(&app.store).await?.0 })
    }
}

/// Reads, with filters.
#[utoipa::path(get, path = "/api/v1/reads", operation_id = "list_reads", tag = "Reads", params(Narrow, Narrowed), responses((status = 200, body = List<Read>)))]
pub(super) async fn list(
    Params(given): Params<Narrowed>,
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let Narrowed { narrow, show, order, limit, cursor, fields } = given;
    let order = match order.unwrap_or_default() {
        Sorted::Newest => Order::Newest,
        Sorted::ProblemsFirst => Order::ProblemsFirst,
    };
    let mut filter = narrow.filter(&app).await?;
    if let Some(show) = show {
        let mine: Mine =
            show.parse().map_err(|e: backissue_store::UnknownMine| Fault::BadAddress(e.to_string()))?;
        filter.mine = Some((visitor.reader.ok_or_else(|| app.readers.refusal())?, mine));
    }
    let page = Page::of::<Read>(format!("reads {filter:?} {order:?}"), &Paged { limit, cursor, fields })?;
    let after = page.after.as_deref().map(str::parse::<Cursor>).transpose();
    let after = after.map_err(|_| Fault::ForeignCursor)?;
    let found = app.store.summary_page(&filter, order, after.as_ref(), page.limit).await?;
    let shows_articles = visitor.sees_articles(&app);
    let items = found.items.into_iter().map(|read| Read::of(read, shows_articles)).collect();
    kept(&page.list(items, found.next.map(|next| next.to_string()))?)
}

/// By what a list of reads can be narrowed, with counts: the 60 most frequent values of each.
#[derive(Serialize, ToSchema)]
struct FacetCounts {
    sources: Vec<FacetCount>,
    concepts: Vec<FacetCount>,
    /// The kinds, whatever the filter's kind is.
    kinds: Vec<FacetCount>,
    /// The forms of the problem, whatever the filter's form is.
    forms: Vec<FacetCount>,
}

/// A value of a filter.
#[derive(Serialize, ToSchema)]
struct FacetCount {
    /// The value, as the filter takes it.
    value: String,
    /// Its name for people.
    name: String,
    /// Reads with it.
    reads: u64,
}

/// By what a list of reads can be narrowed further, with counts.
#[utoipa::path(get, path = "/api/v1/facets", operation_id = "count_facets", tag = "Reads", params(Narrow), responses((status = 200, body = FacetCounts)))]
pub(super) async fn facets(
    Params(narrow): Params<Narrow>,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let facets = app.store.facets(&narrow.filter(&app).await?).await?;
    let count = |value: String, name: String, reads| FacetCount { value, name, reads };
    kept(&FacetCounts {
        sources: facets
            .sources
            .into_iter()
            .map(|(slug, title, reads)| count(slug.to_string(), title, reads))
            .collect(),
        concepts: facets
            .concepts
            .into_iter()
            .map(|(slug, reads)| count(slug.to_string(), vocabulary::name(&slug), reads))
            .collect(),
        kinds: facets
            .kinds
            .into_iter()
            .map(|(kind, reads)| count(kind.to_string(), kind.name().to_owned(), reads))
            .collect(),
        forms: facets
            .forms
            .into_iter()
            .map(|(form, reads)| count(form.to_string(), words::form(form).to_owned(), reads))
            .collect(),
    })
}

/// A read with all that its page shows, apart from the article.
#[derive(Serialize, ToSchema)]
struct WholeRead {
    #[serde(flatten)]
    read: Read,
    /// Its concepts with their definitions.
    defined: Vec<ConceptName>,
    /// Words of the article.
    words: u32,
    /// The language of the article (BCP 47), if known.
    language: Option<String>,
    /// The name of the article's site.
    site_name: Option<String>,
    /// The sources that name it, the first one first.
    places: Vec<Copy>,
    /// What a person corrected.
    corrections: Vec<Correction>,
    /// What a language model wrote and the checks refused. It is not shown elsewhere.
    refused: Vec<Refusal>,
    /// When its page was fetched.
    #[schema(value_type = String, format = DateTime)]
    fetched_at: Timestamp,
    /// The last date of change that a source gave.
    #[schema(value_type = Option<String>, format = DateTime)]
    updated: Option<Timestamp>,
    /// The read before it on its week's page.
    previous: Option<Neighbour>,
    /// The read after it on its week's page.
    next: Option<Neighbour>,
    /// The path of its article. It takes `?format=`.
    article: String,
}

/// A source that names a read.
#[derive(Serialize, ToSchema)]
struct Copy {
    source: String,
    source_title: String,
    /// The address there.
    #[schema(format = "uri")]
    url: String,
}

/// A field of a read that a person corrected.
#[derive(Serialize, ToSchema)]
struct Correction {
    /// The field, as `problem` or `kind`.
    field: String,
    /// What the person says. Empty for nothing.
    text: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What the program said. Empty for nothing.
    said: String,
}

/// A field that a language model wrote and the checks refused.
#[derive(Serialize, ToSchema)]
struct Refusal {
    field: String,
    said: String,
    reason: String,
}

/// A read next to another one.
#[derive(Serialize, ToSchema)]
struct Neighbour {
    id: i64,
    title: String,
    path: String,
}

impl From<ReadCard> for Neighbour {
    fn from(card: ReadCard) -> Self {
        Self { id: card.id.0, path: href(&card), title: card.title }
    }
}

impl From<Place> for Copy {
    fn from(Place { source_slug, source_title, url }: Place) -> Self {
        Self { source: source_slug.to_string(), source_title, url: url.into() }
    }
}

impl From<Corrected> for Correction {
    fn from(Corrected { correction, at, said }: Corrected) -> Self {
        Self { field: correction.field().to_string(), text: correction.text().to_owned(), at, said }
    }
}

impl From<Refused> for Refusal {
    fn from(Refused { field, said, reason }: Refused) -> Self {
        Self { field, said, reason }
    }
}

/// One read with its statements, their evidence and who made them.
///
/// The number of a merged read gives the read that it was merged into.
#[utoipa::path(get, path = "/api/v1/reads/{id}", operation_id = "get_read", tag = "Reads",
    params(("id" = i64, Path, description = "The read's number.", minimum = 1), Single), responses((status = 200, body = WholeRead)))]
pub(super) async fn one(
    Path(id): Path<String>,
    Params(given): Params<Single>,
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let fields = Fields::of::<WholeRead>(given.fields.as_deref())?;
    let page = app.store.read(read_id(&id)?).await?.ok_or(Fault::NoSuchRead)?;
    let (previous, next) = app.store.beside(&page.card).await?;
    let ReadPage { card, article, precis, refused, corrected, places, fetched_at, updated, .. } = page;
    kept(&fields.chosen(&WholeRead {
        defined: precis.concepts.iter().map(ConceptName::of).collect(),
        words: article.words,
        language: article.language,
        site_name: article.site_name,
        places: places.into_iter().map(Copy::from).collect(),
        corrections: corrected.into_iter().map(Correction::from).collect(),
        refused: refused.into_iter().map(Refusal::from).collect(),
        fetched_at,
        updated,
        previous: previous.map(Neighbour::from),
        next: next.map(Neighbour::from),
        article: format!("/api/v1/reads/{}/article", card.id),
        read: Read::of(backissue_store::ReadSummary { card, precis }, visitor.sees_articles(&app)),
    })?)
}
