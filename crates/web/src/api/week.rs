//! `/api/week/{week}`

use axum::extract::{Path, State};
use axum::response::Response;
use backissue_model::{ConceptSlug, Form, Kind, ReadId, Slug, Week};
use backissue_store::{Order, ReadCard, ReadFilter, Store};
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use crate::api::kept;
use crate::api::weeks::ApiWeek;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::narrowing::Narrowing;
use crate::parts::reads;

/// Maximum reads per response.
const LIMIT: u32 = 100;

/// A read in a list.
#[derive(Serialize)]
pub(super) struct ApiCard {
    id: ReadId,
    title: String,
    url: Url,
    path: String,
    source: Slug,
    source_title: String,
    company: String,
    author: Option<String>,
    published: Option<Timestamp>,
    first_seen: Timestamp,
    week: Week,
    kind: Kind,
    problem: Option<String>,
    /// Whose words the problem uses. Absent without a problem.
    problem_form: Option<Form>,
    /// Whether the problem is sure enough to stand above the title.
    problem_leads: bool,
    description: Option<String>,
    minutes: u32,
    concepts: Vec<ConceptSlug>,
}

impl From<ReadCard> for ApiCard {
    fn from(card: ReadCard) -> Self {
        Self {
            path: reads::href(&card),
            id: card.id,
            title: card.title,
            url: card.url,
            source: card.source_slug,
            source_title: card.source_title,
            company: card.company,
            author: card.author,
            published: card.published,
            first_seen: card.first_seen,
            week: card.week,
            kind: card.kind,
            problem_form: card.problem.as_ref().map(|_| card.problem_form),
            problem_leads: card.problem_leads,
            problem: card.problem,
            description: card.description,
            minutes: card.minutes,
            concepts: card.concepts,
        }
    }
}

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    week: ApiWeek,
    items: Vec<ApiCard>,
    /// The address of the next page, if there is one.
    next: Option<String>,
}

impl ApiCard {
    /// What the visitor may see of it: a description may be the beginning of the article.
    pub(super) fn shown(self, frame: &Frame) -> Self {
        let description = self.description.filter(|_| frame.shows_articles);
        Self { description, ..self }
    }
}

pub(super) async fn week(
    frame: Frame,
    narrowing: Narrowing,
    Path(week): Path<String>,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let week: Week = week.parse()?;
    let filter = ReadFilter { week: Some(week), ..narrowing.looked_up(&store).await?.0 };
    let (stretch, count) = tokio::try_join!(
        store.reads(&filter, Order::ProblemsFirst, narrowing.after.as_ref(), LIMIT),
        store.week_count(week),
    )?;
    let next = stretch.next.map(|cursor| narrowing.after(&cursor).href(&format!("/api/week/{week}")));
    let items = stretch.items.into_iter().map(|card| ApiCard::from(card).shown(&frame)).collect();
    kept(&Answer { week: count.into(), items, next })
}
