//! `/api/v1/weeks`

use axum::extract::{Path, State};
use axum::response::Response;
use backissue_model::Week;
use backissue_store::{ReaderCount, Store};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::answer::kept;
use crate::api::v1::request::{Fields, List, Page, Paged, Params, Single, week};
use crate::api::weeks::ApiWeek;
use crate::fault::Fault;
use crate::readers::Visitor;

/// A week, the weeks next to it, and how far the reader is.
#[derive(Serialize, ToSchema)]
struct WholeWeek {
    #[serde(flatten)]
    week: ApiWeek,
    /// The nearest older week with reads.
    #[schema(value_type = Option<String>)]
    older: Option<Week>,
    /// The nearest newer week with reads.
    #[schema(value_type = Option<String>)]
    newer: Option<Week>,
    /// The reader's own counts. Null for strangers.
    mine: Option<MyCount>,
}

/// What a reader did with the reads of a week.
#[derive(Serialize, ToSchema)]
struct MyCount {
    /// Reads that are neither done nor hidden.
    unread: u64,
    /// Reads on the shelf.
    kept: u64,
    /// Reads with a note.
    noted: u64,
    /// Minutes to read the unread ones.
    minutes: u64,
}

impl From<ReaderCount> for MyCount {
    fn from(ReaderCount { unread, kept, noted, minutes, .. }: ReaderCount) -> Self {
        Self { unread, kept, noted, minutes }
    }
}

/// Weeks with reads, newest first.
#[utoipa::path(get, path = "/api/v1/weeks", operation_id = "list_weeks", tag = "Weeks", params(Paged), responses((status = 200, body = List<ApiWeek>)))]
pub(super) async fn list(
    Params(given): Params<Paged>,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let page = Page::of::<ApiWeek>("weeks", &given)?;
    let mut weeks = store.weeks().await?;
    if let Some(after) = &page.after {
        let after = week(after)?;
        weeks.retain(|count| count.week < after);
    }
    let has_more = weeks.len() > page.limit as usize;
    weeks.truncate(page.limit as usize);
    let next = weeks.last().filter(|_| has_more).map(|last| last.week.to_string());
    kept(&page.list(weeks.into_iter().map(ApiWeek::from).collect(), next)?)
}

/// One week with its counts. Its reads are in `/api/v1/reads?week=`.
#[utoipa::path(get, path = "/api/v1/weeks/{week}", operation_id = "get_week", tag = "Weeks",
    params(("week" = String, Path, description = "The ISO week.", pattern = r"^[0-9]{4}-W[0-9]{2}$", example = "2026-W20"), Single),
    responses((status = 200, body = WholeWeek)))]
pub(super) async fn one(
    Path(name): Path<String>,
    Params(given): Params<Single>,
    visitor: Visitor,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let fields = Fields::of::<WholeWeek>(given.fields.as_deref())?;
    let week = week(&name)?;
    let mine = async {
        match visitor.reader {
            Some(reader) => store.reader_week(reader, week).await.map(Some),
            None => Ok(None),
        }
    };
    let (count, (older, newer), mine) =
        tokio::try_join!(store.week_count(week), store.neighbours(week), mine)?;
    kept(&fields.chosen(&WholeWeek { week: count.into(), older, newer, mine: mine.map(MyCount::from) })?)
}
