//! `/api/v1/sources` and `/api/v1/companies`

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use backissue_model::{Health, Hub, Moved, Moving, Source, without_credentials};
use backissue_search::Filter;
use backissue_store::{Reach, SourceFilter, Store};
use jiff::Timestamp;
use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

use crate::api::answer::kept;
use crate::api::v1::request::{Fields, List, Page, Paged, Params, Single};
use crate::fault::Fault;
use crate::pages::{Condition, state};
use crate::question::href;

/// A followed blog.
#[derive(Serialize, ToSchema)]
#[schema(as = Source)]
pub(super) struct ApiSource {
    /// Its number.
    id: i64,
    /// Its identifier in addresses.
    slug: String,
    title: String,
    company: String,
    /// Its front page.
    site_url: Option<String>,
    /// The feed that is polled, without credentials.
    feed_url: Option<String>,
    /// A sitemap that lists its articles.
    sitemap_url: Option<String>,
    /// A page that lists its articles.
    listing_url: Option<String>,
    /// The group that a person put it in.
    group: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    followed_at: Timestamp,
    /// When it was unfollowed, if it was and reads of it remain.
    #[schema(value_type = Option<String>, format = DateTime)]
    unfollowed_at: Option<Timestamp>,
    /// Reads of it that the archive shows.
    reads: u64,
    /// The publication date of its newest read.
    #[schema(value_type = Option<String>, format = DateTime)]
    newest: Option<Timestamp>,
    /// How it is doing, in one word.
    condition: Condition,
    health: ApiHealth,
    /// The path of its page.
    path: String,
}

/// The state of a source's polls.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
struct ApiHealth {
    #[schema(value_type = Option<String>, format = DateTime)]
    last_poll: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_success: Option<Timestamp>,
    /// Null if no poll is planned.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_poll: Option<Timestamp>,
    /// The reason for the time of the next poll, in words.
    pace: Option<String>,
    /// The error of the last poll, in words. Null if it succeeded.
    last_error: Option<String>,
    /// Failed polls since the last success.
    failures: u32,
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<Timestamp>,
    /// New reads in the last successful poll. Null if the feed had not changed.
    last_new: Option<u64>,
    /// The address that its feed may be moving to.
    moving: Option<Move>,
    /// The address that its feed had before its last move.
    moved: Option<Move>,
    hub: Option<ApiHub>,
}

/// A feed's other address.
#[derive(Serialize, ToSchema)]
struct Move {
    #[schema(format = "uri")]
    url: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// The hub that notifies of changes (WebSub).
#[derive(Serialize, ToSchema)]
#[schema(as = Hub)]
struct ApiHub {
    #[schema(format = "uri")]
    url: String,
    /// When the subscription expires. Null if the hub has not confirmed it.
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
    /// Its last notification.
    #[schema(value_type = Option<String>, format = DateTime)]
    told_at: Option<Timestamp>,
    /// The error of the last request to it, in words.
    error: Option<String>,
}

fn bare(url: &Url) -> String {
    without_credentials(url).to_string()
}

impl From<Source> for ApiSource {
    fn from(source: Source) -> Self {
        let address = |url: &Option<Url>| url.as_ref().map(bare);
        Self {
            condition: state(&source),
            path: format!("/source/{}", source.slug),
            id: source.id.0,
            slug: source.slug.to_string(),
            site_url: address(&source.site_url),
            feed_url: address(&source.feed_url),
            sitemap_url: address(&source.sitemap_url),
            listing_url: address(&source.listing_url),
            title: source.title,
            company: source.company,
            group: source.group,
            followed_at: source.followed_at,
            unfollowed_at: source.unfollowed_at,
            reads: source.reads,
            newest: source.newest,
            health: source.health.into(),
        }
    }
}

impl From<Health> for ApiHealth {
    fn from(health: Health) -> Self {
        Self {
            last_poll: health.last_poll,
            last_success: health.last_success,
            next_poll: health.next_poll,
            pace: health.pace.map(|pace| pace.words()),
            last_error: health.last_error,
            failures: health.failures,
            failing_since: health.failing_since,
            last_new: health.last_new,
            moving: health.moving.map(|Moving { to, since }| Move { url: bare(&to), at: since }),
            moved: health.moved.map(|Moved { from, at }| Move { url: bare(&from), at }),
            hub: health.hub.map(|Hub { url, ends_at, told_at, error }| ApiHub {
                url: bare(&url),
                ends_at,
                told_at,
                error,
            }),
        }
    }
}

/// A source, and how far back the archive has it.
#[derive(Serialize, ToSchema)]
struct WholeSource {
    #[serde(flatten)]
    source: ApiSource,
    /// The publication date of its oldest read.
    #[schema(value_type = Option<String>, format = DateTime)]
    oldest: Option<Timestamp>,
    /// Its reads that are not shown yet.
    on_their_way: u64,
    backfill: Option<Backfill>,
}

/// The search for what a source published before its feed begins.
#[derive(Serialize, ToSchema)]
struct Backfill {
    #[schema(value_type = String, format = DateTime)]
    asked_at: Timestamp,
    /// Documents that were read.
    documents: u64,
    /// Addresses of articles in them, including known ones.
    found: u64,
    /// New reads.
    admitted: u64,
    /// Null while it goes on.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// The last error, in words.
    error: Option<String>,
}

impl From<backissue_store::Backfill> for Backfill {
    fn from(search: backissue_store::Backfill) -> Self {
        Self {
            asked_at: search.asked_at,
            documents: search.documents,
            found: search.found,
            admitted: search.admitted,
            finished_at: search.finished_at,
            error: search.error,
        }
    }
}

/// The followed blogs with their health, by slug.
#[utoipa::path(get, path = "/api/v1/sources", operation_id = "list_sources", tag = "Sources", params(Paged), responses((status = 200, body = List<ApiSource>)))]
pub(super) async fn list(
    Params(given): Params<Paged>,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let page = Page::of::<ApiSource>("sources", &given)?;
    let sources = store.sources(&SourceFilter::default()).await?.into_iter().map(ApiSource::from).collect();
    kept(&page.cut(sources, |source: &ApiSource| source.slug.clone())?)
}

/// One source. Its reads are in `/api/v1/reads?source=`.
#[utoipa::path(get, path = "/api/v1/sources/{slug}", operation_id = "get_source", tag = "Sources",
    params(("slug" = String, Path, description = "The source's slug.", min_length = 1), Single), responses((status = 200, body = WholeSource)))]
pub(super) async fn one(
    Path(slug): Path<String>,
    Params(given): Params<Single>,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let fields = Fields::of::<WholeSource>(given.fields.as_deref())?;
    let Some(source) = store.source_by_slug(&slug).await? else {
        return Err(Fault::no_such_source(&store, &slug).await);
    };
    let Reach { oldest, on_their_way, backfill } = store.reach(source.id).await?;
    kept(&fields.chosen(&WholeSource {
        source: source.into(),
        oldest,
        on_their_way,
        backfill: backfill.map(Backfill::from),
    })?)
}

/// A company with the sources that are its own.
#[derive(Serialize, ToSchema)]
struct Company {
    name: String,
    /// Reads of these sources. A read that two of them name counts twice.
    reads: u64,
    /// The slugs of its sources.
    sources: Vec<String>,
    /// The path of a search that lists its reads.
    search: String,
}

/// The companies behind the sources, by name.
#[utoipa::path(get, path = "/api/v1/companies", operation_id = "list_companies", tag = "Sources", params(Paged), responses((status = 200, body = List<Company>)))]
pub(super) async fn companies(
    Params(given): Params<Paged>,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let page = Page::of::<Company>("companies", &given)?;
    let mut companies: BTreeMap<String, Company> = BTreeMap::new();
    for source in store.sources(&SourceFilter::default()).await? {
        let company = companies.entry(source.company.clone()).or_insert_with(|| Company {
            search: href("/api/v1/search", &Filter::Company(source.company.clone()).to_string(), 1),
            name: source.company,
            reads: 0,
            sources: Vec::new(),
        });
        company.reads += source.reads;
        company.sources.push(source.slug.to_string());
    }
    kept(&page.cut(companies.into_values().collect(), |company: &Company| company.name.clone())?)
}
