//! `/api/v1/digests`

use axum::extract::{Path, State};
use axum::response::Response;
use backissue_digest::{Digest, Totals};
use backissue_model::Week;
use backissue_store::{ReadFilter, Store};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::answer::kept;
use crate::api::v1::request::{Fields, List, Page, Paged, Params, Single, week};
use crate::api::v1::shapes::Read;
use crate::api::week::ApiCard;
use crate::fault::Fault;
use crate::readers::Visitor;
use crate::{App, documents};

/// A week whose digest is complete.
#[derive(Serialize, ToSchema)]
struct DigestWeek {
    /// The ISO week.
    week: String,
    /// Its reads.
    reads: u64,
    /// Its reads with a problem.
    problems: u64,
    /// The path of the digest.
    path: String,
    /// The path of the digest as Markdown.
    markdown: String,
}

/// The digests of weeks that have ended, newest first.
#[utoipa::path(get, path = "/api/v1/digests", operation_id = "list_digests", tag = "Digests", params(Paged), responses((status = 200, body = List<DigestWeek>)))]
pub(super) async fn list(Params(given): Params<Paged>, State(app): State<App>) -> Result<Response, Fault> {
    let page = Page::of::<DigestWeek>("digests", &given)?;
    let after = page.after.as_deref().map(week).transpose()?;
    let before = after.unwrap_or_else(|| Week::of(Timestamp::now(), &app.site.time_zone));
    let mut weeks = app.store.weeks().await?;
    weeks.retain(|count| count.week < before);
    let has_more = weeks.len() > page.limit as usize;
    weeks.truncate(page.limit as usize);
    let next = weeks.last().filter(|_| has_more).map(|last| last.week.to_string());
    let items = weeks.into_iter().map(|count| DigestWeek {
        week: count.week.to_string(),
        reads: count.reads,
        problems: count.problems,
        path: format!("/api/v1/digests/{}", count.week),
        markdown: format!("/week/{}.md", count.week),
    });
    kept(&page.list(items.collect(), next)?)
}

/// A week as it goes out: the best reads first, the rest by concept.
#[derive(Serialize, ToSchema)]
struct WeekDigest {
    /// The ISO week.
    week: String,
    /// What the sender says at the top; empty if nothing.
    remark: String,
    /// The reads that come first, the best first.
    picks: Vec<Pick>,
    /// The rest by concept.
    groups: Vec<Group>,
    /// Announcements, events and profiles.
    announcements: Vec<ApiCard>,
    totals: Sums,
}

/// A read that comes first.
#[derive(Serialize, ToSchema)]
struct Pick {
    read: Read,
    /// What the sender says of it; empty if nothing.
    remark: String,
}

/// Reads with a concept in common.
#[derive(Serialize, ToSchema)]
struct Group {
    /// The concept's slug. Null for reads that share none.
    concept: Option<String>,
    heading: String,
    /// The reads, the best first.
    reads: Vec<ApiCard>,
}

/// What a digest adds up to.
#[derive(Serialize, ToSchema)]
struct Sums {
    reads: u64,
    problems: u64,
    companies: u64,
    minutes: u64,
    /// Reads that come first.
    first: u64,
    minutes_first: u64,
}

impl From<Totals> for Sums {
    fn from(totals: Totals) -> Self {
        Self {
            reads: totals.reads as u64,
            problems: totals.problems as u64,
            companies: totals.companies as u64,
            minutes: totals.minutes,
            first: totals.first as u64,
            minutes_first: totals.minutes_first,
        }
    }
}

impl WeekDigest {
    fn of(digest: Digest, shows_articles: bool) -> Self {
        let card = |card| ApiCard::from(card).shown(shows_articles);
        let headings: Vec<String> = digest.groups.iter().map(|group| group.heading(&digest)).collect();
        let groups = digest.groups.into_iter().zip(headings).map(|(group, heading)| Group {
            concept: group.concept.map(|slug| slug.to_string()),
            heading,
            reads: group.reads.into_iter().map(card).collect(),
        });
        let picks = digest.picks.into_iter();
        Self {
            week: digest.week.to_string(),
            remark: digest.remark,
            picks: picks
                .map(|pick| Pick { read: Read::of(pick.read, shows_articles), remark: pick.remark })
                .collect(),
            groups: groups.collect(),
            announcements: digest.announcements.into_iter().map(card).collect(),
            totals: digest.totals.into(),
        }
    }
}

/// The digest of a week: the one that was published, or else one that is composed by rule.
#[utoipa::path(get, path = "/api/v1/digests/{week}", operation_id = "get_digest", tag = "Digests",
    params(("week" = String, Path, description = "The ISO week.", pattern = r"^[0-9]{4}-W[0-9]{2}$", example = "2026-W20"), Single),
    responses((status = 200, body = WeekDigest)))]
pub(super) async fn one(
    Path(name): Path<String>,
    Params(given): Params<Single>,
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let fields = Fields::of::<WeekDigest>(given.fields.as_deref())?;
    let store: &Store = &app.store;
    let week = week(&name)?;
    let filter = ReadFilter { week: Some(week), ..ReadFilter::default() };
    let digest = documents::digest(store, week, &filter).await?;
    kept(&fields.chosen(&WeekDigest::of(digest, visitor.sees_articles(&app)))?)
}
