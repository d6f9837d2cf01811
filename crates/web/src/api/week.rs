//! `/api/week/{week}`

use axum::extract::{Path, State};
use axum::response::Response;
use backissue_model::{ConceptSlug, Form, Kind, ReadId, Slug, Week};
use backissue_store::{Order, ReadCard, ReadFilter, Store};
use jiff::Timestamp;
use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

use crate::api::answer::kept;
use crate::api::names::{forms, kinds};
use crate::api::weeks::ApiWeek;
use crate::fault::Fault;
use crate::frame::Frame;
use crate::narrowing::Narrowing;
use crate::parts::reads;

/// Maximum reads per response.
const LIMIT: u32 = 100;

/// A read in a list.
#[derive(Serialize, ToSchema)]
#[schema(as = Card)]
pub(super) struct ApiCard {
    /// Its number.
    #[schema(value_type = i64, example = 12)]
    id: ReadId,
    /// Its title, or its address if it has none.
    title: String,
    /// The article's address at its publisher.
    #[schema(value_type = String, format = "uri")]
    url: Url,
    /// The path of its page here.
    path: String,
    /// The slug of the first source that named it.
    #[schema(value_type = String)]
    source: Slug,
    source_title: String,
    /// The company that published it.
    company: String,
    author: Option<String>,
    /// When it was published, if known.
    #[schema(value_type = Option<String>, format = DateTime)]
    published: Option<Timestamp>,
    /// When the archive first saw it.
    #[schema(value_type = String, format = DateTime)]
    first_seen: Timestamp,
    /// The ISO week under which it is filed.
    #[schema(value_type = String, example = "2026-W20")]
    week: Week,
    /// The kind of post.
    #[schema(schema_with = kinds)]
    kind: Kind,
    /// The problem, if it is likely enough to show.
    problem: Option<String>,
    /// Whose words the problem uses: the article's (`quoted`), a language model's (`written`) or a
    /// person's (`corrected`). Null without a problem.
    #[schema(schema_with = forms)]
    problem_form: Option<Form>,
    /// Whether the problem is sure enough to stand above the title.
    problem_leads: bool,
    /// The page's own description. Null for strangers who may not see articles.
    description: Option<String>,
    /// Minutes to read it.
    minutes: u32,
    /// The slugs of its concepts, best match first.
    #[schema(value_type = Vec<String>)]
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
    pub(super) fn shown(self, shows_articles: bool) -> Self {
        let description = self.description.filter(|_| shows_articles);
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
    let items =
        stretch.items.into_iter().map(|card| ApiCard::from(card).shown(frame.shows_articles)).collect();
    kept(&Answer { week: count.into(), items, next })
}
